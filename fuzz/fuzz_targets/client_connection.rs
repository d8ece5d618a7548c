//! A script of bytes: a server that says anything, time that passes, an application that asks, streams that break.
//! Nothing panics, what the client writes are packets, memory is bounded, each connection ends once. The harness is
//! that of the protocol's own test. The corpus begins with each golden frame behind a CONNACK.
#![no_main]
use libfuzzer_sys::fuzz_target;
use martlet_codec::Version;

#[path = "../../crates/protocol/tests/client_any_bytes/script.rs"]
mod script;
#[path = "../seeds.rs"]
mod seeds;

fuzz_target!(
    init: seeds::write("client_connection", seed),
    |bytes: &[u8]| script::client_connection(bytes)
);

fn seed(frame: &[u8], version: Version) -> Vec<u8> {
    let connack: &[u8] = if version.is_v5() { b"\x20\x03\x00\x00\x00" } else { b"\x20\x02\x00\x00" };
    let mut bytes = vec![script::opening(version)];
    bytes.extend(script::says(connack));
    bytes.extend([8, 4, 9, 0, 15, 0]); // PUBLISH, SUBSCRIBE, written
    frame.chunks(255).for_each(|piece| bytes.extend(script::says(piece)));
    bytes
}
