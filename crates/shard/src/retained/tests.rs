//! The table against a plain map, and the cursor against the reference matcher while the table changes.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::ControlFlow;

use martlet_codec::TopicFilter;
use martlet_protocol::Message;

use super::*;
use crate::random::Random;

fn topic(text: &str) -> TopicName<'_> {
    TopicName::new(text).unwrap()
}

/// The table with the store that it speaks of. A value stands for a message: its payload.
struct Table {
    retained: Retained,
    store: Publications,
}

impl Table {
    fn new() -> Self {
        Table { retained: Retained::new(), store: Publications::new() }
    }
    fn set(&mut self, topic: TopicName<'_>, value: usize, expires_at: Option<Time>) -> Option<usize> {
        let payload = &value.to_be_bytes();
        let message = Message { topic, properties: &[], payload, expires_at, publisher: 0 };
        let publication = self.store.insert(&message);
        let old = self.retained.set(&self.store, RetainedMessage { publication, qos: QoSLevel::AtMostOnce });
        self.release(old)
    }
    fn remove(&mut self, topic: TopicName<'_>) -> Option<usize> {
        let old = self.retained.remove(&self.store, topic);
        self.release(old)
    }
    fn expire(&mut self, now: Time) -> Option<usize> {
        let old = self.retained.expire(&self.store, now);
        self.release(old)
    }
    fn get(&self, topic: TopicName<'_>) -> Option<usize> {
        self.retained.get(&self.store, topic).map(|message| value(&self.store, message))
    }
    fn release(&mut self, old: Option<RetainedMessage>) -> Option<usize> {
        let value = value(&self.store, old?);
        self.store.release(old?.publication);
        Some(value)
    }
    fn len(&self) -> usize {
        self.retained.len()
    }
    /// A step of a lookup that visits topic names and values.
    fn step(
        &mut self,
        cursor: &mut Cursor,
        visits_max: usize,
        visit: &mut impl FnMut(&str, usize) -> ControlFlow<()>,
    ) -> Step {
        cursor.step(&self.retained, visits_max, &mut self.store, &mut |store, message| {
            visit(store.get(message.publication).topic.as_str(), value(store, message))
        })
    }
}

fn value(store: &Publications, message: RetainedMessage) -> usize {
    let payload = store.parts(message.publication).payload;
    usize::from_be_bytes(payload.try_into().unwrap())
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
    let mut table = Table::new();
    assert_eq!(table.set(topic("a"), 1, at(50)), None);
    assert_eq!(table.set(topic("b"), 2, at(40)), None);
    assert_eq!(table.set(topic("b"), 3, None), Some(2)); // [MQTT-3.3.1-5]
    assert_eq!(table.set(topic("c"), 4, at(60)), None);
    assert_eq!((table.len(), table.retained.next_expiry()), (3, at(50)));
    assert_eq!(table.expire(Time::from_millis(49)), None);
    assert_eq!(table.expire(Time::from_millis(50)), Some(1));
    assert_eq!(table.expire(Time::from_millis(50)), None);
    assert_eq!(table.remove(topic("c")), Some(4)); // [MQTT-3.3.1-6]
    assert_eq!((table.retained.next_expiry(), table.get(topic("b"))), (None, Some(3)));
    assert_eq!(table.remove(topic("c")), None);
    assert_eq!(table.remove(topic("b")), Some(3));
    assert_eq!((table.len(), table.retained.memory()), (0, 0));
}

#[test]
fn agrees_with_a_map() {
    let mut random = Random::new(1);
    let (mut table, mut model) = (Table::new(), BTreeMap::<String, (usize, Option<Time>)>::new());
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
        assert_eq!((table.len(), table.retained.expiries.len()), (model.len(), expiring));
        assert_eq!(table.get(topic(&name)), model.get(&name).map(|slot| slot.0));
        assert_eq!(table.store.len(), model.len());
        table.retained.order.check(&table.store);
    }
}

