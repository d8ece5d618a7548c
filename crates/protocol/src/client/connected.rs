//! After CONNACK: every packet of the server, to an answer and to an event.

use super::event::{End, Event, Received, Refused, ServerLimits, Token};
use super::handshake::server_reference;
use super::options::ConnectOptions;
use super::ping::Ping;
use super::requests::Kind;
use super::{Connection, State};
use crate::Time;
use crate::exchange::{self, Arrival, Outcome, Receiver};
use crate::publication::{Message, split_properties};
use crate::session::SubscriptionIds;
use crate::transmit::Transmitter;
use crate::violation::{Fatal, Violation};
use alloc::boxed::Box;
use alloc::vec::Vec;
use martlet_codec::{
    Ack, AckKind, Auth, Disconnect, Packet, PacketId, PropertiesBuf, Property, Publish, ReasonCode,
    ReasonCodes,
};

#[derive(Debug)]
pub(super) struct Connected {
    pub(super) transmitter: Transmitter,
    pub(super) receiver: Receiver,
    pub(super) server: ServerLimits,
    pub(super) ping: Ping,
    /// Messages in flight to the server at most. [MQTT-4.9.0-1]
    pub(super) window: u16,
}

impl Connected {
    pub(super) fn new(now: Time, options: &ConnectOptions, server: ServerLimits, keep_alive_s: u16) -> Self {
        let limits = &options.limits;
        Connected {
            transmitter: Transmitter::new(options.version, server.peer, limits.topic_alias_outgoing_max),
            receiver: Receiver::new(options.version, limits),
            server,
            ping: Ping::new(keep_alive_s, options.ping_timeout_ms, now),
            window: server.peer.receive_maximum.min(limits.in_flight_max),
        }
    }
}

impl Connection {
    pub(super) fn handle_packet(&mut self, now: Time, packet: &Packet<'_>) -> Result<(), Fatal> {
        match packet {
            Packet::Publish(publish) => Ok(self.handle_publish(now, publish)?),
            Packet::Ack(ack) => Ok(self.handle_ack(ack)?),
            Packet::SubAck(ack) => Ok(self.handle_answer(Kind::Subscribe, ack.packet_id, ack.reasons)?),
            Packet::UnsubAck(ack) => Ok(self.handle_answer(Kind::Unsubscribe, ack.packet_id, ack.reasons)?),
            Packet::PingResp => Ok(()), // that something came was noted
            Packet::Disconnect(disconnect) => Ok(self.handle_disconnect(disconnect)?),
            Packet::Auth(auth) => self.handle_auth(auth),
            Packet::ConnAck(_) => Err(Violation::SecondConnAck.into()),
            Packet::Connect(_) | Packet::Subscribe(_) | Packet::Unsubscribe(_) | Packet::PingReq => {
                Err(Violation::WrongDirection(packet.kind()).into())
            }
        }
    }

    /// Acknowledged at once, so in the order of arrival, whether it is used or not.
    /// [MQTT-4.5.0-2] [MQTT-4.6.0-2] [MQTT-4.6.0-3] [3.1.1 MQTT-4.5.0-2] [3.1.1 MQTT-4.6.0-2] [3.1.1 MQTT-4.6.0-3]
    fn handle_publish(&mut self, now: Time, publish: &Publish<'_>) -> Result<(), Violation> {
        let State::Connected(connected) = &mut self.state else { return Ok(()) };
        let receiver = &mut connected.receiver;
        let version = self.options.version;
        if let Arrival::Duplicate(owed) = receiver.publish(publish, false, &mut self.session.incoming)? {
            owed.write(version, &mut self.output);
            return Ok(());
        }
        let mut unaltered = PropertiesBuf::new();
        let (properties, expiry_s) = split_properties(publish.properties, &mut unaltered);
        let message = Message {
            topic: receiver.topic(publish),
            properties,
            payload: publish.payload,
            expires_at: expiry_s.map(|s| now.after_s(s)),
            publisher: 0,
        };
        let ids: Vec<u32> = publish.subscription_identifiers().collect();
        self.events.push_back(Event::Message(Box::new(Received {
            publication: message.to_publication(),
            qos: publish.qos,
            dup: publish.dup,
            retain: publish.retain,
            subscription_ids: SubscriptionIds::new(&ids),
            topic_alias: publish.topic_alias(),
            expiry_s,
        })));
        let owed = receiver.acknowledge(publish.qos, ReasonCode::Success, &mut self.session.incoming);
        owed.iter().for_each(|owed| owed.write(version, &mut self.output));
        Ok(())
    }

