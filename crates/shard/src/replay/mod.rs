//! Retained messages (3.3.1.3): kept at the home of their topic ([`keep`]), and replayed to new subscriptions by a
//! cursor that is paced by the receiver: [`source`] is the side of the shard that keeps them, [`target`] that of the
//! session. No list is built, and no replay takes more than a few steps of a turn.

mod keep;
mod live;
mod parked;
mod source;
mod target;

pub(crate) use parked::Parked;
pub(crate) use target::{ReplayTerms, Replayed, Waiting};

use self::live::{LiveCopies, NewTopics, Since};
use crate::interface::ShardId;
use crate::retained::Cursor;
use crate::session::SessionRef;
use crate::shard::Shard;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::num::NonZeroU32;
use foldhash::fast::SeedableRandomState;
use martlet_codec::SubscriptionOptions;
use martlet_protocol::Message;

/// KiB that all replays of one session may send it from other shards ahead of it, about: half of what an output holds
/// before QoS 0 messages are dropped.
const AHEAD_KIB: i64 = 512;
/// Replays of one session at a time, each shard's part counted; those of one more subscription may be added to them.
const ACTIVE_MAX: u32 = 8;

/// A subscription that is being sent the retained messages of this shard.
#[derive(Debug)]
struct Replay {
    session: SessionRef,
    cursor: Cursor,
    options: SubscriptionOptions,
    id: Option<NonZeroU32>,
    /// What [`LiveCopies::last`] was at the session's shard when it asked.
    asked: u64,
    since: Since,
    /// For a session on another shard: KiB that may still be sent. The last message may take it below 0.
    credit: i64,
}

/// The replays under way.
#[derive(Debug)]
pub(crate) struct Replays {
    last: u64,
    /// Steps since the turn began.
    steps: usize,
    all: BTreeMap<u64, Replay>,
    /// Those that can go on now.
    runnable: VecDeque<u64>,
    /// Those that wait until every mail that was sent before them has been read: what was stored before a
    /// subscription must be seen by it.
    fresh: VecDeque<u64>,
    /// Those that wait for a session of this shard to have room.
    blocked: BTreeMap<SessionRef, Vec<u64>>,
    /// Topics that got their first message while they are under way.
    new_topics: NewTopics,
    /// Sessions of this shard that are being sent retained messages, from here or elsewhere.
    receivers: usize,
    /// What came live for them in the meantime, of topics that other shards keep.
    live: LiveCopies,
}

impl Replays {
    pub(crate) fn new(home: ShardId, hasher: &SeedableRandomState) -> Self {
        Replays {
            last: 0,
            steps: 0,
            all: BTreeMap::new(),
            runnable: VecDeque::new(),
            fresh: VecDeque::new(),
            blocked: BTreeMap::new(),
            new_topics: NewTopics::new(home, hasher.clone()),
            receivers: 0,
            live: LiveCopies::new(hasher.clone()),
        }
    }
    /// Bytes of memory, about, of what is remembered while they are under way.
    pub(crate) fn memory(&self) -> usize {
        self.new_topics.memory() + self.live.memory()
    }
    /// Whether something can go on without anything else happening.
    pub(crate) fn is_runnable(&self) -> bool {
        !self.runnable.is_empty() || !self.fresh.is_empty()
    }
    /// A turn begins.
    pub(crate) fn begin_turn(&mut self) {
        self.steps = 0;
    }
    fn start(&mut self, replay: Replay) {
        self.last += 1;
        self.all.insert(self.last, replay);
        self.fresh.push_back(self.last);
    }
    /// All mail was read: what waited for that goes on.
    pub(crate) fn release_fresh(&mut self) {
        for number in &self.fresh {
            if let Some(replay) = self.all.get_mut(number) {
                replay.since.drained = self.new_topics.last();
            }
        }
        self.runnable.append(&mut self.fresh);
    }
    fn finish(&mut self, number: u64) {
        self.all.remove(&number);
        if self.all.is_empty() {
            self.new_topics.clear();
        }
    }
    /// This session has room again, or is gone.
    pub(crate) fn unblock(&mut self, session: SessionRef) {
        if let Some(numbers) = self.blocked.remove(&session) {
            self.runnable.extend(numbers);
        }
    }
}

impl Shard {
    /// KiB that one replay may send ahead.
    fn replay_window(&self) -> i64 {
        AHEAD_KIB / i64::from(ACTIVE_MAX + u32::from(self.clients.config.shards))
    }
}

/// What a message costs of a replay's credit.
fn kib(message: &Message<'_>) -> u32 {
    (message.size() / 1024) as u32 + 1
}
