//! Who of a group gets the next message: by each strategy, and by the credit that members really have.

use crate::common::*;
use martlet_shard::Strategy;

/// Members `a`, `b`, `c` of a group, on one shard, and a publisher `p`.
fn group(strategy: Strategy, connect: [&str; 3], qos: u8) -> Rig {
    let mut rig = Rig::with(1, |config| config.share_strategy = strategy);
    for (name, line) in ["a", "b", "c"].into_iter().zip(connect) {
        rig.connect(name, line);
        rig.subscribe(name, &format!("$share/g/#@{qos}"));
    }
    rig.connect("p", "v5");
    rig.ignore("p");
    rig
}

/// Who hears each of these, which are said one by one.
fn hearers(rig: &mut Rig, lines: impl Iterator<Item = String>) -> String {
    let mut all = String::new();
    for line in lines {
        rig.tell("p", &line);
        for name in ["a", "b", "c"] {
            rig.heard(name).iter().for_each(|_| all.push_str(name));
        }
    }
    all
}

fn messages(qos: u8, number: u16) -> impl Iterator<Item = String> {
    (1..=number).map(move |id| match qos {
        0 => "publish t x".to_owned(),
        qos => format!("publish t x {qos}#{id}"),
    })
}

#[test]
fn each_in_its_turn() {
    for strategy in [Strategy::RoundRobin, Strategy::LeastInFlight] {
        for qos in [0, 1] {
            let mut rig = group(strategy, ["v5"; 3], 1);
            assert_eq!(hearers(&mut rig, messages(qos, 9)), "abcabcabc", "{strategy:?}, QoS {qos}");
        }
    }
}

#[test]
fn the_least_busy_first() {
    for (strategy, order) in [(Strategy::LeastInFlight, "abcbbb"), (Strategy::RoundRobin, "abcabc")] {
        let mut rig = group(strategy, ["v5"; 3], 1);
        let mut all = String::new();
        for id in 1..=6 {
            rig.tell("p", &format!("publish t x 1#{id}"));
            for name in ["a", "b", "c"] {
                for line in rig.heard(name) {
                    all.push_str(name);
                    let (_, id) = line.split_once("1#").expect("QoS 1");
                    if name == "b" {
                        rig.tell("b", &format!("puback {id}"));
                    }
                }
            }
        }
        assert_eq!(all, order, "{strategy:?}");
    }
}

#[test]
fn a_lot_is_drawn_among_those_with_credit() {
    for seed in 0..20 {
        let mut rig = group(Strategy::Random(seed), ["v5 rm=1", "v5", "v5 rm=1"], 1);
        let all = hearers(&mut rig, messages(1, 30));
        let number = |name: char| all.chars().filter(|other| *other == name).count();
        assert_eq!(
            (number('a') <= 1, number('b') >= 28, number('c') <= 1, all.len()),
            (true, true, true, 30)
        );
        let mut rig = group(Strategy::Random(seed), ["v5"; 3], 1);
        let all = hearers(&mut rig, messages(0, 60));
        for name in ['a', 'b', 'c'] {
            let number = all.chars().filter(|other| *other == name).count();
            assert!((6..40).contains(&number), "{all}");
        }
        assert!(!all.contains(&"abc".repeat(10)), "by lot, not in turn");
    }
}

#[test]
fn topics_and_publishers_stick() {
    for strategy in [Strategy::StickyByTopic, Strategy::StickyByPublisher] {
        let mut rig = group(strategy, ["v5"; 3], 1);
        let mut seen = Vec::new();
        for n in 0..30 {
            let lines = (1..=3)
                .map(|id| if id == 2 { format!("publish {n} x") } else { format!("publish {n} x 1#{id}") });
            let all = hearers(&mut rig, lines);
            assert!(["aaa", "bbb", "ccc"].contains(&&*all), "{strategy:?}: {all}");
            seen.push(all);
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), if strategy == Strategy::StickyByTopic { 3 } else { 1 }, "{strategy:?}");
    }
}

#[test]
fn what_sticks_waits_for_its_member() {
    let mut rig = group(Strategy::StickyByPublisher, ["v5 rm=1 expiry=60"; 3], 1);
    let first = hearers(&mut rig, messages(1, 4));
    assert_eq!(first.len(), 1, "the others have credit, and it is not for them");
    rig.tell(&first, "puback 1");
    assert_eq!(rig.heard(&first).len(), 1);
    rig.cut(&first);
    let rest: usize = ["a", "b", "c"].into_iter().map(|name| rig.heard(name).len()).sum();
    assert_eq!(rest, 1, "another has them now, within its own window");
}

#[test]
fn a_member_that_subscribes_again_has_no_more_credit_than_before() {
    everywhere(|rig| {
        rig.connect("a", "v5 rm=2");
        rig.connect("b", "v5 rm=100");
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.subscribe("a", "$share/g/t@1");
        rig.subscribe("b", "$share/g/t@1");
        (1..=4).for_each(|id| rig.tell("p", &format!("publish t x 1#{id}")));
        assert_eq!((rig.heard("a").len(), rig.heard("b").len()), (2, 2));
        rig.subscribe("a", "$share/g/t@1");
        (5..=8).for_each(|id| rig.tell("p", &format!("publish t x 1#{id}")));
        assert_eq!((rig.heard("a").len(), rig.heard("b").len()), (0, 4));
        rig.tell("a", "puback 1");
        rig.subscribe("a", "$share/g/t@1");
        (1..=2).for_each(|id| rig.tell("p", &format!("publish t x 1#{id}")));
        assert_eq!((rig.heard("a").len(), rig.heard("b").len()), (1, 1));
    });
}

