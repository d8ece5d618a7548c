//! Will Messages (3.1.2.5, 3.1.3.2.2): published, and when; kept, and when not.

use crate::common::*;
use martlet_codec::ReasonCode;

/// A watcher of `will`.
fn watch(rig: &mut Rig) {
    rig.connect("w", "v5");
    rig.subscribe("w", "will@2p");
}

#[test]
fn a_will_is_published_unless_the_client_says_goodbye() {
    everywhere(|rig| {
        watch(rig);
        for version in ["v31", "v311", "v5"] {
            rig.connect("c", &format!("{version} will=will,bye"));
            rig.cut("c"); // [MQTT-3.1.2-8] [3.1.1 MQTT-3.1.2-8]
            rig.expect("w", "publish will bye");
            rig.connect("c", &format!("{version} will=will,bye"));
            rig.tell("c", "disconnect"); // [MQTT-3.1.2-10] [MQTT-3.14.4-3] [3.1.1 MQTT-3.14.4-3]
            rig.silent("w");
        }
        rig.connect("c", "v5 will=will,bye");
        rig.tell("c", "disconnect 04");
        rig.expect("w", "publish will bye"); // 3.14.2.1: Disconnect with Will Message
        rig.closed("c", EndReason::ClientDisconnected(ReasonCode::DisconnectWithWill));
        assert_eq!(rig.counters().stored_messages, 0);
    });
}

#[test]
fn a_will_has_qos_retain_and_properties() {
    everywhere(|rig| {
        watch(rig);
        rig.connect(
            "c",
            "v5 will=will,one,1,retain will.prop=k:v will.ctype=text will.mexp=100 will.format=1",
        );
        rig.cut("c"); // [MQTT-3.1.2-15] [MQTT-3.1.3-10]
        let heard = rig.heard("w");
        let [line] = &heard[..] else { panic!("{heard:?}") };
        assert!(line.starts_with("publish will one 1#1 retain"), "{line}");
        for property in ["prop=k:v", "ctype=text", "mexp=100", "format=1"] {
            assert!(line.contains(property), "{line}");
        }
        assert_eq!(rig.counters().retained, 1);
        rig.connect("c", "v5 will=will,two,2");
        rig.cut("c"); // [MQTT-3.1.2-14]
        rig.expect("w", "publish will two 2#2");
        assert_eq!(rig.counters().retained, 1);
    });
}

#[test]
fn a_will_is_published_when_the_server_ends_the_connection() {
    everywhere(|rig| {
        watch(rig);
        rig.connect("c", "v5 keep=10 will=will,silent");
        rig.pass(16);
        rig.expect("c", "disconnect 8d");
        rig.expect("w", "publish will silent");
        rig.connect("c", "v311 will=will,broken");
        rig.tell("c", "hex 36 04 0001 74 00"); // QoS 3
        rig.expect("w", "publish will broken");
    });
}

#[test]
fn a_delayed_will_waits() {
    everywhere(|rig| {
        watch(rig);
        rig.connect("c", "v5 expiry=100 will=will,bye will.delay=10 will.mexp=60");
        rig.cut("c");
        rig.pass_ms(9_999);
        rig.silent("w");
        rig.pass_ms(TICK_MS); // [MQTT-3.1.3-9]
        rig.expect("w", "publish will bye mexp=60"); // its expiry counts from its publication
        rig.pass(1000);
        rig.silent("w"); // once
    });
}

#[test]
fn a_delayed_will_of_a_client_that_comes_back() {
    everywhere(|rig| {
        watch(rig);
        rig.connect("c", "v5 expiry=100 will=will,bye will.delay=10");
        rig.cut("c");
        rig.pass(5);
        rig.connect("c", "v5 clean=0 expiry=100");
        rig.pass(1000);
        rig.silent("w"); // [MQTT-3.1.3-9]
        assert_eq!(rig.counters().stored_messages, 0);
    });
}

#[test]
fn a_will_does_not_outwait_its_session() {
    everywhere(|rig| {
        watch(rig);
        rig.connect("c", "v5 expiry=5 will=will,one will.delay=10");
        rig.cut("c");
        rig.pass_ms(4_999);
        rig.silent("w");
        rig.pass_ms(TICK_MS); // the session ends: whichever happens first
        rig.expect("w", "publish will one");
        rig.connect("c", "v5 expiry=0 will=will,two will.delay=10");
        rig.cut("c");
        rig.expect("w", "publish will two");
        rig.connect("c", "v5 expiry=100 will=will,three will.delay=10");
        rig.cut("c");
        rig.connect("c", "v5 clean=1"); // the session ends by Clean Start
        rig.expect("w", "publish will three");
    });
}

#[test]
fn wills_and_takeover() {
    everywhere(|rig| {
        watch(rig);
        rig.connect("a", "v5 id=c expiry=100 will=will,one");
        rig.dial("b", "v5 id=c clean=0 expiry=100 will=will,two will.delay=10");
        rig.expect("a", "disconnect 8e");
        rig.expect("b", "connack 00 present");
        rig.expect("w", "publish will one"); // the Network Connection closed without a goodbye
        rig.dial("c", "v5 id=c clean=0 expiry=100");
        rig.expect("b", "disconnect 8e");
        rig.expect("c", "connack 00 present");
        rig.pass(1000);
        rig.silent("w"); // [MQTT-3.1.3-9]: it came back before the delay was over
    });
}

#[test]
fn a_will_reaches_its_own_session_and_may_be_queued() {
    everywhere(|rig| {
        rig.connect("c", "v5 expiry=100 will=will,me,1");
        rig.subscribe("c", "will@1");
        rig.cut("c");
        rig.dial("c", "v5 clean=0");
        rig.expect_all("c", &["connack 00 present", "publish will me 1#1"]);
    });
}

#[test]
fn a_will_is_its_clients_own_message() {
    everywhere(|rig| {
        rig.connect("c", "v5 expiry=60 will=will,bye,1");
        rig.subscribe("c", "will@1n");
        rig.connect("other", "v5");
        rig.subscribe("other", "will@1n");
        rig.cut("c");
        rig.expect("other", "publish will bye 1#1");
        rig.connect("c", "v5 clean=0");
        rig.silent("c"); // No Local: [MQTT-3.8.3-3]
    });
}

#[test]
fn a_will_cannot_speak_for_the_broker() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "$SYS/#@2");
        rig.connect("c", "v5 will=$SYS/broker/version,mine,1,retain");
        rig.cut("c");
        rig.silent("w");
        assert_eq!(rig.counters().retained, 0);
    });
}

#[test]
fn a_refused_client_leaves_no_will() {
    everywhere(|rig| {
        watch(rig);
        rig.dial("c", "v5 ask will=will,bye");
        rig.asked("c");
        rig.answer("c", Verdict::Refuse(ReasonCode::NotAuthorized));
        rig.expect("c", "connack 87");
        rig.dial("d", "v5 ask will=will,bye");
        rig.asked("d");
        rig.cut("d");
        rig.silent("w"); // [MQTT-3.1.2-7]: it is stored when the connection is accepted
        assert_eq!(rig.counters().stored_messages, 0);
    });
}
