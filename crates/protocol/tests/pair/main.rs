//! Stories of a client and a server on one clock: what each end promises, whatever the link does.

#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

mod rig;
mod v311;

use martlet_codec::{
    FiltersBuf, Properties, PropertiesBuf, Property, QoSLevel, ReasonCode, SubscriptionOptions, TopicFilter,
    TopicName, Version,
};
use martlet_protocol::client::{ConnectOptions, End, Event, Refused, Token};
use martlet_protocol::{Message, NEVER_EXPIRES};
use rig::{Pair, end, payloads};

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];
const LEVELS: [QoSLevel; 3] = [AtMostOnce, AtLeastOnce, ExactlyOnce];
use QoSLevel::{AtLeastOnce, AtMostOnce, ExactlyOnce};

fn message<'a>(topic: &'a str, payload: &'a [u8]) -> Message<'a> {
    let topic = TopicName::new(topic).unwrap();
    Message { topic, properties: &[], payload, expires_at: None, publisher: 0 }
}

fn publish(pair: &mut Pair, payload: &str, qos: QoSLevel) -> Token {
    pair.client.publish(pair.now, &message("nest/one", payload.as_bytes()), qos, false).unwrap()
}

fn subscribe(pair: &mut Pair, qos: QoSLevel) {
    let mut filters = FiltersBuf::new();
    filters.push(TopicFilter::new("nest/+").unwrap(), SubscriptionOptions::qos(qos));
    let mut properties = PropertiesBuf::new();
    properties.push(Property::SubscriptionIdentifier(7));
    let token = pair.client.subscribe(&filters, properties.as_properties()).unwrap();
    let events = pair.settle();
    let Some(Event::Subscribed(answered, codes)) = events.first() else { panic!("{events:?}") };
    assert_eq!((*answered, codes[0] as u8), (token, qos as u8));
}

fn lasting(options: &mut ConnectOptions) {
    options.session_expiry_s = NEVER_EXPIRES;
    options.clean_start = options.version.is_v5();
    options.session_kept = true;
}

#[test]
fn every_qos_there_and_back_in_every_version() {
    for version in VERSIONS {
        let mut pair = Pair::new(version, |_, _| {});
        let events = pair.connect();
        assert!(matches!(&events[..], [Event::Connected(welcome)] if !welcome.session_present));
        subscribe(&mut pair, ExactlyOnce);
        for qos in LEVELS {
            let token = publish(&mut pair, "hello", qos);
            let events = pair.settle();
            assert_eq!(payloads(&events), ["hello"], "{version} {qos}");
            let got = events.iter().find_map(|event| match event {
                Event::Message(received) => {
                    Some((received.qos.level(), received.subscription_ids.as_slice()))
                }
                _ => None,
            });
            assert_eq!(got, Some((qos, if version.is_v5() { &[7][..] } else { &[] })));
            let published =
                |event: &Event| matches!(event, Event::Published(of, ReasonCode::Success) if *of == token);
            assert_eq!(events.iter().any(published), qos != AtMostOnce);
        }
        assert_eq!(pair.client.unsettled(), 0);
        assert_eq!(pair.server.unfinished(), (0, 0));
    }
}

#[test]
fn what_was_not_acknowledged_is_sent_again_in_order() {
    for version in VERSIONS {
        let mut pair = Pair::new(version, |options, _| {
            lasting(options);
            options.limits.topic_alias_outgoing_max = 0;
        });
        pair.connect();
        pair.deaf = true;
        let tokens = [AtLeastOnce, ExactlyOnce, AtLeastOnce].map(|qos| publish(&mut pair, "x", qos));
        pair.settle();
        assert_eq!(end(&pair.cut()), Some(&End::Stream));
        pair.take_trace("");
        let events = pair.connect();
        let expected =
            ["C:PUBLISH nest/one q1 1 DUP", "C:PUBLISH nest/one q2 2 DUP", "C:PUBLISH nest/one q1 3 DUP"];
        assert_eq!(pair.take_trace("C:PUBLISH"), expected); // [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1]
        let settled = events.iter().filter_map(|event| match event {
            Event::Published(token, _) => Some(*token),
            _ => None,
        });
        let mut settled: Vec<Token> = settled.collect();
        settled.sort_by_key(|token| tokens.iter().position(|known| known == token));
        assert_eq!(settled, tokens);
        assert_eq!(pair.server.routed.len(), 5, "QoS 2 once, QoS 1 twice"); // [MQTT-4.3.3-10]
        assert_eq!(pair.client.unsettled(), 0);
    }
}

