//! Data representations, framing, versions and the reason codes of refusals: the edges that golden
//! frames are too long or too short for.
mod support;
use martlet_codec::{
    Malformed, Packet, ProtocolName, Reader, ReasonCode, Split, TopicFilter, TopicName, Version,
    check_string, put_varint, split_frame, varint_len,
};
use support::{bytes, check, decode, rejects};

#[test]
fn variable_byte_integers_at_their_edges() {
    for (value, hex) in [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16_383, "ff7f"),
        (16_384, "808001"),
        (2_097_151, "ffff7f"),
        (2_097_152, "80808001"),
        (268_435_455, "ffffff7f"),
    ] {
        let mut out = Vec::new();
        put_varint(&mut out, value);
        assert_eq!(out, bytes(hex), "{value}");
        assert_eq!(out.len(), varint_len(value), "{value}");
        assert_eq!(Reader::new(&out).varint(), Ok(value));
    }
    for (hex, why) in [
        ("8000", Malformed::VariableByteIntegerNotMinimal), // [MQTT-1.5.5-1]
        ("ff00", Malformed::VariableByteIntegerNotMinimal), // [MQTT-1.5.5-1]
        ("80808000", Malformed::VariableByteIntegerNotMinimal), // [MQTT-1.5.5-1]
        ("80808080", Malformed::VariableByteIntegerTooLong),
        ("808080", Malformed::Truncated),
    ] {
        assert_eq!(Reader::new(&bytes(hex)).varint(), Err(why), "{hex}");
    }
}

#[test]
fn a_frame_is_refused_by_its_length_before_its_body_arrives() {
    let frame = bytes("30 05 0001 \"t\" \"hi\"");
    assert!(matches!(split_frame(&frame, 7), Ok(Split::Whole(_, 7))));
    assert_eq!(split_frame(&frame, 6), Err(Malformed::PacketTooLarge)); // [MQTT-3.2.2-15]
    assert_eq!(split_frame(&frame[..2], 6), Err(Malformed::PacketTooLarge));
    assert_eq!(split_frame(&frame[..1], 6), Ok(Split::Partial(None)));
    assert_eq!(split_frame(&bytes("30 ffffff7f"), u32::MAX), Ok(Split::Partial(Some(268_435_460))));
    assert_eq!(split_frame(&bytes("30 ffffff"), u32::MAX), Ok(Split::Partial(None)));
    assert_eq!(split_frame(&bytes("30 ffffffff"), u32::MAX), Err(Malformed::VariableByteIntegerTooLong));
}

#[test]
fn two_frames_in_one_read_are_two_frames() {
    let bytes = bytes("c000 e000");
    let Ok(Split::Whole(first, consumed)) = split_frame(&bytes, 2) else { panic!("no frame") };
    assert_eq!((first.first, consumed, first.len()), (0xc0, 2, 2));
    assert!(matches!(split_frame(&bytes[consumed..], 2), Ok(Split::Whole(frame, 2)) if frame.first == 0xe0));
}

#[test]
fn strings_end_at_65_535_bytes() {
    let longest = "x".repeat(65_535); // [MQTT-4.7.3-3]
    assert_eq!(TopicName::new(&longest).map(TopicName::as_str), Ok(longest.as_str()));
    assert_eq!(TopicFilter::new(&longest).map(TopicFilter::as_str), Ok(longest.as_str()));
    let longer = "x".repeat(65_536);
    assert_eq!(TopicName::new(&longer), Err(Malformed::StringTooLong));
    assert_eq!(TopicFilter::new(&longer), Err(Malformed::StringTooLong));
    assert_eq!(check_string("a\0b"), Err(Malformed::NullCharacter)); // [MQTT-1.5.4-2]
    assert_eq!(TopicName::new("a\0"), Err(Malformed::NullCharacter)); // [MQTT-4.7.3-2]
    assert_eq!(TopicFilter::new("a\0"), Err(Malformed::NullCharacter)); // [MQTT-4.7.3-2]
}

#[test]
fn a_refused_connect_is_answered_in_its_senders_form() {
    for (hex, name, level, answer) in [
        ("10 0a 0004 \"MQTT\" 06 02 003c", ProtocolName::Mqtt, 6, Some(Version::V5)), // [MQTT-3.1.2-2]
        ("10 0a 0004 \"MQTT\" 03 02 003c", ProtocolName::Mqtt, 3, Some(Version::V311)), // [3.1.1 MQTT-3.1.2-2]
        ("10 0c 0006 \"MQIsdp\" 02 02 003c", ProtocolName::MqIsdp, 2, Some(Version::V31)),
        ("10 0a 0004 \"HTTP\" 05 02 003c", ProtocolName::Unknown, 5, None), // [MQTT-3.1.2-1]
    ] {
        let why = Malformed::UnsupportedVersion { name, level };
        rejects(Version::V5, hex, why);
        assert_eq!(why.answer_version(), answer, "{hex}");
        assert_eq!(why.reason(), ReasonCode::UnsupportedProtocolVersion);
    }
    assert_eq!(Malformed::Truncated.answer_version(), None);
}

#[test]
fn a_bridge_is_seen() {
    for (text, bridge) in [
        ("10 0d 0004 \"MQTT\" 84 02 003c 0001 \"c\"", true),
        ("10 0d 0004 \"MQTT\" 04 02 003c 0001 \"c\"", false),
    ] {
        check(Version::V5, text);
        let frame = bytes(text);
        let Ok(Packet::Connect(connect)) = decode(Version::V5, &frame) else { panic!("no CONNECT") };
        assert_eq!((connect.version, connect.bridge), (Version::V311, bridge));
    }
}

#[test]
fn refusals_know_their_reason_code_and_place() {
    for (why, reason, requirement) in [
        (Malformed::Utf8, 0x81, "MQTT-1.5.4-1"),
        (Malformed::QoSInvalid, 0x81, "MQTT-3.3.1-4"),
        (Malformed::PropertyDuplicate, 0x82, "2.2.2.2"),
        (Malformed::NoLocalOnShared, 0x82, "MQTT-3.8.3-4"),
        (Malformed::TopicFilterEmpty, 0x8f, "MQTT-4.7.3-1"),
        (Malformed::TopicNameWildcard, 0x90, "MQTT-3.3.2-2"),
        (Malformed::TopicAliasZero, 0x94, "MQTT-3.3.2-8"),
        (Malformed::PacketTooLarge, 0x95, "MQTT-3.2.2-15"),
    ] {
        assert_eq!((why.reason() as u8, why.requirement()), (reason, requirement), "{why}");
    }
}
