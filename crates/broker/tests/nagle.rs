//! Clients whose system holds a small segment back until the one before is acknowledged (Nagle's algorithm, which is on
//! unless a program turns it off): the broker's system must not delay that acknowledgement, or each exchange takes
//! 40 ms and more.
//!
//! Nothing here depends on how fast the machine is: a twin of the client, with the algorithm turned off, takes turns with
//! it on the same broker, and whatever delays the one delays the other as often.

#![cfg(any(target_os = "linux", target_os = "android"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, TestBroker, connect, publish};
use martlet_codec::{
    Ack, AckKind, Disconnect, Packet, PacketId, Properties, Publish, QoS, QoSLevel, ReasonCode, Version,
};
use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const ROUNDS: usize = 50;
/// No system delays an acknowledgement for less.
const STALL: Duration = Duration::from_millis(35);

/// A client that does not set `TCP_NODELAY`, or its twin that does.
fn client(address: SocketAddr, client_id: &str, nodelay: bool) -> Client {
    let client = Client::connect(address, Version::V311, client_id);
    client.stream.set_nodelay(nodelay).unwrap();
    client
}

/// Lets both take turns and counts who waited how often.
fn assert_no_stalls<T>(mut twins: [T; 2], mut round: impl FnMut(&mut T, u16)) {
    let mut stalls = [0; 2];
    for number in 1..=ROUNDS {
        for (twin, stalls) in twins.iter_mut().zip(&mut stalls) {
            let begun = Instant::now();
            round(twin, u16::try_from(number).unwrap());
            *stalls += usize::from(begun.elapsed() >= STALL);
        }
    }
    let [held_back, control] = stalls;
    assert!(
        held_back < control + ROUNDS / 2,
        "{held_back} of {ROUNDS} rounds stalled, {control} without Nagle"
    );
}

fn twins(address: SocketAddr, filter: Option<QoSLevel>) -> [Client; 2] {
    [false, true].map(|nodelay| {
        let mut client = client(address, if nodelay { "control" } else { "nagle" }, nodelay);
        if let Some(qos) = filter {
            client.subscribe(topic(nodelay), qos);
        }
        client
    })
}

fn topic(nodelay: bool) -> &'static str {
    if nodelay { "control" } else { "nagle" }
}

fn own_topic(client: &Client) -> &'static str {
    topic(client.stream.nodelay().unwrap())
}

fn message(topic: &str, number: u16) -> Packet<'_> {
    let Packet::Publish(plain) = publish(topic, b"hello") else { unreachable!() };
    Packet::Publish(Publish { qos: QoS::AtLeastOnce(PacketId::new(number).unwrap()), ..plain })
}

fn puback(packet_id: PacketId) -> Packet<'static> {
    let (reason, properties) = (ReasonCode::Success, Properties::NONE);
    Packet::Ack(Ack { kind: AckKind::PubAck, packet_id, reason, properties })
}

/// Waits for PUBACK and for a message; the message's packet id.
fn acknowledged_and_delivered(client: &mut Client) -> PacketId {
    let (mut is_acknowledged, mut delivered) = (false, None);
    while !is_acknowledged || delivered.is_none() {
        let read = |packet: Packet<'_>| match packet {
            Packet::Publish(publish) => delivered = publish.qos.packet_id(),
            Packet::Ack(_) => is_acknowledged = true,
            other => panic!("{other:?}"),
        };
        client.receive(read).unwrap();
    }
    delivered.unwrap()
}

#[test]
fn acknowledgement_then_publish() {
    for shards in [1, 2] {
        let broker = TestBroker::start(shards);
        assert_no_stalls(twins(broker.address, Some(QoSLevel::AtLeastOnce)), |client, number| {
            client.send(&message(own_topic(client), number));
            let packet_id = acknowledged_and_delivered(client);
            client.send(&puback(packet_id));
        });
        broker.stop();
    }
}

#[test]
fn acknowledgement_then_ping_of_a_subscriber() {
    let broker = TestBroker::start(1);
    let mut publisher = Client::connect(broker.address, Version::V311, "publisher");
    assert_no_stalls(twins(broker.address, Some(QoSLevel::AtLeastOnce)), |client, number| {
        publisher.send(&message(own_topic(client), number));
        let packet_id = client.receive(|packet| match packet {
            Packet::Publish(publish) => publish.qos.packet_id().unwrap(),
            other => panic!("{other:?}"),
        });
        client.send(&puback(packet_id.unwrap()));
        client.ping();
    });
    broker.stop();
}

#[test]
fn packet_in_several_writes() {
    let broker = TestBroker::start(1);
    assert_no_stalls(twins(broker.address, None), |client, number| {
        let bytes = client.bytes_of(&message("t", number));
        for part in [&bytes[..2], &bytes[2..5], &bytes[5..]] {
            client.stream.write_all(part).unwrap();
        }
        client.receive(|packet| assert!(matches!(packet, Packet::Ack(_)), "{packet:?}")).unwrap();
    });
    broker.stop();
}

#[test]
fn two_messages_without_acknowledgement() {
    let broker = TestBroker::start(1);
    assert_no_stalls(twins(broker.address, Some(QoSLevel::AtMostOnce)), |client, _| {
        client.publish("elsewhere", b"1");
        client.publish(own_topic(client), b"2");
        assert_eq!(client.payload(), b"2");
    });
    broker.stop();
}

#[test]
fn message_and_goodbye() {
    let broker = TestBroker::start(1);
    assert_no_stalls([false, true], |nodelay, _| {
        let mut client = Client::open(broker.address);
        client.stream.set_nodelay(*nodelay).unwrap();
        client.send(&connect(Version::V311, topic(*nodelay)));
        assert_eq!(client.connack(), ReasonCode::Success);
        client.publish("t", b"hello");
        let (reason, properties) = (ReasonCode::Success, Properties::NONE);
        client.send(&Packet::Disconnect(Disconnect { reason, properties }));
        client.assert_end();
    });
    broker.stop();
}
