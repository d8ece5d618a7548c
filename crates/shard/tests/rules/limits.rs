//! Limits of either side: Receive Maximum, Topic Aliases, Maximum Packet Size, Message Expiry, queues and memory.

use crate::common::*;
use martlet_codec::{Malformed, ReasonCode};
use martlet_protocol::Violation;

#[test]
fn a_client_within_the_servers_receive_maximum() {
    everywhere_with(
        |config| config.limits.receive_maximum = 2,
        |rig| {
            rig.dial("p", "v5 expiry=60");
            rig.expect("p", "connack 00 rm=2");
            rig.tell_all("p", &["publish t a 2#1", "publish t b 2#2", "publish t b 2#2 dup"]);
            rig.expect_all("p", &["pubrec 1 10", "pubrec 2 10", "pubrec 2"]);
            rig.tell("p", "pubrel 1");
            rig.expect("p", "pubcomp 1");
            rig.tell("p", "publish t c 2#3");
            rig.expect("p", "pubrec 3 10");
            rig.tell("p", "publish t d 1#4"); // the third
            rig.expect("p", "disconnect 93"); // [MQTT-3.3.4-7] [MQTT-3.3.4-8]
            rig.closed("p", EndReason::Violation(Violation::ReceiveMaximumExceeded));
            rig.connect("3.x", "v311");
            for id in 1..=5 {
                rig.tell("3.x", &format!("publish t a 2#{id}")); // 3.x knows no such limit
                rig.expect("3.x", &format!("pubrec {id}"));
            }
        },
    );
}

#[test]
fn the_quota_of_a_client_begins_anew_with_each_connection() {
    everywhere_with(
        |config| config.limits.receive_maximum = 1,
        |rig| {
            rig.dial("p", "v5 expiry=60");
            rig.tell("p", "publish t a 2#1");
            rig.expect_all("p", &["connack 00 rm=1", "pubrec 1 10"]);
            rig.cut("p");
            rig.dial("p", "v5 clean=0 expiry=60");
            rig.tell("p", "publish t b 2#2");
            rig.expect_all("p", &["connack 00 present rm=1", "pubrec 2 10"]); // [MQTT-4.9.0-1]
        },
    );
}

#[test]
fn the_server_within_the_clients_receive_maximum() {
    everywhere(|rig| {
        rig.connect("s", "v5 rm=2 expiry=60");
        rig.subscribe("s", "t@2");
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.tell_all(
            "p",
            &["publish t a 1#1", "publish t b 2#2", "publish t c 1#3", "publish t d 2#4", "publish t e"],
        );
        rig.expect_all("s", &["publish t a 1#1", "publish t b 2#2", "publish t e"]); // [MQTT-3.3.4-9]; QoS 0 is free
        rig.tell("s", "pubrec 2");
        rig.expect("s", "pubrel 2"); // PUBREC gives nothing back: 4.9
        rig.silent("s");
        rig.tell("s", "pubcomp 2");
        rig.expect("s", "publish t c 1#3");
        rig.tell("s", "puback 1");
        rig.expect("s", "publish t d 2#4");
        assert_eq!(rig.counters().in_flight, 2);
        rig.cut("s");
        rig.connect("s", "v5 clean=0 rm=1 expiry=60"); // a smaller window this time
        rig.expect_all("s", &["publish t c 1#3 dup"]);
        rig.tell("s", "puback 3");
        rig.expect("s", "publish t d 2#4 dup");
        rig.tell("s", "pubrec 4 97"); // a refusal gives the place back
        assert_eq!(rig.counters().queued, 0);
    });
}

