//! SUBSCRIBE, UNSUBSCRIBE and topics of 3.1.1 (3.8 to 3.12, 4.7): who asks for what, and what matches.

use super::closes;
use crate::common::*;
use martlet_codec::Malformed;

#[test]
fn what_subscribe_and_unsubscribe_must_not_be() {
    use Malformed::*;
    everywhere(|rig| {
        for (packet, why) in [
            ("82 06 0000 0001 74 00", PacketIdZero), // [3.1.1 MQTT-2.3.1-1]
            ("82 06 0001 0001 ff 00", Utf8),         // [3.1.1 MQTT-3.8.3-1]
            ("82 02 0001", SubscribeEmpty),          // [3.1.1 MQTT-3.8.3-3]
            ("82 05 0001 0001 74", Truncated),       // [3.1.1 MQTT-3.8.3-3]
            ("82 06 0001 0001 74 03", SubscriptionQoSInvalid), // [3.1.1 MQTT-3.8.3-4]
            ("82 06 0001 0001 74 04", SubscriptionOptionsReserved), // [3.1.1 MQTT-3.8.3-4]
            ("82 06 0001 0001 74 80", SubscriptionOptionsReserved), // [3.1.1 MQTT-3.8.3-4]
            ("82 09 0001 0004 612f2361 00", MultiLevelWildcardNotLast), // [3.1.1 MQTT-4.7.1-2]
            ("82 08 0001 0003 232f61 00", MultiLevelWildcardNotLast), // [3.1.1 MQTT-4.7.1-2]
            ("82 07 0001 0002 612b 00", SingleLevelWildcardNotAlone), // [3.1.1 MQTT-4.7.1-3]
            ("82 05 0001 0000 00", TopicFilterEmpty), // [3.1.1 MQTT-4.7.3-1]
            ("82 07 0001 0002 7400 00", NullCharacter), // [3.1.1 MQTT-4.7.3-2]
            ("a2 05 0000 0001 74", PacketIdZero),    // [3.1.1 MQTT-2.3.1-1]
            ("a2 05 0001 0001 ff", Utf8),            // [3.1.1 MQTT-3.10.3-1]
            ("a2 02 0001", UnsubscribeEmpty),        // [3.1.1 MQTT-3.10.3-2]
        ] {
            closes(rig, packet, why); // [3.1.1 MQTT-4.8.0-1]
        }
        assert_eq!(rig.counters().subscriptions, 0);
    });
}

#[test]
fn one_answer_for_all_filters_in_their_order() {
    everywhere_with(
        |config| config.subscriptions_max = 3,
        |rig| {
            rig.connect("s", "v311");
            rig.tell("s", "subscribe 513 c@2 a@0 b@1 d@1");
            // [3.1.1 MQTT-2.3.1-7] [3.1.1 MQTT-3.8.4-1] [3.1.1 MQTT-3.8.4-2] [3.1.1 MQTT-3.8.4-4]
            // [3.1.1 MQTT-3.8.4-5] [3.1.1 MQTT-3.9.3-1] [3.1.1 MQTT-3.9.3-2]
            rig.expect_all("s", &["suback 513 02 00 01 80"]);
            for topic in ["a", "b", "c", "d"] {
                rig.tell("s", &format!("publish {topic} x"));
            }
            rig.expect_all("s", &["publish a x", "publish b x", "publish c x"]); // [3.1.1 MQTT-3.8.4-4]
            rig.tell("s", "unsubscribe 514 c none a");
            // [3.1.1 MQTT-2.3.1-7] [3.1.1 MQTT-3.10.4-4] [3.1.1 MQTT-3.10.4-6]
            rig.expect_all("s", &["unsuback 514"]);
            for topic in ["a", "b", "c"] {
                rig.tell("s", &format!("publish {topic} x"));
            }
            rig.expect_all("s", &["publish b x"]); // [3.1.1 MQTT-3.10.4-2] [3.1.1 MQTT-3.10.4-6]
            rig.tell("s", "unsubscribe 515 none");
            rig.expect("s", "unsuback 515"); // [3.1.1 MQTT-3.10.4-5]
        },
    );
}

#[test]
fn an_identical_filter_replaces_the_subscription() {
    everywhere(|rig| {
        rig.connect("p", "v311");
        rig.ignore("p");
        rig.tell("p", "publish t kept 1#1 retain");
        rig.connect("s", "v311");
        rig.subscribe("s", "t@1");
        rig.expect("s", "publish t kept 1#1 retain");
        rig.tell("p", "publish t flying 1#2");
        rig.expect("s", "publish t flying 1#2");
        rig.tell("s", "subscribe 2 t@0");
        rig.expect_all("s", &["suback 2 00", "publish t kept retain"]); // [3.1.1 MQTT-3.8.4-3]
        rig.tell_all("s", &["puback 1", "puback 2"]); // what was in flight goes on
        rig.tell("p", "publish t new 1#3");
        rig.expect_all("s", &["publish t new"]); // [3.1.1 MQTT-3.8.4-3]
        assert_eq!((rig.counters().subscriptions, rig.counters().in_flight), (1, 0));
    });
}

