//! The table against a plain map, and the cursor against the reference matcher while the table changes.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::ControlFlow;

use martlet_codec::TopicFilter;

use super::*;
use crate::random::Random;

fn topic(text: &str) -> TopicName<'_> {
    TopicName::new(text).unwrap()
}

fn cursor(filter: &str) -> Cursor {
    Cursor::new(TopicFilter::new(filter).unwrap())
}

fn at(ms: u64) -> Option<Time> {
    Some(Time::from_millis(ms))
}

fn random_topic(random: &mut Random) -> String {
    const LEVELS: [&str; 7] = ["a", "b", "", "$x", "a!", "a0", "aa"];
    let levels: Vec<_> = (0..=random.below(3)).map(|_| LEVELS[random.below(LEVELS.len())]).collect();
    match levels.join("/") {
        empty if empty.is_empty() => "/".to_string(),
        topic => topic,
    }
}

fn random_filter(random: &mut Random) -> String {
    let topic = random_topic(random);
    let wild = |level| if random.below(2) == 0 { "+" } else { level };
    let mut levels: Vec<_> = topic.split('/').map(wild).collect();
    if random.below(3) == 0 {
        levels.push("#");
    }
    levels.join("/")
}

#[test]
fn keeps_one_value_per_topic_until_it_expires() {
    let mut table = Retained::new();
    assert_eq!(table.set(topic("a"), 1, at(50)), None);
    assert_eq!(table.set(topic("b"), 2, at(40)), None);
    assert_eq!(table.set(topic("b"), 3, None), Some(2)); // [MQTT-3.3.1-5]
    assert_eq!(table.set(topic("c"), 4, at(60)), None);
    assert_eq!((table.len(), table.next_expiry()), (3, at(50)));
    assert_eq!(table.expire(Time::from_millis(49)), None);
    assert_eq!(table.expire(Time::from_millis(50)), Some(1));
    assert_eq!(table.expire(Time::from_millis(50)), None);
    assert_eq!(table.remove(topic("c")), Some(4)); // [MQTT-3.3.1-6]
    assert_eq!((table.next_expiry(), table.get(topic("b"))), (None, Some(3)));
    assert_eq!(table.remove(topic("c")), None);
    assert_eq!(table.remove(topic("b")), Some(3));
    assert_eq!((table.len(), table.memory()), (0, 0));
}

#[test]
fn agrees_with_a_map() {
    let mut random = Random::new(1);
    let (mut table, mut model) = (Retained::new(), BTreeMap::<String, (usize, Option<Time>)>::new());
    for step in 0..20_000 {
        let name = random_topic(&mut random);
        let expires_at = at(random.below(step + 500) as u64).filter(|_| step % 3 == 0);
        match random.below(4) {
            0 | 1 => {
                let old = model.insert(name.clone(), (step, expires_at)).map(|old| old.0);
                assert_eq!(table.set(topic(&name), step, expires_at), old);
            }
            2 => assert_eq!(table.remove(topic(&name)), model.remove(&name).map(|old| old.0)),
            _ => {
                let now = Time::from_millis(step as u64);
                while let Some(value) = table.expire(now) {
                    let name = model.iter().find(|(_, slot)| slot.0 == value).unwrap().0.clone();
                    assert!(model.remove(&name).unwrap().1.unwrap() <= now);
                }
                assert!(model.values().all(|(_, expires_at)| expires_at.is_none_or(|at| at > now)));
            }
        }
        let expiring = model.values().filter(|(_, expires_at)| expires_at.is_some()).count();
        assert_eq!((table.len(), table.expiries.len()), (model.len(), expiring));
        assert_eq!(table.get(topic(&name)), model.get(&name).map(|slot| slot.0));
        let names = |expiring: bool| -> usize {
            model.iter().filter(|(_, slot)| slot.1.is_some() || !expiring).map(|(name, _)| name.len()).sum()
        };
        assert_eq!(table.topic_bytes, names(false) + names(true));
    }
}

#[test]
fn a_topic_that_stays_is_visited_once_while_others_come_and_go() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut table = Retained::new();
        let mut stays = BTreeMap::new();
        for value in 0..random.below(120) {
            let name = random_topic(&mut random);
            table.set(topic(&name), value, None);
            stays.insert(name, value);
        }
        let filter = random_filter(&mut random);
        let (mut cursor, mut seen) = (cursor(&filter), Vec::new());
        loop {
            let refuse_at = random.below(12);
            let mut calls = 0;
            let step = cursor.step(&table, 1 + random.below(8), &mut |name, value| {
                calls += 1;
                if calls > refuse_at {
                    return ControlFlow::Break(());
                }
                seen.push((name.to_string(), value));
                ControlFlow::Continue(())
            });
            if step == Step::Done {
                break;
            }
            for _ in 0..4 {
                let name = random_topic(&mut random);
                if random.below(2) == 0 && !stays.contains_key(&name) {
                    table.set(topic(&name), 1000, None);
                } else {
                    table.remove(topic(&name));
                    stays.remove(&name);
                }
            }
        }
        assert!(cursor.is_done() && seen.is_sorted_by(|one, two| one.0 < two.0), "seed {seed}");
        let parsed = TopicFilter::new(&filter).unwrap();
        assert!(seen.iter().all(|(name, _)| parsed.matches(topic(name))), "seed {seed}: {filter} {seen:?}");
        for (name, value) in stays.iter().filter(|(name, _)| parsed.matches(topic(name))) {
            assert!(seen.contains(&(name.clone(), *value)), "seed {seed}: {filter} missed {name}");
        }
    }
}

/// The number of steps of one visit that a lookup takes.
fn visits(table: &Retained<u32>, filter: &str) -> (usize, usize) {
    let (mut cursor, mut steps, mut found) = (cursor(filter), 1, 0);
    let mut count = |_: &str, _| {
        found += 1;
        ControlFlow::Continue(())
    };
    while cursor.step(table, 1, &mut count) == Step::More {
        steps += 1;
    }
    (steps, found)
}

#[test]
fn subtrees_that_cannot_match_are_not_scanned() {
    let mut table = Retained::new();
    for room in 0..20 {
        for sensor in 0..500 {
            table.set(topic(&format!("room{room:02}/sensor{sensor:03}/value")), sensor, None);
        }
        table.set(topic(&format!("room{room:02}/state")), 0, None);
    }
    for (filter, expected, visits_max) in [
        ("+/state", 20, 60),
        ("+/sensor123/#", 20, 80),
        ("room07/#", 501, 502),
        ("room07/state", 1, 2),
        ("room07/+", 1, 502),
        ("nowhere/#", 0, 1),
        ("#", 10_020, 10_020),
    ] {
        let (visits, found) = visits(&table, filter);
        assert_eq!(found, expected, "{filter}");
        assert!(visits <= visits_max, "{filter}: {visits} visits");
    }
}

#[test]
fn shared_subscriptions_get_no_retained_messages() {
    let mut table = Retained::new();
    table.set(topic("a"), 1, None);
    table.set(topic("$share/group/a"), 2, None);
    assert_eq!(visits(&table, "$share/group/a"), (1, 0));
    assert_eq!(visits(&table, "a"), (1, 1));
}
