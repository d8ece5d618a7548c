//! The one account of memory: what clients make a broker hold is put on it, and taken off to the byte when it goes.

use super::common::{Rig, everywhere, words};
use martlet_codec::Version;

fn held(rig: &Rig) -> u64 {
    rig.counters().memory_bytes
}

/// Does something, which makes the account grow by `least` at least, and undoes it, which makes it what it was.
fn passes(rig: &mut Rig, least: u64, grow: impl FnOnce(&mut Rig), shrink: impl FnOnce(&mut Rig)) {
    let before = held(rig);
    grow(rig);
    let grown = held(rig) - before;
    assert!(grown >= least && grown < 20 * least, "{grown} bytes more, where {least} are due");
    shrink(rig);
    assert_eq!(held(rig), before);
}

#[test]
fn sessions() {
    everywhere(|rig| {
        rig.connect("first", "v5"); // what a shard holds without clients is weighed with the first
        passes(
            rig,
            1000,
            |rig| (0..2).for_each(|n| rig.connect(&format!("c{n}"), "v5")),
            |rig| {
                rig.cut("c0");
                rig.cut("c1");
            },
        );
        let long = "x".repeat(5000);
        passes(rig, 5000, |rig| rig.connect("c", &format!("v311 id={long}")), |rig| rig.cut("c"));
    });
}

#[test]
fn subscriptions() {
    everywhere(|rig| {
        rig.connect("c", "v5");
        rig.ignore("c");
        let long = "x".repeat(4000);
        for filter in [format!("{long}/y"), format!("{long}/+")] {
            passes(
                rig,
                4000,
                |rig| rig.subscribe("c", &filter),
                |rig| {
                    rig.tell("c", &format!("unsubscribe 1 {filter}"));
                    rig.heard("c");
                },
            );
        }
        let share = format!("$share/g/{long}");
        passes(
            rig,
            12_000,
            |rig| rig.subscribe("c", &share),
            |rig| {
                rig.tell("c", &format!("unsubscribe 1 {share}"));
                rig.heard("c");
            },
        );
        passes(
            rig,
            512,
            |rig| rig.subscribe("c", "$share/g/t"),
            |rig| {
                rig.tell("c", "unsubscribe 1 $share/g/t");
                rig.heard("c");
            },
        );
        passes(
            rig,
            100,
            |rig| (0..10).for_each(|n| rig.subscribe("c", &format!("{n}"))),
            |rig| {
                (0..10).for_each(|n| rig.tell("c", &format!("unsubscribe 1 {n}")));
            },
        );
    });
}

#[test]
fn messages() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.connect("s", "v5 clean=0 expiry=60");
        rig.ignore("s");
        rig.subscribe("s", "t@2");
        let payload = "y".repeat(1000);
        for qos in [1, 2] {
            passes(
                rig,
                3000,
                |rig| {
                    rig.cut("s");
                    (1..=3).for_each(|id| rig.tell("p", &format!("publish t {payload} {qos}#{id}")));
                    (1..=3).for_each(|id| rig.tell("p", &format!("pubrel {id}")));
                },
                |rig| {
                    rig.connect("s", "v5 clean=0 expiry=60");
                    rig.ignore("s");
                    (1..=6).for_each(|id| {
                        rig.tell(
                            "s",
                            &if qos == 1 { format!("puback {id}") } else { format!("pubrec {id}") },
                        );
                        rig.tell("s", &if qos == 1 { "ping".into() } else { format!("pubcomp {id}") });
                    });
                },
            );
        }
        passes(
            rig,
            1000,
            |rig| rig.tell("p", &format!("publish r {payload} retain")),
            |rig| {
                rig.tell("p", "publish r - retain");
            },
        );
    });
}

#[test]
fn bytes_on_their_way() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.connect("s", "v5");
        rig.ignore("s");
        rig.subscribe("s", "t@0");
        let payload = "y".repeat(1000);
        let read_nothing = |rig: &mut Rig| {
            rig.limit_reading("s", 0);
            rig.tell("p", &format!("publish t {payload}"));
        };
        passes(rig, 1000, read_nothing, |rig| rig.limit_reading("s", usize::MAX));
        let frame = words::packet(Version::V5, &format!("publish t {payload}"));
        let (half, rest) = frame.split_at(500);
        passes(rig, 500, |rig| rig.write("p", half), |rig| rig.write("p", rest));
        passes(
            rig,
            500,
            |rig| rig.connect("q", "v5"),
            |rig| {
                rig.write("q", half);
                rig.cut("q");
            },
        );
    });
}

#[test]
fn groups() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.connect("s", "v5 clean=0 expiry=60");
        rig.subscribe("s", "$share/g/t@1");
        let wait = |rig: &mut Rig| {
            rig.cut("s");
            (1..=3).for_each(|id| rig.tell("p", &format!("publish t {} 1#{id}", "y".repeat(1000))));
        };
        passes(rig, 3000, wait, |rig| {
            rig.connect("s", "v5 clean=0 expiry=60");
            rig.ignore("s");
            (1..=3).for_each(|id| rig.tell("s", &format!("puback {id}")));
        });
    });
}
