//! Memory that clients can make a shard use before they are anybody: what the operating system says of this process.
//! One test in a process of its own, for the figure is the whole process's.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

mod common;

use common::Rig;
use common::process::data_bytes;
use common::words::hex;

const CLIENTS: usize = 2_000;

/// What `CLIENTS` clients cost, in bytes each, that say this first. The rig is kept: its memory is not used again.
fn cost(bytes: &[u8]) -> (Rig, usize) {
    let mut rig = Rig::new(1);
    let before = data_bytes();
    for n in 0..CLIENTS {
        let name = n.to_string();
        rig.open(&name, "v5");
        rig.write(&name, bytes);
        rig.client(&name).to_server.shrink_to_fit();
    }
    assert_eq!(rig.shards[0].connections(), CLIENTS);
    (rig, (data_bytes() - before) / CLIENTS)
}

#[test]
fn the_claim_of_a_large_frame_costs_no_memory() {
    let (_a, nothing) = cost(&[]);
    let (_b, one_byte) = cost(&hex("10"));
    let (_c, claim) = cost(&hex("10 80 80 10")); // the start of a CONNECT of 256 KiB
    println!("bytes for each client: {nothing}, with one byte {one_byte}, with a claim {claim}");
    assert!(one_byte < nothing + 2048 && claim < nothing + 4096);
}
