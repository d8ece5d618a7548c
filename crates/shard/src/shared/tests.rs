//! Groups: the strategies by example, and all of them against the rules that no strategy may break.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::*;
use crate::random::{Random, mix};

const ALL: [Strategy; 5] = [
    Strategy::LeastInFlight,
    Strategy::RoundRobin,
    Strategy::Random(5),
    Strategy::StickyByTopic,
    Strategy::StickyByPublisher,
];

fn subscription() -> Subscription {
    let options = martlet_codec::SubscriptionOptions {
        maximum_qos: martlet_codec::QoSLevel::ExactlyOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: martlet_codec::RetainHandling::default(),
    };
    Subscription { options, id: None }
}

fn item(message: u32, key: u64) -> Item<u32> {
    Item { message, bytes: 10, topic: key, publisher: key, seq: 0 }
}

fn group(strategy: Strategy, credits: &[u16]) -> Group<u32, u64> {
    let mut group = Group::new(strategy, 1000);
    for (member, &credit) in credits.iter().enumerate() {
        group.join(member as u64, subscription(), credit);
    }
    group
}

fn assigned(offer: Offer<u64>) -> Option<u64> {
    match offer {
        Offer::Assign(member, ..) => Some(member),
        Offer::Queued | Offer::DroppedFull => None,
    }
}

fn polled(group: &mut Group<u32, u64>) -> Vec<(u32, u64)> {
    core::iter::from_fn(|| group.poll_assignment()).map(|given| (given.message, given.member)).collect()
}

#[test]
fn least_in_flight_prefers_the_idle_and_rotates_among_equals() {
    let mut group = group(Strategy::LeastInFlight, &[9, 9, 9]);
    let offer = |group: &mut Group<u32, u64>| assigned(group.offer(item(0, 0))).unwrap();
    assert_eq!([0; 4].map(|_| offer(&mut group)), [0, 1, 2, 0]);
    group.add_credit(1, 1);
    assert_eq!([0; 3].map(|_| offer(&mut group)), [1, 2, 1]);
}

#[test]
fn round_robin_gives_each_its_turn() {
    let mut group = group(Strategy::RoundRobin, &[9, 2, 9]);
    let mut turns = |number| -> Vec<_> {
        group.add_credit(0, 2);
        (0..number).map(|_| assigned(group.offer(item(0, 0))).unwrap()).collect()
    };
    assert_eq!(turns(4), [0, 1, 2, 0]);
    assert_eq!(turns(4), [1, 2, 0, 2], "an acknowledgement gives nobody an extra turn");
}

#[test]
fn random_is_even_and_the_same_for_the_same_seed() {
    let run = || -> Vec<u64> {
        let mut group = group(Strategy::Random(1), &[u16::MAX; 8]);
        (0..8000).map(|_| assigned(group.offer(item(0, 0))).unwrap()).collect()
    };
    let members = run();
    for member in 0..8 {
        let turns = members.iter().filter(|&&other| other == member).count();
        assert!((800..1200).contains(&turns), "member {member}: {turns}");
    }
    assert_eq!(members, run());
}

#[test]
fn sticky_keys_stay_while_their_member_is_connected() {
    let mut group = group(Strategy::StickyByTopic, &[u16::MAX; 10]);
    let member_of = |group: &mut Group<u32, u64>, key| assigned(group.offer(item(0, key))).unwrap();
    let before: Vec<_> = (0..1000).map(|key| member_of(&mut group, key)).collect();
    assert!((0..10).all(|member| before.iter().filter(|&&other| other == member).count() > 20));
    assert!((0..1000).all(|key| member_of(&mut group, key) == before[key as usize]));
    group.pause(3);
    for key in 0..1000 {
        let now = member_of(&mut group, key);
        assert_eq!(now != before[key as usize], before[key as usize] == 3, "only what belonged to it moves");
    }
    group.set_credit(3, u16::MAX);
    assert!((0..1000).all(|key| member_of(&mut group, key) == before[key as usize]));
}

#[test]
fn a_sticky_message_waits_for_its_member_and_moves_when_that_leaves() {
    let mut group = group(Strategy::StickyByPublisher, &[1, 1]);
    let owner = assigned(group.offer(item(0, 7))).unwrap();
    assert_eq!(group.offer(item(1, 7)), Offer::Queued);
    assert_eq!(group.offer(item(2, 7)), Offer::Queued);
    assert_eq!(polled(&mut group), []);
    group.leave(owner);
    group.give_back(item(0, 7));
    assert_eq!(polled(&mut group), [(0, 1 - owner)]);
    group.add_credit(1 - owner, 5);
    assert_eq!(polled(&mut group), [(1, 1 - owner), (2, 1 - owner)]);
}

