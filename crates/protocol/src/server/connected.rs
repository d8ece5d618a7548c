//! After CONNACK: every packet of a client, to an answer or to an [`Event`].

use super::greeting::Greeting;
use super::{Connection, Link, auth_data};
use crate::Time;
use crate::answer::Owed;
use crate::exchange::{self, Arrival, Outcome, Receiver};
use crate::keep_alive::KeepAlive;
use crate::limits::Limits;
use crate::output::Output;
use crate::session::{Acknowledged, GroupRef, Session};
use crate::transmit::Transmitter;
use crate::violation::{Fatal, Violation};
use alloc::boxed::Box;
use martlet_codec::{
    Ack, AckKind, Auth, Disconnect, Frame, Packet, PacketId, Properties, Property, Publish, QoS, QoSLevel,
};
use martlet_codec::{
    ReasonCode, ReasonCodes, SubAck, Subscribe, TopicName, UnsubAck, Unsubscribe, publish_first_byte,
};

/// What the broker must decide, or know.
#[derive(Debug)]
pub enum Event<'a> {
    /// Nothing: it was dealt with.
    None,
    /// An acknowledgement is owed: [`Connection::write`] it when it may be told. A PUBREL says that PUBREC came.
    Owed(Owed),
    /// PINGREQ: [`Connection::pingresp`].
    Ping,
    /// A new message: route it, then [`Connection::acknowledge`].
    Publish {
        /// The packet. Its topic is [`Connection::topic`].
        publish: Publish<'a>,
        /// Whether the topic is that of this client's last message.
        is_topic_again: bool,
    },
    /// Subscribe, then [`Connection::suback`].
    Subscribe(Subscribe<'a>),
    /// Unsubscribe, then [`Connection::unsuback`].
    Unsubscribe(Unsubscribe<'a>),
    /// A message to the client is settled: there may be room for the next.
    Settled(GroupRef),
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
    receiver: Receiver,
    session_expired_at_close: bool,
}

impl Connected {
    pub(super) fn new(now: Time, greeting: &Greeting, keep_alive_s: u16, limits: &Limits) -> Self {
        Connected {
            transmitter: Transmitter::new(greeting.version, greeting.peer, limits.topic_alias_outgoing_max),
            keep_alive: KeepAlive::new(keep_alive_s, now),
            method: greeting.authentication.as_ref().map(|auth| auth.method.clone()),
            reauthenticating: false,
            window: greeting.peer.receive_maximum.min(limits.in_flight_max),
            receiver: Receiver::new(greeting.version, limits),
            session_expired_at_close: greeting.session_expiry_s == 0,
        }
    }

    fn handle<'a>(&mut self, packet: Packet<'a>, link: &mut Link<'_>) -> Result<Event<'a>, Violation> {
        match packet {
            Packet::Publish(publish) => self.handle_publish(publish, false, link),
            Packet::Ack(ack) if ack.kind == AckKind::PubRel => {
                Ok(Event::Owed(Receiver::pubrel(ack.packet_id, &mut link.session.incoming)))
            }
            Packet::Ack(ack) => handle_ack(&ack, link),
            Packet::Subscribe(subscribe) => Ok(Event::Subscribe(subscribe)),
            Packet::Unsubscribe(unsubscribe) => Ok(Event::Unsubscribe(unsubscribe)),
            Packet::PingReq => Ok(Event::Ping),
            Packet::Disconnect(disconnect) => self.handle_disconnect(&disconnect),
            Packet::Auth(auth) => self.handle_auth(&auth),
            Packet::Connect(_) => Err(Violation::SecondConnect), // [MQTT-3.1.0-2] [3.1.1 MQTT-3.1.0-2]
            Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp => {
                Err(Violation::WrongDirection(packet.kind()))
            }
        }
    }

    fn handle_publish<'a>(
        &mut self,
        publish: Publish<'a>,
        is_again: bool,
        link: &mut Link<'_>,
    ) -> Result<Event<'a>, Violation> {
        let foreign = |property| matches!(property, Property::SubscriptionIdentifier(_));
        if publish.properties.iter().any(foreign) {
            return Err(Violation::SubscriptionIdFromClient); // [MQTT-3.3.4-6]
        }
        if let Arrival::Duplicate(owed) =
            self.receiver.publish(&publish, is_again, &mut link.session.incoming)?
        {
            return Ok(Event::Owed(owed));
        }
        Ok(Event::Publish { is_topic_again: is_again || self.receiver.remember(&publish), publish })
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
            ReasonCode::ReAuthenticate if !self.reauthenticating => self.reauthenticating = true, // [MQTT-4.12.1-1]
            ReasonCode::ContinueAuthentication if self.reauthenticating => {}
            _ => return Err(Violation::AuthReason), // [MQTT-3.15.2-1]
        }
        Ok(Event::Authenticate(data))
    }
}

