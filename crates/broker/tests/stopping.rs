//! The end: every client is told, everything is flushed, nothing is left behind.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, TestBroker, child};
use martlet_codec::{Packet, ReasonCode, Version};
use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpStream;

#[test]
fn clients_are_told() {
    let broker = TestBroker::start(2);
    let mut new: Vec<Client> =
        (0..20).map(|n| Client::connect(broker.address, Version::V5, &format!("new-{n}"))).collect();
    let mut old: Vec<Client> =
        (0..20).map(|n| Client::connect(broker.address, Version::V311, &format!("old-{n}"))).collect();
    let unknown = Client::open(broker.address);
    let address = broker.address;
    broker.handle().stop();
    for client in &mut new {
        let reason = client.receive(|packet| match packet {
            Packet::Disconnect(disconnect) => disconnect.reason,
            other => panic!("DISCONNECT expected, not {other:?}"),
        });
        assert_eq!(reason, Some(ReasonCode::ServerShuttingDown));
        client.assert_end();
    }
    for client in &mut old {
        client.assert_end(); // 3.x has no DISCONNECT from a server
    }
    drop((new, old));
    unknown.wait_for_end(); // it may still have been in the queue of a listener
    broker.stop();
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_dropped_broker_stops() {
    let broker = TestBroker::start(2);
    let mut client = Client::connect(broker.address, Version::V311, "c");
    drop(broker);
    client.assert_end();
}

#[test]
fn a_signal_stops_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let (process, address) = child::spawn("child_with_signals");
        let mut client = Client::connect(address, Version::V5, "c");
        kill_process(Pid::from_child(&process.0), signal).unwrap();
        let reason = client.receive(|packet| match packet {
            Packet::Disconnect(disconnect) => disconnect.reason,
            other => panic!("DISCONNECT expected, not {other:?}"),
        });
        assert_eq!(reason, Some(ReasonCode::ServerShuttingDown));
        client.assert_end();
        drop(client);
        process.assert_success();
    }
}

#[test]
#[ignore = "a part of a_signal_stops_in_order, which runs it as a process"]
fn child_with_signals() {
    let broker = TestBroker::start(2);
    martlet_broker::Signals::catch().unwrap().control(broker.handle()).unwrap();
    child::announce(broker.address);
    broker.join();
}
