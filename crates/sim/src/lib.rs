//! A broker and its clients under simulation: one thread, a virtual clock, and one seed for all chance.
//!
//! The real [`Shard`](martlet_shard::Shard)s and the real `client::Connection`s run over links that cut at any byte,
//! delay, stall and lie about being open; checkers watch from outside and know the promises of the protocol, not
//! the code. It imports neither sockets nor the reactor: what is worth simulating lives below them.
#![forbid(unsafe_code)]

mod act;
mod backlog;
mod checks;
mod client;
mod crowd;
mod exchange;
mod failure;
mod faults;
mod hears;
mod host;
mod ledger;
mod link;
mod plan;
mod promises;
mod questions;
mod random;
mod replays;
mod slow;
mod tamper;
mod trace;
mod wills;
mod wire;
mod world;

pub use failure::{Checker, Failure};
pub use faults::Fault;
pub use trace::Trace;
pub use world::run;

#[cfg(test)]
mod tests;
