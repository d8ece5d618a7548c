//! What 3.1.1 asks of a client, statement by statement: the bytes that it writes, and what it does with a server's.

use super::*;
use martlet_codec::{Malformed, TopicFiltersBuf};
use martlet_protocol::client::{Connection, WillRequest};
use martlet_protocol::{Fatal, Violation};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn written(pair: &mut Pair) -> Vec<u8> {
    let out: Vec<u8> = pair.client.output().flatten().copied().collect();
    pair.client.transmitted(pair.now, out.len());
    out
}

/// A connected client of 3.1.1, with nothing written since.
fn connected(change: impl FnOnce(&mut ConnectOptions)) -> Pair {
    let mut pair = Pair::new(Version::V311, |options, _| change(options));
    pair.connect();
    pair.take_trace("");
    pair
}

/// The server's frames are answered by these.
fn answers(pair: &mut Pair, frames: &str, answer: &str) {
    pair.client.handle_bytes(pair.now, &bytes(frames));
    assert_eq!(written(pair), bytes(answer), "{frames}");
}

#[test]
fn connect_says_what_its_flags_announce() {
    let will = |qos, retain| WillRequest {
        publication: message("w", b"bye").to_publication(),
        qos,
        retain,
        delay_s: 0,
        expiry_s: None,
    };
    let connect = |change: &dyn Fn(&mut ConnectOptions)| {
        let mut options = ConnectOptions::new(Version::V311, "c");
        change(&mut options);
        let mut pair = Pair::new(Version::V311, |_, _| {});
        pair.client = Connection::new(options).unwrap();
        pair.client.publish(pair.now, &message("t", b""), AtLeastOnce, false).unwrap();
        pair.client.connect(pair.now);
        written(&mut pair)
    };
    // [3.1.1 MQTT-3.1.0-1] [3.1.1 MQTT-3.1.2-11] [3.1.1 MQTT-3.1.2-13] [3.1.1 MQTT-3.1.2-15] [3.1.1 MQTT-3.1.2-18]
    // [3.1.1 MQTT-3.1.2-20] [3.1.1 MQTT-3.1.3-3] [3.1.1 MQTT-3.1.3-4]
    assert_eq!(connect(&|_| {}), bytes("10 0d 0004 4d515454 04 02 003c 0001 63"));
    let user = connect(&|options| options.user_name = Some("u".into()));
    assert_eq!(user, bytes("10 10 0004 4d515454 04 82 003c 0001 63 0001 75")); // [3.1.1 MQTT-3.1.2-19]
    let all = connect(&|options| {
        options.will = Some(will(ExactlyOnce, true));
        options.user_name = Some("u".into());
        options.password = Some(b"p"[..].into());
    });
    // [3.1.1 MQTT-3.1.2-9] [3.1.1 MQTT-3.1.2-19] [3.1.1 MQTT-3.1.2-21] [3.1.1 MQTT-3.1.3-1]
    // [3.1.1 MQTT-3.1.3-10] [3.1.1 MQTT-3.1.3-11]
    assert_eq!(all, bytes("10 1b 0004 4d515454 04 f6 003c 0001 63 0001 77 0003 627965 0001 75 0001 70"));
}

#[test]
fn strings_that_no_packet_can_carry() {
    let refused = |change: &dyn Fn(&mut ConnectOptions)| {
        let mut options = ConnectOptions::new(Version::V311, "c");
        change(&mut options);
        Connection::new(options).unwrap_err()
    };
    let null = Fatal::Malformed(Malformed::NullCharacter);
    assert_eq!(refused(&|options| options.client_id = "\0".into()), null); // [3.1.1 MQTT-1.5.3-2]
    assert_eq!(refused(&|options| options.user_name = Some("\0".into())), null); // [3.1.1 MQTT-1.5.3-2]
    let password_alone = refused(&|options| options.password = Some(b"p"[..].into()));
    assert_eq!(password_alone, Malformed::PasswordWithoutUserName.into()); // [3.1.1 MQTT-3.1.2-22]
    let nameless = refused(&|options| (options.client_id, options.clean_start) = ("".into(), false));
    assert_eq!(nameless, Violation::EmptyClientId.into()); // [3.1.1 MQTT-3.1.3-7]
}

#[test]
fn a_request_without_filters_is_not_sent() {
    let mut pair = connected(|_| {});
    let subscribed = pair.client.subscribe(&FiltersBuf::new(), Properties::NONE);
    assert_eq!(subscribed, Err(Malformed::SubscribeEmpty.into())); // [3.1.1 MQTT-3.8.3-3]
    let unsubscribed = pair.client.unsubscribe(&TopicFiltersBuf::new(), Properties::NONE);
    assert_eq!(unsubscribed, Err(Malformed::UnsubscribeEmpty.into())); // [3.1.1 MQTT-3.10.3-2]
    assert_eq!(pair.client.output_len(), 0);
}