fn handle_ack<'a>(ack: &Ack<'_>, link: &mut Link<'_>) -> Result<Event<'a>, Violation> {
    Ok(match exchange::acknowledged(ack, &mut link.session.outgoing, link.publications)? {
        Outcome::Settled(group) => Event::Settled(group),
        Outcome::Received(owed) => Event::Owed(owed),
        Outcome::Nothing => Event::None,
    })
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
        if let Some(publish) = connected.receiver.decode_again(frame) {
            return Ok(connected.handle_publish(publish?, true, link)?);
        }
        let packet = match Ack::decode_success(frame) {
            Some(ack) => Packet::Ack(ack),
            None => Packet::decode(frame, connected.transmitter.version())?,
        };
        Ok(connected.handle(packet, link)?)
    }

    /// Handles the frames at the beginning of `bytes`, as far as each is a PUBACK that says no more than success and
    /// settles a message, and tells the group of each. How many there were.
    pub fn handle_pubacks(
        &mut self,
        now: Time,
        bytes: &[u8],
        link: &mut Link<'_>,
        mut settled: impl FnMut(GroupRef),
    ) -> usize {
        let Link { session, publications, .. } = link;
        let mut count = 0;
        for id in Ack::pubacks(bytes) {
            let outcome = session.outgoing.acknowledge(AckKind::PubAck, id, false, publications);
            let Acknowledged::Settled(group) = outcome else { break }; // it has changed nothing
            settled(group);
            count += 1;
        }
        if count > 0 {
            self.connected_mut().keep_alive.heard(now);
        }
        count
    }

    /// The packet identifier and the payload of a frame that is a PUBLISH with this Topic Name and QoS 0 or 1, neither
    /// DUP nor RETAIN, and no properties. If such a one comes right after one that [`Event::Publish`] carried in the same
    /// moment, it is to be treated as that one was, and acknowledged: neither the Receive Maximum nor the keep-alive has
    /// anything new to say. `None` for any other frame: [`Self::handle_frame`].
    pub fn publish_again<'a>(
        &self,
        frame: Frame<'a>,
        topic: TopicName<'_>,
        qos: QoSLevel,
    ) -> Option<(Option<PacketId>, &'a [u8])> {
        let first = publish_first_byte(false, qos, false);
        Publish::decode_plain(frame, self.version(), first, topic)
    }

    /// The topic of a PUBLISH that [`Event::Publish`] carries: its own, or that of its alias.
    pub fn topic<'a>(&'a self, publish: &Publish<'a>) -> TopicName<'a> {
        self.connected().receiver.topic(publish)
    }

    /// The message of an [`Event::Publish`] was accepted, or refused with a reason: PUBACK or PUBREC is owed.
    /// [MQTT-4.3.2-4] [MQTT-4.3.3-8]
    pub fn acknowledge(&self, qos: QoS, reason: ReasonCode, session: &mut Session) -> Option<Owed> {
        self.connected().receiver.acknowledge(qos, reason, &mut session.incoming)
    }

    /// What a session that a client resumes owes it first: PUBREL for each message that the client has received and not
    /// completed. [MQTT-4.4.0-1]
    pub fn owed_again(session: &Session) -> impl Iterator<Item = Owed> {
        exchange::owed_again(&session.outgoing)
    }

    /// Appends what was owed.
    pub fn write(&self, owed: Owed, output: &mut Output) {
        owed.write(self.version(), output);
    }

    /// Answers PINGREQ. [MQTT-3.12.4-1] [3.1.1 MQTT-3.12.4-1]
    pub fn pingresp(&self, output: &mut Output) {
        Packet::PingResp.encode(self.version(), output.buffer());
    }

    /// The message of an [`Event::Publish`] is neither accepted nor refused: its frame will be handled once more, and
    /// comes to the same. A Topic Alias that it set stays set.
    pub fn withdraw(&mut self, qos: QoS, session: &mut Session) {
        if let QoS::ExactlyOnce(id) = qos {
            session.incoming.release(id); // a duplicate does not become an event, so it was new
        }
    }

    /// Answers SUBSCRIBE: one reason code per filter, in order. [MQTT-3.8.4-6] [MQTT-3.9.3-1]
    /// [3.1.1 MQTT-3.8.4-1] [3.1.1 MQTT-3.8.4-5] [3.1.1 MQTT-3.9.3-1]
    pub fn suback(&self, packet_id: PacketId, reasons: &[u8], output: &mut Output) {
        let version = self.connected().transmitter.version();
        let reasons = ReasonCodes::from_checked(reasons);
        // [3.1.1 MQTT-3.8.4-2] [3.1.1 MQTT-2.3.1-7]
        let suback = SubAck { packet_id, properties: Properties::NONE, reasons }; // [MQTT-3.8.4-2]
        Packet::SubAck(suback).encode(version, output.buffer());
    }

    /// Answers UNSUBSCRIBE; 3.x leaves the reason codes out. [MQTT-3.10.4-4] [MQTT-3.11.3-1] [3.1.1 MQTT-3.10.4-4] [3.1.1 MQTT-3.10.4-6]
    pub fn unsuback(&self, packet_id: PacketId, reasons: &[u8], output: &mut Output) {
        let version = self.connected().transmitter.version();
        let reasons = ReasonCodes::from_checked(reasons);
        let unsuback = UnsubAck { packet_id, properties: Properties::NONE, reasons }; // [MQTT-3.10.4-5] [3.1.1 MQTT-2.3.1-7]
        Packet::UnsubAck(unsuback).encode(version, output.buffer());
    }
}
