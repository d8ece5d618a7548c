//! Short ways to decode what comes most often: they say what the long way says, or nothing.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

use martlet_codec::{
    Ack, AckKind, Frame, Packet, PacketId, Properties, Publish, QoS, QoSLevel, Split, TopicName, Version,
    publish_first_byte, split_frame,
};

/// Bytes that properties and packet identifiers are made of, more often than not.
const LIKELY: [u8; 12] = [0, 1, 2, 3, 4, 5, 0x08, 0x09, 0x0b, 0x23, 0x26, 0x7f];
const TOPICS: [&[u8]; 5] = [b"\0\x01t", b"\0\x01u", b"\0\0", b"\0\x02t", b"\0\x02tt"];

fn check(bytes: &[u8], version: Version) -> bool {
    let known = TopicName::new("t").unwrap();
    let Ok(Split::Whole(frame, _)) = split_frame(bytes, 1 << 20) else { return false };
    let plain = Packet::decode(frame, version);
    check_plain(frame, version, known, plain.as_ref().ok());
    match Publish::decode_known(frame, version, known) {
        None => assert!(!matches!(plain, Ok(Packet::Publish(publish)) if publish.topic == Some(known))),
        Some(Err(malformed)) => assert_eq!(plain, Err(malformed), "{bytes:02x?}"),
        Some(Ok(publish)) => {
            assert_eq!(publish.topic, None);
            assert_eq!(plain, Ok(Packet::Publish(Publish { topic: Some(known), ..publish })), "{bytes:02x?}");
            return true;
        }
    }
    false
}

/// QoS 0 or 1, and nothing that is out of the ordinary: this and no other is decoded by [`Publish::decode_plain`].
fn check_plain(frame: Frame<'_>, version: Version, topic: TopicName<'_>, decoded: Option<&Packet<'_>>) {
    for level in [QoSLevel::AtMostOnce, QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce] {
        let first = publish_first_byte(false, level, false);
        let wanted = match decoded {
            Some(Packet::Publish(
                publish @ Publish {
                    dup: false,
                    retain: false,
                    qos: QoS::AtMostOnce | QoS::AtLeastOnce(_),
                    ..
                },
            )) if publish.qos.level() == level
                && publish.topic == Some(topic)
                && publish.properties == Properties::NONE =>
            {
                Some((publish.qos.packet_id(), publish.payload))
            }
            _ => None,
        };
        assert_eq!(Publish::decode_plain(frame, version, first, topic), wanted, "{frame:02x?}");
    }
}

#[test]
fn a_success_is_decoded_alike() {
    let mut decoded = 0;
    for first in 0..=255 {
        for body in [&[][..], &[1], &[0, 0], &[0, 1], &[1, 0], &[255, 255], &[0, 1, 0], &[0, 1, 0, 0]] {
            let frame = Frame { first, body };
            let long = |version| match Packet::decode(frame, version) {
                Ok(Packet::Ack(ack)) if body.len() == 2 => Some(ack),
                _ => None,
            };
            let short = Ack::decode_success(frame);
            decoded += usize::from(short.is_some());
            assert_eq!([Version::V311, Version::V5].map(long), [short; 2], "{frame:02x?}");
            assert!(short.is_none() || short == long(Version::V31), "{frame:02x?}"); // 3.1 has flags that say nothing
        }
    }
    assert_eq!(decoded, 4 * 3);
}

#[test]
fn pubacks_are_taken_as_far_as_they_stand_together() {
    let ids = |bytes: &[u8]| Ack::pubacks(bytes).map(PacketId::get).collect::<Vec<_>>();
    let puback = |id: u16| Ack::success_frame(AckKind::PubAck, PacketId::new(id).unwrap());
    let two = [puback(7), puback(0x0102)].concat();
    assert_eq!(ids(&two), [7, 0x0102]);
    for rest in [
        &b"\x40\x02\0\0"[..], // no identifier
        b"\x40\x02\0",
        b"\x40\x03\0\x01\0",
        b"\x50\x02\0\x01",
        b"\x42\x02\0\x01",
    ] {
        assert_eq!(ids(&[&two, rest].concat()), [7, 0x0102], "{rest:02x?}");
        assert_eq!(ids(rest), [0; 0]);
    }
}

#[test]
fn any_publish_with_a_known_topic_is_decoded_alike() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 16) as usize % n
    };
    let mut decoded = 0;
    for _ in 0..200_000 {
        let mut body = TOPICS[below(TOPICS.len())].to_vec();
        for _ in 0..below(14) {
            body.push(if below(4) == 0 { below(256) as u8 } else { LIKELY[below(LIKELY.len())] });
        }
        let first = if below(8) == 0 { below(256) as u8 } else { 0x30 | below(16) as u8 };
        let bytes = [&[first, body.len() as u8], &body[..]].concat();
        let versions = [Version::V31, Version::V311, Version::V5];
        decoded += versions.into_iter().filter(|version| check(&bytes, *version)).count();
    }
    assert!(decoded > 10_000, "{decoded}");
}
