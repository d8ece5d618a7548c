//! The MQTT protocol as state machines for both roles: bytes and time in, bytes and events out.
//!
//! `no_std`, sans-IO: no socket, no clock, no thread, no randomness, at most what is named by an argument.
#![no_std]
extern crate alloc;

mod time;

pub use time::Time;
