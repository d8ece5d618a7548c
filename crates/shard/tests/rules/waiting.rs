//! A client of 3.x whose message finds no room: it is not told that it was kept, waits, and is closed if that takes too long.

use super::common::*;
use martlet_shard::Config;

const MAX: u64 = 64 * 1024;

fn tight(config: &mut Config) {
    config.memory_bytes_max = MAX;
}

/// A session of `s`, offline, for which as many messages wait as there is room for: their number.
fn fill(rig: &mut Rig) -> u64 {
    rig.connect("s", "v5 expiry=6000");
    rig.subscribe("s", "t@2");
    let (shard, before) = (rig.shard_of("s"), rig.counters().queued);
    rig.cut("s");
    let filler = rig.id_on(shard, "filler"); // from another shard a reserve would be left
    rig.connect("filler", &format!("v5 id={filler}"));
    rig.ignore("filler");
    (1..=100).for_each(|id| rig.tell("filler", &format!("publish t *1000 1#{id}")));
    assert!(rig.counters().publishes_refused > 30);
    rig.counters().queued - before
}

/// `s` comes back and takes all that waits for it.
fn make_room(rig: &mut Rig, count: u64) {
    rig.connect("s", "v5 clean=0 expiry=6000");
    assert_eq!(rig.heard("s").len() as u64, count);
    (1..=count).for_each(|id| rig.tell("s", &format!("puback {id}")));
}

fn payload(number: u16) -> String {
    format!("*{}", 1200 + number)
}

fn why(rig: &mut Rig, name: &str) -> EndReason {
    rig.client(name).ended.as_ref().expect("it has ended").1
}

#[test]
fn a_client_goes_on_when_there_is_room_again() {
    everywhere_with(tight, |rig| {
        let count = fill(rig);
        rig.connect("p", "v311");
        let lines = [
            format!("publish t {} 1#1", payload(1)),
            format!("publish t {} 2#2", payload(2)),
            format!("publish t {} 1#3", payload(3)),
            "pubrel 2".into(),
            "ping".into(),
        ];
        rig.tell_all("p", &lines.each_ref().map(String::as_str));
        rig.silent("p"); // neither success nor anything behind it
        assert!(rig.client("p").paused);
        rig.pass(20);
        rig.silent("p");
        assert_eq!((rig.counters().queued, rig.dropped(Dropped::Memory)), (count, 0));
        make_room(rig, count);
        rig.pass(1);
        rig.expect_all("p", &["puback 1", "pubrec 2", "puback 3", "pubcomp 2", "pingresp"]);
        let heard = rig.heard("s");
        for (number, line) in (1..).zip(&heard) {
            assert!(
                line.starts_with(&format!("publish t {}", payload(number))),
                "in order, and each once: {line}"
            );
        }
        assert_eq!(heard.len(), 3);
        assert!(!rig.client("p").paused);
        rig.tell("p", "publish t later 1#4");
        rig.expect("p", "puback 4");
        rig.expect("s", &format!("publish t later 1#{}", count + 4));
    });
}

#[test]
fn a_client_that_waits_too_long_is_closed_and_nothing_was_accepted() {
    for (qos, ack) in [(1, "puback"), (2, "pubrec")] {
        everywhere_with(tight, |rig| {
            let count = fill(rig);
            rig.connect("p", "v311 clean=0 keep=4");
            let line = format!("publish t {} {qos}#9", payload(9));
            rig.tell("p", &line);
            let received = rig.counters().publishes_received;
            rig.pass(29); // keep-alive has nothing to say while the broker does not read
            assert!(rig.is_open("p"));
            rig.pass(2);
            rig.silent("p");
            assert!(!rig.is_open("p"));
            let words = why(rig, "p").to_string();
            for named in ["no room", "memory_bytes_max", "65536 bytes per shard", "waited 30.0 s"] {
                assert!(words.contains(named), "{words}");
            }
            assert_eq!((rig.counters().queued, rig.dropped(Dropped::Memory)), (count, 0));
            assert_eq!(rig.counters().publishes_received, received + 1);
            // It comes back to its session, and sends the message again.
            rig.dial("p", "v311 clean=0 keep=4");
            rig.expect("p", "connack 00 present");
            make_room(rig, count);
            rig.tell("p", &format!("{line} dup"));
            rig.expect("p", &format!("{ack} 9"));
            let heard = rig.heard("s");
            assert!(
                heard.len() == 1 && heard[0].starts_with(&format!("publish t {}", payload(9))),
                "{heard:?}"
            );
            if qos == 2 {
                rig.tell("p", &format!("{line} dup"));
                rig.expect("p", "pubrec 9");
                rig.silent("s"); // [3.1.1 MQTT-4.3.3-2]
            }
        });
    }
}

