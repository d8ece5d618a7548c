//! Too many messages: for a subscriber that does not read, for one that does not acknowledge, for anybody.

use super::bystander::{Monitor, Pair};
use crate::child::ChildBroker;
use crate::crowd::{Client, Crowd, Source};
use martlet_codec::{QoSLevel, Version};

const MIB: u64 = 1024 * 1024;
/// What one session may hold in these tests.
const CONFIG: &str = "queue_bytes_max = 2097152\nmaximum_packet_size = 65536";
/// Beyond what limits allow: what allocators keep, what is under way, what a test build needs.
const SLACK: u64 = 48 * MIB;
const PAYLOAD_LEN: usize = 16 * 1024;

/// Publishes `count` messages of 16 KiB each from two clients, with a bystander in between all the time.
fn flood(crowd: &mut Crowd, bystanders: &mut Pair, qos: QoSLevel, count: u32) {
    for number in 0..2 {
        let publisher = crowd.open(Version::V311, &format!("flooder-{number}"), true);
        let source = Source::new(number, "flood", qos, count / 2);
        crowd.clients[publisher].publish(Source { payload_len: PAYLOAD_LEN, ..source });
    }
    crowd.settle();
    while !crowd.clients.iter().all(Client::is_done) {
        (0..20).for_each(|_| crowd.turn());
        bystanders.exchange(1);
    }
}

fn published() -> u64 {
    COUNT.into()
}

/// 64 MiB.
const COUNT: u32 = 4096;

/// It gets what its queue and its socket hold; the rest is dropped, and every dropped message is counted.
fn a_subscriber_that_stops_reading(qos: QoSLevel, reason: &str) {
    let broker = ChildBroker::start(CONFIG);
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let mut crowd = Crowd::new(broker.address);
    let sleeper = crowd.open(Version::V311, "sleeper", true);
    crowd.clients[sleeper].subscribe("flood", qos);
    crowd.settle();
    crowd.clients[sleeper].reads = false;
    let before = broker.memory();
    flood(&mut crowd, &mut bystanders, qos, COUNT);
    let grown = broker.memory().saturating_sub(before);
    assert!(grown < SLACK, "{} MiB more for {} MiB", grown / MIB, published() * PAYLOAD_LEN as u64 / MIB);
    bystanders.exchange(100);

    let dropped = monitor.wait(&format!("dropped/{reason}"), |dropped| dropped > 0);
    assert!(dropped < published());
    crowd.clients[sleeper].reads = true;
    assert_accounted(&mut crowd, sleeper, &mut monitor, published());
    bystanders.exchange(100);
    broker.stop();
}

#[test]
fn a_subscriber_that_stops_reading_at_qos_0() {
    a_subscriber_that_stops_reading(QoSLevel::AtMostOnce, "output-full");
}

#[test]
fn a_subscriber_that_stops_reading_at_qos_1() {
    a_subscriber_that_stops_reading(QoSLevel::AtLeastOnce, "queue-full");
}

/// It gets as many as may be in flight, once, and nothing more.
#[test]
fn a_subscriber_that_never_acknowledges() {
    const IN_FLIGHT_MAX: usize = 50;
    let broker = ChildBroker::start(&format!("{CONFIG}\nin_flight_max = {IN_FLIGHT_MAX}"));
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let mut crowd = Crowd::new(broker.address);
    let silent = [QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce].map(|qos| {
        let silent = crowd.open(Version::V5, &format!("silent-{qos}"), true);
        crowd.clients[silent].subscribe("flood", qos);
        crowd.clients[silent].acknowledges = false;
        silent
    });
    crowd.settle();
    let before = broker.memory();
    flood(&mut crowd, &mut bystanders, QoSLevel::ExactlyOnce, COUNT);
    let grown = broker.memory().saturating_sub(before);
    assert!(grown < SLACK, "{} MiB more for {} MiB", grown / MIB, published() * PAYLOAD_LEN as u64 / MIB);
    bystanders.exchange(100);

    monitor.wait("messages/inflight", |in_flight| in_flight == 2 * IN_FLIGHT_MAX as u64);
    monitor.wait("dropped/queue-full", |dropped| dropped > published());
    for silent in silent {
        assert_eq!(crowd.clients[silent].received.len(), IN_FLIGHT_MAX);
        assert!(!crowd.clients[silent].is_ended);
    }
    // The end of their sessions settles the rest.
    drop(crowd);
    monitor.wait("messages/inflight", |in_flight| in_flight == 0);
    let full = monitor.now("dropped/queue-full");
    monitor.wait("dropped/session-ended", |ended| full + ended == 2 * published());
    broker.stop();
}

/// Publishers as quick as they can, at every QoS, for a subscriber that takes all it can get.
#[test]
fn publishers_that_flood() {
    let broker = ChildBroker::start(CONFIG);
    let (mut bystanders, mut monitor) = (Pair::connect(broker.address), Monitor::connect(broker.address));
    let mut crowd = Crowd::new(broker.address);
    let taker = crowd.open(Version::V311, "taker", true);
    crowd.clients[taker].subscribe("flood", QoSLevel::AtLeastOnce);
    crowd.settle();
    let before = broker.memory();
    for (number, qos) in
        [QoSLevel::AtMostOnce, QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce].into_iter().enumerate()
    {
        let publisher = crowd.open(Version::V5, &format!("flooder-{qos}"), true);
        let source = Source::new(number as u32, "flood", qos, COUNT / 2);
        crowd.clients[publisher].publish(Source { payload_len: PAYLOAD_LEN, window: 1000, ..source });
    }
    while !crowd.clients.iter().all(Client::is_done) {
        (0..20).for_each(|_| crowd.turn());
        bystanders.exchange(1);
    }
    let grown = broker.memory().saturating_sub(before);
    assert!(grown < SLACK, "{} MiB more", grown / MIB);
    let all = u64::from(COUNT / 2) * 3;
    monitor.wait("publish/messages/received", |received| received >= all);
    assert_accounted(&mut crowd, taker, &mut monitor, all);
    broker.stop();
}

/// What one subscriber receives and what limits drop comes to `all`.
fn assert_accounted(crowd: &mut Crowd, subscriber: usize, monitor: &mut Monitor, all: u64) {
    let mut dropped = 0;
    crowd.run_until("each message is received or counted as dropped", |clients| {
        let received = clients[subscriber].received.len() as u64;
        let is_accounted = received + dropped == all;
        if !is_accounted {
            dropped = monitor.now("publish/messages/dropped");
        }
        is_accounted
    });
}
