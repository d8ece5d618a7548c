//! The packet types of section 2.1.2: number, name, and the flags that section 2.1.3 prescribes.
use crate::error::{Malformed, Result};

macro_rules! packet_types {
    ($($number:literal $variant:ident $name:literal;)*) => {
        /// The type of a control packet; the discriminant is its number on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum PacketType { $(#[doc = $name] $variant = $number,)* }

        impl PacketType {
            /// The specification's name, as in `CONNECT`.
            pub const fn name(self) -> &'static str {
                match self { $(PacketType::$variant => $name,)* }
            }
        }

        impl TryFrom<u8> for PacketType {
            type Error = Malformed;

            fn try_from(number: u8) -> Result<Self> {
                match number { $($number => Ok(PacketType::$variant),)* _ => Err(Malformed::UnknownPacketType) }
            }
        }
    };
}

packet_types! {
    1 Connect "CONNECT";
    2 ConnAck "CONNACK";
    3 Publish "PUBLISH";
    4 PubAck "PUBACK";
    5 PubRec "PUBREC";
    6 PubRel "PUBREL";
    7 PubComp "PUBCOMP";
    8 Subscribe "SUBSCRIBE";
    9 SubAck "SUBACK";
    10 Unsubscribe "UNSUBSCRIBE";
    11 UnsubAck "UNSUBACK";
    12 PingReq "PINGREQ";
    13 PingResp "PINGRESP";
    14 Disconnect "DISCONNECT";
    15 Auth "AUTH";
}

impl PacketType {
    /// Table 2-2: the lower four bits of the first byte. PUBLISH has flags of its own.
    pub(super) const fn reserved_flags(self) -> u8 {
        match self {
            PacketType::PubRel | PacketType::Subscribe | PacketType::Unsubscribe => 0b0010,
            _ => 0,
        }
    }
}

impl core::fmt::Display for PacketType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
