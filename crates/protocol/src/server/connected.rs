//! After CONNACK: every packet of a client, to an answer or to an [`Event`].

use super::greeting::Greeting;
use super::{Connection, Link, auth_data};
use crate::Time;
use crate::alias::IncomingAliases;
use crate::answer;
use crate::keep_alive::KeepAlive;
use crate::limits::Limits;
use crate::output::Output;
use crate::publication::topic_alias;
use crate::session::{Acknowledged, GroupRef, Session};
use crate::transmit::Transmitter;
use crate::violation::{Fatal, Violation};
use alloc::boxed::Box;
use martlet_codec::{
    Ack, AckKind, Auth, Disconnect, Frame, Packet, PacketId, Properties, Property, Publish, QoS,
};
use martlet_codec::{ReasonCode, ReasonCodes, SubAck, Subscribe, TopicName, UnsubAck, Unsubscribe};

/// What the broker must decide, or know.
#[derive(Debug)]
pub enum Event<'a> {
    /// Nothing: it was dealt with.
    None,
    /// A new message: route it, then [`Connection::acknowledge`]. Its topic is [`Connection::topic`].
    Publish(Publish<'a>),
    /// Subscribe, then [`Connection::suback`].
    Subscribe(Subscribe<'a>),
    /// Unsubscribe, then [`Connection::unsuback`].
    Unsubscribe(Unsubscribe<'a>),
    /// A message to the client is settled: there may be room for the next.
    Settled(GroupRef),
    /// PUBREC came for a QoS 2 message, and PUBREL was answered.
    Received,
    /// A step of a re-authentication, with its data.
    Authenticate(Option<Box<[u8]>>),
    /// The client ends the connection.
    Disconnect {
        /// Its reason: anything but 0x00 leaves the will in force. [MQTT-3.14.4-3]
        reason: ReasonCode,
        /// A new Session Expiry Interval in seconds.
        session_expiry_s: Option<u32>,
    },
}

#[derive(Debug)]
pub(super) struct Connected {
    pub(super) transmitter: Transmitter,
    pub(super) keep_alive: KeepAlive,
    pub(super) method: Option<Box<str>>,
    pub(super) reauthenticating: bool,
    /// Messages in flight to the client at most.
    pub(super) window: u16,
    receive_maximum: u16,
    topic_alias_maximum: u16,
    session_expired_at_close: bool,
    aliases: Option<Box<IncomingAliases>>,
}

impl Connected {
    pub(super) fn new(now: Time, greeting: &Greeting, keep_alive_s: u16, limits: &Limits) -> Self {
        let v5 = greeting.version.is_v5();
        Connected {
            transmitter: Transmitter::new(greeting.version, greeting.peer, limits.topic_alias_outgoing_max),
            keep_alive: KeepAlive::new(keep_alive_s, now),
            method: greeting.authentication.as_ref().map(|auth| auth.method.clone()),
            reauthenticating: false,
            window: greeting.peer.receive_maximum.min(limits.in_flight_max),
            receive_maximum: if v5 { limits.receive_maximum } else { u16::MAX },
            topic_alias_maximum: if v5 { limits.topic_alias_maximum } else { 0 },
            session_expired_at_close: greeting.session_expiry_s == 0,
            aliases: None,
        }
    }

    /// PUBREL once more for each message that the client has received and not completed. [MQTT-4.4.0-1]
    pub(super) fn release_again(&self, link: &mut Link<'_>) {
        let version = self.transmitter.version();
        for id in link.session.outgoing.unreleased() {
            answer::acknowledge(AckKind::PubRel, id, ReasonCode::Success, version, link.output);
        }
    }

    fn handle<'a>(&mut self, packet: Packet<'a>, link: &mut Link<'_>) -> Result<Event<'a>, Violation> {
        match packet {
            Packet::Publish(publish) => self.handle_publish(publish, link),
            Packet::Ack(ack) if ack.kind == AckKind::PubRel => {
                self.handle_pubrel(ack.packet_id, link);
                Ok(Event::None)
            }
            Packet::Ack(ack) => self.handle_ack(&ack, link),
            Packet::Subscribe(subscribe) => Ok(Event::Subscribe(subscribe)),
            Packet::Unsubscribe(unsubscribe) => Ok(Event::Unsubscribe(unsubscribe)),
            Packet::PingReq => {
                Packet::PingResp.encode(self.transmitter.version(), link.output.buffer()); // [MQTT-3.12.4-1]
                Ok(Event::None)
            }
            Packet::Disconnect(disconnect) => self.handle_disconnect(&disconnect),
            Packet::Auth(auth) => self.handle_auth(&auth),
            Packet::Connect(_) => Err(Violation::SecondConnect), // [MQTT-3.1.0-2]
            Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp => {
                Err(Violation::WrongDirection(packet.kind()))
            }
        }
    }

    fn handle_publish<'a>(
        &mut self,
        publish: Publish<'a>,
        link: &mut Link<'_>,
    ) -> Result<Event<'a>, Violation> {
        let foreign = |property| matches!(property, Property::SubscriptionIdentifier(_));
        if publish.properties.iter().any(foreign) {
            return Err(Violation::SubscriptionIdFromClient); // [MQTT-3.3.4-6]
        }
        self.handle_alias(&publish)?;
        if publish.qos == QoS::AtMostOnce {
            return Ok(Event::Publish(publish));
        }
        let is_new = match publish.qos {
            QoS::ExactlyOnce(id) => !link.session.incoming.contains(id),
            _ => true,
        };
        if is_new && link.session.incoming.in_flight() >= u32::from(self.receive_maximum) {
            return Err(Violation::ReceiveMaximumExceeded); // [MQTT-3.3.4-7]
        }
        if let QoS::ExactlyOnce(id) = publish.qos
            && !link.session.incoming.receive(id)
        {
            // A duplicate of what was delivered on already. [MQTT-4.3.3-10]
            let version = self.transmitter.version();
            answer::acknowledge(AckKind::PubRec, id, ReasonCode::Success, version, link.output);
            return Ok(Event::None);
        }
        Ok(Event::Publish(publish))
    }

    fn handle_alias(&mut self, publish: &Publish<'_>) -> Result<(), Violation> {
        let Some(alias) = topic_alias(publish) else { return Ok(()) };
        if alias > self.topic_alias_maximum {
            return Err(Violation::TopicAliasAboveMaximum); // [MQTT-3.3.2-9]
        }
        match publish.topic {
            Some(topic) => self.aliases.get_or_insert_default().set(alias, topic), // [MQTT-3.3.2-12]
            None if self.topic_of(alias).is_none() => return Err(Violation::TopicAliasUnknown),
            None => {}
        }
        Ok(())
    }

    fn topic_of(&self, alias: u16) -> Option<TopicName<'_>> {
        self.aliases.as_ref()?.get(alias)
    }

    fn handle_pubrel(&mut self, id: PacketId, link: &mut Link<'_>) {
        let known = link.session.incoming.release(id); // [MQTT-4.3.3-12]
        let reason = if known { ReasonCode::Success } else { ReasonCode::PacketIdentifierNotFound };
        answer::acknowledge(AckKind::PubComp, id, reason, self.transmitter.version(), link.output); // [MQTT-4.3.3-11]
    }

    fn handle_ack<'a>(&mut self, ack: &Ack<'_>, link: &mut Link<'_>) -> Result<Event<'a>, Violation> {
        let failed = ack.reason.is_failure();
        let reason =
            match link.session.outgoing.acknowledge(ack.kind, ack.packet_id, failed, link.publications) {
                Acknowledged::Settled(group) => return Ok(Event::Settled(group)),
                Acknowledged::WrongKind => return Err(Violation::WrongAcknowledgement),
                Acknowledged::Release => ReasonCode::Success, // [MQTT-4.3.3-4]
                Acknowledged::Unknown if ack.kind == AckKind::PubRec && !failed => {
                    ReasonCode::PacketIdentifierNotFound
                }
                Acknowledged::Unknown => return Ok(Event::None),
            };
        answer::acknowledge(AckKind::PubRel, ack.packet_id, reason, self.transmitter.version(), link.output);
        Ok(Event::Received)
    }

    fn handle_disconnect<'a>(&self, disconnect: &Disconnect<'_>) -> Result<Event<'a>, Violation> {
        let session_expiry_s = disconnect.properties.iter().find_map(|property| match property {
            Property::SessionExpiryInterval(s) => Some(s),
            _ => None,
        });
        if self.session_expired_at_close && session_expiry_s.is_some_and(|s| s != 0) {
            return Err(Violation::SessionExpiryRaised); // 3.14.2.2.2
        }
        Ok(Event::Disconnect { reason: disconnect.reason, session_expiry_s })
    }

    fn handle_auth<'a>(&mut self, auth: &Auth<'_>) -> Result<Event<'a>, Violation> {
        let data = match auth_data(auth, self.method.as_deref()) {
            Ok(data) => data,
            Err(Fatal::Violation(violation)) => return Err(violation),
            Err(Fatal::Malformed(_)) => unreachable!("the packet was decoded"),
        };
        match auth.reason {
            ReasonCode::ReAuthenticate => self.reauthenticating = true, // [MQTT-4.12.1-1]
            ReasonCode::ContinueAuthentication if self.reauthenticating => {}
            _ => return Err(Violation::AuthReason), // [MQTT-3.15.2-1]
        }
        Ok(Event::Authenticate(data))
    }
}

