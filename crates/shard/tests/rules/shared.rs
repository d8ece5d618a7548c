//! Shared subscriptions (4.8.2): one of the group, never two; who has credit; what happens to what a member held.

use crate::common::*;

/// Members `m0`, `m1` ... of the group `g` for `t`, on alternate shards; and a publisher `p`.
fn group(rig: &mut Rig, members: usize, connect: &str, qos: u8) -> Vec<String> {
    rig.connect("p", "v5");
    rig.ignore("p");
    let names: Vec<String> = (0..members).map(|n| rig.id_on(n, &format!("m{n}-"))).collect();
    for name in &names {
        rig.connect(name, connect);
        rig.subscribe(name, &format!("$share/g/t@{qos}"));
    }
    names
}

fn publish(rig: &mut Rig, numbers: std::ops::RangeInclusive<u16>, qos: u8) {
    for n in numbers {
        let quality = if qos == 0 { String::new() } else { format!(" {qos}#{n}") };
        rig.tell("p", &format!("publish t {n}{quality}"));
        if qos == 2 {
            rig.tell("p", &format!("pubrel {n}"));
        }
    }
}

#[test]
fn each_message_goes_to_one_member() {
    everywhere(|rig| {
        for (connect, qos) in [("v311", 0), ("v5", 1), ("v31", 1), ("v5", 2)] {
            let members = group(rig, 3, connect, qos);
            rig.connect("alone", "v5");
            rig.subscribe("alone", "t@0");
            rig.connect("rival", "v5");
            rig.subscribe("rival", "$share/h/t@0");
            publish(rig, 1..=9, qos);
            let shares: Vec<usize> = members.iter().map(|name| rig.heard(name).len()).collect();
            assert_eq!(shares.iter().sum::<usize>(), 9); // [MQTT-4.8.2-4]
            assert!(shares.iter().all(|&share| share >= 2), "{shares:?}");
            assert_eq!((rig.heard("alone").len(), rig.heard("rival").len()), (9, 9)); // each subscription on its own
            assert_eq!(rig.counters().shared_subscriptions, 4);
            let all = [&members[..], &["alone".into(), "rival".into(), "p".into()]].concat();
            all.iter().for_each(|name| rig.cut(name));
            assert_eq!(rig.counters().subscriptions, 0);
        }
    });
}

#[test]
fn a_member_has_its_own_subscription() {
    everywhere(|rig| {
        let name = group(rig, 1, "v5", 1).remove(0);
        publish(rig, 1..=1, 2);
        rig.expect(&name, "publish t 1 1#1"); // [MQTT-4.8.2-3]
        rig.subscribe(&name, "$share/g/t@0 sub=5");
        publish(rig, 2..=2, 1);
        rig.expect(&name, "publish t 2 sub=5");
        rig.tell(&name, "unsubscribe 1 $share/g/t");
        rig.tell(&name, "unsubscribe 2 $share/g/t");
        rig.expect_all(&name, &["unsuback 1 00", "unsuback 2 11"]);
        publish(rig, 3..=3, 1);
        rig.silent(&name);
    });
}

#[test]
fn retained_messages_are_not_for_groups() {
    everywhere(|rig| {
        rig.connect("k", "v5");
        rig.tell("k", "publish t kept retain");
        let name = group(rig, 1, "v5", 1).remove(0);
        rig.silent(&name); // 4.8.2
    });
}

#[test]
fn messages_wait_for_credit() {
    everywhere(|rig| {
        let members = group(rig, 2, "v5 rm=2", 1);
        publish(rig, 1..=10, 1);
        let mut heard: Vec<Vec<String>> = members.iter().map(|name| rig.heard(name)).collect();
        assert_eq!((heard[0].len(), heard[1].len()), (2, 2));
        for _ in 0..6 {
            let line = heard[0].remove(0);
            let id = line.rsplit_once("1#").unwrap().1;
            rig.tell(&members[0], &format!("puback {id}"));
            let more = rig.heard(&members[0]);
            assert_eq!(more.len(), 1, "whoever acknowledges gets the next");
            heard[0].extend(more);
            rig.silent(&members[1]);
        }
        assert!(heard[0][1].starts_with("publish t 10 "), "{heard:?}");
    });
}

