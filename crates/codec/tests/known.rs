//! A PUBLISH whose topic is known is decoded without looking at the topic, and like any other in all else.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

use martlet_codec::{Packet, Publish, Split, TopicName, Version, split_frame};

/// Bytes that properties and packet identifiers are made of, more often than not.
const LIKELY: [u8; 12] = [0, 1, 2, 3, 4, 5, 0x08, 0x09, 0x0b, 0x23, 0x26, 0x7f];
const TOPICS: [&[u8]; 5] = [b"\0\x01t", b"\0\x01u", b"\0\0", b"\0\x02t", b"\0\x02tt"];

fn check(bytes: &[u8], version: Version) -> bool {
    let known = TopicName::new("t").unwrap();
    let Ok(Split::Whole(frame, _)) = split_frame(bytes, 1 << 20) else { return false };
    let plain = Packet::decode(frame, version);
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
