//! What each shard holds and what is on its way there, where all shards can read it. It lies beside the table of interest,
//! is exact for nobody and refuses nothing: see `admission.rs`.
//!
//! A message between shards is always in one of the numbers or in both: it is added to what is under way before it leaves,
//! and taken off after it was added to what is held.

use crate::interface::ShardId;
use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

/// Messages that a shard may have to keep, of which it does not know yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnderWay {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl core::ops::AddAssign for UnderWay {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }
}

/// One shard. A cache line of its own: its shard and who sends to it write, the others read.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Level {
    held: AtomicU64,
    fan_out: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
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
    /// A shard says how many bytes it holds, and how many it takes to queue one message for all whom it could be for.
    pub(crate) fn tell(&self, shard: ShardId, held: u64, fan_out: u64) {
        self.of(shard).held.store(held, Ordering::Relaxed);
        self.of(shard).fan_out.store(fan_out, Ordering::Relaxed);
    }
    /// Mail goes to a shard.
    pub(crate) fn sent(&self, to: ShardId, mail: UnderWay) {
        self.of(to).messages.fetch_add(mail.messages, Ordering::Relaxed);
        self.of(to).bytes.fetch_add(mail.bytes, Ordering::Relaxed);
    }
    /// A shard has opened mail, and has told what it holds since.
    pub(crate) fn opened(&self, by: ShardId, mail: UnderWay) {
        self.of(by).messages.fetch_sub(mail.messages, Ordering::Release);
        self.of(by).bytes.fetch_sub(mail.bytes, Ordering::Release);
    }
    /// What is under way to a shard.
    pub(crate) fn under_way(&self, to: ShardId) -> UnderWay {
        let Level { messages, bytes, .. } = self.of(to);
        UnderWay { messages: messages.load(Ordering::Acquire), bytes: bytes.load(Ordering::Acquire) }
    }
    /// What a shard holds. To be asked after [`Self::under_way`]: what has left that is in here.
    pub(crate) fn held(&self, shard: ShardId) -> u64 {
        self.of(shard).held.load(Ordering::Relaxed)
    }
    /// Bytes to queue one message for all whom it could be for.
    pub(crate) fn fan_out(&self, shard: ShardId) -> u64 {
        self.of(shard).fan_out.load(Ordering::Relaxed)
    }
}
