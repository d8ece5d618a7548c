//! A crowd over both shards: every message arrives, in its publisher's order, at QoS 2 exactly once.
//!
//! On loopback with everybody reading nothing may be lost at QoS 0 either: no limit of the broker is reached.

use crate::common::TestBroker;
use crate::crowd::{Client, Crowd, Source};
use martlet_codec::{QoSLevel, Version};
use std::collections::HashMap;

const LEVELS: [QoSLevel; 3] = [QoSLevel::AtMostOnce, QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce];
/// Of 3.1.1 and 5.0 in turn.
const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

fn version(number: usize) -> Version {
    VERSIONS[number % VERSIONS.len()]
}

/// A thousand clients of which a hundred publish and a hundred subscribe to it all.
#[test]
fn a_thousand_clients_at_every_qos() {
    const COUNT: u32 = 8;
    let broker = TestBroker::start(2);
    let mut crowd = Crowd::new(broker.address);
    for number in 0..1000 {
        crowd.open(version(number), &format!("client-{number}"), true);
    }
    crowd.settle();
    let (publishers, subscribers) = (0..100, 100..200);
    for qos in LEVELS {
        for subscriber in subscribers.clone() {
            crowd.clients[subscriber].received.clear();
            crowd.clients[subscriber].subscribe(&format!("all/{qos}/+"), qos);
        }
        crowd.settle();
        for publisher in publishers.clone() {
            let topic = format!("all/{qos}/{publisher}");
            crowd.clients[publisher].publish(Source::new(publisher as u32, &topic, qos, COUNT));
        }
        crowd.finish_publishing();
        let expected = publishers.len() * COUNT as usize;
        crowd.run_until("every message has come", |clients| {
            clients[subscribers.clone()].iter().all(|client| client.received.len() >= expected)
        });
        for subscriber in &crowd.clients[subscribers.clone()] {
            assert_exact(subscriber, qos, publishers.len(), COUNT);
        }
    }
    assert!(crowd.clients[200..].iter().all(|client| client.received.is_empty() && !client.is_ended));
    broker.stop();
}

/// Many publishers, one subscriber of all of them.
#[test]
fn fan_in() {
    for qos in LEVELS {
        exchange(100, 1, 100, qos);
    }
}

/// One publisher, many subscribers.
#[test]
fn fan_out() {
    for qos in LEVELS {
        exchange(1, 200, 100, qos);
    }
}

fn exchange(publishers: usize, subscribers: usize, count: u32, qos: QoSLevel) {
    let broker = TestBroker::start(2);
    let mut crowd = Crowd::new(broker.address);
    for number in 0..subscribers {
        let subscriber = crowd.open(version(number), &format!("subscriber-{number}"), true);
        crowd.clients[subscriber].subscribe("load/#", qos);
    }
    crowd.settle();
    for number in 0..publishers {
        let publisher = crowd.open(version(number), &format!("publisher-{number}"), true);
        let source = Source::new(number as u32, &format!("load/{number}"), qos, count);
        crowd.clients[publisher].publish(source);
    }
    crowd.finish_publishing();
    crowd.run_until("every message has come", |clients| {
        clients[..subscribers].iter().all(|client| client.received.len() >= publishers * count as usize)
    });
    for subscriber in &crowd.clients[..subscribers] {
        assert_exact(subscriber, qos, publishers, count);
    }
    broker.stop();
}

/// Connections are cut in the middle, again and again, on both sides; the sessions go on.
#[test]
fn deliveries_survive_their_connections() {
    const SIDE: usize = 20;
    const COUNT: u32 = 200;
    /// So many that the clients get on at all.
    const CUTS_MAX: usize = 400;
    for qos in [QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce] {
        let broker = TestBroker::start(2);
        let mut crowd = Crowd::new(broker.address);
        for number in 0..SIDE {
            let subscriber = crowd.open(version(number), &format!("subscriber-{number}"), false);
            crowd.clients[subscriber].subscribe("cut/#", qos);
        }
        crowd.settle();
        for number in 0..SIDE {
            let publisher = crowd.open(version(number), &format!("publisher-{number}"), false);
            let source = Source::new(number as u32, &format!("cut/{number}"), qos, COUNT);
            crowd.clients[publisher].publish(Source { window: 5, ..source });
        }
        let mut cuts = 0;
        for victim in (0..2 * SIDE).cycle().step_by(7) {
            crowd.turn();
            if crowd.clients.iter().all(Client::is_done) {
                break;
            }
            if cuts < CUTS_MAX && crowd.clients[victim].is_settled() {
                crowd.reopen(victim);
                cuts += 1;
            }
        }
        assert!(cuts > 2 * SIDE, "only {cuts} cuts while there was something to cut");
        crowd.run_until("every message has come", |clients| {
            clients[..SIDE].iter().all(|client| distinct(client) == SIDE * COUNT as usize)
        });
        crowd.settle();
        for subscriber in &crowd.clients[..SIDE] {
            match qos {
                QoSLevel::ExactlyOnce => assert_exact(subscriber, qos, SIDE, COUNT),
                _ => assert_first_occurrences(subscriber),
            }
        }
        broker.stop();
    }
}

/// Every message once and in order, and nothing else.
fn assert_exact(client: &Client, qos: QoSLevel, publishers: usize, count: u32) {
    let mut next: HashMap<u32, u32> = HashMap::new();
    for delivery in &client.received {
        let next = next.entry(delivery.publisher).or_default();
        assert_eq!((delivery.number, delivery.qos), (*next, qos), "of publisher {}", delivery.publisher);
        *next += 1;
    }
    assert_eq!(next.len(), publishers);
    assert!(next.values().all(|next| *next == count), "{next:?}");
}

/// What comes again has come before; what is new is the next.
fn assert_first_occurrences(client: &Client) {
    let mut next: HashMap<u32, u32> = HashMap::new();
    for delivery in &client.received {
        let next = next.entry(delivery.publisher).or_default();
        assert!(delivery.number <= *next, "{delivery:?} comes before {next}");
        *next = (*next).max(delivery.number + 1);
    }
}

fn distinct(client: &Client) -> usize {
    let of = client.received.iter().map(|delivery| (delivery.publisher, delivery.number));
    of.collect::<std::collections::HashSet<_>>().len()
}
