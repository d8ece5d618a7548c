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
use martlet_shard::{Config, ConnectionId, Effect, Input, Interest, Listener, Origin, Peer, Shard};
use std::hint::black_box;
use std::sync::Arc;

/// Messages that arrive in one read.
const BATCH: usize = 64;

const NOW: Time = Time::from_millis(1_000_000);

/// A shard with clients, and what the next of them says.
struct Rig {
    shard: Shard,
    listener: Arc<Listener>,
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
        Rig {
            shard,
            listener: Arc::new(Listener::open("test")),
            next: 0,
            from: ConnectionId { slot: 0, generation: 0 },
            bytes: Vec::new(),
            acks: Vec::new(),
            dirty: Vec::new(),
        }
    }

    fn open(&mut self) -> ConnectionId {
        let connection = ConnectionId { slot: self.next, generation: 0 };
        self.next += 1;
        self.shard.handle(
            NOW,
            Input::Opened {
                connection,
                origin: Origin { listener: Arc::clone(&self.listener), peer: Peer::Unix, opened_at: NOW },
            },
        );
        connection
    }

    fn connect(&mut self) -> ConnectionId {
        let connection = self.open();
        self.say(connection, &connect(connection.slot));
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
            self.say(ConnectionId { slot: 0, generation: 0 }, &acks);
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

fn long_frame(first: u8, body: &[u8]) -> Vec<u8> {
    match body.len() {
        ..128 => frame(first, body),
        len @ ..16_384 => [&[first, len as u8 | 0x80, (len >> 7) as u8], body].concat(),
        len => unreachable!("{len} bytes are more than anything here needs"),
    }
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
    rig.say(ConnectionId { slot: 0, generation: 0 }, &acknowledged);
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
    rig.bytes = connect(rig.from.slot);
    rig
}

fn subscribing() -> Rig {
    let mut rig = Rig::new();
    for _ in 0..1_000 {
        let connection = rig.connect();
        rig.subscribe(connection, &format!("device/{}/command", connection.slot), 1);
    }
    rig.from = rig.connect();
    rig.bytes = subscribe("device/new/command", 1);
    rig
}

/// Filters in one SUBSCRIBE, and packets in one read, so that there is soon much under valgrind.
const AT_ONCE: usize = 100;

/// A client subscribes to all of them.
fn subscribe_to_all(rig: &mut Rig, client: ConnectionId, filters: impl Iterator<Item = String>) {
    let filters: Vec<Vec<u8>> = filters.map(|filter| [&text(&filter)[..], &[0]].concat()).collect();
    for some in filters.chunks(AT_ONCE) {
        rig.say(client, &long_frame(0x82, &[&[0, 9], &some.concat()[..]].concat()));
    }
}

/// Messages of one client to another, beside filters that have nothing to do with them: half exact, half with a
/// wildcard. The topics alternate, so that no remembered route helps.
fn among_filters(number: usize) -> Rig {
    let mut rig = Rig::new();
    let other = rig.connect();
    subscribe_to_all(&mut rig, other, (0..number / 2).map(|n| format!("site/{n}/line/3")));
    subscribe_to_all(&mut rig, other, (0..number / 2).map(|n| format!("site/{n}/+/4")));
    one_to_one_alternating(rig)
}

/// The same beside retained messages.
fn among_retained(number: usize) -> Rig {
    let mut rig = Rig::new();
    let other = rig.connect();
    retain_all(&mut rig, other, number);
    one_to_one_alternating(rig)
}

fn one_to_one_alternating(mut rig: Rig) -> Rig {
    let subscriber = rig.connect();
    rig.subscribe(subscriber, "site/alpha/line/3", 0);
    rig.subscribe(subscriber, "site/beta/+/4", 0);
    rig.from = rig.connect();
    let topics = ["site/alpha/line/3", "site/beta/line/4"];
    rig.bytes = (0..BATCH).flat_map(|n| publish(topics[n % 2], 0, 0)).collect();
    let rig = rig.warm().warm(); // there are two buffers of output
    assert_eq!(rig.shard.counters().delivered, 2 * BATCH as u64);
    rig
}

/// A message that replaces one of so many retained ones.
fn replacing(number: usize) -> Rig {
    let mut rig = Rig::new();
    rig.from = rig.connect();
    let from = rig.from;
    retain_all(&mut rig, from, number);
    rig.bytes = retain(&format!("site/{:06}/line/3", number / 2));
    rig.warm()
}

fn retain_all(rig: &mut Rig, client: ConnectionId, number: usize) {
    let packets: Vec<_> = (0..number).map(|n| retain(&format!("site/{n:06}/line/3"))).collect();
    packets.chunks(AT_ONCE).for_each(|some| rig.say(client, &some.concat()));
}

fn retain(topic: &str) -> Vec<u8> {
    frame(0x31, &[&text(topic)[..], b"retained"].concat())
}

/// A filter that so many clients have, and what one more says about it.
fn beside_subscribers(number: usize, says: &[u8]) -> Rig {
    let mut rig = Rig::new();
    for _ in 0..number {
        let client = rig.open();
        rig.say(client, &[connect(client.slot), subscribe("site/+/alarm", 0)].concat());
    }
    rig.from = rig.connect();
    rig.subscribe(rig.from, "site/7/command", 0);
    rig.bytes = says.to_vec();
    rig
}

fn one_more_subscribes(number: usize) -> Rig {
    beside_subscribers(number, &subscribe("site/+/alarm", 0))
}

fn one_unsubscribes(number: usize) -> Rig {
    let mut rig = beside_subscribers(number, &frame(0xa2, &[&[0, 9], &text("site/+/alarm")[..]].concat()));
    rig.from = ConnectionId { slot: 0, generation: 0 };
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

// The same step with little and with much around it: `cargo xtask instructions` compares the two. A million would be
// better than 200,000, but is set up under valgrind as well.
#[library_benchmark]
#[bench::message_among_2_filters(among_filters(2))]
#[bench::message_among_200000_filters(among_filters(200_000))]
#[bench::message_among_1_retained(among_retained(1))]
#[bench::message_among_200000_retained(among_retained(200_000))]
#[bench::subscribe_beside_1(one_more_subscribes(1))]
#[bench::subscribe_beside_40000(one_more_subscribes(40_000))]
#[bench::unsubscribe_beside_1(one_unsubscribes(2))]
#[bench::unsubscribe_beside_40000(one_unsubscribes(40_000))]
#[bench::replace_among_1_retained(replacing(1))]
#[bench::replace_among_100000_retained(replacing(100_000))]
fn growth(rig: Rig) -> Rig {
    rig.run()
}

library_benchmark_group!(name = steps; benchmarks = decode, shard, growth);
main!(library_benchmark_groups = steps);