#[test]
fn a_wait_of_no_time_closes_at_once() {
    everywhere_with(
        |config| (config.memory_bytes_max, config.memory_wait_ms) = (MAX, 0),
        |rig| {
            fill(rig);
            rig.connect("p", "v31");
            rig.tell("p", &format!("publish t {} 1#1", payload(1)));
            rig.silent("p");
            assert!(!rig.is_open("p"));
            assert!(matches!(why(rig, "p"), EndReason::NoRoom { waited_ms: 0, in_flight: 0, .. }));
        },
    );
}

#[test]
fn a_client_that_owes_acknowledgements_is_closed_at_once_and_keeps_its_session() {
    everywhere_with(tight, |rig| {
        rig.connect("p", "v311 clean=0");
        rig.subscribe("p", "own@1");
        rig.tell_all("p", &["publish own a 1#1", "publish own b 1#2"]);
        assert_eq!(rig.heard("p").len(), 4);
        let count = fill(rig);
        rig.tell("p", &format!("publish t {} 1#3", payload(3)));
        rig.pass(1);
        rig.silent("p");
        assert!(!rig.is_open("p"));
        let EndReason::NoRoom { in_flight, waited_ms, .. } = why(rig, "p") else {
            panic!("{}", why(rig, "p"))
        };
        assert!(in_flight == 2 && waited_ms < 1000, "{in_flight}, {waited_ms}");
        assert!(why(rig, "p").to_string().contains("2 deliveries to the client are not acknowledged"));
        rig.dial("p", "v311 clean=0");
        rig.expect_all("p", &["connack 00 present", "publish own a 1#1 dup", "publish own b 1#2 dup"]);
        rig.tell_all("p", &["puback 1", "puback 2"]);
        make_room(rig, count);
        rig.tell("p", &format!("publish t {} 1#3 dup", payload(3)));
        rig.expect("p", "puback 3");
        assert_eq!(rig.heard("s").len(), 1);
    });
}

