//! CONNECT (section 3.1): the one packet that brings its own version, and the only one whose fields
//! depend on flags of the variable header.
use super::{Body, decode_properties, properties_len, put_properties};
use crate::error::{Malformed, Result};
use crate::place::Place;
use crate::property::Properties;
use crate::qos::QoSLevel;
use crate::topic::TopicName;
use crate::version::{ProtocolName, Version};
use crate::wire::{Reader, check_binary, check_string, put_binary};
use alloc::vec::Vec;

/// The message that the server publishes when the connection ends badly (3.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    /// The QoS it is published with.
    pub qos: QoSLevel,
    /// Whether it is published as a retained message.
    pub retain: bool,
    /// Where it is published.
    pub topic: TopicName<'a>,
    /// Will properties; empty before 5.0.
    pub properties: Properties<'a>,
    /// At most 65,535 bytes.
    pub payload: &'a [u8],
}

/// CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The version that the client speaks; it selects the form of this packet.
    pub version: Version,
    /// The client is a bridge: bit 7 of the protocol level, a convention of Mosquitto's in 3.1 and 3.1.1.
    pub bridge: bool,
    /// Whether an existing session is discarded ("Clean Session" before 5.0).
    pub clean_start: bool,
    /// Keep alive in seconds; 0 turns it off.
    pub keep_alive: u16,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
    /// The client identifier; may be empty. Its length is the server's business.
    pub client_id: &'a str,
    /// The will, if the client leaves one.
    pub will: Option<Will<'a>>,
    /// User name.
    pub user_name: Option<&'a str>,
    /// Password. Before 5.0 only with a user name.
    pub password: Option<&'a [u8]>,
}

const BRIDGE: u8 = 0x80;

const USER_NAME: u8 = 0x80;
const PASSWORD: u8 = 0x40;
const WILL_RETAIN: u8 = 0x20;
const WILL_QOS: u8 = 0x18;
const WILL: u8 = 0x04;
const CLEAN_START: u8 = 0x02;
const RESERVED: u8 = 0x01;

impl<'a> Connect<'a> {
    pub(super) fn decode(r: &mut Reader<'a>) -> Result<Self> {
        let (version, bridge) = decode_version(r)?;
        let flags = r.u8()?;
        check_flags(flags, version)?;
        let keep_alive = r.u16()?;
        let properties = decode_properties(r, Place::Connect, version)?;
        // The payload's fields stand in this order. [MQTT-3.1.3-1] [3.1.1 MQTT-3.1.3-1]
        let client_id = r.string()?; // [MQTT-3.1.3-3] [MQTT-3.1.3-4] [3.1.1 MQTT-3.1.3-3] [3.1.1 MQTT-3.1.3-4]
        // [3.1.1 MQTT-3.1.2-9] [3.1.1 MQTT-3.1.2-11]
        let will = if flags & WILL != 0 { Some(Will::decode(r, flags, version)?) } else { None }; // [MQTT-3.1.2-9]
        let has = |r: &Reader<'_>, flag| flags & flag != 0 && !left_out(r, version);
        // [3.1.1 MQTT-3.1.2-18] [3.1.1 MQTT-3.1.2-19] [3.1.1 MQTT-3.1.3-11]
        let user_name = if has(r, USER_NAME) { Some(r.string()?) } else { None }; // [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.3-12]
        // [3.1.1 MQTT-3.1.2-20] [3.1.1 MQTT-3.1.2-21]
        let password = if has(r, PASSWORD) { Some(r.binary()?) } else { None }; // [MQTT-3.1.2-18] [MQTT-3.1.2-19]
        let clean_start = flags & CLEAN_START != 0;
        Ok(Connect {
            version,
            bridge,
            clean_start,
            keep_alive,
            properties,
            client_id,
            will,
            user_name,
            password,
        })
    }

    /// What the types of the fields do not say.
    pub(super) fn check(&self) -> Result<()> {
        check_string(self.client_id)?;
        self.user_name.map_or(Ok(()), check_string)?;
        self.password.map_or(Ok(()), check_binary)?;
        if let Some(will) = self.will {
            check_binary(will.payload)?;
            if self.version.is_v5() {
                Properties::new(will.properties.as_bytes(), Place::Will)?;
            }
        }
        check_flags(self.flags(), self.version)
    }

    fn flags(&self) -> u8 {
        let bit = |set, bit| if set { bit } else { 0 };
        let will = self.will.map_or(0, |will| WILL | (will.qos as u8) << 3 | bit(will.retain, WILL_RETAIN));
        will | bit(self.clean_start, CLEAN_START)
            | bit(self.user_name.is_some(), USER_NAME)
            | bit(self.password.is_some(), PASSWORD)
    }
}

