//! What things are weighed at in the account of memory: neither less nor much more, and where its bound lies exactly.

use super::common::*;
use martlet_shard::Counters;

fn held(rig: &Rig) -> u64 {
    rig.counters().memory_bytes
}

/// By how much the account grows for each of a hundred, which must be as much as is due and a tenth more at most.
fn grows(rig: &mut Rig, due: u64, what: &str, mut each: impl FnMut(&mut Rig, usize)) {
    let before = held(rig);
    (0..100).for_each(|n| each(rig, n));
    let grown = (held(rig) - before) / 100;
    assert!(grown >= due && grown <= due + due / 10 + 1, "{what}: {grown} bytes, where {due} are due");
}

/// A text of a hundred bytes for each number.
fn long(number: usize) -> String {
    format!("{number:x>100}")
}

#[test]
fn a_retained_message() {
    let rig = &mut Rig::new(1);
    rig.connect("p", "v5");
    let due = 76 + 100 + 1 + 12; // the message with its topic, and the table's entry
    grows(rig, due, "new", |rig, n| rig.tell("p", &format!("publish {} x retain", long(n))));
    grows(rig, 0, "replaced", |rig, n| rig.tell("p", &format!("publish {} y retain", long(n))));
    (0..100).for_each(|n| rig.tell("p", &format!("publish {} - retain", long(n))));
    assert!(held(rig) < 1000, "a session is left: {}", held(rig));
}

#[test]
fn a_retained_message_that_expires() {
    let rig = &mut Rig::new(1);
    rig.connect("p", "v5");
    let empty = held(rig);
    let due = 76 + 100 + 1 + 12 + 32; // its time, too
    grows(rig, due, "new", |rig, n| rig.tell("p", &format!("publish {} x retain mexp=10", long(n))));
    grows(rig, 0, "later", |rig, n| rig.tell("p", &format!("publish {} y retain mexp=20", long(n))));
    let before = held(rig);
    rig.pass(12);
    assert_eq!(held(rig), before);
    rig.pass(10);
    assert_eq!(held(rig), empty);
}

#[test]
fn a_subscription() {
    let rig = &mut Rig::new(1);
    rig.connect("s", "v5");
    let empty = held(rig);
    let mut check = |due, what, filter: &dyn Fn(usize) -> String| {
        grows(rig, due, what, |rig, n| rig.subscribe("s", &filter(n)));
    };
    check(200, "a filter with its text", &long);
    check(0, "once more", &long);
    check(164, "a filter with a node of its own", &|n| format!("+/{n}"));
    check(340, "a long level is kept twice", &|n| format!("+/{}", long(n)));
    check(184, "a level of 22 bytes lies in its node", &|n| format!("+/{n:y>22}"));
    check(208, "a level of 23 bytes does not", &|n| format!("+/{n:z>23}"));
    check(218, "two nodes", &|n| format!("{n}/+/#"));
    for n in 0..100 {
        let filters = [
            long(n),
            format!("+/{n}"),
            format!("+/{}", long(n)),
            format!("+/{n:y>22}"),
            format!("+/{n:z>23}"),
            format!("{n}/+/#"),
        ];
        rig.tell("s", &format!("unsubscribe 1 {}", filters.join(" ")));
        rig.expect("s", "unsuback 1 00 00 00 00 00 00");
    }
    assert_eq!(held(rig), empty);
}

#[test]
fn a_session_and_what_waits_for_it() {
    let rig = &mut Rig::new(1);
    rig.connect("p", "v5");
    rig.ignore("p");
    grows(rig, 768 + 100, "a session with its id", |rig, n| rig.connect(&long(n), "v5 expiry=100"));
    grows(rig, 37, "one more subscriber", |rig, n| rig.subscribe(&long(n), "filter@1"));
    grows(rig, 512 + 3 * 12, "a share", |rig, n| rig.subscribe(&long(n), "$share/g/two@1"));
    (0..100).for_each(|n| rig.cut(&long(n)));
    let before = held(rig);
    rig.tell("p", "publish filter x 1#1");
    let grown = held(rig) - before;
    assert!((3000..6000).contains(&grown), "one message in a hundred queues: {grown}");
    let grow = |rig: &mut Rig, _| rig.tell("p", "publish two x 1#1");
    grows(rig, 76 + 4 + 64, "a message that waits in a group", grow);
    rig.pass(101);
    assert!(held(rig) < 1000, "a session is left: {}", held(rig));
}

/// The smallest bound with which something is accepted.
fn smallest(from: u64, to: u64, is_accepted: impl Fn(&mut Rig) -> bool) -> u64 {
    let works = |max: &u64| is_accepted(&mut Rig::with(1, |config| config.memory_bytes_max = *max));
    (from..to).find(works).expect("some bound is large enough")
}

#[test]
fn a_message_may_fill_memory_to_the_last_byte() {
    let mut rig = Rig::new(1);
    rig.connect("p", "v5");
    let before = held(&rig);
    for payload in [1, 10, 300] {
        let found = smallest(before, before + 1000, |rig| {
            rig.connect("p", "v5");
            rig.tell("p", &format!("publish t *{payload} retain"));
            let Counters { retained, routed, .. } = rig.counters();
            assert_eq!((retained + rig.dropped(Dropped::Memory), routed), (1, 1 - retained));
            retained == 1
        });
        assert_eq!(found, before + 1 + payload);
    }
    // what is too much takes the place of what was there all the same: that would be wrong now
    let mut rig = Rig::with(1, |config| config.memory_bytes_max = before + 400);
    rig.connect("p", "v5");
    rig.tell("p", "publish t *10 retain");
    assert_eq!(rig.counters().retained, 1);
    rig.tell("p", "publish t *400 retain");
    assert_eq!((rig.counters().retained, rig.dropped(Dropped::Memory)), (0, 1));
    rig.tell("p", "publish t - retain");
    assert_eq!((rig.counters().routed, rig.dropped(Dropped::Memory)), (1, 1));
}

#[test]
fn subscriptions_may_take_an_eighth_more() {
    for length in [1, 2, 3, 40] {
        let filter = "f".repeat(length);
        let mut rig = Rig::new(1);
        rig.connect("s", "v5");
        rig.subscribe("s", &filter);
        let needed = held(&rig);
        let found = smallest(needed * 8 / 9 - 30, needed + 1000, |rig| {
            rig.connect("s", "v5");
            rig.tell("s", &format!("subscribe 1 {filter}@0"));
            rig.ignore("s");
            rig.counters().subscriptions == 1
        });
        assert!(found + found / 8 >= needed, "{found} for {needed}");
        assert!(found - 1 + (found - 1) / 8 < needed, "{found} for {needed}");
    }
}

#[test]
fn a_session_has_a_thousand_shares_at_most() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        for n in 0..1024 {
            rig.tell("s", &format!("subscribe 1 $share/g/{n}@0"));
            rig.expect("s", "suback 1 00");
        }
        rig.tell("s", "subscribe 2 $share/g/more@0");
        rig.expect("s", "suback 2 97");
        rig.tell("s", "subscribe 2 $share/g/7@1"); // it has this one
        rig.expect("s", "suback 2 01");
        rig.tell("s", "unsubscribe 3 $share/g/7");
        rig.expect("s", "unsuback 3 00");
        rig.subscribe("s", "$share/g/more@0");
        assert_eq!(rig.counters().shared_subscriptions, 1024);
    });
}
