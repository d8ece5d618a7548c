//! Mosquitto's command-line tools: what their options ask of a broker.

use super::program::{Program, command};
use super::{Message, VERSIONS};
use crate::common::{Client, TestBroker, publish as publish_packet};
use martlet_codec::{Packet, Publish, Version};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Topic, QoS, retain flag and payload between tabs, then User Properties and others between bars.
const FORMAT: &str = "%t\t%q\t%r\t%p";
const FORMAT_WITH_PROPERTIES: &str = "%t\t%q\t%r\t%p\t%C|%D|%E|%F|%R|%P|%S";

fn tool(name: &str, address: SocketAddr, version: Version) -> Command {
    let version = match version {
        Version::V31 => "mqttv31",
        Version::V311 => "mqttv311",
        Version::V5 => "mqttv5",
    };
    let mut command = command(name);
    command.args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-V", version]);
    command
}

/// Runs to the end, and asserts that it is a good one; what it said.
fn run(command: &mut Command, arguments: &str) -> Vec<String> {
    Program::start(command.args(arguments.split(' '))).finish()
}

/// Runs mosquitto_pub.
pub(super) fn publish(address: SocketAddr, version: Version, arguments: &str) {
    run(&mut tool("mosquitto_pub", address, version), arguments);
}

/// One message for each line.
pub(super) fn publish_lines(address: SocketAddr, version: Version, topic: &str, qos: u8, lines: &[String]) {
    let mut command = tool("mosquitto_pub", address, version);
    let mut program = Program::start(command.args(["-l", "-t", topic, "-q", &qos.to_string()]));
    lines.iter().for_each(|line| program.write(line));
    program.finish();
}

/// A running mosquitto_sub.
pub(super) struct Subscriber {
    program: Program,
    /// Messages that came before the sign that it subscribes.
    early: VecDeque<Message>,
}

impl Subscriber {
    /// Its next message.
    pub(super) fn message(&mut self) -> Message {
        self.early.pop_front().unwrap_or_else(|| next_message(&self.program))
    }

    /// Its next message, if it comes that soon.
    pub(super) fn message_within(&mut self, limit: Duration) -> Option<Message> {
        self.early.pop_front().or_else(|| self.program.line_within(limit).map(|line| parse(&line)))
    }
}

fn next_message(program: &Program) -> Message {
    parse(&program.line().expect("a message comes before its end"))
}

/// Starts mosquitto_sub; its subscription is granted.
pub(super) fn subscriber(
    address: SocketAddr,
    version: Version,
    filter: &str,
    qos: u8,
    arguments: &[&str],
) -> Subscriber {
    let mut command = tool("mosquitto_sub", address, version);
    command.args(["-F", FORMAT, "-t", filter, "-q", &qos.to_string()]).args(arguments);
    start_subscriber(address, &mut command)
}

/// It says when a message comes, and nothing else in time: so a retained message is the sign that it subscribes.
fn start_subscriber(address: SocketAddr, command: &mut Command) -> Subscriber {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let sign = format!("ready/{}", STARTED.fetch_add(1, Ordering::Relaxed));
    let mut client = Client::connect(address, Version::V311, &format!("herald-{sign}"));
    if let Packet::Publish(live) = publish_packet(&sign, b"ready") {
        client.send(&Packet::Publish(Publish { retain: true, ..live }));
    }
    client.ping();
    let program = Program::start(command.args(["-t", &sign]));
    let early = std::iter::from_fn(|| Some(next_message(&program)).filter(|message| message.topic != sign));
    let early = early.collect();
    Subscriber { program, early }
}

fn parse(line: &str) -> Message {
    Message::from_words(&line.split('\t').map(Into::into).collect::<Vec<_>>())
}

/// `-c -i`: what comes while the client is away.
#[test]
fn sessions_outlive_connections() {
    for version in VERSIONS {
        let broker = TestBroker::start(2);
        let subscriber = || {
            let mut command = tool("mosquitto_sub", broker.address, version);
            command.args(["-F", FORMAT]);
            command
        };
        run(&mut subscriber(), "-c -i reader -t news/# -q 2 -E");
        let mut expected = Vec::new();
        for (number, qos) in [1, 2, 2, 1].into_iter().enumerate() {
            publish(broker.address, version, &format!("-t news/local -q {qos} -m {number}"));
            expected.push(Message::new("news/local", qos, false, &number.to_string()));
        }
        let lines = run(&mut subscriber(), "-c -i reader -t news/# -q 2 -C 4");
        let mut received: Vec<Message> = lines.iter().map(|line| parse(line)).collect();
        received.sort_by_key(|message| message.qos); // of QoS 2 it shows a message when it is released
        expected.sort_by_key(|message| message.qos);
        assert_eq!(received, expected, "{version:?}");
        broker.stop();
    }
}

