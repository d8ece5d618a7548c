//! Several shards: streams find their homes, and messages find subscribers wherever they are.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, TestBroker, connect};
use martlet_codec::{Packet, QoSLevel, ReasonCode, Version};
use std::io::Write;
use std::thread;

/// Whatever shard accepts, the stream moves to the client's home with all that was read.
#[test]
fn a_stream_moves_with_what_was_read() {
    let broker = TestBroker::start(4);
    for number in 0..64 {
        let client_id = format!("client-{number}");
        let mut client = Client::open(broker.address);
        let mut bytes = client.bytes_of(&connect(Version::V311, &client_id));
        bytes.extend(client.bytes_of(&Packet::PingReq));
        client.stream.write_all(&bytes).unwrap();
        assert_eq!(client.connack(), ReasonCode::Success);
        client.receive(|packet| assert_eq!(packet, Packet::PingResp)).unwrap();
    }
    broker.stop();
}

/// Takeover is local: the second connection of a client finds the first, whichever shards accepted them.
#[test]
fn a_second_connection_takes_over() {
    let broker = TestBroker::start(4);
    for _ in 0..16 {
        let mut first = Client::connect(broker.address, Version::V5, "the same");
        let _second = Client::connect(broker.address, Version::V5, "the same");
        let reason = first.receive(|packet| match packet {
            Packet::Disconnect(disconnect) => disconnect.reason,
            other => panic!("DISCONNECT expected, not {other:?}"),
        });
        assert_eq!(reason, Some(ReasonCode::SessionTakenOver)); // [MQTT-3.1.4-3]
        first.assert_end();
    }
    broker.stop();
}

/// Everybody publishes to everybody over all pairs of shards, and each order is kept.
#[test]
fn order_holds_between_all_shards() {
    const CLIENTS: usize = 12;
    const MESSAGES: usize = 2000;
    let broker = TestBroker::start(3);
    let mut subscribers: Vec<Client> = (0..CLIENTS)
        .map(|number| Client::connect(broker.address, Version::V311, &format!("subscriber-{number}")))
        .collect();
    for subscriber in &mut subscribers {
        subscriber.subscribe("all/+", QoSLevel::AtMostOnce);
    }
    let address = broker.address;
    let publishing: Vec<_> = (0..CLIENTS)
        .map(|number| {
            thread::spawn(move || {
                let mut publisher = Client::connect(address, Version::V311, &format!("publisher-{number}"));
                for message in 0..MESSAGES {
                    publisher.publish(&format!("all/{number}"), format!("{number} {message}").as_bytes());
                }
                publisher.ping();
            })
        })
        .collect();
    let receiving: Vec<_> =
        subscribers.into_iter().map(|subscriber| thread::spawn(|| assert_order(subscriber))).collect();
    for thread in publishing.into_iter().chain(receiving) {
        thread.join().unwrap();
    }
    broker.stop();

    fn assert_order(mut subscriber: Client) {
        let mut next = [0; CLIENTS];
        for _ in 0..CLIENTS * MESSAGES {
            let payload = String::from_utf8(subscriber.payload()).unwrap();
            let (publisher, message) = payload.split_once(' ').unwrap();
            let next = &mut next[publisher.parse::<usize>().unwrap()];
            assert_eq!(message.parse(), Ok(*next), "of publisher {publisher}");
            *next += 1;
        }
    }
}

#[test]
fn many_connections_come_and_go() {
    let broker = TestBroker::start(2);
    for round in 0..3 {
        let clients: Vec<Client> = (0..400)
            .map(|number| Client::connect(broker.address, Version::V311, &format!("{round}-{number}")))
            .collect();
        for mut client in clients {
            client.ping();
        }
    }
    broker.stop();
}
