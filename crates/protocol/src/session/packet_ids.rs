//! A set of packet identifiers: a bitmap in pages of 1,024, so that it costs nothing when empty and little when
//! the identifiers lie close together, as they do.

use alloc::boxed::Box;
use alloc::vec::Vec;
use martlet_codec::PacketId;

const PAGE_WORDS: usize = 16;
const PAGE_BITS: usize = PAGE_WORDS * 64;
const PAGES: usize = 65_536 / PAGE_BITS;

#[derive(Clone, Debug)]
struct Page {
    count: u16,
    words: [u64; PAGE_WORDS],
}

/// A set of packet identifiers. All operations take constant time.
#[derive(Clone, Debug, Default)]
pub struct PacketIdSet {
    /// Empty, or [`PAGES`] entries.
    pages: Vec<Option<Box<Page>>>,
    len: u32,
}

impl PacketIdSet {
    fn place(id: PacketId) -> (usize, usize, u64) {
        let id = usize::from(id.get());
        (id / PAGE_BITS, id % PAGE_BITS / 64, 1 << (id % 64))
    }
    /// Whether the identifier is in the set.
    pub fn contains(&self, id: PacketId) -> bool {
        let (page, word, bit) = Self::place(id);
        matches!(self.pages.get(page), Some(Some(page)) if page.words[word] & bit != 0)
    }
    /// Puts an identifier in; false if it was there already.
    pub fn insert(&mut self, id: PacketId) -> bool {
        let (page, word, bit) = Self::place(id);
        if self.pages.is_empty() {
            self.pages.resize_with(PAGES, || None);
        }
        let page =
            self.pages[page].get_or_insert_with(|| Box::new(Page { count: 0, words: [0; PAGE_WORDS] }));
        if page.words[word] & bit != 0 {
            return false;
        }
        page.words[word] |= bit;
        page.count += 1;
        self.len += 1;
        true
    }
    /// Takes an identifier out; false if it was not there. An empty page is given back, the last by [`Self::shrink`].
    pub fn remove(&mut self, id: PacketId) -> bool {
        let (index, word, bit) = Self::place(id);
        let Some(Some(page)) = self.pages.get_mut(index) else { return false };
        if page.words[word] & bit == 0 {
            return false;
        }
        page.words[word] &= !bit;
        page.count -= 1;
        self.len -= 1;
        if page.count == 0 && self.len > 0 {
            self.pages[index] = None;
        }
        true
    }
    /// Moves all of `other` in here.
    pub fn absorb(&mut self, other: &mut Self) {
        if self.len == 0 {
            core::mem::swap(self, other);
            return;
        }
        for id in (1..=u16::MAX).filter_map(PacketId::new).filter(|id| other.contains(*id)) {
            self.insert(id);
        }
        *other = Self::default();
    }
    /// How many identifiers it holds.
    pub fn len(&self) -> u32 {
        self.len
    }
    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// Gives the memory of an empty set back.
    pub fn shrink(&mut self) {
        if self.len == 0 {
            self.pages = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn it_is_a_set() {
        let (mut set, mut model, mut x) = (PacketIdSet::default(), BTreeSet::new(), 7u32);
        for _ in 0..50_000 {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let Some(id) = PacketId::new((x >> 16) as u16 & 0x8fff) else { continue };
            if x & 1 == 0 {
                assert_eq!(set.insert(id), model.insert(id));
            } else {
                assert_eq!(set.remove(id), model.remove(&id));
            }
            assert_eq!(set.contains(id), model.contains(&id));
            assert_eq!(set.len() as usize, model.len());
        }
        let mut all = PacketIdSet::default();
        all.insert(PacketId::new(9).unwrap());
        all.absorb(&mut set);
        model.insert(PacketId::new(9).unwrap());
        assert_eq!(all.len() as usize, model.len());
        assert!(set.is_empty());
    }
}
