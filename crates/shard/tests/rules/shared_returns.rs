//! Shared subscriptions (4.8.2): what members give back. Its order, whom it belongs to after UNSUBSCRIBE, and what the
//! members that stay may hold meanwhile.

use crate::common::*;

const FILTER: &str = "$share/g/t";

/// How a session comes to its end.
#[derive(Clone, Copy, Debug)]
enum End {
    Disconnect,
    Expiry,
    CleanStart,
}

const ENDS: [End; 3] = [End::Disconnect, End::Expiry, End::CleanStart];

/// A publisher `p`, and clients `names` that are at home on alternate shards, the first on `first`.
fn people(rig: &mut Rig, first: usize, names: &[&str], connect: &str) -> Vec<String> {
    rig.connect("p", "v5");
    rig.ignore("p");
    let ids: Vec<String> =
        names.iter().enumerate().map(|(n, name)| rig.id_on(first + n, &format!("{name}-"))).collect();
    ids.iter().for_each(|id| rig.connect(id, connect));
    ids
}

fn join(rig: &mut Rig, name: &str) {
    rig.subscribe(name, &format!("{FILTER}@1"));
}

fn leave(rig: &mut Rig, name: &str) {
    rig.tell(name, &format!("unsubscribe 77 {FILTER}"));
    let heard = rig.heard(name);
    assert_eq!(heard.last().map(String::as_str), Some("unsuback 77 00"));
}

fn publish(rig: &mut Rig, numbers: std::ops::RangeInclusive<u16>) {
    numbers.for_each(|n| rig.tell("p", &format!("publish t {n} 1#{n}")));
}

/// The payloads of what a client has heard, which is nothing but PUBLISH.
fn payloads(rig: &mut Rig, name: &str) -> Vec<u16> {
    let number = |line: String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "publish", "{line}");
        words[2].parse().expect("a number")
    };
    rig.heard(name).into_iter().map(number).collect()
}

/// Acknowledges everything that a client hears, until it hears nothing more: the payloads.
fn acknowledge_all(rig: &mut Rig, name: &str) -> Vec<u16> {
    let mut all = Vec::new();
    loop {
        let lines = rig.heard(name);
        if lines.is_empty() {
            return all;
        }
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            all.push(words[2].parse().expect("a number"));
            rig.tell(name, &format!("puback {}", words[3].strip_prefix("1#").expect("QoS 1")));
        }
    }
}

fn end(rig: &mut Rig, name: &str, how: End) {
    match how {
        End::Disconnect => rig.tell(name, "disconnect 00 expiry=0"),
        End::Expiry => {
            rig.cut(name);
            rig.pass(101);
        }
        End::CleanStart => {
            let usurper = format!("usurper of {name}");
            rig.connect(&usurper, &format!("v5 id={name}"));
            rig.heard(name);
        }
    }
}

/// Tells a story with its first member at home on either shard, for every end of a session.
fn in_all_ways(story: impl Fn(&mut Rig, usize, End)) {
    for how in ENDS {
        for first in [0, 1] {
            println!("{how:?}, first on {first}");
            everywhere(|rig| story(rig, first, how));
        }
    }
}

#[test]
fn a_backlog_is_given_back_in_order() {
    in_all_ways(|rig, first, how| {
        let ids = people(rig, first, &["a", "b"], "v5 expiry=100");
        join(rig, &ids[0]);
        publish(rig, 1..=5);
        assert_eq!(payloads(rig, &ids[0]), [1, 2, 3, 4, 5]);
        join(rig, &ids[1]);
        end(rig, &ids[0], how);
        assert_eq!(payloads(rig, &ids[1]), [1, 2, 3, 4, 5]);
    });
}

#[test]
fn what_is_given_back_comes_before_what_waits() {
    in_all_ways(|rig, first, how| {
        let ids = people(rig, first, &["a", "b"], "v5 expiry=100 rm=3");
        join(rig, &ids[0]);
        publish(rig, 1..=3);
        join(rig, &ids[1]);
        publish(rig, 4..=9);
        assert_eq!(payloads(rig, &ids[0]), [1, 2, 3]);
        end(rig, &ids[0], how);
        assert_eq!(acknowledge_all(rig, &ids[1]), [4, 5, 6, 1, 2, 3, 7, 8, 9]);
    });
}

#[test]
fn an_offline_member_gives_back_in_order_what_it_has_not_begun() {
    for first in [0, 1] {
        everywhere(|rig| {
            let ids = people(rig, first, &["a", "b"], "v5 expiry=100 rm=9");
            rig.subscribe(&ids[0], "own@1");
            (1..=9).for_each(|n| rig.tell("p", &format!("publish own {n} 1#{n}")));
            rig.heard(&ids[0]);
            join(rig, &ids[0]);
            publish(rig, 11..=15); // its window is closed: none of them is begun
            rig.silent(&ids[0]);
            join(rig, &ids[1]);
            rig.cut(&ids[0]);
            assert_eq!(payloads(rig, &ids[1]), [11, 12, 13, 14, 15]);
        });
    }
}

#[test]
fn members_that_end_together_give_back_in_one_order() {
    for first in [0, 1] {
        for shards in [1, 2] {
            let mut rig = Rig::new(shards);
            let mut ids = people(&mut rig, first, &["a", "c", "b"], "v5 expiry=0");
            ids.swap(1, 2); // `a` and `b` have one home
            join(&mut rig, &ids[0]);
            join(&mut rig, &ids[1]);
            publish(&mut rig, 1..=6);
            assert_eq!(
                (payloads(&mut rig, &ids[0]), payloads(&mut rig, &ids[1])),
                (vec![1, 3, 5], vec![2, 4, 6])
            );
            join(&mut rig, &ids[2]);
            rig.cut_together(&[&ids[0], &ids[1]]);
            assert_eq!(payloads(&mut rig, &ids[2]), [1, 2, 3, 4, 5, 6], "{shards} shards, first on {first}");
        }
    }
}

/// The member left the group before its session ended: what it held is the group's nevertheless.
#[test]
fn a_former_member_gives_back_what_it_still_holds() {
    in_all_ways(|rig, first, how| {
        let ids = people(rig, first, &["a", "b"], "v5 expiry=100");
        join(rig, &ids[0]);
        publish(rig, 1..=5);
        assert_eq!(payloads(rig, &ids[0]), [1, 2, 3, 4, 5]);
        rig.tell(&ids[0], "puback 2");
        join(rig, &ids[1]);
        leave(rig, &ids[0]);
        publish(rig, 6..=6);
        assert_eq!(payloads(rig, &ids[1]), [6], "what was begun stays while its session does");
        end(rig, &ids[0], how);
        assert_eq!(payloads(rig, &ids[1]), [1, 3, 4, 5]);
        assert_eq!(rig.counters().dropped.total(), 0);
    });
}
