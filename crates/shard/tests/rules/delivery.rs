//! Delivery (4.3, 4.4, 4.6): QoS 0, 1 and 2 in both directions, order, and what is done again after a resume.

use crate::common::*;
use martlet_codec::Malformed;
use martlet_protocol::Violation;

#[test]
fn every_qos_to_every_version() {
    everywhere(|rig| {
        for version in ["v31", "v311", "v5"] {
            rig.connect("p", version);
            for (subscribed, heard) in
                [("0", ["", "", ""]), ("1", ["", " 1#1", " 1#2"]), ("2", ["", " 1#1", " 2#2"])]
            {
                rig.connect("s", version);
                rig.subscribe("s", &format!("t@{subscribed}"));
                rig.tell("p", "publish t a");
                rig.tell("p", "publish t b 1#7");
                rig.tell("p", "publish t c 2#7");
                rig.expect_all("p", &["puback 7", "pubrec 7"]); // [MQTT-4.3.2-4] [MQTT-4.3.3-8]
                rig.tell("p", "pubrel 7");
                rig.expect("p", "pubcomp 7"); // [MQTT-4.3.3-11]
                let lines = ["a", "b", "c"]
                    .iter()
                    .zip(heard)
                    .map(|(payload, qos)| format!("publish t {payload}{qos}"));
                assert_eq!(rig.heard("s"), lines.collect::<Vec<_>>()); // [MQTT-3.8.4-8]
                rig.cut("s");
            }
            rig.cut("p");
        }
    });
}

#[test]
fn qos_2_from_a_client_happens_once() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "t@2");
        for version in ["v311 clean=0", "v5 clean=0 expiry=60"] {
            rig.connect("p", version);
            rig.tell("p", "publish t a 2#1");
            rig.tell("p", "publish t a 2#1 dup");
            rig.expect_all("p", &["pubrec 1", "pubrec 1"]); // [MQTT-4.3.3-10]
            rig.cut("p");
            rig.connect("p", version);
            rig.tell("p", "publish t a 2#1 dup"); // its server remembers it
            rig.tell("p", "pubrel 1");
            rig.tell("p", "pubrel 1");
            let again = if version.contains("v5") { "pubcomp 1 92" } else { "pubcomp 1" };
            rig.expect_all("p", &["pubrec 1", "pubcomp 1", again]);
            rig.tell("p", "publish t b 2#1"); // [MQTT-4.3.3-12]
            rig.expect("p", "pubrec 1");
            rig.tell("p", "pubrel 1");
            rig.expect("p", "pubcomp 1");
            rig.tell("p", "disconnect");
            let heard: Vec<String> = rig.heard("s");
            assert!(heard.len() == 2 && heard[0].contains(" a ") && heard[1].contains(" b "), "{heard:?}");
        }
    });
}

#[test]
fn what_is_unacknowledged_is_sent_again_in_order() {
    everywhere(|rig| {
        for version in ["v31 clean=0", "v311 clean=0", "v5 clean=0 expiry=60"] {
            rig.connect("s", version);
            rig.subscribe("s", "t@2");
            rig.connect("p", "v311");
            for line in [
                "publish t a 1#1",
                "publish t b 2#2",
                "publish t c 2#3",
                "publish t d 1#4",
                "publish t e 2#5",
            ] {
                rig.tell("p", line);
            }
            rig.ignore("p");
            rig.expect_all(
                "s",
                &[
                    "publish t a 1#1",
                    "publish t b 2#2",
                    "publish t c 2#3",
                    "publish t d 1#4",
                    "publish t e 2#5",
                ],
            );
            rig.tell("s", "pubrec 2");
            rig.expect("s", "pubrel 2"); // [MQTT-4.3.3-4]
            rig.tell("s", "puback 4");
            rig.tell("s", "pubrec 5");
            rig.expect("s", "pubrel 5");
            rig.tell("s", "pubcomp 5");
            rig.cut("s");
            rig.tell("p", "publish t f 1#6");
            rig.connect("s", version);
            // [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1] [3.1.1 MQTT-4.4.0-1] [3.1.1 MQTT-4.6.0-1]
            rig.expect_all(
                "s",
                &["pubrel 2", "publish t a 1#1 dup", "publish t c 2#3 dup", "publish t f 1#6"],
            );
            rig.tell("s", "pubcomp 2");
            rig.tell("s", "puback 1");
            rig.tell("s", "pubrec 3");
            rig.expect("s", "pubrel 3");
            rig.tell("s", "pubcomp 3");
            rig.tell("s", "puback 6");
            rig.silent("s");
            assert_eq!((rig.counters().queued, rig.counters().in_flight), (0, 0));
            assert_eq!(rig.counters().stored_messages, 0);
            rig.cut("p");
            rig.connect("s2", "v5 id=s"); // forgets it
            rig.heard("s");
            rig.cut("s2");
        }
    });
}

#[test]
fn nothing_is_sent_again_while_the_connection_lasts() {
    everywhere(|rig| {
        rig.connect("s", "v5 expiry=60");
        rig.subscribe("s", "t@1");
        rig.tell("s", "publish t a 1#1");
        rig.expect_all("s", &["puback 1", "publish t a 1#1"]);
        rig.pass(3600); // [MQTT-4.4.0-1]
        rig.silent("s");
    });
}

