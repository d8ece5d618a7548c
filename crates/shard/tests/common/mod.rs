//! Everything that the tests of this crate need and no test is about: shards with mail between them, clients that
//! speak raw frames, a clock that only a test moves. No socket, no thread, no time of day.
//!
//! A test is a story. Its clients are named by a word, and say and hear packets as lines of words: see [`words`].
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

pub(crate) mod client;
pub(crate) mod describe;
pub(crate) mod fuzz;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod rig;
mod turn;
pub(crate) mod words;

pub(crate) use martlet_shard::{Dropped, EndReason, Verdict};
pub(crate) use rig::{Rig, TICK_MS, everywhere, everywhere_with};
