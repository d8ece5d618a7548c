//! A part of the order of topic names: some hundred retained messages whose topic names are neighbours. It holds no
//! topic name: the store of publications has them. Of each there are four bytes, so that a search looks at one topic
//! name, not at eight.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Ordering;

use martlet_protocol::Publications;

use super::RetainedMessage;
use crate::slab::reserve_quarter;

/// Messages of one chunk: as many as can be moved by one place at little cost.
pub(super) const LEN_MAX: usize = if cfg!(test) { 8 } else { 256 };

/// What a search finds: where it is, or where it would be.
pub(super) type Found = Result<usize, usize>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) message: RetainedMessage,
    /// The first bytes of the topic name behind what is common to the chunk; they sort as it does.
    hint: u32,
}

impl Entry {
    fn new(message: RetainedMessage, topic: &[u8], common: usize) -> Self {
        Entry { message, hint: hint(topic, common) }
    }

    fn cmp(&self, hint: u32, topic: &[u8], store: &Publications) -> Ordering {
        self.hint.cmp(&hint).then_with(|| self.topic(store).cmp(topic))
    }

    pub(super) fn topic<'a>(&self, store: &'a Publications) -> &'a [u8] {
        store.parts(self.message.publication).topic
    }
}

/// Four bytes of a topic name, as a number that sorts as they do. What ends early is filled up with 0, which is in no
/// topic name. [MQTT-4.7.3-2]
fn hint(topic: &[u8], common: usize) -> u32 {
    let rest = &topic[common..];
    if let Some(bytes) = rest.first_chunk() {
        return u32::from_be_bytes(*bytes);
    }
    let mut bytes = [0; 4];
    bytes[..rest.len()].copy_from_slice(rest);
    u32::from_be_bytes(bytes)
}

/// For [`Chunk::common`]: to be found out, and the hints with it.
const UNKNOWN: usize = usize::MAX;

/// Messages in the order of their topic names.
#[derive(Debug)]
pub(super) struct Chunk {
    /// A text that is behind all topic names of the chunk before, and not behind any of this one.
    pub(super) from: Box<[u8]>,
    /// How many bytes all texts have in common that are in the range of this chunk, present or not.
    common: usize,
    entries: Vec<Entry>,
}

impl Chunk {
    /// The chunk of a table that has no other.
    pub(super) fn first() -> Self {
        Chunk { from: Box::default(), common: 0, entries: Vec::new() }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of::<Chunk>() + self.from.len() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Looks for a topic name, or any other text in the range of this chunk.
    pub(super) fn find(&self, topic: &[u8], store: &Publications) -> Found {
        let hint = hint(topic, self.common);
        self.entries.binary_search_by(|entry| entry.cmp(hint, topic, store))
    }

    pub(super) fn replace(&mut self, index: usize, message: RetainedMessage) -> RetainedMessage {
        core::mem::replace(&mut self.entries[index].message, message)
    }

    pub(super) fn insert(&mut self, index: usize, message: RetainedMessage, topic: &[u8]) {
        reserve_quarter(&mut self.entries);
        self.entries.insert(index, Entry::new(message, topic, self.common));
    }

    pub(super) fn remove(&mut self, index: usize) -> RetainedMessage {
        let removed = self.entries.remove(index);
        if self.entries.len() < self.entries.capacity() / 2 {
            self.entries.shrink_to(self.entries.len() + self.entries.len() / 4);
        }
        removed.message
    }

    /// Takes the messages from `index` on out, as the chunk behind this one. Both are to be [bounded](Self::bound).
    pub(super) fn split(&mut self, index: usize, store: &Publications) -> Chunk {
        let entries = self.entries.split_off(index);
        self.entries.shrink_to_fit();
        Chunk { from: entries[0].topic(store).into(), common: self.common, entries }
    }

    /// Takes the messages of the chunk behind this one. It is to be [bounded](Self::bound).
    pub(super) fn append(&mut self, behind: Chunk) {
        self.entries.reserve_exact(behind.entries.len());
        self.entries.extend(behind.entries);
        self.common = UNKNOWN;
    }

    /// The range of this chunk ends before `to`, the beginning of the next one; `None` if there is no next one.
    pub(super) fn bound(&mut self, to: Option<&[u8]>, store: &Publications) {
        let shared = |to: &[u8]| self.from.iter().zip(to).take_while(|(one, two)| one == two).count();
        let common = to.map_or(0, shared);
        if common != self.common {
            self.common = common;
            for entry in &mut self.entries {
                entry.hint = hint(entry.topic(store), common);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn check(&self, to: Option<&[u8]>, store: &Publications) {
        assert!(!self.entries.is_empty() && self.entries.len() <= LEN_MAX);
        assert!(self.entries.capacity() <= 2 * self.entries.len() + 4);
        for entry in &self.entries {
            let topic = entry.topic(store);
            assert!(topic >= &*self.from && to.is_none_or(|to| topic < to));
            assert_eq!(entry.hint, hint(topic, self.common));
        }
        let shared = |to: &[u8]| self.from.iter().zip(to).take_while(|(one, two)| one == two).count();
        assert_eq!(self.common, to.map_or(0, shared));
    }
}
