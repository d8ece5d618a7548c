//! MQTT 3.1, 3.1.1 and 5.0: bytes to packets and back.
//!
//! One packet model serves the three versions and both roles; [`Version`] is an argument. Decoding
//! borrows from the input and never allocates: every list is a view that was checked once and is
//! iterated on demand. This crate knows no session, no connection, no clock and no socket; what a
//! packet may mean *after* another packet is decided above it.
//!
//! ```
//! use martlet_codec::{Packet, Split, Version, split_frame};
//!
//! let bytes = b"\x30\x05\x00\x01thi";
//! let Ok(Split::Whole(frame, consumed)) = split_frame(bytes, 1024) else { panic!("not whole") };
//! let Ok(Packet::Publish(publish)) = Packet::decode(frame, Version::V311) else { panic!("refused") };
//! assert_eq!((consumed, publish.payload), (7, &b"hi"[..]));
//! ```
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod delivery;
mod error;
mod frame;
mod packet;
mod place;
mod property;
mod qos;
mod reason;
mod topic;
mod version;
mod wire;

pub use delivery::{Header, Template, publish_first_byte};
pub use error::{Malformed, Result};
pub use frame::{Frame, MAXIMUM_FRAME_LEN, Split, split_frame};
pub use packet::*;
pub use place::Place;
pub use property::{Properties, PropertiesBuf, PropertiesIter, Property};
pub use qos::{PacketId, QoS, QoSLevel};
pub use reason::ReasonCode;
pub use topic::{Share, TopicFilter, TopicName};
pub use version::{ProtocolName, Version};
pub use wire::{MAXIMUM_VARINT, Reader, check_binary, check_string, put_binary, put_varint, varint_len};
