//! `Packet::check`: what a user puts together is refused before it is encoded.
mod support;
use martlet_codec::{
    Ack, AckKind, Auth, ConnAck, Connect, Disconnect, FiltersBuf, Malformed, Packet, PacketId, Place,
    Properties, PropertiesBuf, Property, Publish, QoS, QoSLevel, ReasonCode, ReasonCodes, SubAck, Subscribe,
    SubscriptionOptions, TopicFilter, TopicFiltersBuf, TopicName, UnsubAck, Unsubscribe, Version, Will,
};
use support::{decode, encode};

const ID: PacketId = PacketId::MIN;

fn connect(version: Version) -> Connect<'static> {
    Connect {
        version,
        bridge: false,
        clean_start: true,
        keep_alive: 60,
        properties: Properties::NONE,
        client_id: "c",
        will: None,
        user_name: None,
        password: None,
    }
}

#[track_caller]
fn refused(packet: Packet<'_>, version: Version, why: Malformed) {
    assert_eq!(packet.check(version), Err(why), "{packet:?}");
}

/// A checked packet is encoded to what decodes to it.
#[track_caller]
fn passes(packet: Packet<'_>, version: Version) {
    assert_eq!(packet.check(version), Ok(()), "{packet:?}");
    assert_eq!(decode(version, &encode(version, &packet)), Ok(packet));
}

#[test]
fn connect_fields_fit() {
    let (v3, longer) = (connect(Version::V311), "x".repeat(65_536));
    let check = |connect| Packet::Connect(connect);
    passes(check(Connect { user_name: Some("u"), password: Some(b"p"), ..v3 }), v3.version);
    refused(check(Connect { client_id: &longer, ..v3 }), v3.version, Malformed::StringTooLong);
    refused(check(Connect { client_id: "a\0", ..v3 }), v3.version, Malformed::NullCharacter); // [MQTT-1.5.4-2]
    refused(check(Connect { user_name: Some(&longer), ..v3 }), v3.version, Malformed::StringTooLong);
    let password = Some(longer.as_bytes());
    refused(check(Connect { user_name: Some("u"), password, ..v3 }), v3.version, Malformed::StringTooLong);
    let alone = Connect { password: Some(b"p"), ..v3 };
    refused(check(alone), v3.version, Malformed::PasswordWithoutUserName); // [3.1.1 MQTT-3.1.2-22]
    passes(check(Connect { version: Version::V5, ..alone }), Version::V5);
}

#[test]
fn the_will_fits() {
    let (v5, longer) = (connect(Version::V5), [7; 65_536]);
    let topic = TopicName::new("w").expect("a name");
    let will =
        Will { qos: QoSLevel::ExactlyOnce, retain: true, topic, properties: Properties::NONE, payload: b"" };
    let with = |will| Packet::Connect(Connect { will: Some(will), ..v5 });
    passes(with(will), Version::V5);
    refused(with(Will { payload: &longer, ..will }), Version::V5, Malformed::StringTooLong);
    let properties = Properties::from_checked_bytes(b"\x23\x00\x01");
    refused(with(Will { properties, ..will }), Version::V5, Malformed::PropertyNotAllowedHere);
}

#[test]
fn publish_has_a_topic() {
    let mut alias = PropertiesBuf::new();
    alias.push(Property::TopicAlias(1));
    let (qos, properties) = (QoS::AtMostOnce, Properties::NONE);
    let nameless = Publish { dup: false, retain: false, qos, topic: None, properties, payload: b"hi" };
    refused(Packet::Publish(nameless), Version::V5, Malformed::TopicNameMissing);
    let by_alias = Publish { properties: alias.as_properties(), ..nameless };
    passes(Packet::Publish(by_alias), Version::V5);
    refused(Packet::Publish(by_alias), Version::V311, Malformed::TopicNameMissing);
    let named = Publish { topic: TopicName::new("t").ok(), ..nameless };
    passes(Packet::Publish(named), Version::V31);
    alias.push(Property::TopicAlias(2));
    let twice = Publish { properties: alias.as_properties(), ..named };
    refused(Packet::Publish(twice), Version::V5, Malformed::PropertyDuplicate);
}

#[test]
fn a_packet_ends_at_268_435_455_bytes() {
    let topic = TopicName::new("t").ok();
    let payload = vec![0; 268_435_455 - 3];
    let (qos, properties) = (QoS::AtMostOnce, Properties::NONE);
    let largest = Publish { dup: false, retain: false, qos, topic, properties, payload: &payload };
    assert_eq!(Packet::Publish(largest).check(Version::V311), Ok(()));
    assert_eq!(Packet::Publish(largest).encoded_len(Version::V311), martlet_codec::MAXIMUM_FRAME_LEN);
    assert_eq!(Packet::Publish(largest).check(Version::V5), Err(Malformed::PacketTooLarge));
}