#[test]
fn after_pubrec_only_pubrel_is_sent_again() {
    let mut pair = Pair::new(Version::V5, |options, _| lasting(options));
    pair.connect();
    let token = publish(&mut pair, "x", ExactlyOnce);
    let publish: Vec<u8> = pair.client.output().flatten().copied().collect();
    pair.client.transmitted(pair.now, publish.len());
    pair.client.handle_bytes(pair.now, b"\x50\x02\x00\x01"); // PUBREC 1
    pair.mute = true;
    pair.settle();
    pair.cut();
    pair.take_trace("");
    let events = pair.connect();
    assert_eq!(pair.take_trace("C:P"), ["C:PUBREL 1"]); // [MQTT-4.3.3-5] [MQTT-4.3.3-6]
    // The server has forgotten it, for it was settled: PUBCOMP 0x92 is no failure then (3.7.2.1).
    let done = |event: &Event| matches!(event, Event::Published(of, ReasonCode::Success) if *of == token);
    assert!(events.iter().any(done), "{events:?}");
    assert_eq!(pair.client.unsettled(), 0);
}

#[test]
fn qos_2_arrives_once_although_every_answer_is_lost_once() {
    for version in VERSIONS {
        let mut pair = Pair::new(version, |options, _| lasting(options));
        pair.connect();
        subscribe(&mut pair, ExactlyOnce);
        publish(&mut pair, "once", ExactlyOnce);
        let mut got = Vec::new();
        for _ in 0..6 {
            // One exchange more gets through on each stream.
            let up: Vec<u8> = pair.client.output().flatten().copied().collect();
            pair.client.transmitted(pair.now, up.len());
            pair.mute = true;
            got.extend(payloads(&pair.settle()));
            pair.cut();
            got.extend(payloads(&pair.connect()));
        }
        assert_eq!(got, ["once"], "{version}"); // [MQTT-4.3.3-10]
        assert_eq!((pair.client.unsettled(), pair.server.unfinished()), (0, (0, 0)));
    }
}

#[test]
fn receive_maximum_of_1_lets_one_message_fly() {
    let mut pair = Pair::new(Version::V5, |options, limits| {
        options.limits.receive_maximum = 1;
        limits.receive_maximum = 1;
    });
    pair.connect();
    subscribe(&mut pair, ExactlyOnce);
    for payload in ["a", "b", "c"] {
        publish(&mut pair, payload, ExactlyOnce);
    }
    assert_eq!(payloads(&pair.settle()), ["a", "b", "c"]);
    for side in ["C:", "S:"] {
        let mut in_flight = 0;
        let ends = if side == "C:" { "S:PUBCOMP" } else { "C:PUBCOMP" };
        for line in &pair.trace {
            in_flight += i32::from(line.starts_with(&format!("{side}PUBLISH")));
            in_flight -= i32::from(line.starts_with(ends));
            assert!(in_flight <= 1, "{:?}", pair.trace); // [MQTT-3.3.4-7] [MQTT-3.3.4-9] [MQTT-4.9.0-2]
        }
    }
}

#[test]
fn aliases_both_ways_end_with_the_connection() {
    let mut pair = Pair::new(Version::V5, |options, _| lasting(options));
    for _ in 0..2 {
        pair.connect();
        subscribe(&mut pair, AtMostOnce);
        publish(&mut pair, "a", AtMostOnce);
        publish(&mut pair, "b", AtMostOnce);
        let events = pair.settle();
        assert!(payloads(&events).len() >= 2);
        let topics = events.iter().filter_map(|event| match event {
            Event::Message(received) => Some(received.publication.message().topic.as_str().to_owned()),
            _ => None,
        });
        assert!(topics.into_iter().all(|topic| topic == "nest/one"));
        let trace = pair.take_trace("PUBLISH");
        assert_eq!(&trace[..2], ["C:PUBLISH nest/one q0", "C:PUBLISH  q0"]); // [MQTT-3.3.2-7] [MQTT-3.3.2-12]
        assert_eq!(trace[2], "S:PUBLISH nest/one q0");
        assert!(trace[3..].iter().all(|line| line == "S:PUBLISH  q0"));
        pair.cut();
    }
}

