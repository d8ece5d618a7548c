//! The two fast ways to write PUBLISH against the plain one.
mod support;
use martlet_codec::{
    Header, Packet, PacketId, Place, Properties, PropertiesBuf, Property, Publish, QoS, Template, TopicName,
    Version, publish_first_byte,
};
use support::{decode, encode};

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];
const QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce(PacketId::MAX), QoS::ExactlyOnce(PacketId::MIN)];

/// What a slow reader expects of the fast path.
fn plain(version: Version, header: &Header<'_>, payload: &[u8]) -> Vec<u8> {
    let mut block = PropertiesBuf::new();
    header.expiry.iter().for_each(|seconds| block.push(Property::MessageExpiryInterval(*seconds)));
    header.topic_alias.iter().for_each(|alias| block.push(Property::TopicAlias(*alias)));
    Properties::from_checked_bytes(header.properties).iter().for_each(|property| block.push(property));
    header.subscription_ids.iter().for_each(|id| block.push(Property::SubscriptionIdentifier(*id)));
    Properties::new(block.as_bytes(), Place::Publish).expect("allowed in PUBLISH");
    let properties = if version.is_v5() { block.as_properties() } else { Properties::NONE };
    let topic = core::str::from_utf8(header.topic).ok().and_then(|topic| TopicName::new(topic).ok());
    let Header { dup, retain, qos, .. } = *header;
    encode(version, &Packet::Publish(Publish { dup, retain, qos, topic, properties, payload }))
}

fn kept() -> PropertiesBuf {
    let mut kept = PropertiesBuf::new();
    kept.push(Property::ContentType("text/plain"));
    kept.push(Property::UserProperty(("k", "v")));
    kept
}

#[test]
fn a_template_is_the_packet_it_stands_for() {
    let kept = kept();
    let mut template = Template::new();
    for version in VERSIONS {
        for qos in QOS {
            for expiry in [None, Some(10)] {
                for payload in [&b""[..], b"hi", &[7; 200], &[7; 70_000]] {
                    let id = qos.packet_id();
                    template.encode(version, id.is_some(), b"a/b", kept.as_bytes(), expiry, payload);
                    let left = expiry.map(|seconds| seconds - 3); // [MQTT-3.3.2-6]
                    let dup = id.is_some();
                    let mut out = b"before".to_vec();
                    template.append(publish_first_byte(dup, qos.level(), true), id, left, &mut out);
                    let header = Header {
                        version,
                        dup,
                        retain: true,
                        qos,
                        topic: b"a/b",
                        topic_alias: None,
                        expiry: left,
                        subscription_ids: &[],
                        properties: kept.as_bytes(),
                        payload_len: payload.len(),
                    };
                    assert_eq!(out[6..], plain(version, &header, payload), "{version} {qos:?} {expiry:?}");
                    assert_eq!(template.len(), out.len() - 6);
                }
            }
        }
    }
}

#[test]
fn a_template_serves_many_receivers_and_is_used_again() {
    let mut template = Template::new();
    assert!(template.is_empty());
    template.encode(Version::V5, true, b"t", &[], Some(9), b"hi");
    let (mut one, mut two) = (Vec::new(), Vec::new());
    template.append(0x32, PacketId::new(1), Some(8), &mut one);
    template.append(0x34, PacketId::new(2), None, &mut two);
    assert_eq!(one, support::bytes("32 0d 0001 \"t\" 0001 05 02 00000008 \"hi\""));
    assert_eq!(two, support::bytes("34 0d 0001 \"t\" 0002 05 02 00000009 \"hi\""));
    template.encode(Version::V311, false, b"t", &[], Some(9), b"hi");
    let mut three = Vec::new();
    template.append(0x30, None, Some(1), &mut three);
    assert_eq!(three, support::bytes("30 05 0001 \"t\" \"hi\""));
    assert!(!template.is_empty());
    template.clear();
    assert_eq!(template.len(), 0);
}

#[test]
fn a_header_and_its_payload_are_the_packet_they_stand_for() {
    let (kept, payload) = (kept(), [7; 300]);
    for version in VERSIONS {
        for qos in QOS {
            for (expiry, topic_alias, subscription_ids) in [
                (None, None, &[][..]),
                (Some(5), Some(1), &[1][..]),
                (None, Some(65_535), &[127, 128, 268_435_455]),
            ] {
                let header = Header {
                    version,
                    dup: qos.packet_id().is_some(),
                    retain: false,
                    qos,
                    topic: b"a/b",
                    topic_alias,
                    expiry,
                    subscription_ids,
                    properties: kept.as_bytes(),
                    payload_len: payload.len(),
                };
                let mut out = Vec::new();
                header.encode(&mut out);
                out.extend_from_slice(&payload);
                assert_eq!(out, plain(version, &header, &payload), "{header:?}");
                assert_eq!(header.frame_len(), out.len(), "{header:?}");
            }
        }
    }
}

#[test]
fn a_header_by_alias_alone_has_no_topic() {
    let header = Header {
        version: Version::V5,
        dup: false,
        retain: false,
        qos: QoS::AtMostOnce,
        topic: b"",
        topic_alias: Some(3),
        expiry: None,
        subscription_ids: &[],
        properties: &[],
        payload_len: 0,
    };
    let mut out = Vec::new();
    header.encode(&mut out);
    let Ok(Packet::Publish(publish)) = decode(Version::V5, &out) else { panic!("refused") };
    assert_eq!((publish.topic, publish.topic_alias()), (None, Some(3)));
}

#[test]
fn dup_is_never_written_at_qos_0() {
    assert_eq!(publish_first_byte(true, QoS::AtMostOnce.level(), false), 0x30); // [MQTT-3.3.1-2]
    assert_eq!(publish_first_byte(true, QOS[1].level(), true), 0x3b);
    assert_eq!(publish_first_byte(false, QOS[2].level(), false), 0x34);
}
