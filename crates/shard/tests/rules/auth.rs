//! Authentication (3.1.4, 4.12): the seam to whoever decides, and the exchange of AUTH.

use crate::common::*;
use martlet_codec::ReasonCode;
use martlet_protocol::Violation;
use martlet_shard::Input;

fn accept(data: Option<&str>) -> Verdict {
    Verdict::Accept { data: data.map(|data| data.as_bytes().into()) }
}

fn challenge(data: &str) -> Verdict {
    Verdict::Continue { data: data.as_bytes().into() }
}

#[test]
fn an_unknown_method_is_refused() {
    everywhere(|rig| {
        rig.dial("a", "v5 method=X data=hello"); // asked even where everybody may come in
        let credentials = rig.asked("a");
        assert_eq!(
            (credentials.method.as_deref(), credentials.data.as_deref()),
            (Some("X"), Some(&b"hello"[..]))
        );
        rig.answer("a", Verdict::Refuse(ReasonCode::BadAuthenticationMethod));
        rig.expect("a", "connack 8c"); // [MQTT-4.12.0-1]
        rig.closed("a", EndReason::Refused(ReasonCode::BadAuthenticationMethod));
    });
}

#[test]
fn challenges_and_answers() {
    everywhere(|rig| {
        rig.dial("a", "v5 method=S data=1");
        rig.asked("a");
        rig.answer("a", challenge("2"));
        rig.expect("a", "auth 18 method=S data=2"); // [MQTT-4.12.0-2] [MQTT-4.12.0-5]
        rig.tell("a", "auth 18 method=S data=3"); // [MQTT-4.12.0-3]
        let credentials = rig.asked("a");
        assert_eq!((&*credentials.client_id, credentials.data.as_deref()), ("a", Some(&b"3"[..])));
        rig.answer("a", challenge("4"));
        rig.expect("a", "auth 18 method=S data=4");
        rig.tell("a", "auth 18 method=S data=5");
        rig.asked("a");
        rig.answer("a", accept(Some("6")));
        rig.expect("a", "connack 00 method=S data=6");
        rig.tell("a", "ping");
        rig.expect("a", "pingresp");
    });
}

#[test]
fn what_must_not_come_during_the_exchange() {
    everywhere(|rig| {
        for (line, why) in [
            ("publish t hi", Violation::TooEarly(martlet_codec::PacketType::Publish)), // [MQTT-3.1.2-30]
            ("auth 18 method=Other data=3", Violation::AuthMethodChanged),
            ("auth 00 method=S data=3", Violation::AuthReason),
            ("auth 19 method=S data=3", Violation::AuthReason),
        ] {
            rig.dial("a", "v5 method=S");
            rig.asked("a");
            rig.answer("a", challenge("2"));
            rig.expect("a", "auth 18 method=S data=2");
            rig.tell("a", line);
            rig.expect("a", "connack 82");
            rig.closed("a", EndReason::Violation(why));
        }
        rig.dial("a", "v5 method=S");
        rig.asked("a");
        rig.answer("a", challenge("2"));
        rig.expect("a", "auth 18 method=S data=2");
        rig.tell("a", "disconnect"); // [MQTT-3.1.2-30]: allowed
        rig.closed("a", EndReason::ClientDisconnected(ReasonCode::Success));
    });
}

#[test]
fn packets_wait_for_the_decision() {
    everywhere(|rig| {
        rig.dial("a", "v311 ask");
        assert!(rig.client("a").paused, "nothing is read while it is decided");
        rig.tell_all("a", &["subscribe 1 t@1", "publish t hi"]);
        rig.silent("a");
        rig.asked("a");
        rig.answer("a", accept(None));
        rig.expect_all("a", &["connack 00", "suback 1 01", "publish t hi"]);
    });
}

#[test]
fn packets_sent_along_with_connect_wait_too() {
    everywhere(|rig| {
        rig.open("a", "v5 ask");
        let version = martlet_codec::Version::V5;
        let lines = ["subscribe 1 t@1", "publish t hi", "disconnect"];
        let packets = lines.iter().flat_map(|line| words::packet(version, line));
        let bytes: Vec<u8> = words::connect("a", "v5").into_iter().chain(packets).collect();
        rig.write("a", &bytes);
        rig.asked("a");
        rig.silent("a");
        rig.answer("a", accept(None));
        rig.expect_all("a", &["connack 00", "suback 1 01", "publish t hi"]);
        rig.closed("a", EndReason::ClientDisconnected(ReasonCode::Success));
    });
}

#[test]
fn what_a_refused_client_sent_is_not_looked_at() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "#");
        rig.dial("a", "v311 ask");
        rig.tell("a", "publish t hi");
        rig.asked("a");
        rig.answer("a", Verdict::Refuse(ReasonCode::NotAuthorized));
        rig.expect("a", "connack 87"); // return code 5: [MQTT-3.1.4-6] [3.1.1 MQTT-3.2.2-5]
        rig.closed("a", EndReason::Refused(ReasonCode::NotAuthorized));
        rig.silent("w"); // [3.1.1 MQTT-3.1.4-5]
        assert_eq!(rig.counters().refused.get(ReasonCode::NotAuthorized), 1);
    });
}

