//! PUBLISH and the delivery of 3.1.1 (3.3 to 3.7, 4.3 to 4.6): flags, identifiers, retained messages, order.

use super::closes;
use crate::common::*;
use martlet_codec::Malformed;

#[test]
fn every_qos_is_answered_and_delivered_within_what_was_granted() {
    everywhere(|rig| {
        rig.connect("p", "v311");
        for (granted, heard) in [
            (0, ["publish t a", "publish t b", "publish t c"]),
            (1, ["publish t a", "publish t b 1#1", "publish t c 1#2"]),
            (2, ["publish t a", "publish t b 1#1", "publish t c 2#2"]),
        ] {
            rig.connect("s", "v311");
            rig.subscribe("s", &format!("t@{granted}"));
            rig.tell("p", "publish t a");
            rig.silent("p"); // [3.1.1 MQTT-3.3.4-1]
            rig.tell("p", "publish t b 1#7");
            rig.expect("p", "puback 7"); // [3.1.1 MQTT-2.3.1-6] [3.1.1 MQTT-4.3.2-2]
            rig.tell("p", "publish t c 2#9");
            rig.expect("p", "pubrec 9"); // [3.1.1 MQTT-3.3.4-1] [3.1.1 MQTT-4.3.3-2]
            rig.tell("p", "pubrel 9");
            rig.expect("p", "pubcomp 9");
            // [3.1.1 MQTT-2.3.1-5] [3.1.1 MQTT-3.8.4-6] [3.1.1 MQTT-4.3.1-1] [3.1.1 MQTT-4.3.2-1]
            rig.expect_all("s", &heard);
            rig.cut("s");
        }
    });
}

#[test]
fn what_publish_must_not_be() {
    use Malformed::*;
    everywhere(|rig| {
        rig.connect("s", "v311");
        rig.subscribe("s", "#@2");
        for (publish, why) in [
            ("32 05 0001 74 0000", PacketIdZero),     // [3.1.1 MQTT-2.3.1-1]
            ("34 05 0001 74 0000", PacketIdZero),     // [3.1.1 MQTT-2.3.1-1]
            ("38 03 0001 74", DupWithoutQoS),         // [3.1.1 MQTT-3.3.1-2]
            ("36 05 0001 74 0001", QoSInvalid),       // [3.1.1 MQTT-3.3.1-4]
            ("3e 05 0001 74 0001", QoSInvalid),       // [3.1.1 MQTT-3.3.1-4]
            ("30 03 0001 ff", Utf8),                  // [3.1.1 MQTT-3.3.2-1] [3.1.1 MQTT-1.5.3-1]
            ("30 05 0003 eda080", Utf8),              // [3.1.1 MQTT-1.5.3-1]
            ("30 04 0002 7400", NullCharacter),       // [3.1.1 MQTT-4.7.3-2] [3.1.1 MQTT-1.5.3-2]
            ("30 03 0001 23", TopicNameWildcard),     // [3.1.1 MQTT-3.3.2-2]
            ("30 05 0003 612f2b", TopicNameWildcard), // [3.1.1 MQTT-4.7.1-1]
            ("30 02 0000", TopicNameEmpty),           // [3.1.1 MQTT-4.7.3-1]
            ("30 04 0003 7474", Truncated),
        ] {
            closes(rig, publish, why); // [3.1.1 MQTT-4.8.0-1]
        }
        rig.silent("s");
        assert!(rig.is_open("s"), "only that connection is closed"); // [3.1.1 MQTT-4.8.0-1]
    });
}

#[test]
fn dup_says_nothing_to_others() {
    everywhere(|rig| {
        rig.connect("s", "v311 clean=0");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v311");
        rig.ignore("p");
        rig.tell_all("p", &["publish t a 1#1 dup", "publish t b 2#2 dup"]);
        rig.expect_all("s", &["publish t a 1#1", "publish t b 2#2"]); // [3.1.1 MQTT-3.3.1-3]
        rig.cut("s");
        rig.connect("s", "v311 clean=0");
        rig.expect_all("s", &["publish t a 1#1 dup", "publish t b 2#2 dup"]); // [3.1.1 MQTT-3.3.1-1]
    });
}

#[test]
fn a_retained_message_is_kept_replaced_and_removed() {
    everywhere(|rig| {
        let new = |rig: &mut Rig, line: &str| {
            rig.connect("new", "v311");
            rig.subscribe("new", "t@2");
            let lines: Vec<&str> = line.split_terminator(';').collect();
            rig.expect_all("new", &lines);
            rig.cut("new");
        };
        rig.connect("s", "v311");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v311");
        rig.ignore("p");
        rig.tell("p", "publish t one 1#1 retain");
        rig.expect("s", "publish t one 1#1"); // [3.1.1 MQTT-3.3.1-9]
        new(rig, "publish t one 1#1 retain"); // [3.1.1 MQTT-3.3.1-5] [3.1.1 MQTT-3.3.1-6] [3.1.1 MQTT-3.3.1-8]
        rig.tell("p", "publish t passing");
        rig.tell("p", "publish t -");
        rig.expect_all("s", &["publish t passing", "publish t -"]);
        new(rig, "publish t one 1#1 retain"); // [3.1.1 MQTT-3.3.1-12]
        rig.tell("p", "publish t two retain");
        rig.expect("s", "publish t two");
        new(rig, "publish t two retain"); // [3.1.1 MQTT-3.3.1-7]
        rig.tell("p", "publish t - 1#2 retain");
        rig.expect("s", "publish t - 1#2"); // [3.1.1 MQTT-3.3.1-10]
        new(rig, ""); // [3.1.1 MQTT-3.3.1-11]
        rig.tell("p", "publish t first"); // nothing was retained: nothing is
        rig.expect("s", "publish t first");
        new(rig, ""); // [3.1.1 MQTT-3.3.1-12]
    });
}

