//! Control characters in topics, client ids and user names: accepted, or refused where the listener says so. A client
//! whose line has the word `plain` came by such a listener.

use crate::common::*;
use martlet_protocol::{ClientText, Violation};

/// The first and last of both ranges, and what a terminal takes for commands.
const BAD: [&str; 6] = ["\u{1}", "\u{1b}[2J", "\u{1f}", "\u{7f}", "\u{80}", "\u{9f}"];
/// What stands beside them, and characters that are invisible but control nothing.
const GOOD: [&str; 5] = ["!", "~", "\u{a1}", "\u{200b}", "\u{feff}"];

const VERSIONS: [&str; 3] = ["v31", "v311", "v5"];

fn refused(which: ClientText) -> EndReason {
    EndReason::Violation(Violation::ControlCharacter(which))
}

#[test]
fn they_are_accepted_by_default() {
    everywhere(|rig| {
        for version in VERSIONS {
            for text in BAD.into_iter().chain(GOOD) {
                let topic = format!("a{text}/b");
                rig.connect("c", &format!("{version} id=c{text} user=u{text} will=w/{text},bye"));
                rig.subscribe("c", &topic);
                rig.subscribe("c", "w/+");
                rig.tell("c", &format!("publish {topic} hi"));
                rig.expect("c", &format!("publish {topic} hi"));
                rig.tell("c", "disconnect");
            }
        }
    });
}

#[test]
fn what_has_none_is_accepted_by_a_listener_that_refuses_them() {
    everywhere(|rig| {
        for version in VERSIONS {
            for text in GOOD {
                let topic = format!("a{text}/b");
                rig.connect("c", &format!("{version} plain id=c{text} user=u{text} will=w/{text},bye"));
                rig.subscribe("c", &topic);
                for id in 1..=3 {
                    rig.tell("c", &format!("publish {topic} \u{1b}[2J 1#{id}")); // a payload is anything
                    let mut heard = rig.heard("c");
                    heard.sort();
                    assert_eq!(heard, [format!("puback {id}"), format!("publish {topic} \u{1b}[2J")]);
                }
                rig.tell("c", "disconnect");
            }
        }
    });
}

#[test]
fn connect_is_refused() {
    everywhere(|rig| {
        for text in BAD {
            for (line, which, v5, v3) in [
                (format!("id=c{text}"), ClientText::ClientId, "connack 85", Some("connack 85")),
                (format!("user=u{text}"), ClientText::UserName, "connack 86", Some("connack 86")),
                (format!("will=w/{text}/x,bye"), ClientText::Topic, "connack 90", None),
            ] {
                for version in VERSIONS {
                    rig.dial("c", &format!("{version} plain {line}"));
                    let answer = if version == "v5" { Some(v5) } else { v3 };
                    let heard = rig.heard("c");
                    assert_eq!(heard, answer.into_iter().collect::<Vec<_>>(), "{version} {line:?}");
                    rig.closed("c", refused(which));
                }
            }
        }
        rig.dial("c", "v5 plain will=w,bye will.resp=a\u{1b}");
        rig.expect("c", "connack 90");
        rig.closed("c", refused(ClientText::Topic));
        assert_eq!(rig.counters().clients(), 0);
    });
}

#[test]
fn a_message_is_refused_and_its_publisher_is_told() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "#@2");
        for (text, number) in BAD.into_iter().zip(1..) {
            rig.connect("p", "v5 plain");
            for id in 1..=3 {
                rig.tell("p", &format!("publish t/{text} hi 1#{id} retain")); // the same topic again, too
                rig.expect("p", &format!("puback {id} 90"));
            }
            rig.tell("p", &format!("publish t/{text} hi 2#4"));
            rig.expect("p", "pubrec 4 90");
            rig.tell("p", "publish t/ok hi 1#5");
            rig.expect("p", "puback 5");
            rig.expect("w", &format!("publish t/ok hi 1#{number}"));
            rig.tell("w", &format!("puback {number}"));
            rig.tell("p", &format!("publish t/ok hi 1#6 resp=a{text}"));
            rig.expect("p", "puback 6 90");
            rig.tell("p", &format!("publish t/{text} hi")); // QoS 0 has no acknowledgement
            rig.expect("p", "disconnect 90");
            rig.closed("p", refused(ClientText::Topic));
            for version in ["v31", "v311"] {
                for qos in ["", " 1#1", " 2#1"] {
                    rig.connect("p", &format!("{version} plain"));
                    rig.tell("p", &format!("publish t/{text} hi{qos}"));
                    rig.closed("p", refused(ClientText::Topic)); // 3.x has no other way
                }
            }
            rig.silent("w");
        }
        assert_eq!(rig.counters().retained, 0);
    });
}

#[test]
fn an_alias_does_not_hide_them() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "#");
        rig.connect("p", "v5 plain");
        rig.tell_all("p", &["publish t/\u{1b} a 1#1 alias=1", "publish t/ok b 1#2 alias=2"]);
        rig.tell_all("p", &["publish - c 1#3 alias=1", "publish - d 1#4 alias=2", "publish - e 1#5 alias=1"]);
        rig.expect_all("p", &["puback 1 90", "puback 2", "puback 3 90", "puback 4", "puback 5 90"]);
        rig.expect_all("w", &["publish t/ok b", "publish t/ok d"]);
    });
}

#[test]
fn a_subscription_is_refused_and_the_others_are_not() {
    everywhere(|rig| {
        for text in BAD {
            for (version, failure) in [("v31", "80"), ("v311", "80"), ("v5", "8f")] {
                rig.connect("s", &format!("{version} plain"));
                let share = format!("$share/g{text}/t@1");
                rig.tell("s", &format!("subscribe 1 a@1 b/{text}@1 +/{text}/#@0 {share} c@2"));
                rig.expect("s", &format!("suback 1 01 {failure} {failure} {failure} 02"));
                assert_eq!(rig.counters().subscriptions, 2);
                rig.tell("s", &format!("unsubscribe 2 b/{text}"));
                rig.expect("s", if version == "v5" { "unsuback 2 11" } else { "unsuback 2" });
                rig.tell("s", "disconnect");
            }
        }
    });
}

/// What came by another listener is delivered: subscribers chose their filters themselves.
#[test]
fn a_subscriber_hears_what_others_may_say() {
    everywhere(|rig| {
        rig.connect("s", "v5 plain");
        rig.subscribe("s", "#");
        rig.connect("p", "v5");
        rig.tell("p", "publish t/\u{1b} hi");
        rig.expect("s", "publish t/\u{1b} hi");
    });
}

/// A session that was made by one listener is held to the rules of the one by which its client comes back.
#[test]
fn the_connection_counts_not_the_session() {
    everywhere(|rig| {
        rig.connect("c", "v311 clean=0");
        rig.tell("c", "publish t/\u{1b} hi 1#1");
        rig.expect("c", "puback 1");
        rig.tell("c", "disconnect");
        rig.dial("c", "v311 clean=0 plain");
        rig.expect("c", "connack 00 present");
        rig.tell("c", "publish t/\u{1b} hi 1#1");
        rig.closed("c", refused(ClientText::Topic));
    });
}
