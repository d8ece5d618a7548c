//! Tables 2-4 and 2-6 against the decoder: each property and each reason code in each place, once in
//! the specification's own words here, so that a slip in the table is seen.
mod support;
use martlet_codec::{Malformed, Place, Properties, PropertiesBuf, Property, ReasonCode};

const PLACES: [(Place, char); 14] = [
    (Place::Connect, 'C'),
    (Place::ConnAck, 'c'),
    (Place::Publish, 'P'),
    (Place::PubAck, 'a'),
    (Place::PubRec, 'r'),
    (Place::PubRel, 'l'),
    (Place::PubComp, 'm'),
    (Place::Subscribe, 'S'),
    (Place::SubAck, 's'),
    (Place::Unsubscribe, 'U'),
    (Place::UnsubAck, 'u'),
    (Place::Disconnect, 'D'),
    (Place::Auth, 'A'),
    (Place::Will, 'W'),
];

/// Table 2-4: an example of each property, its bytes, the letters of its places.
const PROPERTIES: [(Property<'static>, &str, &str); 27] = [
    (Property::PayloadFormatIndicator(1), "01 01", "PW"),
    (Property::MessageExpiryInterval(7), "02 00000007", "PW"),
    (Property::ContentType("x"), "03 0001 \"x\"", "PW"),
    (Property::ResponseTopic("x"), "08 0001 \"x\"", "PW"),
    (Property::CorrelationData(b"x"), "09 0001 \"x\"", "PW"),
    (Property::SubscriptionIdentifier(200), "0b c801", "PS"),
    (Property::SessionExpiryInterval(7), "11 00000007", "CcD"),
    (Property::AssignedClientIdentifier("x"), "12 0001 \"x\"", "c"),
    (Property::ServerKeepAlive(7), "13 0007", "c"),
    (Property::AuthenticationMethod("x"), "15 0001 \"x\"", "CcA"),
    (Property::AuthenticationData(b"x"), "16 0001 \"x\"", "CcA"),
    (Property::RequestProblemInformation(0), "17 00", "C"),
    (Property::WillDelayInterval(7), "18 00000007", "W"),
    (Property::RequestResponseInformation(1), "19 01", "C"),
    (Property::ResponseInformation("x"), "1a 0001 \"x\"", "c"),
    (Property::ServerReference("x"), "1c 0001 \"x\"", "cD"),
    (Property::ReasonString("x"), "1f 0001 \"x\"", "carlmsuDA"),
    (Property::ReceiveMaximum(7), "21 0007", "Cc"),
    (Property::TopicAliasMaximum(7), "22 0007", "Cc"),
    (Property::TopicAlias(7), "23 0007", "P"),
    (Property::MaximumQoS(1), "24 01", "c"),
    (Property::RetainAvailable(0), "25 00", "c"),
    (Property::UserProperty(("k", "v")), "26 0001 \"k\" 0001 \"v\"", "CcParlmSsUuDAW"),
    (Property::MaximumPacketSize(7), "27 00000007", "Cc"),
    (Property::WildcardSubscriptionAvailable(0), "28 00", "c"),
    (Property::SubscriptionIdentifierAvailable(0), "29 00", "c"),
    (Property::SharedSubscriptionAvailable(0), "2a 00", "c"),
];

#[test]
fn each_property_stands_where_table_2_4_says() {
    for (property, hex, places) in PROPERTIES {
        let block = support::bytes(hex);
        let mut built = PropertiesBuf::new();
        built.push(property);
        assert_eq!((built.as_bytes(), property.encoded_len()), (&block[..], block.len()), "{property:?}");
        // The data needs its method; together they stand where either may.
        let method = if property.id() == 0x16 { &b"\x15\x00\x01m"[..] } else { &[] };
        let block = [method, &block].concat();
        for (place, letter) in PLACES {
            let outcome = Properties::new(&block, place).map(|p| p.iter().last());
            let expected = if places.contains(letter) {
                Ok(Some(property))
            } else {
                Err(Malformed::PropertyNotAllowedHere)
            };
            assert_eq!(outcome, expected, "{property:?} in {place:?}");
            assert_eq!(property.check(place).is_ok(), places.contains(letter), "{property:?} in {place:?}");
        }
    }
}

#[test]
fn a_property_repeats_only_where_it_may() {
    for (property, _, places) in PROPERTIES {
        let mut block = PropertiesBuf::new();
        if property.id() == 0x16 {
            block.push(Property::AuthenticationMethod("m"));
        }
        block.push(property);
        block.push(property);
        for (place, _) in PLACES.iter().filter(|(_, letter)| places.contains(*letter)) {
            let repeats = match property {
                Property::UserProperty(_) => true,
                Property::SubscriptionIdentifier(_) => *place == Place::Publish,
                _ => false,
            };
            let outcome = Properties::new(block.as_bytes(), *place).map(|_| ());
            let expected = if repeats { Ok(()) } else { Err(Malformed::PropertyDuplicate) };
            assert_eq!(outcome, expected, "{property:?} in {place:?}");
        }
    }
}

#[test]
fn identifiers_outside_the_table_are_unknown() {
    let known: Vec<u8> = PROPERTIES.iter().map(|(property, ..)| property.id()).collect();
    for id in (0..=255).filter(|id| !known.contains(id)) {
        assert_eq!(
            Properties::new(&[id, 0, 0, 0, 0], Place::Publish),
            Err(Malformed::PropertyUnknown),
            "{id:#x}"
        );
    }
}

#[test]
fn what_a_user_types_is_checked_before_it_is_pushed() {
    let longer = "x".repeat(65_536);
    let (text, bytes) = (longer.as_str(), longer.as_bytes());
    for (property, why) in [
        (Property::ContentType(text), Malformed::StringTooLong),
        (Property::CorrelationData(bytes), Malformed::StringTooLong),
        (Property::UserProperty(("k", text)), Malformed::StringTooLong),
        (Property::UserProperty((text, "v")), Malformed::StringTooLong),
        (Property::UserProperty(("\0", "v")), Malformed::NullCharacter), // [MQTT-1.5.7-1]
        (Property::ResponseTopic("#"), Malformed::ResponseTopicInvalid), // [MQTT-3.3.2-14]
        (Property::SubscriptionIdentifier(268_435_456), Malformed::SubscriptionIdentifierInvalid),
        (Property::ServerKeepAlive(1), Malformed::PropertyNotAllowedHere),
    ] {
        assert_eq!(property.check(Place::Publish), Err(why), "{}", property.name());
    }
    assert_eq!(Property::SubscriptionIdentifier(268_435_455).check(Place::Subscribe), Ok(()));
}

#[test]
fn a_stored_block_reads_as_it_was_checked() {
    let mut block = PropertiesBuf::new();
    block.push(Property::UserProperty(("a", "1")));
    block.push(Property::ReasonString("why"));
    block.push(Property::UserProperty(("a", "2")));
    let stored = Properties::from_checked_bytes(block.as_bytes());
    assert_eq!(stored.user_properties().collect::<Vec<_>>(), [("a", "1"), ("a", "2")]); // [MQTT-3.3.2-18]
    assert_eq!((stored.reason_string(), stored.len_encoded()), (Some("why"), block.as_bytes().len() + 1));
    assert_eq!(PropertiesBuf::from_checked(stored), block);
    assert_eq!(Properties::from_checked_bytes(&[0x1f, 0xff]).iter().count(), 0);
}

/// Table 2-6: the letters of the places in which each code may stand.
const REASONS: [(u8, &str); 43] = [
    (0x00, "carlmsuDA"),
    (0x01, "s"),
    (0x02, "s"),
    (0x04, "D"),
    (0x10, "ar"),
    (0x11, "u"),
    (0x18, "A"),
    (0x19, "A"),
    (0x80, "carsuD"),
    (0x81, "cD"),
    (0x82, "cD"),
    (0x83, "carsuD"),
    (0x84, "c"),
    (0x85, "c"),
    (0x86, "c"),
    (0x87, "carsuD"),
    (0x88, "c"),
    (0x89, "cD"),
    (0x8a, "c"),
    (0x8b, "D"),
    (0x8c, "cD"),
    (0x8d, "D"),
    (0x8e, "D"),
    (0x8f, "suD"),
    (0x90, "carD"),
    (0x91, "arsu"),
    (0x92, "lm"),
    (0x93, "D"),
    (0x94, "D"),
    (0x95, "cD"),
    (0x96, "D"),
    (0x97, "carsD"),
    (0x98, "D"),
    (0x99, "carD"),
    (0x9a, "cD"),
    (0x9b, "cD"),
    (0x9c, "cD"),
    (0x9d, "cD"),
    (0x9e, "sD"),
    (0x9f, "cD"),
    (0xa0, "D"),
    (0xa1, "sD"),
    (0xa2, "sD"),
];

#[test]
fn each_reason_code_stands_where_table_2_6_says() {
    assert_eq!(ReasonCode::ALL.iter().map(|r| *r as u8).collect::<Vec<_>>(), REASONS.map(|(code, _)| code));
    for (code, places) in REASONS {
        let reason = ReasonCode::try_from(code).expect("in the table");
        assert_eq!((reason as u8, reason.is_failure()), (code, code >= 0x80));
        for (place, letter) in PLACES {
            assert_eq!(reason.allowed_in(place), places.contains(letter), "{reason} in {place:?}");
        }
    }
    let known: Vec<u8> = REASONS.iter().map(|(code, _)| *code).collect();
    for code in (0..=255).filter(|code| !known.contains(code)) {
        assert_eq!(ReasonCode::try_from(code), Err(Malformed::ReasonCodeUnknown), "{code:#x}");
    }
}

#[test]
fn return_codes_of_3_1_1_map_there_and_back() {
    for code in 0..=5 {
        let reason = ReasonCode::from_v3_connack(code).expect("in the table");
        assert_eq!(reason.to_v3_connack(), code);
    }
    assert_eq!(ReasonCode::from_v3_connack(6), Err(Malformed::ReasonCodeUnknown));
    for reason in ReasonCode::ALL {
        assert_eq!(reason.to_v3_connack() != 0, reason.is_failure(), "{reason}");
    }
}
