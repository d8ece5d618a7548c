//! One client of a crowd: the delivery of QoS 0, 1 and 2 in both directions, and what outlives a connection.
//!
//! Written from the specification and for tests alone, so that it shares no mistake with the broker's own code.

use crate::common::connect;
use martlet_codec::{
    Ack, AckKind, FiltersBuf, Packet, PacketId, Properties, PropertiesBuf, Property, Publish, QoS, QoSLevel,
    ReasonCode, Split, Subscribe, SubscriptionOptions, TopicFilter, TopicName, Version, split_frame,
};
use mio::net::TcpStream;
use std::collections::{HashSet, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

/// Output above which a source waits.
const OUTPUT_BYTES: usize = 64 * 1024;

/// What a client has received: the publisher and the number of the message, both out of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) publisher: u32,
    pub(crate) number: u32,
    pub(crate) qos: QoSLevel,
}

/// Messages that a client has to publish, numbered from 0.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) publisher: u32,
    pub(crate) topic: String,
    pub(crate) qos: QoSLevel,
    pub(crate) count: u32,
    /// Unacknowledged messages at most; QoS 0 has none.
    pub(crate) window: usize,
    /// Bytes of a payload, at least 8.
    pub(crate) payload_len: usize,
}

impl Source {
    pub(crate) fn new(publisher: u32, topic: &str, qos: QoSLevel, count: u32) -> Self {
        Source { publisher, topic: topic.into(), qos, count, window: 20, payload_len: 8 }
    }

    fn payload(&self, number: u32) -> Vec<u8> {
        let mut payload = vec![b'.'; self.payload_len];
        payload[..4].copy_from_slice(&self.publisher.to_be_bytes());
        payload[4..8].copy_from_slice(&number.to_be_bytes());
        payload
    }
}

/// A message that is sent and not acknowledged.
struct InFlight {
    packet_id: PacketId,
    number: u32,
    /// PUBREC has come, PUBREL was sent.
    is_received: bool,
}

/// See the module.
pub(crate) struct Client {
    pub(crate) stream: Option<TcpStream>,
    pub(crate) is_writable: bool,
    pub(crate) is_readable: bool,
    /// Whether it takes bytes from its socket.
    pub(crate) reads: bool,
    /// Whether it acknowledges what it receives.
    pub(crate) acknowledges: bool,
    pub(crate) received: Vec<Delivery>,
    source: Option<Source>,
    /// How many messages of its source it has sent.
    pub(crate) published: u32,
    /// Whether the broker closed or reset the connection.
    pub(crate) is_ended: bool,
    version: Version,
    client_id: String,
    clean_start: bool,
    is_connected: bool,
    subscriptions_pending: usize,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    last_packet_id: u16,
    in_flight: VecDeque<InFlight>,
    /// Messages of QoS 2 that were received and not released.
    unreleased: HashSet<PacketId>,
}

impl Client {
    pub(super) fn new(version: Version, client_id: &str, clean_start: bool) -> Self {
        Client {
            stream: None,
            is_writable: false,
            is_readable: false,
            reads: true,
            acknowledges: true,
            received: Vec::new(),
            source: None,
            published: 0,
            is_ended: false,
            version,
            client_id: client_id.into(),
            clean_start,
            is_connected: false,
            subscriptions_pending: 0,
            unread: Vec::new(),
            unsent: Vec::new(),
            last_packet_id: 0,
            in_flight: VecDeque::new(),
            unreleased: HashSet::new(),
        }
    }

    pub(super) fn open(&mut self, address: SocketAddr) {
        let stream = TcpStream::connect(address).unwrap();
        self.stream = Some(stream);
        (self.is_writable, self.is_readable, self.is_connected, self.is_ended) = (false, false, false, false);
        self.unread.clear();
        self.unsent.clear();
        let mut properties = PropertiesBuf::new();
        if !self.clean_start && self.version.is_v5() {
            properties.push(Property::SessionExpiryInterval(u32::MAX));
        }
        let Packet::Connect(usual) = connect(self.version, &self.client_id) else { unreachable!() };
        let (clean_start, properties) = (self.clean_start, properties.as_properties());
        let packet = Packet::Connect(martlet_codec::Connect { clean_start, properties, ..usual });
        packet.encode(self.version, &mut self.unsent);
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.is_connected && self.subscriptions_pending == 0
    }

    pub(crate) fn is_done(&self) -> bool {
        let count = self.source.as_ref().map_or(0, |source| source.count);
        self.published == count && self.in_flight.is_empty() && self.unsent.is_empty()
    }

    /// Whether it could go on writing at once.
    pub(super) fn has_more(&self) -> bool {
        self.is_writable && self.is_connected && self.may_publish()
    }

    /// Gives it messages to publish.
    pub(crate) fn publish(&mut self, source: Source) {
        (self.source, self.published) = (Some(source), 0);
    }

    pub(crate) fn subscribe(&mut self, filter: &str, qos: QoSLevel) {
        let mut filters = FiltersBuf::new();
        filters.push(TopicFilter::new(filter).unwrap(), SubscriptionOptions::qos(qos));
        let (packet_id, properties) = (self.next_packet_id(), Properties::NONE);
        let filters = filters.as_filters(self.version);
        let packet = Packet::Subscribe(Subscribe { packet_id, properties, filters });
        packet.encode(self.version, &mut self.unsent);
        self.subscriptions_pending += 1;
    }

    /// Takes what the source has, and writes what the socket takes.
    pub(super) fn write(&mut self) {
        self.publish_next();
        let Some(stream) = self.stream.as_mut().filter(|_| self.is_writable) else { return };
        let mut written = 0;
        while written < self.unsent.len() {
            match stream.write(&self.unsent[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_writable = false;
                    break;
                }
                Err(_) => return self.end(),
            }
        }
        self.unsent.drain(..written);
    }

