//! What becomes of retained topics while replays are under way. A replay brings what is stored when it comes to a topic,
//! so the shard that keeps the topic needs no more than [`NewTopics`]. A session of another shard may get a live message
//! before that shard has heard of it: [`LiveCopies`] has what is newer than a replayed message on its way.

use crate::interface::ShardId;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::hash::BuildHasher;
use foldhash::fast::SeedableRandomState;
use hashbrown::hash_table::Entry;
use hashbrown::{HashMap, HashTable};
use martlet_codec::QoSLevel;
use martlet_protocol::{PublicationId, Publications};

/// Topics of which the newest live message is held. Beyond it the oldest is let go: older than any mail on its way,
/// unless so many topics change within one round of mail.
const LIVE_COPIES_MAX: usize = 64 * 1024;
/// Topics that are remembered as new or removed.
const NEW_TOPICS_MAX: usize = 16 * 1024;
/// What one of either takes, about, without texts and messages.
const ENTRY_BYTES: usize = 64;

/// A live message with RETAIN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveCopy {
    /// Its number among all of this shard.
    seq: u64,
    pub(crate) publication: PublicationId,
    pub(crate) qos: QoSLevel,
}

/// The newest live message of each topic that another shard keeps and that changed while sessions of this shard were
/// being sent retained messages.
#[derive(Debug)]
pub(crate) struct LiveCopies {
    last: u64,
    newest: HashTable<LiveCopy>,
    by_age: BTreeMap<u64, PublicationId>,
    hasher: SeedableRandomState,
}

impl LiveCopies {
    pub(crate) fn new(hasher: SeedableRandomState) -> Self {
        LiveCopies { last: 0, newest: HashTable::new(), by_age: BTreeMap::new(), hasher }
    }

    /// The number of the last one, to be told what came after it.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Remembers a message, whose reference it takes over.
    pub(crate) fn record(&mut self, store: &mut Publications, publication: PublicationId, qos: QoSLevel) {
        self.last += 1;
        let copy = LiveCopy { seq: self.last, publication, qos };
        self.by_age.insert(copy.seq, publication);
        let topic = store.parts(publication).topic;
        let hash = self.hasher.hash_one(topic);
        let same = |other: &LiveCopy| store.parts(other.publication).topic == topic;
        let hash_of = |other: &LiveCopy| self.hasher.hash_one(store.parts(other.publication).topic);
        match self.newest.entry(hash, same, hash_of) {
            Entry::Vacant(vacant) => {
                vacant.insert(copy);
            }
            Entry::Occupied(mut occupied) => {
                let old = core::mem::replace(occupied.get_mut(), copy);
                self.by_age.remove(&old.seq);
                store.release(old.publication);
            }
        }
        if self.newest.len() > LIVE_COPIES_MAX {
            self.drop_oldest(store);
        }
    }

    fn drop_oldest(&mut self, store: &mut Publications) {
        let Some((seq, publication)) = self.by_age.pop_first() else { return };
        let hash = self.hasher.hash_one(store.parts(publication).topic);
        if let Ok(found) = self.newest.find_entry(hash, |copy| copy.seq == seq) {
            found.remove();
        }
        store.release(publication);
    }

    /// The newest message of a topic, if it came after the one with this number.
    pub(crate) fn after(&self, store: &Publications, topic: &[u8], seq: u64) -> Option<LiveCopy> {
        if self.newest.is_empty() {
            return None;
        }
        let same = |copy: &LiveCopy| store.parts(copy.publication).topic == topic;
        self.newest.find(self.hasher.hash_one(topic), same).filter(|copy| copy.seq > seq).copied()
    }

    /// Forgets all of them: nobody is being sent retained messages any more.
    pub(crate) fn clear(&mut self, store: &mut Publications) {
        self.newest = HashTable::new();
        for publication in core::mem::take(&mut self.by_age).into_values() {
            store.release(publication);
        }
    }

    /// Bytes of memory, about, without the messages.
    pub(crate) fn memory(&self) -> usize {
        self.newest.len() * ENTRY_BYTES
    }
}

/// When a topic got its first retained message, and from a publisher on which shard.
#[derive(Clone, Copy, Debug)]
struct Birth {
    number: u64,
    from: ShardId,
}

/// What a replay asks [`NewTopics`] by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    /// The session's shard. Its own mail comes after what it asked for, and is for the new subscription.
    pub(crate) session: ShardId,
    /// [`NewTopics::last`] when the replay was asked for,
    pub(crate) asked: u64,
    /// and when all mail had been read that other shards may have sent before they knew of the subscription.
    pub(crate) drained: u64,
}

/// Topics of this shard that had no retained message when the replays under way began.
#[derive(Debug)]
pub(crate) struct NewTopics {
    home: ShardId,
    last: u64,
    /// `None`: the topic was removed, so that it is none of them if it comes again.
    topics: HashMap<Box<str>, Option<Birth>, SeedableRandomState>,
    text_bytes: usize,
}

impl NewTopics {
    pub(crate) fn new(home: ShardId, hasher: SeedableRandomState) -> Self {
        NewTopics { home, last: 0, topics: HashMap::with_hasher(hasher), text_bytes: 0 }
    }

    /// The number of the last one.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// A topic got its first retained message, from a publisher on this shard.
    pub(crate) fn born(&mut self, topic: &str, from: ShardId) {
        self.last += 1;
        self.remember(topic, Some(Birth { number: self.last, from }));
    }

    /// A topic lost its retained message.
    pub(crate) fn removed(&mut self, topic: &str) {
        self.remember(topic, None);
    }

    fn remember(&mut self, topic: &str, birth: Option<Birth>) {
        if self.topics.len() < NEW_TOPICS_MAX && !self.topics.contains_key(topic) {
            self.text_bytes += topic.len();
            self.topics.insert(topic.into(), birth);
        }
    }

    /// Whether a topic had no retained message when a replay began, and its session's shard got the first one live.
    /// A topic that is not remembered counts as one that had.
    pub(crate) fn is_new(&self, topic: &[u8], since: &Since) -> bool {
        if self.topics.is_empty() {
            return false;
        }
        let birth = core::str::from_utf8(topic).ok().and_then(|topic| *self.topics.get(topic)?);
        birth.is_some_and(|Birth { number, from }| {
            let is_certain = from == self.home || from == since.session;
            number > if is_certain { since.asked } else { since.drained }
        })
    }

    /// No replay is under way any more.
    pub(crate) fn clear(&mut self) {
        let hasher = self.topics.hasher().clone();
        (self.topics, self.text_bytes) = (HashMap::with_hasher(hasher), 0);
    }

    /// Bytes of memory, about.
    pub(crate) fn memory(&self) -> usize {
        self.topics.len() * ENTRY_BYTES + self.text_bytes
    }
}