#[test]
fn overlapping_subscriptions_deliver_once_at_the_highest_qos() {
    everywhere(|rig| {
        rig.connect("s", "v311");
        rig.tell("s", "subscribe 1 a/#@0 a/+@2 a/b@1 +/c@2");
        rig.expect("s", "suback 1 00 02 01 02");
        rig.connect("p", "v311");
        rig.ignore("p");
        rig.tell("p", "publish a/b x 2#1");
        rig.expect_all("s", &["publish a/b x 2#1"]); // [3.1.1 MQTT-3.3.5-1] [3.1.1 MQTT-3.3.2-3]
    });
}

#[test]
fn identifiers_of_the_server_are_unique_while_in_use() {
    everywhere_with(
        |config| config.limits.packet_id_max = 3,
        |rig| {
            rig.connect("s", "v311");
            rig.subscribe("s", "t@2");
            rig.connect("p", "v311");
            rig.ignore("p");
            for n in 1..=5 {
                rig.tell("p", &format!("publish t {n} {}#{n}", 1 + n % 2));
            }
            rig.expect_all("s", &["publish t 1 2#1", "publish t 2 1#2", "publish t 3 2#3"]); // [3.1.1 MQTT-2.3.1-4]
            rig.tell("s", "pubrec 1");
            rig.expect_all("s", &["pubrel 1"]); // [3.1.1 MQTT-4.3.3-1]: not free before PUBCOMP
            rig.tell("s", "pubcomp 1");
            rig.expect_all("s", &["publish t 4 1#1"]);
            rig.tell("s", "puback 2");
            rig.expect_all("s", &["publish t 5 2#2"]); // [3.1.1 MQTT-4.3.2-1]
        },
    );
}

#[test]
fn qos_2_is_taken_in_once_until_it_is_released() {
    everywhere(|rig| {
        rig.connect("s", "v311");
        rig.subscribe("s", "t@0");
        rig.connect("p", "v311");
        for payload in ["a", "b"] {
            rig.tell("p", &format!("publish t {payload} 2#5"));
            rig.tell("p", &format!("publish t {payload} 2#5 dup"));
            rig.expect_all("p", &["pubrec 5", "pubrec 5"]); // [3.1.1 MQTT-4.3.3-2]
            rig.tell("p", "pubrel 5");
            rig.expect("p", "pubcomp 5"); // [3.1.1 MQTT-4.3.3-2]
        }
        rig.tell("p", "publish t c 1#5");
        rig.tell("p", "publish t d 1#5 dup"); // [3.1.1 MQTT-4.3.2-2]: acknowledged, so a new one
        rig.expect_all("p", &["puback 5", "puback 5"]);
        rig.expect_all("s", &["publish t a", "publish t b", "publish t c", "publish t d"]);
    });
}

#[test]
fn after_pubrec_a_message_is_never_sent_again() {
    everywhere(|rig| {
        rig.connect("s", "v311 clean=0");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v311");
        rig.ignore("p");
        rig.tell_all("p", &["publish t a 2#1", "publish t b 2#2", "publish t c 2#3"]);
        assert_eq!(rig.heard("s").len(), 3);
        rig.tell_all("s", &["pubrec 2", "pubrec 1"]);
        rig.expect_all("s", &["pubrel 2", "pubrel 1"]); // [3.1.1 MQTT-4.6.0-4]
        rig.cut("s");
        rig.connect("s", "v311 clean=0");
        rig.expect_all("s", &["pubrel 1", "pubrel 2", "publish t c 2#3 dup"]); // [3.1.1 MQTT-4.3.3-1] [3.1.1 MQTT-4.4.0-1]
    });
}

#[test]
fn a_message_joins_every_matching_session_in_order() {
    everywhere(|rig| {
        for (name, filter) in [("here", "t/+@2"), ("away", "t/#@2"), ("other", "u@2")] {
            rig.connect(name, "v311 clean=0");
            rig.subscribe(name, filter);
        }
        rig.cut("away");
        rig.connect("p", "v311");
        rig.ignore("p");
        let mut lines = Vec::new();
        for n in 1..=20 {
            let qos = 1 + n % 2;
            rig.tell("p", &format!("publish t/x {n} {qos}#{n}"));
            lines.push(format!("publish t/x {n} {qos}#{n}"));
        }
        assert_eq!(rig.heard("here"), lines); // [3.1.1 MQTT-4.6.0-5] [3.1.1 MQTT-4.6.0-6]
        rig.connect("away", "v311 clean=0");
        assert_eq!(rig.heard("away"), lines); // [3.1.1 MQTT-4.5.0-1] [3.1.1 MQTT-4.6.0-6]
        rig.silent("other"); // [3.1.1 MQTT-3.3.2-3]
    });
}

#[test]
fn a_publish_that_is_not_allowed_is_acknowledged_as_usual() {
    everywhere(|rig| {
        rig.connect("s", "v311");
        rig.subscribe("s", "$SYS/x@2");
        rig.connect("p", "v311");
        rig.tell_all("p", &["publish $SYS/x a", "publish $SYS/x b 1#1", "publish $SYS/x c 2#2"]);
        rig.expect_all("p", &["puback 1", "pubrec 2"]); // [3.1.1 MQTT-3.3.5-2]
        rig.tell("p", "pubrel 2");
        rig.expect("p", "pubcomp 2");
        rig.silent("s");
    });
}
