//! Retained messages: one value per topic name, sorted by topic name, some with an expiry time.
//! The value is whatever small handle the caller keeps for a publication. Lookups by a filter with
//! a wildcard go through a [`Cursor`], a bounded number of topics at a time.
//! It reads no clock and frees no publication: what leaves the table is returned.

mod cursor;
mod seek;
#[cfg(test)]
mod tests;

pub(crate) use self::cursor::{Cursor, Step};

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

use martlet_codec::TopicName;
use martlet_protocol::Time;

/// What a topic name's entry takes beside its text, about: key, slot, and the tree's share.
const OVERHEAD: usize = 64;

/// What is retained for one topic name.
#[derive(Clone, Copy, Debug)]
struct Slot<V> {
    value: V,
    expires_at: Option<Time>,
}

/// The retained messages of one shard.
#[derive(Debug)]
pub(crate) struct Retained<V> {
    slots: BTreeMap<Box<str>, Slot<V>>,
    /// Only the topics that expire.
    expiries: BTreeSet<(Time, Box<str>)>,
    topic_bytes: usize,
}

impl<V: Copy> Default for Retained<V> {
    fn default() -> Self {
        Retained::new()
    }
}

impl<V: Copy> Retained<V> {
    /// No retained messages.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Retained { slots: BTreeMap::new(), expiries: BTreeSet::new(), topic_bytes: 0 }
    }

    /// Number of retained messages.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Memory of the table, about, in bytes: topic names and entries, without what the values refer to.
    pub(crate) fn memory(&self) -> usize {
        self.topic_bytes + OVERHEAD * (self.slots.len() + self.expiries.len())
    }

    /// The value of one topic name.
    #[cfg(test)]
    pub(crate) fn get(&self, topic: TopicName<'_>) -> Option<V> {
        self.slots.get(topic.as_str()).map(|slot| slot.value)
    }

    /// Retains a value, until `expires_at` if given; returns the one it replaces. // [MQTT-3.3.1-5]
    pub(crate) fn set(&mut self, topic: TopicName<'_>, value: V, expires_at: Option<Time>) -> Option<V> {
        let text = topic.as_str();
        let slot = Slot { value, expires_at };
        let old = if let Some(known) = self.slots.get_mut(text) {
            Some(core::mem::replace(known, slot))
        } else {
            self.topic_bytes += text.len();
            self.slots.insert(text.into(), slot)
        };
        let expired_at = old.and_then(|old| old.expires_at);
        if expired_at != expires_at {
            self.forget_expiry(text, expired_at);
            self.expiries.extend(expires_at.map(|at| (at, Box::from(text))));
            self.topic_bytes += if expires_at.is_some() { text.len() } else { 0 };
        }
        old.map(|old| old.value)
    }

    /// Removes the value of one topic name. // [MQTT-3.3.1-6]
    pub(crate) fn remove(&mut self, topic: TopicName<'_>) -> Option<V> {
        let slot = self.take(topic.as_str())?;
        self.forget_expiry(topic.as_str(), slot.expires_at);
        Some(slot.value)
    }

    /// Removes one value whose time has come. To be called until there is none.
    pub(crate) fn expire(&mut self, now: Time) -> Option<V> {
        if self.next_expiry()? > now {
            return None;
        }
        let (_, topic) = self.expiries.pop_first()?;
        self.topic_bytes -= topic.len();
        self.take(&topic).map(|slot| slot.value)
    }

    /// When the next value expires.
    #[must_use]
    pub(crate) fn next_expiry(&self) -> Option<Time> {
        self.expiries.first().map(|(at, _)| *at)
    }

    fn take(&mut self, topic: &str) -> Option<Slot<V>> {
        let slot = self.slots.remove(topic)?;
        self.topic_bytes -= topic.len();
        Some(slot)
    }

    fn forget_expiry(&mut self, topic: &str, at: Option<Time>) {
        let Some(at) = at else { return };
        if self.expiries.remove(&(at, Box::from(topic))) {
            self.topic_bytes -= topic.len();
        }
    }
}
