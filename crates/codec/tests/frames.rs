//! The golden frames: every verdict holds, and between them every rule is broken once.
mod support;
use martlet_codec::{Malformed, Packet, PacketType, Property, Split, split_frame};
use std::collections::BTreeSet;
use support::{decode, encode, golden_frames};

#[test]
fn every_verdict_holds() {
    for golden in golden_frames() {
        for version in golden.versions {
            let at = format!("{} in {version}", golden.at);
            let outcome = decode(version, &golden.frame);
            match (golden.verdict.as_str(), outcome) {
                ("ok", Ok(packet)) => assert_eq!(encode(version, &packet), golden.frame, "{at}: {packet:?}"),
                ("accepts", Ok(packet)) => {
                    let canonical = encode(version, &packet);
                    assert_ne!(canonical, golden.frame, "{at}: the verdict should be ok");
                    assert_eq!(decode(version, &canonical), Ok(packet), "{at}");
                }
                (verdict, Err(malformed)) => assert_eq!(malformed.name(), verdict, "{at}"),
                (verdict, Ok(packet)) => panic!("{at}: not {verdict} but {packet:?}"),
            }
        }
    }
}

#[test]
fn every_rule_is_broken_by_some_frame() {
    let verdicts: BTreeSet<String> = golden_frames().into_iter().map(|golden| golden.verdict).collect();
    // Too long for a line, or found before there is a frame: see wire.rs.
    let elsewhere = ["PacketTooLarge", "StringTooLong"];
    for name in Malformed::NAMES {
        assert_ne!(verdicts.contains(*name), elsewhere.contains(name), "{name}");
    }
    let known = |verdict: &str| matches!(verdict, "ok" | "accepts") || Malformed::NAMES.contains(&verdict);
    assert!(verdicts.iter().all(|verdict| known(verdict)), "{verdicts:?}");
}

#[test]
fn every_packet_and_property_is_in_some_frame() {
    let (mut kinds, mut properties) = (BTreeSet::new(), BTreeSet::new());
    let frames = golden_frames();
    for golden in frames.iter().filter(|golden| golden.verdict == "ok") {
        let packet = decode(golden.versions[0], &golden.frame).expect("accepted");
        kinds.insert(packet.kind());
        properties.extend(properties_of(&packet).iter().map(|property| property.name()));
    }
    let missing: Vec<PacketType> =
        (1..=15).filter_map(|n| PacketType::try_from(n).ok()).filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(properties.len(), 27, "{properties:?}");
}

fn properties_of<'a>(packet: &Packet<'a>) -> Vec<Property<'a>> {
    match packet {
        Packet::Connect(p) => {
            let will = p.will.map_or(Vec::new(), |will| will.properties.iter().collect());
            p.properties.iter().chain(will).collect()
        }
        Packet::ConnAck(p) => p.properties.iter().collect(),
        Packet::Publish(p) => p.properties.iter().collect(),
        Packet::Subscribe(p) => p.properties.iter().collect(),
        Packet::Disconnect(p) => p.properties.iter().collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_beginning_of_a_frame_asks_for_more() {
    for golden in golden_frames().iter().filter(|golden| golden.verdict == "ok") {
        for len in 0..golden.frame.len() {
            let Ok(Split::Partial(total)) = split_frame(&golden.frame[..len], u32::MAX) else {
                panic!("{}: {len} bytes are not a part", golden.at)
            };
            assert!(total.is_none_or(|total| total == golden.frame.len()), "{}", golden.at);
        }
    }
}

#[test]
fn every_shortened_body_is_refused_or_another_packet() {
    for golden in golden_frames().iter().filter(|golden| golden.verdict == "ok") {
        let Ok(frame) = support::whole(&golden.frame) else { panic!("{}", golden.at) };
        for len in 0..frame.body.len() {
            let short = martlet_codec::Frame { first: frame.first, body: &frame.body[..len] };
            if let Ok(packet) = Packet::decode(short, golden.versions[0]) {
                assert_ne!(encode(golden.versions[0], &packet), golden.frame, "{}", golden.at);
            }
        }
    }
}
