//! Retained messages (3.3.1.3): kept, replaced, removed, expired; and sent to whom, when, how fast.

use crate::common::*;

fn retain(rig: &mut Rig, lines: &[&str]) {
    rig.connect("keeper", "v5");
    for line in lines {
        rig.tell("keeper", &format!("publish {line} retain"));
    }
    rig.ignore("keeper");
    rig.tell("keeper", "disconnect");
}

/// All that a client has heard, in the order of the alphabet: shards answer in any.
fn sorted(rig: &mut Rig, name: &str) -> Vec<String> {
    let mut heard = rig.heard(name);
    heard.sort_unstable();
    heard
}

#[test]
fn the_last_one_is_kept() {
    everywhere(|rig| {
        retain(rig, &["a/1 old 1#1", "a/1 new 1#2", "a/2 x 2#3", "a/3 y", "b z"]); // [MQTT-3.3.1-5]
        for version in ["v31", "v311", "v5"] {
            rig.connect("s", version);
            rig.subscribe("s", "a/#@2");
            let heard = sorted(rig, "s");
            assert_eq!(heard.len(), 3, "{heard:?}");
            for (line, start) in heard.iter().zip(["publish a/1 new 1#", "publish a/2 x 2#", "publish a/3 y"])
            {
                assert!(line.starts_with(start) && line.ends_with(" retain"), "{line}"); // [MQTT-3.3.1-8] [MQTT-3.3.1-9]
            }
            rig.subscribe("s", "b@0");
            rig.expect("s", "publish b z retain");
            rig.subscribe("s", "nothing/here@0");
            rig.silent("s");
            rig.cut("s");
        }
        assert_eq!((rig.counters().retained, rig.counters().stored_messages), (4, 4));
    });
}

#[test]
fn an_empty_payload_removes_it() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "t@0p");
        retain(rig, &["t x", "t -", "u x", "u -", "never -"]); // [MQTT-3.3.1-6] [MQTT-3.3.1-7]
        rig.expect_all("s", &["publish t x retain", "publish t - retain"]); // it is delivered as usual
        rig.connect("new", "v5");
        rig.subscribe("new", "#@0");
        rig.silent("new");
        assert_eq!((rig.counters().retained, rig.counters().stored_messages), (0, 0));
    });
}

#[test]
fn a_message_without_retain_changes_nothing() {
    everywhere(|rig| {
        retain(rig, &["t kept"]);
        rig.connect("p", "v5");
        rig.tell("p", "publish t passing"); // [MQTT-3.3.1-8]
        rig.tell("p", "publish t -");
        rig.connect("s", "v5");
        rig.subscribe("s", "t");
        rig.expect("s", "publish t kept retain");
    });
}

#[test]
fn retain_handling() {
    everywhere(|rig| {
        retain(rig, &["t x"]);
        rig.connect("s", "v5");
        rig.subscribe("s", "t@0h2"); // [MQTT-3.3.1-11]
        rig.silent("s");
        rig.subscribe("s", "t@0h1"); // not new: [MQTT-3.3.1-10]
        rig.silent("s");
        rig.subscribe("s", "t@0"); // [MQTT-3.8.4-4]
        rig.expect("s", "publish t x retain");
        rig.tell("s", "unsubscribe 1 t");
        rig.expect("s", "unsuback 1 00");
        rig.subscribe("s", "t@0h1 sub=9"); // new: [MQTT-3.3.1-10]
        rig.expect("s", "publish t x retain sub=9");
    });
}

#[test]
fn no_local_holds_for_what_is_retained() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        for topic in ["one", "two", "three"] {
            rig.tell("s", &format!("publish {topic} x retain"));
        }
        rig.subscribe("s", "#@0n"); // [MQTT-3.8.3-3]
        rig.silent("s");
        rig.subscribe("s", "#@0");
        assert_eq!(rig.heard("s").len(), 3);
    });
}

#[test]
fn wildcards_do_not_reach_reserved_topics() {
    everywhere(|rig| {
        retain(rig, &["$own/a x", "a x"]);
        rig.connect("s", "v5");
        rig.subscribe("s", "#");
        rig.expect_all("s", &["publish a x retain"]); // [MQTT-4.7.2-1]
        rig.subscribe("s", "$own/#");
        rig.expect_all("s", &["publish $own/a x retain"]);
    });
}

#[test]
fn a_retained_message_expires() {
    everywhere(|rig| {
        retain(rig, &["t x mexp=100", "u y"]);
        rig.pass(40);
        rig.connect("s", "v5");
        rig.subscribe("s", "#");
        assert_eq!(sorted(rig, "s"), ["publish t x retain mexp=60", "publish u y retain"]); // [MQTT-3.3.2-6]
        rig.pass(62);
        assert_eq!(rig.counters().retained, 1);
        rig.subscribe("s", "#");
        rig.expect_all("s", &["publish u y retain"]); // [MQTT-3.3.2-5]
    });
}

#[test]
fn what_is_newer_is_not_undone() {
    everywhere(|rig| {
        retain(rig, &["t old", "u old"]);
        rig.connect("p", "v5");
        rig.connect("s", "v5");
        rig.hold_mail = true;
        rig.tell("s", "subscribe 1 #");
        rig.tell("p", "publish t new retain");
        rig.tell("p", "publish u - retain");
        rig.hold_mail = false;
        rig.settle();
        let mut heard = rig.heard("s");
        assert!(heard.remove(0).starts_with("suback 1"));
        for (topic, last) in [("t", "publish t new"), ("u", "publish u -")] {
            let line = heard.iter().rfind(|line| line.starts_with(&format!("publish {topic} ")));
            assert!(line.is_some_and(|line| line.starts_with(last)), "{heard:?}");
        }
    });
}

