//! CONNECT (3.1): what lets a client in, and every way of not getting in.

use crate::common::words::{self, hex};
use crate::common::*;
use martlet_codec::{Malformed, PacketType, ProtocolName, ReasonCode, Version};
use martlet_protocol::{OtherProtocol, Violation};

/// These bytes are the first that a client says; it hears `answer`, nothing if that is empty, and is closed.
fn refuses(version: &str, bytes: &str, answer: &str, why: EndReason) {
    everywhere(|rig| {
        rig.open("c", version);
        rig.write("c", &hex(bytes));
        let answer: Vec<&str> = answer.split_terminator(';').collect();
        rig.expect_all("c", &answer);
        rig.closed("c", why);
        let refused = rig.counters().refused.total();
        assert_eq!((refused, rig.counters().clients()), (1, 0), "{bytes}");
    });
}

fn malformed(version: &str, bytes: &str, answer: &str, malformed: Malformed) {
    refuses(version, bytes, answer, EndReason::Malformed(malformed));
}

#[test]
fn every_version_gets_in() {
    everywhere(|rig| {
        rig.dial("a", "v31 keep=60");
        rig.expect("a", "connack 00");
        rig.dial("b", "v311 keep=60 user=u pass=p"); // [3.1.1 MQTT-3.1.4-4]
        rig.expect("b", "connack 00");
        rig.dial("c", "v5 keep=60 user=u pass=p"); // [MQTT-3.1.4-5] [MQTT-3.2.2-6]
        rig.expect("c", "connack 00");
        rig.dial("d", "v5 pass=p"); // 5.0 allows a password alone: 3.1.2.9
        rig.expect("d", "connack 00");
        assert_eq!(rig.counters().clients_connected, 4);
        assert_eq!(rig.counters().connections_opened, 4);
    });
}

#[test]
fn a_broken_connect_is_answered_in_5_0_and_closed() {
    use Malformed::*;
    for (connect, code, why) in [
        ("10 0d 0004 4d515454 05 03 000a 00 0000", "81", ConnectReservedFlag), // [MQTT-3.1.2-3]
        ("10 0d 0004 4d515454 05 0a 000a 00 0000", "81", WillQoSWithoutWill),  // [MQTT-3.1.2-11]
        ("10 0d 0004 4d515454 05 22 000a 00 0000", "81", WillRetainWithoutWill), // [MQTT-3.1.2-13]
        ("10 13 0004 4d515454 05 1e 000a 00 0000 00 0001 74 0000", "81", WillQoSInvalid), // [MQTT-3.1.2-12]
        ("10 0d 0004 4d515454 05 82 000a 00 0000", "81", Truncated),           // [MQTT-3.1.2-17]
        ("10 0d 0004 4d515454 05 42 000a 00 0000", "81", Truncated),           // [MQTT-3.1.2-19]
        ("10 0d 0004 4d515454 05 06 000a 00 0000", "81", Truncated),           // [MQTT-3.1.2-9]
        ("10 0e 0004 4d515454 05 02 000a 00 0000 00", "81", TrailingBytes),    // [MQTT-3.1.2-16]
        ("10 0f 0004 4d515454 05 02 000a 00 0002 c328", "81", Utf8), // [MQTT-3.1.3-4] [MQTT-1.5.4-1]
        ("10 0e 0004 4d515454 05 02 000a 00 0001 00", "81", NullCharacter), // [MQTT-1.5.4-2]
        ("10 10 0004 4d515454 05 02 000a 03 21 0000 0000", "82", ReceiveMaximumZero), // 3.1.2.11.3
        ("10 12 0004 4d515454 05 02 000a 05 27 00000000 0000", "82", MaximumPacketSizeZero), // 3.1.2.11.4
        ("10 11 0004 4d515454 05 02 000a 04 17 00 17 00 0000", "82", PropertyDuplicate), // 3.1.2.11.7
    ] {
        malformed("v5", connect, &format!("connack {code}"), why); // [MQTT-4.13.1-1]
    }
}

