//! Sessions (4.1, 3.1.2.4, 3.1.2.11.2): present or not, expiring, taken over; and keep-alive.

use crate::common::*;
use martlet_codec::ReasonCode;

const NORMAL: EndReason = EndReason::ClientDisconnected(ReasonCode::Success);

#[test]
fn a_session_is_there_or_not() {
    everywhere(|rig| {
        for (first, again, present) in [
            ("v311 clean=0", "v311 clean=0", true), // [3.1.1 MQTT-3.1.2-4] [3.1.1 MQTT-3.2.2-2]
            ("v311 clean=1", "v311 clean=0", false), // [3.1.1 MQTT-3.1.2-6] [3.1.1 MQTT-3.2.2-3]
            ("v311 clean=0", "v311 clean=1", false), // [3.1.1 MQTT-3.2.2-1]
            ("v5 clean=0 expiry=60", "v5 clean=0", true), // [MQTT-3.1.2-5] [MQTT-3.2.2-3]
            ("v5 clean=1 expiry=60", "v5 clean=0", true), // Clean Start says nothing of the end
            ("v5 clean=0", "v5 clean=0", false),    // [MQTT-3.1.2-6] [MQTT-3.1.2-23]
            ("v5 clean=0 expiry=60", "v5 clean=1", false), // [MQTT-3.1.2-4] [MQTT-3.2.2-2]
            ("v311 clean=0", "v5 clean=0", true),   // a session has no version
            ("v5 clean=0 expiry=4294967295", "v311 clean=0", true),
        ] {
            rig.connect("c", first);
            rig.subscribe("c", "t@1");
            rig.tell("c", "disconnect");
            rig.closed("c", NORMAL);
            rig.connect("p", "v5");
            rig.tell("p", "publish t hi 1#1");
            rig.expect(
                "p",
                if first.contains("clean=0") && first != "v5 clean=0" || first.contains("expiry") {
                    "puback 1"
                } else {
                    "puback 1 10"
                },
            );
            rig.tell("p", "disconnect");
            rig.dial("c", again);
            let line = if present { "connack 00 present" } else { "connack 00" };
            rig.expect("c", line);
            if present {
                rig.expect("c", "publish t hi 1#1"); // [MQTT-3.1.2-5]
                rig.tell("c", "puback 1");
            }
            rig.silent("c");
            rig.tell("c", "disconnect");
            rig.dial("c", "v5 clean=1"); // forget it
            rig.expect("c", "connack 00");
            rig.tell("c", "disconnect");
            assert_eq!(rig.counters().clients(), 0);
            assert_eq!(rig.counters().subscriptions, 0);
        }
    });
}

#[test]
fn three_1_keeps_sessions_and_cannot_say_so() {
    everywhere(|rig| {
        rig.connect("c", "v31 clean=0");
        rig.subscribe("c", "t@1");
        rig.cut("c");
        rig.connect("p", "v31");
        rig.tell("p", "publish t hi 1#7");
        rig.expect("p", "puback 7");
        rig.dial("c", "v31 clean=0");
        rig.expect_all("c", &["connack 00", "publish t hi 1#1"]);
    });
}

#[test]
fn a_session_ends_when_its_interval_has_passed() {
    everywhere(|rig| {
        rig.connect("a", "v5 expiry=60");
        rig.connect("b", "v5 expiry=60");
        rig.connect("c", "v5 expiry=4294967295");
        rig.connect("p", "v5");
        rig.subscribe("a", "t@1");
        rig.subscribe("b", "t@1");
        ["a", "b", "c"].iter().for_each(|name| rig.cut(name));
        rig.tell("p", "publish t hi 1#1");
        rig.expect("p", "puback 1");
        rig.pass_ms(59_999);
        rig.dial("a", "v5 clean=0 expiry=60"); // the interval begins anew
        rig.expect_all("a", &["connack 00 present", "publish t hi 1#1"]);
        rig.pass_ms(TICK_MS); // [MQTT-4.1.0-2]
        assert_eq!(rig.counters().clients_expired, 1);
        assert_eq!(rig.dropped(Dropped::SessionEnded), 1);
        rig.dial("b", "v5 clean=0");
        rig.expect("b", "connack 00");
        rig.pass(10_000);
        rig.dial("c", "v5 clean=0");
        rig.expect("c", "connack 00 present"); // 0xffffffff never expires: 3.1.2.11.2
    });
}

#[test]
fn disconnect_may_change_the_interval() {
    everywhere(|rig| {
        rig.connect("a", "v5 expiry=60");
        rig.tell("a", "disconnect 00 expiry=0");
        rig.closed("a", NORMAL);
        rig.dial("a", "v5 clean=0 expiry=60");
        rig.expect("a", "connack 00"); // gone at once
        rig.tell("a", "disconnect 00 expiry=120");
        rig.pass(100);
        rig.dial("a", "v5 clean=0");
        rig.expect("a", "connack 00 present");
        rig.tell("a", "disconnect 00 expiry=1"); // it had said 0: 3.14.2.2.2
        rig.expect("a", "disconnect 82");
        rig.closed("a", EndReason::Violation(martlet_protocol::Violation::SessionExpiryRaised));
    });
}

#[test]
fn disconnect_stays_within_the_servers_limit() {
    everywhere_with(
        |config| config.limits.session_expiry_max_s = 60,
        |rig| {
            for (wait_s, connack) in [(59, "connack 00 present"), (61, "connack 00")] {
                rig.connect("a", "v5 expiry=10");
                rig.tell("a", "disconnect 00 expiry=4294967295");
                rig.pass(wait_s);
                rig.dial("a", "v5 clean=0 expiry=10");
                rig.expect("a", connack);
                rig.cut("a");
            }
        },
    );
}

