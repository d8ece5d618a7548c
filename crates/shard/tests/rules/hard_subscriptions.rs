//! Hard cases of subscriptions and topics (3.8, 3.10, 4.8.2, 3.3.2.3.4): malformed shares, several copies, aliases in
//! packets that are refused.

use crate::common::*;
use martlet_codec::Malformed;

#[test]
fn malformed_shares() {
    everywhere(|rig| {
        for (filter, why) in [
            ("$share/", Malformed::ShareNameEmpty), // [MQTT-4.8.2-1]
            ("$share//", Malformed::ShareNameEmpty),
            ("$share/g", Malformed::ShareFilterMissing), // [MQTT-4.8.2-2]
            ("$share/g/", Malformed::ShareFilterMissing),
            ("$share/g+/t", Malformed::ShareNameWildcard),
            ("$share/#/t", Malformed::ShareNameWildcard),
            ("$share/g/$share/h/t", Malformed::ShareNested),
        ] {
            rig.connect("s", "v5");
            rig.tell("s", &format!("subscribe 1 {filter}"));
            rig.expect("s", "disconnect 8f");
            rig.closed("s", EndReason::Malformed(why));
        }
    });
}

#[test]
fn a_shared_and_a_plain_subscription_are_two_copies() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "t@0 sub=1");
        rig.subscribe("s", "$share/g/t@0 sub=2");
        rig.connect("p", "v5");
        rig.tell("p", "publish t x");
        let mut heard = rig.heard("s");
        heard.sort_unstable();
        assert_eq!(heard, ["publish t x sub=1", "publish t x sub=2"]); // [MQTT-3.3.4-5]
    });
}

#[test]
fn what_a_member_refuses_goes_to_no_other() {
    everywhere(|rig| {
        for name in ["a", "b"] {
            rig.connect(name, "v5");
            rig.subscribe(name, "$share/g/t@1");
        }
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.tell("p", "publish t x 1#1");
        let has = if rig.client("a").heard.is_empty() { "b" } else { "a" };
        rig.expect(has, "publish t x 1#1");
        rig.tell(has, "puback 1 80"); // [MQTT-4.8.2-6]
        rig.cut(has);
        rig.silent("a");
        rig.silent("b");
    });
}

#[test]
fn a_topic_filter_is_removed_by_its_own_characters() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "a/+");
        rig.tell("s", "unsubscribe 1 a/# a/b A/+ a/+/ a/+");
        rig.expect("s", "unsuback 1 11 11 11 11 00"); // [MQTT-3.10.4-1] [MQTT-3.11.3-1]
    });
}

#[test]
fn an_alias_is_learned_from_a_message_that_is_refused() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.tell_all("p", &["publish $SYS/x y 1#1 alias=1", "publish - z 1#2 alias=1"]);
        rig.expect_all("p", &["puback 1 87", "puback 2 87"]); // [MQTT-3.3.2-12]
        rig.subscribe("p", "t");
        rig.tell_all("p", &["publish t a alias=1", "publish - b alias=1"]);
        rig.expect_all("p", &["publish t a", "publish t b"]); // re-mapped
    });
}

#[test]
fn several_filters_are_several_subscribes() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.tell_all("p", &["publish a x retain", "publish b y retain"]);
        for lines in
            [&["subscribe 9 a@0 b@1 a@2"][..], &["subscribe 1 a@0", "subscribe 2 b@1", "subscribe 3 a@2"]]
        {
            rig.connect("s", "v5");
            lines.iter().for_each(|line| rig.tell("s", line));
            let mut heard = rig.heard("s");
            let subacks = heard.iter().filter(|line| line.starts_with("suback")).count();
            assert_eq!(subacks, lines.len()); // [MQTT-3.8.4-5]
            heard.retain(|line| line.starts_with("publish"));
            heard.sort_unstable();
            assert_eq!(heard, ["publish a x retain", "publish a x retain", "publish b y retain"]);
            rig.tell("p", "publish a z 2#1");
            rig.expect("p", "pubrec 1");
            rig.tell("p", "pubrel 1");
            rig.expect("p", "pubcomp 1");
            rig.expect_all("s", &["publish a z 2#1"]);
            rig.tell("p", "publish c z");
            rig.silent("s"); // [MQTT-3.3.2-3]
            rig.cut("s");
        }
    });
}
