//! Clients that connect again and again under one name.

use super::bystander::{Monitor, Pair};
use crate::child::ChildBroker;
use crate::common::{Client, connect};
use martlet_codec::{Packet, ReasonCode, Version};
use std::io::Write;
use std::net::TcpStream;

/// Bystanders and monitor.
const OTHERS: u64 = 3;

/// Each takes over from the one before it, which is told and closed; in the end there is one.
#[test]
fn a_takeover_storm() {
    const COUNT: usize = 1000;
    let broker = ChildBroker::start("");
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let mut last = Client::connect(broker.address, Version::V5, "the one");
    for number in 1..COUNT {
        let next = Client::connect(broker.address, Version::V5, "the one");
        assert_taken_over(last);
        last = next;
        if number % 50 == 0 {
            bystanders.exchange(1);
        }
    }
    last.ping();
    monitor.wait("clients/total", |count| count == OTHERS + 1);
    monitor.wait("sockets/count", |count| count == OTHERS + 1);
    broker.stop();
}

/// The same without waiting for anything: who comes last is not known, but there is one and only one.
#[test]
fn a_takeover_storm_all_at_once() {
    const COUNT: usize = 1000;
    let broker = ChildBroker::start("");
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let mut bytes = Vec::new();
    connect(Version::V311, "the one").encode(Version::V311, &mut bytes);
    let storm: Vec<TcpStream> = (0..COUNT)
        .map(|_| {
            let mut stream = TcpStream::connect(broker.address).unwrap();
            stream.write_all(&bytes).unwrap();
            stream
        })
        .collect();
    bystanders.exchange(100);
    monitor.wait("sockets/count", |count| count == OTHERS + 1);
    monitor.wait("clients/total", |count| count == OTHERS + 1);
    drop(storm);
    monitor.wait("sockets/count", |count| count == OTHERS);
    monitor.wait("clients/total", |count| count == OTHERS);
    bystanders.exchange(100);
    broker.stop();
}

fn assert_taken_over(mut client: Client) {
    let reason = client.receive(|packet| match packet {
        Packet::Disconnect(disconnect) => disconnect.reason,
        other => panic!("DISCONNECT expected, not {other:?}"),
    });
    assert_eq!(reason, Some(ReasonCode::SessionTakenOver)); // [MQTT-3.1.4-3]
    client.assert_end();
}