#[test]
fn a_decision_that_does_not_come_in_time() {
    everywhere(|rig| {
        rig.dial("a", "v5 ask");
        rig.asked("a");
        rig.pass_ms(9_999);
        assert!(rig.is_open("a"));
        rig.pass_ms(TICK_MS);
        rig.closed("a", EndReason::ConnectTimeout);
    });
}

#[test]
fn an_assigned_id_is_known_to_the_authenticator() {
    everywhere(|rig| {
        rig.dial("a", "v5 ask id=");
        let id = rig.asked("a").client_id;
        assert!(!id.is_empty());
        rig.answer("a", accept(None));
        rig.expect("a", "connack 00 assigned=?");
        rig.cut("a");
        assert_eq!(rig.client("a").ended.clone().unwrap().0.client_id, Some(id));
    });
}

#[test]
fn re_authentication() {
    everywhere(|rig| {
        rig.dial("a", "v5 method=S");
        rig.asked("a");
        rig.answer("a", accept(None));
        rig.expect("a", "connack 00 method=S");
        rig.tell("a", "auth 19 method=S data=1"); // [MQTT-4.12.1-1]
        assert_eq!(rig.asked("a").data.as_deref(), Some(&b"1"[..]));
        rig.answer("a", challenge("2"));
        rig.expect("a", "auth 18 method=S data=2");
        rig.tell("a", "ping"); // other packets go on
        rig.expect("a", "pingresp");
        rig.tell("a", "auth 18 method=S data=3");
        rig.asked("a");
        rig.answer("a", accept(Some("4")));
        rig.expect("a", "auth 00 method=S data=4");
        rig.tell("a", "auth 19 method=S data=1");
        rig.asked("a");
        rig.answer("a", Verdict::Refuse(ReasonCode::NotAuthorized));
        rig.expect("a", "disconnect 87"); // [MQTT-4.12.1-2]
        rig.closed("a", EndReason::Refused(ReasonCode::NotAuthorized));
    });
}

#[test]
fn re_authentication_against_the_rules() {
    everywhere(|rig| {
        for (connect, line, why) in [
            ("v5", "auth 19 method=S", Violation::AuthWithoutMethod), // [MQTT-4.12.0-7]
            ("v5 method=S", "auth 19 method=T", Violation::AuthMethodChanged),
            ("v5 method=S", "auth 18 method=S", Violation::AuthReason), // nothing was asked
            ("v5 method=S", "auth 00 method=S", Violation::AuthReason),
        ] {
            rig.dial("a", connect);
            if connect != "v5" {
                rig.asked("a");
                rig.answer("a", accept(None));
            }
            let connack = rig.heard("a");
            assert!(connack[0].starts_with("connack 00"));
            rig.tell("a", line);
            rig.expect("a", "disconnect 82");
            rig.closed("a", EndReason::Violation(why));
        }
        rig.dial("a", "v5 method=S");
        rig.asked("a");
        rig.answer("a", accept(None));
        rig.tell("a", "auth 19 method=S data=1");
        rig.asked("a");
        rig.answer("a", challenge("2"));
        rig.expect_all("a", &["connack 00 method=S", "auth 18 method=S data=2"]);
        rig.tell("a", "auth 19 method=S data=1"); // the first is not done
        rig.expect("a", "disconnect 82");
        rig.closed("a", EndReason::Violation(Violation::AuthReason));
    });
}

#[test]
fn a_verdict_for_a_connection_that_is_gone() {
    everywhere(|rig| {
        rig.dial("a", "v5 ask");
        rig.asked("a");
        rig.pass(11);
        rig.closed("a", EndReason::ConnectTimeout);
        rig.dial("b", "v5 ask");
        rig.limit_reading("b", 0);
        rig.asked("b");
        rig.stop();
        if rig.is_open("b") {
            rig.answer("b", accept(None)); // too late: nothing is said after CONNACK
        }
        rig.limit_reading("b", usize::MAX);
        rig.expect("b", "connack 88");
        rig.closed("b", EndReason::ShuttingDown);
    });
}

#[test]
fn a_late_answer_does_not_meet_the_next_connection_in_the_slot() {
    let rig = &mut Rig::new(1);
    rig.dial("gone", "v311 ask user=me");
    let (shard, late) = rig.client("gone").at.expect("it is open");
    rig.asked("gone");
    rig.cut("gone");
    rig.dial("next", "v311 ask user=other");
    let (_, next) = rig.client("next").at.expect("it is open");
    assert_eq!(late.slot, next.slot, "the slot is used again");
    for verdict in [Verdict::Accept { data: None }, Verdict::Refuse(ReasonCode::NotAuthorized)] {
        rig.shards[shard].handle(rig.now, Input::Authenticated { connection: late, verdict });
        rig.settle();
        rig.silent("next");
        assert!(rig.is_open("next"));
    }
    rig.asked("next");
    rig.answer("next", Verdict::Accept { data: None });
    rig.expect("next", "connack 00");
}
