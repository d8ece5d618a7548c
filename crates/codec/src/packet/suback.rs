//! SUBACK and UNSUBACK (sections 3.9 and 3.11): a packet identifier and a reason code for each filter.
//! 3.1 and 3.1.1 know one failure, 0x80, and no reason codes in UNSUBACK.
use super::subscribe::{decode_head, head_len, put_head};
use super::{Body, ReasonCodes};
use crate::error::Result;
use crate::place::Place;
use crate::property::Properties;
use crate::qos::PacketId;
use crate::reason::ReasonCode;
use crate::version::Version;
use crate::wire::Reader;
use alloc::vec::Vec;

/// SUBACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAck<'a> {
    /// The identifier of the SUBSCRIBE.
    pub packet_id: PacketId,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
    /// Granted QoS or failure, one for each filter.
    pub reasons: ReasonCodes<'a>,
}

/// UNSUBACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubAck<'a> {
    /// The identifier of the UNSUBSCRIBE.
    pub packet_id: PacketId,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
    /// One for each filter; none before 5.0.
    pub reasons: ReasonCodes<'a>,
}

impl<'a> SubAck<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, version: Version) -> Result<Self> {
        let (packet_id, properties) = decode_head(r, Place::SubAck, version)?;
        let codes = r.rest();
        let reasons = if version.is_v5() {
            ReasonCodes::new(codes, Place::SubAck)? // [MQTT-3.9.3-2]
        } else {
            ReasonCodes::new_v3(codes)? // [3.1.1 MQTT-3.9.3-2]
        };
        Ok(SubAck { packet_id, properties, reasons })
    }
}

impl Body for SubAck<'_> {
    fn body_len(&self, version: Version) -> usize {
        head_len(self.properties, version) + self.reasons.len()
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        put_head(self.packet_id, self.properties, Place::SubAck, version, out);
        let failure = ReasonCode::UnspecifiedError as u8;
        if version.is_v5() {
            out.extend_from_slice(self.reasons.as_bytes());
        } else {
            out.extend(self.reasons.as_bytes().iter().map(|code| (*code).min(failure)));
        }
    }
}

impl<'a> UnsubAck<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, version: Version) -> Result<Self> {
        let (packet_id, properties) = decode_head(r, Place::UnsubAck, version)?;
        let reasons = if version.is_v5() {
            ReasonCodes::new(r.rest(), Place::UnsubAck)? // [MQTT-3.11.3-2]
        } else {
            ReasonCodes::NONE
        };
        Ok(UnsubAck { packet_id, properties, reasons })
    }
}

impl Body for UnsubAck<'_> {
    fn body_len(&self, version: Version) -> usize {
        head_len(self.properties, version) + if version.is_v5() { self.reasons.len() } else { 0 }
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        put_head(self.packet_id, self.properties, Place::UnsubAck, version, out);
        if version.is_v5() {
            out.extend_from_slice(self.reasons.as_bytes());
        }
    }
}
