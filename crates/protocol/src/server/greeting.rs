//! CONNECT and its answer (3.1, 3.2): what the broker must know of a client, and what it tells the client.

use crate::limits::{Limits, PeerLimits};
use crate::output::Output;
use crate::publication::{Message, Publication, split_properties};
use crate::session::NEVER_EXPIRES;
use crate::violation::{Fatal, Violation};
use alloc::boxed::Box;
use martlet_codec::{
    ConnAck, Connect, Packet, Place, Properties, PropertiesBuf, Property, QoSLevel, Reader, ReasonCode,
    Version, Will,
};

/// What a CONNECT says, in the broker's terms.
#[derive(Debug)]
pub struct Greeting {
    /// The protocol version.
    pub version: Version,
    /// Whether it is a bridge of Mosquitto's making: its messages keep their RETAIN flag, its own do not come back.
    pub bridge: bool,
    /// Clean Start; Clean Session in 3.x.
    pub clean_start: bool,
    /// Keep Alive as asked for, in seconds.
    pub keep_alive_s: u16,
    /// Session Expiry Interval in force, in seconds: as asked for, within the server's limit.
    pub session_expiry_s: u32,
    /// Whether the server's limit made it shorter than asked for.
    pub session_expiry_capped: bool,
    /// The client id; empty if the server is to assign one.
    pub client_id: Box<str>,
    /// The client's limits.
    pub peer: PeerLimits,
    /// The Will Message.
    pub will: Option<WillRequest>,
    /// The user name.
    pub user_name: Option<Box<str>>,
    /// The password.
    pub password: Option<Box<[u8]>>,
    /// Extended authentication (4.12), if the client wants it.
    pub authentication: Option<Authentication>,
}

/// A Will Message as CONNECT carries it.
#[derive(Debug)]
pub struct WillRequest {
    /// The message; its expiry is counted from its publication, so it has none yet.
    pub publication: Publication,
    /// Its QoS.
    pub qos: QoSLevel,
    /// Its RETAIN flag.
    pub retain: bool,
    /// Will Delay Interval in seconds.
    pub delay_s: u32,
    /// Message Expiry Interval in seconds.
    pub expiry_s: Option<u32>,
}

/// The start of an extended authentication.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// Authentication Method.
    pub method: Box<str>,
    /// Authentication Data.
    pub data: Option<Box<[u8]>>,
}

/// What the broker decided about a [`Greeting`].
#[derive(Debug, Default)]
pub struct Accepted {
    /// Whether a session was found. [MQTT-3.2.2-3] [3.1.1 MQTT-3.2.2-1] [3.1.1 MQTT-3.2.2-2] [3.1.1 MQTT-3.2.2-3]
    pub session_present: bool,
    /// The id that the server chose for a client that had none. [MQTT-3.2.2-16]
    pub assigned_client_id: Option<Box<str>>,
    /// The keep-alive in force, in seconds.
    pub keep_alive_s: u16,
    /// The last Authentication Data of an extended authentication.
    pub authentication_data: Option<Box<[u8]>>,
}

impl Greeting {
    pub(super) fn new(connect: &Connect<'_>, limits: &Limits) -> Result<Self, Fatal> {
        let version = connect.version;
        let empty = connect.client_id.is_empty();
        if empty && !version.is_v5() && (version == Version::V31 || !connect.clean_start) {
            return Err(Violation::EmptyClientId.into()); // [3.1.1 MQTT-3.1.3-8]
        }
        let asked_s = match version {
            Version::V5 => session_expiry(connect),
            _ if connect.clean_start => 0, // [3.1.1 MQTT-3.1.2-6]
            _ => NEVER_EXPIRES,            // [3.1.1 MQTT-3.1.2-4]
        };
        let session_expiry_s = asked_s.min(limits.session_expiry_max_s);
        Ok(Greeting {
            version,
            bridge: connect.bridge,
            clean_start: connect.clean_start,
            keep_alive_s: connect.keep_alive,
            session_expiry_s,
            session_expiry_capped: session_expiry_s != asked_s,
            client_id: connect.client_id.into(),
            peer: PeerLimits::from_properties(connect.properties),
            will: connect.will.as_ref().map(WillRequest::new),
            user_name: connect.user_name.map(Into::into),
            password: connect.password.map(Into::into),
            authentication: authentication(connect),
        })
    }

    /// The keep-alive that the server enforces: the client's, or its own if that is stricter. [MQTT-3.2.2-22]
    pub fn keep_alive_in_force(&self, limits: &Limits) -> u16 {
        match (self.keep_alive_s, limits.keep_alive_max_s) {
            (asked, 0) => asked,
            (_, max) if !self.version.is_v5() && self.keep_alive_s > max => self.keep_alive_s, // 3.x cannot be told
            (0, max) if self.version.is_v5() => max,
            (asked, max) => asked.min(max),
        }
    }
}

