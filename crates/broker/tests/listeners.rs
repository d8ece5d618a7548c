//! Where a broker listens, and who comes in there.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, TestBroker, connect};
use martlet_broker::{Broker, Config, ListenerConfig};
use martlet_codec::{ReasonCode, Version};
use martlet_net::Endpoint;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;

fn start(endpoint: &str, allow_anonymous: Option<bool>) -> Broker {
    let endpoint: Endpoint = endpoint.parse().unwrap();
    let listeners = vec![ListenerConfig { allow_anonymous, ..ListenerConfig::new(endpoint) }];
    Broker::start(Config { listeners, shards: Some(2), ..Config::default() }).unwrap()
}

fn stop(broker: Broker) {
    broker.handle().stop();
    broker.join().unwrap();
}

fn answer_to_a_stranger(broker: &Broker, version: Version) -> ReasonCode {
    let port = broker.local_addresses().next().unwrap().port();
    let mut client = Client::open(SocketAddr::from(([127, 0, 0, 1], port)));
    let bytes = client.bytes_of(&connect(version, "stranger"));
    client.stream.write_all(&bytes).unwrap();
    let mut connack = [0; 4];
    client.stream.read_exact(&mut connack).unwrap();
    assert_eq!(connack[0], 0x20);
    if version.is_v5() {
        ReasonCode::try_from(connack[3]).unwrap()
    } else {
        ReasonCode::from_v3_connack(connack[3]).unwrap()
    }
}

#[test]
fn strangers_come_in_only_where_they_may() {
    let closed = start("mqtt://0.0.0.0:0", None);
    assert_eq!(answer_to_a_stranger(&closed, Version::V5), ReasonCode::NotAuthorized);
    assert_eq!(answer_to_a_stranger(&closed, Version::V311), ReasonCode::NotAuthorized);
    stop(closed);
    let open = start("mqtt://0.0.0.0:0", Some(true));
    assert_eq!(answer_to_a_stranger(&open, Version::V311), ReasonCode::Success);
    stop(open);
    let local = start("mqtt://127.0.0.1:0", None);
    assert_eq!(answer_to_a_stranger(&local, Version::V311), ReasonCode::Success);
    stop(local);
}

#[test]
fn a_unix_socket_serves_all_shards_and_goes_with_the_broker() {
    let directory = std::env::temp_dir().join(format!("martlet-broker-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("socket");
    let broker = start(&format!("unix://{}", path.display()), None);
    for number in 0..8 {
        let mut stream = UnixStream::connect(&path).unwrap();
        let mut bytes = Vec::new();
        connect(Version::V311, &format!("u{number}")).encode(Version::V311, &mut bytes);
        stream.write_all(&bytes).unwrap();
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).unwrap();
        assert_eq!(connack, [0x20, 2, 0, 0]);
    }
    stop(broker);
    assert!(!path.exists());
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let broker = TestBroker::start(2);
    let endpoint = Endpoint::tcp("127.0.0.1", broker.address.port());
    for shards in [1, 2] {
        let listeners = vec![ListenerConfig::new(endpoint.clone())];
        let fault =
            Broker::start(Config { listeners, shards: Some(shards), ..Config::default() }).unwrap_err();
        assert_eq!(fault.source.kind(), ErrorKind::AddrInUse);
        let line = fault.to_string();
        assert!(
            line.starts_with(&format!("cannot listen on {endpoint}: ")) && !line.contains('\n'),
            "{line}"
        );
    }
    broker.stop();
}

#[test]
fn no_more_connections_than_allowed() {
    let broker = TestBroker::with(Config { max_connections: Some(2), shards: Some(1), ..Config::default() });
    let first = Client::connect(broker.address, Version::V311, "1");
    let mut second = Client::connect(broker.address, Version::V311, "2");
    Client::open(broker.address).assert_end();
    second.ping();
    drop(first);
    second.ping(); // the broker has had a turn since, and may still hold the seat: try until it is free
    while Client::open(broker.address).refused() {}
    broker.stop();
}

/// Each listener has its own rules, whichever shard the client is at home on.
#[test]
fn control_characters_are_refused_where_a_listener_says_so() {
    let endpoint = || ListenerConfig::new(Endpoint::tcp("127.0.0.1", 0));
    let strict = ListenerConfig { allow_control_characters: false, ..endpoint() };
    let config = Config { listeners: vec![endpoint(), strict], shards: Some(2), ..Config::default() };
    let broker = Broker::start(config).unwrap();
    let addresses: Vec<SocketAddr> = broker.local_addresses().collect();
    for (address, code) in [(addresses[0], 0), (addresses[1], 0x85)] {
        for number in 0..8 {
            let mut client = Client::open(address);
            let bytes = client.bytes_of(&connect(Version::V5, &format!("\u{1b}[2J{number}")));
            client.stream.write_all(&bytes).unwrap();
            let mut connack = [0; 4];
            client.stream.read_exact(&mut connack).unwrap();
            assert_eq!((connack[0], connack[3]), (0x20, code), "{address}");
        }
    }
    stop(broker);
}
