//! What each side may demand of the other: our limits, and those that the other side announced.

use martlet_codec::{Properties, Property};

/// What a server accepts, and how long it waits. Announced in CONNACK where the protocol has a property for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the largest packet accepted, 1 to 268,435,460 (3.2.2.3.6).
    pub maximum_packet_size: u32,
    /// QoS 1 and 2 messages that a client may have unacknowledged, 1 to 65,535 (3.2.2.3.3). For 5.0 clients.
    pub receive_maximum: u16,
    /// Topic Aliases that a client may set, 0 to 65,535 (3.2.2.3.8).
    pub topic_alias_maximum: u16,
    /// Topic Aliases that the server sets at most towards a client, within what the client allows.
    pub topic_alias_outgoing_max: u16,
    /// QoS 1 and 2 messages in flight to a client at most, within the client's own Receive Maximum.
    pub in_flight_max: u16,
    /// Longest keep-alive in seconds, 0 for no limit; a 5.0 client is told by Server Keep Alive (3.2.2.3.14).
    pub keep_alive_max_s: u16,
    /// Longest Session Expiry Interval in seconds; 4,294,967,295 allows sessions that never expire.
    pub session_expiry_max_s: u32,
    /// Milliseconds from the opening of the socket to the whole CONNECT, authentication included.
    pub connect_timeout_ms: u64,
    /// Largest packet identifier in use: 65,535, or less in a test that wants them to wrap.
    pub packet_id_max: u16,
    /// Bytes of output above which QoS 0 messages are dropped and a client is not read.
    pub output_high_bytes: usize,
    /// Bytes of output below which queued messages are added to it.
    pub output_low_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            maximum_packet_size: 2 * 1024 * 1024,
            receive_maximum: 1024,
            topic_alias_maximum: 32,
            topic_alias_outgoing_max: 32,
            in_flight_max: 1024,
            keep_alive_max_s: 0,
            session_expiry_max_s: u32::MAX,
            connect_timeout_ms: 10_000,
            packet_id_max: u16::MAX,
            output_high_bytes: 1024 * 1024,
            output_low_bytes: 64 * 1024,
        }
    }
}

/// What the other side announced in CONNECT or CONNACK; the defaults are those of 3.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    /// QoS 1 and 2 messages that it takes unacknowledged.
    pub receive_maximum: u16,
    /// Bytes of the largest packet that it takes.
    pub maximum_packet_size: u32,
    /// Topic Aliases that it takes.
    pub topic_alias_maximum: u16,
    /// Whether Reason Strings and User Properties are welcome in all packets. [MQTT-3.1.2-29]
    pub problem_information: bool,
}

impl Default for PeerLimits {
    fn default() -> Self {
        PeerLimits {
            receive_maximum: u16::MAX,
            maximum_packet_size: u32::MAX,
            topic_alias_maximum: 0, // [MQTT-3.1.2-27] [MQTT-3.2.2-18]
            problem_information: true,
        }
    }
}

impl PeerLimits {
    /// Reads them from the properties of CONNECT or CONNACK.
    pub fn from_properties(properties: Properties<'_>) -> Self {
        let mut limits = Self::default();
        for property in properties.iter() {
            match property {
                Property::ReceiveMaximum(n) => limits.receive_maximum = n,
                Property::MaximumPacketSize(n) => limits.maximum_packet_size = n,
                Property::TopicAliasMaximum(n) => limits.topic_alias_maximum = n,
                Property::RequestProblemInformation(n) => limits.problem_information = n != 0,
                _ => {}
            }
        }
        limits
    }
}