impl<'a> Will<'a> {
    fn decode(r: &mut Reader<'a>, flags: u8, version: Version) -> Result<Self> {
        Ok(Will {
            qos: QoSLevel::try_from(flags >> 3 & 0b11).map_err(|_| Malformed::WillQoSInvalid)?, // [MQTT-3.1.2-12] [3.1.1 MQTT-3.1.2-14]
            retain: flags & WILL_RETAIN != 0,
            properties: decode_properties(r, Place::Will, version)?,
            topic: TopicName::from_string(r.string()?)?, // [MQTT-3.1.3-11] [3.1.1 MQTT-3.1.3-10]
            payload: r.binary()?,
        })
    }
}

/// Whether the body of a CONNECT begins with the protocol name of 3.1.
pub(super) fn has_name_of_v31(body: &[u8]) -> bool {
    Reader::new(body).binary().is_ok_and(|name| ProtocolName::of(name) == ProtocolName::MqIsdp)
}

fn decode_version(r: &mut Reader<'_>) -> Result<(Version, bool)> {
    let name = ProtocolName::of(r.binary()?);
    let level = r.u8()?;
    if let Some(version) = name.version(level) {
        return Ok((version, false));
    }
    match name.version(level & !BRIDGE) {
        Some(version) if !version.is_v5() => Ok((version, true)),
        // [3.1.1 MQTT-3.1.2-1] [3.1.1 MQTT-3.1.2-2]
        _ => Err(Malformed::UnsupportedVersion { name, level }), // [MQTT-3.1.2-1] [MQTT-3.1.2-2]
    }
}

/// 3.1 lets a client set the flags of user name and password and leave the fields out at the end: there
/// the remaining length takes precedence.
fn left_out(r: &Reader<'_>, version: Version) -> bool {
    version == Version::V31 && r.is_empty()
}

/// 3.1 does not use the reserved flag, and disregards the QoS and RETAIN of a will that is not there.
fn check_flags(flags: u8, version: Version) -> Result<()> {
    let strict = version != Version::V31;
    if strict && flags & RESERVED != 0 {
        return Err(Malformed::ConnectReservedFlag); // [MQTT-3.1.2-3] [3.1.1 MQTT-3.1.2-3]
    }
    if strict && flags & WILL == 0 && flags & WILL_QOS != 0 {
        return Err(Malformed::WillQoSWithoutWill); // [MQTT-3.1.2-11] [3.1.1 MQTT-3.1.2-13]
    }
    if strict && flags & WILL == 0 && flags & WILL_RETAIN != 0 {
        return Err(Malformed::WillRetainWithoutWill); // [MQTT-3.1.2-13] [3.1.1 MQTT-3.1.2-15]
    }
    if flags & (USER_NAME | PASSWORD) == PASSWORD && !version.is_v5() {
        return Err(Malformed::PasswordWithoutUserName); // [3.1.1 MQTT-3.1.2-22]
    }
    Ok(())
}

impl Body for Connect<'_> {
    fn body_len(&self, _: Version) -> usize {
        let will = self.will.map_or(0, |will| {
            properties_len(will.properties, self.version) + 4 + will.topic.as_str().len() + will.payload.len()
        });
        let name = 2 + self.version.protocol_name().len();
        let fixed = 1 + 1 + 2; // level, flags, keep alive
        name + fixed
            + properties_len(self.properties, self.version)
            + 2
            + self.client_id.len()
            + will
            + self.user_name.map_or(0, |name| 2 + name.len())
            + self.password.map_or(0, |password| 2 + password.len())
    }

    fn put_body(&self, _: Version, out: &mut Vec<u8>) {
        let bridge = if self.bridge && !self.version.is_v5() { BRIDGE } else { 0 };
        put_binary(out, self.version.protocol_name().as_bytes());
        out.extend_from_slice(&[self.version as u8 | bridge, self.flags()]);
        out.extend_from_slice(&self.keep_alive.to_be_bytes());
        put_properties(self.properties, Place::Connect, self.version, out);
        put_binary(out, self.client_id.as_bytes());
        if let Some(will) = &self.will {
            put_properties(will.properties, Place::Will, self.version, out);
            put_binary(out, will.topic.as_str().as_bytes());
            put_binary(out, will.payload);
        }
        if let Some(name) = self.user_name {
            put_binary(out, name.as_bytes());
        }
        if let Some(password) = self.password {
            put_binary(out, password);
        }
    }
}
