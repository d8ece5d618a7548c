//! What a client says in CONNECT, and its own bounds. Written anew for each stream; checked once.

use crate::limits::Limits;
use crate::output::Output;
use crate::server::{Authentication, WillRequest};
use crate::violation::{Fatal, Violation};
use alloc::boxed::Box;
use core::fmt;
use martlet_codec::{
    Connect, Malformed, Packet, Place, Properties, PropertiesBuf, Property, Version, Will, check_binary,
};

/// Everything that a client decides about its connections.
pub struct ConnectOptions {
    /// The protocol version.
    pub version: Version,
    /// The client id; empty asks the server for one (5.0, and 3.1.1 with `clean_start`).
    pub client_id: Box<str>,
    /// Whether the first connection discards a session that the server may have. Later ones resume the session
    /// if it outlived its connection. Clean Session in 3.x: no session outlives its connection.
    pub clean_start: bool,
    /// Without `clean_start`: the server may have a session of an earlier life of this program, which left
    /// nothing unfinished. Otherwise Session Present is refused then. [MQTT-3.2.2-4]
    pub session_kept: bool,
    /// Keep Alive in seconds, 0 for none.
    pub keep_alive_s: u16,
    /// Session Expiry Interval in seconds. 5.0 only.
    pub session_expiry_s: u32,
    /// Whether Reason Strings and User Properties are welcome in all packets. 5.0 only.
    pub request_problem_information: bool,
    /// Whether the server is asked for Response Information. 5.0 only.
    pub request_response_information: bool,
    /// User name.
    pub user_name: Option<Box<str>>,
    /// Password. In 3.x only with a user name.
    pub password: Option<Box<[u8]>>,
    /// What the server publishes if the connection ends without a word.
    pub will: Option<WillRequest>,
    /// User Properties of CONNECT, and nothing else. 5.0 only.
    pub user_properties: PropertiesBuf,
    /// Extended authentication. 5.0 only.
    pub authentication: Option<Authentication>,
    /// What is accepted from the server, and how long CONNACK may take. The longest keep-alive and session expiry
    /// are a server's limits and mean nothing here.
    pub limits: Limits,
    /// Bytes of QoS 1 and 2 messages that wait for transmission or acknowledgement.
    pub queue_bytes_max: usize,
    /// Milliseconds from PINGREQ to any answer.
    pub ping_timeout_ms: u64,
}

impl ConnectOptions {
    /// A clean start, a keep-alive of 60 s, no session after the connection, and nothing optional.
    pub fn new(version: Version, client_id: &str) -> Self {
        ConnectOptions {
            version,
            client_id: client_id.into(),
            clean_start: true,
            session_kept: false,
            keep_alive_s: 60,
            session_expiry_s: 0,
            request_problem_information: true,
            request_response_information: false,
            user_name: None,
            password: None,
            will: None,
            user_properties: PropertiesBuf::new(),
            authentication: None,
            limits: Limits::default(),
            queue_bytes_max: 64 * 1024 * 1024,
            ping_timeout_ms: 10_000,
        }
    }

    /// Whether a CONNECT can be written with all this.
    pub(super) fn check(&self) -> Result<(), Fatal> {
        let v5 = self.version.is_v5();
        if self.client_id.is_empty() && !v5 && (self.version == Version::V31 || !self.clean_start) {
            return Err(Violation::EmptyClientId.into()); // [3.1.1 MQTT-3.1.3-7]
        }
        if self.will.as_ref().is_some_and(|will| will.publication.message().payload.len() > 0xffff) {
            return Err(Malformed::StringTooLong.into());
        }
        if let Some(authentication) = self.authentication.as_ref().filter(|_| v5) {
            Property::AuthenticationMethod(&authentication.method).check(Place::Connect)?;
            authentication.data.as_deref().map_or(Ok(()), check_binary)?;
        }
        let connect_only = |property| matches!(property, Property::UserProperty(_));
        if !self.user_properties.as_properties().iter().all(connect_only) {
            return Err(Malformed::PropertyNotAllowedHere.into());
        }
        self.with_packet(self.clean_start, |packet| packet.check(self.version))?;
        Ok(())
    }

    /// Appends CONNECT. [MQTT-3.1.0-1] [3.1.1 MQTT-3.1.0-1] [3.1.1 MQTT-3.1.3-1]
    pub(super) fn write(&self, clean_start: bool, output: &mut Output) {
        self.with_packet(clean_start, |packet| packet.encode(self.version, output.buffer()));
    }

    fn with_packet<R>(&self, clean_start: bool, then: impl FnOnce(&Packet<'_>) -> R) -> R {
        let (mut properties, mut will_properties) = (PropertiesBuf::new(), PropertiesBuf::new());
        if self.version.is_v5() {
            properties = self.properties();
            will_properties = self.will_properties();
        }
        let will = self.will.as_ref().map(|will| {
            let message = will.publication.message();
            Will {
                qos: will.qos,
                retain: will.retain,
                topic: message.topic,
                properties: will_properties.as_properties(),
                payload: message.payload,
            }
        });
        then(&Packet::Connect(Connect {
            version: self.version,
            bridge: false,
            clean_start,
            keep_alive: self.keep_alive_s,
            properties: properties.as_properties(),
            client_id: &self.client_id,
            will,
            user_name: self.user_name.as_deref(),
            password: self.password.as_deref(),
        }))
    }

    fn properties(&self) -> PropertiesBuf {
        let mut properties = PropertiesBuf::from_checked(self.user_properties.as_properties());
        if self.session_expiry_s != 0 {
            properties.push(Property::SessionExpiryInterval(self.session_expiry_s));
        }
        if self.limits.receive_maximum != u16::MAX {
            properties.push(Property::ReceiveMaximum(self.limits.receive_maximum));
        }
        properties.push(Property::MaximumPacketSize(self.limits.maximum_packet_size));
        if self.limits.topic_alias_maximum != 0 {
            properties.push(Property::TopicAliasMaximum(self.limits.topic_alias_maximum));
        }
        if !self.request_problem_information {
            properties.push(Property::RequestProblemInformation(0));
        }
        if self.request_response_information {
            properties.push(Property::RequestResponseInformation(1));
        }
        if let Some(authentication) = &self.authentication {
            properties.push(Property::AuthenticationMethod(&authentication.method));
            if let Some(data) = &authentication.data {
                properties.push(Property::AuthenticationData(data));
            }
        }
        properties
    }

    fn will_properties(&self) -> PropertiesBuf {
        let Some(will) = &self.will else { return PropertiesBuf::new() };
        let travelling = Properties::from_checked_bytes(will.publication.message().properties);
        let mut properties = PropertiesBuf::from_checked(travelling);
        if will.delay_s != 0 {
            properties.push(Property::WillDelayInterval(will.delay_s));
        }
        if let Some(s) = will.expiry_s {
            properties.push(Property::MessageExpiryInterval(s));
        }
        properties
    }
}

impl fmt::Debug for ConnectOptions {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("version", &self.version)
            .field("client_id", &self.client_id)
            .field("clean_start", &self.clean_start)
            .field("keep_alive_s", &self.keep_alive_s)
            .field("session_expiry_s", &self.session_expiry_s)
            .field("user_name", &self.user_name)
            .finish_non_exhaustive()
    }
}