fn session_expiry(connect: &Connect<'_>) -> u32 {
    let interval = connect.properties.iter().find_map(|property| match property {
        Property::SessionExpiryInterval(s) => Some(s),
        _ => None,
    });
    interval.unwrap_or(0) // 3.1.2.11.2: absent is 0
}

fn authentication(connect: &Connect<'_>) -> Option<Authentication> {
    let mut method = None;
    let mut data = None;
    for property in connect.properties.iter() {
        match property {
            Property::AuthenticationMethod(name) => method = Some(name.into()),
            Property::AuthenticationData(bytes) => data = Some(bytes.into()),
            _ => {}
        }
    }
    method.map(|method| Authentication { method, data })
}

impl WillRequest {
    fn new(will: &Will<'_>) -> Self {
        let mut unaltered = PropertiesBuf::new();
        let (properties, expiry_s) = split_properties(will.properties, &mut unaltered); // [MQTT-3.1.3-10]
        let delay = will.properties.iter().find_map(|property| match property {
            Property::WillDelayInterval(s) => Some(s),
            _ => None,
        });
        let (topic, payload) = (will.topic, will.payload);
        let message = Message { topic, properties, payload, expires_at: None, publisher: 0 };
        WillRequest {
            publication: message.to_publication(),
            qos: will.qos,
            retain: will.retain,
            delay_s: delay.unwrap_or(0),
            expiry_s,
        }
    }
}

/// The version in whose form a client can read an answer to its CONNECT, if the start of it can be read at all.
pub(super) fn answer_version(connect: &[u8]) -> Option<Version> {
    let mut reader = Reader::new(connect);
    let name = reader.binary().ok()?;
    let level = reader.u8().ok()? & 0x7f; // without the bridge bit
    match (name, level) {
        (b"MQIsdp", _) => Some(Version::V31),
        (b"MQTT", ..=4) => Some(Version::V311),
        (b"MQTT", _) => Some(Version::V5),
        _ => None,
    }
}

/// What the client takes, from a CONNECT that may be wrong: its limits count if its properties are not what is wrong
/// with it. [MQTT-3.1.2-24] [MQTT-3.2.2-19]
pub(super) fn answer_limits(version: Version, connect: &[u8]) -> PeerLimits {
    if !version.is_v5() {
        return PeerLimits::default();
    }
    let mut reader = Reader::new(connect);
    let mut properties = || {
        let (_name, _level, _flags) = (reader.binary()?, reader.u8()?, reader.u8()?);
        let _keep_alive = reader.u16()?;
        let len = reader.varint()?;
        Properties::new(reader.bytes(len as usize)?, Place::Connect)
    };
    properties().map_or(PeerLimits::default(), PeerLimits::from_properties)
}

/// CONNACK with success. A property is written where the server's limit differs from the protocol's default.
/// False if the client does not take a packet of that size: without it there is no connection. [MQTT-3.1.2-24]
pub(super) fn write_connack(
    greeting: &Greeting,
    accepted: &Accepted,
    limits: &Limits,
    output: &mut Output,
) -> bool {
    let mut properties = PropertiesBuf::new();
    if greeting.version.is_v5() {
        connack_properties(greeting, accepted, limits, &mut properties);
    }
    // 3.1 has no Session Present flag: the byte is reserved.
    let session_present = accepted.session_present && greeting.version != Version::V31;
    let properties = properties.as_properties();
    let connack = Packet::ConnAck(ConnAck { session_present, reason: ReasonCode::Success, properties });
    let fits = connack.encoded_len(greeting.version) <= greeting.peer.maximum_packet_size as usize;
    if fits {
        connack.encode(greeting.version, output.buffer());
    }
    fits
}

fn connack_properties(
    greeting: &Greeting,
    accepted: &Accepted,
    limits: &Limits,
    properties: &mut PropertiesBuf,
) {
    if greeting.session_expiry_capped {
        properties.push(Property::SessionExpiryInterval(greeting.session_expiry_s));
    }
    if limits.receive_maximum != u16::MAX {
        properties.push(Property::ReceiveMaximum(limits.receive_maximum));
    }
    properties.push(Property::MaximumPacketSize(limits.maximum_packet_size));
    if let Some(id) = &accepted.assigned_client_id {
        properties.push(Property::AssignedClientIdentifier(id)); // [MQTT-3.1.3-7]
    }
    if limits.topic_alias_maximum != 0 {
        properties.push(Property::TopicAliasMaximum(limits.topic_alias_maximum));
    }
    if accepted.keep_alive_s != greeting.keep_alive_s {
        properties.push(Property::ServerKeepAlive(accepted.keep_alive_s));
    }
    if let Some(authentication) = &greeting.authentication {
        properties.push(Property::AuthenticationMethod(&authentication.method)); // [MQTT-4.12.0-5]
        if let Some(data) = &accepted.authentication_data {
            properties.push(Property::AuthenticationData(data));
        }
    }
}
