//! The protocol versions and the names they go by in CONNECT (section 3.1.2.1 and 3.1.2.2).
//! A version selects a wire format and nothing else.

/// The protocol version agreed by CONNECT. The discriminant is the protocol level on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Version {
    /// MQTT 3.1, protocol name "MQIsdp".
    V31 = 3,
    /// MQTT 3.1.1.
    V311 = 4,
    /// MQTT 5.0.
    V5 = 5,
}

impl Version {
    /// Whether packets carry properties and reason codes.
    pub const fn is_v5(self) -> bool {
        matches!(self, Version::V5)
    }

    /// The protocol name that CONNECT carries: "MQIsdp" or "MQTT".
    pub const fn protocol_name(self) -> &'static str {
        match self {
            Version::V31 => "MQIsdp",
            Version::V311 | Version::V5 => "MQTT",
        }
    }
}

impl core::fmt::Display for Version {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Version::V31 => "3.1",
            Version::V311 => "3.1.1",
            Version::V5 => "5.0",
        })
    }
}

/// The protocol name of a CONNECT that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProtocolName {
    /// "MQTT": 3.1.1 and later.
    Mqtt,
    /// "MQIsdp": 3.1.
    MqIsdp,
    /// Anything else: most likely not an MQTT client.
    Unknown,
}

impl ProtocolName {
    pub(crate) fn of(name: &[u8]) -> Self {
        match name {
            b"MQTT" => ProtocolName::Mqtt,
            b"MQIsdp" => ProtocolName::MqIsdp,
            _ => ProtocolName::Unknown,
        }
    }

    pub(crate) const fn version(self, level: u8) -> Option<Version> {
        match (self, level) {
            (ProtocolName::MqIsdp, 3) => Some(Version::V31),
            (ProtocolName::Mqtt, 4) => Some(Version::V311),
            (ProtocolName::Mqtt, 5) => Some(Version::V5),
            _ => None,
        }
    }
}
