//! Rules that bind a client, one by one: bytes of a server in, bytes, events and ends out. Tests are data.

#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

use Version::{V5, V31, V311};
use martlet_codec::{
    FiltersBuf, MAXIMUM_FRAME_LEN, Malformed, Properties, PropertiesBuf, Property, QoSLevel, ReasonCode,
    Split, SubscriptionOptions, TopicFilter, TopicFiltersBuf, TopicName, Version, split_frame,
};
use martlet_protocol::client::{Authentication, ConnectOptions, Connection, End, Event, Refused};
use martlet_protocol::{Fatal, Message, Time, Violation};

const NOW: Time = Time::from_millis(0);
const CONNACK: &str = "20 03 00 00 00";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn client(version: Version) -> Connection {
    let mut options = ConnectOptions::new(version, "c");
    options.limits.receive_maximum = 2;
    options.limits.topic_alias_maximum = 1;
    options.limits.maximum_packet_size = 64;
    let mut client = Connection::new(options).unwrap();
    client.connect(NOW);
    take(&mut client);
    client
}

/// A client that got these frames in answer to CONNECT.
fn after(version: Version, frames: &str) -> Connection {
    let mut client = client(version);
    client.handle_bytes(NOW, &bytes(frames));
    client
}

fn take(client: &mut Connection) -> Vec<u8> {
    let out: Vec<u8> = client.output().flatten().copied().collect();
    client.transmitted(NOW, out.len());
    out
}

fn events(client: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| client.poll_event()).collect()
}

/// The server's frames are answered by these.
fn answers(version: Version, frames: &str, answer: &str) {
    let mut client = after(version, frames);
    assert_eq!(take(&mut client), bytes(answer), "{frames}");
    assert!(client.is_connected(), "{:?}", events(&mut client));
}

/// The server's frames are against this rule; DISCONNECT says so in 5.0.
fn rejects(version: Version, frames: &str, fatal: impl Into<Fatal>) {
    let (mut client, fatal) = (after(version, frames), fatal.into());
    let last = events(&mut client).pop();
    assert!(
        matches!(&last, Some(Event::Disconnected(End::Fatal(found))) if *found == fatal),
        "{frames}: {last:?}, not {fatal:?}"
    );
    let out = take(&mut client);
    let mut last = &[][..];
    let mut rest = &out[..];
    while let Ok(Split::Whole(_, len)) = split_frame(rest, u32::MAX) {
        (last, rest) = rest.split_at(len);
    }
    match version {
        V5 => assert_eq!((last[0], last[2]), (0xe0, fatal.reason() as u8)), // [MQTT-4.13.1-1]
        _ => assert_eq!(out, [0u8; 0]),
    }
    assert!(client.is_closing());
}

#[test]
fn what_a_server_must_not_send() {
    use Violation::*;
    use martlet_codec::PacketType as Type;
    for (version, frames, violation) in [
        (V5, "20 03 01 00 00", SessionPresentUnexpected), // [MQTT-3.2.2-4]
        (V311, "20 02 01 00", SessionPresentUnexpected),
        (V5, "d0 00", TooEarly(Type::PingResp)), // [MQTT-3.2.0-1]
        (V5, "20 03 00 00 00 20 03 00 00 00", SecondConnAck),
        (V5, "20 03 00 00 00 c0 00", WrongDirection(Type::PingReq)),
        (V5, "20 03 00 00 00 90 04 ff f0 00 00", AcknowledgementMismatch),
        (V5, "20 03 00 00 00 30 07 00 01 74 03 23 00 01 30 06 00 00 03 23 00 02", TopicAliasAboveMaximum), // [MQTT-3.3.2-11]
        (V5, "20 03 00 00 00 30 06 00 00 03 23 00 01", TopicAliasUnknown),
        (
            V5,
            "20 03 00 00 00 34 06 00 01 74 0001 00 34 06 00 01 74 0002 00 34 06 00 01 74 0003 00",
            ReceiveMaximumExceeded,
        ),
        (V5, "20 03 00 00 00 e0 07 00 05 11 00000001", SessionExpiryFromServer), // [MQTT-3.14.2-2]
        (V311, "20 02 00 00 e0 00", WrongDirection(Type::Disconnect)),
        (V5, "f0 07 18 05 15 0002 6d6d", AuthWithoutMethod),
    ] {
        rejects(version, frames, violation);
    }
}