#[test]
fn a_broken_connect_of_3_x_is_closed_without_a_word() {
    use Malformed::*;
    for (version, connect, why) in [
        ("v311", "10 0c 0004 4d515454 04 03 000a 0000", ConnectReservedFlag), // [3.1.1 MQTT-3.1.2-3]
        ("v311", "10 0c 0004 4d515454 04 0a 000a 0000", WillQoSWithoutWill),  // [3.1.1 MQTT-3.1.2-13]
        ("v311", "10 0c 0004 4d515454 04 22 000a 0000", WillRetainWithoutWill), // [3.1.1 MQTT-3.1.2-15]
        ("v311", "10 11 0004 4d515454 04 1e 000a 0000 0001 74 0000", WillQoSInvalid), // [3.1.1 MQTT-3.1.2-14]
        ("v311", "10 0e 0004 4d515454 04 42 000a 0000 0000", PasswordWithoutUserName), // [3.1.1 MQTT-3.1.2-22]
        ("v311", "10 0c 0004 4d515454 04 82 000a 0000", Truncated), // [3.1.1 MQTT-3.1.2-19]
        ("v311", "10 0e 0004 4d515454 04 02 000a 0000 0000", TrailingBytes), // [3.1.1 MQTT-3.1.2-18]
        ("v31", "10 13 0006 4d5149736470 03 42 000a 0001 63 0002 7077", PasswordWithoutUserName),
    ] {
        malformed(version, connect, "", why);
    }
}

#[test]
fn an_unknown_protocol_is_refused_in_the_clients_own_words() {
    let unsupported = |name, level| Malformed::UnsupportedVersion { name, level };
    let (mqtt, mqisdp, unknown) = (ProtocolName::Mqtt, ProtocolName::MqIsdp, ProtocolName::Unknown);
    for (version, connect, answer, why) in [
        // [MQTT-3.1.2-2] [3.1.1 MQTT-3.1.2-2]
        ("v5", "10 0d 0004 4d515454 06 02 000a 00 0000", "connack 84", unsupported(mqtt, 6)),
        ("v311", "10 0c 0004 4d515454 03 02 000a 0000", "connack 84", unsupported(mqtt, 3)),
        ("v31", "10 0f 0006 4d5149736470 04 02 000a 0001 63", "connack 84", unsupported(mqisdp, 4)),
        // [MQTT-3.1.2-1] [3.1.1 MQTT-3.1.2-1]
        ("v5", "10 0d 0004 4d515458 05 02 000a 00 0000", "", unsupported(unknown, 5)),
        ("v5", "10 0d 0004 6d717474 05 02 000a 00 0000", "", unsupported(unknown, 5)),
    ] {
        malformed(version, connect, answer, why);
    }
    // In 3.x that is return code 0x01 on the wire.
    let mut rig = Rig::new(1);
    rig.open("c", "v311");
    rig.client("c").appetite = 0;
    rig.write("c", &hex("10 0c 0004 4d515454 03 02 000a 0000"));
    let (shard, id) = rig.client("c").at.unwrap();
    let wire: Vec<u8> = rig.shards[shard].output(id).flatten().copied().collect();
    assert_eq!(wire, hex("20 02 00 01"));
}

#[test]
fn the_first_packet_is_connect() {
    for (kind, bytes) in [
        (PacketType::Publish, "30 04 0001 74 00"),
        (PacketType::PingReq, "c0 00"),
        (PacketType::Disconnect, "e0 00"),
        (PacketType::Subscribe, "82 07 0001 00 0001 74 00"),
        (PacketType::Auth, "f0 00"),
        (PacketType::ConnAck, "20 03 00 00 00"),
    ] {
        let why = EndReason::Violation(Violation::FirstPacketNotConnect(kind));
        refuses("v5", bytes, "", why); // [MQTT-3.1.0-1] [3.1.1 MQTT-3.1.0-1]
    }
    malformed("v5", "00 00", "", Malformed::UnknownPacketType);
    let tls = EndReason::Violation(Violation::NotMqtt(OtherProtocol::Tls));
    refuses("v5", "16 03 01 00 01", "", tls);
}

