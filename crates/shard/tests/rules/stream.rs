//! The stream itself: frames in pieces and in heaps, output that nobody reads, and the end of the broker.

use crate::common::words::{self, hex};
use crate::common::*;
use martlet_codec::Version;

const LINES: [&str; 8] = [
    "subscribe 1 t/#@2 sub=7",
    "publish t/a hello 1#1 retain prop=k:v",
    "publish t/b *300 2#2",
    "pubrel 2",
    "ping",
    "subscribe 2 t/+@1",
    "unsubscribe 3 t/#",
    "publish t/c done",
];

/// What a client hears that says all this, in pieces that end at these places. Sorted: retained messages come when
/// the packets of one read are dealt with.
fn hears(version: &str, cuts: &[usize]) -> Vec<String> {
    let mut rig = Rig::new(1);
    rig.open("c", version);
    let lines = LINES.iter().flat_map(|line| words::packet(words::version(version), line));
    let bytes: Vec<u8> = words::connect("c", version).into_iter().chain(lines).collect();
    let mut from = 0;
    for &to in cuts.iter().filter(|to| **to < bytes.len()).chain([&bytes.len()]) {
        rig.write("c", &bytes[from..to]);
        from = to;
    }
    assert!(rig.is_open("c"));
    let mut heard = rig.heard("c");
    heard.sort_unstable();
    heard
}

#[test]
fn frames_in_two_pieces_at_every_boundary() {
    for version in ["v31", "v311", "v5"] {
        let whole = hears(version, &[]); // many packets in one read
        assert!(whole.len() >= 11, "{whole:?}");
        for cut in 1..500 {
            assert_eq!(hears(version, &[cut]), whole, "{version}, cut at {cut}");
        }
        assert_eq!(hears(version, &(1..1000).collect::<Vec<_>>()), whole);
        assert_eq!(hears(version, &(1..1000).step_by(7).collect::<Vec<_>>()), whole);
    }
}

#[test]
fn output_that_nobody_reads_is_bounded() {
    let change = |config: &mut martlet_shard::Config| {
        config.limits.output_high_bytes = 20_000;
        config.limits.output_low_bytes = 5_000;
    };
    everywhere_with(change, |rig| {
        rig.connect("slow", "v5");
        rig.connect("quick", "v5");
        for name in ["slow", "quick"] {
            rig.subscribe(name, "zero@0");
            rig.subscribe(name, "one@1");
        }
        rig.limit_reading("slow", 0);
        rig.connect("p", "v5");
        rig.ignore("p");
        for n in 1..=100 {
            rig.tell("p", &format!("publish zero *1000 1#{n}"));
            rig.tell("p", &format!("publish one *1000 1#{n}"));
        }
        assert_eq!(rig.heard("quick").len(), 200, "nobody else is disturbed");
        let dropped = rig.dropped(Dropped::OutputFull);
        assert!((80..90).contains(&dropped), "{dropped}");
        let waits = rig.waiting("slow");
        assert!((20_000..23_000).contains(&waits), "{waits}");
        rig.limit_reading("slow", usize::MAX);
        let heard = rig.heard("slow");
        let (zero, one) = heard.iter().partition::<Vec<_>, _>(|line| line.starts_with("publish zero"));
        assert_eq!((zero.len() as u64 + dropped, one.len()), (100, 100)); // QoS 1 waits in the queue instead
    });
}

#[test]
fn a_client_that_does_not_read_its_answers_is_not_read() {
    everywhere_with(
        |config| config.limits.output_high_bytes = 1000,
        |rig| {
            rig.connect("c", "v5");
            rig.limit_reading("c", 0);
            for _ in 0..100 {
                rig.write("c", &hex("c000").repeat(50));
            }
            let client = rig.client("c");
            assert!(client.paused && client.pauses == 1);
            assert!(!client.to_server.is_empty());
            assert!(rig.waiting("c") < 1200, "{}", rig.waiting("c"));
            rig.limit_reading("c", usize::MAX);
            assert!(!rig.client("c").paused);
            assert_eq!(rig.heard("c"), vec!["pingresp"; 5000]);
        },
    );
}

#[test]
fn publishers_wait_for_mail_that_is_not_taken() {
    let mut rig = Rig::with(2, |config| config.outbox_bytes_max = 1000);
    let (p, s) = (rig.id_on(0, "p"), rig.id_on(1, "s"));
    rig.connect(&s, "v5");
    rig.subscribe(&s, "t@1");
    rig.connect(&p, "v5");
    rig.ring_full = true;
    for n in 1..=50 {
        rig.tell(&p, &format!("publish t *100 1#{n}"));
    }
    assert!(rig.client(&p).paused);
    assert!(!rig.client(&p).to_server.is_empty());
    rig.ring_full = false;
    rig.settle();
    assert!(!rig.client(&p).paused);
    assert_eq!((rig.heard(&s).len(), rig.heard(&p).len()), (50, 50));
}

