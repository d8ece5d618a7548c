//! Hard cases of single packets (1.5, 2.1, 3.1.2): lengths, strings, flags, reason codes and protocol levels, each
//! against a server that is otherwise content.

use crate::common::words::hex;
use crate::common::*;
use martlet_codec::Malformed;

/// A short frame: its length is counted here.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 128);
    [&[first, body.len() as u8], body].concat()
}

/// A connected client that writes these bytes is told so in 5.0, nothing in 3.x, and closed.
fn ends(rig: &mut Rig, version: &str, bytes: &[u8], code: &str, why: Malformed) {
    println!("{version} {bytes:02x?}");
    rig.connect("c", version);
    rig.write("c", bytes);
    if version == "v5" {
        rig.expect("c", &format!("disconnect {code}"));
    }
    rig.closed("c", EndReason::Malformed(why));
}

#[test]
fn a_remaining_length_of_one_to_four_bytes() {
    for shards in [1, 2] {
        let mut rig = Rig::with(shards, |config| config.limits.maximum_packet_size = 4 * 1024 * 1024);
        for (version, overhead) in [("v311", 3), ("v5", 4)] {
            rig.dial("c", version);
            assert!(rig.heard("c")[0].starts_with("connack 00"));
            rig.subscribe("c", "t");
            for body in [127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
                let line = format!("publish t *{}", body - overhead);
                rig.tell("c", &line); // 2.1.4
                rig.expect_all("c", &[&line]);
            }
            rig.cut("c");
        }
    }
}

#[test]
fn a_length_in_more_bytes_than_it_needs() {
    use Malformed::{VariableByteIntegerNotMinimal as NotMinimal, VariableByteIntegerTooLong as TooLong};
    everywhere(|rig| {
        for (bytes, why) in [
            ("c0 80 00", NotMinimal), // [MQTT-1.5.5-1]
            ("30 84 00 0001 74 00", NotMinimal),
            ("30 84 80 00 0001 74 00", NotMinimal),
            ("30 84 80 80 00 0001 74 00", NotMinimal),
            ("30 ff ff ff ff 01", TooLong),
            ("30 80 80 80 80 00", TooLong),
        ] {
            ends(rig, "v5", &hex(bytes), "81", why);
            ends(rig, "v311", &hex(bytes), "", why);
        }
        ends(rig, "v5", &hex("30 05 0001 74 80 00"), "81", NotMinimal); // the length of properties
        ends(rig, "v5", &hex("82 0a 0001 03 0b 81 00 0001 74 00"), "81", NotMinimal); // a Subscription Identifier
    });
}

/// Strings of three bytes that are none.
const NO_STRINGS: [(&str, Malformed); 5] = [
    ("ed a0 80", Malformed::Utf8),          // a surrogate
    ("e0 80 80", Malformed::Utf8),          // U+0000 in three bytes
    ("e0 80 af", Malformed::Utf8),          // a slash in three bytes
    ("f0 9f 98", Malformed::Utf8),          // the start of something
    ("61 00 62", Malformed::NullCharacter), // [MQTT-1.5.4-2] [MQTT-4.7.3-2]
];

#[test]
fn strings_that_are_none() {
    everywhere(|rig| {
        for (string, why) in NO_STRINGS {
            for (first, before, after) in [
                (0x30, "", "00"),                    // Topic Name: [MQTT-3.3.2-1]
                (0x30, "0001 74 06 08", ""),         // Response Topic: [MQTT-3.3.2-13]
                (0x30, "0001 74 06 03", ""),         // Content Type: [MQTT-3.3.2-19]
                (0x30, "0001 74 09 26", "0001 76"),  // the key of a pair: [MQTT-1.5.7-1]
                (0x30, "0001 74 09 26 0001 6b", ""), // its value
                (0x82, "0001 00", "00"),             // Topic Filter: [MQTT-3.8.3-1]
                (0xa2, "0001 00", ""),               // [MQTT-3.10.3-1]
                (0xe0, "00 06 1f", ""),              // Reason String
            ] {
                let body = hex(&format!("{before} 0003 {string} {after}"));
                ends(rig, "v5", &frame(first, &body), "81", why); // [MQTT-1.5.4-1]
            }
            for (flags, before, after) in [
                ("02", "", ""),               // Client Identifier: [MQTT-3.1.3-4]
                ("06", "0001 63 00", "0000"), // Will Topic: [MQTT-3.1.3-11]
                ("82", "0001 63", ""),        // User Name: [MQTT-3.1.3-12]
            ] {
                let body = hex(&format!("0004 4d515454 05 {flags} 000a 00 {before} 0003 {string} {after}"));
                rig.open("c", "v5");
                rig.write("c", &frame(0x10, &body));
                rig.expect("c", "connack 81");
                rig.closed("c", EndReason::Malformed(why));
            }
        }
    });
}

