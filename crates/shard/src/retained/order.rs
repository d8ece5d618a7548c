//! Retained messages in the order of their topic names, which are sorted by their bytes: a list of chunks. It holds no
//! topic name but the first of each chunk, so each lies in memory once, in the store of publications.

use alloc::vec::Vec;

use martlet_protocol::Publications;

use super::RetainedMessage;
use super::chunk::{Chunk, Entry, LEN_MAX};
use crate::slab::reserve_quarter;

/// The messages in order. The store that a call is given is always the one that has all of them.
#[derive(Debug)]
pub(super) struct Order {
    /// None if there is no message. The first one begins with the empty text.
    chunks: Vec<Chunk>,
    len: usize,
    /// Bytes of memory of all chunks.
    bytes: usize,
}

impl Order {
    pub(super) const fn new() -> Self {
        Order { chunks: Vec::new(), len: 0, bytes: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.bytes
    }

    /// The message of one topic name.
    pub(super) fn get(&self, topic: &[u8], store: &Publications) -> Option<RetainedMessage> {
        let chunk = self.chunks.get(self.chunk_of(topic))?;
        chunk.find(topic, store).ok().map(|index| chunk.entries()[index].message)
    }

    /// The messages whose topic name is this text or behind it.
    pub(super) fn from<'a>(
        &'a self,
        text: &[u8],
        store: &Publications,
    ) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let mut chunks = self.chunks.get(self.chunk_of(text)..).unwrap_or_default().iter();
        let first = chunks.next().map_or(&[][..], |chunk| {
            let (Ok(index) | Err(index)) = chunk.find(text, store);
            &chunk.entries()[index..]
        });
        let mut entries = first.iter();
        core::iter::from_fn(move || {
            loop {
                match entries.next() {
                    None => entries = chunks.next()?.entries().iter(),
                    entry => return entry,
                }
            }
        })
    }

    /// Puts a message in its place; returns the one of the same topic name, which leaves it.
    pub(super) fn insert(
        &mut self,
        message: RetainedMessage,
        store: &Publications,
    ) -> Option<RetainedMessage> {
        let topic = store.parts(message.publication).topic;
        if self.chunks.is_empty() {
            self.chunks.push(Chunk::first());
            self.bytes += self.chunks[0].memory();
        }
        let mut at = self.chunk_of(topic);
        let mut index = match self.chunks[at].find(topic, store) {
            Ok(index) => return Some(self.chunks[at].replace(index, message)),
            Err(index) => index,
        };
        if self.chunks[at].entries().len() == LEN_MAX {
            let kept = self.split(at, index, store);
            if index > kept {
                (at, index) = (at + 1, index - kept);
            }
        }
        self.len += 1;
        self.change(at, |chunk| chunk.insert(index, message, topic));
        None
    }

    /// Takes out the message of a topic name.
    pub(super) fn remove(&mut self, topic: &[u8], store: &Publications) -> Option<RetainedMessage> {
        let at = self.chunk_of(topic);
        let index = self.chunks.get(at)?.find(topic, store).ok()?;
        let removed = self.change(at, |chunk| chunk.remove(index));
        self.len -= 1;
        if self.len == 0 {
            *self = Self::new();
        } else if self.may_merge(at) {
            self.merge(at, store);
        } else if at > 0 && self.may_merge(at - 1) {
            self.merge(at - 1, store);
        }
        Some(removed)
    }

    /// The chunk that a text is in the range of.
    fn chunk_of(&self, text: &[u8]) -> usize {
        self.chunks.partition_point(|chunk| *chunk.from <= *text).saturating_sub(1)
    }

    /// Divides a full chunk; says how many messages stay in it. Where names come in their order, what lies behind will
    /// not grow: it is left nearly full.
    fn split(&mut self, at: usize, index: usize, store: &Publications) -> usize {
        let kept = if index == LEN_MAX { LEN_MAX - LEN_MAX / 8 } else { LEN_MAX / 2 };
        let behind = self.change(at, |chunk| chunk.split(kept, store));
        self.bytes += behind.memory();
        reserve_quarter(&mut self.chunks);
        self.chunks.insert(at + 1, behind);
        self.bound(at, store);
        self.bound(at + 1, store);
        kept
    }

    /// Whether a chunk and the one behind it have few messages: one would do for both.
    fn may_merge(&self, at: usize) -> bool {
        let len = |at: usize| self.chunks.get(at).map(|chunk| chunk.entries().len());
        let (Some(one), Some(two)) = (len(at), len(at + 1)) else { return false };
        one == 0 || two == 0 || one + two <= LEN_MAX / 2
    }

    /// Makes one chunk of two.
    fn merge(&mut self, at: usize, store: &Publications) {
        let behind = self.chunks.remove(at + 1);
        self.bytes -= behind.memory();
        self.change(at, |chunk| chunk.append(behind));
        self.bound(at, store);
    }

    /// Tells a chunk where the next one begins.
    fn bound(&mut self, at: usize, store: &Publications) {
        let (chunks, behind) = self.chunks.split_at_mut(at + 1);
        chunks[at].bound(behind.first().map(|next| &*next.from), store);
    }

    /// Runs what changes a chunk, and weighs the difference.
    fn change<T>(&mut self, at: usize, change: impl FnOnce(&mut Chunk) -> T) -> T {
        let chunk = &mut self.chunks[at];
        let before = chunk.memory();
        let result = change(chunk);
        self.bytes = self.bytes + chunk.memory() - before;
        result
    }

    /// What must be true at any time.
    #[cfg(test)]
    pub(super) fn check(&self, store: &Publications) {
        let texts: Vec<_> =
            self.chunks.iter().flat_map(Chunk::entries).map(|entry| entry.topic(store)).collect();
        assert!(texts.is_sorted_by(|one, two| one < two));
        assert_eq!(self.len, texts.len());
        assert_eq!(self.bytes, self.chunks.iter().map(Chunk::memory).sum());
        assert!(self.chunks.first().is_none_or(|first| first.from.is_empty()));
        for (at, chunk) in self.chunks.iter().enumerate() {
            let to = self.chunks.get(at + 1).map(|next| &*next.from);
            chunk.check(to, store);
        }
    }
}
