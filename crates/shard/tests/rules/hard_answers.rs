//! Hard cases of what the server answers (3.1.2.11, 3.2, 3.4 to 3.15): which packets, how many, how large; compared
//! byte by byte where a property too much would be the fault.

use crate::common::words::{self, hex};
use crate::common::*;
use martlet_codec::ReasonCode;
use martlet_protocol::Violation;

/// A client whose answers stay in the server's output.
fn deafen(rig: &mut Rig, name: &str) {
    rig.silent(name);
    rig.limit_reading(name, 0);
}

/// The answers that a deafened client has not read.
fn wire(rig: &mut Rig, name: &str) -> Vec<u8> {
    let (shard, id) = rig.client(name).at.unwrap();
    let bytes = rig.shards[shard].output(id).flatten().copied().collect();
    rig.limit_reading(name, usize::MAX);
    rig.heard(name);
    bytes
}

/// What a client says, and the bytes that answer, with nothing in them that could be left out.
const ANSWERS: [(&str, &str); 9] = [
    ("publish nobody/here x 1#258", "40 03 0102 10"), // [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-2.2.1-5]
    ("publish $SYS/x y 1#1", "40 03 0001 87"),
    ("publish $SYS/x y 2#2", "50 03 0002 87"), // [MQTT-3.5.2-2] [MQTT-3.5.2-3]
    ("pubrec 9", "62 03 0009 92"),             // [MQTT-3.6.2-2] [MQTT-3.6.2-3]
    ("pubrel 772", "70 03 0304 92"),           // [MQTT-3.7.2-2] [MQTT-3.7.2-3]
    ("subscribe 515 a@0 b@1", "90 05 0203 00 00 97"), // [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-2.2.2-1]
    ("unsubscribe 1030 x a", "b0 05 0406 00 11 00"), // [MQTT-3.11.2-1] [MQTT-3.11.2-2] [MQTT-3.11.3-1]
    ("subscribe 65535 a@2", "90 04 ffff 00 02"), // [MQTT-2.2.1-6]
    ("ping", "d0 00"),
];

#[test]
fn answers_say_no_more_than_a_client_takes() {
    everywhere_with(
        |config| config.subscriptions_max = 1,
        |rig| {
            // CONNACK has 16 bytes: none of the others may be larger than that.
            for connect in ["v5 max=16", "v5 problem=0", "v5"] {
                rig.connect("c", connect);
                for (line, answer) in ANSWERS {
                    deafen(rig, "c");
                    rig.tell("c", line);
                    assert_eq!(wire(rig, "c"), hex(answer), "{connect}: {line}"); // [MQTT-3.1.2-29]
                }
                rig.cut("c");
            }
        },
    );
}

#[test]
fn problem_information_is_where_it_may_be_although_it_was_declined() {
    everywhere(|rig| {
        rig.connect("s", "v5 problem=0");
        rig.subscribe("s", "t@1");
        rig.tell("s", "publish t x prop=k:v");
        rig.expect("s", "publish t x prop=k:v"); // [MQTT-3.1.2-29]
        let before = rig.client("s").received;
        rig.write("s", &words::connect("s", "v5"));
        rig.expect("s", "disconnect 82");
        assert!(rig.client("s").received > before + 3, "DISCONNECT may say why");
        rig.closed("s", EndReason::Violation(Violation::SecondConnect));
    });
}

#[test]
fn disconnect_drops_its_words_first_and_then_itself() {
    for (max, wire) in [(200, true), (16, false)] {
        let mut rig = Rig::new(1);
        rig.connect("c", &format!("v5 max={max}"));
        let before = rig.client("c").received;
        rig.write("c", &words::connect("c", "v5"));
        rig.expect("c", "disconnect 82");
        let said = rig.client("c").received - before;
        assert_eq!(said > 3, wire, "{said} bytes for one who takes {max}"); // [MQTT-3.14.2-3] [MQTT-3.14.2-4]
        assert!(said <= max);
    }
}

#[test]
fn a_refusal_drops_its_words_for_a_client_that_takes_few_bytes() {
    everywhere(|rig| {
        for (max, words) in [(100, true), (16, false)] {
            rig.dial("c", &format!("v5 ask method=S max={max}"));
            rig.asked("c");
            rig.answer("c", Verdict::Continue { data: b"?"[..].into() });
            rig.expect("c", "auth 18 method=S data=?");
            let before = rig.client("c").received;
            rig.tell("c", "auth 18 method=other data=!");
            rig.expect("c", "connack 82");
            let said = rig.client("c").received - before;
            assert_eq!(said > 5, words); // [MQTT-3.2.2-19]
            assert!(said <= max);
            rig.closed("c", EndReason::Violation(Violation::AuthMethodChanged));
        }
    });
}