    fn handle_ack(&mut self, ack: &Ack<'_>) -> Result<(), Violation> {
        if !matches!(self.state, State::Connected(_)) {
            return Ok(());
        }
        let version = self.options.version;
        if ack.kind == AckKind::PubRel {
            Receiver::pubrel(ack.packet_id, &mut self.session.incoming).write(version, &mut self.output);
            return Ok(());
        }
        match exchange::acknowledged(ack, &mut self.session.outgoing, &mut self.publications)? {
            Outcome::Settled(group) => {
                let token = Token(group.expect("every message here was queued with its token"));
                // PUBCOMP with 0x92 answers a PUBREL sent again: the message was settled before (3.7.2.1).
                let reason = if ack.kind == AckKind::PubComp { ReasonCode::Success } else { ack.reason };
                self.events.push_back(Event::Published(token, reason)); // [MQTT-4.4.0-2]
            }
            Outcome::Received(owed) => owed.write(version, &mut self.output),
            Outcome::Nothing => {}
        }
        Ok(())
    }

    /// SUBACK or UNSUBACK: for the request of its identifier, with a reason code for each filter.
    fn handle_answer(&mut self, kind: Kind, id: PacketId, reasons: ReasonCodes<'_>) -> Result<(), Violation> {
        let request = self.requests.remove(id).filter(|request| request.kind == kind);
        let request = request.ok_or(Violation::AcknowledgementMismatch)?; // [MQTT-3.8.4-2] [MQTT-3.10.4-5]
        let unnamed = kind == Kind::Unsubscribe && !self.options.version.is_v5();
        if reasons.len() != request.filters && !unnamed {
            return Err(Violation::AcknowledgementMismatch); // [MQTT-3.9.3-1] [MQTT-3.11.3-1]
        }
        let reasons = reasons.iter().collect();
        self.events.push_back(match kind {
            Kind::Subscribe => Event::Subscribed(request.token, reasons),
            Kind::Unsubscribe => Event::Unsubscribed(request.token, reasons),
        });
        Ok(())
    }

    fn handle_disconnect(&mut self, disconnect: &Disconnect<'_>) -> Result<(), Violation> {
        if !self.options.version.is_v5() {
            return Err(Violation::WrongDirection(martlet_codec::PacketType::Disconnect));
        }
        let expiry = |property| matches!(property, Property::SessionExpiryInterval(_));
        if disconnect.properties.iter().any(expiry) {
            return Err(Violation::SessionExpiryFromServer); // [MQTT-3.14.2-2]
        }
        self.end(End::Server {
            reason: disconnect.reason,
            text: disconnect.properties.reason_string().map(Into::into),
            server_reference: server_reference(disconnect.properties),
        });
        Ok(())
    }

    fn handle_auth(&mut self, auth: &Auth<'_>) -> Result<(), Fatal> {
        let data = crate::server::auth_data(auth, self.method())?;
        self.events.push_back(match auth.reason {
            ReasonCode::ContinueAuthentication => Event::Challenge(data),
            ReasonCode::Success => Event::Reauthenticated(data),
            _ => return Err(Violation::AuthReason.into()), // [MQTT-3.15.2-1]
        });
        Ok(())
    }

    /// Writes messages of the queue while the window is open and the output is low.
    pub(super) fn transmit_queued(&mut self, now: Time) {
        let State::Connected(connected) = &mut self.state else { return };
        while self.output.len() < self.options.limits.output_low_bytes {
            let Some(next) = self.session.outgoing.next(connected.window) else { return };
            let sent =
                super::sending::transmit(now, &next, connected, &mut self.publications, &mut self.output);
            let Err(why) = sent else {
                self.session.outgoing.mark_sent();
                continue;
            };
            let group = self.session.outgoing.skip(&mut self.publications);
            let token = Token(group.expect("every message here was queued with its token"));
            self.events.push_back(Event::Dropped(token, why));
        }
    }

    pub(super) fn check_request(&self, len: usize) -> Result<PacketId, Refused> {
        let State::Connected(connected) = &self.state else { return Err(Refused::NotConnected) };
        if len > connected.server.peer.maximum_packet_size as usize {
            return Err(Refused::TooLarge); // [MQTT-3.2.2-15]
        }
        self.requests.free_id().ok_or(Refused::TooManyRequests) // [MQTT-2.2.1-3]
    }
}
