//! CONNECT, CONNACK and DISCONNECT of 3.1.1 (3.1, 3.2, 3.14): what lets a client in, and what it leaves behind.

use super::closes;
use crate::common::words::{self, hex};
use crate::common::*;
use martlet_codec::{Malformed, ReasonCode};

/// A CONNECT with these flags and this payload.
fn connect(flags: u8, payload: &str) -> Vec<u8> {
    let mut frame = hex("10 00 0004 4d515454 04");
    frame.push(flags);
    frame.extend(hex(&format!("000a {payload}")));
    frame[1] = frame.len() as u8 - 2;
    frame
}

#[test]
fn a_malformed_connect_is_closed_without_connack() {
    use Malformed::*;
    everywhere(|rig| {
        for (flags, payload, why) in [
            (0x02, "0003 eda080", Utf8),          // [3.1.1 MQTT-1.5.3-1] [3.1.1 MQTT-3.1.3-4]
            (0x02, "0002 6300", NullCharacter),   // [3.1.1 MQTT-1.5.3-2]
            (0x02, "", Truncated),                // [3.1.1 MQTT-3.1.3-3]
            (0x06, "0001 63 0001 77", Truncated), // [3.1.1 MQTT-3.1.2-9]
            (0x06, "0001 63 0002 c328 0001 78", Utf8), // [3.1.1 MQTT-3.1.3-10]
            (0x02, "0001 63 0001 77 0001 78", TrailingBytes), // [3.1.1 MQTT-3.1.2-11]
            (0x0a, "0001 63", WillQoSWithoutWill), // [3.1.1 MQTT-3.1.2-13]
            (0x1e, "0001 63 0001 77 0001 78", WillQoSInvalid), // [3.1.1 MQTT-3.1.2-14]
            (0x22, "0001 63", WillRetainWithoutWill), // [3.1.1 MQTT-3.1.2-15]
            (0x02, "0001 63 0001 75", TrailingBytes), // [3.1.1 MQTT-3.1.2-18]
            (0x82, "0001 63", Truncated),         // [3.1.1 MQTT-3.1.2-19]
            (0x82, "0001 63 0002 c328", Utf8),    // [3.1.1 MQTT-3.1.3-11]
            (0x82, "0001 63 0001 75 0001 70", TrailingBytes), // [3.1.1 MQTT-3.1.2-20]
            (0xc2, "0001 63 0001 75", Truncated), // [3.1.1 MQTT-3.1.2-21]
            (0x42, "0001 63 0001 70", PasswordWithoutUserName), // [3.1.1 MQTT-3.1.2-22]
            (0x03, "0001 63", ConnectReservedFlag), // [3.1.1 MQTT-3.1.2-3]
        ] {
            rig.open("c", "v311");
            rig.write("c", &connect(flags, payload));
            rig.closed("c", EndReason::Malformed(why)); // [3.1.1 MQTT-3.1.4-1] [3.1.1 MQTT-3.2.2-6]
        }
    });
}

#[test]
fn the_fields_of_the_payload_have_their_order() {
    everywhere(|rig| {
        rig.connect("w", "v311");
        rig.subscribe("w", "w@2");
        rig.open("c", "v311 ask");
        rig.write("c", &connect(0xee, "0001 63 0001 77 0001 78 0001 75 0001 70"));
        let asked = rig.asked("c"); // [3.1.1 MQTT-3.1.3-1]
        assert_eq!((&*asked.client_id, asked.user_name.as_deref()), ("c", Some("u")));
        assert_eq!(asked.password.as_deref(), Some(&b"p"[..]));
        rig.answer("c", Verdict::Accept { data: None });
        rig.expect("c", "connack 00"); // [3.1.1 MQTT-3.1.4-4]
        rig.cut("c");
        rig.expect("w", "publish w x 1#1"); // [3.1.1 MQTT-3.1.2-9]
    });
}

#[test]
fn every_short_alphanumeric_client_id_is_accepted() {
    const ALL: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    everywhere(|rig| {
        for len in 1..=23 {
            let start = (len * 7) % (ALL.len() - 23);
            rig.connect("c", &format!("v311 id={}", &ALL[start..start + len])); // [3.1.1 MQTT-3.1.3-5]
            rig.tell("c", "disconnect");
        }
        rig.connect("c", &format!("v311 id={}", &ALL[ALL.len() - 23..]));
    });
}

#[test]
fn a_client_id_names_its_session_exactly() {
    everywhere(|rig| {
        for id in ["c", "C", "c ", "\u{feff}c"] {
            rig.open(id, "v311");
            let bytes: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
            rig.write(id, &connect(0, &format!("{:04x} {bytes}", id.len())));
            rig.expect(id, "connack 00"); // [3.1.1 MQTT-3.1.3-2] [3.1.1 MQTT-1.5.3-3]
        }
        assert_eq!(rig.counters().clients_connected, 4);
    });
}

/// The bytes that answer this CONNECT, with a verdict if an authenticator is asked; then the connection is closed.
fn refusal(rig: &mut Rig, line: &str, verdict: Option<Verdict>) -> Vec<u8> {
    rig.open("c", line);
    rig.client("c").appetite = 0;
    rig.write("c", &words::connect("c", line));
    if let Some(verdict) = verdict {
        rig.asked("c");
        rig.answer("c", verdict);
    }
    let (shard, id) = rig.client("c").at.unwrap();
    let answer = rig.shards[shard].output(id).flatten().copied().collect();
    rig.limit_reading("c", usize::MAX);
    assert!(!rig.is_open("c")); // [3.1.1 MQTT-3.2.2-5]
    rig.heard("c");
    answer
}

