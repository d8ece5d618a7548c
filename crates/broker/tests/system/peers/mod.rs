//! Programs that we did not write: Mosquitto's tools and its bridge, paho-mqtt, MQTT.js.
//!
//! `cargo xtask test` installs them and says by variables where they are. A program that is missing fails the test.

mod bridge;
mod matrix;
mod program;
mod script;
mod stories;
mod tools;

use martlet_codec::Version;

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];

/// What a subscriber says that it has received.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    topic: String,
    qos: u8,
    retain: bool,
    payload: String,
    /// `key=value`, in the order of the keys; empty before 5.0.
    properties: String,
}

impl Message {
    fn new(topic: &str, qos: u8, retain: bool, payload: &str) -> Self {
        let (topic, payload, properties) = (topic.into(), payload.into(), String::new());
        Message { topic, qos, retain, payload, properties }
    }

    /// Out of topic, QoS, retain flag, payload and perhaps properties.
    fn from_words(words: &[String]) -> Self {
        let message = Message::new(&words[0], words[1].parse().unwrap(), words[2] == "1", &words[3]);
        Message { properties: words.get(4).cloned().unwrap_or_default(), ..message }
    }
}

/// The version in the commands of a script.
fn name(version: Version) -> &'static str {
    match version {
        Version::V31 => "3.1",
        Version::V311 => "3.1.1",
        Version::V5 => "5.0",
    }
}