/// A client that resumes its session sends again what was not acknowledged before it acknowledges what it is sent again.
#[test]
fn acknowledgements_behind_a_message_make_room_for_it() {
    for apart in [false, true] {
        let mut rig = Rig::with(1, tight);
        rig.connect("p", "v311 clean=0");
        rig.subscribe("p", "own@2");
        rig.cut("p");
        rig.connect("other", "v5");
        rig.ignore("other");
        (1..=100).for_each(|id| rig.tell("other", &format!("publish own *1000 1#{id}")));
        let count = rig.counters().queued;
        assert!(rig.counters().publishes_refused > 30 && count > 30);
        rig.connect("p", "v311 clean=0");
        assert_eq!(rig.heard("p").len() as u64, count);
        let publish = format!("publish own {} 1#1 dup", payload(1));
        let mut lines = vec![publish];
        lines.extend((1..=count).map(|id| format!("puback {id}")));
        lines.push("ping".into());
        if apart {
            for line in &lines {
                rig.tell("p", line);
                rig.pass_ms(100); // the next is always on its way
            }
        } else {
            rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let heard = rig.heard("p");
        assert!(rig.is_open("p"), "{apart}");
        assert_eq!(heard.len(), 3, "{heard:?}");
        assert!(heard.contains(&"puback 1".into()) && heard.contains(&"pingresp".into()), "{heard:?}");
        assert!(
            heard.iter().any(|line| line.starts_with(&format!("publish own {}", payload(1)))),
            "{heard:?}"
        );
        assert_eq!((rig.counters().queued, rig.counters().in_flight), (1, 1));
    }
}

/// What a client that waits alone has sent behind its message may be more than the part of the bound for all that wait:
/// closed at once, it would never come to acknowledge.
#[test]
fn a_client_that_waits_alone_is_not_a_crowd() {
    let mut rig = Rig::with(1, tight);
    rig.connect("p", "v311 clean=0");
    rig.subscribe("p", "own@1");
    rig.tell("p", "publish own *1300 1#1");
    assert_eq!(rig.heard("p").len(), 2);
    rig.cut("p");
    let count = fill(&mut rig);
    rig.connect("p", "v311 clean=0");
    assert_eq!(rig.heard("p").len(), 1); // it is on its way while the client sends
    rig.tell_all("p", &["publish t *2600 2#2", "publish t *2600 2#3"]);
    assert!(rig.is_open("p"), "{}", why(&mut rig, "p"));
    rig.pass_ms(100);
    rig.tell("p", "puback 1");
    rig.pass_ms(200);
    assert!(rig.is_open("p"));
    make_room(&mut rig, count);
    rig.pass(1);
    rig.expect_all("p", &["pubrec 2", "pubrec 3"]);
    assert_eq!(rig.heard("s").len(), 2);
}

#[test]
fn a_goodbye_behind_a_message_that_waits_counts() {
    for (shards, takes_over) in [(1, false), (2, false), (1, true), (2, true)] {
        let rig = &mut Rig::with(shards, tight);
        let _ = fill(rig);
        rig.connect("o", "v5");
        rig.subscribe("o", "w@0");
        let client = if takes_over { "v311 clean=0 will=w,gone id=me" } else { "v311 will=w,gone id=me" };
        rig.connect("p", client);
        rig.tell_all("p", &[&format!("publish t {} 1#1", payload(1)), "disconnect"]);
        assert!(rig.client("p").paused);
        if takes_over {
            rig.connect("q", "v311 clean=0 id=me");
        } else {
            rig.pass(31);
        }
        assert!(!rig.is_open("p"));
        rig.silent("o"); // [3.1.1 MQTT-3.1.2-10]
    }
}

#[test]
fn a_client_may_go_while_it_waits() {
    everywhere_with(tight, |rig| {
        let count = fill(rig);
        let line = format!("publish t {} 1#1", payload(1));
        for (name, id) in [("lost", "a"), ("old", "b"), ("stopped", "c")] {
            rig.connect(name, &format!("v311 clean=0 id={id}"));
            rig.tell(name, &line);
            assert!(rig.client(name).paused, "{name}");
        }
        rig.cut("lost");
        rig.connect("new", "v311 clean=0 id=b");
        rig.closed("old", EndReason::TakenOver);
        rig.tell("new", &line);
        rig.stop();
        rig.closed("stopped", EndReason::ShuttingDown);
        rig.pass(60);
        rig.ignore("s");
        assert_eq!((rig.counters().queued, rig.counters().connections), (count, 0));
    });
}

#[test]
fn many_clients_wait_and_go_on_in_their_order() {
    let mut rig = Rig::with(1, tight);
    let count = fill(&mut rig);
    for n in 0..3 {
        let name = format!("p{n}");
        rig.connect(&name, "v311");
        rig.tell(&name, &format!("publish t {} 1#1", payload(n)));
        assert!(rig.client(&name).paused);
        rig.pass(1);
    }
    rig.pass(10);
    make_room(&mut rig, count);
    rig.pass(1);
    let heard = rig.heard("s");
    assert_eq!(heard.len(), 3);
    for (n, line) in (0..).zip(heard) {
        assert!(line.contains(&payload(n)), "{n}: {line}");
        rig.expect(&format!("p{n}"), "puback 1");
    }
}

#[test]
fn one_that_waits_is_in_the_log() {
    everywhere_with(tight, |rig| {
        fill(rig);
        rig.pass(30);
        let before = rig.shortages.len();
        rig.connect("p", "v311");
        rig.tell("p", &format!("publish t {} 1#1", payload(1)));
        rig.pass(1);
        assert_eq!(rig.shortages.len(), before + 1);
        assert_eq!(rig.shortages[before].waiting, 1);
    });
}

/// What waits is on the account, too; who comes to take messages is let in all the same.
#[test]
fn a_crowd_that_waits_keeps_nobody_out() {
    let mut rig = Rig::with(1, tight);
    let count = fill(&mut rig);
    let mut waiting = 0;
    for n in 0..10 {
        let name = format!("p{n}");
        rig.dial(&name, "v311");
        if rig.heard(&name) == ["connack 00"] {
            rig.tell(&name, &format!("publish t {} 1#1", payload(n)));
            waiting += usize::from(rig.is_open(&name));
        }
    }
    // The part of the bound that waiting packets may take has room for three; one's own bytes do not count against it.
    assert!((1..=4).contains(&waiting), "{waiting} wait with 1,200 bytes each");
    rig.connect("s", "v5 clean=0 expiry=6000 will=w,x");
    assert_eq!(rig.heard("s").len() as u64, count);
    (1..=count).for_each(|id| rig.tell("s", &format!("puback {id}")));
    rig.pass(1);
    assert_eq!(rig.heard("s").len(), waiting);
    (0..10).for_each(|n| rig.ignore(&format!("p{n}")));
}
