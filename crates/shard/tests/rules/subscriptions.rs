//! SUBSCRIBE and UNSUBSCRIBE (3.8 to 3.11), topics (4.7): who hears what, once.

use crate::common::*;
use martlet_codec::Malformed;

#[test]
fn filters_match_as_they_should() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.connect("p", "v5");
        for (filter, topic, matches) in [
            ("a/b", "a/b", true),
            ("a/b", "a/B", false), // [MQTT-4.7.3-4]
            ("/a", "a", false),    // [MQTT-4.7.1-2]
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("a/#", "a", true), // [MQTT-4.7.1-1]: the parent level too
            ("a/#", "a/b/c", true),
            ("+/+", "/b", true),
            ("#", "a//b", true),
            ("#", "$x/a", false),   // [MQTT-4.7.2-1]
            ("+/a", "$x/a", false), // [MQTT-4.7.2-1]
            ("$x/#", "$x/a", true),
            ("$x/+", "$x/a", true),
        ] {
            rig.subscribe("s", filter);
            rig.tell("p", &format!("publish {topic} x"));
            let line = format!("publish {topic} x");
            assert_eq!(rig.heard("s"), if matches { vec![line] } else { vec![] }, "{filter} {topic}");
            rig.tell("s", &format!("unsubscribe 1 {filter}"));
            rig.expect("s", "unsuback 1 00");
        }
        assert_eq!(rig.counters().subscriptions, 0);
    });
}

#[test]
fn many_filters_at_once_each_with_its_answer() {
    everywhere_with(
        |config| config.subscriptions_max = 3,
        |rig| {
            for (version, answer) in [("v5", "suback 7 00 01 02 97"), ("v311", "suback 7 00 01 02 80")] {
                rig.connect("s", version);
                rig.tell("s", "subscribe 7 a@0 b@1 c@2 d@2"); // [MQTT-3.8.4-1] [MQTT-3.8.4-6] [MQTT-3.9.3-1]
                rig.expect("s", answer); // [MQTT-3.8.4-2] [MQTT-3.8.4-7]
                rig.tell("s", "subscribe 8 b@0"); // not one more
                rig.expect("s", "suback 8 00");
                rig.tell("s", "unsubscribe 9 a x b"); // [MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT-3.11.3-2]
                rig.expect("s", if version == "v5" { "unsuback 9 00 11 00" } else { "unsuback 9" });
                assert_eq!(rig.counters().subscriptions, 1);
                rig.cut("s");
                assert_eq!(rig.counters().subscriptions, 0);
            }
        },
    );
}

#[test]
fn subscribe_against_the_rules() {
    everywhere(|rig| {
        for (line, code, why) in [
            ("hex 80 07 0001 00 0001 74 00", "81", Malformed::ReservedFlags), // [MQTT-3.8.1-1]
            ("hex 82 03 0001 00", "82", Malformed::SubscribeEmpty),           // [MQTT-3.8.3-2]
            ("hex 82 07 0000 00 0001 74 00", "82", Malformed::PacketIdZero),  // [MQTT-2.2.1-3]
            ("hex 82 07 0001 00 0001 74 40", "81", Malformed::SubscriptionOptionsReserved), // [MQTT-3.8.3-5]
            ("hex 82 07 0001 00 0001 74 03", "82", Malformed::SubscriptionQoSInvalid),
            ("hex 82 07 0001 00 0001 74 30", "82", Malformed::RetainHandlingInvalid),
            ("subscribe 1 a#", "8f", Malformed::MultiLevelWildcardNotLast),
            ("subscribe 1 #/a", "8f", Malformed::MultiLevelWildcardNotLast), // [MQTT-4.7.1-1]
            ("subscribe 1 a+", "8f", Malformed::SingleLevelWildcardNotAlone), // [MQTT-4.7.1-2]
            ("subscribe 1 $share/g/t@1n", "82", Malformed::NoLocalOnShared), // [MQTT-3.8.3-4]
            ("subscribe 1 $share//t", "8f", Malformed::ShareNameEmpty),      // [MQTT-4.8.2-1]
            ("subscribe 1 $share/+/t", "8f", Malformed::ShareNameWildcard),  // [MQTT-4.8.2-2]
            ("subscribe 1 t sub=0", "82", Malformed::SubscriptionIdentifierInvalid),
            ("hex a0 06 0001 00 0001 74", "81", Malformed::ReservedFlags), // [MQTT-3.10.1-1]
            ("hex a2 03 0001 00", "82", Malformed::UnsubscribeEmpty),      // [MQTT-3.10.3-2]
        ] {
            rig.connect("s", "v5");
            rig.tell("s", line);
            rig.expect("s", &format!("disconnect {code}"));
            rig.closed("s", EndReason::Malformed(why));
        }
    });
}

#[test]
fn overlapping_filters_are_one_delivery() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "a/#@0 sub=1");
        rig.subscribe("s", "a/+@2 sub=2");
        rig.subscribe("s", "a/b@1");
        rig.subscribe("s", "#@1p sub=200000");
        rig.connect("o", "v311");
        rig.subscribe("o", "a/#@0");
        rig.subscribe("o", "a/+@1");
        rig.connect("p", "v5");
        rig.tell("p", "publish a/b x 2#1 retain");
        rig.expect("p", "pubrec 1");
        let heard = rig.heard("s");
        let [line] = &heard[..] else { panic!("{heard:?}") };
        assert!(line.starts_with("publish a/b x 2#1 retain"), "{line}"); // [MQTT-3.3.4-2]
        let mut ids: Vec<&str> = line.split(' ').filter_map(|word| word.strip_prefix("sub=")).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["1", "2", "200000"]); // [MQTT-3.3.4-3] [MQTT-3.3.4-4]
        rig.expect("o", "publish a/b x 1#1"); // [3.1.1 MQTT-3.3.5-1]
    });
}

