//! A slab: values addressed by a small id that stays the same until the value is removed.
//! Ids are non-zero, so an `Option<Id>` takes four bytes. An id is not checked for age: whoever
//! keeps one must forget it before removing the value. The slab grows by a quarter, not by
//! doubling, because it holds what there is a million of.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::{Index, IndexMut};

use hashbrown::HashTable;

/// So many places more than twice those that there are may be listed as vacant, before those that are gone are
/// forgotten.
const VACANT_MIN: usize = 64;

/// Where a value stands in its [`Slab`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(NonZeroU32);

impl Id {
    /// The id of the first value inserted into an empty slab.
    pub(crate) const FIRST: Id = Id(NonZeroU32::MIN);

    /// The id of a place, counted from 0.
    pub(crate) fn from_place(place: u32) -> Self {
        Id(NonZeroU32::new(place + 1).expect("four billion values do not fit in memory"))
    }

    /// The place, counted from 0.
    pub(crate) fn place(self) -> u32 {
        self.0.get() - 1
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Values of one type, addressed by [`Id`].
#[derive(Debug)]
pub(crate) struct Slab<T> {
    items: Vec<Option<T>>,
    len: usize,
    /// Places without a value, and some that are gone since: the last place always has one.
    vacant: Vec<Id>,
}

impl<T> Slab<T> {
    /// An empty slab, which owns no memory.
    pub(crate) const fn new() -> Self {
        Slab { items: Vec::new(), len: 0, vacant: Vec::new() }
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Stores a value and names it.
    pub(crate) fn insert(&mut self, value: T) -> Id {
        self.len += 1;
        while let Some(id) = self.vacant.pop() {
            if let Some(place) = self.items.get_mut(id.index()) {
                *place = Some(value);
                return id;
            }
        }
        reserve_quarter(&mut self.items);
        self.items.push(Some(value));
        let last = u32::try_from(self.items.len() - 1).expect("four billion values do not fit in memory");
        Id::from_place(last)
    }

    /// The value of an id that may be void.
    pub(crate) fn get(&self, id: Id) -> Option<&T> {
        self.items.get(id.index())?.as_ref()
    }

    /// Takes a value out; its id may be given to another one. Vacant places at the end are given up.
    pub(crate) fn remove(&mut self, id: Id) -> T {
        let value = self.items[id.index()].take().expect("an id is forgotten before its value is removed");
        self.len -= 1;
        reserve_quarter(&mut self.vacant);
        self.vacant.push(id);
        truncate(&mut self.items, Option::is_none);
        if self.vacant.len() > 2 * self.items.len() + VACANT_MIN || self.items.is_empty() {
            self.vacant.retain(|id| id.index() < self.items.len());
            self.vacant.shrink_to_fit();
        }
        value
    }
}

impl<T> Index<Id> for Slab<T> {
    type Output = T;

    fn index(&self, id: Id) -> &T {
        self.items[id.index()].as_ref().expect("an id is forgotten before its value is removed")
    }
}

impl<T> IndexMut<Id> for Slab<T> {
    fn index_mut(&mut self, id: Id) -> &mut T {
        self.items[id.index()].as_mut().expect("an id is forgotten before its value is removed")
    }
}

/// Takes unused values off the end of a list, and gives memory back when three quarters of it are unused.
pub(crate) fn truncate<T>(values: &mut Vec<T>, is_unused: impl Fn(&T) -> bool) {
    while values.last().is_some_and(&is_unused) {
        values.pop();
    }
    if values.len() < values.capacity() / 4 {
        values.shrink_to(values.len() * 5 / 4);
    }
}

/// Makes room for one more value, growing by a quarter: amortised O(1) with less slack than doubling.
pub(crate) fn reserve_quarter<T>(values: &mut Vec<T>) {
    if values.len() == values.capacity() {
        values.reserve_exact(values.len() / 4 + 4);
    }
}

/// Makes a list reach to a place, so that there is something at it.
pub(crate) fn reach<T: Default>(values: &mut Vec<T>, place: usize) {
    while values.len() <= place {
        reserve_quarter(values);
        values.push(T::default());
    }
}

/// Gives a table's memory back when three quarters of it are unused: amortised O(1) per removal.
pub(crate) fn shrink<T>(table: &mut HashTable<T>, hash: impl Fn(&T) -> u64) {
    if table.capacity() > 64 && table.len() < table.capacity() / 4 {
        table.shrink_to(table.len() * 5 / 4, hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_reused_and_values_stay() {
        let mut slab = Slab::new();
        let a = slab.insert("a");
        let b = slab.insert("b");
        assert_eq!((a, slab[a], slab[b]), (Id::FIRST, "a", "b"));
        assert_eq!(slab.remove(a), "a");
        assert_eq!(slab.insert("c"), a);
        assert_eq!((slab[a], slab[b], slab.len()), ("c", "b", 2));
    }

    #[test]
    fn an_optional_id_is_four_bytes() {
        assert_eq!(size_of::<Option<Id>>(), 4);
    }
}
