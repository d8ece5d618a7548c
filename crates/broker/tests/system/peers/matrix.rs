//! Everybody to everybody: each program, version and QoS publishes, and each subscribes.

use super::script::{Library, Script};
use super::tools::{self, Subscriber};
use super::{Message, VERSIONS, name};
use crate::common::TestBroker;
use martlet_codec::Version;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Messages of each publisher at each QoS.
const COUNT: usize = 4;
const FILTER: &str = "matrix/#";
/// Publishers are Mosquitto's tools and the libraries.
const PUBLISHERS: usize = 3;

#[test]
fn every_publisher_reaches_every_subscriber() {
    let broker = TestBroker::start(2);
    let mut scripts = Library::ALL.map(|library| Script::start(library, broker.address));
    for (library, script) in Library::ALL.iter().zip(&mut scripts) {
        subscribe_all(script, &library.to_string());
    }
    let mut subscribers = mosquitto_subscribers(broker.address);
    for (library, script) in Library::ALL.iter().zip(&mut scripts) {
        publish_all(script, &library.to_string());
    }
    mosquitto_publish_all(broker.address);

    let total = PUBLISHERS * VERSIONS.len() * 3 * COUNT;
    for script in &mut scripts {
        for (client, qos) in clients() {
            assert_all(qos, (0..total).map(|_| script.message(&client)), &client);
        }
    }
    for (qos, subscriber) in &mut subscribers {
        let messages = (0..total).map(|_| subscriber.message());
        assert_all(*qos, messages, &format!("mosquitto_sub {qos}"));
    }
    nothing_more(broker.address, &mut scripts, subscribers);
    broker.stop();
}

/// Names of the clients of a script and the QoS of their subscriptions.
fn clients() -> impl Iterator<Item = (String, u8)> {
    VERSIONS.into_iter().flat_map(|version| (0..=2).map(move |qos| (format!("{}-{qos}", name(version)), qos)))
}

fn subscribe_all(script: &mut Script, library: &str) {
    for version in VERSIONS {
        for qos in 0..=2 {
            let client = format!("{}-{qos}", name(version));
            let client_id = format!("{library}-{client}");
            script.connect(&client, &client_id, version, true, None);
            script.subscribe(&client, FILTER, qos);
        }
    }
}

fn mosquitto_subscribers(address: SocketAddr) -> Vec<(u8, Subscriber)> {
    let each = VERSIONS.into_iter().flat_map(|version| (0..=2).map(move |qos| (version, qos)));
    each.map(|(version, qos)| (qos, tools::subscriber(address, version, FILTER, qos, &[]))).collect()
}

fn topic(publisher: &str, version: Version) -> String {
    format!("matrix/{publisher}/{}", name(version))
}

fn publish_all(script: &mut Script, publisher: &str) {
    for version in VERSIONS {
        let client = format!("publisher-{}", name(version));
        script.connect(&client, &format!("{publisher}-{client}"), version, true, None);
        for number in 0..COUNT {
            for qos in 0..=2 {
                let payload = format!("{qos} {number}");
                script.publish(&client, &Message::new(&topic(publisher, version), qos, false, &payload));
            }
        }
    }
}

fn mosquitto_publish_all(address: SocketAddr) {
    for version in VERSIONS {
        for qos in 0..=2 {
            let lines: Vec<String> = (0..COUNT).map(|number| format!("{qos} {number}")).collect();
            tools::publish_lines(address, version, &topic("mosquitto", version), qos, &lines);
        }
    }
}

/// What one subscriber has received, of any publisher: every message, in order, at the right QoS.
fn assert_all(maximum_qos: u8, messages: impl Iterator<Item = Message>, subscriber: &str) {
    let mut next: BTreeMap<(String, String), usize> = BTreeMap::new();
    for message in messages {
        let (qos, number) = message.payload.split_once(' ').unwrap();
        let next = next.entry((message.topic.clone(), qos.to_owned())).or_default();
        assert_eq!(number, next.to_string(), "{subscriber}: {message:?}");
        assert_eq!(message.qos, maximum_qos.min(qos.parse().unwrap()), "{subscriber}: {message:?}");
        assert!(!message.retain, "{subscriber}: {message:?}");
        *next += 1;
    }
    assert_eq!(next.len(), PUBLISHERS * VERSIONS.len() * 3, "{subscriber}");
}

/// A last message is the next that everybody receives.
fn nothing_more(address: SocketAddr, scripts: &mut [Script], subscribers: Vec<(u8, Subscriber)>) {
    tools::publish_lines(address, Version::V311, "matrix/end", 0, &["end".into()]);
    let end = Message::new("matrix/end", 0, false, "end");
    for script in scripts {
        for (client, _) in clients() {
            assert_eq!(script.message(&client), end, "{client}");
        }
    }
    for (_, mut subscriber) in subscribers {
        assert_eq!(subscriber.message(), end);
    }
}