/// Also where the bytes come one by one, and only as many of them as it takes.
#[test]
fn another_protocol_is_named_however_its_bytes_arrive() {
    use OtherProtocol::{Http, Proxy, Tls};
    for (bytes, protocol, enough) in [
        (&b"\x16\x03\x01\0\xc8\x01\0\0\xc4\x03\x03"[..], Tls, 2),
        (b"\x80\x2e\x01\0\x02\0\x15\0\0\0\x10", Tls, 4),
        (b"\x80\x62\x01\x03\x01\0\x39\0\0\0\x20", Tls, 4),
        (b"GET / HTTP/1.1\r\n", Http, 3),
        (b"POST / HTTP/1.1\r\n", Http, 3),
        (b"OPTIONS * HTTP/1.1\r\n", Http, 3),
        (b"PRI * HTTP/2.0\r\n", Http, 3),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Proxy, 3),
        (b"\r\n\r\n\0\r\nQUIT\n\x21", Proxy, 3),
    ] {
        let rig = &mut Rig::new(1);
        let why = || EndReason::Violation(Violation::NotMqtt(protocol));
        rig.open("whole", "v5");
        rig.write("whole", bytes);
        rig.closed("whole", why());
        rig.open("slow", "v5");
        for byte in &bytes[..enough] {
            rig.write("slow", &[*byte]);
        }
        rig.closed("slow", why());
    }
    for (kind, bytes) in [(PacketType::PubAck, "47 02 0001"), (PacketType::Subscribe, "80 02 0001")] {
        refuses("v5", bytes, "", EndReason::Violation(Violation::FirstPacketNotConnect(kind)));
    }
}

#[test]
fn a_second_connect_ends_the_connection() {
    everywhere(|rig| {
        rig.connect("a", "v5");
        rig.connect("b", "v311");
        for name in ["a", "b"] {
            let connect = words::connect(name, if name == "a" { "v5" } else { "v311" });
            rig.write(name, &connect); // [MQTT-3.1.0-2] [3.1.1 MQTT-3.1.0-2]
        }
        rig.expect("a", "disconnect 82");
        rig.closed("a", EndReason::Violation(Violation::SecondConnect));
        rig.closed("b", EndReason::Violation(Violation::SecondConnect));
    });
}

#[test]
fn a_connect_that_does_not_come_in_time() {
    everywhere(|rig| {
        rig.open("silent", "v5");
        rig.open("slow", "v5");
        rig.open("in time", "v5");
        let connect = words::connect("slow", "v5");
        rig.write("slow", &connect[..5]);
        rig.pass_ms(9_999);
        assert!(rig.is_open("silent") && rig.is_open("slow"));
        rig.write("in time", &words::connect("c", "v5"));
        rig.expect("in time", "connack 00");
        rig.pass_ms(TICK_MS); // 3.1.4: within a reasonable time
        rig.closed("silent", EndReason::ConnectTimeout);
        rig.closed("slow", EndReason::ConnectTimeout);
        rig.pass(10_000);
        assert!(rig.is_open("in time"), "without keep-alive nothing is waited for");
        assert_eq!(rig.counters().connections, 1);
    });
}

#[test]
fn an_empty_client_id() {
    everywhere(|rig| {
        rig.dial("a", "v5 id="); // [MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16]
        rig.expect("a", "connack 00 assigned=?");
        rig.dial("b", "v5 id= clean=0 expiry=60");
        rig.expect("b", "connack 00 assigned=?");
        rig.dial("c", "v311 id="); // [3.1.1 MQTT-3.1.3-6]
        rig.expect("c", "connack 00");
        assert_eq!(rig.counters().clients(), 3, "each has an id of its own");
        let empty = EndReason::Violation(Violation::EmptyClientId);
        rig.dial("d", "v311 id= clean=0"); // [3.1.1 MQTT-3.1.3-7] [3.1.1 MQTT-3.1.3-8]
        rig.expect("d", "connack 85");
        rig.closed("d", empty);
        rig.dial("e", "v31 id=");
        rig.expect("e", "connack 85");
        rig.closed("e", empty);
        assert_eq!(rig.counters().refused.get(ReasonCode::ClientIdentifierNotValid), 2);
    });
}