#[test]
fn aliases_that_a_client_sets() {
    everywhere_with(
        |config| config.limits.topic_alias_maximum = 2,
        |rig| {
            rig.connect("s", "v311");
            rig.subscribe("s", "#@0");
            rig.dial("p", "v5");
            rig.expect("p", "connack 00 aliasmax=2");
            rig.tell_all("p", &["publish one a alias=1", "publish two b alias=2", "publish - c alias=1"]);
            rig.tell_all("p", &["publish three d alias=1", "publish - e alias=1", "publish - f alias=2"]);
            // [MQTT-3.3.2-12]
            rig.expect_all(
                "s",
                &[
                    "publish one a",
                    "publish two b",
                    "publish one c",
                    "publish three d",
                    "publish three e",
                    "publish two f",
                ],
            );
            rig.cut("p");
            for (line, why) in [
                ("publish t x alias=3", Violation::TopicAliasAboveMaximum), // [MQTT-3.3.2-9]
                ("publish - x alias=1", Violation::TopicAliasUnknown),      // [MQTT-3.3.2-7]
            ] {
                rig.connect("p", "v5");
                rig.tell("p", line);
                rig.expect("p", "disconnect 94");
                rig.closed("p", EndReason::Violation(why));
            }
            rig.connect("p", "v5");
            rig.tell("p", "publish t x alias=0"); // [MQTT-3.3.2-8]
            rig.expect("p", "disconnect 94");
            rig.closed("p", EndReason::Malformed(Malformed::TopicAliasZero));
        },
    );
}

#[test]
fn aliases_that_the_server_sets() {
    everywhere(|rig| {
        rig.connect("s", "v5 aliasmax=1 expiry=60");
        rig.subscribe("s", "#@1");
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.tell_all(
            "p",
            &[
                "publish long/topic a",
                "publish long/topic b",
                "publish other/topic c",
                "publish long/topic d 1#1",
            ],
        );
        // [MQTT-3.1.2-26]
        rig.expect_all(
            "s",
            &[
                "publish long/topic a alias=1",
                "publish - b alias=1",
                "publish other/topic c",
                "publish - d 1#1 alias=1",
            ],
        );
        rig.cut("s");
        rig.connect("s", "v5 clean=0");
        rig.expect_all("s", &["publish long/topic d 1#1 dup"]); // [MQTT-3.1.2-27]; aliases end with the connection
        rig.tell("p", "publish long/topic e alias=3");
        rig.expect("s", "publish long/topic e");
    });
}

#[test]
fn a_packet_larger_than_the_server_takes() {
    everywhere_with(
        |config| config.limits.maximum_packet_size = 100,
        |rig| {
            rig.dial("p", "v5");
            rig.expect("p", "connack 00 max=100");
            rig.tell("p", "publish t *90"); // 2 + 3 + 1 + 90 bytes
            rig.tell("p", "publish t *94");
            assert!(rig.is_open("p"), "100 bytes are allowed");
            rig.tell("p", "hex 30 63"); // the length alone is enough
            rig.expect("p", "disconnect 95"); // [MQTT-3.2.2-15]
            rig.closed("p", EndReason::Malformed(Malformed::PacketTooLarge));
            rig.connect("q", "v311");
            rig.tell("q", "hex 30 63");
            rig.closed("q", EndReason::Malformed(Malformed::PacketTooLarge));
        },
    );
}

#[test]
fn a_message_larger_than_one_client_takes() {
    everywhere(|rig| {
        rig.connect("small", "v5 max=30");
        rig.connect("large", "v5");
        rig.subscribe("small", "t@1");
        rig.subscribe("large", "t@1");
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.tell_all("p", &["publish t *40", "publish t *40 1#1", "publish t fine 1#2", "publish t fine"]);
        rig.expect_all(
            "large",
            &[
                "publish t xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "publish t xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 1#1",
                "publish t fine 1#2",
                "publish t fine",
            ],
        );
        rig.expect_all("small", &["publish t fine 1#2", "publish t fine"]); // [MQTT-3.1.2-24] [MQTT-3.1.2-25]
        assert_eq!(rig.dropped(Dropped::TooLarge), 2);
        rig.tell("small", "puback 2");
        rig.tell("large", "puback 1");
        rig.tell("large", "puback 2");
        assert_eq!(rig.counters().stored_messages, 0);
    });
}

#[test]
fn what_is_too_large_does_not_hold_up_what_comes_behind_it() {
    everywhere(|rig| {
        rig.connect("small", "v5 max=30");
        rig.subscribe("small", "t@1");
        rig.connect("p", "v5");
        rig.ignore("p");
        for line in ["publish t before 1#1", "publish t *40 1#2", "publish t behind 1#3"] {
            rig.tell("p", line);
        }
        rig.expect_all("small", &["publish t before 1#1", "publish t behind 1#3"]); // [MQTT-3.1.2-25]
    });
}

