//! Out of file descriptors: a broker in a process of its own, whose limit is lowered while it runs.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, TestBroker, child};
use martlet_codec::Version;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Read;
use std::time::Duration;

/// Descriptors that the child has left for connections, about.
const LEFT: u64 = 8;

#[test]
fn a_broker_without_descriptors_goes_on() {
    let (child, address) = child::spawn("child_broker");
    let mut served = Client::connect(address, Version::V311, "served");
    let crowd: Vec<Client> = (0..40).map(|_| Client::open(address)).collect();
    let refused = Client::open(address); // behind the crowd in the queue
    served.ping();
    let before = cpu_ms(child.0.id());
    std::thread::sleep(Duration::from_secs(1));
    let used = cpu_ms(child.0.id()) - before;
    assert!(used < 200, "{used} ms of processor time in a second without work: it is spinning");

    // The queue moves on as descriptors become free: its last gets an answer, and so does a new client.
    drop(crowd);
    refused.finish();
    refused.wait_for_end();
    while Client::open(address).refused() {}
    served.ping();
    child.assert_success();
}

#[test]
#[ignore = "a part of a_broker_without_descriptors_goes_on, which runs it as a process"]
fn child_broker() {
    let broker = TestBroker::start(1);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let limit = Rlimit { current: Some(open + LEFT), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
    child::announce(broker.address);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    broker.stop();
}

/// Processor time of a process so far.
fn cpu_ms(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let behind_name = stat.rsplit_once(')').unwrap().1;
    let ticks = |index: usize| behind_name.split_whitespace().nth(index).unwrap().parse::<u64>().unwrap();
    (ticks(11) + ticks(12)) * 10
}
