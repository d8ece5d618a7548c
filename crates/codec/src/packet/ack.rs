//! PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7): one body, four types.
use super::{Body, PacketType};
use crate::error::Result;
use crate::frame::Frame;
use crate::place::Place;
use crate::property::Properties;
use crate::qos::PacketId;
use crate::reason::ReasonCode;
use crate::version::Version;
use crate::wire::Reader;
use alloc::vec::Vec;

/// Which acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckKind {
    /// Answers a QoS 1 PUBLISH.
    PubAck,
    /// Answers a QoS 2 PUBLISH.
    PubRec,
    /// Answers PUBREC.
    PubRel,
    /// Answers PUBREL.
    PubComp,
}

impl AckKind {
    /// The packet type of this acknowledgement.
    pub const fn packet_type(self) -> PacketType {
        match self {
            AckKind::PubAck => PacketType::PubAck,
            AckKind::PubRec => PacketType::PubRec,
            AckKind::PubRel => PacketType::PubRel,
            AckKind::PubComp => PacketType::PubComp,
        }
    }

    /// Where its reason code and properties stand.
    pub const fn place(self) -> Place {
        match self {
            AckKind::PubAck => Place::PubAck,
            AckKind::PubRec => Place::PubRec,
            AckKind::PubRel => Place::PubRel,
            AckKind::PubComp => Place::PubComp,
        }
    }
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// Which of the four.
    pub kind: AckKind,
    /// The identifier of the PUBLISH.
    pub packet_id: PacketId,
    /// Success before 5.0.
    pub reason: ReasonCode,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
}

impl<'a> Ack<'a> {
    /// A plain success, which all versions can say.
    pub const fn success(kind: AckKind, packet_id: PacketId) -> Self {
        Ack { kind, packet_id, reason: ReasonCode::Success, properties: Properties::NONE }
    }

    /// The whole frame of [`Ack::success`], the same in all versions.
    pub const fn success_frame(kind: AckKind, packet_id: PacketId) -> [u8; 4] {
        let (kind, [high, low]) = (kind.packet_type(), packet_id.get().to_be_bytes());
        [(kind as u8) << 4 | kind.reserved_flags(), 2, high, low]
    }

    /// What [`Ack::success_frame`] says; `None` for any other frame, good or bad.
    pub const fn decode_success(frame: Frame<'_>) -> Option<Self> {
        let &[high, low] = frame.body else { return None };
        let kind = match frame.first {
            0x40 => AckKind::PubAck,
            0x50 => AckKind::PubRec,
            0x62 => AckKind::PubRel,
            0x70 => AckKind::PubComp,
            _ => return None,
        };
        match PacketId::new(u16::from_be_bytes([high, low])) {
            Some(packet_id) => Some(Ack::success(kind, packet_id)),
            None => None,
        }
    }

    /// The identifiers of the PUBACKs at the beginning of a stream, as far as each is a [`Ack::success_frame`].
    pub fn pubacks(bytes: &[u8]) -> impl Iterator<Item = PacketId> {
        bytes.chunks_exact(4).map_while(|frame| match *frame {
            [0x40, 2, high, low] => PacketId::new(u16::from_be_bytes([high, low])),
            _ => None,
        })
    }

    pub(super) fn decode(r: &mut Reader<'a>, kind: AckKind, version: Version) -> Result<Self> {
        let packet_id = r.packet_id()?;
        if !version.is_v5() {
            return Ok(Ack::success(kind, packet_id));
        }
        let (reason, properties) = decode_tail(r, kind.place())?; // [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]
        Ok(Ack { kind, packet_id, reason, properties })
    }
}

impl Body for Ack<'_> {
    fn body_len(&self, version: Version) -> usize {
        2 + tail_len(self.reason, self.properties, version)
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.packet_id.get().to_be_bytes());
        put_tail(self.reason, self.properties, self.kind.place(), version, out);
    }
}

/// A reason code and properties that may both be absent, or the properties alone (3.4.2.1, 3.14.2.1, 3.15.2.1):
/// an absent reason code is Success.
pub(super) fn decode_tail<'a>(r: &mut Reader<'a>, place: Place) -> Result<(ReasonCode, Properties<'a>)> {
    if r.is_empty() {
        return Ok((ReasonCode::Success, Properties::NONE));
    }
    let reason = ReasonCode::decode(r.u8()?, place)?;
    let properties = if r.is_empty() { Properties::NONE } else { Properties::decode(r, place)? };
    Ok((reason, properties))
}

pub(super) fn tail_len(reason: ReasonCode, properties: Properties<'_>, version: Version) -> usize {
    match (version.is_v5(), properties.is_empty(), reason) {
        (false, ..) | (true, true, ReasonCode::Success) => 0,
        (true, true, _) => 1,
        (true, false, _) => 1 + properties.len_encoded(),
    }
}

/// The shortest form that says the same.
pub(super) fn put_tail(
    reason: ReasonCode,
    properties: Properties<'_>,
    place: Place,
    version: Version,
    out: &mut Vec<u8>,
) {
    if tail_len(reason, properties, version) > 0 {
        debug_assert!(reason.allowed_in(place), "{reason:?} in {place:?}");
        out.push(reason as u8);
    }
    if tail_len(reason, properties, version) > 1 {
        properties.encode_in(place, out);
    }
}