#[test]
fn a_connect_that_is_wrong_says_how_many_bytes_its_refusal_may_have() {
    for (max, words) in [(100, true), (16, false)] {
        let mut rig = Rig::new(1);
        rig.open("c", "v5");
        let before = rig.client("c").received;
        let mut connect = words::connect("c", &format!("v5 max={max} will=t,x"));
        let topic = connect.len() - 4; // of one byte, with the payload and its length behind
        connect[topic] = b'+';
        rig.write("c", &connect);
        rig.expect("c", "connack 90");
        let said = rig.client("c").received - before;
        assert_eq!(said > 5, words, "{said} bytes for one who takes {max}"); // [MQTT-3.2.2-19]
        assert!(said <= max); // [MQTT-3.1.2-24]
    }
}

#[test]
fn a_connack_that_a_client_does_not_take_is_not_sent() {
    everywhere(|rig| {
        rig.dial("c", "v5 max=15"); // it needs 16 bytes, and has nothing to leave out
        rig.silent("c"); // [MQTT-3.1.2-24]
        assert!(!rig.is_open("c"));
    });
}

#[test]
fn auth_says_what_it_must() {
    everywhere(|rig| {
        rig.dial("c", "v5 method=S max=30");
        rig.asked("c");
        deafen(rig, "c");
        rig.answer("c", Verdict::Continue { data: b"?"[..].into() });
        assert_eq!(wire(rig, "c"), hex("f0 0a 18 08 15 0001 53 16 0001 3f")); // [MQTT-3.15.2-2] [MQTT-3.15.2-3]
        rig.tell("c", "auth 18 method=S data=!");
        rig.asked("c");
        rig.answer("c", Verdict::Accept { data: None });
        rig.expect("c", "connack 00 method=S");
    });
}

#[test]
fn a_refusal_is_the_last_word() {
    everywhere(|rig| {
        for (reason, code) in [
            (ReasonCode::ClientIdentifierNotValid, "85"), // [MQTT-3.1.3-8]
            (ReasonCode::BadUserNameOrPassword, "86"),
            (ReasonCode::NotAuthorized, "87"), // [MQTT-3.1.4-2]
            (ReasonCode::Banned, "8a"),
        ] {
            for connect in ["v5 ask", "v5 ask method=S"] {
                rig.dial("c", connect);
                rig.asked("c");
                rig.answer("c", Verdict::Refuse(reason));
                rig.expect("c", &format!("connack {code}")); // [MQTT-3.2.2-8] [MQTT-4.12.0-4]
                rig.closed("c", EndReason::Refused(reason)); // [MQTT-3.2.2-7]
            }
        }
    });
}

#[test]
fn who_names_no_method_hears_of_none() {
    everywhere(|rig| {
        rig.dial("c", "v5 ask user=u");
        rig.asked("c");
        rig.answer("c", Verdict::Continue { data: b"?"[..].into() }); // a mistake of the authenticator's
        rig.expect("c", "connack 87"); // [MQTT-4.12.0-6]
        rig.closed("c", EndReason::Refused(ReasonCode::NotAuthorized));
        rig.dial("d", "v5 ask user=u");
        rig.asked("d");
        rig.answer("d", Verdict::Accept { data: Some(b"!"[..].into()) });
        rig.expect("d", "connack 00"); // nor of data
    });
}

#[test]
fn one_connack_and_no_response_information() {
    everywhere(|rig| {
        for connect in ["v5 respinfo=0 method=S", "v5 method=S"] {
            rig.dial("c", connect);
            rig.asked("c");
            rig.answer("c", Verdict::Accept { data: None });
            rig.expect_all("c", &["connack 00 method=S"]); // [MQTT-3.1.2-28]
            rig.tell("c", "auth 19 method=S");
            rig.asked("c");
            rig.answer("c", Verdict::Accept { data: None });
            rig.expect_all("c", &["auth 00 method=S"]); // [MQTT-3.2.0-2]
            rig.cut("c");
        }
    });
}

#[test]
fn no_disconnect_before_connack() {
    everywhere(|rig| {
        rig.open("c", "v5");
        rig.open("d", "v5 ask");
        rig.write("d", &words::connect("d", "v5"));
        rig.stop();
        rig.silent("c"); // [MQTT-3.14.0-1]
        rig.expect("d", "connack 88");
    });
}
