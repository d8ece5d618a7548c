//! The MQTT protocol as state machines for both roles: bytes and time in, bytes and events out.
//!
//! [`server::Connection`] and [`client::Connection`] are built from the same parts: [`Session`] with its two
//! directions of delivery, topic aliases, limits, keep-alive, [`Output`]. `no_std`, sans-IO: no socket, no
//! clock, no thread, no randomness, nothing that is not named by an argument.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod alias;
mod answer;
mod burst;
pub mod client;
mod exchange;
mod keep_alive;
mod limits;
mod output;
mod publication;
mod publications;
pub mod server;
mod session;
mod time;
mod transmit;
mod violation;

pub use answer::Owed;
pub use burst::Burst;
pub use limits::{Limits, PeerLimits};
pub use output::{Output, SHARED_PAYLOAD_MIN};
pub use publication::{Message, Parts, Publication, split_properties};
pub use publications::{PublicationId, Publications};
pub use session::{
    Acknowledged, Entry, GroupRef, Incoming, NEVER_EXPIRES, Next, Outgoing, PacketIdSet, Session,
    SubscriptionIds, Will,
};
pub use time::Time;
pub use transmit::{Delivery, Encodings, Source, TooLarge, Transmitter};
pub use violation::{ClientText, Fatal, OtherProtocol, Violation};
