//! Hard cases of the exchanges (2.2.1, 4.3, 4.9): flows that are begun again, refused, or cancelled in the middle;
//! every packet identifier in use.

use crate::common::*;
use martlet_protocol::Violation;

#[test]
fn qos_2_sent_again_before_and_after_pubrec() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v5 expiry=60");
        rig.limit_reading("p", 0); // PUBREC does not reach it
        rig.tell("p", "publish t a 2#7");
        rig.expect("s", "publish t a 2#1");
        rig.cut("p");
        rig.client("p").bytes.clear();
        for _ in 0..2 {
            rig.connect("p", "v5 clean=0 expiry=60");
            rig.tell("p", "publish t a 2#7 dup");
            rig.expect("p", "pubrec 7"); // [MQTT-2.2.1-5] [MQTT-4.3.3-10]
            rig.cut("p");
        }
        rig.connect("p", "v5 clean=0 expiry=60");
        rig.tell("p", "pubrel 7");
        rig.expect("p", "pubcomp 7"); // [MQTT-4.3.3-11]
        rig.tell("p", "pubrel 7"); // it knows it no more
        rig.expect("p", "pubcomp 7 92");
        rig.tell("p", "publish t b 2#7 dup"); // whatever DUP says: [MQTT-4.3.3-12]
        rig.expect("p", "pubrec 7");
        rig.expect_all("s", &["publish t b 2#2"]); // DUP is of the sender's stream: [MQTT-3.3.1-3]
    });
}

#[test]
fn qos_1_sent_again_is_a_new_message() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "t@1");
        rig.connect("p", "v5");
        for (n, dup) in [(1, ""), (2, " dup"), (3, "")] {
            rig.tell("p", &format!("publish t {n} 1#9{dup}"));
            rig.expect("p", "puback 9"); // [MQTT-2.2.1-5] [MQTT-3.3.4-1]
            rig.expect("s", &format!("publish t {n} 1#{n}")); // [MQTT-4.3.2-5] [MQTT-3.3.1-3] [MQTT-4.3.2-2]
        }
    });
}

#[test]
fn a_flow_is_cancelled_in_a_window_of_one() {
    everywhere(|rig| {
        rig.connect("s", "v5 rm=1");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.tell_all("p", &["publish t a 2#1", "publish t b 2#2", "publish t c 1#3", "publish t d 2#4"]);
        rig.expect_all("s", &["publish t a 2#1"]); // [MQTT-4.9.0-2]
        rig.tell("s", "pubrec 1 83"); // PUBREC with an error: no PUBREL, and the place is free
        rig.expect_all("s", &["publish t b 2#2"]);
        rig.tell("s", "pubrec 2");
        rig.expect_all("s", &["pubrel 2"]); // [MQTT-4.3.3-3]
        rig.tell("s", "pubcomp 2 92"); // it has forgotten it
        rig.expect_all("s", &["publish t c 1#3"]);
        rig.tell("s", "puback 3 97");
        rig.expect_all("s", &["publish t d 2#4"]);
        rig.tell("s", "pubcomp 4"); // too early, so it settles nothing
        rig.tell("s", "pubrec 4");
        rig.expect("s", "pubrel 4");
        rig.tell("s", "puback 4"); // that of another QoS
        rig.expect("s", "disconnect 82");
        rig.closed("s", EndReason::Violation(Violation::WrongAcknowledgement));
    });
}

#[test]
fn a_refused_publish_gives_its_place_back() {
    everywhere_with(
        |config| config.limits.receive_maximum = 1,
        |rig| {
            rig.dial("p", "v5");
            rig.expect("p", "connack 00 rm=1");
            for id in 1..=3 {
                rig.tell("p", &format!("publish $SYS/x y 2#{id}"));
                rig.expect("p", &format!("pubrec {id} 87")); // [MQTT-4.3.3-9]
                rig.tell("p", &format!("publish $SYS/x y 1#{id}"));
                rig.expect("p", &format!("puback {id} 87"));
            }
            rig.tell_all("p", &["publish t a 2#1", "publish t b 2#2"]);
            rig.expect_all("p", &["pubrec 1 10", "disconnect 93"]);
            rig.closed("p", EndReason::Violation(Violation::ReceiveMaximumExceeded));
        },
    );
}

#[test]
fn everything_else_goes_on_without_quota() {
    everywhere(|rig| {
        rig.connect("s", "v5 rm=1");
        rig.subscribe("s", "t@1");
        rig.tell_all("s", &["publish t a 1#1", "publish t b 1#2"]);
        rig.expect_all("s", &["puback 1", "publish t a 1#1", "puback 2"]);
        // [MQTT-3.3.4-10] [MQTT-4.9.0-3]
        rig.tell("s", "ping");
        rig.expect("s", "pingresp");
        rig.subscribe("s", "u@1");
        rig.tell("s", "publish u zero");
        rig.expect("s", "publish u zero");
        rig.tell("s", "publish v c 2#3");
        rig.expect("s", "pubrec 3 10");
        rig.tell("s", "pubrel 3");
        rig.expect("s", "pubcomp 3");
        rig.tell("s", "unsubscribe 5 u");
        rig.expect("s", "unsuback 5 00");
        rig.tell("s", "puback 1");
        rig.expect("s", "publish t b 1#2");
    });
}