#[test]
fn ten_thousand_topics_at_the_readers_pace() {
    const TOPICS: usize = 10_000;
    for shards in [1, 2] {
        let mut rig = Rig::new(shards);
        rig.connect("p", "v5");
        for first in (0..TOPICS).step_by(500) {
            let lines: Vec<String> =
                (first..first + 500).map(|n| format!("publish t/{n} *100 1#1 retain")).collect();
            rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        }
        rig.ignore("p");
        assert_eq!(rig.counters().retained, TOPICS as u64);
        for (name, qos) in [("s0", 0), ("s1", 1)] {
            rig.connect(name, "v311");
            rig.limit_reading(name, 0);
            rig.tell(name, &format!("subscribe 1 t/#@{qos}"));
            let waits: usize = rig.waiting(name);
            assert!(waits < 128 * 1024, "a reader that reads nothing costs {waits} bytes");
        }
        assert_eq!(rig.counters().dropped.total(), 0);
        rig.connect("other", "v311");
        rig.subscribe("other", "o");
        rig.tell("p", "publish o x");
        rig.expect("other", "publish o x"); // nobody else waits
        let mut topics = std::collections::BTreeSet::new();
        while topics.len() < TOPICS {
            let before = topics.len();
            rig.limit_reading("s0", 10_000);
            topics.extend(rig.heard("s0").into_iter().filter(|line| line.starts_with("publish")));
            assert!(topics.len() > before || before == 0, "no more than {before}");
        }
        rig.limit_reading("s0", usize::MAX);
        rig.limit_reading("s1", usize::MAX);
        let mut got = 0;
        while got < TOPICS {
            let heard = rig.heard("s1");
            let ids = heard
                .iter()
                .filter_map(|line| line.split_once(" 1#"))
                .map(|(_, rest)| rest.replace(" retain", ""));
            let acknowledgements: Vec<String> = ids.map(|id| format!("puback {id}")).collect();
            assert!(!acknowledgements.is_empty(), "no more than {got}");
            got += acknowledgements.len();
            rig.tell_all("s1", &acknowledgements.iter().map(String::as_str).collect::<Vec<_>>());
        }
        rig.silent("s0");
        rig.silent("s1");
        assert_eq!((rig.counters().queued, rig.counters().dropped.total()), (0, 0));
    }
}

#[test]
fn a_reader_that_goes_away_in_the_middle() {
    for shards in [1, 2] {
        let mut rig = Rig::new(shards);
        rig.connect("p", "v5");
        for n in 0..3000 {
            rig.tell("p", &format!("publish t/{n} *100 retain"));
        }
        rig.connect("s", "v5");
        rig.limit_reading("s", 20_000);
        rig.tell("s", "subscribe 1 t/#");
        rig.cut("s");
        rig.heard("s");
        rig.client("s").bytes.clear();
        rig.connect("s", "v5");
        rig.silent("s"); // the session ended, and with it what it had asked for
        rig.subscribe("s", "t/1");
        assert_eq!(rig.heard("s").len(), 1);
    }
}

#[test]
fn a_large_retained_payload_is_shared() {
    for shards in [1, 2] {
        let rig = &mut Rig::new(shards);
        retain(rig, &["t *100000 1#1"]);
        for name in ["a", "b"] {
            rig.connect(name, "v5");
            rig.limit_reading(name, 0);
            rig.tell(name, "subscribe 1 t@1");
        }
        assert!(rig.counters().stored_bytes <= 300_000);
        for name in ["a", "b"] {
            rig.limit_reading(name, usize::MAX);
            rig.expect_all(name, &["suback 1 01", "publish t *100000 1#1 retain"]);
            rig.cut(name);
        }
        assert_eq!(rig.counters().stored_messages, 1);
    }
}

#[test]
fn a_message_that_comes_during_a_replay_comes_once() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.tell_all("s", &["subscribe 1 #@2", "publish a x 2#1 retain", "publish b x 2#2 retain"]);
        let mut heard = rig.heard("s");
        heard.retain(|line| line.starts_with("publish"));
        assert_eq!(heard, ["publish a x 2#1", "publish b x 2#2"]); // [MQTT-4.3.3-6]
    });
}

/// What other shards send ahead is bounded by what an output holds: nothing is dropped, whatever its size.
#[test]
fn large_retained_messages_all_come() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        (0..40).for_each(|n| rig.tell("p", &format!("publish big/{n} *65000 retain")));
        rig.connect("s", "v5");
        rig.subscribe("s", "big/#@0");
        assert_eq!((rig.heard("s").len(), rig.dropped(Dropped::OutputFull)), (40, 0));
    });
}

/// A session's subscriptions are replayed a few at a time, and all of them are.
#[test]
fn many_subscriptions_are_all_replayed() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        (0..60).for_each(|n| rig.tell("p", &format!("publish {n}/x one retain")));
        rig.connect("s", "v5");
        let filters: Vec<String> = (0..60).map(|n| format!("{n}/+@0")).collect();
        rig.subscribe("s", &filters.join(" "));
        assert_eq!(rig.heard("s").len(), 60);
    });
}
