//! What 3.1 alone allows: bits that it does not use say nothing, whatever they are.

use crate::common::words::hex;
use crate::common::*;
use martlet_codec::{Malformed, ReasonCode};

/// The first byte, with these flags in place of those that later versions prescribe.
fn with_flags(packet: &str, flags: u8) -> Vec<u8> {
    let mut bytes = hex(packet);
    bytes[0] = bytes[0] & 0xf0 | flags;
    bytes
}

fn sends(rig: &mut Rig, name: &str, packet: &str, flags: u8) {
    rig.write(name, &with_flags(packet, flags));
}

#[test]
fn unused_flags_of_the_fixed_header_say_nothing() {
    everywhere(|rig| {
        rig.connect("p", "v31");
        for flags in 0..16 {
            rig.open("c", "v31");
            sends(rig, "c", "10 13 0006 4d5149736470 03 02 000a 0005 756e757365", flags);
            rig.expect("c", "connack 00");
            sends(rig, "c", "80 06 0001 0001 74 02", flags);
            rig.expect("c", "suback 1 02");
            sends(rig, "c", "c0 00", flags);
            rig.expect("c", "pingresp");
            rig.tell("p", "publish t one 1#1");
            rig.expect("p", "puback 1");
            rig.expect("c", "publish t one 1#1");
            sends(rig, "c", "40 02 0001", flags);
            rig.tell("p", "publish t two 2#2");
            rig.expect("p", "pubrec 2");
            rig.expect("c", "publish t two 2#2");
            sends(rig, "c", "50 02 0002", flags);
            rig.expect("c", "pubrel 2");
            sends(rig, "p", "60 02 0002", flags);
            rig.expect("p", "pubcomp 2");
            sends(rig, "c", "70 02 0002", flags);
            assert_eq!(rig.counters().in_flight, 0, "both are settled");
            sends(rig, "c", "a0 05 0003 0001 74", flags);
            rig.expect("c", "unsuback 3");
            sends(rig, "c", "e0 00", flags);
            rig.closed("c", EndReason::ClientDisconnected(ReasonCode::Success));
        }
    });
}

#[test]
fn unused_bits_do_not_end_a_run_of_acknowledgements() {
    everywhere(|rig| {
        rig.connect("c", "v31");
        rig.subscribe("c", "t@1");
        rig.connect("p", "v5");
        let lines: Vec<String> = (1..=4).map(|id| format!("publish t m 1#{id}")).collect();
        rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        rig.ignore("p");
        assert_eq!(rig.heard("c").len(), 4);
        rig.write("c", &hex("40 02 0001 48 02 0002 41 02 0003 40 02 0004"));
        assert_eq!(rig.counters().in_flight, 0);
        assert!(rig.is_open("c"));
    });
}

#[test]
fn unused_bits_of_connect_and_subscribe_say_nothing() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "#@2");
        for level in ["03", "83"] {
            for flags in ["03", "3a", "3b", "0a", "22"] {
                rig.open("c", "v31");
                rig.write("c", &hex(&format!("10 0f 0006 4d5149736470 {level} {flags} 000a 0001 63")));
                rig.expect("c", "connack 00");
                rig.cut("c");
                rig.silent("w"); // no will
            }
        }
        rig.connect("s", "v31");
        rig.write("s", &hex("82 0a 0001 0001 61 fd 0001 62 82"));
        rig.expect("s", "suback 1 01 02");
        rig.tell("s", "publish a own"); // what 5.0 calls No Local is not meant
        rig.expect("s", "publish a own");
        rig.expect("w", "publish a own");
    });
}

#[test]
fn what_3_1_does_use_is_still_checked() {
    use Malformed::*;
    everywhere(|rig| {
        for (bytes, why) in [
            ("36 05 0001 74 0001", QoSInvalid),
            ("38 03 0001 74", DupWithoutQoS),
            ("80 06 0001 0001 74 03", SubscriptionQoSInvalid),
            ("83 06 0000 0001 74 00", PacketIdZero),
            ("c1 01 00", TrailingBytes),
            ("ff 00", UnknownPacketType),
        ] {
            rig.connect("c", "v31");
            rig.write("c", &hex(bytes));
            rig.closed("c", EndReason::Malformed(why));
        }
        for (bytes, why) in [
            ("1f 14 0006 4d5149736470 03 1e 000a 0001 63 0001 74 0000", WillQoSInvalid),
            ("1f 12 0006 4d5149736470 03 42 000a 0001 63 0001 70", PasswordWithoutUserName),
        ] {
            rig.open("c", "v31");
            rig.write("c", &hex(bytes));
            rig.closed("c", EndReason::Malformed(why));
        }
    });
}

#[test]
fn later_versions_refuse_flags_of_connect() {
    everywhere(|rig| {
        for flags in 1..16 {
            for (version, connect, answer) in [
                ("v311", "10 0d 0004 4d515454 04 02 000a 0001 63", None),
                ("v311", "10 0d 0004 4d515454 84 02 000a 0001 63", None),
                ("v5", "10 0e 0004 4d515454 05 02 000a 00 0001 63", Some("connack 81")),
            ] {
                rig.open("c", version);
                sends(rig, "c", connect, flags); // [MQTT-2.1.3-1] [3.1.1 MQTT-2.2.2-1] [3.1.1 MQTT-2.2.2-2]
                assert_eq!(rig.heard("c"), answer.map(str::to_owned).into_iter().collect::<Vec<_>>());
                rig.closed("c", EndReason::Malformed(Malformed::ReservedFlags));
            }
        }
    });
}
