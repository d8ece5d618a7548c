//! The fifteen control packets: one model for the three versions. Dispatch lives here, each body in
//! its file. A packet is a few words that borrow from the input; nothing here allocates but `encode`,
//! into the caller's buffer.
mod ack;
mod check;
mod connack;
mod connect;
mod disconnect;
mod filters;
mod kind;
mod publish;
mod reasons;
mod suback;
mod subscribe;

pub use ack::{Ack, AckKind};
pub use connack::ConnAck;
pub use connect::{Connect, Will};
pub use disconnect::{Auth, Disconnect};
pub use filters::{Filters, FiltersBuf, FiltersIter, TopicFilters, TopicFiltersBuf, TopicFiltersIter};
pub use kind::PacketType;
pub use publish::Publish;
pub use reasons::ReasonCodes;
pub use suback::{SubAck, UnsubAck};
pub use subscribe::{RetainHandling, Subscribe, Subscription, SubscriptionOptions, Unsubscribe};

use crate::error::{Malformed, Result};
use crate::frame::Frame;
use crate::place::Place;
use crate::property::Properties;
use crate::version::Version;
use crate::wire::{Reader, put_varint, varint_len};
use alloc::vec::Vec;

/// An MQTT control packet of any version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Opens a connection (3.1).
    Connect(Connect<'a>),
    /// Answers CONNECT (3.2).
    ConnAck(ConnAck<'a>),
    /// Carries a message (3.3).
    Publish(Publish<'a>),
    /// PUBACK, PUBREC, PUBREL and PUBCOMP: they differ in their type alone (3.4 to 3.7).
    Ack(Ack<'a>),
    /// Asks for messages (3.8).
    Subscribe(Subscribe<'a>),
    /// Answers SUBSCRIBE (3.9).
    SubAck(SubAck<'a>),
    /// Takes subscriptions back (3.10).
    Unsubscribe(Unsubscribe<'a>),
    /// Answers UNSUBSCRIBE (3.11).
    UnsubAck(UnsubAck<'a>),
    /// Says that the client is alive (3.12).
    PingReq,
    /// Answers PINGREQ (3.13).
    PingResp,
    /// Closes a connection, saying why in 5.0 (3.14).
    Disconnect(Disconnect<'a>),
    /// Continues authentication, 5.0 only (3.15).
    Auth(Auth<'a>),
}

/// What each packet body can do: say how long it is, and append itself.
trait Body {
    fn body_len(&self, version: Version) -> usize;
    fn put_body(&self, version: Version, out: &mut Vec<u8>);
}

impl<'a> Packet<'a> {
    /// Decodes one frame; `version` is the connection's. CONNECT brings its own version.
    ///
    /// # Errors
    /// The first rule of the specification that the bytes break.
    pub fn decode(frame: Frame<'a>, version: Version) -> Result<Self> {
        let kind = PacketType::try_from(frame.first >> 4)?;
        let flags = frame.first & 0x0f;
        check_flags(kind, frame, version)?;
        let mut reader = Reader::new(frame.body);
        let r = &mut reader;
        let packet = match kind {
            PacketType::Connect => Packet::Connect(Connect::decode(r)?),
            PacketType::ConnAck => Packet::ConnAck(ConnAck::decode(r, version)?),
            PacketType::Publish => Packet::Publish(Publish::decode(r, flags, version)?),
            PacketType::PubAck => Packet::Ack(Ack::decode(r, AckKind::PubAck, version)?),
            PacketType::PubRec => Packet::Ack(Ack::decode(r, AckKind::PubRec, version)?),
            PacketType::PubRel => Packet::Ack(Ack::decode(r, AckKind::PubRel, version)?),
            PacketType::PubComp => Packet::Ack(Ack::decode(r, AckKind::PubComp, version)?),
            PacketType::Subscribe => Packet::Subscribe(Subscribe::decode(r, version)?),
            PacketType::SubAck => Packet::SubAck(SubAck::decode(r, version)?),
            PacketType::Unsubscribe => Packet::Unsubscribe(Unsubscribe::decode(r, version)?),
            PacketType::UnsubAck => Packet::UnsubAck(UnsubAck::decode(r, version)?),
            PacketType::PingReq => Packet::PingReq,
            PacketType::PingResp => Packet::PingResp,
            PacketType::Disconnect => Packet::Disconnect(Disconnect::decode(r, version)?),
            PacketType::Auth if version.is_v5() => Packet::Auth(Auth::decode(r)?),
            PacketType::Auth => return Err(Malformed::UnknownPacketType),
        };
        reader.finish().map(|()| packet)
    }

    /// Appends the whole frame. CONNECT is written in its own version.
    ///
    /// # Panics
    /// If a string or binary field is longer than 65,535 bytes. [`Packet::check`] says beforehand.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let body = self.body();
        let body_len = body.map_or(0, |body| body.body_len(version));
        out.reserve(1 + varint_len(body_len as u32) + body_len);
        out.push(self.first_byte());
        put_varint(out, body_len as u32);
        let start = out.len();
        if let Some(body) = body {
            body.put_body(version, out);
        }
        debug_assert_eq!(out.len() - start, body_len, "{self:?}");
    }

    /// The length in bytes of the frame that [`Packet::encode`] appends.
    pub fn encoded_len(&self, version: Version) -> usize {
        let body_len = self.body().map_or(0, |body| body.body_len(version));
        1 + varint_len(body_len as u32) + body_len
    }

    /// The packet's type.
    pub const fn kind(&self) -> PacketType {
        match self {
            Packet::Connect(_) => PacketType::Connect,
            Packet::ConnAck(_) => PacketType::ConnAck,
            Packet::Publish(_) => PacketType::Publish,
            Packet::Ack(ack) => ack.kind.packet_type(),
            Packet::Subscribe(_) => PacketType::Subscribe,
            Packet::SubAck(_) => PacketType::SubAck,
            Packet::Unsubscribe(_) => PacketType::Unsubscribe,
            Packet::UnsubAck(_) => PacketType::UnsubAck,
            Packet::PingReq => PacketType::PingReq,
            Packet::PingResp => PacketType::PingResp,
            Packet::Disconnect(_) => PacketType::Disconnect,
            Packet::Auth(_) => PacketType::Auth,
        }
    }

    fn first_byte(&self) -> u8 {
        match self {
            Packet::Publish(publish) => publish.first_byte(),
            _ => (self.kind() as u8) << 4 | self.kind().reserved_flags(),
        }
    }

    fn body(&self) -> Option<&dyn Body> {
        Some(match self {
            Packet::Connect(body) => body,
            Packet::ConnAck(body) => body,
            Packet::Publish(body) => body,
            Packet::Ack(body) => body,
            Packet::Subscribe(body) => body,
            Packet::SubAck(body) => body,
            Packet::Unsubscribe(body) => body,
            Packet::UnsubAck(body) => body,
            Packet::Disconnect(body) => body,
            Packet::Auth(body) => body,
            Packet::PingReq | Packet::PingResp => return None,
        })
    }
}

/// The lower half of the first byte is prescribed for all but PUBLISH, whose flags its decoder reads.
/// 3.1 prescribes nothing: DUP, QoS and RETAIN are there, and used by PUBLISH alone. PUBREL, SUBSCRIBE and UNSUBSCRIBE
/// have a QoS and a DUP flag that change nothing.
fn check_flags(kind: PacketType, frame: Frame<'_>, version: Version) -> Result<()> {
    let prescribed = kind == PacketType::Publish || frame.first & 0x0f == kind.reserved_flags();
    if prescribed || ignores_flags(kind, frame.body, version) {
        Ok(())
    } else {
        // [MQTT-2.1.3-1] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1]
        // [3.1.1 MQTT-2.2.2-1] [3.1.1 MQTT-3.6.1-1] [3.1.1 MQTT-3.8.1-1] [3.1.1 MQTT-3.10.1-1] [3.1.1 MQTT-3.14.1-1]
        Err(Malformed::ReservedFlags)
    }
}

/// Whether a packet is one of 3.1. A CONNECT brings its own version: its protocol name is enough to know it by.
fn ignores_flags(kind: PacketType, body: &[u8], version: Version) -> bool {
    match kind {
        PacketType::Connect => connect::has_name_of_v31(body),
        _ => version == Version::V31,
    }
}

/// A property block, where the version has them.
fn decode_properties<'a>(r: &mut Reader<'a>, place: Place, version: Version) -> Result<Properties<'a>> {
    if version.is_v5() { Properties::decode(r, place) } else { Ok(Properties::NONE) }
}

fn put_properties(properties: Properties<'_>, place: Place, version: Version, out: &mut Vec<u8>) {
    if version.is_v5() {
        properties.encode_in(place, out);
    }
}

fn properties_len(properties: Properties<'_>, version: Version) -> usize {
    if version.is_v5() { properties.len_encoded() } else { 0 }
}
