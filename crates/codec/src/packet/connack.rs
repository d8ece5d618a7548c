//! CONNACK (section 3.2). The return codes of 3.1 and 3.1.1 become reason codes here.
use super::{Body, decode_properties, properties_len, put_properties};
use crate::error::{Malformed, Result};
use crate::place::Place;
use crate::property::Properties;
use crate::reason::ReasonCode;
use crate::version::Version;
use crate::wire::Reader;
use alloc::vec::Vec;

/// CONNACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'a> {
    /// Whether the server resumes a session. 3.1 cannot say so: always false there.
    pub session_present: bool,
    /// Success, or why the connection is refused.
    pub reason: ReasonCode,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
}

impl<'a> ConnAck<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, version: Version) -> Result<Self> {
        let flags = r.u8()?;
        if flags > 1 && version != Version::V31 {
            return Err(Malformed::ConnAckFlags); // [MQTT-3.2.2-1]
        }
        let code = r.u8()?;
        let reason = if version.is_v5() {
            ReasonCode::decode(code, Place::ConnAck)? // [MQTT-3.2.2-8]
        } else {
            ReasonCode::from_v3_connack(code)?
        };
        let properties = decode_properties(r, Place::ConnAck, version)?;
        Ok(ConnAck { session_present: flags == 1 && version != Version::V31, reason, properties })
    }
}

impl Body for ConnAck<'_> {
    fn body_len(&self, version: Version) -> usize {
        2 + properties_len(self.properties, version)
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        out.push(u8::from(self.session_present && version != Version::V31));
        if version.is_v5() {
            debug_assert!(self.reason.allowed_in(Place::ConnAck), "{self:?}");
            out.push(self.reason as u8);
        } else {
            out.push(self.reason.to_v3_connack());
        }
        put_properties(self.properties, Place::ConnAck, version, out);
    }
}