/// `--will-*`: published when the process dies, not when it says goodbye.
#[test]
fn wills() {
    for version in VERSIONS {
        let broker = TestBroker::start(2);
        let mut heir = subscriber(broker.address, version, "wills/#", 2, &[]);
        for qos in 0..=2 {
            let (topic, qos_text) = (format!("wills/{qos}"), qos.to_string());
            let with_will = ["--will-topic", &topic, "--will-payload", "gone", "--will-qos", &qos_text];
            publish(broker.address, version, &format!("-t other -m x {}", with_will.join(" ")));
            let with_will = [&with_will[..], &["--will-retain"]].concat();
            drop(subscriber(broker.address, version, "other", 0, &with_will)); // killed
            assert_eq!(heir.message(), Message::new(&topic, qos, false, "gone"), "{version:?}");
        }
        let mut late = subscriber(broker.address, version, "wills/1", 1, &[]);
        assert_eq!(late.message(), Message::new("wills/1", 1, true, "gone"), "{version:?}");
        broker.stop();
    }
}

#[test]
fn retained_messages() {
    for version in VERSIONS {
        let broker = TestBroker::start(2);
        for qos in 1..=2 {
            publish(broker.address, version, &format!("-r -t kept/{qos} -q {qos} -m first"));
            publish(broker.address, version, &format!("-r -t kept/{qos} -q {qos} -m second"));
            let mut reader = subscriber(broker.address, version, "kept/+", 2, &[]);
            let kept = Message::new(&format!("kept/{qos}"), qos, true, "second");
            assert_eq!(reader.message(), kept, "{version:?}");
            publish(broker.address, version, &format!("-r -n -t kept/{qos} -q {qos}"));
        }
        let mut reader = subscriber(broker.address, version, "kept/+", 2, &[]);
        publish(broker.address, version, "-t kept/live -q 1 -m live");
        assert_eq!(reader.message(), Message::new("kept/live", 1, false, "live"), "{version:?}");
        broker.stop();
    }
}

/// `-D`: properties of PUBLISH, CONNECT and SUBSCRIBE.
#[test]
fn properties() {
    let broker = TestBroker::start(2);
    let subscribe = "-D connect receive-maximum 3 -D subscribe subscription-identifier 77";
    let mut command = tool("mosquitto_sub", broker.address, Version::V5);
    command.args(["-F", FORMAT_WITH_PROPERTIES, "-t", "with/+", "-q", "2"]).args(subscribe.split(' '));
    let mut reader = start_subscriber(broker.address, &mut command);
    for qos in 0..=2 {
        let properties = "-D publish content-type text/plain -D publish correlation-data c0rrelation \
            -D publish message-expiry-interval 100000 -D publish payload-format-indicator 1 \
            -D publish response-topic answers/here -D publish user-property colour green \
            -D publish topic-alias 5"
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        publish(broker.address, Version::V5, &format!("-t with/properties -q {qos} -m payload {properties}"));
        let expected = "text/plain|c0rrelation|100000|1|answers/here|colour:green|77";
        let received = reader.message();
        assert_eq!((received.qos, received.payload.as_str()), (qos, "payload"));
        assert!(expiry_aside(&received.properties, expected), "{received:?}");
    }
    broker.stop();
}

/// Whether they are equal but for the third field, which may have become a little smaller.
fn expiry_aside(received: &str, expected: &str) -> bool {
    let (received, expected): (Vec<_>, Vec<_>) =
        (received.split('|').collect(), expected.split('|').collect());
    let left = |fields: &[&str]| fields[2].parse::<u32>().unwrap();
    received[..2] == expected[..2]
        && received[3..] == expected[3..]
        && (left(&expected) - 100..=left(&expected)).contains(&left(&received))
}
