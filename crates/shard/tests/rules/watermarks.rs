//! Limits at the very byte, message and unit of work where they begin.

use crate::common::words::{self, hex};
use crate::common::*;
use martlet_codec::Version;

#[test]
fn output_between_its_watermarks() {
    let change = |config: &mut martlet_shard::Config| {
        config.limits.output_high_bytes = 1000;
        config.limits.output_low_bytes = 500;
    };
    everywhere_with(change, |rig| {
        rig.connect("c", "v5");
        rig.limit_reading("c", 0);
        rig.write("c", &hex("c000").repeat(500));
        assert_eq!((rig.waiting("c"), rig.client("c").paused), (1000, false), "not above the high one");
        rig.write("c", &hex("c000"));
        assert_eq!((rig.waiting("c"), rig.client("c").paused), (1002, true));
        rig.limit_reading("c", 502);
        assert_eq!((rig.waiting("c"), rig.client("c").paused), (500, true), "not below the low one");
        rig.limit_reading("c", 1);
        assert_eq!((rig.waiting("c"), rig.client("c").paused), (499, false));
        rig.limit_reading("c", usize::MAX);
        assert_eq!((rig.heard("c").len(), rig.client("c").pauses), (501, 1));
    });
}

#[test]
fn qos_0_up_to_the_high_watermark() {
    for (first, second_fits) in [(993, true), (994, false)] {
        let mut rig = Rig::with(1, |config| config.limits.output_high_bytes = 1000);
        rig.connect("s", "v311");
        rig.subscribe("s", "t");
        rig.connect("p", "v5");
        rig.limit_reading("s", 0);
        rig.tell("p", &format!("publish t *{first}")); // 6 bytes more
        assert_eq!(rig.waiting("s"), first + 6);
        rig.tell("p", "publish t x");
        assert_eq!(rig.dropped(Dropped::OutputFull), u64::from(!second_fits));
        rig.ignore("s");
        rig.limit_reading("s", usize::MAX);
    }
}

#[test]
fn qos_1_up_to_the_low_watermark() {
    for (first, sent) in [(991, 2), (992, 1)] {
        let mut rig = Rig::with(1, |config| config.limits.output_low_bytes = 1000);
        rig.connect("s", "v311");
        rig.subscribe("s", "t@1");
        rig.connect("p", "v311");
        rig.ignore("p");
        rig.limit_reading("s", 0);
        rig.tell("p", &format!("publish t *{first} 1#1")); // 8 bytes more
        assert_eq!(rig.waiting("s"), first + 8);
        rig.tell_all("p", &["publish t x 1#2", "publish t x 1#3"]);
        assert_eq!((rig.counters().in_flight, rig.counters().queued), (sent, 3));
        rig.limit_reading("s", usize::MAX);
        assert_eq!(rig.heard("s").len(), 3);
    }
}

/// A payload is kept once for all the outputs that it is in, from a size on.
#[test]
fn large_payloads_are_shared() {
    for (size, messages) in [(16 * 1024 - 1, 0), (16 * 1024, 1)] {
        let mut rig = Rig::new(1);
        for name in ["a", "b"] {
            rig.connect(name, "v5");
            rig.subscribe(name, "t");
            rig.limit_reading(name, 0);
        }
        rig.connect("p", "v5");
        rig.tell("p", &format!("publish t *{size}"));
        assert_eq!(rig.counters().stored_messages, messages);
        for name in ["a", "b"] {
            rig.limit_reading(name, usize::MAX);
            rig.expect(name, &format!("publish t *{size}"));
        }
        assert_eq!(rig.counters().stored_messages, 0);
    }
}

/// How often a publisher to `receivers` clients is made to rest that says all this, in a read each.
fn rests(work_max: u32, receivers: usize, reads: &[&[&str]]) -> usize {
    let mut rig = Rig::with(1, |config| config.work_max = work_max);
    for n in 0..receivers {
        let name = format!("s{n}");
        rig.connect(&name, "v311");
        rig.subscribe(&name, "+");
        rig.ignore(&name);
    }
    rig.connect("p", "v311");
    rig.ignore("p");
    rig.pass_ms(1);
    reads.iter().for_each(|lines| rig.tell_all("p", lines));
    assert!(rig.client("p").to_server.is_empty() && !rig.client("p").paused);
    rig.client("p").pauses
}

#[test]
fn work_is_what_is_matched_and_delivered() {
    let work = |reads: &[&[&str]]| (0..).find(|work| rests(work + 1, 8, reads) == 0).expect("little work");
    // The topic of the publisher's last message is looked up once more, and its receivers are remembered then.
    let same: [&[&str]; 10] = [&["publish t x"]; 10];
    let first = work(&same[..1]);
    assert!((9..14).contains(&first), "{first}");
    assert_eq!([2, 3, 4].map(|n| work(&same[..n])), [2 * first, 2 * first + 8, 2 * first + 16]);
    assert_eq!((rests(2 * first + 64, 8, &same), rests(2 * first + 65, 8, &same)), (1, 0));
    // Four deliveries of messages that came with others of the topic are as much work as one alone.
    let together = ["publish t x"; 10];
    assert_eq!([2, 3, 4].map(|n| work(&[&together[..n]])), [first + 2, first + 4, first + 6]);
    assert_eq!((rests(first + 18, 8, &[&together]), rests(first + 19, 8, &[&together])), (1, 0));
    // Another topic in between, and it is looked up anew.
    let nobody = work(&[&["publish u/v x"]]);
    assert_eq!(work(&[&["publish t x", "publish u/v x", "publish t x"]]), 2 * first + nobody);
}

