//! The subscriptions of one shard: which sessions a topic name goes to.
//! Exact filters are found by one hash lookup, those with a wildcard through a [trie](trie).
//! It knows no sessions, only [`SubscriberId`]s, and no shared subscriptions: whoever calls takes
//! `$share/name/` off and keeps the members apart. It never allocates to match a topic.
//!
//! Each subscription is written twice, in its filter and in its subscriber, and each half keeps
//! the position of the other one. So both sides remove in constant time by moving their last
//! element, whatever their number. Only a subscriber of many filters needs a table to find one.

mod holdings;
mod level;
mod list;
#[cfg(test)]
mod tests;
mod trie;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::num::NonZeroU32;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;
use martlet_codec::{SubscriptionOptions, TopicFilter, TopicName};

use self::holdings::{Holding, Holdings};
use self::list::List;
use self::trie::{Place, Trie};
use crate::slab::{Id, Slab, reach, shrink, truncate};

/// Maximum levels of a filter with a wildcard. The caller refuses deeper ones; a deeper one that is
/// subscribed nevertheless matches nothing.
pub(crate) const LEVELS_MAX: usize = 200;

/// A subscriber of this shard: small, dense among the even ones and among the odd ones, chosen by the caller, who may
/// reuse it after [`Index::remove_subscriber`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubscriberId(pub(crate) u32);

impl SubscriberId {
    fn parity(self) -> usize {
        self.0 as usize & 1
    }

    /// Its number among those of its parity.
    fn place(self) -> usize {
        self.0 as usize >> 1
    }
}

/// What a client asked for with one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// The Subscription Options (section 3.8.3.1).
    pub(crate) options: SubscriptionOptions,
    /// The Subscription Identifier (section 3.8.2.1.2).
    pub(crate) id: Option<NonZeroU32>,
}

/// What [`Index::subscribe`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscribed {
    /// The subscription to the same filter that was replaced.
    pub(crate) previous: Option<Subscription>,
    /// The filter had no subscriber in this shard before.
    pub(crate) first_of_filter: bool,
}

/// What [`Index::unsubscribe`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsubscribed {
    /// The subscription that was removed.
    pub(crate) subscription: Subscription,
    /// The filter has no subscriber in this shard any more.
    pub(crate) last_of_filter: bool,
}

/// A subscription as its filter keeps it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    who: SubscriberId,
    subscription: Subscription,
    /// Position of its other half among the subscriber's holdings.
    holding: u32,
}

/// A filter with at least one subscriber.
#[derive(Debug)]
struct Filter {
    text: Box<str>,
    subscribers: List<Entry>,
    /// `None`: the filter has no wildcard.
    place: Option<Place>,
}

/// The subscriptions of one shard.
#[derive(Debug)]
pub(crate) struct Index {
    hasher: SeedableRandomState,
    filters: Slab<Filter>,
    by_text: HashTable<Id>,
    trie: Trie,
    /// Of the even and of the odd subscribers: there may be many of one kind and few of the other.
    subscribers: [Vec<Holdings>; 2],
    len: usize,
    text_bytes: usize,
    generation: u64,
}

impl Index {
    /// An empty index. Clients choose the keys, so the hasher's seeds should be random in production.
    #[must_use]
    pub(crate) fn new(hasher: SeedableRandomState) -> Self {
        Index {
            trie: Trie::new(hasher.clone()),
            hasher,
            filters: Slab::new(),
            by_text: HashTable::new(),
            subscribers: [const { Vec::new() }; 2],
            len: 0,
            text_bytes: 0,
            generation: 0,
        }
    }

    /// Another number after every change: what was matched before may be wrong now.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Number of subscriptions.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Number of distinct filters.
    #[cfg(test)]
    pub(crate) fn filters(&self) -> usize {
        self.filters.len()
    }

    /// Bytes of memory, about.
    pub(crate) fn memory(&self) -> usize {
        const SUBSCRIPTION: usize = size_of::<Entry>() + size_of::<Holding>() + 16;
        const FILTER: usize = size_of::<Option<Filter>>() + 24;
        self.len * SUBSCRIPTION + self.filters.len() * FILTER + self.text_bytes + self.trie.memory()
    }

    /// Adds a subscription, or replaces the one of the same subscriber to the same filter. // [MQTT-3.8.4-3]
    pub(crate) fn subscribe(
        &mut self,
        filter: TopicFilter<'_>,
        who: SubscriberId,
        subscription: Subscription,
    ) -> Subscribed {
        self.generation += 1;
        let known = self.find(filter.as_str());
        if let Some(id) = known
            && let Some((_, holding)) = self.holding(who, id)
        {
            let entry = &mut self.filters[id].subscribers.as_mut_slice()[holding.entry as usize];
            let previous = core::mem::replace(&mut entry.subscription, subscription);
            return Subscribed { previous: Some(previous), first_of_filter: false };
        }
        let id = known.unwrap_or_else(|| self.insert_filter(filter));
        let Index { subscribers, hasher, .. } = self;
        reach(&mut subscribers[who.parity()], who.place());
        let holdings = &mut subscribers[who.parity()][who.place()];
        let holding = holdings.next_position();
        let entry = self.filters[id].subscribers.push(Entry { who, subscription, holding });
        holdings.push(Holding { filter: id, entry }, hasher);
        self.len += 1;
        Subscribed { previous: None, first_of_filter: known.is_none() }
    }