#[test]
fn acknowledgements_that_fit_nothing() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.tell("s", "puback 9"); // no message has it: ignored
        rig.silent("s");
        rig.tell("s", "pubrec 9");
        rig.expect("s", "pubrel 9 92");
        rig.tell("s", "pubcomp 9");
        rig.tell("s", "pubrel 9");
        rig.expect("s", "pubcomp 9 92"); // 4.3.3: so that the client can go on
        rig.subscribe("s", "t@2");
        rig.tell("s", "publish t a 1#1");
        rig.expect_all("s", &["puback 1", "publish t a 1#1"]);
        rig.tell("s", "pubrec 1"); // a QoS 1 message has no PUBREC
        rig.expect("s", "disconnect 82");
        rig.closed("s", EndReason::Violation(Violation::WrongAcknowledgement));
    });
}

#[test]
fn a_refusal_settles_the_message() {
    everywhere(|rig| {
        rig.connect("s", "v5 expiry=60");
        rig.subscribe("s", "t@2");
        rig.tell_all("s", &["publish t a 1#1", "publish t b 2#2"]);
        rig.expect_all("s", &["puback 1", "publish t a 1#1", "pubrec 2", "publish t b 2#2"]);
        rig.tell("s", "puback 1 87");
        rig.tell("s", "pubrec 2 80");
        rig.silent("s"); // no PUBREL: [MQTT-4.4.0-2]
        rig.cut("s");
        rig.dial("s", "v5 clean=0");
        rig.expect("s", "connack 00 present");
        rig.silent("s");
    });
}

#[test]
fn publish_against_the_rules() {
    everywhere(|rig| {
        for (line, code, why) in [
            ("hex 36 07 0001 74 0001 00 00", "81", Malformed::QoSInvalid), // [MQTT-3.3.1-4]
            ("hex 38 05 0001 74 00 00", "81", Malformed::DupWithoutQoS),   // [MQTT-3.3.1-2]
            ("publish a/+ x", "90", Malformed::TopicNameWildcard),         // [MQTT-3.3.2-2]
            ("publish a/# x", "90", Malformed::TopicNameWildcard),
            ("publish - x", "82", Malformed::TopicNameMissing),
            ("hex 32 06 0001 74 0000 00", "82", Malformed::PacketIdZero), // [MQTT-2.2.1-3]
            ("hex 30 06 0003 61 00 62 00", "81", Malformed::NullCharacter), // [MQTT-4.7.3-2]
            ("publish t x resp=a/#", "82", Malformed::ResponseTopicInvalid), // [MQTT-3.3.2-14]
        ] {
            rig.connect("p", "v5");
            rig.tell("p", line);
            rig.expect("p", &format!("disconnect {code}")); // [MQTT-4.13.1-1]
            rig.closed("p", EndReason::Malformed(why));
        }
        rig.connect("p", "v5");
        rig.tell("p", "publish t x sub=1");
        rig.expect("p", "disconnect 82"); // [MQTT-3.3.4-6]
        rig.closed("p", EndReason::Violation(Violation::SubscriptionIdFromClient));
    });
}

#[test]
fn properties_travel_unaltered_and_3_x_does_without() {
    everywhere(|rig| {
        rig.connect("old", "v311");
        rig.connect("new", "v5");
        rig.subscribe("old", "t@1");
        rig.subscribe("new", "t@1");
        let properties = "format=1 ctype=text prop=k:1 resp=answers/here prop=a:2 corr=xyz prop=k:1";
        rig.connect("p", "v5");
        rig.tell("p", &format!("publish t hi 1#1 {properties}"));
        rig.expect("p", "puback 1");
        // [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]
        rig.expect("new", &format!("publish t hi 1#1 {properties}"));
        rig.expect("old", "publish t hi 1#1");
    });
}

#[test]
fn order_of_one_publisher_to_one_subscriber() {
    everywhere_with(
        |config| config.limits.packet_id_max = 5,
        |rig| {
            rig.connect("s", "v5 expiry=60 rm=3");
            rig.subscribe("s", "t@1");
            rig.connect("p", "v5");
            rig.ignore("p");
            let mut heard = Vec::new();
            for n in 1..=40u16 {
                rig.tell("p", &format!("publish t {n} 1#{n}"));
                if n % 3 == 0 {
                    acknowledge_all(rig, &mut heard);
                }
                if n % 11 == 0 {
                    rig.heard("s");
                    rig.cut("s");
                    rig.connect("s", "v5 clean=0 expiry=60 rm=3");
                }
            }
            while heard.last().is_none_or(|last| last != "40") {
                acknowledge_all(rig, &mut heard);
            }
            heard.dedup(); // a re-delivery follows at once
            assert_eq!(heard, (1..=40).map(|n| n.to_string()).collect::<Vec<_>>()); // [MQTT-4.6.0-6]
        },
    );
}

fn acknowledge_all(rig: &mut Rig, heard: &mut Vec<String>) {
    for line in rig.heard("s") {
        let words: Vec<&str> = line.split(' ').collect();
        heard.push(words[2].to_owned());
        rig.tell("s", &format!("puback {}", words[3].trim_start_matches("1#")));
    }
}