#[test]
fn a_publisher_that_goes_leaves_the_others_waiting_for_their_turn() {
    let mut rig = Rig::with(2, |config| config.outbox_bytes_max = 1000);
    let [p, q, s] = [(0, "p"), (0, "q"), (1, "s")].map(|(shard, prefix)| rig.id_on(shard, prefix));
    for name in [&p, &q, &s] {
        rig.connect(name, "v5");
    }
    rig.subscribe(&s, "t@1");
    rig.ring_full = true;
    rig.tell_all(&p, &["publish t *2000 1#1", "publish t *2000 1#2"]);
    rig.tell(&q, "publish t *2000 1#1");
    assert!(rig.client(&p).paused && rig.client(&q).paused);
    rig.cut(&p);
    rig.ring_full = false;
    rig.settle();
    assert!(!rig.client(&q).paused);
    assert_eq!((rig.heard(&s).len(), rig.heard(&q).len()), (3, 1));
    rig.ignore(&p);
}

#[test]
fn the_broker_stops() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "will");
        rig.connect("a", "v5 will=will,bye");
        rig.connect("b", "v311 will=will,bye");
        rig.open("c", "v5");
        rig.dial("d", "v5 ask");
        rig.stop();
        rig.expect("w", "disconnect 8b"); // no wills: nobody is left to hear them
        rig.expect("a", "disconnect 8b");
        rig.expect("d", "connack 88");
        for name in ["a", "b", "c", "d", "w"] {
            rig.closed(name, EndReason::ShuttingDown);
        }
        assert_eq!(rig.counters().connections, 0);
    });
}

#[test]
fn bytes_after_the_end_are_not_looked_at() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "#");
        rig.connect("c", "v5");
        rig.limit_reading("c", 0);
        let lines = ["disconnect", "publish t ghost", "ping"];
        let bytes: Vec<u8> = lines.iter().flat_map(|line| words::packet(Version::V5, line)).collect();
        rig.write("c", &bytes); // [MQTT-3.14.4-1] [MQTT-3.14.4-2]
        rig.silent("w");
    });
}

#[test]
fn packets_of_the_other_role() {
    use martlet_codec::PacketType::*;
    everywhere(|rig| {
        for (kind, bytes) in [
            (ConnAck, "20 03 00 00 00"),
            (SubAck, "90 04 0001 00 00"),
            (UnsubAck, "b0 04 0001 00 00"),
            (PingResp, "d0 00"),
        ] {
            rig.connect("c", "v5");
            rig.write("c", &hex(bytes));
            rig.expect("c", "disconnect 82");
            rig.closed("c", EndReason::Violation(martlet_protocol::Violation::WrongDirection(kind)));
        }
    });
}

#[test]
fn what_sys_says() {
    for shards in [1, 2] {
        let mut rig = Rig::with(shards, |config| config.sys_interval_ms = 10_000);
        let (a, b) = (rig.id_on(0, "a"), rig.id_on(1, "b"));
        rig.connect(&a, "v5");
        rig.connect(&b, "v5");
        rig.subscribe(&a, "t");
        rig.tell(&b, "publish t x retain");
        rig.expect(&a, "publish t x");
        rig.pass(31);
        for (topic, value) in [
            ("clients/connected", "2"),
            ("clients/total", "2"),
            ("subscriptions/count", "1"),
            ("publish/messages/received", "1"),
            ("publish/messages/sent", "1"),
        ] {
            rig.subscribe(&a, &format!("$SYS/broker/{topic}"));
            let heard = rig.heard(&a);
            assert_eq!(heard, [format!("publish $SYS/broker/{topic} {value} retain")], "{shards} shards");
            rig.tell(&a, &format!("unsubscribe 1 $SYS/broker/{topic}"));
            rig.expect(&a, "unsuback 1 00");
        }
        rig.subscribe(&a, "#");
        let heard = rig.heard(&a);
        assert!(heard.iter().all(|line| !line.contains("$SYS")), "{heard:?}"); // [MQTT-4.7.2-1]
        rig.subscribe(&a, "$SYS/#");
        assert!(rig.heard(&a).len() > 50);
        rig.pass(10);
        let heard = rig.heard(&a);
        assert!(heard.iter().any(|line| line.starts_with("publish $SYS/broker/uptime ")), "{heard:?}");
    }
}
