//! A slab: values addressed by a small id that stays the same until the value is removed.
//! Ids are non-zero, so an `Option<Id>` takes four bytes. An id is not checked for age: whoever
//! keeps one must forget it before removing the value. The slab grows by a quarter, not by
//! doubling, because it holds what there is a million of.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::{Index, IndexMut};

use hashbrown::HashTable;

/// Below this number of places no memory is given back before all are vacant.
const SHRINK_MIN: usize = 64;

/// Where a value stands in its [`Slab`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(NonZeroU32);

impl Id {
    /// The id of the first value inserted into an empty slab.
    pub(crate) const FIRST: Id = Id(NonZeroU32::MIN);

    fn of(index: u32) -> Self {
        Id(NonZeroU32::new(index + 1).expect("four billion values do not fit in memory"))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Values of one type, addressed by [`Id`].
#[derive(Debug)]
pub(crate) struct Slab<T> {
    items: Vec<Option<T>>,
    vacant: Vec<u32>,
    /// Values removed since memory was last given back.
    removed: usize,
}

impl<T> Slab<T> {
    /// An empty slab, which owns no memory.
    pub(crate) const fn new() -> Self {
        Slab { items: Vec::new(), vacant: Vec::new(), removed: 0 }
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.vacant.len()
    }

    /// Stores a value and names it.
    pub(crate) fn insert(&mut self, value: T) -> Id {
        Id::of(fill(&mut self.items, &mut self.vacant, value))
    }

    /// Takes a value out; its id may be given to another one.
    pub(crate) fn remove(&mut self, id: Id) -> T {
        let value = self.items[id.index()].take().expect("an id is forgotten before its value is removed");
        vacate(&mut self.items, &mut self.vacant, &mut self.removed, id.index());
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

/// Puts a value into a vacant place, or a new one at the end; which it is.
pub(crate) fn fill<T>(items: &mut Vec<Option<T>>, vacant: &mut Vec<u32>, value: T) -> u32 {
    if let Some(index) = vacant.pop() {
        items[index as usize] = Some(value);
        return index;
    }
    reserve_quarter(items);
    items.push(Some(value));
    u32::try_from(items.len() - 1).expect("four billion values do not fit in memory")
}

/// The value of this place is gone: new ones may have it. Once three quarters of the places are vacant, those at the end
/// are given up, and the lowest ones are filled first from then on, so that the end becomes vacant in time. `removed`
/// counts since that was last tried: amortised O(1).
pub(crate) fn vacate<T>(
    items: &mut Vec<Option<T>>,
    vacant: &mut Vec<u32>,
    removed: &mut usize,
    index: usize,
) {
    reserve_quarter(vacant);
    vacant.push(index as u32);
    *removed += 1;
    let is_empty = vacant.len() == items.len();
    let is_sparse = items.len() - vacant.len() < items.len() / 4 && *removed > items.len() / 8;
    if is_empty || (items.len() >= SHRINK_MIN && is_sparse) {
        while items.last().is_some_and(Option::is_none) {
            items.pop();
        }
        items.shrink_to_fit();
        *vacant = (0..items.len() as u32).rev().filter(|&index| items[index as usize].is_none()).collect();
        *removed = 0;
    }
}

/// Takes unused values off the end of a list, and gives memory back when three quarters of it are unused.
pub(crate) fn truncate<T>(values: &mut Vec<T>, is_unused: impl Fn(&T) -> bool) {
    while values.last().is_some_and(&is_unused) {
        values.pop();
    }
    if values.len() < values.capacity() / 4 {
        values.shrink_to(values.len() * 2);
    }
}

/// Makes room for one more value, growing by a quarter: amortised O(1) with less slack than doubling.
pub(crate) fn reserve_quarter<T>(values: &mut Vec<T>) {
    if values.len() == values.capacity() {
        values.reserve_exact(values.len() / 4 + 4);
    }
}

/// Gives a table's memory back when seven eighths of it are unused: amortised O(1) per removal.
pub(crate) fn shrink<T>(table: &mut HashTable<T>, hash: impl Fn(&T) -> u64) {
    if table.capacity() > 64 && table.len() < table.capacity() / 8 {
        table.shrink_to(table.len() * 2, hash);
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
