//! Connections that are no clients: silent, slow, half-closed, or full of garbage.

use super::bystander::{Monitor, Pair};
use crate::child::ChildBroker;
use crate::common::{Client, connect};
use martlet_codec::{Packet, ReasonCode, Version};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// So long that nothing here is closed for being late.
const PATIENT: &str = "connect_timeout_s = 3600";
/// Longer than a connection lives that is to be closed.
const LIMIT: Duration = Duration::from_secs(60);
/// Bystanders and monitor.
const OTHERS: u64 = 3;

fn open_with(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

fn raise_limit(connections: u64) {
    let limit = getrlimit(Resource::Nofile);
    let needed = connections + 100;
    if limit.current.is_some_and(|current| current < needed) {
        let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
        setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit }).unwrap();
    }
}

/// Five thousand connections that have sent the first byte of CONNECT, and never send the second.
#[test]
fn thousands_that_send_one_byte() {
    const COUNT: u64 = 5000;
    raise_limit(COUNT);
    let broker = ChildBroker::start(PATIENT);
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let before = broker.memory();
    let mut crowd = Vec::new();
    for number in 0..COUNT {
        crowd.push(open_with(broker.address, &[0x10]));
        if number % 100 == 0 {
            bystanders.exchange(1);
        }
    }
    monitor.wait("sockets/count", |count| count == COUNT + OTHERS);
    let each = broker.memory().saturating_sub(before) / COUNT;
    assert!(each < 2048, "{each} bytes for a connection that has sent one");
    bystanders.exchange(100);
    drop(crowd);
    monitor.wait("sockets/count", |count| count == OTHERS);
    monitor.wait("clients/total", |count| count == OTHERS);
    bystanders.exchange(100);
    broker.stop();
}

/// Those who are late are closed, whether they have sent nothing or one byte at a time.
#[test]
fn hundreds_that_never_send_connect() {
    const COUNT: u64 = 500;
    let broker = ChildBroker::start("connect_timeout_s = 1");
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let crowd: Vec<_> = (0..COUNT)
        .map(|number| open_with(broker.address, if number % 2 == 0 { b"" } else { b"\x10" }))
        .collect();
    for stream in crowd {
        assert_ends(stream);
    }
    monitor.wait("sockets/count", |count| count == OTHERS);
    bystanders.exchange(100);
    broker.stop();
}

/// Many at once send CONNECT and PINGREQ one byte in a round: all are served.
#[test]
fn hundreds_that_send_byte_by_byte() {
    const COUNT: usize = 300;
    let broker = ChildBroker::start(PATIENT);
    let mut bystanders = Pair::connect(broker.address);
    let mut crowd: Vec<(Client, Vec<u8>)> = (0..COUNT)
        .map(|number| {
            let client = Client::open(broker.address);
            let mut bytes = client.bytes_of(&connect(Version::V311, &format!("slow-{number:03}")));
            bytes.extend(client.bytes_of(&Packet::PingReq));
            (client, bytes)
        })
        .collect();
    for at in 0..crowd[0].1.len() {
        for (client, bytes) in &mut crowd {
            client.stream.write_all(&bytes[at..=at]).unwrap();
        }
        bystanders.exchange(1);
    }
    for (client, _) in &mut crowd {
        assert_eq!(client.connack(), ReasonCode::Success);
        client.receive(|packet| assert_eq!(packet, Packet::PingResp)).unwrap();
    }
    broker.stop();
}

/// Random bytes: from the start, after a CONNECT, and with the first byte of a packet in front of them.
#[test]
fn garbage() {
    let broker = ChildBroker::start("connect_timeout_s = 1");
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let before = broker.memory();
    let mut random = Random(0x6d61_7274_6c65_7400);
    for round in 0..1000_u32 {
        let mut bytes = Vec::new();
        let version = [Version::V31, Version::V311, Version::V5][round as usize % 3];
        if round % 2 == 0 {
            connect(version, &format!("garbage-{round}")).encode(version, &mut bytes);
        }
        if round % 5 != 0 {
            bytes.push(((round % 16) << 4) as u8 | (random.next() & 15) as u8);
        }
        bytes.extend((0..random.next() % 2000).map(|_| random.next() as u8));
        let mut stream = TcpStream::connect(broker.address).unwrap();
        let _ = stream.write_all(&bytes); // the broker may have closed before all is out
        let _ = stream.shutdown(Shutdown::Write);
        assert_ends(stream);
        if round % 50 == 0 {
            bystanders.exchange(1);
        }
    }
    monitor.wait("sockets/count", |count| count == OTHERS);
    monitor.wait("clients/connected", |count| count == OTHERS);
    let grown = broker.memory().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes more");
    broker.stop();
}

/// A packet that claims to be large costs nothing until it comes.
#[test]
fn claims_of_large_packets() {
    const COUNT: u64 = 1000;
    let broker = ChildBroker::start(PATIENT);
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let before = broker.memory();
    let crowd: Vec<_> = (0..COUNT)
        .map(|number| {
            let mut client = Client::connect(broker.address, Version::V311, &format!("boaster-{number}"));
            client.stream.write_all(&[0x30, 0xff, 0xff, 0x7e, 0, 1, b't']).unwrap(); // almost 2 MiB
            client
        })
        .collect();
    monitor.wait("clients/connected", |count| count == COUNT + OTHERS);
    bystanders.exchange(100);
    let each = broker.memory().saturating_sub(before) / COUNT;
    assert!(each < 4096, "{each} bytes for a packet of which seven bytes came");
    drop(crowd);
    monitor.wait("sockets/count", |count| count == OTHERS);
    broker.stop();
}

/// Half-closed before, in the middle of and after CONNECT: the broker lets go of them all.
#[test]
fn half_closed_connections() {
    let broker = ChildBroker::start(PATIENT);
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let mut whole = Vec::new();
    connect(Version::V311, "half").encode(Version::V311, &mut whole);
    let crowd: Vec<_> = (0..200)
        .map(|number| {
            let stream = open_with(broker.address, &whole[..number % (whole.len() + 1)]);
            stream.shutdown(Shutdown::Write).unwrap();
            stream
        })
        .collect();
    for stream in crowd {
        assert_ends(stream);
    }
    monitor.wait("sockets/count", |count| count == OTHERS);
    bystanders.exchange(100);
    broker.stop();
}

/// The broker closes it, in whatever way.
fn assert_ends(mut stream: TcpStream) {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let began = Instant::now();
    let ended = stream.read_to_end(&mut Vec::new());
    let waited =
        ended.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert!(!waited && began.elapsed() < LIMIT, "it is still open");
}

/// xorshift: the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }
}