/// `m` is in a group that holds two messages of a thousand bytes, and has a subscription of its own; `p` publishes.
fn in_a_narrow_group(mut story: impl FnMut(&mut Rig)) {
    everywhere_with(
        |config| config.group_bytes_max = 2 * (1000 + 64),
        |rig| {
            rig.connect("p", "v5");
            rig.ignore("p");
            rig.connect("m", "v5 expiry=60 rm=2");
            rig.subscribe("m", "$share/g/t@1");
            rig.subscribe("m", "own@1");
            story(rig);
        },
    );
}

#[test]
fn a_group_is_full_at_the_very_byte() {
    in_a_narrow_group(|rig| {
        let publish = |rig: &mut Rig, payload: usize| rig.tell("p", &format!("publish t *{payload} 1#1"));
        let full = |rig: &Rig| rig.dropped(Dropped::QueueFull);
        rig.cut("m");
        publish(rig, 999);
        publish(rig, 1000);
        assert_eq!(full(rig), 1, "a byte too many");
        publish(rig, 999);
        assert_eq!((full(rig), rig.counters().stored_messages), (1, 2));
    });
}

#[test]
fn what_is_given_back_counts() {
    in_a_narrow_group(|rig| {
        for (topic, size) in [("own", 1), ("own", 1), ("t", 999), ("t", 999)] {
            rig.tell("p", &format!("publish {topic} *{size} 1#1"));
        }
        assert_eq!((rig.heard("m").len(), rig.counters().queued), (2, 4));
        rig.cut("m"); // gives two back
        assert_eq!(rig.counters().queued, 2);
        rig.tell("p", "publish t x 1#1");
        assert_eq!(rig.dropped(Dropped::QueueFull), 1);
        rig.connect("m", "v5 clean=0 expiry=60 rm=4");
        assert_eq!(rig.heard("m").len(), 4);
        rig.tell("p", "publish t *999 1#1");
        rig.tell("p", "publish t *999 1#2");
        rig.silent("m");
        (1..=4).for_each(|id| rig.tell("m", &format!("puback {id}")));
        assert_eq!((rig.heard("m").len(), rig.dropped(Dropped::QueueFull)), (2, 1));
    });
}

/// Groups `$share/N/t` at home on a shard of three.
fn home_of(filter: &str) -> usize {
    for shard in 0..3 {
        let mut rig = Rig::new(3);
        let name = rig.id_on(shard, "m");
        rig.connect(&name, "v5");
        rig.hold_mail = true;
        rig.tell(&name, &format!("subscribe 1 {filter}"));
        if !rig.heard(&name).is_empty() {
            return shard;
        }
    }
    panic!("{filter} has no home");
}

#[test]
fn answers_to_subscriptions_wait_for_their_own_groups() {
    let at = |shard| (0..).map(|n| format!("$share/{n}/t")).find(|filter| home_of(filter) == shard);
    let [near, far] = [1, 2].map(|shard| at(shard).expect("there are enough"));
    let mut rig = Rig::new(3);
    let name = rig.id_on(0, "m");
    rig.connect(&name, "v5");
    rig.hold_mail = true;
    let (first, second) = (format!("subscribe 1 {far}"), format!("subscribe 2 {near} {far}"));
    let third = format!("subscribe 3 {near}");
    rig.tell_all(&name, &[&first, &second, &third, "subscribe 4 t"]);
    rig.expect_all(&name, &["suback 4 00"]);
    rig.hold_mail = false;
    rig.settle();
    rig.expect_all(&name, &["suback 3 00", "suback 1 00", "suback 2 00 00"]);
}

#[test]
fn groups_that_one_session_may_be_in() {
    let mut rig = Rig::new(1);
    rig.connect("m", "v5");
    for n in 0..1024 {
        rig.tell("m", &format!("subscribe 1 $share/{n}/t"));
        rig.expect("m", "suback 1 00");
    }
    for (line, heard) in [
        ("subscribe 1 $share/more/t", "suback 1 97"),
        ("subscribe 1 $share/1023/t", "suback 1 00"), // it is in that one
        ("unsubscribe 1 $share/0/t", "unsuback 1 00"),
        ("subscribe 1 $share/more/t", "suback 1 00"),
        ("subscribe 1 $share/0/t", "suback 1 97"),
    ] {
        rig.tell("m", line);
        rig.expect("m", heard);
    }
    assert_eq!(rig.counters().shared_subscriptions, 1024);
}

#[test]
fn a_member_that_wants_it_hears_whether_a_message_was_published_as_retained() {
    everywhere(|rig| {
        rig.connect("m", "v5 clean=0 expiry=60 rm=1");
        rig.subscribe("m", "$share/g/t@1p");
        rig.connect("p", "v5");
        rig.tell_all(
            "p",
            &["publish t a", "publish t b retain", "publish t c 1#1", "publish t d 1#2 retain"],
        );
        rig.expect_all("p", &["puback 1", "puback 2"]);
        rig.expect_all("m", &["publish t a", "publish t b retain", "publish t c 1#1"]); // [MQTT-3.3.1-13]
        rig.cut("m"); // d waits in the group
        rig.connect("m", "v5 clean=0 expiry=60 rm=9");
        let heard = rig.heard("m");
        assert!(
            heard.iter().any(|one| one.starts_with("publish t d 1#") && one.ends_with(" retain")),
            "{heard:?}"
        );
        rig.cut("m");
        rig.connect("n", "v5");
        rig.subscribe("n", "$share/h/t@1");
        rig.tell("p", "publish t e 1#3 retain");
        rig.expect("p", "puback 3");
        rig.expect_all("n", &["publish t e 1#1"]); // [MQTT-3.3.1-12]
    });
}
