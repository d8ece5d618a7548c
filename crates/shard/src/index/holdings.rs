//! The filters of one subscriber, each with the position of the subscription in its filter.
//! Few are found by a scan; a subscriber of many filters gets a table.

use alloc::boxed::Box;
use core::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;

use super::list::{List, position};
use crate::slab::Id;

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
pub(super) struct Holdings {
    list: List<Holding>,
    /// Positions in the list, by filter.
    #[allow(clippy::box_collection, reason = "most subscribers have none")]
    table: Option<Box<HashTable<u32>>>,
}

impl Default for Holdings {
    fn default() -> Self {
        Holdings { list: List::None, table: None }
    }
}

impl Holdings {
    pub(super) fn as_slice(&self) -> &[Holding] {
        self.list.as_slice()
    }

    /// The entries may be changed, the filters not.
    pub(super) fn as_mut_slice(&mut self) -> &mut [Holding] {
        self.list.as_mut_slice()
    }

    pub(super) fn get(&self, at: u32) -> Option<Holding> {
        self.as_slice().get(at as usize).copied()
    }

    /// Where the next holding will be pushed.
    pub(super) fn next_position(&self) -> u32 {
        position(self.list.len())
    }

    /// The position of a filter.
    pub(super) fn find(&self, filter: Id, hasher: &SeedableRandomState) -> Option<u32> {
        let list = self.as_slice();
        match &self.table {
            Some(table) => {
                table.find(hasher.hash_one(filter), |&at| list[at as usize].filter == filter).copied()
            }
            None => list.iter().position(|holding| holding.filter == filter).map(position),
        }
    }

    pub(super) fn push(&mut self, holding: Holding, hasher: &SeedableRandomState) {
        let at = self.list.push(holding);
        let list = self.list.as_slice();
        let hash = |&at: &u32| hasher.hash_one(list[at as usize].filter);
        if let Some(table) = &mut self.table {
            table.insert_unique(hash(&at), at, hash);
        } else if list.len() >= TABLE_MIN {
            let mut table = HashTable::with_capacity(list.len());
            for at in 0..=at {
                table.insert_unique(hash(&at), at, hash);
            }
            self.table = Some(Box::new(table));
        }
    }

    /// Removes the holding at a position and moves the last one there.
    pub(super) fn swap_remove(&mut self, at: u32, hasher: &SeedableRandomState) {
        let last = position(self.list.len() - 1);
        if let Some(table) = &mut self.table {
            let list = self.list.as_slice();
            let hash = |at: u32| hasher.hash_one(list[at as usize].filter);
            if let Ok(entry) = table.find_entry(hash(at), |&other| other == at) {
                entry.remove();
            }
            if let Some(moved) = table.find_mut(hash(last), |&other| other == last) {
                *moved = at;
            }
        }
        self.list.swap_remove(at);
        if self.list.len() < TABLE_MIN / 2 {
            self.table = None;
        }
    }
}