impl Connection {
    /// Handles one frame of a connected client.
    pub fn handle_frame<'a>(
        &mut self,
        now: Time,
        frame: Frame<'a>,
        link: &mut Link<'_>,
    ) -> Result<Event<'a>, Fatal> {
        let connected = self.connected_mut();
        connected.keep_alive.heard(now);
        let packet = Packet::decode(frame, connected.transmitter.version())?;
        Ok(connected.handle(packet, link)?)
    }

    /// The topic of a PUBLISH that [`Event::Publish`] carries: its own, or that of its alias.
    pub fn topic<'a>(&'a self, publish: &Publish<'a>) -> TopicName<'a> {
        publish.topic.unwrap_or_else(|| {
            let alias = topic_alias(publish).expect("the codec lets no PUBLISH pass without topic and alias");
            self.connected().topic_of(alias).expect("an unknown alias is a Violation before it is an Event")
        })
    }

    /// The message of an [`Event::Publish`] was accepted, or refused with a reason: PUBACK or PUBREC.
    /// [MQTT-4.3.2-4] [MQTT-4.3.3-8]
    pub fn acknowledge(&mut self, qos: QoS, reason: ReasonCode, session: &mut Session, output: &mut Output) {
        let version = self.connected().transmitter.version();
        match qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce(id) => answer::acknowledge(AckKind::PubAck, id, reason, version, output),
            QoS::ExactlyOnce(id) => {
                if reason.is_failure() && version.is_v5() {
                    session.incoming.release(id); // [MQTT-4.3.3-9]
                }
                answer::acknowledge(AckKind::PubRec, id, reason, version, output);
            }
        }
    }

    /// Answers SUBSCRIBE: one reason code per filter, in order. [MQTT-3.8.4-6] [MQTT-3.9.3-1]
    pub fn suback(&self, packet_id: PacketId, reasons: &[u8], output: &mut Output) {
        let version = self.connected().transmitter.version();
        let reasons = ReasonCodes::from_checked(reasons);
        let suback = SubAck { packet_id, properties: Properties::NONE, reasons }; // [MQTT-3.8.4-2]
        Packet::SubAck(suback).encode(version, output.buffer());
    }

    /// Answers UNSUBSCRIBE; 3.x leaves the reason codes out. [MQTT-3.10.4-4] [MQTT-3.11.3-1]
    pub fn unsuback(&self, packet_id: PacketId, reasons: &[u8], output: &mut Output) {
        let version = self.connected().transmitter.version();
        let reasons = ReasonCodes::from_checked(reasons);
        let unsuback = UnsubAck { packet_id, properties: Properties::NONE, reasons }; // [MQTT-3.10.4-5]
        Packet::UnsubAck(unsuback).encode(version, output.buffer());
    }
}
