//! Bytes as TCP brings them: in pieces, in heaps, half-closed, cut off, or not read at all.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, TestBroker, connect, publish};
use martlet_broker::Config;
use martlet_codec::{Disconnect, Packet, Properties, QoSLevel, ReasonCode, Version};
use std::io::Write;
use std::time::{Duration, Instant};

#[test]
fn packets_may_come_byte_by_byte() {
    let broker = TestBroker::start(2);
    let mut client = Client::open(broker.address);
    let mut bytes = client.bytes_of(&connect(Version::V311, "slow"));
    bytes.extend(client.bytes_of(&Packet::PingReq));
    for byte in bytes {
        client.stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(client.connack(), ReasonCode::Success);
    client.receive(|packet| assert_eq!(packet, Packet::PingResp)).unwrap();
    broker.stop();
}

#[test]
fn packets_may_come_all_at_once() {
    let broker = TestBroker::start(2);
    let mut client = Client::open(broker.address);
    let mut bytes = client.bytes_of(&connect(Version::V311, "hasty"));
    for _ in 0..1000 {
        bytes.extend(client.bytes_of(&Packet::PingReq));
    }
    client.stream.write_all(&bytes).unwrap();
    assert_eq!(client.connack(), ReasonCode::Success);
    for _ in 0..1000 {
        client.receive(|packet| assert_eq!(packet, Packet::PingResp)).unwrap();
    }
    broker.stop();
}

#[test]
fn a_payload_larger_than_every_buffer_arrives_whole() {
    let broker = TestBroker::start(1);
    let mut subscriber = Client::connect(broker.address, Version::V311, "s");
    subscriber.subscribe("big", QoSLevel::AtMostOnce);
    let payload: Vec<u8> = (0..1_500_000u32).map(|n| (n % 251) as u8).collect();
    Client::connect(broker.address, Version::V311, "p").publish("big", &payload);
    assert!(subscriber.payload() == payload); // [3.1.1 MQTT-7.1.1-1]
    broker.stop();
}

/// What a client said before it closed its side counts, and what the broker answers still arrives. Many at once,
/// so that the last bytes and the end often come together.
#[test]
fn a_half_closed_connection_gets_its_answers() {
    const CLIENTS: usize = 100;
    let broker = TestBroker::start(2);
    let mut subscriber = Client::connect(broker.address, Version::V311, "s");
    subscriber.subscribe("last/words", QoSLevel::AtMostOnce);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::open(broker.address)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        let mut bytes = client.bytes_of(&connect(Version::V311, &format!("brief-{number}")));
        bytes.extend(client.bytes_of(&publish("last/words", b"goodbye")));
        bytes.extend(client.bytes_of(&Packet::PingReq));
        client.stream.write_all(&bytes).unwrap();
        client.finish();
    }
    for client in &mut clients {
        assert_eq!(client.connack(), ReasonCode::Success);
        client.receive(|packet| assert_eq!(packet, Packet::PingResp)).unwrap();
        client.assert_end();
        assert_eq!(subscriber.payload(), b"goodbye");
    }
    broker.stop();
}

#[test]
fn a_disconnect_is_answered_by_the_end() {
    let broker = TestBroker::start(2);
    let mut client = Client::connect(broker.address, Version::V5, "c");
    let (reason, properties) = (ReasonCode::Success, Properties::NONE);
    client.send(&Packet::Disconnect(Disconnect { reason, properties }));
    client.assert_end(); // [MQTT-3.14.4-1]
    broker.stop();
}

#[test]
fn what_is_no_mqtt_is_closed() {
    let broker = TestBroker::start(1);
    let http = [&b"GET / HTTP/1.1\r\nAccept: */*\r\nX: "[..], &[b'x'; 64], b"\r\n\r\n"].concat();
    for bytes in [&http[..], &[0x00; 64], &[0x10, 0xff, 0xff, 0xff, 0xff, 0xff], &[0xc0, 0x00]] {
        let mut client = Client::open(broker.address);
        client.stream.write_all(bytes).unwrap();
        client.assert_end();
    }
    broker.stop();
}

#[test]
fn who_says_nothing_is_closed_in_time() {
    let mut config = Config { shards: Some(1), ..Config::default() };
    config.shard.limits.connect_timeout_ms = 100;
    let broker = TestBroker::with(config);
    let mut silent = Client::open(broker.address);
    let mut half = Client::open(broker.address);
    half.stream.write_all(&[0x10]).unwrap();
    silent.assert_end();
    half.assert_end();
    broker.stop();
}

/// A subscriber that does not read loses messages of QoS 0; nobody else notices, and it gets the later ones.
#[test]
fn a_client_that_does_not_read_holds_nobody_up() {
    const COUNT: usize = 3000;
    let broker = TestBroker::start(1);
    let mut sleeper = Client::connect(broker.address, Version::V311, "sleeper");
    sleeper.subscribe("flood", QoSLevel::AtMostOnce);
    let mut reader = Client::connect(broker.address, Version::V311, "reader");
    reader.subscribe("flood", QoSLevel::AtMostOnce);
    let mut publisher = Client::connect(broker.address, Version::V311, "publisher");
    let mut payload = vec![b'x'; 10_000];
    for number in 0..COUNT {
        payload[..8].copy_from_slice(format!("{number:8}").as_bytes());
        publisher.publish("flood", &payload);
        assert_eq!(reader.payload()[..8], payload[..8]);
    }
    publisher.publish("flood", b"end");
    assert_eq!(reader.payload(), b"end");
    let mut received = 0;
    sleeper.send(&Packet::PingReq);
    while sleeper.receive(|packet| packet != Packet::PingResp).unwrap() {
        received += 1;
    }
    assert!((1..COUNT).contains(&received), "{received} of {COUNT} messages: some were dropped, some kept");
    broker.stop();
}

/// A client that never reads cannot hold a connection that the broker wants to close.
#[test]
fn patience_with_a_client_that_does_not_read_ends() {
    let broker = TestBroker::start(1);
    let mut sleeper = Client::connect(broker.address, Version::V5, "sleeper");
    sleeper.subscribe("flood", QoSLevel::AtMostOnce);
    let mut publisher = Client::connect(broker.address, Version::V5, "publisher");
    for _ in 0..2000 {
        publisher.publish("flood", &[0; 10_000]);
    }
    publisher.ping();
    let began = Instant::now();
    broker.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "the limit of a stop was needed");
}