#[test]
fn strings_to_the_limits() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        let longest = "x".repeat(65_535);
        for topic in ["\u{feff}a", longest.as_str()] {
            rig.subscribe("s", topic);
            rig.tell("s", &format!("publish {topic} hi"));
            rig.expect_all("s", &[&format!("publish {topic} hi")]); // [MQTT-1.5.4-3] [MQTT-4.7.3-3]
        }
        rig.tell("s", "publish a hi"); // U+FEFF is not stripped
        rig.silent("s");
    });
}

#[test]
fn every_reserved_flag() {
    everywhere(|rig| {
        for kind in (1..=15).filter(|kind| *kind != 3) {
            let allowed = if matches!(kind, 6 | 8 | 10) { 2 } else { 0 };
            for flags in (0..16).filter(|flags| *flags != allowed) {
                // [MQTT-2.1.3-1] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1]
                ends(rig, "v5", &[kind << 4 | flags, 0], "81", Malformed::ReservedFlags);
            }
        }
    });
}

#[test]
fn reason_codes_out_of_place() {
    everywhere(|rig| {
        for bytes in [
            "40 03 0001 92",          // [MQTT-3.4.2-1]
            "50 03 0001 01",          // [MQTT-3.5.2-1]
            "62 03 0001 10",          // [MQTT-3.6.2-1]
            "70 03 0001 80",          // [MQTT-3.7.2-1]
            "e0 01 84",               // [MQTT-3.14.2-1]
            "f0 06 8c 04 15 0001 6d", // [MQTT-3.15.2-1]
        ] {
            ends(rig, "v5", &hex(bytes), "82", Malformed::ReasonCodeNotAllowedHere);
        }
    });
}

#[test]
fn every_protocol_level_is_answered_in_a_form_that_its_sender_reads() {
    everywhere(|rig| {
        for level in 0..=255u8 {
            for (name, plain) in
                [("0004 4d515454", matches!(level, 0..=4 | 0x84)), ("0006 4d5149736470", true)]
            {
                let version = match name {
                    _ if !plain => "v5",
                    "0004 4d515454" => "v311",
                    _ => "v31",
                };
                let properties = if plain { "" } else { "00" };
                let body = hex(&format!("{name} {level:02x} 02 000a {properties} 0001 63"));
                rig.open("c", version);
                rig.write("c", &frame(0x10, &body));
                let known = matches!((version, level), ("v31", 3 | 0x83) | ("v311", 4 | 0x84) | ("v5", 5));
                let answer = if known { "connack 00" } else { "connack 84" }; // [MQTT-3.1.2-2] [3.1.1 MQTT-3.1.2-2]
                println!("{version} {level}");
                rig.expect("c", answer);
                assert_eq!(rig.is_open("c"), known); // [MQTT-3.2.2-7]
                rig.cut("c");
            }
        }
    });
}

#[test]
fn what_connect_carries_stands_in_its_order() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "t@1");
        rig.open("c", "v5 ask");
        let body = "0004 4d515454 05 c6 000a 00 0001 69 05 01 01 03 0000 0001 74 0001 78 0001 75 0001 70";
        rig.write("c", &frame(0x10, &hex(body))); // [MQTT-3.1.3-1] [MQTT-3.1.3-3]
        let credentials = rig.asked("c");
        let (user_name, password) = (credentials.user_name.as_deref(), credentials.password.as_deref());
        assert_eq!((&*credentials.client_id, user_name, password), ("i", Some("u"), Some(&b"p"[..])));
        rig.answer("c", Verdict::Accept { data: None });
        rig.expect("c", "connack 00");
        rig.cut("c");
        rig.expect("w", "publish t x format=1 ctype=");
    });
}

#[test]
fn a_password_without_its_flag_is_too_much() {
    everywhere(|rig| {
        rig.open("c", "v5");
        let body = "0004 4d515454 05 82 000a 00 0001 63 0001 75 0001 70";
        rig.write("c", &frame(0x10, &hex(body))); // [MQTT-3.1.2-18]
        rig.expect("c", "connack 81"); // [MQTT-3.1.4-1]
        rig.closed("c", EndReason::Malformed(Malformed::TrailingBytes));
    });
}

#[test]
fn every_client_id_that_must_be_accepted() {
    everywhere(|rig| {
        let all: String = ('0'..='9').chain('a'..='z').chain('A'..='Z').collect();
        for len in 1..=23 {
            for id in [&all[..len], &all[all.len() - len..], &all[20..20 + len]] {
                rig.dial("c", &format!("v5 id={id}")); // [MQTT-3.1.3-5]
                rig.expect("c", "connack 00");
                rig.tell("c", "disconnect");
            }
        }
    });
}

#[test]
fn a_message_of_qos_0_has_no_packet_identifier() {
    let mut rig = Rig::new(1);
    rig.connect("c", "v5");
    rig.subscribe("c", "t@1");
    rig.limit_reading("c", 0);
    rig.tell("c", "publish t x");
    let (shard, id) = rig.client("c").at.unwrap();
    let wire: Vec<u8> = rig.shards[shard].output(id).flatten().copied().collect();
    assert_eq!(wire, hex("30 05 0001 74 00 78")); // [MQTT-2.2.1-2] [MQTT-2.2.2-1]
}