#[test]
fn what_is_no_packet() {
    use martlet_codec::Malformed::*;
    for (version, frames, malformed) in [
        (V5, "20 03 02 00 00", ConnAckFlags),         // [MQTT-3.2.2-1]
        (V5, "20 03 00 00 00 36 00", QoSInvalid),     // [MQTT-3.3.1-4]
        (V5, "20 03 00 00 00 30 3f", PacketTooLarge), // the length alone: 1 + 1 + 63 > 64
        (V5, "20 03 00 00 00 62 02 00 00", PacketIdZero),
        (V311, "20 02 00 09", ReasonCodeUnknown),
    ] {
        rejects(version, frames, malformed);
    }
}

#[test]
fn what_a_server_may_send() {
    for (version, frames, answer) in [
        (V5, "32 06 00 01 74 0007 00", "40 02 00 07"), // [MQTT-4.3.2-4]
        (V5, "34 06 00 01 74 0007 00", "50 02 00 07"), // [MQTT-4.3.3-8]
        (V5, "34 06 00 01 74 0007 00 62 02 00 07", "50 02 00 07 70 02 00 07"), // [MQTT-4.3.3-11]
        (V5, "62 02 00 07", "70 03 00 07 92"),
        (V5, "50 02 00 07", "62 03 00 07 92"),
        // [MQTT-4.6.0-2] [MQTT-4.6.0-3]
        (
            V5,
            "32 06 00 01 74 0007 00 34 06 00 01 74 0001 00 32 06 00 01 74 0002 00",
            "40 02 00 07 50 02 00 01 40 02 00 02",
        ),
        (V311, "62 02 00 07", "70 02 00 07"),
        (V31, "32 05 00 01 74 0007", "40 02 00 07"),
        (V5, "d0 00", ""),
    ] {
        let connack = if version == V5 { CONNACK } else { "20 02 00 00" };
        answers(version, &format!("{connack} {frames}"), answer);
    }
}

