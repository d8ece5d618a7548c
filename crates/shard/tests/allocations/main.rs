//! What a message costs, and what it costs to hold something, by the count of an allocator and never by time.
//! Bytes are those that are asked for; what the system's allocator adds to each block is not counted.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

#[path = "../common/mod.rs"]
mod common;

mod rig;
mod steady;
mod storm;
mod weights;
