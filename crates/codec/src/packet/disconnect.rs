//! DISCONNECT and AUTH (sections 3.14 and 3.15): a reason code and properties, nothing else.
use super::Body;
use super::ack::{decode_tail, put_tail, tail_len};
use crate::error::{Malformed, Result};
use crate::place::Place;
use crate::property::{Properties, Property};
use crate::reason::ReasonCode;
use crate::version::Version;
use crate::wire::Reader;
use alloc::vec::Vec;

/// DISCONNECT. Before 5.0 only clients send it, and it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// Why; Success ("Normal disconnection") before 5.0.
    pub reason: ReasonCode,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
}

/// AUTH, 5.0 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    /// Success, Continue authentication or Re-authenticate.
    pub reason: ReasonCode,
    /// They hold the Authentication Method.
    pub properties: Properties<'a>,
}

impl<'a> Disconnect<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, version: Version) -> Result<Self> {
        if !version.is_v5() {
            return Ok(Disconnect { reason: ReasonCode::Success, properties: Properties::NONE });
        }
        let (reason, properties) = decode_tail(r, Place::Disconnect)?; // [MQTT-3.14.2-1]
        Ok(Disconnect { reason, properties })
    }
}

impl Body for Disconnect<'_> {
    fn body_len(&self, version: Version) -> usize {
        tail_len(self.reason, self.properties, version)
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        put_tail(self.reason, self.properties, Place::Disconnect, version, out);
    }
}

impl<'a> Auth<'a> {
    pub(super) fn decode(r: &mut Reader<'a>) -> Result<Self> {
        let bare = r.is_empty();
        let (reason, properties) = decode_tail(r, Place::Auth)?; // [MQTT-3.15.2-1]
        let has_method = properties.iter().any(|p| matches!(p, Property::AuthenticationMethod(_)));
        // 3.15.2.1 lets a successful AUTH leave everything out, 3.15.2.2.2 asks for the method otherwise.
        if has_method || bare {
            Ok(Auth { reason, properties })
        } else {
            Err(Malformed::AuthenticationMethodMissing)
        }
    }
}

impl Body for Auth<'_> {
    fn body_len(&self, version: Version) -> usize {
        tail_len(self.reason, self.properties, version)
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        debug_assert!(version.is_v5(), "AUTH is a packet of 5.0");
        put_tail(self.reason, self.properties, Place::Auth, version, out);
    }
}