#[test]
fn what_breaks_the_rules_ends_the_connection_without_a_word() {
    for (frames, fatal) in [
        ("36 05 0001 74 0001", Malformed::QoSInvalid.into()), // [3.1.1 MQTT-3.3.1-4]
        ("38 03 0001 74", Malformed::DupWithoutQoS.into()),   // [3.1.1 MQTT-3.3.1-2]
        ("32 05 0001 74 0000", Malformed::PacketIdZero.into()), // [3.1.1 MQTT-2.3.1-1]
        ("30 03 0001 ff", Malformed::Utf8.into()),            // [3.1.1 MQTT-1.5.3-1] [3.1.1 MQTT-3.3.2-1]
        ("30 03 0001 00", Malformed::NullCharacter.into()),   // [3.1.1 MQTT-1.5.3-2] [3.1.1 MQTT-4.7.3-2]
        ("30 03 0001 2b", Malformed::TopicNameWildcard.into()), // [3.1.1 MQTT-3.3.2-2] [3.1.1 MQTT-4.7.1-1]
        ("30 02 0000", Malformed::TopicNameEmpty.into()),     // [3.1.1 MQTT-4.7.3-1]
        ("60 02 0001", Malformed::ReservedFlags.into()),      // [3.1.1 MQTT-3.6.1-1]
        ("d1 00", Malformed::ReservedFlags.into()),           // [3.1.1 MQTT-2.2.2-1] [3.1.1 MQTT-2.2.2-2]
        ("90 03 fff0 00", Fatal::from(Violation::AcknowledgementMismatch)), // [3.1.1 MQTT-2.3.1-7]
    ] {
        let mut pair = connected(|_| {});
        answers(&mut pair, frames, "");
        assert_eq!(end(&pair.settle()), Some(&End::Fatal(fatal)), "{frames}"); // [3.1.1 MQTT-4.8.0-1]
        assert!(pair.client.is_closing());
    }
}

#[test]
fn messages_are_acknowledged_in_their_order_whether_they_are_used_or_not() {
    let mut pair = connected(|_| {});
    // No event is looked at. [3.1.1 MQTT-3.3.4-1] [3.1.1 MQTT-4.5.0-2]
    answers(&mut pair, "30 03 0001 74", "");
    answers(
        &mut pair,
        "34 05 0001 74 0009 32 05 0001 74 0007 34 05 0001 74 0002 32 05 0001 74 0001",
        "50 02 0009 40 02 0007 50 02 0002 40 02 0001", // [3.1.1 MQTT-2.3.1-6] [3.1.1 MQTT-4.6.0-2] [3.1.1 MQTT-4.6.0-3]
    );
    answers(&mut pair, "3c 05 0001 74 0009", "50 02 0009"); // [3.1.1 MQTT-4.3.3-2]
    answers(&mut pair, "62 02 0009 62 02 0002", "70 02 0009 70 02 0002");
    answers(&mut pair, "34 05 0001 74 0009 32 05 0001 74 0007", "50 02 0009 40 02 0007");
    let messages = pair.settle().iter().filter(|event| matches!(event, Event::Message(_))).count();
    // The duplicate is none; after PUBREL and PUBACK an identifier means a new message.
    assert_eq!(messages, 7); // [3.1.1 MQTT-4.3.2-2] [3.1.1 MQTT-4.3.3-2]
}

#[test]
fn an_identifier_is_free_after_the_last_acknowledgement() {
    let mut pair = connected(|options| options.limits.packet_id_max = 2);
    (pair.deaf, pair.mute) = (true, true);
    for (payload, qos) in [("a", ExactlyOnce), ("b", AtLeastOnce), ("c", AtLeastOnce), ("d", ExactlyOnce)] {
        publish(&mut pair, payload, qos);
    }
    pair.settle();
    // [3.1.1 MQTT-2.3.1-2] [3.1.1 MQTT-4.3.2-1] [3.1.1 MQTT-4.3.3-1]
    assert_eq!(pair.take_trace("C:"), ["C:PUBLISH nest/one q2 1", "C:PUBLISH nest/one q1 2"]);
    answers(&mut pair, "50 02 0001", "62 02 0001"); // PUBREC: not the last one [3.1.1 MQTT-2.3.1-3]
    pair.client.handle_bytes(pair.now, &bytes("40 02 0002"));
    pair.settle();
    assert_eq!(pair.take_trace("C:"), [""; 0], "1 is in use, and 2 comes behind it"); // [3.1.1 MQTT-2.3.1-3]
    pair.client.handle_bytes(pair.now, &bytes("70 02 0001"));
    pair.settle();
    assert_eq!(pair.take_trace("C:"), ["C:PUBLISH nest/one q1 1", "C:PUBLISH nest/one q2 2"]);
    let mut filters = FiltersBuf::new();
    filters.push(TopicFilter::new("a").unwrap(), SubscriptionOptions::qos(AtMostOnce));
    pair.client.subscribe(&filters, Properties::NONE).unwrap();
    let subscribe = written(&mut pair);
    assert_eq!(subscribe[0], 0x82);
    assert!(subscribe[2..4] > [0, 2][..], "{subscribe:02x?}"); // [3.1.1 MQTT-2.3.1-2] [3.1.1 MQTT-2.3.1-1]
}

