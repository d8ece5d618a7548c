//! A script of bytes: clients that say anything, time that passes, authenticators that answer, streams that break.
//! Nothing panics, what the server writes are packets, memory is bounded, no delivery is lost. The harness is that
//! of the shard's own test.
#![no_main]
#![allow(unused_imports, reason = "the harness serves other tests too")]
use libfuzzer_sys::fuzz_target;
use martlet_codec::Version;

#[path = "../../crates/shard/tests/common/mod.rs"]
mod common;
#[path = "../seeds.rs"]
mod seeds;

fuzz_target!(
    init: seeds::write("server_connection", seed),
    |script: &[u8]| common::fuzz::server_connection(script)
);

/// A client connects in the frame's version, then says the frame.
fn seed(frame: &[u8], version: Version) -> Vec<u8> {
    let mut script = vec![0, 0, version as u8 - 3];
    frame.chunks(255).for_each(|piece| script.extend([&[0, piece.len() as u8], piece].concat()));
    script
}
