//! What each shard holds and what is on its way there, in bytes, where all shards can read it. It lies beside the table of
//! interest, is exact for nobody and refuses nothing: see `admission.rs`.
//!
//! A message between shards is always in one of the two numbers or in both: it is added to what is under way before it
//! leaves, and taken off after it was added to what is held.

use crate::interface::ShardId;
use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

/// What one shard holds. A cache line of its own: its shard writes, the others read.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Level {
    held: AtomicU64,
    under_way: AtomicU64,
}

/// Of 64 shards.
#[derive(Debug)]
pub(crate) struct Levels(Box<[Level]>);

impl Default for Levels {
    fn default() -> Self {
        Levels((0..64).map(|_| Level::default()).collect())
    }
}

impl Levels {
    fn of(&self, shard: ShardId) -> &Level {
        &self.0[usize::from(shard.0)]
    }
    /// A shard says what it holds.
    pub(crate) fn set_held(&self, shard: ShardId, bytes: u64) {
        self.of(shard).held.store(bytes, Ordering::Relaxed);
    }
    /// A batch of mail goes to a shard, with messages that it may have to keep.
    pub(crate) fn sent(&self, to: ShardId, bytes: u64) {
        self.of(to).under_way.fetch_add(bytes, Ordering::Relaxed);
    }
    /// A shard has opened some mail, and has said what it holds since.
    pub(crate) fn opened(&self, by: ShardId, bytes: u64) {
        self.of(by).under_way.fetch_sub(bytes, Ordering::Release);
    }
    /// What is under way to a shard.
    pub(crate) fn under_way(&self, to: ShardId) -> u64 {
        self.of(to).under_way.load(Ordering::Acquire)
    }
    /// What a shard holds, and what is under way there.
    pub(crate) fn total(&self, shard: ShardId) -> u64 {
        let under_way = self.under_way(shard); // first: what leaves it after this is in the other
        under_way.saturating_add(self.of(shard).held.load(Ordering::Relaxed))
    }
}