#[test]
fn an_assigned_client_id_is_a_client_id() {
    everywhere(|rig| {
        rig.dial("a", "v5 id= expiry=100");
        rig.expect("a", "connack 00 assigned=?");
        rig.tell("a", "disconnect");
        let (life, _) = rig.client("a").ended.clone().unwrap();
        let id = life.client_id.expect("it was assigned");
        rig.dial("again", &format!("v5 clean=0 expiry=100 id={id}"));
        rig.expect("again", "connack 00 present");
    });
}

#[test]
fn what_connack_says_of_the_servers_limits() {
    let change = |config: &mut martlet_shard::Config| {
        config.limits.receive_maximum = 10;
        config.limits.maximum_packet_size = 1000;
        config.limits.topic_alias_maximum = 5;
        config.limits.keep_alive_max_s = 30;
        config.limits.session_expiry_max_s = 60;
    };
    everywhere_with(change, |rig| {
        rig.dial("a", "v5 keep=60 expiry=61"); // [MQTT-3.2.2-22]
        rig.expect("a", "connack 00 expiry=60 rm=10 max=1000 aliasmax=5 keep=30");
        rig.dial("b", "v5 keep=0 expiry=60");
        rig.expect("b", "connack 00 rm=10 max=1000 aliasmax=5 keep=30");
        rig.dial("c", "v5 keep=29");
        rig.expect("c", "connack 00 rm=10 max=1000 aliasmax=5");
        rig.dial("d", "v311 keep=60"); // 3.x has no way to say it, so its own is kept
        rig.expect("d", "connack 00");
    });
}

#[test]
fn a_session_too_many() {
    everywhere_with(
        |config| config.sessions_max = 1,
        |rig| {
            let (one, two) = (rig.id_on(0, "a"), rig.id_on(0, "b"));
            rig.connect(&one, "v5 expiry=60");
            rig.dial(&two, "v5");
            rig.expect(&two, "connack 89");
            rig.closed(&two, EndReason::Refused(ReasonCode::ServerBusy));
            rig.cut(&one);
            rig.connect(&one, "v5 clean=0"); // its session has a place
        },
    );
}

#[test]
fn an_invalid_topic_of_a_will() {
    let wild = "10 13 0004 4d515454 05 06 000a 00 0000 00 0001 23 0000";
    malformed("v5", wild, "connack 90", Malformed::TopicNameWildcard);
}

#[test]
fn user_name_and_password_reach_the_log_and_the_authenticator() {
    everywhere(|rig| {
        rig.dial("a", "v5 ask user=u pass=p");
        let credentials = rig.asked("a");
        assert_eq!(
            (credentials.user_name.as_deref(), credentials.password.as_deref()),
            (Some("u"), Some(&b"p"[..]))
        );
        assert_eq!(&*credentials.client_id, "a");
        assert!(!format!("{credentials:?}").contains("password"));
        rig.answer("a", Verdict::Refuse(ReasonCode::BadUserNameOrPassword));
        rig.expect("a", "connack 86");
        rig.closed("a", EndReason::Refused(ReasonCode::BadUserNameOrPassword));
        rig.dial("b", "v311 ask user=u");
        assert_eq!(rig.asked("b").password, None);
        rig.answer("b", Verdict::Accept { data: None });
        rig.expect("b", "connack 00");
        rig.cut("b");
        let (life, _) = rig.client("b").ended.clone().unwrap();
        assert_eq!((life.user_name.as_deref(), life.version), (Some("u"), Some(Version::V311)));
    });
}