#[test]
fn a_subscription_is_replaced() {
    everywhere(|rig| {
        rig.connect("s", "v5 expiry=60");
        rig.subscribe("s", "t@2 sub=1");
        rig.subscribe("s", "t@0 sub=2"); // [MQTT-3.8.4-3]
        rig.connect("p", "v5");
        rig.tell("p", "publish t a 1#1");
        rig.expect("p", "puback 1");
        rig.expect_all("s", &["publish t a sub=2"]);
        rig.subscribe("s", "t@1");
        rig.cut("s");
        rig.tell("p", "publish t b 1#1");
        rig.expect("p", "puback 1");
        rig.connect("s", "v5 clean=0"); // subscriptions outlive the connection
        rig.expect_all("s", &["publish t b 1#1"]);
        assert_eq!(rig.counters().subscriptions, 1);
    });
}

#[test]
fn no_local_and_retain_as_published() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "one@0n");
        rig.subscribe("s", "two@0p");
        rig.subscribe("s", "three@0");
        rig.connect("p", "v5");
        for name in ["s", "p"] {
            for topic in ["one", "two", "three"] {
                rig.tell(name, &format!("publish {topic} {name} retain"));
            }
        }
        // [MQTT-3.8.3-3] [MQTT-3.3.1-12] [MQTT-3.3.1-13]
        let heard = [
            "publish two s retain",
            "publish three s",
            "publish one p",
            "publish two p retain",
            "publish three p",
        ];
        rig.expect_all("s", &heard);
    });
}

#[test]
fn a_bridge_of_mosquittos_keeps_retain_and_does_not_hear_itself() {
    everywhere(|rig| {
        rig.open("b", "v311");
        let mut connect = words::connect("b", "v311");
        connect[8] |= 0x80;
        rig.write("b", &connect);
        rig.expect("b", "connack 00");
        rig.subscribe("b", "#@0");
        rig.tell("b", "publish t mine");
        rig.connect("p", "v5");
        rig.tell("p", "publish t other retain");
        rig.expect_all("b", &["publish t other retain"]);
    });
}

#[test]
fn unsubscribing_while_messages_are_in_flight() {
    everywhere(|rig| {
        rig.connect("s", "v5 rm=1");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.tell_all("p", &["publish t a 2#1", "publish t b 2#2"]);
        rig.expect("s", "publish t a 2#1");
        rig.tell("s", "unsubscribe 1 t");
        rig.expect("s", "unsuback 1 00"); // [MQTT-3.10.4-5]
        rig.tell("p", "publish t c 2#3"); // [MQTT-3.10.4-2]
        rig.tell("s", "pubrec 1");
        rig.expect("s", "pubrel 1"); // [MQTT-3.10.4-3]
        rig.tell("s", "pubcomp 1");
        rig.expect_all("s", &["publish t b 2#2"]); // it was accepted before
    });
}

#[test]
fn levels_without_end() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        let deep = "a/".repeat(20_000);
        rig.tell("s", &format!("subscribe 1 {deep}#"));
        rig.expect("s", "suback 1 8f"); // a bound of ours: wildcards only within so many levels
        rig.tell("s", &format!("subscribe 2 {deep}"));
        rig.expect("s", "suback 2 00");
        rig.subscribe("s", "#");
        rig.tell("s", &format!("publish {deep} x"));
        assert_eq!(rig.heard("s").len(), 1);
    });
}

#[test]
fn sys_is_the_brokers_own() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "$SYS/#");
        rig.tell("s", "publish $SYS/broker/version mine 1#1");
        rig.expect_all("s", &["puback 1 87"]);
        rig.tell("s", "publish $SYS/x mine 2#2");
        rig.expect("s", "pubrec 2 87");
        rig.tell("s", "pubrel 2");
        rig.expect("s", "pubcomp 2 92"); // [MQTT-4.3.3-9]: the refusal ended it
        rig.connect("o", "v311");
        rig.tell("o", "publish $SYS/x mine 1#1"); // 3.x cannot be told
        rig.expect("o", "puback 1");
        rig.silent("s");
    });
}

#[test]
fn many_filters_with_the_same_beginning_or_end_are_not_mistaken_for_one_another() {
    let rig = &mut Rig::new(1);
    rig.connect("s", "v5");
    rig.connect("p", "v5");
    for n in 1..=1000 {
        rig.subscribe("s", &format!("+/{n} sub={n}"));
        rig.subscribe("s", &format!("{n}/+/end sub={n}"));
    }
    for n in 1..=1000 {
        rig.tell("p", &format!("publish x/{n} y"));
        rig.expect("s", &format!("publish x/{n} y sub={n}"));
        rig.tell("p", &format!("publish {n}/x/end y"));
        rig.expect("s", &format!("publish {n}/x/end y sub={n}"));
    }
    for n in 1..=1000 {
        rig.tell("s", &format!("unsubscribe 1 +/{n}"));
        rig.expect("s", "unsuback 1 00");
        rig.tell("p", &format!("publish x/{n} y"));
        rig.tell("p", &format!("publish {n}/x/end y"));
        rig.expect("s", &format!("publish {n}/x/end y sub={n}"));
    }
}
