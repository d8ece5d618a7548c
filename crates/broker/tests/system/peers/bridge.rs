//! Mosquitto's own broker as a bridge: messages go to Martlet and come from it, once.
//!
//! With `try_private` the bridge says by a bit in CONNECT that it is one: then what it sends does not come back to
//! it, and the retain flag is kept. In 5.0 it asks for the same by subscription options.

use super::program::{Program, command};
use super::tools::{self, Subscriber};
use super::{Message, VERSIONS};
use crate::common::TestBroker;
use martlet_codec::Version;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than a bridge takes to connect.
const LIMIT: Duration = Duration::from_secs(60);
/// Attempts to start it on a port that was free a moment ago.
const ATTEMPTS: usize = 5;

/// A running Mosquitto that is bridged to another broker.
struct Mosquitto {
    address: SocketAddr,
    _program: Program,
    directory: PathBuf,
}

impl Mosquitto {
    fn start(remote: SocketAddr, version: Version, is_private: bool) -> Self {
        Self::with(remote, version, is_private, "notifications false")
    }

    /// With more lines about the bridge.
    fn with(remote: SocketAddr, version: Version, is_private: bool, lines: &str) -> Self {
        let start = |_| Self::try_start(remote, version, is_private, lines);
        (0..ATTEMPTS).find_map(start).expect("mosquitto starts")
    }

    fn try_start(remote: SocketAddr, version: Version, is_private: bool, lines: &str) -> Option<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).unwrap();
        let directory =
            std::env::temp_dir().join(format!("martlet-{}-{}", std::process::id(), address.port()));
        std::fs::create_dir(&directory).unwrap();
        let file = directory.join("mosquitto.conf");
        std::fs::write(&file, configuration(address.port(), remote, version, is_private, lines)).unwrap();
        let mut command = command("mosquitto");
        let program = Program::start(command.arg("-c").arg(file).stderr(Stdio::null()));
        let mosquitto = Mosquitto { address, _program: program, directory };
        let began = Instant::now();
        while began.elapsed() < LIMIT / 10 {
            if TcpStream::connect(address).is_ok() {
                return Some(mosquitto);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory); // what stays is in the directory of temporary files
    }
}

/// `both` goes both ways under one name: what can make a loop.
fn configuration(port: u16, remote: SocketAddr, version: Version, is_private: bool, lines: &str) -> String {
    let version = match version {
        Version::V31 => "mqttv31",
        Version::V311 => "mqttv311",
        Version::V5 => "mqttv50",
    };
    format!(
        "listener {port} 127.0.0.1
allow_anonymous true
persistence false
connection martlet
address {remote}
bridge_protocol_version {version}
try_private {is_private}
cleansession false
restart_timeout 1
{lines}
keepalive_interval 60
topic both/# both 2
topic # out 2 up/ from-mosquitto/
topic # in 2 down/ from-martlet/
"
    )
}

fn subscriber(address: SocketAddr, filter: &str) -> Subscriber {
    tools::subscriber(address, Version::V311, filter, 2, &[])
}

fn publish(address: SocketAddr, topic: &str, qos: u8, retain: bool, payload: &str) {
    let retain = if retain { "-r " } else { "" };
    tools::publish(address, Version::V311, &format!("{retain}-t {topic} -q {qos} -m {payload}"));
}

/// Waits until what is published at Martlet comes out of Mosquitto: the bridge has subscribed to all it wants.
fn await_bridge(martlet: SocketAddr, mosquitto: SocketAddr) {
    let mut probe = subscriber(mosquitto, "down/probe");
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < LIMIT, "the bridge does not connect");
        publish(martlet, "from-martlet/probe", 0, false, "probe");
        if probe.message_within(Duration::from_millis(200)).is_some() {
            return;
        }
    }
}

/// Every QoS, in both directions, retained and not.
#[test]
fn messages_cross_the_bridge() {
    for version in VERSIONS {
        for is_private in [true, false] {
            let broker = TestBroker::start(2);
            let mosquitto = Mosquitto::start(broker.address, version, is_private);
            await_bridge(broker.address, mosquitto.address);
            let directions = [
                (mosquitto.address, "up", broker.address, "from-mosquitto"),
                (broker.address, "from-martlet", mosquitto.address, "down"),
            ];
            for (from, prefix, to, prefix_there) in directions {
                let mut reader = subscriber(to, &format!("{prefix_there}/test/#"));
                for qos in 0..=2 {
                    for retain in [false, true] {
                        let topic = format!("test/{qos}/{retain}");
                        publish(from, &format!("{prefix}/{topic}"), qos, retain, "across");
                        let there = format!("{prefix_there}/{topic}");
                        let received = reader.message();
                        assert_eq!(received, Message::new(&there, qos, false, "across"), "{version:?}");
                    }
                }
            }
            drop(mosquitto);
            broker.stop();
        }
    }
}

