//! Shared subscriptions (4.8.2) between shards: each group is kept by one shard, its members live on any.
//!
//! The group assigns a message to a member with credit; the member's shard queues it with the session and gives the
//! credit back when it is settled. Which member is chosen is [`crate::shared`]'s business.

mod home;
mod member;

use crate::index::{SubscriberId, Subscription};
use crate::session::SessionRef;
use crate::shared::Group;
use alloc::boxed::Box;
use alloc::vec::Vec;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;
use martlet_codec::QoSLevel;
use martlet_protocol::PublicationId;

/// A group's number on the shard that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupKey(u32);

impl GroupKey {
    fn subscriber(self) -> SubscriberId {
        SubscriberId(self.0 << 1 | 1)
    }
    pub(crate) fn from_subscriber(who: SubscriberId) -> Option<Self> {
        (who.0 & 1 == 1).then_some(GroupKey(who.0 >> 1))
    }
}

/// A message that waits in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupMessage {
    pub(crate) publication: PublicationId,
    pub(crate) qos: QoSLevel,
    /// As published; of one that a member gives back, as that member was to hear it.
    pub(crate) retain: bool,
}

/// One that a member gives back, with its place among the group's messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GivenBack {
    pub(crate) message: GroupMessage,
    pub(crate) seq: u32,
}

#[derive(Debug)]
struct Kept {
    filter: Box<str>,
    group: Group<GroupMessage, SessionRef>,
    /// Members have given messages back, and perhaps not all of them yet: none is assigned.
    has_returned: bool,
    /// Shards that members live on or have lived on, one bit each.
    shards: u64,
}

/// The groups that a shard keeps.
#[derive(Debug)]
pub(crate) struct Groups {
    kept: Vec<Option<Box<Kept>>>,
    free: Vec<GroupKey>,
    /// Clients choose the filters, so where one lies must not be known to them.
    by_filter: HashMap<Box<str>, GroupKey, SeedableRandomState>,
    /// Those whose members have given messages back, to be assigned when the turn has seen everybody who does.
    returned: Vec<GroupKey>,
}

impl Groups {
    pub(crate) fn new(hasher: SeedableRandomState) -> Self {
        Groups {
            kept: Vec::new(),
            free: Vec::new(),
            by_filter: HashMap::with_hasher(hasher),
            returned: Vec::new(),
        }
    }
    /// Whether some group has messages that were given back and wait for the end of the turn.
    pub(crate) fn has_returned(&self) -> bool {
        !self.returned.is_empty()
    }
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_filter.len()
    }
    fn find(&self, filter: &str) -> Option<GroupKey> {
        self.by_filter.get(filter).copied()
    }
    /// Shards that members of a group may live on.
    pub(crate) fn shards(&mut self, key: GroupKey) -> u64 {
        self.get(key).shards
    }
    fn get(&mut self, key: GroupKey) -> &mut Kept {
        self.kept[key.0 as usize].as_deref_mut().expect("a key is that of a kept group")
    }
    fn insert(&mut self, filter: &str, group: Group<GroupMessage, SessionRef>) -> GroupKey {
        let kept = Some(Box::new(Kept { filter: filter.into(), group, has_returned: false, shards: 0 }));
        let key = match self.free.pop() {
            Some(key) => key,
            None => {
                self.kept.push(None);
                GroupKey(self.kept.len() as u32 - 1)
            }
        };
        self.kept[key.0 as usize] = kept;
        self.by_filter.insert(filter.into(), key);
        key
    }
    fn remove(&mut self, key: GroupKey) -> Option<Box<Kept>> {
        let kept = self.kept[key.0 as usize].take()?;
        self.by_filter.remove(&kept.filter);
        self.free.push(key);
        Some(kept)
    }
}

/// How far a [`Shard::join`] got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The group has the member.
    Now,
    /// The group's home was asked.
    Asked,
}

/// How a group gives a message to a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assigned {
    pub(crate) qos: QoSLevel,
    pub(crate) retain: bool,
    pub(crate) subscription: Subscription,
    /// Its place among the group's messages.
    pub(crate) seq: u32,
}