#[test]
fn a_refusal_has_its_return_code_and_no_session() {
    everywhere(|rig| {
        rig.connect("c", "v311 clean=0");
        rig.cut("c");
        for (reason, code) in [
            (ReasonCode::ClientIdentifierNotValid, "02"), // [3.1.1 MQTT-3.1.3-9]
            (ReasonCode::ServerUnavailable, "03"),
            (ReasonCode::BadUserNameOrPassword, "04"),
            (ReasonCode::NotAuthorized, "05"),
        ] {
            let answer = refusal(rig, "v311 clean=0 ask", Some(Verdict::Refuse(reason)));
            assert_eq!(answer, hex(&format!("20 02 00 {code}"))); // [3.1.1 MQTT-3.2.2-4]
        }
        let nameless = refusal(rig, "v311 id= clean=0", None);
        assert_eq!(nameless, hex("20 02 00 02")); // [3.1.1 MQTT-3.1.3-7] [3.1.1 MQTT-3.1.3-8]
        rig.dial("c", "v311 clean=0");
        rig.expect("c", "connack 00 present"); // [3.1.1 MQTT-3.2.2-2]
    });
}

#[test]
fn a_server_that_is_full_for_now_says_so_and_closes() {
    everywhere_with(
        |config| config.sessions_max = 1,
        |rig| {
            let (one, two) = (rig.id_on(0, "a"), rig.id_on(0, "b"));
            rig.connect(&one, "v311");
            let answer = refusal(rig, &format!("v311 id={two}"), None);
            assert_eq!(answer, hex("20 02 00 03")); // [3.1.1 MQTT-4.8.0-2]
            assert!(rig.is_open(&one));
            rig.cut(&one);
            rig.connect(&two, "v311"); // there is room again
        },
    );
}

#[test]
fn connack_comes_before_anything_else() {
    everywhere(|rig| {
        rig.connect("p", "v311");
        rig.dial("c", "v311 clean=0");
        rig.expect("c", "connack 00"); // [3.1.1 MQTT-3.2.2-3]
        rig.subscribe("c", "t@2");
        rig.cut("c");
        rig.tell("p", "publish t a 1#1");
        rig.expect("p", "puback 1");
        rig.dial("c", "v311 clean=0");
        rig.expect_all("c", &["connack 00 present", "publish t a 1#1"]); // [3.1.1 MQTT-3.2.0-1] [3.1.1 MQTT-3.2.2-2]
        rig.open("early", "v311");
        rig.tell("early", "ping"); // [3.1.1 MQTT-3.1.0-1]
        rig.silent("early");
        assert!(!rig.is_open("early"));
    });
}

#[test]
fn reserved_flags_close_the_connection() {
    everywhere(|rig| {
        rig.connect("w", "v311");
        rig.subscribe("w", "will@0");
        // [3.1.1 MQTT-2.2.2-1] [3.1.1 MQTT-2.2.2-2]
        for packet in [
            "41 02 0001",
            "51 02 0001",
            "60 02 0001", // [3.1.1 MQTT-3.6.1-1]
            "63 02 0001",
            "71 02 0001",
            "80 06 0001 0001 74 00", // [3.1.1 MQTT-3.8.1-1]
            "83 06 0001 0001 74 00",
            "8a 06 0001 0001 74 00",
            "a0 05 0001 0001 74", // [3.1.1 MQTT-3.10.1-1]
            "a3 05 0001 0001 74",
            "c1 00",
            "e1 00", // [3.1.1 MQTT-3.14.1-1]
        ] {
            closes(rig, packet, Malformed::ReservedFlags);
        }
        rig.connect("c", "v311 will=will,bye");
        rig.tell("c", "hex e8 00"); // no DISCONNECT, so no goodbye
        rig.expect("w", "publish will bye");
    });
}

#[test]
fn a_will_and_what_becomes_of_it() {
    everywhere(|rig| {
        rig.connect("w", "v311");
        rig.subscribe("w", "will@2");
        rig.connect("c", "v311 clean=0 will=will,one,1");
        rig.silent("w");
        rig.cut("c");
        rig.expect("w", "publish will one 1#1"); // [3.1.1 MQTT-3.1.2-8]
        rig.connect("late", "v311");
        rig.subscribe("late", "will@2");
        rig.silent("late"); // [3.1.1 MQTT-3.1.2-16]
        rig.connect("c", "v311 clean=0");
        rig.cut("c");
        rig.silent("w"); // [3.1.1 MQTT-3.1.2-10] [3.1.1 MQTT-3.1.2-12]
        rig.connect("c", "v311 clean=0 will=will,two,2,retain");
        rig.cut("c");
        rig.expect("w", "publish will two 2#2");
        rig.expect("late", "publish will two 2#1");
        rig.connect("later", "v311");
        rig.subscribe("later", "will@0");
        rig.expect("later", "publish will two retain"); // [3.1.1 MQTT-3.1.2-17]
        rig.connect("c", "v311 clean=0 will=will,three");
        rig.tell("c", "disconnect");
        rig.connect("c", "v311 clean=0");
        rig.cut("c");
        rig.silent("w"); // [3.1.1 MQTT-3.1.2-10] [3.1.1 MQTT-3.14.4-3]
    });
}

#[test]
fn silence_is_a_network_failure() {
    everywhere(|rig| {
        rig.connect("w", "v311");
        rig.subscribe("w", "will@0");
        rig.connect("c", "v311 keep=10 will=will,bye");
        rig.pass_ms(14_999);
        rig.silent("w");
        rig.pass_ms(TICK_MS); // [3.1.1 MQTT-3.1.2-24]
        rig.closed("c", EndReason::KeepAliveTimeout);
        rig.expect("w", "publish will bye");
    });
}
