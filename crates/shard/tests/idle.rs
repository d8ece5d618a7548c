//! What an idle client costs after a message for it that was not sent: what the operating system says of this process.
//! One test in a process of its own, for the figure is the whole process's.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

mod common;

use common::Rig;
use common::process::data_bytes;

const CLIENTS: usize = 2_000;

#[test]
fn a_message_that_is_not_sent_leaves_no_buffer_behind() {
    let mut rig = Rig::new(1);
    rig.connect("p", "v5");
    rig.ignore("p");
    for n in 0..CLIENTS {
        let name = n.to_string();
        rig.connect(&name, "v5 max=100");
        rig.subscribe(&name, "t@1");
    }
    let before = data_bytes();
    rig.tell("p", "publish t *200"); // too large for all of them
    rig.tell("p", "publish t *200 1#1");
    let grown = data_bytes().saturating_sub(before) / CLIENTS;
    println!("bytes for each client: {grown}");
    assert!(grown < 300, "{grown} bytes for each idle client"); // the queue of each had an entry once
}