#[test]
fn what_was_begun_is_finished_on_the_next_connection() {
    let mut pair = connected(lasting);
    (pair.deaf, pair.mute) = (true, true);
    for (payload, qos) in [("a", ExactlyOnce), ("b", ExactlyOnce), ("c", AtLeastOnce), ("d", ExactlyOnce)] {
        publish(&mut pair, payload, qos);
    }
    pair.settle();
    answers(&mut pair, "50 02 0002 50 02 0001", "62 02 0002 62 02 0001"); // [3.1.1 MQTT-4.6.0-4]
    pair.cut();
    pair.take_trace("");
    pair.connect();
    // [3.1.1 MQTT-2.3.1-3] [3.1.1 MQTT-3.1.2-4] [3.1.1 MQTT-3.3.1-1] [3.1.1 MQTT-4.1.0-1] [3.1.1 MQTT-4.3.3-1]
    // [3.1.1 MQTT-4.4.0-1] [3.1.1 MQTT-4.6.0-1]
    assert_eq!(
        pair.take_trace("C:")[..5],
        [
            "C:CONNECT",
            "C:PUBREL 1",
            "C:PUBREL 2",
            "C:PUBLISH nest/one q1 3 DUP",
            "C:PUBLISH nest/one q2 4 DUP"
        ]
    );
}

#[test]
fn clean_session_takes_nothing_along() {
    let mut pair = connected(|_| {});
    (pair.deaf, pair.mute) = (true, true);
    let token = publish(&mut pair, "x", AtLeastOnce);
    pair.settle();
    let mut events = pair.cut();
    pair.client.connect(pair.now);
    assert_eq!(written(&mut pair)[9], 0x02); // Clean Session again [3.1.1 MQTT-3.1.2-6]
    answers(&mut pair, "20 02 00 00", ""); // nothing is sent again [3.1.1 MQTT-3.1.2-6]
    events.extend(pair.settle());
    let lost = |event: &Event| matches!(event, Event::Dropped(of, Refused::SessionLost) if *of == token);
    assert!(events.iter().any(lost), "{events:?}");
}

#[test]
fn an_idle_client_pings() {
    let mut pair = connected(|options| options.keep_alive_s = 10);
    pair.wait_s(9);
    assert_eq!(pair.take_trace("C:"), [""; 0]);
    pair.wait_s(1);
    assert_eq!(pair.take_trace("C:"), ["C:PINGREQ"]); // [3.1.1 MQTT-3.1.2-23]
}

#[test]
fn disconnect_is_the_last_word() {
    let mut pair = connected(|_| {});
    publish(&mut pair, "before", AtMostOnce);
    pair.client.disconnect(ReasonCode::Success, None).unwrap();
    assert!(pair.client.is_closing()); // [3.1.1 MQTT-3.14.4-1]
    let refused = pair.client.publish(pair.now, &message("t", b""), AtMostOnce, false);
    assert_eq!(refused, Err(Refused::NotConnected));
    pair.client.publish(pair.now, &message("t", b""), AtLeastOnce, false).unwrap();
    pair.client.handle_bytes(pair.now, &bytes("32 05 0001 74 0007"));
    pair.now = pair.now.after_s(1000);
    pair.client.handle_timeout(pair.now);
    assert!(written(&mut pair).ends_with(&[0xe0, 0])); // [3.1.1 MQTT-3.14.4-2]
}

#[test]
fn a_client_that_wants_its_will_says_no_goodbye() {
    let mut pair = connected(|_| {});
    pair.client.disconnect(ReasonCode::DisconnectWithWill, None).unwrap();
    assert!(pair.client.is_closing() && pair.client.output_len() == 0);
}

#[test]
fn qos_0_has_neither_identifier_nor_dup() {
    let mut pair = connected(|_| {});
    publish(&mut pair, "x", AtMostOnce);
    // [3.1.1 MQTT-2.3.1-5] [3.1.1 MQTT-3.3.1-2] [3.1.1 MQTT-3.3.2-1] [3.1.1 MQTT-4.3.1-1]
    assert_eq!(written(&mut pair), bytes("30 0b 0008 6e6573742f6f6e65 78"));
}
