//! The pace of replays of retained messages: how far ahead of a reader they run, and that they go on to their end.

use super::common::*;
use martlet_shard::Shard;

/// Topics that begin with a prefix and whose retained messages one of two shards keeps.
fn topics_of(shard: usize, prefix: &str, number: usize) -> Vec<String> {
    let keeps = |topic: &String| {
        let mut rig = Rig::new(2);
        rig.connect("p", "v5");
        rig.tell("p", &format!("publish {topic} x retain"));
        rig.shards[shard].counters().retained == 1
    };
    (0..).map(|n| format!("{prefix}{n}")).filter(keeps).take(number).collect()
}

/// 40 messages of 10 KiB wait on the shard that the reader is not on: two windows of 51 KiB are sent ahead of a reader
/// that takes nothing, for the first one comes before its output has 64 KiB. What its output does not take waits beside.
#[test]
fn what_is_sent_ahead_from_another_shard() {
    let rig = &mut Rig::new(2);
    let reader = rig.id_on(0, "s");
    rig.connect("p", "v5");
    for topic in topics_of(1, "big/", 40) {
        rig.tell("p", &format!("publish {topic} *10200 retain"));
    }
    rig.connect(&reader, "v5");
    rig.limit_reading(&reader, 0);
    rig.tell(&reader, "subscribe 1 big/#@0");
    let (waits, parked) = (rig.waiting(&reader), rig.counters().stored_messages - 40);
    assert!(waits > 6 * 10_200 && waits < 8 * 10_200, "{waits}");
    assert_eq!((waits / 10_200) as u64 + parked, 12);
    for taken in 1..=10 {
        rig.limit_reading(&reader, 40_000);
        let waits = if rig.is_open(&reader) { rig.waiting(&reader) } else { 0 };
        let parked = rig.counters().stored_messages - 40;
        assert!(waits + parked as usize * 10_200 < 13 * 10_200, "{waits} and {parked} after {taken}");
    }
    rig.limit_reading(&reader, usize::MAX);
    assert_eq!((rig.heard(&reader).len(), rig.counters().dropped.total()), (1 + 40, 0));
}

/// The same on one shard: no more than an output's low watermark and one message.
#[test]
fn what_waits_for_a_reader_on_the_same_shard() {
    let rig = &mut Rig::new(1);
    rig.connect("p", "v5");
    (10..50).for_each(|n| rig.tell("p", &format!("publish big/{n} *10200 retain")));
    rig.connect("s", "v5");
    rig.limit_reading("s", 0);
    rig.tell("s", "subscribe 1 big/#@0");
    let waits = rig.waiting("s");
    assert!(waits > 7 * 10_200 && waits < 8 * 10_200, "{waits}");
    rig.limit_reading("s", usize::MAX);
    let heard = rig.heard("s");
    assert_eq!(heard.len(), 1 + 40);
    let topics: Vec<&str> = heard[1..].iter().map(|line| &line[..14]).collect();
    assert!(topics.is_sorted(), "each once: {topics:?}");
}

/// A session of a client that takes everything and acknowledges nothing: its queue has a bound for replays, too.
#[test]
fn what_waits_for_acknowledgements() {
    for shards in [1, 2] {
        let rig = &mut Rig::new(shards);
        rig.connect("p", "v5");
        rig.ignore("p");
        (0..3000).for_each(|n| rig.tell("p", &format!("publish t/{n} x 1#1 retain")));
        rig.connect("s", "v5 rm=10");
        rig.subscribe("s", "t/#@1");
        assert_eq!(rig.heard("s").len(), 10);
        let queued = rig.counters().queued;
        assert!((1024..1300).contains(&queued), "{queued}");
        (0..3000).for_each(|n| rig.tell("s", &format!("puback {}", n % 65_535 + 1)));
        assert_eq!((rig.heard("s").len(), rig.counters().queued), (2990, 0));
    }
}

/// Many topics are looked at in vain before the one that matches: more than one step looks at.
#[test]
fn a_match_behind_many_topics_that_do_not_match() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        let lines: Vec<String> = (0..1500).map(|n| format!("publish {n} x retain")).collect();
        rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        (0..8).for_each(|n| rig.tell("p", &format!("publish z{n}/x y retain")));
        rig.connect("s", "v5");
        rig.subscribe("s", "+/x@0");
        assert_eq!(rig.heard("s").len(), 8);
        // whoever has all of it may be sent what is newer
        rig.tell("p", "publish z0/x z retain");
        rig.expect("s", "publish z0/x z");
        rig.subscribe("s", "z0/x@0");
        rig.expect("s", "publish z0/x z retain");
    });
}

/// A client that asks for replays faster than it takes them is not read until it has taken some: at 257 of them.
#[test]
fn who_asks_for_too_many_replays_waits() {
    for shards in [1, 2] {
        let rig = &mut Rig::new(shards);
        rig.connect("p", "v5");
        (0..20).for_each(|n| rig.tell("p", &format!("publish big/{n} *10000 retain")));
        rig.connect("s", "v5");
        rig.limit_reading("s", 0);
        let mut subscribed = 0;
        while !rig.client("s").paused {
            rig.tell("s", "subscribe 1 big/#@0");
            subscribed += 1;
            assert!(subscribed < 300, "it is read all the time");
        }
        if shards == 1 {
            assert_eq!(subscribed, 257);
        } else {
            assert!(
                (245..=257).contains(&subscribed),
                "{subscribed}: those under way count once for each shard"
            );
        }
        let (waits, most) = (rig.waiting("s"), if shards == 1 { 80_000 } else { 700_000 });
        assert!(waits < most, "{waits}");
        rig.limit_reading("s", usize::MAX);
        assert!(!rig.client("s").paused, "it has taken everything");
        let heard = rig.heard("s");
        let publishes = heard.iter().filter(|line| line.starts_with("publish")).count();
        assert_eq!((heard.len() - publishes, publishes), (subscribed, subscribed * 20));
        rig.subscribe("s", "big/1@0");
        assert_eq!(rig.heard("s").len(), 1);
    }
}

/// A replay for a session that ended is no work any more, and what was owed to it either.
#[test]
fn a_session_that_ends_ends_its_replays() {
    for shards in [1, 2] {
        let rig = &mut Rig::new(shards);
        rig.connect("p", "v5");
        (0..40).for_each(|n| rig.tell("p", &format!("publish big/{n} *10000 retain")));
        let idle = rig.shards.iter().map(Shard::poll_timeout).collect::<Vec<_>>();
        for round in 0..3 {
            rig.connect("s", "v5");
            rig.limit_reading("s", 0);
            rig.tell("s", "subscribe 1 big/#@0");
            rig.cut("s");
            rig.client("s").bytes.clear();
            assert_eq!(rig.shards.iter().map(Shard::poll_timeout).collect::<Vec<_>>(), idle, "round {round}");
        }
    }
}

/// The only client waits and says nothing: the shard goes on by itself, for more turns than one.
#[test]
fn a_long_search_goes_on_without_any_input() {
    let rig = &mut Rig::new(1);
    rig.connect("p", "v5");
    let lines: Vec<String> = (0..12_000).map(|n| format!("publish {n} x retain")).collect();
    rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    rig.tell("p", "publish z/x y retain");
    rig.connect("s", "v5");
    rig.subscribe("s", "+/x@0");
    rig.expect("s", "publish z/x y retain");
}