#[test]
fn a_member_with_qos_0_never_lacks_credit() {
    everywhere(|rig| {
        let name = group(rig, 1, "v5 rm=1", 0).remove(0);
        publish(rig, 1..=600, 1);
        assert_eq!(rig.heard(&name).len(), 600);
    });
}

#[test]
fn messages_wait_while_all_members_are_away() {
    everywhere(|rig| {
        let name = group(rig, 1, "v5 expiry=100", 1).remove(0);
        rig.cut(&name);
        publish(rig, 1..=3, 1);
        rig.tell("p", "publish t 4 1#4 mexp=10");
        publish(rig, 5..=5, 0); // nobody is there to take it
        assert_eq!(rig.dropped(Dropped::NoMember), 1);
        rig.pass(20);
        rig.connect(&name, "v5 clean=0 expiry=100");
        rig.expect_all(&name, &["publish t 1 1#1", "publish t 2 1#2", "publish t 3 1#3"]);
        assert_eq!(rig.dropped(Dropped::Expired), 1);
    });
}

#[test]
fn what_a_member_has_not_begun_goes_to_another() {
    everywhere(|rig| {
        let members = group(rig, 2, "v5 expiry=100", 1);
        rig.cut(&members[0]);
        publish(rig, 1..=5, 1);
        assert_eq!(rig.heard(&members[1]).len(), 5, "an offline member is given nothing");
    });
}

#[test]
fn a_member_that_unsubscribes_hands_back_what_it_has_not_begun() {
    everywhere(|rig| {
        let members = group(rig, 2, "v5 expiry=100 rm=2", 1);
        rig.subscribe(&members[0], "own@1");
        rig.tell("p", "publish own a 1#1");
        rig.tell("p", "publish own b 1#2"); // its window is closed now
        publish(rig, 3..=6, 1);
        let begun = rig.heard(&members[1]).len();
        assert!(begun == 2 && rig.heard(&members[0]).len() == 2);
        rig.tell(&members[0], "unsubscribe 9 $share/g/t");
        for id in 1..=2 {
            rig.tell(&members[1], &format!("puback {id}"));
        }
        assert_eq!(rig.heard(&members[1]).len(), 2);
        rig.heard(&members[0]);
    });
}

#[test]
fn the_end_of_a_session_returns_qos_1_and_not_qos_2() {
    everywhere(|rig| {
        let members = group(rig, 2, "v5 expiry=100", 2);
        rig.tell("p", "publish t one 1#1");
        rig.tell("p", "publish t two 2#2");
        let heard: Vec<Vec<String>> = members.iter().map(|name| rig.heard(name)).collect();
        assert_eq!((heard[0].len(), heard[1].len()), (1, 1));
        let (with_one, with_two) = if heard[0][0].contains("one") { (0, 1) } else { (1, 0) };
        rig.cut(&members[with_one]);
        rig.pass(1);
        rig.silent(&members[with_two]); // it may come back
        rig.connect("x", &format!("v5 id={}", members[with_one])); // Clean Start: the session is gone
        let lines = rig.heard(&members[with_two]);
        assert!(lines.len() == 1 && lines[0].starts_with("publish t one 1#"), "{lines:?}"); // 4.8.2
        rig.subscribe("x", "$share/g/t@2");
        rig.cut(&members[with_two]);
        rig.pass(101);
        let lines = rig.heard("x");
        assert!(lines.len() == 1 && lines[0].starts_with("publish t one 1#"), "{lines:?}"); // [MQTT-4.8.2-5]
        assert_eq!(rig.dropped(Dropped::SessionEnded), 1);
        assert_eq!(rig.counters().in_flight, 1);
    });
}