#[test]
fn a_refusal_is_told_with_its_words() {
    let mut client = after(V5, "20 0a 00 9c 07 1f 0001 78 1c 0000");
    let events = events(&mut client);
    let [Event::Refused { reason, text, server_reference }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((*reason, text.as_deref()), (ReasonCode::UseAnotherServer, Some("x")));
    assert_eq!(server_reference.as_deref(), Some(""));
    assert!(client.is_closing() && client.output_len() == 0); // [MQTT-4.13.2-1]
    let mut old = after(V311, "20 02 00 05");
    let told = old.poll_event();
    assert!(matches!(told, Some(Event::Refused { reason: ReasonCode::NotAuthorized, .. })), "{told:?}");
}

#[test]
fn what_the_server_does_not_support_is_not_sent() {
    // Maximum QoS 1, Retain Available 0, Maximum Packet Size 30; no wildcards, identifiers or shares.
    let mut client = after(V5, "20 12 00 00 0f 24 01 25 00 27 0000001e 28 00 29 00 2a 00");
    let mut publish = |payload: &[u8], qos, retain| {
        let topic = TopicName::new("t").unwrap();
        let message = Message { topic, properties: &[], payload, expires_at: None, publisher: 0 };
        client.publish(NOW, &message, qos, retain).map(|_| ())
    };
    assert_eq!(publish(b"", QoSLevel::ExactlyOnce, false), Err(Refused::QoSNotSupported)); // [MQTT-3.2.2-11]
    assert_eq!(publish(b"", QoSLevel::AtMostOnce, true), Err(Refused::RetainNotSupported)); // [MQTT-3.2.2-14]
    assert_eq!(publish(&[0; 30], QoSLevel::AtMostOnce, false), Err(Refused::TooLarge)); // [MQTT-3.2.2-15]
    assert_eq!(publish(&[0; 24], QoSLevel::AtMostOnce, false), Ok(()), "30 bytes");
    let mut subscribe = |filter, id: Option<u32>| {
        let (mut filters, mut properties) = (FiltersBuf::new(), PropertiesBuf::new());
        filters.push(TopicFilter::new(filter).unwrap(), SubscriptionOptions::default());
        id.into_iter().for_each(|id| properties.push(Property::SubscriptionIdentifier(id)));
        client.subscribe(&filters, properties.as_properties()).map(|_| ())
    };
    assert_eq!(subscribe("a/+", None), Err(Refused::WildcardNotSupported));
    assert_eq!(subscribe("$share/g/a", None), Err(Refused::SharedNotSupported));
    assert_eq!(subscribe("a", Some(1)), Err(Refused::SubscriptionIdNotSupported));
    assert_eq!(subscribe("much/longer/than/the/server/takes", None), Err(Refused::TooLarge));
    assert_eq!(subscribe("a", None), Ok(()));
}

#[test]
fn queued_messages_that_turn_out_unsupported_are_dropped() {
    let mut client = Connection::new(ConnectOptions::new(V5, "c")).unwrap();
    let topic = TopicName::new("t").unwrap();
    let message = Message { topic, properties: &[], payload: &[], expires_at: None, publisher: 0 };
    let token = client.publish(NOW, &message, QoSLevel::ExactlyOnce, false).unwrap();
    client.connect(NOW);
    take(&mut client);
    client.handle_bytes(NOW, &bytes("20 05 00 00 02 24 01"));
    let dropped = events(&mut client).pop();
    assert!(matches!(dropped, Some(Event::Dropped(of, Refused::QoSNotSupported)) if of == token)); // [MQTT-3.2.2-11]
    assert_eq!((client.output_len(), client.unsettled()), (0, 0));
}

#[test]
fn a_client_sets_no_property_of_the_servers() {
    let mut client = after(V5, CONNACK);
    for property in
        [Property::SubscriptionIdentifier(1), Property::TopicAlias(1), Property::ServerKeepAlive(1)]
    {
        let mut block = PropertiesBuf::new();
        block.push(property);
        let topic = TopicName::new("t").unwrap();
        let properties = block.as_bytes();
        let message = Message { topic, properties, payload: b"", expires_at: None, publisher: 0 };
        let refused = client.publish(NOW, &message, QoSLevel::AtMostOnce, false);
        assert!(matches!(refused, Err(Refused::Malformed(_))), "{property:?}"); // [MQTT-3.3.4-6]
    }
    assert_eq!(client.output_len(), 0);
}

#[test]
fn the_steps_of_an_authentication() {
    let mut options = ConnectOptions::new(V5, "c");
    options.authentication = Some(Authentication { method: "m".into(), data: None });
    let mut client = Connection::new(options).unwrap();
    client.connect(NOW);
    take(&mut client);
    client.handle_bytes(NOW, &bytes("f0 0a 18 08 15 0001 6d 16 0001 61"));
    assert!(matches!(&events(&mut client)[..], [Event::Challenge(Some(data))] if **data == *b"a"));
    client.authenticate(b"b").unwrap();
    assert_eq!(take(&mut client), bytes("f0 0a 18 08 15 0001 6d 16 0001 62")); // [MQTT-4.12.0-3] [MQTT-4.12.0-5]
    client.handle_bytes(NOW, &bytes("20 07 00 00 04 15 0001 6d"));
    assert!(matches!(&events(&mut client)[..], [Event::Connected(_)]));
    client.reauthenticate(b"").unwrap();
    assert_eq!(take(&mut client), bytes("f0 09 19 07 15 0001 6d 16 0000")); // [MQTT-4.12.1-1]
    client.handle_bytes(NOW, &bytes("f0 06 00 04 15 0001 6d"));
    assert!(matches!(&events(&mut client)[..], [Event::Reauthenticated(None)]));
    client.handle_bytes(NOW, &bytes("f0 06 18 04 15 0001 6e"));
    let end = events(&mut client).pop();
    assert!(matches!(
        end,
        Some(Event::Disconnected(End::Fatal(Fatal::Violation(Violation::AuthMethodChanged))))
    ));
    let mut plain = after(V5, CONNACK);
    assert_eq!(plain.reauthenticate(b""), Err(Refused::NotInThisVersion)); // [MQTT-4.12.0-7]
}

#[test]
fn connack_names_no_other_method_than_connect() {
    for (asked, connack, good) in [
        (Some("m"), "20 07 00 00 04 15 0001 6d", true),
        (Some("m"), "20 07 00 00 04 15 0001 6e", false),
        (None, "20 07 00 00 04 15 0001 6d", false), // [MQTT-4.12.0-6]
    ] {
        let mut options = ConnectOptions::new(V5, "c");
        options.authentication = asked.map(|method| Authentication { method: method.into(), data: None });
        let mut client = Connection::new(options).unwrap();
        client.connect(NOW);
        client.handle_bytes(NOW, &bytes(connack));
        assert_eq!(client.is_connected(), good, "{connack}"); // [MQTT-4.12.0-5]
        let other = Fatal::Violation(Violation::AuthMethodChanged);
        let told = |event: &Event| matches!(event, Event::Disconnected(End::Fatal(fatal)) if *fatal == other);
        assert_eq!(events(&mut client).iter().any(told), !good);
    }
}

#[test]
fn auth_of_the_server_goes_on_or_is_done() {
    for (frames, good) in [
        ("f0 06 18 04 15 0001 6d", true),
        ("f0 06 00 04 15 0001 6d", false), // CONNACK would say so
        ("f0 06 19 04 15 0001 6d", false),
        ("20 07 00 00 04 15 0001 6d f0 06 00 04 15 0001 6d", true),
        ("20 07 00 00 04 15 0001 6d f0 06 19 04 15 0001 6d", false),
    ] {
        let mut options = ConnectOptions::new(V5, "c");
        options.authentication = Some(Authentication { method: "m".into(), data: None });
        let mut client = Connection::new(options).unwrap();
        client.connect(NOW);
        client.handle_bytes(NOW, &bytes(frames));
        let wrong = Fatal::Violation(Violation::AuthReason);
        let told = |event: &Event| matches!(event, Event::Disconnected(End::Fatal(fatal)) if *fatal == wrong);
        assert_eq!(events(&mut client).iter().any(told), !good, "{frames}"); // [MQTT-3.15.2-1]
    }
}

#[test]
fn auth_stays_within_what_the_server_takes() {
    let mut options = ConnectOptions::new(V5, "c");
    options.authentication = Some(Authentication { method: "m".into(), data: None });
    let mut client = Connection::new(options).unwrap();
    client.connect(NOW);
    take(&mut client);
    client.handle_bytes(NOW, &bytes("20 0c 00 00 09 15 0001 6d 27 0000000c"));
    assert_eq!(client.reauthenticate(b"12"), Err(Refused::TooLarge)); // [MQTT-3.2.2-15]
    assert_eq!(client.output_len(), 0);
    client.reauthenticate(b"1").unwrap();
    assert_eq!(take(&mut client).len(), 12);
}

#[test]
fn a_refused_message_is_settled_with_its_reason() {
    let mut client = after(V5, CONNACK);
    let topic = TopicName::new("t").unwrap();
    let message = Message { topic, properties: &[], payload: b"", expires_at: None, publisher: 0 };
    for (qos, ack) in [(QoSLevel::AtLeastOnce, "40 03 0001 87"), (QoSLevel::ExactlyOnce, "50 03 0002 87")] {
        let token = client.publish(NOW, &message, qos, false).unwrap();
        take(&mut client);
        events(&mut client);
        client.handle_bytes(NOW, &bytes(ack));
        let told = events(&mut client).pop();
        let refused = ReasonCode::NotAuthorized;
        assert!(matches!(told, Some(Event::Published(of, reason)) if of == token && reason == refused)); // [MQTT-4.4.0-2]
        assert_eq!((client.unsettled(), client.output_len()), (0, 0));
    }
}

#[test]
fn a_disconnect_that_cannot_be_said() {
    let mut client = after(V5, CONNACK);
    let misplaced = client.disconnect(ReasonCode::GrantedQoS1, None);
    assert_eq!(misplaced, Err(Malformed::ReasonCodeNotAllowedHere.into())); // [MQTT-3.14.2-1]
    assert_eq!(client.disconnect(ReasonCode::Success, Some(5)), Err(Refused::SessionExpiryRaised)); // 3.14.2.2.2
    assert!(client.is_connected() && client.output_len() == 0);
}

#[test]
fn an_identifier_means_a_new_message_in_a_new_session() {
    for (connack, messages) in [("20 03 01 00 00", 0), ("20 03 00 00 00", 1)] {
        let mut options = ConnectOptions::new(V5, "c");
        options.session_expiry_s = 60;
        let mut client = Connection::new(options).unwrap();
        client.connect(NOW);
        client.handle_bytes(NOW, &bytes("20 03 00 00 00 34 06 00 01 74 0007 00"));
        client.connect(NOW);
        events(&mut client);
        client.handle_bytes(NOW, &bytes(&format!("{connack} 34 06 00 01 74 0007 00")));
        let events = events(&mut client).into_iter().filter(|event| matches!(event, Event::Message(_)));
        assert_eq!(events.count(), messages, "{connack}"); // [MQTT-3.2.2-5] [MQTT-4.3.3-10]
    }
}

#[test]
fn nothing_but_auth_and_disconnect_before_connack() {
    let mut client = client(V5);
    let mut filters = FiltersBuf::new();
    filters.push(TopicFilter::new("a").unwrap(), SubscriptionOptions::default());
    assert_eq!(client.subscribe(&filters, Properties::NONE), Err(Refused::NotConnected)); // [MQTT-3.1.2-30]
    let topic = TopicName::new("t").unwrap();
    let message = Message { topic, properties: &[], payload: &[], expires_at: None, publisher: 0 };
    client.publish(NOW, &message, QoSLevel::AtLeastOnce, false).unwrap();
    assert_eq!(client.output_len(), 0);
    client.disconnect(ReasonCode::Success, None).unwrap();
    assert_eq!(take(&mut client), bytes("e0 00"));
    client.handle_bytes(NOW, &bytes(CONNACK));
    assert_eq!((client.output_len(), client.is_closing()), (0, true)); // [MQTT-3.14.4-1]
}

#[test]
fn connack_in_time_or_never() {
    let mut client = client(V311);
    let deadline = client.poll_timeout().unwrap();
    client.handle_timeout(Time::from_millis(deadline.as_millis() - 1));
    assert!(client.poll_event().is_none());
    client.handle_timeout(deadline);
    assert!(matches!(client.poll_event(), Some(Event::Disconnected(End::NoConnAck))));
}

#[test]
fn options_that_no_connect_can_express() {
    let mut nameless = ConnectOptions::new(V311, "");
    assert!(Connection::new(nameless).is_ok());
    nameless = ConnectOptions::new(V311, "");
    nameless.clean_start = false;
    assert_eq!(Connection::new(nameless).unwrap_err(), Violation::EmptyClientId.into()); // [3.1.1 MQTT-3.1.3-7]
    let mut secret = ConnectOptions::new(V311, "c");
    secret.password = Some(b"x"[..].into());
    assert!(Connection::new(secret).is_err()); // [3.1.1 MQTT-3.1.2-22]
    let mut twofold = ConnectOptions::new(V5, "c");
    twofold.user_properties.push(Property::RequestResponseInformation(1));
    assert_eq!(Connection::new(twofold).unwrap_err(), Malformed::PropertyNotAllowedHere.into());
}

#[test]
fn the_quota_of_the_server_begins_anew_with_each_connection() {
    let mut options = ConnectOptions::new(V5, "c");
    (options.session_expiry_s, options.limits.receive_maximum) = (60, 1);
    let mut client = Connection::new(options).unwrap();
    client.connect(NOW);
    client.handle_bytes(NOW, &bytes("20 03 00 00 00 34 06 00 01 74 0001 00"));
    client.connect(NOW);
    client.handle_bytes(NOW, &bytes("20 03 01 00 00 34 06 00 01 74 0002 00"));
    assert!(client.is_connected()); // [MQTT-4.9.0-1]
    let messages = events(&mut client).into_iter().filter(|event| matches!(event, Event::Message(_)));
    assert_eq!(messages.count(), 2);
}

#[test]
fn a_session_that_was_ended_is_not_resumed() {
    for (expiry_s, clean_start) in [(0, 0x02), (30, 0)] {
        let mut options = ConnectOptions::new(V5, "c");
        options.session_expiry_s = 60;
        let mut client = Connection::new(options).unwrap();
        client.connect(NOW);
        client.handle_bytes(NOW, &bytes(CONNACK));
        client.disconnect(ReasonCode::Success, Some(expiry_s)).unwrap();
        client.connect(NOW);
        assert_eq!(take(&mut client)[9] & 0x02, clean_start);
    }
}

#[test]
fn an_answer_has_a_code_for_each_filter() {
    for (suback, good) in [("90 05 ffc0 00 00 01", true), ("90 04 ffc0 00 00", false)] {
        let mut client = after(V5, CONNACK);
        let mut filters = FiltersBuf::new();
        for filter in ["a", "b"] {
            filters.push(TopicFilter::new(filter).unwrap(), SubscriptionOptions::default());
        }
        client.subscribe(&filters, Properties::NONE).unwrap();
        client.handle_bytes(NOW, &bytes(suback));
        assert_eq!(client.is_connected(), good); // [MQTT-3.9.3-1]
    }
}

#[test]
fn unsuback_has_a_code_for_each_filter_and_none_before_5_0() {
    for (version, unsuback, codes) in [
        (V5, "b0 05 ffc0 00 00 11", Some(&[0x00, 0x11][..])),
        (V5, "b0 04 ffc0 00 00", None),
        (V311, "b0 02 ffc0", Some(&[])),
        (V31, "b0 02 ffc0", Some(&[])),
    ] {
        let mut client = after(version, if version == V5 { CONNACK } else { "20 02 00 00" });
        let mut filters = TopicFiltersBuf::new();
        ["a", "b"].iter().for_each(|filter| filters.push(TopicFilter::new(filter).unwrap()));
        let token = client.unsubscribe(&filters, Properties::NONE).unwrap();
        client.handle_bytes(NOW, &bytes(unsuback));
        let answered = events(&mut client).into_iter().find_map(|event| match event {
            Event::Unsubscribed(of, reasons) if of == token => Some(reasons),
            _ => None,
        });
        let answered = answered.map(|reasons| reasons.iter().map(|reason| *reason as u8).collect::<Vec<_>>());
        assert_eq!(answered.as_deref(), codes, "{version} {unsuback}"); // [MQTT-3.11.3-1]
        assert_eq!(client.is_connected(), codes.is_some());
    }
}

#[test]
fn a_request_ends_with_its_connection() {
    let mut client = after(V5, CONNACK);
    let mut filters = FiltersBuf::new();
    filters.push(TopicFilter::new("a").unwrap(), SubscriptionOptions::default());
    client.subscribe(&filters, Properties::NONE).unwrap();
    client.connect(NOW);
    client.handle_bytes(NOW, &bytes(CONNACK));
    assert!(client.is_connected());
    client.handle_bytes(NOW, &bytes("90 04 ffc0 00 00")); // nothing was asked on this connection
    let end = events(&mut client).pop();
    let mismatch = Fatal::Violation(Violation::AcknowledgementMismatch);
    assert!(matches!(&end, Some(Event::Disconnected(End::Fatal(fatal))) if *fatal == mismatch), "{end:?}");
}

#[test]
fn the_id_that_the_server_assigns_is_the_clients_from_then_on() {
    let mut client = Connection::new(ConnectOptions::new(V5, "")).unwrap();
    client.connect(NOW);
    assert!(take(&mut client).ends_with(&[0, 0]));
    client.handle_bytes(NOW, &bytes("20 09 00 00 06 12 0003 6f776c"));
    assert_eq!(client.client_id(), "owl"); // [MQTT-3.2.2-16]
    client.connect(NOW);
    assert!(take(&mut client).ends_with(b"\0\x03owl"));
}

#[test]
fn a_message_is_unsettled_until_its_last_acknowledgement() {
    let mut client = after(V5, "20 06 00 00 03 21 0001"); // Receive Maximum 1
    let topic = TopicName::new("t").unwrap();
    let message = Message { topic, properties: &[], payload: b"", expires_at: None, publisher: 0 };
    for qos in [QoSLevel::ExactlyOnce, QoSLevel::AtLeastOnce, QoSLevel::AtMostOnce] {
        client.publish(NOW, &message, qos, false).unwrap();
    }
    for (frame, unsettled) in [("", 2), ("50 02 0001", 2), ("70 02 0001", 1), ("40 02 0002", 0)] {
        client.handle_bytes(NOW, &bytes(frame));
        assert_eq!(client.unsettled(), unsettled, "{frame}");
    }
}

#[test]
fn the_largest_message_there_can_be() {
    let mut client = Connection::new(ConnectOptions::new(V311, "c")).unwrap();
    let topic = TopicName::new("t").unwrap();
    let largest = MAXIMUM_FRAME_LEN - 5 - 3 - 3; // first byte and length, the topic, an alias
    let payload = vec![0; largest + 1];
    for (len, refused) in [(largest, Refused::NotConnected), (largest + 1, Refused::TooLarge)] {
        let payload = &payload[..len];
        let message = Message { topic, properties: &[], payload, expires_at: None, publisher: 0 };
        let published = client.publish(NOW, &message, QoSLevel::AtMostOnce, false);
        assert_eq!(published, Err(refused), "{len} bytes");
    }
}

#[test]
fn a_server_that_does_not_read_is_not_read_for_ever() {
    let mut options = ConnectOptions::new(V5, "c");
    options.limits.output_high_bytes = 100;
    let mut client = Connection::new(options).unwrap();
    client.connect(NOW);
    take(&mut client);
    client.handle_bytes(NOW, &bytes(CONNACK));
    let mut read = 0;
    while client.wants_bytes() {
        client.handle_bytes(NOW, &bytes("32 06 00 01 74 0007 00"));
        read += 1;
    }
    assert_eq!((read, client.output_len()), (51, 204), "four bytes for each PUBACK");
    let topic = TopicName::new("t").unwrap();
    let message = Message { topic, properties: &[], payload: &[], expires_at: None, publisher: 0 };
    let full = client.publish(NOW, &message, QoSLevel::AtMostOnce, false);
    assert_eq!(full, Err(Refused::QueueFull));
    take(&mut client);
    assert!(client.wants_bytes());
}

#[test]
fn pubrel_follows_the_order_of_pubrec() {
    let mut client = after(V5, CONNACK);
    let topic = TopicName::new("t").unwrap();
    let message = Message { topic, properties: &[], payload: b"", expires_at: None, publisher: 0 };
    for _ in 0..3 {
        client.publish(NOW, &message, QoSLevel::ExactlyOnce, false).unwrap();
    }
    take(&mut client);
    client.handle_bytes(NOW, &bytes("50 02 0003 50 02 0001 50 02 0002"));
    assert_eq!(take(&mut client), bytes("62 02 0003 62 02 0001 62 02 0002")); // [MQTT-4.6.0-4]
}

#[test]
fn aliases_stay_within_what_the_server_takes() {
    let mut client = after(V5, "20 06 00 00 03 22 0001");
    for (topic, wire) in [
        ("one/topic", "30 0f 0009 6f6e652f746f706963 03 23 0001"),
        ("two/topic", "30 0c 0009 74776f2f746f706963 00"), // [MQTT-3.2.2-17]
    ] {
        let topic = TopicName::new(topic).unwrap();
        let message = Message { topic, properties: &[], payload: b"", expires_at: None, publisher: 0 };
        client.publish(NOW, &message, QoSLevel::AtMostOnce, false).unwrap();
        assert_eq!(take(&mut client), bytes(wire));
    }
}

#[test]
fn a_message_that_nobody_asked_for_is_acknowledged() {
    let frames = format!("{CONNACK} 32 09 00 01 74 0001 03 23 0001 34 08 00 00 0002 03 23 0001");
    answers(V5, &frames, "40 02 0001 50 02 0002"); // [MQTT-4.5.0-2] [MQTT-3.3.2-10]
}
