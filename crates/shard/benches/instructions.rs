//! How many instructions the broker's steps take, counted under valgrind: the same on a busy machine as on an idle one.
//! `cargo xtask instructions` compares them with the figures in `benches/instructions.toml`.
//!
//! No sockets: a shard is told what it would read, and what it would write is taken from it, as a reactor does.
#![allow(
    missing_docs,
    unused_qualifications,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the harness makes modules of what it measures"
)]

use gungraun::{library_benchmark, library_benchmark_group, main};
use martlet_codec::{Packet, Split, Version, split_frame};
use martlet_protocol::Time;
use martlet_shard::{Admission, Config, ConnectionId, Effect, Input, Interest, Shard};
use std::hint::black_box;
use std::sync::Arc;

/// Messages that arrive in one read.
const BATCH: usize = 64;

const NOW: Time = Time::from_millis(1_000_000);

/// A shard with clients, and what the next of them says.
struct Rig {
    shard: Shard,
    next: u32,
    /// What will be read, and from whom.
    from: ConnectionId,
    bytes: Vec<u8>,
    /// What the first subscriber answers.
    acks: Vec<u8>,
    dirty: Vec<ConnectionId>,
}

impl Rig {
    fn new() -> Self {
        let config = Config { seed: 7, sys_interval_ms: 0, ..Config::default() };
        let shard = Shard::new(config, Arc::new(Interest::new()));
        Rig { shard, next: 0, from: ConnectionId(0), bytes: Vec::new(), acks: Vec::new(), dirty: Vec::new() }
    }

    fn open(&mut self) -> ConnectionId {
        let connection = ConnectionId(self.next);
        self.next += 1;
        self.shard.handle(NOW, Input::Opened { connection, opened_at: NOW, admission: Admission::Anyone });
        connection
    }

    fn connect(&mut self) -> ConnectionId {
        let connection = self.open();
        self.say(connection, &connect(connection.0));
        connection
    }

    fn subscribe(&mut self, connection: ConnectionId, filter: &str, qos: u8) {
        self.say(connection, &subscribe(filter, qos));
    }

    /// One read, and one write to each connection that has output.
    fn say(&mut self, connection: ConnectionId, bytes: &[u8]) {
        self.shard.handle(NOW, Input::Received { connection, bytes });
        self.flush();
    }

    fn flush(&mut self) {
        loop {
            while let Some(effect) = self.shard.poll_effect() {
                if let Effect::Transmit(connection) = effect {
                    self.dirty.push(connection);
                }
            }
            let Some(connection) = self.dirty.pop() else { return };
            let bytes = self.shard.output(connection).map(<[u8]>::len).sum();
            self.shard.handle(NOW, Input::Transmitted { connection, bytes });
        }
    }

    /// What is measured: the batch is read, everything is written.
    fn run(mut self) -> Self {
        let bytes = core::mem::take(&mut self.bytes);
        self.say(self.from, &bytes);
        let acks = core::mem::take(&mut self.acks);
        if !acks.is_empty() {
            self.say(ConnectionId(0), &acks);
        }
        self
    }

    /// Once without measuring, so that buffers and tables have their size.
    fn warm(mut self) -> Self {
        let bytes = self.bytes.clone();
        self.say(self.from, &bytes);
        self
    }
}

fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 128);
    [&[first, body.len() as u8], body].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

fn connect(number: u32) -> Vec<u8> {
    frame(0x10, &[&b"\x00\x04MQTT\x04\x02\x00\x3c"[..], &text(&format!("device-{number:06}"))].concat())
}

fn subscribe(filter: &str, qos: u8) -> Vec<u8> {
    frame(0x82, &[&[0, 9], &text(filter)[..], &[qos]].concat())
}

fn publish(topic: &str, qos: u8, id: u16) -> Vec<u8> {
    let id = if qos > 0 { id.to_be_bytes().to_vec() } else { Vec::new() };
    frame(0x30 | qos << 1, &[&text(topic)[..], &id, &[b'x'; 64]].concat())
}

/// `count` messages of one publisher to each of `subscribers`, who have filters at this QoS.
fn fan_out(subscribers: usize, qos: u8, count: usize) -> Rig {
    let mut rig = Rig::new();
    for _ in 0..subscribers {
        let connection = rig.connect();
        rig.subscribe(connection, "plant/7/line/3/temperature", qos);
    }
    rig.from = rig.connect();
    rig.bytes = (1..=count as u16).flat_map(|id| publish("plant/7/line/3/temperature", qos, id)).collect();
    rig.warm()
}

/// Messages to one subscriber, and its acknowledgements.
fn round_trip() -> Rig {
    let mut rig = fan_out(1, 1, BATCH);
    let acks = |from: usize| (from..from + BATCH).flat_map(|id| frame(0x40, &(id as u16).to_be_bytes()));
    let acknowledged: Vec<u8> = acks(1).collect();
    rig.say(ConnectionId(0), &acknowledged);
    rig.acks = acks(1 + BATCH).collect();
    rig
}

/// Many filters, of which one exact and one with wildcards match.
fn matching() -> Rig {
    let mut rig = Rig::new();
    let other = rig.connect();
    for n in 0..10_000 {
        rig.subscribe(other, &format!("plant/{}/line/{n}/pressure", n % 100), 0);
        rig.subscribe(other, &format!("plant/{}/+/{n}/#", n % 100), 0);
    }
    let subscriber = rig.connect();
    rig.subscribe(subscriber, "plant/7/line/3/temperature", 0);
    rig.subscribe(subscriber, "plant/+/line/3/#", 0);
    rig.from = rig.connect();
    // Topics that change: no remembered route helps.
    let topics = ["plant/7/line/3/temperature", "plant/8/line/3/temperature"];
    rig.bytes = (0..BATCH).flat_map(|n| publish(topics[n % 2], 0, 0)).collect();
    rig.warm()
}

fn connecting() -> Rig {
    let mut rig = Rig::new();
    for _ in 0..1_000 {
        rig.connect();
    }
    rig.from = rig.open();
    rig.bytes = connect(rig.from.0);
    rig
}

fn subscribing() -> Rig {
    let mut rig = Rig::new();
    for _ in 0..1_000 {
        let connection = rig.connect();
        rig.subscribe(connection, &format!("device/{}/command", connection.0), 1);
    }
    rig.from = rig.connect();
    rig.bytes = subscribe("device/new/command", 1);
    rig
}

#[library_benchmark]
#[bench::publish(publish("plant/7/line/3/temperature", 1, 7), Version::V311)]
#[bench::subscribe(subscribe("plant/+/line/3/#", 1), Version::V311)]
#[bench::connect(connect(7), Version::V5)]
fn decode(bytes: Vec<u8>, version: Version) -> Vec<u8> {
    if let Ok(Split::Whole(frame, _)) = split_frame(black_box(&bytes), 1 << 20) {
        let _ = black_box(Packet::decode(frame, version));
    }
    bytes
}

#[library_benchmark]
#[bench::match_among_20000(matching())]
#[bench::fan_out_1_qos_0(fan_out(1, 0, BATCH))]
#[bench::round_trip_qos_1(round_trip())]
#[bench::fan_out_100_qos_0(fan_out(100, 0, BATCH))]
#[bench::fan_out_1000_qos_0(fan_out(1_000, 0, 8))]
#[bench::fan_out_1000_qos_1(fan_out(1_000, 1, 8))]
#[bench::connect(connecting())]
#[bench::subscribe(subscribing())]
fn shard(rig: Rig) -> Rig {
    rig.run()
}

library_benchmark_group!(name = steps; benchmarks = decode, shard);
main!(library_benchmark_groups = steps);