#[test]
fn the_end_of_a_session_returns_what_was_not_sent_again() {
    everywhere(|rig| {
        let members = group(rig, 2, "v5 expiry=100", 1);
        publish(rig, 1..=6, 1);
        assert_eq!(members.iter().map(|name| rig.heard(name).len()).collect::<Vec<_>>(), [3, 3]);
        rig.cut(&members[0]);
        rig.connect(&members[0], "v5 clean=0 expiry=100 rm=1");
        assert_eq!(rig.heard(&members[0]).len(), 1, "its window holds the others back");
        rig.connect("x", &format!("v5 id={}", members[0])); // Clean Start: the session is gone
        rig.expect(&members[0], "disconnect 8e");
        assert_eq!(rig.heard(&members[1]).len(), 3); // 4.8.2
        assert_eq!(rig.counters().in_flight, 6);
    });
}

#[test]
fn a_qos_2_delivery_stays_with_its_member() {
    everywhere(|rig| {
        let members = group(rig, 2, "v5 expiry=100", 2);
        publish(rig, 1..=1, 2);
        let has = usize::from(!rig.client(&members[1]).heard.is_empty());
        assert_eq!(rig.heard(&members[has]), ["publish t 1 2#1"]);
        rig.cut(&members[has]);
        rig.pass(50);
        rig.silent(&members[1 - has]); // [MQTT-4.8.2-5]
        rig.connect(&members[has], "v5 clean=0 expiry=100");
        rig.expect(&members[has], "publish t 1 2#1 dup");
    });
}

#[test]
fn the_last_member_leaves() {
    everywhere(|rig| {
        let name = group(rig, 1, "v5 expiry=100", 1).remove(0);
        rig.cut(&name);
        publish(rig, 1..=3, 1);
        rig.pass(101);
        assert_eq!(rig.dropped(Dropped::NoMember), 3);
        assert_eq!(rig.counters().stored_messages, 0);
    });
}

#[test]
fn a_group_has_a_bound() {
    everywhere_with(
        |config| config.group_bytes_max = 2500,
        |rig| {
            let name = group(rig, 1, "v5 expiry=100", 1).remove(0);
            rig.cut(&name);
            (1..=4).for_each(|n| rig.tell("p", &format!("publish t *1000 1#{n}")));
            assert_eq!(rig.dropped(Dropped::QueueFull), 2);
        },
    );
}

#[test]
fn an_acknowledgement_and_the_end_in_one_read() {
    everywhere(|rig| {
        let members = group(rig, 2, "v5 rm=1", 1);
        publish(rig, 1..=2, 1);
        rig.heard(&members[0]);
        rig.heard(&members[1]);
        rig.tell_all(&members[0], &["puback 1", "disconnect"]);
        publish(rig, 3..=3, 1);
        rig.tell(&members[1], "puback 1");
        rig.expect(&members[1], "publish t 3 1#2");
    });
}

/// A message crosses the mail that says that its member is gone.
#[test]
fn a_message_on_its_way_to_a_member_that_is_gone() {
    for qos in [0, 1] {
        for leave in ["unsubscribe 1 $share/g/t", "disconnect 00 expiry=100", "disconnect 00 expiry=0"] {
            for first in [0, 1] {
                let mut rig = Rig::new(2);
                let members = group(&mut rig, 2, "v5 rm=1 expiry=100", 1);
                let (leaving, staying) = (&members[first], &members[1 - first]);
                rig.hold_mail = true;
                publish(&mut rig, 1..=2, qos);
                rig.tell(leaving, leave);
                rig.hold_mail = false;
                rig.settle();
                rig.heard(leaving);
                let mut got = Vec::new();
                for n in 0..6 {
                    if n == 3 {
                        publish(&mut rig, 3..=4, 1);
                    }
                    for line in rig.heard(staying) {
                        if let Some((_, id)) = line.split_once("1#") {
                            rig.tell(staying, &format!("puback {id}"));
                        }
                        got.push(line);
                    }
                }
                let all = got.join(";");
                assert!(all.contains("publish t 3") && all.contains("publish t 4"), "{leave}: {all}");
                if qos == 1 {
                    let held = rig.counters().queued;
                    let lost = rig.counters().dropped.total();
                    assert_eq!((got.len() as u64 + held, lost), (4, 0), "{leave} on {first}: {all}");
                    assert_eq!(held, 0, "{leave} on {first}: nothing waits for one who is away, {all}");
                }
            }
        }
    }
}
