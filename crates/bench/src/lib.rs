//! A load generator for any MQTT broker at a URL, and the relay that is the physical limit of one.
//!
//! This crate must be unable to import the broker: what measures it shares nothing with it but the codec, of which only
//! the splitting of frames is on the generator's hot path. Each thread has one poll; messages are encoded once and then
//! patched, written in blocks, and checked by the sequence numbers in their payloads. Nothing here parses options or
//! prints: see `martlet bench`.
#![forbid(unsafe_code)]

mod bench;
mod block;
mod connection;
mod fault;
mod fickle;
mod flow;
mod latency;
mod measure;
mod options;
mod packets;
mod publisher;
mod relay;
mod report;
mod scenario;
mod socket;
mod stamp;
mod tally;
mod target;
mod tracker;
mod usage;
mod worker;

pub use fault::BenchFault;
pub use hdrhistogram;
pub use latency::Latency;
pub use options::{Extent, Options};
pub use relay::{Relay, RelayHandle};
pub use report::{Better, Figure, Report};
pub use scenario::{
    Background, Conn, Crowd, Ingredient, Mix, Patterns, Persist, Replay, Retained, Scenario, Subs, Traffic,
    run,
};
pub use stamp::STAMP_LEN;
pub use usage::Spent;

/// Somebody who watches a run.
pub trait Observer {
    /// Something that must be known, once.
    fn say(&mut self, text: &str);
    /// Whether the run is to end early: asked many times a second.
    fn is_interrupted(&self) -> bool {
        false
    }
    /// What is being done, and how far it has come: several times a second.
    fn progress(&mut self, doing: &str, so_far: &str);
}
