//! What the libraries' clients expect of a broker, told once and played with each library in each version.

use super::script::{Library, Script};
use super::{Message, VERSIONS};
use crate::common::TestBroker;
use martlet_codec::Version;

/// Plays a story with each library in each version, every time with a broker of its own.
fn play(versions: &[Version], story: fn(&mut Script, Version)) {
    for library in Library::ALL {
        for &version in versions {
            let broker = TestBroker::start(2);
            let mut script = Script::start(library, broker.address);
            println!("{library} {version:?}"); // shown if it fails
            story(&mut script, version);
            drop(script);
            broker.stop();
        }
    }
}

#[test]
fn sessions_outlive_connections() {
    play(&VERSIONS, |script, version| {
        assert!(!script.open("reader", version, false, None));
        script.subscribe("reader", "news/#", 2);
        script.close("reader");
        script.open("writer", Version::V311, true, None);
        let mut expected = Vec::new();
        for (number, qos) in [1, 2, 1, 2].into_iter().enumerate() {
            let message = Message::new("news/local", qos, false, &number.to_string());
            script.publish("writer", &message);
            expected.push(message);
        }
        // 3.1 has no way to say that a session is present.
        assert_eq!(script.open("reader", version, false, None), version != Version::V31);
        // paho shows a message of QoS 2 when it is released, so the order is that of each QoS.
        let mut received: Vec<Message> = expected.iter().map(|_| script.message("reader")).collect();
        received.sort_by_key(|message| message.qos);
        expected.sort_by_key(|message| message.qos);
        assert_eq!(received, expected);
        let last = Message::new("news/last", 2, false, "last");
        script.publish("writer", &last);
        assert_eq!(script.message("reader"), last);
        script.close("reader");
        assert!(!script.open("reader", version, true, None));
        assert!(!script.open("witness", version, true, None));
        script.subscribe("witness", "news/#", 1);
        script.publish("writer", &Message::new("news/none", 1, false, "for the witness alone"));
        script.message("witness");
        assert_eq!(script.messages_left("reader"), 0);
    });
}

#[test]
fn wills() {
    play(&VERSIONS, |script, version| {
        script.open("heir", version, true, None);
        script.subscribe("heir", "wills/#", 2);
        for qos in 0..=2 {
            let topic = format!("wills/{qos}");
            script.open("polite", version, true, Some((&topic, "never seen", qos, false)));
            script.close("polite");
            let client = format!("gone-{qos}");
            script.open(&client, version, true, Some((&topic, "the last will", qos, qos == 1)));
            script.cut(&client);
            assert_eq!(script.message("heir"), Message::new(&topic, qos, false, "the last will"));
        }
        script.open("late", version, true, None);
        script.subscribe("late", "wills/#", 2);
        assert_eq!(script.message("late"), Message::new("wills/1", 1, true, "the last will"));
    });
}

#[test]
fn retained_messages() {
    play(&VERSIONS, |script, version| {
        script.open("writer", version, true, None);
        for qos in 0..=2 {
            let topic = format!("kept/{qos}");
            script.publish("writer", &Message::new(&topic, qos, true, "first"));
            script.publish("writer", &Message::new(&topic, qos, true, "second"));
            script.publish("writer", &Message::new(&topic, qos, false, "not kept"));
            script.publish("writer", &Message::new("fence", 1, false, "all before this has arrived"));
            let reader = format!("reader-{qos}");
            script.open(&reader, version, true, None);
            script.subscribe(&reader, "kept/+", 2);
            let kept = script.message(&reader);
            assert_eq!(kept, Message::new(&topic, qos, true, "second"));
            script.publish("writer", &Message::new(&topic, qos, true, ""));
            assert_eq!(script.message(&reader), Message::new(&topic, qos, false, ""));
            script.close(&reader);
        }
        script.open("last", version, true, None);
        script.subscribe("last", "kept/#", 0);
        script.publish("writer", &Message::new("kept/live", 0, false, "live"));
        assert_eq!(script.message("last"), Message::new("kept/live", 0, false, "live"));
    });
}

#[test]
fn properties() {
    play(&[Version::V5], |script, version| {
        script.open("reader", version, true, None);
        script.subscribe("reader", "with/properties", 2);
        script.open("old", Version::V311, true, None);
        script.subscribe("old", "with/properties", 1);
        script.open("writer", version, true, None);
        for qos in 0..=2 {
            let properties = "content-type=text/plain correlation-data=c0rrelation format=1 \
                response-topic=answers/here user=colour:green";
            let message = Message::new("with/properties", qos, false, "payload");
            let message = Message { properties: properties.into(), ..message };
            script.publish("writer", &message);
            assert_eq!(script.message("reader"), message);
            let plain = Message::new("with/properties", qos.min(1), false, "payload");
            assert_eq!(script.message("old"), plain);
        }
    });
}

/// The time that a message has waited is taken off its expiry interval.
#[test]
fn expiry_intervals_shrink() {
    play(&[Version::V5], |script, version| {
        script.open("writer", version, true, None);
        let message = Message::new("expiring", 1, true, "payload");
        script.publish("writer", &Message { properties: "expiry=1000".into(), ..message });
        script.open("reader", version, true, None);
        script.subscribe("reader", "expiring", 1);
        let properties = script.message("reader").properties;
        let left: u32 = properties.strip_prefix("expiry=").unwrap().parse().unwrap();
        assert!((900..=1000).contains(&left), "{left}"); // [MQTT-3.3.2-6]
    });
}

#[test]
fn takeover() {
    play(&VERSIONS, |script, version| {
        script.connect("first", "the same", version, true, None);
        script.connect("second", "the same", version, true, None);
        let reason = script.event("closed", "first");
        if version == Version::V5 {
            assert_eq!(reason, ["142"]); // [MQTT-3.1.4-3]
        }
        script.subscribe("second", "still/here", 1);
        script.publish("second", &Message::new("still/here", 1, false, "yes"));
        script.message("second");
    });
}

/// Each message goes to one member, in 3.x too.
#[test]
fn shared_subscriptions() {
    const COUNT: usize = 60;
    play(&VERSIONS, |script, version| {
        for member in ["anna", "berta"] {
            script.open(member, version, true, None);
            script.subscribe(member, "$share/group/work/+", 1);
        }
        script.open("all", version, true, None);
        script.subscribe("all", "work/#", 1);
        script.open("writer", version, true, None);
        for number in 0..COUNT {
            script.publish("writer", &Message::new("work/item", 1, false, &number.to_string()));
        }
        let mut all: Vec<Message> = (0..COUNT).map(|_| script.message("all")).collect();
        let mut shared: Vec<Message> =
            (0..COUNT).map(|_| script.message_of_any(&["anna", "berta"])).collect();
        all.sort();
        shared.sort();
        assert_eq!(shared, all);
    });
}
