//! A script of bytes: clients that say anything, time that passes, authenticators that answer, streams that break.
//! Nothing panics, what the server writes are packets, memory is bounded, no delivery is lost. The harness is that
//! of the shard's own test.
#![no_main]
#![allow(unused_imports, reason = "the harness serves other tests too")]
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/shard/tests/common/mod.rs"]
mod common;

fuzz_target!(|script: &[u8]| common::fuzz::server_connection(script));