#[test]
fn a_topic_that_stays_is_visited_once_while_others_come_and_go() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut table = Table::new();
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
            let step = table.step(&mut cursor, 1 + random.below(8), &mut |name, value| {
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

/// A name of one of some thousand leaves, in few and in many branches, short and long, some with much in common.
fn leaf(random: &mut Random) -> String {
    let number = random.below(400);
    match random.below(6) {
        0 => format!("{number}"),
        1 => format!("site/building{}/floor{}/sensor{}/value", number % 2, number % 7, number / 7),
        2 => format!("{}{number:03}", "long/".repeat(20)),
        3 => format!("ü/{number}/é"),
        4 => "/".repeat(number % 40 + 1),
        _ => random_topic(random),
    }
}

/// Lookups under way, each with what it must still visit: what was there from its beginning, and stays.
struct Lookup {
    filter: &'static str,
    cursor: Cursor,
    owed: BTreeSet<String>,
    last: Option<String>,
}

impl Lookup {
    fn new(filter: &'static str, model: &BTreeMap<String, usize>) -> Self {
        let matching = |name: &&String| matches(filter, name);
        let owed = model.keys().filter(matching).cloned().collect();
        Lookup { filter, cursor: cursor(filter), owed, last: None }
    }
    fn step(&mut self, table: &mut Table, model: &BTreeMap<String, usize>, random: &mut Random) -> Step {
        let mut left = random.below(20);
        let Lookup { filter, cursor, owed, last } = self;
        table.step(cursor, 1 + random.below(30), &mut |name, value| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            assert!(matches(filter, name) && model.get(name) == Some(&value), "{filter} {name}");
            assert!(last.as_deref().is_none_or(|last| last < name), "{filter}: {name} behind {last:?}");
            *last = Some(name.to_string());
            owed.remove(name);
            ControlFlow::Continue(())
        })
    }
}

fn matches(filter: &str, name: &str) -> bool {
    TopicFilter::new(filter).unwrap().matches(topic(name))
}

/// The table grows, shrinks, and grows again, so that chunks are divided and made one under the cursors.
#[test]
fn agrees_with_a_map_while_lookups_go_on() {
    const FILTERS: [&str; 8] =
        ["#", "+", "site/#", "site/+/floor3/#", "site/building1/+/+/value", "+/+", "ü/+/é", "long/#"];
    let mut random = Random::new(7);
    let (mut table, mut model, mut lookups) = (Table::new(), BTreeMap::new(), Vec::<Lookup>::new());
    let mut done = 0;
    for change in 0..20_000 {
        let name = leaf(&mut random);
        let grows = change / 4_000 % 2 == 0;
        if random.below(4) < if grows { 3 } else { 1 } {
            assert_eq!(table.set(topic(&name), change, None), model.insert(name, change));
        } else {
            assert_eq!(table.remove(topic(&name)), model.remove(&name));
            lookups.iter_mut().for_each(|lookup| lookup.owed.retain(|owed| *owed != name));
        }
        if change % 50 == 0 {
            table.retained.order.check(&table.store);
        }
        if lookups.len() < 8 {
            lookups.push(Lookup::new(FILTERS[random.below(FILTERS.len())], &model));
        }
        let at = random.below(lookups.len());
        if lookups[at].step(&mut table, &model, &mut random) == Step::Done {
            let lookup = lookups.swap_remove(at);
            assert!(lookup.owed.is_empty(), "{} missed {:?}", lookup.filter, lookup.owed);
            done += 1;
        }
    }
    assert!(done > 200, "{done}");
}

/// A table that is filled in the order of the names is not half empty.
#[test]
fn names_that_come_in_order_leave_full_chunks_behind() {
    let mut table = Table::new();
    for number in 0..700 {
        table.set(topic(&format!("{number:04}")), number, None);
    }
    table.retained.order.check(&table.store);
    assert!(table.retained.memory() < 14_000, "a hundred chunks of seven: {}", table.retained.memory());
}

/// What removes everything in any order leaves nothing.
#[test]
fn what_is_emptied_holds_no_memory() {
    let mut random = Random::new(3);
    let mut table = Table::new();
    let mut names: Vec<String> = (0..500).map(|number| format!("{}/{number}", number % 9)).collect();
    for name in &names {
        assert_eq!(table.set(topic(name), 1, at(5)), None);
    }
    let full = table.retained.memory();
    while !names.is_empty() {
        let name = names.swap_remove(random.below(names.len()));
        assert_eq!(table.remove(topic(&name)), Some(1));
        table.retained.order.check(&table.store);
        assert!(names.len() != 10 || table.retained.memory() < full / 20, "few messages need few chunks");
    }
    assert_eq!((table.retained.memory(), table.store.len()), (0, 0));
}

/// The number of steps of one visit that a lookup takes.
fn visits(table: &mut Table, filter: &str) -> (usize, usize) {
    let (mut cursor, mut steps, mut found) = (cursor(filter), 1, 0);
    let mut count = |_: &str, _: usize| {
        found += 1;
        ControlFlow::Continue(())
    };
    while table.step(&mut cursor, 1, &mut count) == Step::More {
        steps += 1;
    }
    (steps, found)
}

#[test]
fn long_names_are_more_visits() {
    let mut table = Table::new();
    let name = |n: usize| format!("{n:x>2560}");
    (0..10).for_each(|n| assert_eq!(table.set(topic(&name(n)), n, None), None));
    let (mut cursor, mut found) = (cursor("#"), 0);
    let step = table.step(&mut cursor, 21, &mut |_, _| {
        found += 1;
        ControlFlow::Continue(())
    });
    assert_eq!((step, found), (Step::More, 2), "eleven each");
}

/// A filter's level may have 65,000 bytes, which are copied for each topic name that is looked at.
#[test]
fn long_filters_are_more_visits() {
    let mut table = Table::new();
    (0..100).for_each(|n| assert_eq!(table.set(topic(&format!("{n}/a")), n, None), None));
    let (mut cursor, mut steps) = (cursor(&format!("+/{}", "b".repeat(60_000))), 1);
    while table.step(&mut cursor, 256, &mut |_, _| ControlFlow::Continue(())) == Step::More {
        steps += 1;
    }
    assert!(steps >= 50, "{steps} steps, of two names each");
    assert_eq!(visits(&mut table, "+/b").1, 0);
}

#[test]
fn subtrees_that_cannot_match_are_not_scanned() {
    let mut table = Table::new();
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
        let (visits, found) = visits(&mut table, filter);
        assert_eq!(found, expected, "{filter}");
        assert!(visits <= visits_max, "{filter}: {visits} visits");
    }
}

#[test]
fn shared_subscriptions_get_no_retained_messages() {
    let mut table = Table::new();
    table.set(topic("a"), 1, None);
    table.set(topic("$share/group/a"), 2, None);
    assert_eq!(visits(&mut table, "$share/group/a"), (1, 0));
    assert_eq!(visits(&mut table, "a"), (1, 1));
}
