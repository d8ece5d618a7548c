//! What a shard counts, to the last packet and byte, after conversations that are known to the last packet and byte:
//! the same on one shard and on two.

use crate::common::*;
use martlet_shard::{Counters, Dropped};

/// All counters that are not 0, but for the account of memory, which is about.
fn numbers(counters: &Counters) -> String {
    let mut all = Vec::new();
    counters.visit(&mut |name, _, _, value| all.push((name, value)));
    all.retain(|(name, _)| *name != "memory_bytes");
    all.extend(Dropped::ALL.iter().map(|reason| (reason.name(), counters.dropped.get(*reason))));
    all.push(("refused", counters.refused.total()));
    let all = all.into_iter().filter(|(_, value)| *value != 0);
    all.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn counted(rig: &Rig, expected: &str) {
    assert_eq!(numbers(&rig.counters()), expected);
}

/// What the log says of a connection: packets received, messages and bytes in and out.
#[track_caller]
fn lived(rig: &mut Rig, name: &str, expected: (u64, (u64, u64), (u64, u64))) {
    let (life, _) = rig.client(name).ended.clone().expect("it has ended");
    assert_eq!((life.packets_received, life.messages, life.bytes), expected, "{name}");
}

#[test]
fn a_conversation() {
    everywhere(|rig| {
        rig.connect("s", "v5 expiry=60");
        rig.subscribe("s", "t/+@2");
        rig.connect("p", "v311");
        counted(
            rig,
            "connections_opened 2, connections 2, connects_received 2, clients_connected 2, \
             packets_received 3, packets_sent 3, bytes_received 47, bytes_sent 26, subscriptions 1",
        );
        rig.tell_all(
            "p",
            &["publish t/a four", "publish t/b seven77 1#1", "publish t/c two 2#2", "pubrel 2"],
        );
        rig.expect_all("p", &["puback 1", "pubrec 2", "pubcomp 2"]);
        rig.expect_all("s", &["publish t/a four", "publish t/b seven77 1#1", "publish t/c two 2#2"]);
        counted(
            rig,
            "connections_opened 2, connections 2, connects_received 2, clients_connected 2, \
             packets_received 7, packets_sent 9, bytes_received 90, bytes_sent 80, publishes_received \
             3, publishes_sent 3, publish_bytes_received 14, publish_bytes_sent 14, subscriptions 1, \
             stored_messages 2, stored_bytes 16, in_flight 2, routed 3, delivered 1, queued 2",
        );
        rig.tell_all("s", &["puback 1", "pubrec 2", "ping"]);
        rig.expect_all("s", &["pubrel 2", "pingresp"]);
        rig.tell_all("s", &["pubcomp 2", "unsubscribe 9 t/+ none"]);
        rig.expect("s", "unsuback 9 00 11");
        rig.tell_all("p", &["publish kept abc retain", "publish t/a nobody 1#3"]);
        rig.expect("p", "puback 3");
        counted(
            rig,
            "connections_opened 2, connections 2, connects_received 2, clients_connected 2, \
             packets_received 14, packets_sent 13, bytes_received 146, bytes_sent 97, \
             publishes_received 5, publishes_sent 3, publish_bytes_received 23, publish_bytes_sent \
             14, retained 1, stored_messages 1, stored_bytes 7, routed 3, delivered 3",
        );
        rig.cut("p");
        rig.cut("s");
        lived(rig, "p", (7, (5, 0), (84, 20)));
        lived(rig, "s", (7, (0, 3), (62, 77)));
        rig.pass(61);
        counted(
            rig,
            "connections_opened 2, connects_received 2, clients_expired 1, packets_received 14, \
             packets_sent 13, bytes_received 146, bytes_sent 97, publishes_received 5, publishes_sent \
             3, publish_bytes_received 23, publish_bytes_sent 14, retained 1, stored_messages 1, \
             stored_bytes 7, routed 3, delivered 3",
        );
        assert_eq!(rig.shards.iter().map(martlet_shard::Shard::connections).sum::<usize>(), 0);
    });
}

#[test]
fn those_who_are_not_let_in_and_those_who_break_the_rules() {
    everywhere(|rig| {
        rig.open("early", "v5");
        rig.write("early", &[0xc0]);
        rig.closed(
            "early",
            EndReason::Violation(martlet_protocol::Violation::FirstPacketNotConnect(
                martlet_codec::PacketType::PingReq,
            )),
        );
        rig.dial("banned", "v5 ask user=u");
        rig.asked("banned");
        rig.answer("banned", Verdict::Refuse(martlet_codec::ReasonCode::Banned));
        rig.expect("banned", "connack 8a");
        rig.connect("c", "v5");
        rig.connect("other", "v5 expiry=5");
        rig.dial("again", "v5 id=other clean=0 expiry=5");
        rig.expect("again", "connack 00 present");
        rig.expect("other", "disconnect 8e");
        rig.tell("c", "puback 1 80");
        counted(
            rig,
            "connections_opened 5, connections 2, connects_received 4, clients_connected 2, \
             packets_received 5, packets_sent 3, bytes_received 96, bytes_sent 56, refused 2",
        );
        rig.heard("c");
        rig.cut("again");
        rig.pass(6);
        counted(
            rig,
            "connections_opened 5, connections 1, connects_received 4, clients_connected 1, \
             clients_expired 1, packets_received 5, packets_sent 3, bytes_received 96, bytes_sent 56, \
             refused 2",
        );
    });
}

#[test]
fn a_group() {
    everywhere(|rig| {
        rig.connect("o", "v5");
        rig.ignore("o");
        for name in ["m", "n"] {
            rig.connect(name, "v5 expiry=60 rm=2");
            rig.subscribe(name, "$share/g/t@1");
        }
        rig.subscribe("m", "$share/j/t@0");
        counted(
            rig,
            "connections_opened 3, connections 3, connects_received 3, clients_connected 3, \
             packets_received 6, packets_sent 6, bytes_received 118, bytes_sent 66, subscriptions 3, \
             shared_subscriptions 3",
        );
        for id in 1..=5 {
            rig.tell("o", &format!("publish t x 1#{id}"));
        }
        rig.tell("o", "publish t y");
        assert_eq!((rig.heard("m").len() + rig.heard("n").len()), 5 + 6);
        counted(
            rig,
            "connections_opened 3, connections 3, connects_received 3, clients_connected 3, \
             packets_received 12, packets_sent 22, bytes_received 170, bytes_sent 171, \
             publishes_received 6, publishes_sent 11, publish_bytes_received 6, publish_bytes_sent \
             11, subscriptions 3, shared_subscriptions 3, stored_messages 5, stored_bytes 10, \
             in_flight 4, routed 11, delivered 7, queued 4",
        );
        rig.tell("n", "unsubscribe 1 $share/g/t");
        rig.expect("n", "unsuback 1 00");
        rig.cut("m");
        rig.tell("o", "publish t z 1#6");
        counted(
            rig,
            "connections_opened 3, connections 2, connects_received 3, clients_connected 2, \
             clients_disconnected 1, packets_received 14, packets_sent 24, bytes_received 196, \
             bytes_sent 181, publishes_received 7, publishes_sent 11, publish_bytes_received 7, \
             publish_bytes_sent 11, subscriptions 2, shared_subscriptions 2, stored_messages 6, \
             stored_bytes 12, in_flight 4, routed 11, delivered 7, queued 4",
        );
        rig.pass(61);
        counted(
            rig,
            "connections_opened 3, connections 2, connects_received 3, clients_connected 2, \
             clients_expired 1, packets_received 14, packets_sent 24, bytes_received 196, bytes_sent \
             181, publishes_received 7, publishes_sent 11, publish_bytes_received 7, \
             publish_bytes_sent 11, stored_messages 2, stored_bytes 4, in_flight 2, routed 14, \
             delivered 7, queued 2, no-member 5",
        );
        rig.heard("n");
    });
}

#[test]
fn drops_by_their_reasons() {
    let change = |config: &mut martlet_shard::Config| {
        config.queue_bytes_max = 100;
        config.group_bytes_max = 300;
    };
    everywhere_with(change, |rig| {
        rig.connect("p", "v5");
        rig.ignore("p");
        rig.connect("s", "v5 expiry=60 max=40");
        rig.subscribe("s", "s@1");
        rig.connect("g", "v5 expiry=60");
        rig.subscribe("g", "$share/g/g@1");
        rig.tell_all("p", &["publish s *60", "publish s *60 1#1"]); // too large for it
        rig.cut("s");
        rig.cut("g");
        rig.tell_all("p", &["publish s x", "publish g x"]); // nobody is there
        rig.tell_all("p", &["publish s *70 1#2 mexp=1", "publish s *70 1#3"]); // one fits
        (4..=7).for_each(|id| rig.tell("p", &format!("publish g *70 1#{id}"))); // two fit
        counted(
            rig,
            "connections_opened 3, connections 1, connects_received 3, clients_connected 1, \
             clients_disconnected 2, packets_received 15, packets_sent 12, bytes_received 711, \
             bytes_sent 88, publishes_received 10, publish_bytes_received 542, subscriptions 2, \
             shared_subscriptions 1, stored_messages 3, stored_bytes 213, routed 8, queued 1, \
             queue-full 3, no-member 1, too-large 2, offline 1",
        );
        rig.pass(2);
        rig.connect("s", "v5 expiry=60 clean=0");
        counted(
            rig,
            "connections_opened 4, connections 2, connects_received 4, clients_connected 2, \
             clients_disconnected 1, packets_received 16, packets_sent 13, bytes_received 732, \
             bytes_sent 104, publishes_received 10, publish_bytes_received 542, subscriptions 2, \
             shared_subscriptions 1, stored_messages 2, stored_bytes 142, routed 8, queue-full 3, \
             no-member 1, too-large 2, expired 1, offline 1",
        );
        rig.pass(120);
        counted(
            rig,
            "connections_opened 4, connections 2, connects_received 4, clients_connected 2, \
             clients_expired 1, packets_received 16, packets_sent 13, bytes_received 732, bytes_sent \
             104, publishes_received 10, publish_bytes_received 542, subscriptions 1, routed 10, \
             queue-full 3, no-member 3, too-large 2, expired 1, offline 1",
        );
    });
}

#[test]
fn an_answer_that_waited_for_a_group_elsewhere() {
    let mut rig = Rig::new(2);
    for shard in [0, 1] {
        let name = rig.id_on(shard, "m");
        rig.connect(&name, "v5");
        for filters in ["$share/g/t", "$share/a/t $share/b/t $share/c/t $share/d/t"] {
            let before = rig.counters().packets_sent;
            rig.subscribe(&name, filters);
            assert_eq!(rig.counters().packets_sent, before + 1);
        }
    }
    assert_eq!(rig.counters().shared_subscriptions, 10);
}