#[test]
fn without_credit_messages_wait_in_order_within_the_bound() {
    let mut group = group(Strategy::LeastInFlight, &[1]);
    assert_eq!(assigned(group.offer(item(0, 0))), Some(0));
    for message in 1..=100 {
        assert_eq!(group.offer(item(message, 0)), Offer::Queued);
    }
    assert_eq!(group.offer(item(101, 0)), Offer::DroppedFull);
    assert_eq!((group.queued(), group.queued_bytes()), (100, 1000));
    group.retain(|message| message != 2);
    group.join(1, subscription(), 3);
    assert_eq!(polled(&mut group), [(1, 1), (3, 1), (4, 1)]);
    assert_eq!((group.queued(), group.queued_bytes()), (96, 960));
}

#[test]
fn qos_0_goes_to_any_connected_member() {
    for strategy in ALL {
        let mut group = group(strategy, &[0, 0, 0]);
        group.pause(1);
        for key in 0..50 {
            let (member, _) = group.offer_at_most_once(key, key).unwrap();
            assert_ne!(member, 1, "{strategy:?}");
        }
        (0..3).for_each(|member| group.leave(member));
        assert_eq!((group.offer_at_most_once(1, 1), group.members()), (None, 0));
    }
}

/// What a run of random calls expects of a group.
struct Model {
    group: Group<u32, u64>,
    /// Credit of each connected member.
    credit: BTreeMap<u64, u16>,
    waiting: Vec<Item<u32>>,
    sticky: bool,
}

impl Model {
    fn give(&mut self, message: u32, member: u64) {
        let credit = self.credit.get_mut(&member).expect("assigned to a member that is not connected");
        *credit = credit.checked_sub(1).expect("assigned without credit");
        let at = self.waiting.iter().position(|item| item.message == message).expect("assigned twice");
        let item = self.waiting.remove(at);
        let overtaken = self.waiting[..at].iter().any(|other| !self.sticky || other.topic == item.topic);
        assert!(!overtaken, "{message} overtook an older one");
    }

    fn settle(&mut self) {
        for (message, member) in polled(&mut self.group) {
            self.give(message, member);
        }
        assert_eq!(self.group.queued(), self.waiting.len());
        assert_eq!(self.group.queued_bytes(), self.waiting.len() * 10);
        let idle = self.credit.values().any(|&credit| credit > 0);
        assert!(self.sticky || self.waiting.is_empty() || !idle, "a message waits beside an idle member");
        let all_idle = !self.credit.is_empty() && self.credit.values().all(|&credit| credit > 0);
        assert!(self.waiting.is_empty() || !all_idle, "a message waits though all are idle");
    }

    fn random_call(&mut self, random: &mut Random, message: u32) {
        let member = random.below(5) as u64;
        let number = random.below(4) as u16;
        match random.below(10) {
            0 => {
                self.group.join(member, subscription(), number);
                self.credit.insert(member, number);
            }
            1 => {
                self.group.leave(member);
                self.credit.remove(&member);
            }
            2 => {
                self.group.pause(member);
                self.credit.remove(&member);
            }
            3 => {
                self.group.add_credit(member, number);
                self.credit.entry(member).and_modify(|credit| *credit += number);
            }
            _ => {
                let item = item(message, mix(random.below(9) as u64));
                match self.group.offer(item) {
                    Offer::Assign(member, ..) => {
                        self.waiting.push(item);
                        self.give(message, member);
                    }
                    Offer::Queued => self.waiting.push(item),
                    Offer::DroppedFull => assert_eq!(self.waiting.len(), 100),
                }
            }
        }
    }
}

#[test]
fn nothing_is_lost_doubled_overtaken_or_given_without_credit() {
    for strategy in ALL {
        for seed in 0..60 {
            let mut random = Random::new(seed);
            let (credit, waiting) = (BTreeMap::new(), Vec::new());
            let mut model =
                Model { group: group(strategy, &[]), credit, waiting, sticky: strategy.is_sticky() };
            for message in 0..500 {
                model.random_call(&mut random, message);
                if random.below(3) > 0 {
                    model.settle();
                }
            }
        }
    }
}
