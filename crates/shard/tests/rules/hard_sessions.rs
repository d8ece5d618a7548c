//! Hard cases of sessions and wills (3.1.2, 3.1.3.2, 3.14.2, 4.1): which interval counts, and what happens first.

use crate::common::*;
use martlet_codec::ReasonCode;
use martlet_protocol::Violation;

#[test]
fn a_session_belongs_to_one_client_id() {
    everywhere(|rig| {
        for id in ["c", "C", "c/", "\u{e9}", "e\u{301}"] {
            rig.dial("x", &format!("v5 clean=0 expiry=60 id={id}"));
            rig.expect("x", "connack 00"); // [MQTT-3.1.3-2]
            rig.subscribe("x", "t@1");
            rig.cut("x");
        }
        assert_eq!(rig.counters().clients(), 5);
        for (id, answer) in [("C", "connack 00 present"), ("cc", "connack 00"), ("c", "connack 00 present")] {
            rig.dial("x", &format!("v5 clean=0 id={id}"));
            rig.expect("x", answer); // [MQTT-3.1.4-4]
            rig.tell("x", "disconnect");
        }
        assert_eq!(rig.counters().clients(), 3);
    });
}

#[test]
fn state_lasts_as_long_as_the_connection() {
    everywhere(|rig| {
        rig.connect("s", "v5 expiry=0");
        rig.subscribe("s", "t@1");
        rig.connect("p", "v5 expiry=0 keep=0");
        rig.tell("p", "publish t a 2#5");
        rig.expect("p", "pubrec 5");
        rig.expect("s", "publish t a 1#1");
        rig.pass(10_000); // whatever the interval: it begins when the connection ends
        rig.tell("p", "publish t a 2#5 dup");
        rig.expect("p", "pubrec 5");
        rig.tell("p", "publish t b 1#6");
        rig.expect("p", "puback 6");
        rig.expect_all("s", &["publish t b 1#2"]); // [MQTT-4.1.0-1]
    });
}

#[test]
fn session_expiry_at_disconnect() {
    everywhere(|rig| {
        for (connect, disconnect, wait_s, present) in [
            ("v5 expiry=10", "disconnect 00 expiry=100", 99, true),
            ("v5 expiry=100", "disconnect 00 expiry=10", 11, false),
            ("v5 expiry=100", "disconnect 04 expiry=10", 11, false),
            ("v5 expiry=100", "disconnect 00 expiry=0", 0, false),
            ("v5 expiry=0", "disconnect 00 expiry=0", 0, false),
            ("v5 expiry=10", "disconnect 00 expiry=4294967295", 1_000, true),
            ("v5 expiry=4294967295", "disconnect 00", 1_000, true),
        ] {
            rig.connect("c", connect);
            rig.tell("c", disconnect); // 3.14.2.2.2
            rig.pass(wait_s);
            rig.dial("c", "v5 clean=0");
            let answer = if present { "connack 00 present" } else { "connack 00" };
            assert_eq!(rig.heard("c"), [answer], "{connect}, {disconnect}");
            rig.tell("c", "disconnect");
        }
        for connect in ["v5", "v5 expiry=0"] {
            rig.connect("w", "v5");
            rig.subscribe("w", "will");
            rig.connect("c", &format!("{connect} will=will,bye"));
            rig.tell("c", "disconnect 00 expiry=1"); // 0 to something is an error
            rig.expect("c", "disconnect 82");
            rig.closed("c", EndReason::Violation(Violation::SessionExpiryRaised));
            rig.expect("w", "publish will bye"); // so it was no goodbye
            rig.dial("c", "v5 clean=0");
            rig.expect("c", "connack 00");
            rig.cut("c");
            rig.cut("w");
        }
    });
}

/// What became of a will with a delay of 10 s: published after so many seconds, or never.
fn will(rig: &mut Rig, connect: &str, what: impl FnOnce(&mut Rig), after_s: Option<u64>) {
    rig.connect("w", "v5");
    rig.subscribe("w", "will");
    rig.connect("c", &format!("{connect} id=one will=will,bye will.delay=10"));
    what(rig);
    if let Some(s) = after_s {
        if s > 0 {
            rig.pass_ms(s * 1000 - 1);
            rig.silent("w");
            rig.pass_ms(TICK_MS);
        }
        rig.expect("w", "publish will bye"); // [MQTT-3.1.2-8]
    }
    rig.pass(200);
    rig.silent("w"); // [MQTT-3.1.2-10]: once at most
    for name in ["c", "d", "w"].iter().filter(|name| rig.clients.contains_key(**name)).collect::<Vec<_>>() {
        rig.heard(name);
        rig.cut(name);
    }
}

