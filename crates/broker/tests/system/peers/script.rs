//! The clients of a library, driven through a script: commands go in, events come out, a line each, words
//! between tabs.
//!
//! | command | words |
//! |---|---|
//! | `open` | name, port, version, client id, clean or not; perhaps topic, payload, QoS, retain of a will |
//! | `subscribe` | name, filter, QoS |
//! | `publish` | name, topic, QoS, retain, payload, properties |
//! | `close`, `cut` | name; with DISCONNECT, without |
//!
//! | event | words |
//! |---|---|
//! | `opened` | name, session present |
//! | `subscribed` | name, granted QoS |
//! | `published` | name; after the last acknowledgement |
//! | `message` | name, topic, QoS, retain, payload, properties |
//! | `closed` | name, reason code |

use super::program::{Program, interpreter, libraries};
use super::{Message, name};
use martlet_codec::Version;
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;

/// Which library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library {
    Paho,
    MqttJs,
}

impl Library {
    pub(super) const ALL: [Library; 2] = [Library::Paho, Library::MqttJs];
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Library::Paho => "paho",
            Library::MqttJs => "mqttjs",
        })
    }
}

/// Topic, payload, QoS, retain.
pub(super) type Will<'a> = (&'a str, &'a str, u8, bool);

/// A running script.
pub(super) struct Script {
    program: Program,
    port: u16,
    /// Events that nobody has asked for yet.
    events: VecDeque<Vec<String>>,
}

impl Script {
    pub(super) fn start(library: Library, address: SocketAddr) -> Self {
        let mut command = match library {
            Library::Paho => {
                let libraries = libraries("MARTLET_PEER_PYTHONPATH", "paho-mqtt==", "");
                interpreter("python3", "paho_peer.py", "PYTHONPATH", libraries)
            }
            Library::MqttJs => {
                let libraries = libraries("MARTLET_PEER_NODE_PATH", "mqtt@", "node_modules");
                interpreter("node", "mqttjs_peer.cjs", "NODE_PATH", libraries)
            }
        };
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        Script { program: Program::start(&mut command), port: address.port(), events: VecDeque::new() }
    }

    /// Connects; whether a session was present. The client id is the name.
    pub(super) fn open(&mut self, client: &str, version: Version, clean: bool, will: Option<Will>) -> bool {
        self.connect(client, client, version, clean, will)
    }

    /// The same with a client id that is not the name.
    pub(super) fn connect(
        &mut self,
        client: &str,
        client_id: &str,
        version: Version,
        clean: bool,
        will: Option<Will>,
    ) -> bool {
        let mut words = vec![self.port.to_string(), name(version).into(), client_id.into(), flag(clean)];
        if let Some((topic, payload, qos, retain)) = will {
            words.extend([topic.into(), payload.into(), qos.to_string(), flag(retain)]);
        }
        self.tell("open", client, &words);
        self.event("opened", client)[0] == "1"
    }

    pub(super) fn subscribe(&mut self, client: &str, filter: &str, qos: u8) {
        self.tell("subscribe", client, &[filter.into(), qos.to_string()]);
        assert_eq!(self.event("subscribed", client), [qos.to_string()], "{client} {filter}");
    }

    /// Publishes, and waits until it is acknowledged.
    pub(super) fn publish(&mut self, client: &str, message: &Message) {
        let Message { topic, qos, retain, payload, properties } = message.clone();
        self.tell("publish", client, &[topic, qos.to_string(), flag(retain), payload, properties]);
        self.event("published", client);
    }

    /// The next message of a client.
    pub(super) fn message(&mut self, client: &str) -> Message {
        self.message_of_any(&[client])
    }

    /// The next message of one of several clients.
    pub(super) fn message_of_any(&mut self, clients: &[&str]) -> Message {
        Message::from_words(&self.event_of_any("message", clients))
    }

    /// Ends by DISCONNECT.
    pub(super) fn close(&mut self, client: &str) {
        self.tell("close", client, &[]);
        self.event("closed", client);
    }

    /// Cuts the connection.
    pub(super) fn cut(&mut self, client: &str) {
        self.tell("cut", client, &[]);
        self.event("closed", client);
    }

    /// Waits for an event of a client; its other words.
    pub(super) fn event(&mut self, event: &str, client: &str) -> Vec<String> {
        self.event_of_any(event, &[client])
    }

    fn event_of_any(&mut self, event: &str, clients: &[&str]) -> Vec<String> {
        let is_wanted = |words: &Vec<String>| words[0] == event && clients.contains(&words[1].as_str());
        if let Some(at) = self.events.iter().position(is_wanted) {
            return self.events.remove(at).unwrap().split_off(2);
        }
        loop {
            let line = self.program.line().unwrap_or_else(|| panic!("the script ended before {event}"));
            let mut words: Vec<String> = line.split('\t').map(Into::into).collect();
            assert_ne!(words[0], "failed", "{line}");
            if is_wanted(&words) {
                return words.split_off(2);
            }
            self.events.push_back(words);
        }
    }

    /// Messages that have come to a client and were not asked for.
    pub(super) fn messages_left(&self, client: &str) -> usize {
        self.events.iter().filter(|words| words[0] == "message" && words[1] == client).count()
    }

    fn tell(&mut self, command: &str, client: &str, words: &[String]) {
        let words = words.iter().map(|word| format!("\t{word}")).collect::<String>();
        self.program.write(&format!("{command}\t{client}{words}"));
    }
}

fn flag(value: bool) -> String {
    u8::from(value).to_string()
}
