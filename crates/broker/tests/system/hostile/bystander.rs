//! Who must not be disturbed, and who looks at what the broker counts.

use crate::common::Client;
use martlet_codec::{Packet, QoSLevel, Version};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Longer than anything takes that `$SYS` shows.
const LIMIT: Duration = Duration::from_secs(60);

/// A publisher and a subscriber that wait for each message before the next.
pub(crate) struct Pair {
    publisher: Client,
    subscriber: Client,
    exchanged: u32,
}

impl Pair {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut subscriber = Client::connect(address, Version::V311, "bystander-subscriber");
        subscriber.subscribe("bystander", QoSLevel::AtMostOnce);
        let publisher = Client::connect(address, Version::V5, "bystander-publisher");
        Pair { publisher, subscriber, exchanged: 0 }
    }

    /// `count` messages, each answered in time and by itself alone.
    pub(crate) fn exchange(&mut self, count: u32) {
        for _ in 0..count {
            self.exchanged += 1;
            let payload = self.exchanged.to_string();
            self.publisher.publish("bystander", payload.as_bytes());
            assert_eq!(self.subscriber.payload(), payload.as_bytes());
        }
    }
}

/// Reads `$SYS`.
pub(crate) struct Monitor {
    client: Client,
    values: HashMap<String, String>,
}

impl Monitor {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut client = Client::connect(address, Version::V311, "monitor");
        client.subscribe("$SYS/broker/#", QoSLevel::AtMostOnce);
        Monitor { client, values: HashMap::new() }
    }

    /// Waits until the number below `$SYS/broker/` is as wanted.
    pub(crate) fn wait(&mut self, topic: &str, wanted: impl Fn(u64) -> bool) -> u64 {
        let began = Instant::now();
        loop {
            let value = self.values.get(topic).and_then(|value| value.parse().ok());
            if let Some(value) = value.filter(|value| wanted(*value)) {
                return value;
            }
            assert!(began.elapsed() < LIMIT, "{topic} stays at {value:?}");
            self.receive();
        }
    }

    /// The number when all that has changed was published twice more.
    pub(crate) fn now(&mut self, topic: &str) -> u64 {
        for _ in 0..2 {
            self.values.remove("uptime");
            while !self.values.contains_key("uptime") {
                self.receive();
            }
        }
        self.values[topic].parse().unwrap()
    }

    fn receive(&mut self) {
        let changed = self.client.receive(|packet| match packet {
            Packet::Publish(publish) => {
                let topic = publish.topic.unwrap().as_str().trim_start_matches("$SYS/broker/");
                (topic.to_owned(), String::from_utf8(publish.payload.to_vec()).unwrap())
            }
            other => panic!("PUBLISH expected, not {other:?}"),
        });
        self.values.extend([changed.unwrap()]);
    }
}