#[test]
fn a_delayed_will_against_all_that_may_come_first() {
    everywhere(|rig| {
        will(rig, "v5 expiry=100", |rig| rig.cut("c"), Some(10));
        will(rig, "v5 expiry=10", |rig| rig.cut("c"), Some(10));
        will(rig, "v5 expiry=3", |rig| rig.cut("c"), Some(3));
        will(rig, "v5", |rig| rig.cut("c"), Some(0));
        will(rig, "v5 expiry=100", |rig| rig.tell("c", "disconnect 04 expiry=4"), Some(4));
        will(rig, "v5 expiry=100", |rig| rig.tell("c", "disconnect 04 expiry=0"), Some(0));
        will(rig, "v5 expiry=100", |rig| rig.tell("c", "disconnect"), None);
        let back = |rig: &mut Rig, wait_ms: u64, line: &str| {
            rig.cut("c");
            rig.pass_ms(wait_ms);
            rig.connect("d", &format!("{line} id=one"));
        };
        will(rig, "v5 expiry=100", |rig| back(rig, 9_999, "v5 clean=0"), None); // [MQTT-3.1.3-9]
        will(rig, "v5 expiry=100", |rig| back(rig, 9_999, "v311 clean=0"), None);
        will(rig, "v5 expiry=100", |rig| back(rig, 5_000, "v5 clean=1"), Some(0)); // its session ended
    });
}

#[test]
fn a_delayed_will_against_a_takeover() {
    everywhere(|rig| {
        let taken = |rig: &mut Rig, line: &str| {
            rig.connect("d", &format!("{line} id=one"));
            rig.expect("c", "disconnect 8e");
            rig.closed("c", EndReason::TakenOver);
        };
        will(rig, "v5 expiry=100", |rig| taken(rig, "v5 clean=0"), None); // [MQTT-3.1.3-9]
        will(rig, "v5 expiry=100", |rig| taken(rig, "v5 clean=1"), Some(0)); // its session ended
        will(rig, "v5", |rig| taken(rig, "v5 clean=0"), Some(0)); // and this one with its connection
    });
}

#[test]
fn the_will_of_the_last_connection_counts() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "+");
        rig.connect("c", "v5 expiry=100 will=one,x will.delay=10");
        rig.cut("c");
        rig.connect("c", "v5 clean=0 expiry=100 will=two,y"); // [MQTT-3.1.2-7]
        rig.pass(100);
        rig.silent("w");
        rig.cut("c");
        rig.expect_all("w", &["publish two y"]);
        rig.connect("c", "v5 clean=0");
        rig.cut("c");
        rig.silent("w");
    });
}

#[test]
fn keep_alive_0_waits_for_ever() {
    everywhere(|rig| {
        for version in ["v31", "v311", "v5"] {
            rig.connect("c", &format!("{version} keep=0"));
            rig.pass(10_000); // 3.1.2.10
            rig.tell("c", "ping");
            rig.expect("c", "pingresp");
            rig.tell("c", "disconnect");
            rig.closed("c", EndReason::ClientDisconnected(ReasonCode::Success));
        }
    });
}

#[test]
fn expiry_is_counted_down_wherever_a_message_waits() {
    everywhere(|rig| {
        rig.connect("off", "v5 expiry=1000");
        rig.subscribe("off", "t@1");
        rig.cut("off");
        rig.connect("slow", "v5 rm=1");
        rig.subscribe("slow", "t@1");
        let member = rig.id_on(0, "m");
        rig.connect(&member, "v5 expiry=1000");
        rig.subscribe(&member, "$share/g/t@1");
        rig.cut(&member);
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.tell_all("p", &["publish t first 1#1 mexp=100", "publish t second 1#2 mexp=100 retain"]);
        rig.expect_all("slow", &["publish t first 1#1 mexp=100"]);
        rig.pass(60);
        rig.tell("slow", "puback 1");
        rig.expect_all("slow", &["publish t second 1#2 mexp=40"]); // [MQTT-3.3.2-6]
        let both = ["publish t first 1#1 mexp=40", "publish t second 1#2 mexp=40"];
        rig.connect("off", "v5 clean=0");
        rig.expect_all("off", &both);
        rig.connect(&member, "v5 clean=0");
        rig.expect_all(&member, &both);
        rig.connect("new", "v5");
        rig.subscribe("new", "t@0");
        rig.expect_all("new", &["publish t second retain mexp=40"]);
        rig.pass(41);
        rig.connect("late", "v5");
        rig.subscribe("late", "t@0");
        rig.silent("late"); // [MQTT-3.3.2-5]
    });
}