#[test]
fn a_session_is_taken_over() {
    everywhere(|rig| {
        rig.connect("old", "v5 id=c expiry=60");
        rig.subscribe("old", "t@1");
        rig.dial("new", "v5 id=c clean=0 expiry=60");
        rig.expect("old", "disconnect 8e"); // [MQTT-3.1.4-3]
        rig.closed("old", EndReason::TakenOver);
        rig.expect("new", "connack 00 present");
        rig.tell("new", "publish t hi 1#1");
        rig.expect_all("new", &["puback 1", "publish t hi 1#1"]); // it has the old one's subscription
        rig.dial("last", "v311 id=c clean=1");
        rig.expect("new", "disconnect 8e");
        rig.expect("last", "connack 00");
        rig.tell("last", "publish t hi 1#1");
        rig.expect("last", "puback 1"); // [MQTT-3.1.2-4]
        rig.dial("3.x", "v311 id=c clean=0");
        rig.closed("last", EndReason::TakenOver); // [3.1.1 MQTT-3.1.4-2]: in 3.x without a word
        rig.expect("3.x", "connack 00"); // its session ended with its connection
        assert_eq!(rig.counters().clients(), 1);
    });
}

#[test]
fn takeover_of_a_client_that_does_not_read() {
    everywhere(|rig| {
        rig.connect("old", "v5 id=c expiry=60");
        rig.limit_reading("old", 0);
        rig.dial("new", "v5 id=c clean=0 expiry=60");
        rig.expect("new", "connack 00 present");
        rig.tell("old", "publish t late 0#0"); // nothing that it says is heard any more
        rig.limit_reading("old", usize::MAX);
        rig.expect("old", "disconnect 8e");
        rig.closed("old", EndReason::TakenOver);
        assert_eq!(rig.counters().publishes_received, 0);
    });
}

#[test]
fn silence_of_one_and_a_half_intervals() {
    everywhere(|rig| {
        rig.connect("a", "v5 keep=10");
        rig.connect("b", "v311 keep=10");
        rig.connect("c", "v5 keep=0");
        rig.pass_ms(14_999);
        for name in ["a", "b"] {
            rig.tell(name, "ping");
            rig.expect(name, "pingresp"); // [MQTT-3.12.4-1]
        }
        rig.pass_ms(14_999);
        assert!(rig.is_open("a") && rig.is_open("b"));
        rig.pass_ms(TICK_MS); // [MQTT-3.1.2-22] [3.1.1 MQTT-3.1.2-24]
        rig.expect("a", "disconnect 8d");
        rig.closed("a", EndReason::KeepAliveTimeout);
        rig.closed("b", EndReason::KeepAliveTimeout);
        assert!(rig.is_open("c"));
    });
}

#[test]
fn what_the_server_sends_is_no_sign_of_life() {
    everywhere(|rig| {
        rig.connect("a", "v5 keep=10");
        rig.subscribe("a", "t");
        rig.connect("p", "v5");
        for _ in 0..3 {
            rig.pass_ms(5_000 + TICK_MS);
            rig.tell("p", "publish t hi");
        }
        rig.expect_all("a", &["publish t hi", "publish t hi", "disconnect 8d"]);
        rig.closed("a", EndReason::KeepAliveTimeout);
    });
}

#[test]
fn the_servers_keep_alive_is_in_force() {
    everywhere_with(
        |config| config.limits.keep_alive_max_s = 20,
        |rig| {
            rig.dial("a", "v5 keep=0");
            rig.expect("a", "connack 00 keep=20"); // [MQTT-3.2.2-21]
            rig.pass_ms(30_000 + TICK_MS);
            rig.expect("a", "disconnect 8d");
            rig.closed("a", EndReason::KeepAliveTimeout);
        },
    );
}

#[test]
fn the_life_of_a_connection_in_the_log() {
    everywhere(|rig| {
        rig.connect("a", "v5 keep=7 clean=0");
        rig.subscribe("a", "t");
        rig.tell("a", "publish t hi");
        rig.expect("a", "publish t hi");
        rig.tell("a", "disconnect");
        let (life, why) = rig.client("a").ended.clone().unwrap();
        assert_eq!(why, NORMAL);
        assert_eq!((life.client_id.as_deref(), life.keep_alive_s, life.clean_start), (Some("a"), 7, false));
        assert_eq!((life.packets_received, life.messages), (4, (1, 1)));
        assert_eq!(life.bytes.0, rig.counters().bytes_received, "each byte counts once, on whichever shard");
    });
}

/// A client says much and goodbye in one read, and its next connection comes before the server has dealt with it.
#[test]
fn what_was_said_before_a_takeover_is_not_lost() {
    for shards in [1, 2] {
        let mut rig = Rig::with(shards, |config| config.work_max = 5);
        rig.connect("w", "v5");
        rig.subscribe("w", "#");
        rig.connect("a", "v5 id=c will=will,bye");
        rig.open("b", "v5");
        let lines: Vec<String> = (0..20).map(|n| format!("publish t {n}")).collect();
        let said = lines.iter().map(String::as_str).chain(["disconnect"]);
        let said: Vec<u8> = said.flat_map(|line| words::packet(martlet_codec::Version::V5, line)).collect();
        rig.client("a").to_server.extend(said);
        rig.client("b").to_server.extend(words::connect("b", "v5 id=c"));
        rig.settle();
        rig.closed("a", NORMAL);
        rig.expect("b", "connack 00");
        assert_eq!(rig.heard("w"), lines, "and no will"); // [MQTT-3.14.4-3]
        rig.finish();
    }
}