#[test]
fn unsubscribing_compares_filters_character_by_character() {
    everywhere(|rig| {
        rig.connect("s", "v311");
        rig.tell("s", "subscribe 1 a/+ a/b b/#");
        rig.expect("s", "suback 1 00 00 00");
        for (filter, left) in [("a/+/", 3), ("A/b", 3), ("a/#", 3), ("+/b", 3), ("a/b", 2), ("a/+", 1)] {
            rig.tell("s", &format!("unsubscribe 2 {filter}"));
            rig.expect("s", "unsuback 2");
            assert_eq!(rig.counters().subscriptions, left, "{filter}"); // [3.1.1 MQTT-3.10.4-1]
        }
        rig.tell_all("s", &["publish a/b x", "publish b/c x"]);
        rig.expect_all("s", &["publish b/c x"]);
    });
}

#[test]
fn what_was_begun_is_completed_after_unsubscribing() {
    everywhere(|rig| {
        rig.connect("s", "v311 clean=0");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v311");
        rig.ignore("p");
        rig.tell_all("p", &["publish t a 1#1", "publish t b 2#2"]);
        rig.expect_all("s", &["publish t a 1#1", "publish t b 2#2"]);
        rig.tell("s", "unsubscribe 1 t");
        rig.expect("s", "unsuback 1");
        rig.tell("p", "publish t c 1#3");
        rig.silent("s"); // [3.1.1 MQTT-3.10.4-2]
        rig.cut("s");
        rig.connect("s", "v311 clean=0");
        rig.expect_all("s", &["publish t a 1#1 dup", "publish t b 2#2 dup"]); // [3.1.1 MQTT-3.10.4-3]
        rig.tell_all("s", &["puback 1", "pubrec 2"]);
        rig.expect("s", "pubrel 2"); // [3.1.1 MQTT-3.10.4-3]
    });
}

#[test]
fn filters_match_topics_as_they_are_written() {
    everywhere(|rig| {
        rig.connect("s", "v311");
        for (filter, topic, matches) in [
            ("a/b", "a/b", true),
            ("a/b", "A/b", false),            // [3.1.1 MQTT-4.7.3-4]
            ("/a", "a", false),               // [3.1.1 MQTT-4.7.3-4]
            ("a", "a/", false),               // [3.1.1 MQTT-4.7.3-4]
            ("\u{e9}", "e\u{301}", false),    // [3.1.1 MQTT-4.7.3-4]: no Unicode normalisation
            ("t", "\u{feff}t", false),        // [3.1.1 MQTT-1.5.3-3]
            ("\u{feff}t", "\u{feff}t", true), // [3.1.1 MQTT-1.5.3-3]
            ("a/#", "a", true),               // [3.1.1 MQTT-4.7.1-2]
            ("a/#", "a/b/c", true),           // [3.1.1 MQTT-4.7.1-2]
            ("a/#", "ab", false),
            ("+/b", "a/b", true), // [3.1.1 MQTT-4.7.1-3]
            ("a/+", "a", false),
            ("a/+", "a/b/c", false),
            ("+", "/", false),
            ("+/+", "/", true),
            ("#", "$own/a", false),   // [3.1.1 MQTT-4.7.2-1]
            ("+/a", "$own/a", false), // [3.1.1 MQTT-4.7.2-1]
            ("$own/#", "$own/a", true),
        ] {
            rig.subscribe("s", filter);
            rig.tell("s", &format!("publish {topic} x"));
            let line = format!("publish {topic} x");
            assert_eq!(rig.heard("s"), if matches { vec![line] } else { vec![] }, "{filter} {topic}");
            rig.tell("s", &format!("unsubscribe 1 {filter}"));
            rig.expect("s", "unsuback 1");
        }
    });
}

#[test]
fn the_longest_topic() {
    everywhere(|rig| {
        rig.connect("s", "v311");
        let longest = "t".repeat(65_535);
        rig.subscribe("s", &longest);
        rig.tell("s", &format!("publish {longest} x"));
        assert_eq!(rig.heard("s"), [format!("publish {longest} x")]); // [3.1.1 MQTT-4.7.3-3]
    });
}

#[test]
fn ping_is_answered() {
    everywhere(|rig| {
        rig.connect("c", "v311");
        rig.tell("c", "ping");
        rig.expect("c", "pingresp"); // [3.1.1 MQTT-3.12.4-1]
    });
}
