//! Topic levels, each stored once per shard and named by a small id, so that the trie compares
//! numbers. A level is forgotten with the last trie node that uses it.

use alloc::boxed::Box;
use core::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;

use crate::slab::{Id, Slab, shrink};

/// Longest level that is stored without an allocation of its own.
const INLINE_MAX: usize = 18;

/// The text of one level and the number of nodes that use it.
#[derive(Debug)]
enum Level {
    Short { uses: u32, len: u8, bytes: [u8; INLINE_MAX] },
    Long { uses: u32, bytes: Box<[u8]> },
}

impl Level {
    fn new(text: &[u8]) -> Self {
        if text.len() > INLINE_MAX {
            return Level::Long { uses: 0, bytes: text.into() };
        }
        let mut bytes = [0; INLINE_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Level::Short { uses: 0, len: text.len() as u8, bytes }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Level::Short { len, bytes, .. } => &bytes[..usize::from(*len)],
            Level::Long { bytes, .. } => bytes,
        }
    }

    fn uses(&mut self) -> &mut u32 {
        match self {
            Level::Short { uses, .. } | Level::Long { uses, .. } => uses,
        }
    }
}

/// The levels in use.
#[derive(Debug)]
pub(super) struct Levels {
    hasher: SeedableRandomState,
    texts: Slab<Level>,
    ids: HashTable<Id>,
    /// Bytes of the texts that are stored in allocations of their own.
    long_bytes: usize,
}

impl Levels {
    pub(super) fn new(hasher: SeedableRandomState) -> Self {
        Levels { hasher, texts: Slab::new(), ids: HashTable::new(), long_bytes: 0 }
    }

    /// The id of a level that some node uses.
    pub(super) fn get(&self, text: &str) -> Option<Id> {
        let hash = self.hasher.hash_one(text.as_bytes());
        self.ids.find(hash, |&id| self.texts[id].bytes() == text.as_bytes()).copied()
    }

    /// The id of a level that one more node uses from now on.
    pub(super) fn acquire(&mut self, text: &str) -> Id {
        let id = self.get(text).unwrap_or_else(|| self.insert(text));
        *self.texts[id].uses() += 1;
        id
    }

    fn insert(&mut self, text: &str) -> Id {
        let id = self.texts.insert(Level::new(text.as_bytes()));
        self.long_bytes += long_len(text.len());
        let (texts, hasher) = (&self.texts, &self.hasher);
        let hash = |&id: &Id| hasher.hash_one(texts[id].bytes());
        self.ids.insert_unique(hash(&id), id, hash);
        id
    }

    /// One node fewer uses the level; the last one forgets it.
    pub(super) fn release(&mut self, id: Id) {
        let uses = self.texts[id].uses();
        *uses -= 1;
        if *uses > 0 {
            return;
        }
        let hash = self.hasher.hash_one(self.texts[id].bytes());
        if let Ok(entry) = self.ids.find_entry(hash, |&other| other == id) {
            entry.remove();
        }
        self.long_bytes -= long_len(self.texts.remove(id).bytes().len());
        let (texts, hasher) = (&self.texts, &self.hasher);
        shrink(&mut self.ids, |&id| hasher.hash_one(texts[id].bytes()));
    }

    /// Bytes of memory, about.
    pub(super) fn memory(&self) -> usize {
        self.texts.len() * (size_of::<Option<Level>>() + 8) + self.long_bytes
    }

    /// Number of distinct levels.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}

/// Bytes that a level of this length has outside of its slot.
fn long_len(len: usize) -> usize {
    if len > INLINE_MAX { len } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_stored_once_and_forgotten_with_its_last_use() {
        let mut levels = Levels::new(SeedableRandomState::default());
        for text in ["", "short", "exactly18bytes-abc", "longer than eighteen bytes"] {
            let id = levels.acquire(text);
            assert_eq!(levels.acquire(text), id);
            levels.release(id);
            assert_eq!(levels.get(text), Some(id), "{text}");
            levels.release(id);
            assert_eq!(levels.get(text), None, "{text}");
        }
        assert_eq!(levels.len(), 0);
    }

    #[test]
    fn a_level_takes_24_bytes() {
        assert_eq!(size_of::<Option<Level>>(), 24);
    }
}
