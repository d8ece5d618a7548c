//! Bytes that each of many costs. Tables and vectors grow in steps, so there are two figures for each: just before such
//! a step, and just after it. Each is bounded.

use super::rig::{ClientId, Rig, held};

const MANY: usize = 60_000;

/// Adds `count`; no more than `least` bytes for each just before something grew, and `most` just after. All steps
/// have their turn in the last seven eighths.
fn weigh(name: &str, count: usize, (least, most): (f64, f64), mut add: impl FnMut(usize)) {
    let (mut sum, mut seen) = (0, (f64::MAX, 0.0_f64));
    for n in 0..count {
        sum += held(|| add(n));
        if n >= count / 8 {
            let each = sum as f64 / (n + 1) as f64;
            seen = (seen.0.min(each), seen.1.max(each));
        }
    }
    println!("{name}: {:.1} to {:.1} bytes", seen.0, seen.1);
    assert!(seen.0 <= least && seen.1 <= most, "{name}: {seen:.1?} bytes, the bounds are {least} and {most}");
}

fn connect_many(rig: &mut Rig, count: usize) -> Vec<ClientId> {
    (0..count).map(|_| rig.connect("v5 keep=65535")).collect()
}

#[test]
fn an_idle_connection_with_a_subscription_of_its_own() {
    for version in ["v311", "v5"] {
        let mut rig = Rig::new(1);
        weigh(version, MANY, (720.0, 760.0), |n| {
            let client = rig.connect(&format!("{version} keep=65535"));
            rig.tell(client, &format!("subscribe 1 device/{n:06}/command@1"));
        });
    }
}

/// Of clients with few subscriptions: what it costs depends on how many there are already, for lists grow by steps.
#[test]
fn a_subscription_to_a_filter_that_others_have() {
    let mut rig = Rig::new(1);
    let all = connect_many(&mut rig, MANY);
    for (nth, bounds) in
        [(1, (34.0, 40.0)), (2, (60.0, 60.1)), (3, (52.0, 52.1)), (4, (20.0, 20.1)), (5, (20.0, 20.1))]
    {
        let line = format!("subscribe 1 all/{nth}@0h2");
        weigh(&format!("number {nth}"), MANY, bounds, |n| rig.tell(all[n], &line));
    }
}

/// Of 320 clients with the same 320 filters.
#[test]
fn a_subscription_among_many_of_its_client() {
    const EACH: usize = 320;
    let mut rig = Rig::new(1);
    let all = connect_many(&mut rig, EACH + 1);
    (0..EACH).for_each(|n| rig.tell(all[EACH], &format!("subscribe 1 filter/{n}@0h2")));
    weigh("by client", EACH * EACH, (34.0, 40.0), |n| {
        rig.tell(all[n / EACH], &format!("subscribe 1 filter/{}@0h2", n % EACH));
    });
}

/// 24 characters, held by few clients: the filter, its text, and the subscription to it.
#[test]
fn a_filter_of_its_own() {
    for (filter, bounds) in [
        ("device/NNNNNN/command/xx", (90.0, 110.0)),
        ("building/7/+/room/NNNNNN", (140.0, 180.0)), // one node of its own
        ("device/of/all/NNNNNN/+/#", (190.0, 240.0)), // two
        ("plant/+/device/NNNNNN/ab", (195.0, 250.0)), // two, both literal
    ] {
        let mut rig = Rig::new(1);
        let all = connect_many(&mut rig, 4);
        weigh(filter, MANY, bounds, |n| {
            let filter = filter.replace("NNNNNN", &format!("{n:06}"));
            rig.tell(all[n % 4], &format!("subscribe 1 {filter}@0h2"));
        });
    }
}

/// Beside its topic of 24 bytes and its payload of 16.
#[test]
fn a_retained_message() {
    const OWN: f64 = 24.0 + 16.0;
    for (order, step) in [("sorted", 1), ("scattered", 7919)] {
        let mut rig = Rig::new(1);
        let publisher = rig.connect("v311");
        weigh(order, MANY, (OWN + 180.0, OWN + 250.0), |n| {
            let number = n * step % 1_000_003;
            rig.tell(publisher, &format!("publish device/{number:06}/state/of/it *16 retain"));
        });
    }
}

/// A message has one body, whoever waits for it; each session that does has an entry.
#[test]
fn a_message_that_waits_for_many_sessions() {
    const SESSIONS: usize = 1000;
    const MESSAGES: usize = 1024;
    const BODY: f64 = 256.0; // it has 100 bytes
    let mut rig = Rig::new(1);
    let publisher = rig.connect("v311");
    for _ in 0..SESSIONS {
        let client = rig.connect("v311 clean=0");
        rig.tell(client, "subscribe 1 t@1");
        rig.tell(client, "disconnect");
    }
    let bytes = |entry: f64| entry * SESSIONS as f64 + BODY;
    weigh("a thousand entries", MESSAGES, (bytes(32.0), bytes(41.0)), |_| {
        rig.tell(publisher, "publish t *100 1#1");
    });
}
