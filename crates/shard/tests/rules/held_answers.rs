//! Answers that wait until what they promise is recorded.

use super::common::*;

fn recorded(story: impl FnMut(&mut Rig)) {
    everywhere_with(|config| config.is_recorded = true, story);
}

/// Somebody who subscribes to everything, so that every message is kept for somebody.
fn listener(rig: &mut Rig) {
    connect(rig, "listener", "v311");
    rig.ignore("listener");
    subscribe(rig, "listener", "#@2");
}

/// A client with nothing to wait for.
fn connect(rig: &mut Rig, name: &str, line: &str) {
    rig.connect(name, line);
    rig.record();
}

fn subscribe(rig: &mut Rig, name: &str, line: &str) {
    rig.tell(name, &format!("subscribe 65535 {line}"));
    rig.record();
    rig.heard(name);
}

#[test]
fn no_acknowledgement_comes_before_its_record() {
    recorded(|rig| {
        listener(rig);
        connect(rig, "c", "v311 clean=0");
        rig.tell("c", "publish t a 1#1");
        rig.tell("c", "publish t b 2#2");
        rig.tell("c", "pubrel 2");
        rig.silent("c");
        rig.record();
        rig.expect_all("c", &["puback 1", "pubrec 2", "pubcomp 2"]);
    });
}

#[test]
fn acknowledgements_of_a_kind_keep_their_order() {
    recorded(|rig| {
        listener(rig);
        connect(rig, "c", "v5");
        for number in 1..=5 {
            rig.tell("c", &format!("publish t x 1#{number}"));
        }
        rig.tell("c", "publish $SYS/x x 1#6"); // refused: nothing is recorded for it, and yet it is not the first
        rig.silent("c");
        rig.record_one();
        rig.expect("c", "puback 1");
        rig.record();
        let rest: Vec<_> = (2..=5).map(|number| format!("puback {number}")).collect();
        assert_eq!(rig.heard("c"), [rest, vec!["puback 6 87".to_owned()]].concat());
    });
}

#[test]
fn pings_and_deliveries_do_not_wait_behind_an_acknowledgement() {
    recorded(|rig| {
        listener(rig);
        connect(rig, "c", "v311");
        connect(rig, "other", "v311");
        subscribe(rig, "c", "from/other@1");
        rig.tell("c", "publish t a 1#1");
        rig.tell("c", "ping");
        rig.tell("other", "publish from/other b");
        rig.tell("other", "publish from/other c 1#7");
        rig.expect_all("c", &["pingresp", "publish from/other b", "publish from/other c 1#1"]);
        rig.record();
        rig.expect_all("c", &["puback 1"]);
        rig.expect_all("other", &["puback 7"]);
    });
}

#[test]
fn a_duplicate_is_not_answered_before_the_first_is_recorded() {
    recorded(|rig| {
        listener(rig);
        connect(rig, "c", "v311");
        rig.tell("c", "publish t a 2#1");
        rig.tell("c", "publish t a 2#1 dup");
        rig.silent("c");
        rig.record();
        rig.expect_all("c", &["pubrec 1", "pubrec 1"]);
    });
}

#[test]
fn a_qos_2_message_is_delivered_when_its_place_in_the_queue_is_recorded() {
    recorded(|rig| {
        connect(rig, "s", "v311 clean=0");
        connect(rig, "p", "v311");
        subscribe(rig, "s", "t@2");
        rig.tell("p", "publish t zero");
        rig.tell("p", "publish t one 1#1");
        rig.expect_all("s", &["publish t zero", "publish t one 1#1"]);
        rig.tell("p", "publish t two 2#2");
        rig.tell("p", "publish t three 1#3"); // behind it, for the order
        rig.silent("s");
        rig.record();
        rig.expect_all("s", &["publish t two 2#2", "publish t three 1#3"]);
        rig.ignore("p");
        rig.tell("s", "pubrec 2");
        rig.silent("s"); // PUBREL waits for the record of PUBREC
        rig.record();
        rig.expect_all("s", &["pubrel 2"]);
        rig.tell("s", "pubcomp 2");
    });
}

#[test]
fn what_a_client_is_owed_ends_with_its_connection() {
    recorded(|rig| {
        connect(rig, "c", "v311 clean=0");
        rig.tell("c", "publish t a 1#1");
        rig.cut("c");
        rig.connect("d", "v311"); // in the same slot
        rig.record();
        rig.silent("d");
        rig.connect("c", "v311 clean=0");
        rig.record();
        rig.silent("c");
    });
}

#[test]
fn a_resumed_session_is_released_when_that_is_recorded() {
    recorded(|rig| {
        connect(rig, "s", "v311 clean=0");
        connect(rig, "p", "v311");
        rig.ignore("p");
        subscribe(rig, "s", "t@2");
        rig.tell("p", "publish t a 2#1");
        rig.record();
        rig.expect("s", "publish t a 2#1");
        rig.tell("s", "pubrec 1");
        rig.cut("s");
        rig.connect("s", "v311 clean=0");
        rig.silent("s");
        rig.record();
        rig.expect_all("s", &["pubrel 1"]);
    });
}

#[test]
fn a_discarded_session_is_recorded_before_connack() {
    recorded(|rig| {
        connect(rig, "c", "v311 clean=0");
        rig.cut("c");
        rig.dial("c", "v311");
        rig.silent("c");
        rig.tell("c", "ping");
        rig.silent("c"); // nothing comes before CONNACK
        assert_eq!(rig.waiting("c"), 0);
        rig.record();
        rig.expect_all("c", &["connack 00", "pingresp"]);
        rig.cut("c");
        rig.dial("c", "v311");
        rig.expect("c", "connack 00"); // there was no session any more
    });
}

#[test]
fn a_held_connack_is_not_told_by_the_end_of_the_connection() {
    recorded(|rig| {
        connect(rig, "c", "v5 clean=0 expiry=100");
        rig.cut("c");
        rig.dial("c", "v5");
        rig.stop();
        rig.record();
        rig.silent("c");
        assert!(!rig.is_open("c"));
    });
}

#[test]
fn suback_waits_for_its_record_but_not_behind_others() {
    recorded(|rig| {
        connect(rig, "c", "v311");
        rig.tell("c", "subscribe 1 a@1");
        rig.tell("c", "unsubscribe 2 a");
        rig.silent("c");
        rig.record();
        rig.expect_all("c", &["suback 1 01", "unsuback 2"]);
    });
}

#[test]
fn who_is_owed_too_much_is_not_read() {
    recorded(|rig| {
        listener(rig);
        connect(rig, "c", "v311");
        let shard = rig.shard_of("c");
        let before = rig.shards[shard].memory_bytes();
        for number in 1..=1100 {
            rig.tell("c", &format!("publish t x 1#{number}"));
        }
        assert!(rig.client("c").paused);
        assert!(rig.shards[shard].memory_bytes() > before + 16_000, "what is owed is weighed");
        rig.record();
        assert!(!rig.client("c").paused);
        let expected: Vec<_> = (1..=1100).map(|number| format!("puback {number}")).collect();
        assert_eq!(rig.heard("c"), expected);
    });
}