    /// Removes a subscription; `None` if there is none. // [MQTT-3.10.4-1] [3.1.1 MQTT-3.10.4-1]
    pub(crate) fn unsubscribe(&mut self, filter: TopicFilter<'_>, who: SubscriberId) -> Option<Unsubscribed> {
        self.generation += 1;
        let id = self.find(filter.as_str())?;
        let (at, holding) = self.holding(who, id)?;
        let Index { subscribers, hasher, .. } = self;
        let holdings = &mut subscribers[who.parity()][who.place()];
        holdings.swap_remove(at, hasher);
        if let Some(moved) = holdings.get(at) {
            self.filters[moved.filter].subscribers.as_mut_slice()[moved.entry as usize].holding = at;
        }
        let subscription = self.remove_entry(holding);
        let last_of_filter = self.filters[id].subscribers.is_empty();
        if last_of_filter {
            self.remove_filter(id);
        }
        Some(Unsubscribed { subscription, last_of_filter })
    }

    /// Removes all subscriptions of one subscriber and calls `removed(filter, last_of_filter)` for each.
    pub(crate) fn remove_subscriber(&mut self, who: SubscriberId, mut removed: impl FnMut(&str, bool)) {
        self.generation += 1;
        let Some(holdings) = self.subscribers[who.parity()].get_mut(who.place()) else { return };
        let holdings = core::mem::take(holdings);
        for holding in holdings.as_slice() {
            self.remove_entry(*holding);
            let filter = &self.filters[holding.filter];
            let last_of_filter = filter.subscribers.is_empty();
            removed(&filter.text, last_of_filter);
            if last_of_filter {
                self.remove_filter(holding.filter);
            }
        }
        truncate(&mut self.subscribers[who.parity()], |holdings| holdings.as_slice().is_empty());
    }

    /// The filters of one subscriber, in no particular order.
    pub(crate) fn subscriptions_of(
        &self,
        who: SubscriberId,
    ) -> impl ExactSizeIterator<Item = (&str, Subscription)> {
        let holdings = self.holdings(who).map_or(&[][..], Holdings::as_slice);
        holdings.iter().map(|holding| {
            let filter = &self.filters[holding.filter];
            (&*filter.text, filter.subscribers.as_slice()[holding.entry as usize].subscription)
        })
    }

    /// Visits every subscription whose filter matches; a subscriber with several such filters is
    /// visited once for each. Returns the number of trie nodes visited: at most one for each shape that a prefix of a
    /// filter has, which is why whoever subscribes is charged for those ([`Shapes`](crate::shapes::Shapes)).
    pub(crate) fn matches(
        &self,
        topic: TopicName<'_>,
        visit: &mut impl FnMut(SubscriberId, Subscription),
    ) -> u32 {
        let mut visit_filter = |id: Id| {
            for entry in self.filters[id].subscribers.as_slice() {
                visit(entry.who, entry.subscription);
            }
        };
        if let Some(exact) = self.find(topic.as_str()) {
            visit_filter(exact);
        }
        self.trie.walk(topic, &mut visit_filter)
    }

    fn find(&self, filter: &str) -> Option<Id> {
        self.by_text.find(self.hasher.hash_one(filter), |&id| *self.filters[id].text == *filter).copied()
    }

    fn insert_filter(&mut self, filter: TopicFilter<'_>) -> Id {
        let text = filter.as_str().into();
        self.text_bytes += filter.as_str().len();
        let id = self.filters.insert(Filter { text, subscribers: List::None, place: None });
        if filter.has_wildcard() {
            self.filters[id].place = Some(self.trie.insert(filter, id));
        }
        let (filters, hasher) = (&self.filters, &self.hasher);
        let hash = |&id: &Id| hasher.hash_one(&*filters[id].text);
        self.by_text.insert_unique(hash(&id), id, hash);
        id
    }

    fn remove_filter(&mut self, id: Id) {
        let filter = self.filters.remove(id);
        self.text_bytes -= filter.text.len();
        if let Some(place) = filter.place {
            self.trie.remove(place, id);
        }
        let (filters, hasher) = (&self.filters, &self.hasher);
        if let Ok(entry) = self.by_text.find_entry(hasher.hash_one(&*filter.text), |&other| other == id) {
            entry.remove();
        }
        shrink(&mut self.by_text, |&id| hasher.hash_one(&*filters[id].text));
    }

    /// Takes a subscription out of its filter. The entry that moves into its place tells its holding.
    fn remove_entry(&mut self, holding: Holding) -> Subscription {
        let entries = &mut self.filters[holding.filter].subscribers;
        let entry = entries.swap_remove(holding.entry);
        if let Some(moved) = entries.as_slice().get(holding.entry as usize) {
            let holdings = &mut self.subscribers[moved.who.parity()][moved.who.place()];
            holdings.as_mut_slice()[moved.holding as usize].entry = holding.entry;
        }
        self.len -= 1;
        entry.subscription
    }

    /// One subscriber's holding of one filter, and its position.
    fn holding(&self, who: SubscriberId, filter: Id) -> Option<(u32, Holding)> {
        let holdings = self.holdings(who)?;
        let at = holdings.find(filter, &self.hasher)?;
        Some((at, holdings.as_slice()[at as usize]))
    }

    fn holdings(&self, who: SubscriberId) -> Option<&Holdings> {
        self.subscribers[who.parity()].get(who.place())
    }
}
