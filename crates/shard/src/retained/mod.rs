//! Retained messages: one per topic name, sorted by topic name, some with an expiry time. The messages lie in the store
//! of publications, and so do their topic names: the table has a few bytes for each. Lookups by a filter with a wildcard
//! go through a [`Cursor`], a bounded number of topics at a time.
//! It reads no clock and frees no publication: what leaves the table is returned, and must be in the store until then.

mod chunk;
mod cursor;
mod order;
mod seek;
#[cfg(test)]
mod tests;

pub(crate) use self::cursor::{Cursor, Step};

use alloc::collections::BTreeSet;

use martlet_codec::{QoSLevel, TopicName};
use martlet_protocol::{PublicationId, Publications, Time};

use self::order::Order;

/// What an expiry time takes, about: a tree's node is more than half full.
const EXPIRY_BYTES: usize = 2 * size_of::<(Time, PublicationId)>();

/// A retained message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetainedMessage {
    pub(crate) publication: PublicationId,
    pub(crate) qos: QoSLevel,
}

/// The retained messages of one shard.
#[derive(Debug)]
pub(crate) struct Retained {
    order: Order,
    /// Only the messages that expire.
    expiries: BTreeSet<(Time, PublicationId)>,
}

impl Retained {
    /// No retained messages.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Retained { order: Order::new(), expiries: BTreeSet::new() }
    }

    /// Number of retained messages.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Memory of the table, about, in bytes, without the messages.
    pub(crate) fn memory(&self) -> usize {
        self.order.memory() + EXPIRY_BYTES * self.expiries.len()
    }

    /// The message of one topic name.
    pub(crate) fn get(&self, store: &Publications, topic: TopicName<'_>) -> Option<RetainedMessage> {
        self.order.get(topic.as_str().as_bytes(), store)
    }

    /// Retains a message for its topic name, until it expires; returns the one it replaces. // [MQTT-3.3.1-5]
    pub(crate) fn set(&mut self, store: &Publications, message: RetainedMessage) -> Option<RetainedMessage> {
        let old = self.order.insert(message, store);
        if let Some(old) = old {
            self.forget_expiry(store, old.publication);
        }
        let expires_at = store.parts(message.publication).expires_at;
        self.expiries.extend(expires_at.map(|at| (at, message.publication)));
        old
    }

    /// Removes the message of one topic name. // [MQTT-3.3.1-6]
    pub(crate) fn remove(&mut self, store: &Publications, topic: TopicName<'_>) -> Option<RetainedMessage> {
        let old = self.order.remove(topic.as_str().as_bytes(), store)?;
        self.forget_expiry(store, old.publication);
        Some(old)
    }

    /// Removes one message whose time has come. To be called until there is none.
    pub(crate) fn expire(&mut self, store: &Publications, now: Time) -> Option<RetainedMessage> {
        if self.next_expiry()? > now {
            return None;
        }
        let (_, publication) = self.expiries.pop_first()?;
        self.order.remove(store.parts(publication).topic, store)
    }

    /// When the next message expires.
    #[must_use]
    pub(crate) fn next_expiry(&self) -> Option<Time> {
        self.expiries.first().map(|(at, _)| *at)
    }

    fn forget_expiry(&mut self, store: &Publications, publication: PublicationId) {
        if let Some(at) = store.parts(publication).expires_at {
            self.expiries.remove(&(at, publication));
        }
    }
}
