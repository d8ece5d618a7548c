//! Replays of retained messages to readers that are slow, full or away: every topic that was retained when the
//! subscription was made arrives with RETAIN, its value is never older than one that came before, and a message is only
//! left out for one that did arrive.

use super::common::*;

/// So many retained messages of 1 KiB below `a/`, and the topics `z/0` to `z/3`, all with QoS 1.
fn keep(rig: &mut Rig, count: usize) {
    rig.connect("keeper", "v5");
    rig.ignore("keeper");
    (0..count).for_each(|n| rig.tell("keeper", &format!("publish a/{n:04} *1000 1#1 retain")));
    (0..4).for_each(|n| rig.tell("keeper", &format!("publish z/{n} old 1#1 retain")));
}

/// What came of a topic, in order: the payload, and whether it came with RETAIN.
fn of_topic(heard: &[String], topic: &str) -> Vec<(String, bool)> {
    let start = format!("publish {topic} ");
    let lines = heard.iter().filter_map(|line| Some((line.strip_prefix(&start)?, line.contains(" retain"))));
    lines.map(|(rest, retain)| (rest.split(' ').next().unwrap_or_default().to_owned(), retain)).collect()
}

/// Takes and acknowledges everything until nothing comes any more.
fn take_all(rig: &mut Rig, name: &str) -> Vec<String> {
    rig.limit_reading(name, usize::MAX);
    let mut all = Vec::new();
    loop {
        let heard = rig.heard(name);
        if heard.is_empty() {
            return all;
        }
        let id = |line: &String| {
            line.split_once(" 1#").map(|(_, rest)| rest.split(' ').next().unwrap_or("").to_owned())
        };
        let acknowledgements: Vec<String> =
            heard.iter().filter_map(id).map(|id| format!("puback {id}")).collect();
        all.extend(heard);
        rig.tell_all(name, &acknowledgements.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// The last value of each topic is the current one, and one copy came with RETAIN.
fn has_current(heard: &[String], topic: &str, value: &str) {
    let came = of_topic(heard, topic);
    assert_eq!(came.last().map(|(value, _)| value.as_str()), Some(value), "{topic}: {came:?}");
    assert!(came.iter().any(|(_, retain)| *retain), "{topic} never came with RETAIN: {came:?}");
    let first_new = came.iter().position(|(came, _)| came == value);
    assert!(came.iter().skip(first_new.unwrap_or(0)).all(|(came, _)| came == value), "{topic}: {came:?}");
}

#[test]
fn a_live_copy_that_a_full_output_drops_does_not_replace_the_retained_message() {
    everywhere(|rig| {
        keep(rig, 300);
        rig.connect("s", "v5");
        rig.subscribe("s", "fill@0");
        rig.limit_reading("s", 0);
        rig.tell("s", "subscribe 1 #@0");
        (0..20).for_each(|_| rig.tell("keeper", "publish fill *60000"));
        let dropped = rig.dropped(Dropped::OutputFull);
        (0..4).for_each(|n| rig.tell("keeper", &format!("publish z/{n} new 1#1 retain")));
        assert_eq!(rig.dropped(Dropped::OutputFull), dropped + 4, "the output is full");
        let heard = take_all(rig, "s");
        (0..4).for_each(|n| has_current(&heard, &format!("z/{n}"), "new")); // [MQTT-3.3.1-9]
        assert_eq!((0..300).filter(|n| of_topic(&heard, &format!("a/{n:04}")).len() == 1).count(), 300);
    });
}

#[test]
fn a_live_copy_that_a_full_queue_drops_does_not_replace_the_retained_message() {
    everywhere_with(
        |config| config.queue_bytes_max = 100_000,
        |rig| {
            keep(rig, 300);
            rig.connect("s", "v5 rm=5");
            rig.subscribe("s", "fill@1");
            rig.tell("s", "subscribe 1 #@1");
            (0..20).for_each(|_| rig.tell("keeper", "publish fill *20000 1#1"));
            let dropped = rig.dropped(Dropped::QueueFull);
            (0..4).for_each(|n| rig.tell("keeper", &format!("publish z/{n} *9000 1#1 retain")));
            assert_eq!(rig.dropped(Dropped::QueueFull), dropped + 4, "the queue is full");
            let heard = take_all(rig, "s");
            (0..4).for_each(|n| has_current(&heard, &format!("z/{n}"), "*9000"));
            assert_eq!((0..300).filter(|n| of_topic(&heard, &format!("a/{n:04}")).len() == 1).count(), 300);
        },
    );
}

#[test]
fn a_first_message_whose_live_copy_was_dropped_comes_with_the_replay() {
    everywhere(|rig| {
        keep(rig, 300);
        rig.connect("s", "v5");
        rig.subscribe("s", "fill@0");
        rig.limit_reading("s", 0);
        rig.tell("s", "subscribe 1 #@0");
        (0..20).for_each(|_| rig.tell("keeper", "publish fill *60000"));
        (0..4).for_each(|n| rig.tell("keeper", &format!("publish zz/{n} first 1#1 retain")));
        assert!(rig.dropped(Dropped::OutputFull) >= 4, "the output is full");
        let heard = take_all(rig, "s");
        (0..4).for_each(|n| has_current(&heard, &format!("zz/{n}"), "first"));
    });
    everywhere_with(
        |config| config.queue_bytes_max = 100_000,
        |rig| {
            keep(rig, 300);
            rig.connect("s", "v5 rm=5");
            rig.subscribe("s", "fill@1");
            rig.tell("s", "subscribe 1 #@1");
            (0..20).for_each(|_| rig.tell("keeper", "publish fill *20000 1#1"));
            (0..4).for_each(|n| rig.tell("keeper", &format!("publish zz/{n} *9000 1#1 retain")));
            assert!(rig.dropped(Dropped::QueueFull) >= 4, "the queue is full");
            let heard = take_all(rig, "s");
            (0..4).for_each(|n| has_current(&heard, &format!("zz/{n}"), "*9000"));
        },
    );
}

#[test]
fn a_topic_that_changes_during_its_replay_still_comes_with_retain() {
    everywhere(|rig| {
        keep(rig, 300);
        rig.connect("s", "v5");
        rig.limit_reading("s", 0);
        rig.tell("s", "subscribe 1 #@0");
        for value in ["newer", "newest"] {
            (0..4).for_each(|n| rig.tell("keeper", &format!("publish z/{n} {value} 1#1 retain")));
        }
        let heard = take_all(rig, "s");
        (0..4).for_each(|n| has_current(&heard, &format!("z/{n}"), "newest"));
        let order = of_topic(&heard, "z/1");
        let order: Vec<&str> = order.iter().map(|(value, _)| value.as_str()).collect();
        assert!(
            order.is_sorted_by_key(|value| ["old", "newer", "newest"].iter().position(|one| one == value))
        );
    });
}

#[test]
fn a_topic_that_is_removed_during_its_replay_does_not_come_back() {
    everywhere(|rig| {
        keep(rig, 300);
        rig.connect("s", "v5");
        rig.limit_reading("s", 0);
        rig.tell("s", "subscribe 1 #@0");
        rig.tell("keeper", "publish z/1 - 1#1 retain");
        rig.tell("keeper", "publish z/2 - 1#1 retain");
        rig.tell("keeper", "publish z/2 again 1#1 retain");
        let heard = take_all(rig, "s");
        assert_eq!(of_topic(&heard, "z/1").last().map(|(value, _)| value.as_str()), Some("-"));
        has_current(&heard, "z/2", "again");
    });
}

/// What another shard sent ahead, and what is live, meet in the receiver's shard in any order.
#[test]
fn mail_on_its_way_brings_nothing_older() {
    for held in [false, true] {
        let rig = &mut Rig::new(2);
        keep(rig, 20);
        rig.connect("s", "v5");
        rig.tell("keeper", "publish z/0 before 1#1 retain");
        rig.hold_mail = held;
        rig.tell("s", "subscribe 1 #@2");
        (0..4).for_each(|n| rig.tell("keeper", &format!("publish z/{n} new 1#1 retain")));
        rig.hold_mail = false;
        rig.settle();
        let heard = take_all(rig, "s");
        (0..4).for_each(|n| has_current(&heard, &format!("z/{n}"), "new"));
        assert_eq!(rig.counters().stored_messages, rig.counters().retained, "nothing is remembered any more");
    }
}

/// What another shard has sent ahead waits while there is no room for it, and no value goes by.
#[test]
fn what_was_sent_ahead_waits_for_room() {
    for qos in [0, 1] {
        let rig = &mut Rig::with(2, |config| config.queue_bytes_max = 60_000);
        keep(rig, 200);
        rig.connect("s", "v5 rm=2");
        rig.subscribe("s", "fill@1");
        rig.limit_reading("s", 0);
        (0..30).for_each(|_| rig.tell("keeper", "publish fill *1900 1#1"));
        rig.tell("s", &format!("subscribe 1 #@{qos}"));
        (0..40).for_each(|_| rig.tell("keeper", "publish fill *60000"));
        (0..4).for_each(|n| rig.tell("keeper", &format!("publish z/{n} new 1#1 retain")));
        let heard = take_all(rig, "s");
        (0..4).for_each(|n| has_current(&heard, &format!("z/{n}"), "new"));
        assert_eq!(
            (0..200).filter(|n| of_topic(&heard, &format!("a/{n:04}")).len() == 1).count(),
            200,
            "QoS {qos}"
        );
    }
}

/// A session that goes away keeps its place, and gets the rest when it is back.
#[test]
fn a_replay_waits_for_a_client_that_is_away() {
    for qos in [0, 1] {
        everywhere(|rig| {
            keep(rig, 300);
            rig.connect("s", "v5 expiry=1000");
            rig.limit_reading("s", 20_000);
            rig.tell("s", &format!("subscribe 1 #@{qos}"));
            let mut heard = rig.heard("s");
            rig.cut("s");
            heard.extend(rig.heard("s"));
            rig.client("s").bytes.clear();
            (0..4).for_each(|n| rig.tell("keeper", &format!("publish z/{n} new 1#1 retain")));
            rig.connect("s", "v5 clean=0 expiry=1000");
            heard.extend(take_all(rig, "s"));
            (0..4).for_each(|n| has_current(&heard, &format!("z/{n}"), "new"));
            let missing = (0..300).filter(|n| of_topic(&heard, &format!("a/{n:04}")).is_empty()).count();
            let lost = if qos == 0 { 100 } else { 0 }; // QoS 0 that was on its way when the link broke
            assert!(missing <= lost, "QoS {qos}: {missing} topics never came");
        });
    }
}

/// A message that no queue of this size could ever take is dropped, and the replay goes on behind it.
#[test]
fn a_message_larger_than_the_queue_is_no_obstacle() {
    everywhere_with(
        |config| config.queue_bytes_max = 5000,
        |rig| {
            rig.connect("keeper", "v5");
            rig.ignore("keeper");
            for line in ["a x", "b *6000", "c y"] {
                rig.tell("keeper", &format!("publish {line} 1#1 retain"));
            }
            rig.connect("s", "v5");
            rig.subscribe("s", "#@1");
            let heard = take_all(rig, "s");
            assert_eq!(
                (of_topic(&heard, "a").len(), of_topic(&heard, "b").len(), of_topic(&heard, "c").len()),
                (1, 0, 1)
            );
            assert_eq!(rig.dropped(Dropped::QueueFull), 1);
        },
    );
}