/// What a bridge sends does not come back to it, if it says that it is one.
#[test]
fn nothing_goes_in_circles() {
    for (version, is_private, copies) in [
        (Version::V31, true, 1),
        (Version::V311, true, 1),
        (Version::V311, false, 2), // one comes back; Mosquitto itself sends it no further
        (Version::V5, true, 1),
    ] {
        let broker = TestBroker::start(2);
        let mosquitto = Mosquitto::start(broker.address, version, is_private);
        await_bridge(broker.address, mosquitto.address);
        let mut here = subscriber(broker.address, "both/#");
        let mut there = subscriber(mosquitto.address, "both/#");
        let message = |text: &str| Message::new("both/ways", 2, false, text);
        publish(mosquitto.address, "both/ways", 2, false, "up");
        assert_eq!(here.message(), message("up"));
        for _ in 0..copies {
            assert_eq!(there.message(), message("up"), "{version:?} {is_private}");
        }
        // Whatever came back behind it would come before this.
        publish(broker.address, "both/ways", 2, false, "down");
        assert_eq!(here.message(), message("down"), "{version:?} {is_private}");
        assert_eq!(there.message(), message("down"), "{version:?} {is_private}");
        drop(mosquitto);
        broker.stop();
    }
}

/// A retained message stays one behind a bridge that says what it is.
#[test]
fn retained_messages_stay_retained() {
    for version in VERSIONS {
        let broker = TestBroker::start(2);
        let mosquitto = Mosquitto::start(broker.address, version, true);
        await_bridge(broker.address, mosquitto.address);
        let ways = [
            (mosquitto.address, "both/up", broker.address),
            (broker.address, "both/down", mosquitto.address),
        ];
        for (from, topic, to) in ways {
            let mut live = subscriber(to, topic);
            publish(from, topic, 1, true, "kept");
            assert_eq!(live.message(), Message::new(topic, 1, false, "kept"), "{version:?}");
            let mut late = subscriber(to, topic);
            assert_eq!(late.message(), Message::new(topic, 1, true, "kept"), "{version:?} {topic}");
        }
        drop(mosquitto);
        broker.stop();
    }
}

/// Whether the bridge is there reaches whoever asks Martlet, under the name that the bridge has or was given.
#[test]
fn the_state_of_a_bridge_is_known() {
    const STATE: &str = "$SYS/broker/connection/+/state";
    for (version, is_private, name) in [
        (Version::V31, true, "far.away"),
        (Version::V311, true, "far.away"),
        (Version::V311, true, "another"),
        (Version::V311, false, "far.away"),
        (Version::V5, true, "far.away"),
    ] {
        let broker = TestBroker::start(2);
        let mut watcher = subscriber(broker.address, STATE);
        let topic = format!("$SYS/broker/connection/{name}/state");
        let lines = format!("notifications true\nremote_clientid far.away\nnotification_topic {topic}");
        let mosquitto = Mosquitto::with(broker.address, version, is_private, &lines);
        assert_eq!(watcher.message(), Message::new(&topic, 1, false, "1"), "{version:?} {is_private} {name}");
        let mut late = subscriber(broker.address, STATE);
        assert_eq!(late.message(), Message::new(&topic, 1, true, "1"), "{version:?} {is_private} {name}");
        drop(mosquitto); // killed, so its will is published
        assert_eq!(watcher.message(), Message::new(&topic, 1, false, "0"), "{version:?} {is_private} {name}");
        broker.stop();
    }
}

/// A bridge without anything special about it, as most are configured.
#[test]
fn a_bridge_of_the_defaults_is_known() {
    let broker = TestBroker::start(2);
    let mut watcher = subscriber(broker.address, "$SYS/broker/connection/#");
    let mosquitto = Mosquitto::with(broker.address, Version::V311, true, "notifications true");
    let up = watcher.message();
    assert_eq!((up.payload.as_str(), up.topic.ends_with(".martlet/state")), ("1", true), "{up:?}");
    drop(mosquitto);
    assert_eq!(watcher.message(), Message::new(&up.topic, 1, false, "0"));
    broker.stop();
}