#[test]
fn lists_are_not_empty() {
    let (properties, v5) = (Properties::NONE, Version::V5);
    let (mut filters, mut topics) = (FiltersBuf::new(), TopicFiltersBuf::new());
    let subscribe = Subscribe { packet_id: ID, properties, filters: filters.as_filters(v5) };
    refused(Packet::Subscribe(subscribe), v5, Malformed::SubscribeEmpty); // [MQTT-3.8.3-2]
    let unsubscribe = Unsubscribe { packet_id: ID, properties, filters: topics.as_filters() };
    refused(Packet::Unsubscribe(unsubscribe), v5, Malformed::UnsubscribeEmpty); // [MQTT-3.10.3-2]
    let filter = TopicFilter::new("a/+").expect("a filter");
    let options = SubscriptionOptions { no_local: true, ..SubscriptionOptions::qos(QoSLevel::ExactlyOnce) };
    filters.push(filter, options);
    topics.push(filter);
    for version in [Version::V31, Version::V311, v5] {
        let subscribe = Subscribe { packet_id: ID, properties, filters: filters.as_filters(version) };
        passes(Packet::Subscribe(subscribe), version);
        let no_local = subscribe.filters.iter().any(|subscription| subscription.options.no_local);
        assert_eq!(no_local, version == v5);
        passes(
            Packet::Unsubscribe(Unsubscribe { packet_id: ID, properties, filters: topics.as_filters() }),
            version,
        );
    }
    for reasons in [ReasonCodes::NONE, ReasonCodes::from_checked(&[0x11])] {
        let suback = Packet::SubAck(SubAck { packet_id: ID, properties, reasons });
        assert!(suback.check(v5).is_err()); // [MQTT-3.9.3-2]
    }
    let unsuback = UnsubAck { packet_id: ID, properties, reasons: ReasonCodes::NONE };
    refused(Packet::UnsubAck(unsuback), v5, Malformed::ReasonCodesEmpty);
    passes(Packet::UnsubAck(unsuback), Version::V311);
}

#[test]
fn reason_codes_stand_where_they_may() {
    let (properties, v5, why) = (Properties::NONE, Version::V5, Malformed::ReasonCodeNotAllowedHere);
    let reason = ReasonCode::GrantedQoS1; // in none of the four
    refused(Packet::ConnAck(ConnAck { session_present: false, reason, properties }), v5, why); // [MQTT-3.2.2-8]
    refused(Packet::Ack(Ack { reason, ..Ack::success(AckKind::PubRec, ID) }), v5, why); // [MQTT-3.5.2-1]
    refused(Packet::Disconnect(Disconnect { reason, properties }), v5, why); // [MQTT-3.14.2-1]
    refused(Packet::Auth(Auth { reason, properties }), v5, why); // [MQTT-3.15.2-1]
    let auth = Auth { reason: ReasonCode::Success, properties };
    passes(Packet::Auth(auth), v5);
    refused(Packet::Auth(auth), Version::V311, Malformed::UnknownPacketType);
    passes(Packet::PingReq, Version::V31);
    let codes = ReasonCodes::new(&[0x00, 0x11], Place::UnsubAck).expect("allowed");
    assert_eq!((codes.len(), codes.is_empty(), ReasonCodes::NONE.is_empty()), (2, false, true));
}

#[test]
fn buffers_are_used_again() {
    let filter = TopicFilter::new("a").expect("a filter");
    let (mut block, mut filters, mut topics) =
        (PropertiesBuf::new(), FiltersBuf::new(), TopicFiltersBuf::new());
    for _ in 0..2 {
        assert!(block.is_empty() && filters.is_empty() && topics.is_empty());
        block.push(Property::TopicAlias(1));
        filters.push(filter, SubscriptionOptions::default());
        topics.push(filter);
        assert!(!block.is_empty() && !filters.is_empty() && !topics.is_empty());
        assert_eq!((block.as_bytes().len(), filters.len(), topics.len()), (3, 1, 1));
        assert_eq!((filters.as_filters(Version::V5).len(), topics.as_filters().len()), (1, 1));
        assert_eq!(topics.as_filters().iter().next(), Some(filter));
        block.clear();
        filters.clear();
        topics.clear();
    }
    assert_eq!((filters.len(), topics.len(), filters.as_filters(Version::V5).iter().count()), (0, 0, 0));
    let empty = filters.clone();
    filters.push(filter, SubscriptionOptions::qos(QoSLevel::AtLeastOnce));
    assert_ne!(filters.as_filters(Version::V5), empty.as_filters(Version::V5));
}

#[test]
fn failures_before_5_0_are_0x80() {
    let codes = [ReasonCode::GrantedQoS2 as u8, ReasonCode::NotAuthorized as u8, 0x80];
    let reasons = ReasonCodes::new(&codes, Place::SubAck).expect("allowed");
    let suback = Packet::SubAck(SubAck { packet_id: ID, properties: Properties::NONE, reasons });
    assert_eq!(encode(Version::V311, &suback), support::bytes("90 05 0001 02 80 80")); // [3.1.1 MQTT-3.9.3-2]
    assert_eq!(encode(Version::V5, &suback), support::bytes("90 06 0001 00 02 87 80"));
}
