//! Whatever a server sends, in whatever pieces, a client neither panics nor grows beyond its bounds.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

mod script;

use martlet_codec::{FiltersBuf, Properties, QoSLevel, SubscriptionOptions, TopicFilter, TopicName, Version};
use martlet_protocol::client::{ConnectOptions, Connection, Event};
use martlet_protocol::{Message, Time};

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}

/// Frames that get far, of which a few bytes will be wrong.
const FRAMES: &[&[u8]] = &[
    b"\x20\x03\x00\x00\x00",
    b"\x20\x09\x01\x00\x06\x21\x00\x02\x22\x00\x05",
    b"\x30\x07\x00\x01t\x03\x23\x00\x01x",
    b"\x32\x06\x00\x01t\x00\x07\x00",
    b"\x34\x08\x00\x01t\x00\x08\x02\x01\x01",
    b"\x40\x02\x00\x01",
    b"\x50\x02\x00\x02",
    b"\x62\x02\x00\x08",
    b"\x70\x02\x00\x02",
    b"\x90\x04\xff\xc0\x00\x00",
    b"\xb0\x04\xff\xc0\x00\x00",
    b"\xd0\x00",
    b"\xe0\x02\x8b\x00",
    b"\xf0\x06\x18\x04\x15\x00\x01m",
];

fn stream(random: &mut Random, version: Version) -> Vec<u8> {
    let old = [b"\x20\x02\x00\x00", b"\x20\x02\x01\x00"][random.below(2)];
    let mut bytes = if version.is_v5() { FRAMES[random.below(2)].to_vec() } else { old.to_vec() };
    for _ in 0..random.below(12) {
        let mut frame = FRAMES[random.below(FRAMES.len())].to_vec();
        if random.below(3) == 0 {
            let at = random.below(frame.len());
            frame[at] = random.below(256) as u8;
        }
        bytes.extend(frame);
    }
    bytes
}

fn work(client: &mut Connection, now: Time) {
    let topic = TopicName::new("nest/one").unwrap();
    let message = Message { topic, properties: &[], payload: b"x", expires_at: None, publisher: 0 };
    for qos in [QoSLevel::AtMostOnce, QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce] {
        // Refusals are answers too.
        let _ = client.publish(now, &message, qos, false);
    }
    let mut filters = FiltersBuf::new();
    filters.push(TopicFilter::new("a").unwrap(), SubscriptionOptions::default());
    let _ = client.subscribe(&filters, Properties::NONE);
}

#[test]
fn any_bytes_in_any_pieces() {
    let (mut connected, mut ended) = (0, 0);
    for seed in 0..3000 {
        let random = &mut Random(seed);
        let mut options =
            ConnectOptions::new([Version::V31, Version::V311, Version::V5][random.below(3)], "c");
        (options.clean_start, options.session_kept) = (false, true);
        options.session_expiry_s = 100 * random.below(2) as u32;
        options.limits.packet_id_max = 1 + random.below(5) as u16;
        options.queue_bytes_max = 1000;
        let mut client = Connection::new(options).unwrap();
        for round in 0..4 {
            let now = Time::from_millis(round * 1000);
            client.connect(now);
            let bytes = stream(random, client.version());
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, left) = rest.split_at(1 + random.below(rest.len()));
                rest = left;
                client.handle_bytes(now, piece);
                work(&mut client, now);
                let waiting = client.output_len();
                client.transmitted(now, random.below(waiting + 1));
                client.handle_timeout(now);
            }
            let mut ends = 0;
            client.handle_close();
            while let Some(event) = client.poll_event() {
                connected += usize::from(matches!(event, Event::Connected(_)));
                ends += usize::from(matches!(event, Event::Disconnected(_) | Event::Refused { .. }));
            }
            assert_eq!((ends, client.output_len()), (1, 0), "seed {seed}: each connection ends once");
            ended += ends;
        }
        assert!(client.unsettled() < 30, "seed {seed}: {}", client.unsettled());
    }
    assert!(ended == 12_000 && connected > 10_000, "{connected} of {ended} got through the handshake");
}

/// Bytes without any structure, as the fuzz target `client_connection` begins with.
#[test]
fn fuzz_client_connection() {
    for seed in 0..3000 {
        let random = &mut Random(seed);
        let script: Vec<u8> = (0..random.below(600)).map(|_| random.byte()).collect();
        run(seed, &script);
    }
}

/// Mostly whole frames, and an application that asks for something in between.
#[test]
fn fuzz_client_connection_mostly_valid() {
    for seed in 0..3000 {
        let random = &mut Random(seed);
        let version = [Version::V31, Version::V311, Version::V5][random.below(3)];
        let mut script = vec![script::opening(version) | (random.byte() & 0xfc)];
        for _ in 0..random.below(12) {
            let bytes = stream(random, version);
            script.extend(bytes.chunks(1 + random.below(60)).flat_map(script::says));
            for _ in 0..random.below(12) {
                script.extend([8 + random.below(8) as u8, random.byte()]);
            }
            script.extend([13, 0]);
        }
        run(seed, &script);
    }
}

/// A server that sends and does not read is held back.
#[test]
fn fuzz_client_connection_unread_answers() {
    let mut script = vec![script::opening(Version::V311)];
    script.extend(script::says(b"\x20\x02\x00\x00"));
    for _ in 0..3000 {
        script.extend(script::says(b"\x32\x06\x00\x01t\x00\x07x"));
    }
    run(0, &script);
}

fn run(seed: u64, script: &[u8]) {
    let result = std::panic::catch_unwind(|| script::client_connection(script));
    assert!(result.is_ok(), "seed {seed}: {script:02x?}");
}