/// 65,535 messages in flight, then one more; and what comes when identifiers are free again.
#[test]
fn every_packet_identifier_is_in_flight() {
    let change = |config: &mut martlet_shard::Config| config.limits.in_flight_max = u16::MAX;
    let mut rig = Rig::with(1, change);
    rig.connect("s", "v5 expiry=60");
    rig.subscribe("s", "t@1");
    rig.connect("p", "v5");
    rig.ignore("p");
    let mut ids = std::collections::BTreeSet::new();
    for round in 0..256 {
        let lines = ["publish t x 1#1"; 256];
        rig.tell_all("p", &lines);
        rig.heard("p");
        for line in rig.heard("s") {
            let id = line.strip_prefix("publish t x 1#").unwrap().parse::<u16>().unwrap();
            assert!(ids.insert(id), "{id} twice, in round {round}"); // [MQTT-2.2.1-4] [MQTT-4.3.2-1]
        }
    }
    assert_eq!((ids.len(), ids.first()), (65_535, Some(&1)));
    assert_eq!((rig.counters().in_flight, rig.counters().queued), (65_535, 65_536));
    rig.tell("s", "publish t y 1#1");
    rig.expect("s", "puback 1"); // no identifier is free for it
    rig.tell_all("s", &["puback 777", "puback 1", "puback 2"]);
    rig.expect_all("s", &["publish t x 1#1", "publish t y 1#2"]); // around the end: [MQTT-4.3.2-3]
    rig.cut("s");
    rig.connect("s", "v5 clean=0 expiry=60");
    let again = rig.heard("s");
    assert_eq!((again.len(), &*again[0]), (65_534, "publish t x 1#3 dup"));
    assert_eq!(again[65_532..], ["publish t x 1#1 dup", "publish t y 1#2 dup"]);
    assert!(!again.contains(&"publish t x 1#777 dup".to_owned()));
}

#[test]
fn an_identifier_is_unused_until_its_flow_ends() {
    everywhere_with(
        |config| config.limits.packet_id_max = 2,
        |rig| {
            rig.connect("s", "v5");
            rig.subscribe("s", "t@2");
            rig.tell_all("s", &["publish t a 2#1", "publish t b 1#2", "publish t c 2#3"]);
            // The client's identifiers are its own: they meet the server's and do not mind.
            rig.expect_all("s", &["pubrec 1", "publish t a 2#1", "puback 2", "publish t b 1#2", "pubrec 3"]);
            rig.tell("s", "pubrec 1");
            rig.expect_all("s", &["pubrel 1"]); // in use until PUBCOMP: [MQTT-4.3.3-1] [MQTT-4.3.3-5]
            rig.tell("s", "pubcomp 1");
            rig.expect_all("s", &["publish t c 2#1"]); // [MQTT-4.3.3-2]
        },
    );
}

#[test]
fn a_flow_outlives_the_expiry_of_its_message() {
    everywhere(|rig| {
        rig.connect("s", "v5 expiry=1000");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v5");
        rig.tell("p", "publish t a 2#1 mexp=5");
        rig.expect("p", "pubrec 1");
        rig.expect("s", "publish t a 2#1 mexp=5");
        rig.pass(10);
        rig.tell("p", "publish t a 2#1 mexp=5 dup");
        rig.expect("p", "pubrec 1");
        rig.tell("p", "pubrel 1");
        rig.expect("p", "pubcomp 1"); // [MQTT-4.3.3-13]
        rig.cut("s");
        rig.connect("s", "v5 clean=0 expiry=1000");
        rig.expect_all("s", &["publish t a 2#1 dup mexp=0"]); // [MQTT-4.3.3-7]
        rig.tell("s", "pubrec 1");
        rig.expect("s", "pubrel 1");
        rig.pass(10);
        rig.cut("s");
        rig.connect("s", "v5 clean=0");
        rig.expect_all("s", &["pubrel 1"]);
        rig.tell("s", "pubcomp 1");
        rig.silent("s");
    });
}

#[test]
fn each_topic_keeps_its_order() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "+/t@2");
        rig.connect("p", "v5");
        rig.ignore("p");
        let mut lines = Vec::new();
        for n in 1..=30 {
            let (topic, qos) = (["a", "b"][n % 2], n % 3);
            let quality = if qos == 0 { String::new() } else { format!(" {qos}#{n}") };
            lines.push(format!("publish {topic}/t {n}{quality}"));
        }
        rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        let heard = rig.heard("s");
        assert_eq!(heard.len(), 30);
        for (topic, qos) in (0..6).map(|n| (["a", "b"][n % 2], n % 3)) {
            let is_one = |line: &&String| {
                let of_qos = if qos == 0 { !line.contains('#') } else { line.contains(&format!(" {qos}#")) };
                line.starts_with(&format!("publish {topic}/t ")) && of_qos
            };
            let of = |lines: &[String]| -> Vec<String> {
                let payload = |line: &String| line.split(' ').nth(2).unwrap().to_owned();
                lines.iter().filter(is_one).map(payload).collect()
            };
            assert_eq!(of(&heard), of(&lines)); // [MQTT-4.6.0-5]
        }
    });
}