#[test]
fn answers_stay_within_a_tiny_maximum_packet_size() {
    everywhere(|rig| {
        rig.connect("a", "v5 max=20");
        rig.write("a", &words::connect("a", "v5"));
        rig.expect("a", "disconnect 82"); // without its reason string: [MQTT-3.14.2-3]
        assert!(rig.client("a").received < 40);
    });
}

#[test]
fn a_message_expires_in_a_queue() {
    everywhere(|rig| {
        rig.connect("s", "v5 clean=0 expiry=1000");
        rig.connect("t", "v311 clean=0");
        rig.subscribe("s", "t@1");
        rig.subscribe("t", "t@1");
        rig.cut("s");
        rig.cut("t");
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.tell_all(
            "p",
            &["publish t short 1#1 mexp=10", "publish t long 1#2 mexp=100", "publish t ever 1#3"],
        );
        rig.pass(30);
        rig.connect("s", "v5 clean=0 expiry=1000");
        rig.expect_all("s", &["publish t long 1#2 mexp=70", "publish t ever 1#3"]); // [MQTT-3.3.2-5] [MQTT-3.3.2-6]
        rig.cut("s");
        rig.pass(1000 - 40);
        rig.connect("s", "v5 clean=0 expiry=1000"); // what was begun is finished
        let heard = rig.heard("s");
        assert!(heard[0].starts_with("publish t long 1#2 dup"), "{heard:?}");
        rig.connect("t", "v311 clean=0");
        rig.expect_all("t", &["publish t ever 1#3"]);
        assert_eq!(rig.dropped(Dropped::Expired), 3);
    });
}

#[test]
fn a_message_passes_through_with_its_expiry() {
    everywhere(|rig| {
        rig.connect("s", "v5");
        rig.subscribe("s", "t@1");
        rig.connect("p", "v5");
        rig.tell("p", "publish t a mexp=10");
        rig.expect("s", "publish t a mexp=10");
        rig.tell("p", "publish t b 1#1 mexp=4294967295");
        rig.expect("p", "puback 1");
        rig.expect("s", "publish t b 1#1 mexp=4294967295");
    });
}

#[test]
fn a_queue_has_a_bound() {
    everywhere_with(
        |config| config.queue_bytes_max = 4000,
        |rig| {
            rig.connect("s", "v5 expiry=60");
            rig.subscribe("s", "t@1");
            rig.cut("s");
            rig.connect("p", "v5");
            for id in 1..=5 {
                rig.tell("p", &format!("publish t *1000 1#{id}"));
                rig.expect("p", &format!("puback {id}"));
            }
            assert_eq!((rig.counters().queued, rig.dropped(Dropped::QueueFull)), (3, 2));
            rig.connect("s", "v5 clean=0 expiry=60");
            assert_eq!(rig.heard("s").len(), 3);
            (1..=3).for_each(|id| rig.tell("s", &format!("puback {id}")));
            rig.tell("p", "publish t *1000 1#9");
            rig.expect("p", "puback 9");
            rig.expect("s", "publish t *1000 1#4");
        },
    );
}

#[test]
fn a_message_that_fills_a_queue_fits_into_it() {
    everywhere_with(
        |config| config.queue_bytes_max = 1001,
        |rig| {
            rig.connect("s", "v5 expiry=60");
            rig.subscribe("s", "t@1");
            rig.cut("s");
            rig.connect("p", "v5");
            rig.ignore("p");
            rig.tell("p", "publish t *1001 1#1"); // and the topic
            assert_eq!((rig.counters().queued, rig.dropped(Dropped::QueueFull)), (0, 1));
            rig.tell("p", "publish t *1000 1#2");
            assert_eq!((rig.counters().queued, rig.dropped(Dropped::QueueFull)), (1, 1));
        },
    );
}

#[test]
fn a_client_comes_back_to_its_session_however_full_memory_is() {
    everywhere_with(
        |config| config.memory_bytes_max = 16 * 1024,
        |rig| {
            rig.connect("s", "v5 expiry=60");
            rig.cut("s");
            for n in 0..100 {
                let name = format!("{n}");
                rig.dial(&name, "v5");
                rig.ignore(&name);
            }
            rig.dial("new", "v5");
            rig.expect("new", "connack 89");
            rig.closed("new", EndReason::Refused(ReasonCode::ServerBusy));
            rig.dial("s", "v5 clean=0 expiry=60 will=w,x");
            rig.expect("s", "connack 97"); // a will is more than it had
            rig.closed("s", EndReason::Refused(ReasonCode::QuotaExceeded));
            rig.dial("s", "v5 clean=0 expiry=60");
            rig.expect("s", "connack 00 present");
        },
    );
}