#[test]
fn without_a_maximum_no_alias_is_used() {
    let mut pair = Pair::new(Version::V5, |options, limits| {
        options.limits.topic_alias_maximum = 0;
        limits.topic_alias_maximum = 0;
    });
    pair.connect();
    subscribe(&mut pair, AtMostOnce);
    publish(&mut pair, "a", AtMostOnce);
    publish(&mut pair, "b", AtMostOnce);
    pair.settle();
    let trace = pair.take_trace("PUBLISH");
    assert!(trace.len() == 4 && trace.iter().all(|line| line.contains("nest/one"))); // [MQTT-3.2.2-18] [MQTT-3.1.2-27]
}

#[test]
fn an_idle_client_keeps_the_connection_alive() {
    for version in VERSIONS {
        let mut pair = Pair::new(version, |options, _| options.keep_alive_s = 10);
        pair.connect();
        pair.take_trace("");
        assert_eq!(end(&pair.wait_s(35)), None);
        assert_eq!(pair.take_trace("C:"), ["C:PINGREQ"; 3]); // [MQTT-3.1.2-20]
    }
}

#[test]
fn the_keep_alive_of_the_server_is_obeyed() {
    let mut pair = Pair::new(Version::V5, |options, limits| {
        options.keep_alive_s = 1000;
        limits.keep_alive_max_s = 5;
    });
    let events = pair.connect();
    assert!(matches!(&events[..], [Event::Connected(welcome)] if welcome.keep_alive_s == 5));
    assert_eq!(end(&pair.wait_s(16)), None);
    assert_eq!(pair.take_trace("PINGREQ").len(), 3); // [MQTT-3.2.2-21] [MQTT-3.1.2-21]
}

#[test]
fn silence_after_pingreq_ends_the_connection() {
    let mut pair = Pair::new(Version::V311, |options, _| options.keep_alive_s = 10);
    pair.connect();
    pair.deaf = true;
    assert_eq!(end(&pair.wait_s(21)), Some(&End::NoPingResp));
    assert!(pair.client.is_closing());
    assert_eq!(pair.cut().len(), 0, "one end is told once");
}

#[test]
fn a_takeover_is_told() {
    let mut pair = Pair::new(Version::V5, |_, _| {});
    pair.connect();
    pair.client.publish(pair.now, &message("t", b"too late"), AtMostOnce, false).unwrap();
    pair.server.end(ReasonCode::SessionTakenOver);
    let reason = ReasonCode::SessionTakenOver;
    let told = End::Server { reason, text: Some("because".into()), server_reference: None };
    assert_eq!(end(&pair.settle()), Some(&told));
    assert!(pair.server.routed.is_empty()); // [MQTT-3.14.4-1]
    let refused = pair.client.publish(pair.now, &message("t", b""), AtMostOnce, false);
    assert_eq!(refused, Err(Refused::NotConnected));
    assert_eq!(pair.client.output_len(), 0); // [MQTT-3.14.4-1]
}

#[test]
fn who_declines_problem_information_hears_the_words_of_a_failure_alone() {
    let (failed, normal) = (ReasonCode::ServerBusy, ReasonCode::Success);
    for (wanted, reason, words) in
        [(true, normal, true), (true, failed, true), (false, normal, false), (false, failed, true)]
    {
        let mut pair = Pair::new(Version::V5, |options, _| options.request_problem_information = wanted);
        pair.connect();
        pair.server.end(reason);
        let text = words.then(|| "because".into()); // [MQTT-3.1.2-29]
        assert_eq!(end(&pair.settle()), Some(&End::Server { reason, text, server_reference: None }));
    }
}

#[test]
fn what_waits_offline_ages() {
    let mut pair = Pair::new(Version::V5, |options, _| lasting(options));
    pair.connect();
    subscribe(&mut pair, AtLeastOnce);
    pair.cut();
    for s in [5, 20] {
        let aging = Message { expires_at: Some(pair.now.after_s(s)), ..message("nest/one", b"x") };
        pair.client.publish(pair.now, &aging, AtLeastOnce, false).unwrap();
    }
    pair.now = pair.now.after_s(8);
    let events = pair.connect();
    let dropped = |event: &Event| matches!(event, Event::Dropped(_, Refused::Expired));
    assert_eq!(events.iter().filter(|event| dropped(event)).count(), 1); // [MQTT-3.3.2-5]
    let left = events.iter().find_map(|event| match event {
        Event::Message(received) => received.expiry_s,
        _ => None,
    });
    assert_eq!(left, Some(12)); // [MQTT-3.3.2-6]
}

