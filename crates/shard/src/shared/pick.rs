//! Which member of a shared subscription gets the next message: the strategies.
//! It knows who is connected, has credit and how much is in flight, and nothing about messages.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::random::{Random, mix};
use crate::slab::Id;

/// Points that a member has on the ring of a sticky strategy; more make the shares more even.
const POINTS: u64 = 32;

/// How a shared subscription chooses among its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The member with the fewest messages in flight; among equals, the one whose last turn is longest ago.
    #[default]
    LeastInFlight,
    /// Each in its turn.
    RoundRobin,
    /// By lot, from this seed.
    Random(u64),
    /// All messages of a topic go to the same member while it is connected.
    StickyByTopic,
    /// All messages of a publisher go to the same member while it is connected.
    StickyByPublisher,
}

impl Strategy {
    /// Whether a message has one member that it must go to, or wait for.
    pub(super) const fn is_sticky(self) -> bool {
        matches!(self, Strategy::StickyByTopic | Strategy::StickyByPublisher)
    }
}

/// What the choice depends on, in the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    pub(super) without_credit: bool,
    pub(super) in_flight: u32,
    /// Grows with each turn, or is drawn by lot.
    pub(super) turn: u64,
}

/// The connected members.
#[derive(Debug)]
pub(super) enum Picker {
    /// In order of preference.
    Line { members: BTreeSet<(Standing, Id)>, least_in_flight: bool, turns: u64 },
    /// In an order drawn by lot, anew for each member at each of its turns.
    Lots { members: BTreeSet<(Standing, Id)>, random: Random },
    /// On a ring, each at many points, so that few keys change their member when one comes or goes.
    Ring { points: BTreeMap<u64, Id> },
}

impl Picker {
    pub(super) fn new(strategy: Strategy) -> Self {
        match strategy {
            Strategy::LeastInFlight | Strategy::RoundRobin => Picker::Line {
                members: BTreeSet::new(),
                least_in_flight: strategy == Strategy::LeastInFlight,
                turns: 0,
            },
            Strategy::Random(seed) => Picker::Lots { members: BTreeSet::new(), random: Random::new(seed) },
            Strategy::StickyByTopic | Strategy::StickyByPublisher => Picker::Ring { points: BTreeMap::new() },
        }
    }

    /// A value for [`Standing::turn`] of a member that is having its turn.
    pub(super) fn next_turn(&mut self) -> u64 {
        match self {
            Picker::Line { turns, .. } => {
                *turns += 1;
                *turns
            }
            Picker::Lots { random, .. } => random.next_u64(),
            Picker::Ring { .. } => 0,
        }
    }

    /// A member may be chosen from now on. `hash` is its place on a ring, the same at each connection.
    pub(super) fn insert(&mut self, id: Id, standing: Standing, hash: u64) {
        if let Picker::Ring { points } = self {
            for point in ring_points(hash) {
                points.entry(point).or_insert(id);
            }
        } else {
            self.change(id, None, Some(standing));
        }
    }

    /// A member may no longer be chosen.
    pub(super) fn remove(&mut self, id: Id, standing: Standing, hash: u64) {
        if let Picker::Ring { points } = self {
            for point in ring_points(hash) {
                if points.get(&point) == Some(&id) {
                    points.remove(&point);
                }
            }
        } else {
            self.change(id, Some(standing), None);
        }
    }

    /// The standing of a member that may be chosen has changed.
    pub(super) fn update(&mut self, id: Id, before: Standing, after: Standing) {
        if before != after {
            self.change(id, Some(before), Some(after));
        }
    }

    /// The member to have the next turn, with credit if any has. `key` is what sticks to a member.
    pub(super) fn pick(&mut self, key: u64) -> Option<Id> {
        match self {
            Picker::Line { members, .. } => members.first().map(|(_, id)| *id),
            Picker::Lots { members, random } => {
                let without_credit = members.first()?.0.without_credit;
                let drawn = Standing { without_credit, in_flight: 0, turn: random.next_u64() };
                let behind = members.range((drawn, Id::FIRST)..).next().copied();
                let behind = behind.filter(|(standing, _)| standing.without_credit == without_credit);
                behind.or_else(|| members.first().copied()).map(|(_, id)| id)
            }
            Picker::Ring { points } => {
                let behind = points.range(mix(key)..).next();
                behind.or_else(|| points.first_key_value()).map(|(_, id)| *id)
            }
        }
    }

    fn change(&mut self, id: Id, before: Option<Standing>, after: Option<Standing>) {
        let (members, least_in_flight) = match self {
            Picker::Line { members, least_in_flight, .. } => (members, *least_in_flight),
            Picker::Lots { members, .. } => (members, false),
            Picker::Ring { .. } => return,
        };
        let relevant = |standing: Standing| Standing {
            in_flight: if least_in_flight { standing.in_flight } else { 0 },
            ..standing
        };
        if let Some(before) = before {
            members.remove(&(relevant(before), id));
        }
        members.extend(after.map(|after| (relevant(after), id)));
    }
}

/// Where a member stands on the ring. Of two members at one point, the one that came first keeps it.
fn ring_points(hash: u64) -> impl Iterator<Item = u64> {
    (1..=POINTS).map(move |number| mix(hash ^ mix(number)))
}
