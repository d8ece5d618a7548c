//! In steady state no message allocates anything: buffers, slots and tables have their size after some rounds.

use super::rig::{ClientId, Rig};
use allocation_counter::measure;

/// Rounds until buffers and tables have their size, and rounds that are counted.
const WARM: usize = 150;
const COUNTED: usize = 50;

/// Who publishes what to whom.
struct Case {
    /// CONNECT and SUBSCRIBE of the subscribers, and how many say that.
    subscribers: Vec<(&'static str, &'static str, usize)>,
    publisher: &'static str,
    /// What is published, one after the other. `#` stands for the packet identifier.
    messages: &'static [&'static str],
}

/// One subscriber; both clients have each version once.
fn one_to_one(subscribe: &'static str, messages: &'static [&'static str]) {
    for publisher in ["v311", "v5"] {
        for subscriber in ["v311", "v5"] {
            check(&Case { subscribers: vec![(subscriber, subscribe, 1)], publisher, messages });
        }
    }
}

/// Each case on one shard, and from one shard to another.
fn check(case: &Case) {
    for (shards, batch) in [(1, 1), (1, 64), (2, 1), (2, 64)] {
        let counted = count(&mut Rig::new(shards), case, batch);
        let Case { subscribers, publisher, messages } = case;
        assert_eq!(
            counted, 0,
            "{publisher} {messages:?} to {subscribers:?}, shards: {shards}, in a read: {batch}"
        );
    }
}

/// Allocations in all counted rounds. Messages go one way, from the first shard to the last.
fn count(rig: &mut Rig, case: &Case, batch: usize) -> u64 {
    let far = rig.shards.len() - 1;
    let mut subscribers = Vec::new();
    for (connect, subscribe, copies) in &case.subscribers {
        for _ in 0..*copies {
            subscribers.push(rig.connect_on(far, connect));
            rig.tell(subscribers[subscribers.len() - 1], subscribe);
        }
    }
    let publisher = rig.connect(case.publisher);
    let reads = reads(rig, publisher, case.messages, batch);
    let mut reads = reads.iter().cycle();
    let mut round = || rig.say(publisher, reads.next().expect("a cycle has no end"));
    (0..WARM).for_each(|_| round());
    let counted = measure(|| (0..COUNTED).for_each(|_| round()));
    for subscriber in subscribers {
        assert_eq!(rig.messages(subscriber), (WARM + COUNTED) * batch, "every message has come, once");
    }
    counted.count_total
}

/// What is read in one round and in the next, until it begins anew.
fn reads(rig: &Rig, publisher: ClientId, messages: &[&str], batch: usize) -> Vec<Vec<u8>> {
    let mut lines = messages.iter().cycle();
    let mut read = || -> Vec<u8> {
        let next = |id: usize| lines.next().unwrap().replace('#', &format!("#{id}"));
        (1..=batch).map(next).flat_map(|line| rig.packet(publisher, &line)).collect()
    };
    messages.iter().map(|_| read()).collect()
}

#[test]
fn qos_0() {
    one_to_one("subscribe 1 plant/7@0", &["publish plant/7 *64"]);
}

#[test]
fn qos_1_with_its_acknowledgements() {
    one_to_one("subscribe 1 plant/7@1", &["publish plant/7 *64 1#"]);
}

#[test]
fn qos_2_with_all_four_packets() {
    one_to_one("subscribe 1 plant/7@2", &["publish plant/7 *64 2#"]);
}

#[test]
fn topics_that_alternate() {
    one_to_one(
        "subscribe 1 plant/+@1",
        &["publish plant/7 *64 1#", "publish plant/8 *64 1#", "publish plant/elsewhere *48 1#"],
    );
}

#[test]
fn many_receivers() {
    for (qos, messages) in [(0, &["publish plant/7 *64"]), (1, &["publish plant/7 *64 1#"])] {
        let subscribe = ["subscribe 1 plant/7@0", "subscribe 1 plant/7@1"][qos];
        let subscribers = vec![("v311", subscribe, 50), ("v5", subscribe, 50)];
        check(&Case { subscribers, publisher: "v5", messages });
    }
}

#[test]
fn an_exact_filter_and_wildcards_that_overlap() {
    let subscribers = vec![
        ("v311", "subscribe 1 plant/7@1 plant/+@0", 1),
        ("v5", "subscribe 1 plant/#@1", 1),
        ("v5", "subscribe 1 plant/7@0 sub=7", 1),
    ];
    check(&Case { subscribers, publisher: "v5", messages: &["publish plant/7 *64 1#"] });
}

#[test]
fn properties() {
    for messages in [
        &["publish plant/7 *64 1# prop=a:b prop=c:d ctype=text"],
        &["publish plant/7 *64 1# mexp=60 prop=a:b"],
        &["publish plant/7 *64 1# alias=1 prop=a:b"],
    ] {
        let subscribers =
            vec![("v311", "subscribe 1 plant/+@1", 1), ("v5 aliasmax=8", "subscribe 1 plant/+@1", 1)];
        check(&Case { subscribers, publisher: "v5", messages });
    }
}
