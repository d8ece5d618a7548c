//! What only a whole broker on real sockets can show: foreign clients, a crowd, hostility.
//!
//! Each module says what it is about. No test here depends on how fast the machine is: they wait for what must
//! happen, with limits that only a failure reaches.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod child;
#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod hostile;
mod load;
mod peers;