#[test]
fn a_new_moment_is_a_new_turn() {
    let mut rig = Rig::with(1, |config| config.work_max = 100);
    rig.connect("s", "v311");
    rig.subscribe("s", "t");
    rig.ignore("s");
    rig.connect("p", "v311");
    for _ in 0..10 {
        rig.pass_ms(1);
        rig.tell_all("p", &["publish t x"; 50]);
    }
    assert_eq!(rig.client("p").pauses, 0);
    rig.tell_all("p", &["publish t x"; 60]);
    assert_eq!(rig.client("p").pauses, 1);
}

/// A client belongs to one of 64 parts, and these to the shards in turn, however many there are.
#[test]
fn a_client_has_its_home_whatever_the_number_of_shards() {
    let names: Vec<String> = (0..40).map(|n| format!("client-{n}")).collect();
    let home = |rig: &mut Rig, name: &String| {
        rig.connect(name, "v311");
        rig.shard_of(name)
    };
    let mut rig = Rig::new(64);
    let parts: Vec<usize> = names.iter().map(|name| home(&mut rig, name)).collect();
    for shards in [2, 3, 5] {
        let mut rig = Rig::new(shards);
        for (name, part) in names.iter().zip(&parts) {
            assert_eq!(home(&mut rig, name), part % usize::from(shards), "{name} on one of {shards}");
        }
    }
}

#[test]
fn connections_come_and_go() {
    let mut rig = Rig::new(1);
    for round in 1..=3 {
        for n in 0..10 {
            rig.connect(&format!("c{n}"), "v5");
            assert_eq!(rig.shards[0].connections(), n + 1, "in round {round}");
        }
        for n in 0..10 {
            rig.cut(&format!("c{n}"));
            assert_eq!(rig.shards[0].connections(), 9 - n, "in round {round}");
        }
    }
}

#[test]
fn a_second_connect_is_no_reason_to_move() {
    let mut rig = Rig::new(2);
    let (here, there) = (rig.id_on(0, "a"), rig.id_on(1, "b"));
    rig.connect(&here, "v5");
    rig.write(&here, &words::connect(&there, "v5"));
    rig.expect(&here, "disconnect 82");
    assert!(!rig.is_open(&here));
    assert_eq!(rig.counters().clients(), 0);
}

#[test]
fn an_assigned_client_id_is_at_home_where_it_was_assigned() {
    everywhere(|rig| {
        for n in 0..4 {
            let name = format!("n{n}");
            rig.dial(&name, "v5 id= expiry=60");
            rig.expect(&name, "connack 00 assigned=?");
            let shard = rig.shard_of(&name);
            rig.cut(&name);
            let (life, _) = rig.client(&name).ended.clone().expect("it has ended");
            let id = life.client_id.expect("one was assigned");
            rig.dial("again", &format!("v5 clean=0 expiry=60 id={id}"));
            rig.expect("again", "connack 00 present");
            assert_eq!(rig.shard_of("again"), shard);
            rig.cut("again");
        }
    });
}

#[test]
fn bounds_of_subscriptions() {
    everywhere_with(
        |config| config.subscriptions_max = 3,
        |rig| {
            rig.connect("s", "v5");
            let levels = |n: usize| format!("+{}", "/+".repeat(n - 1));
            let share = |len: usize| format!("$share/g/{}", "x".repeat(len - 9));
            for (filter, reason) in [
                (levels(200), "00"),
                (levels(201), "8f"),
                (format!("x{}", "/x".repeat(300)), "00"), // nothing to walk
                (share(4096), "00"),
                (share(4097), "97"),
                ("third".into(), "00"),
                ("fourth".into(), "97"),
                ("third".into(), "00"), // it has that
            ] {
                rig.tell("s", &format!("subscribe 1 {filter}"));
                rig.expect("s", &format!("suback 1 {reason}"));
            }
            rig.tell("s", "unsubscribe 1 third");
            rig.expect("s", "unsuback 1 00");
            rig.subscribe("s", "fourth");
            assert_eq!(rig.counters().subscriptions, 4);
        },
    );
}

#[test]
fn frames_of_one_byte_at_a_time_cost_no_more() {
    let mut rig = Rig::new(1);
    rig.connect("c", "v5");
    let frame = words::packet(Version::V5, "publish nobody *1000");
    for byte in &frame[..frame.len() - 1] {
        rig.write("c", &[*byte]);
    }
    rig.write("c", &[&frame[frame.len() - 1..], &hex("c000 c0")].concat());
    rig.expect("c", "pingresp");
    rig.write("c", &hex("00"));
    rig.expect("c", "pingresp");
    assert_eq!(rig.counters().packets_received, 4);
}

#[test]
fn deliveries_to_groups_are_work() {
    let mut rig = Rig::with(1, |config| config.work_max = 40);
    rig.connect("m", "v5");
    (0..8).for_each(|group| rig.subscribe("m", &format!("$share/g{group}/t@0")));
    rig.ignore("m");
    rig.connect("p", "v311");
    rig.pass_ms(1);
    rig.tell_all("p", &["publish t x"; 10]);
    assert!(rig.client("p").pauses > 0, "80 deliveries");
    assert_eq!(rig.counters().delivered, 80);
}

#[test]
fn what_cannot_be_delivered_together_is_as_much_work_as_one_by_one() {
    for (options, pauses) in [("@0", 0), ("@0 sub=1", 1)] {
        let mut rig = Rig::with(1, |config| config.work_max = 100);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            rig.connect(name, "v5");
            rig.subscribe(name, &format!("t{options}"));
            rig.ignore(name);
        }
        rig.connect("p", "v311");
        rig.pass_ms(1);
        (0..2).for_each(|_| rig.tell_all("p", &["publish t x"; 10]));
        assert_eq!(rig.client("p").pauses, pauses, "{options}");
    }
}
