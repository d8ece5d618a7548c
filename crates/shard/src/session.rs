//! The sessions of one shard, by client id and by number. It knows nothing of connections but their numbers,
//! and delivers nothing.

use crate::index::SubscriberId;
use crate::interface::{ConnectionId, ShardId};
use crate::replay::{Parked, Waiting};
use crate::shares::Shares;
use crate::slab::{Id, Slab, shrink};
use crate::wheel::TimerId;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use core::hash::BuildHasher;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;
use martlet_protocol::{Session, Time};

/// A session's number in its shard: small, dense, used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(pub(crate) u32);

impl SessionKey {
    /// As a subscriber of the index, which has groups too.
    pub(crate) fn subscriber(self) -> SubscriberId {
        SubscriberId(self.0 << 1)
    }
    fn id(self) -> Id {
        Id::from_place(self.0)
    }
}

/// A session's name among all shards, not used again before its shard had 67 million more sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SessionRef(u64);

const GENERATION_BITS: u32 = 26;

impl SessionRef {
    pub(crate) fn new(shard: ShardId, generation: u32, key: SessionKey) -> Self {
        let generation = generation & ((1 << GENERATION_BITS) - 1);
        SessionRef(u64::from(shard.0) << 58 | u64::from(generation) << 32 | u64::from(key.0))
    }
    pub(crate) fn shard(self) -> ShardId {
        ShardId((self.0 >> 58) as u8)
    }
    fn key(self) -> SessionKey {
        SessionKey(self.0 as u32)
    }
}

/// A session and what the shard knows of it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) session: Session,
    /// The Network Connection that it has now.
    pub(crate) connection: Option<ConnectionId>,
    /// Its name among all shards.
    pub(crate) name: SessionRef,
    /// Hash of the client id: what No Local compares.
    pub(crate) publisher: u64,
    /// The publication that it was last a target of, and its place among the targets.
    pub(crate) stamp: (u64, u32),
    /// When the session ends, and when its will is published, while it is offline.
    pub(crate) expires_at: Time,
    pub(crate) will_at: Time,
    pub(crate) timer: Option<TimerId>,
    pub(crate) rare: Option<Box<Rare>>,
}

/// What few sessions have.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    /// Shared subscriptions.
    pub(crate) shares: Shares,
    /// Replays of retained messages under way or waiting.
    pub(crate) replays: u32,
    /// Those under way, here and on other shards.
    pub(crate) active: u32,
    /// Subscriptions whose replays begin when others are done.
    pub(crate) waiting: VecDeque<Waiting>,
    /// Whether a live message with RETAIN was dropped for this session while those replays run.
    pub(crate) has_missed_live: bool,
    /// What other shards have sent of their replays and there was no room for.
    pub(crate) parked: VecDeque<Parked>,
    /// Credit that is owed to replays of other shards once there is room for more, in KiB.
    pub(crate) owed: BTreeMap<(ShardId, u64), u32>,
}

impl Rare {
    /// Counts the replays anew, after one came or went.
    pub(crate) fn count_replays(&mut self) {
        self.replays = self.active.saturating_add(u32::try_from(self.waiting.len()).unwrap_or(u32::MAX));
    }
}

impl Slot {
    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
    /// Whether a live message with RETAIN was dropped for it while it is being sent retained messages.
    pub(crate) fn has_missed_live(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.has_missed_live)
    }
}

/// The sessions of one shard.
#[derive(Debug)]
pub(crate) struct Sessions {
    shard: ShardId,
    slots: Slab<Box<Slot>>,
    /// How many sessions there were.
    generation: u32,
    by_client_id: HashTable<SessionKey>,
    client_id_bytes: usize,
    hasher: SeedableRandomState,
}

impl Sessions {
    pub(crate) fn new(shard: ShardId, hasher: SeedableRandomState) -> Self {
        Sessions {
            shard,
            slots: Slab::new(),
            generation: 0,
            by_client_id: HashTable::new(),
            client_id_bytes: 0,
            hasher,
        }
    }
    pub(crate) fn len(&self) -> usize {
        self.by_client_id.len()
    }
    /// Bytes of all client ids.
    pub(crate) fn client_id_bytes(&self) -> u64 {
        self.client_id_bytes as u64
    }
    /// The session of a client id. [MQTT-3.1.3-2] [3.1.1 MQTT-3.1.3-2]
    pub(crate) fn find(&self, client_id: &str) -> Option<SessionKey> {
        let hash = self.hasher.hash_one(client_id);
        let same = |key: &SessionKey| *self[*key].session.client_id == *client_id;
        self.by_client_id.find(hash, same).copied()
    }
    /// Takes a new session in; its client id must not be there.
    pub(crate) fn insert(&mut self, session: Session, publisher: u64) -> SessionKey {
        let hash = self.hasher.hash_one(&*session.client_id);
        self.client_id_bytes += session.client_id.len();
        self.generation = self.generation.wrapping_add(1);
        let slot = Slot {
            session,
            connection: None,
            name: SessionRef(0), // its place is known below
            publisher,
            stamp: (0, 0),
            expires_at: Time::NEVER,
            will_at: Time::NEVER,
            timer: None,
            rare: None,
        };
        let key = SessionKey(self.slots.insert(Box::new(slot)).place());
        self[key].name = SessionRef::new(self.shard, self.generation, key);
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_client_id.insert_unique(hash, key, |key| hash_of(slots, hasher, *key));
        key
    }
    /// Takes a session out.
    pub(crate) fn remove(&mut self, key: SessionKey) -> Box<Slot> {
        let client_id = &*self[key].session.client_id;
        let (hash, client_id_len) = (self.hasher.hash_one(client_id), client_id.len());
        self.client_id_bytes -= client_id_len;
        if let Ok(found) = self.by_client_id.find_entry(hash, |other| *other == key) {
            found.remove();
        }
        let slot = self.slots.remove(key.id());
        let (slots, hasher) = (&self.slots, &self.hasher);
        shrink(&mut self.by_client_id, |key| hash_of(slots, hasher, *key));
        slot
    }
    /// The session that a name means, if it still lives.
    pub(crate) fn resolve(&self, name: SessionRef) -> Option<SessionKey> {
        let key = name.key();
        let slot = self.slots.get(key.id())?;
        (slot.name == name).then_some(key)
    }
}

fn hash_of(slots: &Slab<Box<Slot>>, hasher: &SeedableRandomState, key: SessionKey) -> u64 {
    hasher.hash_one(&*slots[key.id()].session.client_id)
}

impl core::ops::Index<SessionKey> for Sessions {
    type Output = Slot;
    fn index(&self, key: SessionKey) -> &Slot {
        &self.slots[key.id()]
    }
}

impl core::ops::IndexMut<SessionKey> for Sessions {
    fn index_mut(&mut self, key: SessionKey) -> &mut Slot {
        &mut self.slots[key.id()]
    }
}
