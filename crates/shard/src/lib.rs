//! The broker of one core: sessions, subscriptions, routing, retained messages, wills.
//!
//! A [`Shard`] is a value: [`Input`]s in, [`Effect`]s out. It performs no I/O, reads no clock, starts no thread and
//! draws no random number but from a seed that it is given. Several shards make a broker by exchanging mail
//! ([`Batch`]) and by one shared table of who may be interested in what ([`Interest`]).
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod admission;
mod answers;
mod burst;
mod clients;
mod config;
mod connect;
mod connection;
mod control_characters;
mod counters;
mod fanout;
mod groups;
mod index;
mod interest;
mod interface;
mod levels;
mod mail;
mod memory;
mod origin;
mod oversized;
mod placement;
mod pool;
mod post;
mod publish;
mod random;
mod receive;
mod replay;
mod reserved;
mod retained;
mod session;
mod shapes;
mod shard;
mod shared;
mod shares;
mod slab;
mod status;
mod subscribe;
mod sys;
mod timers;
mod waiting;
mod wheel;

pub use config::Config;
pub use counters::{Counters, Dropped, Kind};
pub use interest::Interest;
pub use interface::{
    ConnectionId, Credentials, Effect, EndReason, Input, Life, Loss, Oversized, ShardId, Shortage, Ticket,
    Verdict,
};
pub use mail::Batch;
pub use origin::{Admission, ControlCharacters, Listener, Origin, Peer};
pub use shard::Shard;
pub use shared::Strategy;