#[test]
fn memory_has_a_bound() {
    everywhere_with(
        |config| config.memory_bytes_max = 4100, // two sessions, and two messages with what goes with them
        |rig| {
            rig.connect("s", "v5 expiry=60");
            rig.subscribe("s", "t@1");
            rig.cut("s");
            rig.connect("p", "v5");
            rig.ignore("p");
            (1..=4).for_each(|id| rig.tell("p", &format!("publish t *1000 1#{id}")));
            let (queued, dropped) = (rig.counters().queued, rig.dropped(Dropped::Memory));
            assert_eq!((queued, dropped), (2, 2), "what a message costs besides its bytes is below 500");
        },
    );
}

/// Whatever clients can make a shard hold counts, not only the bytes of messages.
#[test]
fn memory_counts_what_is_not_payload() {
    const MAX: u64 = 64 * 1024;
    let bounded = |story: fn(&mut Rig)| {
        everywhere_with(|config| config.memory_bytes_max = MAX, story);
    };
    bounded(|rig| {
        rig.connect("s", "v5 expiry=60");
        rig.ignore("s");
        (0..40).for_each(|n| rig.tell("s", &format!("subscribe 1 {}/{}@0", n, "x".repeat(4000))));
        assert!(rig.counters().subscriptions < 20, "a filter has a length");
    });
    bounded(|rig| {
        for n in 0..300 {
            let name = format!("{n}");
            rig.dial(&name, "v5 expiry=60 will=w,x");
            rig.ignore(&name);
        }
        assert!(rig.counters().clients() < 250, "a session is not nothing");
    });
    bounded(|rig| {
        rig.connect("s", "v5 expiry=60");
        rig.ignore("s");
        (0..20).for_each(|n| rig.tell("s", &format!("subscribe 1 $share/g{n}/t@1")));
        rig.cut("s");
        rig.connect("p", "v5");
        rig.ignore("p");
        (0..500).for_each(|_| rig.tell("p", "publish t x 1#1"));
        assert!(rig.dropped(Dropped::Memory) > 1000, "groups wait on the same account");
    });
}

/// Of 256 KiB, filters take half, and messages find room.
#[test]
fn filters_of_one_client_leave_room_for_messages_of_others() {
    everywhere_with(
        |config| config.memory_bytes_max = 256 * 1024,
        |rig| {
            rig.connect("s", "v5 expiry=60");
            rig.subscribe("s", "t@1");
            rig.cut("s");
            let (long, deep) = ("x".repeat(3000), "y/".repeat(150));
            for filter in [format!("N/+/{long}"), format!("N/{deep}+"), format!("$share/gN/{long}")] {
                rig.connect("crowd", "v5");
                rig.ignore("crowd");
                for n in 0..200 {
                    rig.tell("crowd", &format!("subscribe 1 {}@0", filter.replace('N', &n.to_string())));
                }
                let subscriptions = rig.counters().subscriptions;
                assert!((10..150).contains(&subscriptions), "{filter}: {subscriptions}");
                rig.connect("p", "v5");
                (1..=10).for_each(|n| rig.tell("p", &format!("publish t *1000 1#{n}")));
                assert_eq!(rig.heard("p"), (1..=10).map(|n| format!("puback {n}")).collect::<Vec<_>>());
                assert_eq!(rig.counters().dropped.total(), 0);
                rig.cut("p");
                rig.cut("crowd");
            }
        },
    );
}

#[test]
fn qos_0_for_nobody_home() {
    everywhere(|rig| {
        rig.connect("s", "v311 clean=0");
        rig.subscribe("s", "t@1");
        rig.cut("s");
        rig.connect("p", "v5");
        rig.tell("p", "publish t a");
        assert_eq!(rig.dropped(Dropped::Offline), 1);
        rig.tell("p", "publish nobody/here a 1#1");
        rig.expect("p", "puback 1 10"); // No matching subscribers: 3.4.2.1
    });
}