    fn publish_next(&mut self) {
        while self.is_connected && self.may_publish() {
            let (number, qos) = (self.published, self.source.as_ref().unwrap().qos);
            let packet_id = self.next_packet_id();
            self.send_publish(number, QoS::new(qos, packet_id), false);
            if qos != QoSLevel::AtMostOnce {
                self.in_flight.push_back(InFlight { packet_id, number, is_received: false });
            }
            self.published += 1;
        }
    }

    /// Whether there is a message to publish, and room for it.
    fn may_publish(&self) -> bool {
        self.unsent.len() < OUTPUT_BYTES
            && self
                .source
                .as_ref()
                .is_some_and(|source| self.published < source.count && self.in_flight.len() < source.window)
    }

    fn send_publish(&mut self, number: u32, qos: QoS, dup: bool) {
        let source = self.source.as_ref().unwrap();
        let (topic, payload) = (TopicName::new(&source.topic).unwrap(), source.payload(number));
        let (topic, payload, properties) = (Some(topic), &payload[..], Properties::NONE);
        let packet = Packet::Publish(Publish { dup, retain: false, qos, topic, properties, payload });
        packet.encode(self.version, &mut self.unsent);
    }

    fn next_packet_id(&mut self) -> PacketId {
        self.last_packet_id = self.last_packet_id.checked_add(1).unwrap_or(1);
        PacketId::new(self.last_packet_id).unwrap()
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) {
        while self.reads && self.is_readable {
            let Some(stream) = self.stream.as_mut() else { return };
            match stream.read(buffer) {
                Ok(0) => self.end(),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_readable = false,
                Err(_) => self.end(),
            }
        }
        let bytes = std::mem::take(&mut self.unread);
        let mut rest = &bytes[..];
        while let Split::Whole(frame, consumed) = split_frame(rest, u32::MAX).unwrap() {
            let packet = Packet::decode(frame, self.version).expect("the broker sends what is right");
            self.handle(packet);
            rest = &rest[consumed..];
        }
        self.unread = rest.to_vec();
    }

    fn end(&mut self) {
        (self.stream, self.is_readable, self.is_connected, self.is_ended) = (None, false, false, true);
    }

    fn handle(&mut self, packet: Packet<'_>) {
        match packet {
            Packet::ConnAck(connack) => {
                assert_eq!(connack.reason, ReasonCode::Success, "{}", self.client_id);
                self.is_connected = true;
                if connack.session_present {
                    self.resume();
                } else {
                    assert!(self.in_flight.is_empty(), "{}: the broker lost the session", self.client_id);
                    self.unreleased.clear();
                }
            }
            Packet::SubAck(_) => self.subscriptions_pending -= 1,
            Packet::Publish(publish) => self.handle_publish(&publish),
            Packet::Ack(ack) => self.handle_ack(&ack),
            Packet::Disconnect(_) => {}
            other => panic!("{}: not expected: {other:?}", self.client_id),
        }
    }

    /// Sends again what was not acknowledged, in its order. [MQTT-4.4.0-1] [MQTT-4.6.0-1]
    fn resume(&mut self) {
        let in_flight = std::mem::take(&mut self.in_flight);
        for message in &in_flight {
            if message.is_received {
                self.acknowledge(AckKind::PubRel, message.packet_id);
            } else {
                let qos = QoS::new(self.source.as_ref().unwrap().qos, message.packet_id);
                self.send_publish(message.number, qos, true);
            }
        }
        self.in_flight = in_flight;
    }

    fn acknowledge(&mut self, kind: AckKind, packet_id: PacketId) {
        Packet::Ack(Ack::success(kind, packet_id)).encode(self.version, &mut self.unsent);
    }

    fn handle_publish(&mut self, publish: &Publish<'_>) {
        let is_new = match publish.qos {
            QoS::ExactlyOnce(packet_id) => self.unreleased.insert(packet_id),
            _ => true,
        };
        if is_new {
            let number = |at: usize| u32::from_be_bytes(publish.payload[at..at + 4].try_into().unwrap());
            let qos = publish.qos.level();
            self.received.push(Delivery { publisher: number(0), number: number(4), qos });
        }
        match publish.qos {
            _ if !self.acknowledges => {}
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce(packet_id) => self.acknowledge(AckKind::PubAck, packet_id),
            QoS::ExactlyOnce(packet_id) => self.acknowledge(AckKind::PubRec, packet_id),
        }
    }

    fn handle_ack(&mut self, ack: &Ack<'_>) {
        // A PUBREL that is sent again may find the message released: no error during recovery (3.7.2.1).
        let is_repeated = (ack.kind, ack.reason) == (AckKind::PubComp, ReasonCode::PacketIdentifierNotFound);
        assert!(is_repeated || !ack.reason.is_failure(), "{}: {ack:?}", self.client_id);
        let packet_id = ack.packet_id;
        if ack.kind == AckKind::PubRel {
            self.unreleased.remove(&packet_id);
            return self.acknowledge(AckKind::PubComp, packet_id);
        }
        let at = self.in_flight.iter().position(|message| message.packet_id == packet_id);
        let at = at.unwrap_or_else(|| panic!("{}: nothing is in flight for {ack:?}", self.client_id));
        if ack.kind == AckKind::PubRec {
            self.in_flight[at].is_received = true;
            self.acknowledge(AckKind::PubRel, packet_id);
        } else {
            self.in_flight.remove(at);
        }
    }
}
