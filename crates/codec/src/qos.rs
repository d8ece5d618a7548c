//! Quality of service and packet identifiers (sections 2.2.1 and 4.3). A QoS carries exactly what it
//! needs: level 0 has no packet identifier, levels 1 and 2 cannot be written without one.
use crate::error::{Malformed, Result};
use core::fmt;
use core::num::NonZeroU16;

/// A packet identifier: 1 to 65,535, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(NonZeroU16);

impl PacketId {
    /// The smallest identifier, 1.
    pub const MIN: Self = PacketId(NonZeroU16::MIN);
    /// The largest identifier, 65,535.
    pub const MAX: Self = PacketId(NonZeroU16::MAX);

    /// `None` for 0.
    pub const fn new(id: u16) -> Option<Self> {
        match NonZeroU16::new(id) {
            Some(id) => Some(PacketId(id)),
            None => None,
        }
    }

    /// The identifier as a number, never 0.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for PacketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A level of quality of service without its packet identifier: what a subscription grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum QoSLevel {
    /// QoS 0.
    #[default]
    AtMostOnce = 0,
    /// QoS 1.
    AtLeastOnce = 1,
    /// QoS 2.
    ExactlyOnce = 2,
}

impl TryFrom<u8> for QoSLevel {
    type Error = Malformed;

    fn try_from(level: u8) -> Result<Self> {
        match level {
            0 => Ok(QoSLevel::AtMostOnce),
            1 => Ok(QoSLevel::AtLeastOnce),
            2 => Ok(QoSLevel::ExactlyOnce),
            _ => Err(Malformed::QoSInvalid), // [MQTT-3.3.1-4]
        }
    }
}

impl fmt::Display for QoSLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (*self as u8).fmt(f)
    }
}

/// Quality of service of a PUBLISH together with its packet identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QoS {
    /// QoS 0: no packet identifier. [MQTT-2.2.1-2]
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce(PacketId),
    /// QoS 2.
    ExactlyOnce(PacketId),
}

impl QoS {
    /// `packet_id` is unused at level 0.
    pub const fn new(level: QoSLevel, packet_id: PacketId) -> Self {
        match level {
            QoSLevel::AtMostOnce => QoS::AtMostOnce,
            QoSLevel::AtLeastOnce => QoS::AtLeastOnce(packet_id),
            QoSLevel::ExactlyOnce => QoS::ExactlyOnce(packet_id),
        }
    }

    /// The level alone.
    pub const fn level(self) -> QoSLevel {
        match self {
            QoS::AtMostOnce => QoSLevel::AtMostOnce,
            QoS::AtLeastOnce(_) => QoSLevel::AtLeastOnce,
            QoS::ExactlyOnce(_) => QoSLevel::ExactlyOnce,
        }
    }

    /// The packet identifier, if this level has one.
    pub const fn packet_id(self) -> Option<PacketId> {
        match self {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce(id) | QoS::ExactlyOnce(id) => Some(id),
        }
    }
}