#[test]
fn what_was_begun_does_not_age() {
    let mut pair = Pair::new(Version::V5, |options, _| lasting(options));
    pair.connect();
    pair.mute = true;
    let aging = Message { expires_at: Some(pair.now.after_s(5)), ..message("nest/one", b"x") };
    let token = pair.client.publish(pair.now, &aging, ExactlyOnce, false).unwrap();
    pair.settle();
    pair.cut();
    pair.now = pair.now.after_s(8);
    let events = pair.connect();
    let done = |event: &Event| matches!(event, Event::Published(of, ReasonCode::Success) if *of == token);
    assert!(events.iter().any(done), "{events:?}"); // [MQTT-4.3.3-7]
}

#[test]
fn a_lost_session_drops_what_was_begun_and_keeps_what_was_not() {
    let mut pair = Pair::new(Version::V5, |options, limits| {
        lasting(options);
        limits.receive_maximum = 1;
    });
    pair.connect();
    pair.mute = true;
    let [begun, queued] = ["begun", "queued"].map(|payload| publish(&mut pair, payload, ExactlyOnce));
    pair.settle();
    pair.cut();
    pair.server.forget();
    let events = pair.connect();
    let lost = |event: &Event| matches!(event, Event::Dropped(of, Refused::SessionLost) if *of == begun);
    assert!(events.iter().any(lost), "{events:?}"); // [MQTT-3.2.2-5]
    assert!(events.iter().any(|event| matches!(event, Event::Published(of, _) if *of == queued)));
    assert_eq!(pair.server.routed, [b"queued"]);
}

#[test]
fn a_session_ends_with_its_expiry() {
    for (wait_s, present) in [(29, true), (31, false)] {
        let mut pair = Pair::new(Version::V5, |options, _| options.session_expiry_s = 30);
        pair.connect();
        pair.cut();
        pair.now = pair.now.after_s(wait_s);
        let events = pair.connect();
        assert!(matches!(&events[0], Event::Connected(welcome) if welcome.session_present == present));
    }
}

#[test]
fn disconnect_can_end_the_session_now() {
    let mut pair = Pair::new(Version::V5, |options, _| options.session_expiry_s = 30);
    pair.connect();
    pair.client.disconnect(ReasonCode::Success, Some(0)).unwrap();
    assert_eq!(end(&pair.settle()), Some(&End::Client));
    assert!(pair.client.is_closing());
    pair.cut();
    let events = pair.connect();
    assert!(matches!(&events[0], Event::Connected(welcome) if !welcome.session_present));
}

#[test]
fn large_payloads_pass_whole() {
    let mut pair = Pair::new(Version::V5, |_, _| {});
    pair.connect();
    subscribe(&mut pair, ExactlyOnce);
    let payload = "0123456789".repeat(10_000);
    for qos in LEVELS {
        publish(&mut pair, &payload, qos);
        publish(&mut pair, "after", qos);
        assert_eq!(payloads(&pair.settle()), [payload.as_str(), "after"]);
    }
}

#[test]
fn packet_ids_wrap_beside_requests() {
    let mut pair = Pair::new(Version::V311, |options, limits| {
        options.limits.packet_id_max = 3;
        limits.packet_id_max = 3;
    });
    pair.connect();
    for round in 0..10 {
        pair.deaf = true;
        for _ in 0..5 {
            publish(&mut pair, "x", AtLeastOnce);
        }
        pair.settle();
        pair.deaf = false;
        let mut filters = FiltersBuf::new();
        filters.push(TopicFilter::new("other").unwrap(), SubscriptionOptions::qos(AtMostOnce));
        pair.client.subscribe(&filters, Properties::NONE).unwrap(); // [MQTT-2.2.1-3] [MQTT-3.3.4-8]
        let events = pair.settle();
        assert!(matches!(&events[..], [Event::Subscribed(..)]), "{round} {events:?}");
        pair.client.handle_bytes(pair.now, b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\x00\x03");
        while pair.client.unsettled() > 0 {
            pair.client.handle_bytes(pair.now, b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\x00\x03");
        }
        pair.settle();
    }
}
