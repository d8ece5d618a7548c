//! The filters of one subscriber, each with the position of the subscription in its filter.
//! Few are found by a scan; a subscriber of many filters gets a table.

use alloc::boxed::Box;
use core::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;

use super::list::{List, position};
use crate::slab::{Id, shrink};

/// From this number of filters on, a subscriber gets a table; below half of it, it loses it.
const TABLE_MIN: usize = 32;

/// A subscription as its subscriber keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    pub(super) filter: Id,
    /// Position among the filter's subscribers.
    pub(super) entry: u32,
}

/// All subscriptions of one subscriber.
#[derive(Debug)]
pub(super) enum Holdings {
    Few(List<Holding>),
    Many(Box<Many>),
}

/// Many holdings, with the positions by filter.
#[derive(Debug)]
pub(super) struct Many {
    list: List<Holding>,
    table: HashTable<u32>,
}

impl Default for Holdings {
    fn default() -> Self {
        Holdings::Few(List::None)
    }
}

impl Holdings {
    fn list(&self) -> &List<Holding> {
        match self {
            Holdings::Few(list) => list,
            Holdings::Many(many) => &many.list,
        }
    }

    pub(super) fn as_slice(&self) -> &[Holding] {
        self.list().as_slice()
    }

    /// The entries may be changed, the filters not.
    pub(super) fn as_mut_slice(&mut self) -> &mut [Holding] {
        match self {
            Holdings::Few(list) => list.as_mut_slice(),
            Holdings::Many(many) => many.list.as_mut_slice(),
        }
    }

    pub(super) fn get(&self, at: u32) -> Option<Holding> {
        self.as_slice().get(at as usize).copied()
    }

    /// Where the next holding will be pushed.
    pub(super) fn next_position(&self) -> u32 {
        position(self.list().len())
    }

    /// The position of a filter.
    pub(super) fn find(&self, filter: Id, hasher: &SeedableRandomState) -> Option<u32> {
        match self {
            Holdings::Few(list) => {
                list.as_slice().iter().position(|holding| holding.filter == filter).map(position)
            }
            Holdings::Many(many) => {
                let is_it = |at: &u32| many.list.as_slice()[*at as usize].filter == filter;
                many.table.find(hasher.hash_one(filter), is_it).copied()
            }
        }
    }

    pub(super) fn push(&mut self, holding: Holding, hasher: &SeedableRandomState) {
        match self {
            Holdings::Few(list) => {
                list.push(holding);
                if list.len() >= TABLE_MIN {
                    let list = core::mem::replace(list, List::None);
                    *self = Holdings::Many(Box::new(Many::new(list, hasher)));
                }
            }
            Holdings::Many(many) => many.push(holding, hasher),
        }
    }

    /// Removes the holding at a position and moves the last one there.
    pub(super) fn swap_remove(&mut self, at: u32, hasher: &SeedableRandomState) {
        let many = match self {
            Holdings::Few(list) => {
                list.swap_remove(at);
                return;
            }
            Holdings::Many(many) => many,
        };
        many.swap_remove(at, hasher);
        if many.list.len() < TABLE_MIN / 2 {
            *self = Holdings::Few(core::mem::replace(&mut many.list, List::None));
        }
    }
}

impl Many {
    fn new(list: List<Holding>, hasher: &SeedableRandomState) -> Self {
        let mut many = Many { table: HashTable::with_capacity(list.len()), list };
        (0..position(many.list.len())).for_each(|at| many.enter(at, hasher));
        many
    }

    fn push(&mut self, holding: Holding, hasher: &SeedableRandomState) {
        let at = self.list.push(holding);
        self.enter(at, hasher);
    }

    fn enter(&mut self, at: u32, hasher: &SeedableRandomState) {
        let list = self.list.as_slice();
        let hash = |&at: &u32| hasher.hash_one(list[at as usize].filter);
        self.table.insert_unique(hash(&at), at, hash);
    }

    fn swap_remove(&mut self, at: u32, hasher: &SeedableRandomState) {
        let last = position(self.list.len() - 1);
        let list = self.list.as_slice();
        let hash = |at: u32| hasher.hash_one(list[at as usize].filter);
        if let Ok(entry) = self.table.find_entry(hash(at), |&other| other == at) {
            entry.remove();
        }
        if let Some(moved) = self.table.find_mut(hash(last), |&other| other == last) {
            *moved = at;
        }
        self.list.swap_remove(at);
        let list = self.list.as_slice();
        shrink(&mut self.table, |&at| hasher.hash_one(list[at as usize].filter));
    }
}
