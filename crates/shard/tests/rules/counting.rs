//! Every counter after a conversation whose every packet is known.

use super::common::*;
use martlet_codec::ReasonCode;
use martlet_shard::{Counters, Kind};

/// Counters by their names, without what depends on the number of shards.
fn named(counters: &Counters) -> Vec<(&'static str, u64)> {
    let mut all = Vec::new();
    counters.visit(&mut |name, _, _: Kind, value| {
        if !["stored_messages", "stored_bytes", "memory_bytes"].contains(&name) {
            all.push((name, value));
        }
    });
    all
}

#[test]
fn a_conversation_is_counted() {
    for shards in [1, 2] {
        let rig = &mut Rig::new(shards);
        rig.connect("a", "v5 id=a expiry=100");
        rig.connect("b", "v311 id=b");
        rig.connect("c", "v5 id=c expiry=10");
        rig.subscribe("a", "t/+@2");
        rig.subscribe("b", "t/x@1 u@0");
        rig.subscribe("c", "t/x@1");
        rig.subscribe("c", "$share/g/v@1");
        rig.cut("c");
        for line in [
            "publish t/x four", // a and b have it; c is away
            "publish t/x *10 1#1",
            "publish t/x *10 1#2 retain",
            "publish t/y *10 2#3",
            "pubrel 3",
            "publish v z 1#4",
            "puback 1",
        ] {
            rig.tell("b", line);
        }
        rig.tell("a", "ping");
        assert_eq!(rig.heard("a").len(), 5);
        assert_eq!(rig.heard("b").len(), 8);
        let sent = ["a", "b", "c"].map(|name| rig.client(name).received as u64);
        let mut expected = Counters {
            connections_opened: 3,
            connections: 2,
            connects_received: 3,
            clients_connected: 2,
            clients_disconnected: 1,
            packets_received: 3 + 4 + 5 + 3,
            packets_sent: 3 + 4 + 5 + 8,
            bytes_received: 197,
            bytes_sent: sent.iter().sum(),
            publishes_received: 5,
            publishes_sent: 4 + 3,
            publish_bytes_received: 4 + 3 * 10 + 1,
            publish_bytes_sent: (4 + 3 * 10) + (4 + 2 * 10),
            retained: 1,
            subscriptions: 5,
            shared_subscriptions: 1,
            in_flight: 3 + 1,
            routed: 3 * 3 + 1,
            delivered: 3,
            queued: 3 + 1 + 2,
            ..Counters::default()
        };
        expected.dropped.count(Dropped::Offline, 1);
        let counters = rig.counters();
        assert_eq!(named(&counters), named(&expected));
        assert_eq!(counters.dropped, expected.dropped);
        assert_eq!(counters.clients(), 3);

        rig.pass(11); // c's session ends
        expected.clients_expired = 1;
        expected.clients_disconnected = 0;
        (expected.subscriptions, expected.shared_subscriptions) = (3, 0);
        (expected.routed, expected.queued) = (11, 4); // with the message that waited in the group
        expected.dropped.count(Dropped::SessionEnded, 2);
        expected.dropped.count(Dropped::NoMember, 1);
        let counters = rig.counters();
        assert_eq!(named(&counters), named(&expected));
        assert_eq!(counters.dropped, expected.dropped);
        assert_eq!((counters.dropped.total(), counters.dropped.by_limits()), (4, 1));
    }
}

#[test]
fn refusals_are_counted_by_their_reasons() {
    everywhere(|rig| {
        for name in ["a", "b"] {
            rig.dial(name, "v311 id= clean=0");
            rig.expect(name, "connack 85");
        }
        let refused = rig.counters().refused;
        assert_eq!((refused.total(), refused.get(ReasonCode::ClientIdentifierNotValid)), (2, 2));
        assert_eq!((rig.counters().connects_received, rig.counters().connections), (2, 0));
    });
}

#[test]
fn all_shards_are_told_of_below_sys() {
    everywhere_with(
        |config| config.sys_interval_ms = 10_000,
        |rig| {
            rig.connect("a", "v5"); // a shard's time begins with the first that happens to it
            rig.pass(1);
            ["b", "c", "d", "e"].iter().for_each(|name| rig.connect(name, "v5"));
            let topics = ["clients/connected", "load/connections/1min", "uptime", "version"];
            let filters = topics.map(|topic| format!("$SYS/broker/{topic}@0h2"));
            rig.subscribe("a", &filters.join(" "));
            rig.pass(60);
            let heard = rig.heard("a");
            let said = |topic: &str| {
                let start = format!("publish $SYS/broker/{topic} ");
                heard.iter().filter_map(|line| line.strip_prefix(&start)).collect::<Vec<_>>()
            };
            assert_eq!(said("clients/connected").last(), Some(&"5"));
            assert_eq!(said("uptime").len(), 6, "once an interval: {heard:?}");
            assert_eq!(said("version").len(), 0, "only what changes is said again");
            assert!(said("load/connections/1min").len() >= 6, "it fades: {heard:?}");
        },
    );
}
