//! Which shards may have a subscriber for a topic name: one table of shard masks, shared by all
//! shards. It answers with a superset; the exact matching is done where a publication arrives.
//!
//! A filter is filed under one of four keys: the empty prefix, its first level, its first two
//! levels (wildcard filters, by how many levels come before the first wildcard), or its whole text
//! (exact filters). A topic name asks for all four. Collisions only make the superset larger.
//!
//! Why a publication that follows a SUBACK is routed: the subscriber's shard sets its bit, then
//! hands the SUBACK to the socket. Whoever publishes *because* of that SUBACK does so after it
//! went through the kernel's locks, and its bytes come through them again to the publisher's shard,
//! which only then loads the mask. So the setting happens before the loading, and a later load of
//! the same atomic cannot see an older value. Release and acquire state the same order for two
//! shards that talk through anything else, such as a mailbox. A bit belongs to one shard, the only
//! one that sets or clears it, so its own changes come in its own order; read-modify-write keeps
//! the bits of the others. A bit that is cleared late costs a publication that matches nobody.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};
use core::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;
use martlet_codec::{TopicFilter, TopicName};

use crate::levels::Levels;

/// Number of masks; a power of two.
const BUCKETS: usize = 1 << 16;

/// Number of masks of those who keep messages; a power of two. They are asked only when memory is short.
const KEEPING_BUCKETS: usize = 1 << 12;

/// Shards that may have a subscriber, one bit each. 512 KiB, whatever the number of filters. Beside them what each
/// shard holds.
#[derive(Debug)]
pub struct Interest {
    /// Of the hash.
    seed: u64,
    masks: Box<[AtomicU64]>,
    /// Shards that may have a subscriber with QoS 1 or 2.
    keeping: Box<[AtomicU64]>,
    pub(crate) levels: Levels,
}

impl Default for Interest {
    fn default() -> Self {
        Interest::new()
    }
}

impl Interest {
    /// Nobody is interested in anything.
    #[must_use]
    pub fn new() -> Self {
        Self::with_seed(0)
    }

    /// The same with a seed of its own for the hash. If clients do not know it, they cannot choose filters that share a
    /// bucket with those of others, which would cost superfluous routing.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        let masks = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Interest { seed, masks: masks(BUCKETS), keeping: masks(KEEPING_BUCKETS), levels: Levels::default() }
    }

    /// The bucket of a text.
    fn bucket(&self, key: Key, text: &str) -> usize {
        let mut hasher = FixedState::with_seed(self.seed.wrapping_add(key as u64)).build_hasher();
        hasher.write(text.as_bytes());
        (hasher.finish() >> 48) as usize
    }

    /// The bucket under which a filter is filed.
    fn bucket_of(&self, filter: TopicFilter<'_>) -> usize {
        let text = filter.as_str();
        let mut end = 0;
        for (depth, level) in text.split('/').enumerate() {
            match (depth, level) {
                (0, "+" | "#") => return self.bucket(Key::Prefix, ""),
                (1, "+" | "#") => return self.bucket(Key::Level, &text[..end]),
                (_, "+" | "#") => return self.bucket(Key::TwoLevels, two_levels(text)),
                (0, _) => end = level.len(),
                _ => {}
            }
        }
        self.bucket(Key::Exact, text)
    }

    /// The union of the masks that a topic name asks for.
    fn asked(&self, topic: TopicName<'_>, mask: impl Fn(usize) -> u64) -> u64 {
        let mask = |key, text| mask(self.bucket(key, text));
        let text = topic.as_str();
        let mut shards = mask(Key::Exact, text);
        if !topic.is_reserved() {
            shards |= mask(Key::Prefix, ""); // [MQTT-4.7.2-1]
        }
        let mut ends = text.match_indices('/').map(|(at, _)| at);
        let first = ends.next().unwrap_or(text.len());
        shards |= mask(Key::Level, &text[..first]);
        if first < text.len() {
            let second = ends.next().unwrap_or(text.len());
            shards |= mask(Key::TwoLevels, &text[..second]);
        }
        shards
    }

    /// The shards that may have a subscriber for the topic name: bit n is shard n. It is a
    /// superset of those that had one before the call.
    #[must_use]
    pub fn shards(&self, topic: TopicName<'_>) -> u64 {
        self.asked(topic, |bucket| self.masks[bucket].load(Ordering::Acquire))
    }

    /// The shards that may have a subscriber with QoS 1 or 2, which keeps what it is sent; a superset as well.
    pub(crate) fn keeping(&self, topic: TopicName<'_>) -> u64 {
        self.asked(topic, |bucket| self.keeping[coarse(bucket)].load(Ordering::Acquire))
    }
}

/// The bucket of those who keep messages.
fn coarse(bucket: usize) -> usize {
    bucket / (BUCKETS / KEEPING_BUCKETS)
}

/// One shard's filters per bucket, so that its bit goes when its last filter goes.
#[derive(Debug)]
pub(crate) struct InterestCounts {
    /// 0: there are no other shards, and nothing to tell them.
    bit: u64,
    /// Empty before the first filter. Zeroed pages cost memory only when they are written.
    counts: Vec<u32>,
    /// The same for the buckets of those who keep messages: filters of any QoS.
    coarse: Vec<u32>,
}

impl InterestCounts {
    /// The counts of shard number `shard` of `shards`, which are 1 to 64.
    #[must_use]
    pub(crate) fn new(shard: u8, shards: u8) -> Self {
        assert!(shard < 64, "a mask has 64 bits");
        let bit = if shards == 1 { 0 } else { 1 << shard };
        InterestCounts { bit, counts: Vec::new(), coarse: Vec::new() }
    }

    /// The shard's index has a filter that it did not have before. To be called before the SUBACK.
    pub(crate) fn add(&mut self, interest: &Interest, filter: TopicFilter<'_>) {
        if self.bit == 0 {
            return;
        }
        if self.counts.is_empty() {
            self.counts = vec![0; BUCKETS];
            self.coarse = vec![0; KEEPING_BUCKETS];
        }
        let bucket = interest.bucket_of(filter);
        self.counts[bucket] += 1;
        if self.counts[bucket] == 1 {
            interest.masks[bucket].fetch_or(self.bit, Ordering::AcqRel);
        }
        self.coarse[coarse(bucket)] += 1;
    }

    /// A filter that was added has a subscription with QoS 1 or 2, now or before. To be called before the SUBACK.
    pub(crate) fn keeps(&mut self, interest: &Interest, filter: TopicFilter<'_>) {
        let mask = &interest.keeping[coarse(interest.bucket_of(filter))];
        if mask.load(Ordering::Relaxed) & self.bit != self.bit {
            mask.fetch_or(self.bit, Ordering::AcqRel);
        }
    }

    /// The shard's index has lost a filter that was added.
    pub(crate) fn remove(&mut self, interest: &Interest, filter: TopicFilter<'_>) {
        if self.bit == 0 {
            return;
        }
        let bucket = interest.bucket_of(filter);
        let Some(count) = self.counts.get_mut(bucket).filter(|count| **count > 0) else {
            debug_assert!(false, "only an added filter is removed");
            return;
        };
        *count -= 1;
        if *count == 0 {
            interest.masks[bucket].fetch_and(!self.bit, Ordering::AcqRel);
        }
        let coarse = coarse(bucket);
        self.coarse[coarse] -= 1;
        if self.coarse[coarse] == 0 {
            interest.keeping[coarse].fetch_and(!self.bit, Ordering::AcqRel);
        }
    }
}

/// What kind of text a bucket's key is.
#[derive(Clone, Copy)]
enum Key {
    Exact,
    Prefix,
    Level,
    TwoLevels,
}

/// The first two levels of a text that has more.
fn two_levels(text: &str) -> &str {
    text.match_indices('/').nth(1).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> TopicFilter<'_> {
        TopicFilter::new(text).unwrap()
    }

    fn topic(text: &str) -> TopicName<'_> {
        TopicName::new(text).unwrap()
    }

    const FILTERS: [&str; 14] =
        ["#", "+", "/", "/#", "/+", "a", "a/#", "a/+", "a/b", "a/b/#", "a/b/+", "a/b/c/+/#", "+/b", "$SYS/#"];
    const TOPICS: [&str; 10] = ["a", "a/b", "a/b/c", "a/b/c/d", "/", "/a", "x/b", "$SYS", "$SYS/x", "$x/a"];

    #[test]
    fn every_matching_filter_routes() {
        for text in FILTERS {
            let interest = Interest::new();
            let mut counts = InterestCounts::new(63, 64);
            counts.add(&interest, filter(text));
            for name in TOPICS {
                if filter(text).matches(topic(name)) {
                    assert_eq!(interest.shards(topic(name)), 1 << 63, "{text} {name}");
                }
            }
            counts.keeps(&interest, filter(text));
            for name in TOPICS.map(topic) {
                assert!(!filter(text).matches(name) || interest.keeping(name) == 1 << 63, "{text} {name:?}");
            }
            counts.remove(&interest, filter(text));
            let mut masks = interest.masks.iter().chain(&interest.keeping);
            assert!(masks.all(|mask| mask.load(Ordering::Relaxed) == 0), "{text}");
        }
    }

    #[test]
    fn an_unrelated_prefix_does_not_route() {
        let interest = Interest::new();
        let mut counts = InterestCounts::new(0, 64);
        for text in ["a/#", "b/c/+", "d", "e/f/g"] {
            counts.add(&interest, filter(text));
        }
        for name in ["x", "b/x", "b", "d/x", "e/f", "$SYS/x"] {
            assert_eq!(interest.shards(topic(name)), 0, "{name}");
        }
    }

    #[test]
    fn the_bit_goes_with_the_last_filter_of_its_bucket_and_of_its_shard_alone() {
        let interest = Interest::new();
        let (mut one, mut two) = (InterestCounts::new(1, 64), InterestCounts::new(2, 64));
        one.add(&interest, filter("a/+/x"));
        one.add(&interest, filter("a/+/y"));
        two.add(&interest, filter("a/#"));
        assert_eq!(interest.shards(topic("a/b/x")), 0b110);
        one.remove(&interest, filter("a/+/x"));
        assert_eq!(interest.shards(topic("a/b/x")), 0b110);
        one.remove(&interest, filter("a/+/y"));
        assert_eq!(interest.shards(topic("a/b/x")), 0b100);
    }

    #[test]
    fn who_keeps_nothing_is_not_among_those_who_keep() {
        let interest = Interest::new();
        let (mut one, mut two) = (InterestCounts::new(1, 64), InterestCounts::new(2, 64));
        one.add(&interest, filter("a/#"));
        two.add(&interest, filter("a/#"));
        two.keeps(&interest, filter("a/#"));
        assert_eq!((interest.shards(topic("a/b")), interest.keeping(topic("a/b"))), (0b110, 0b100));
        two.remove(&interest, filter("a/#"));
        assert_eq!(interest.keeping(topic("a/b")), 0);
    }

    #[test]
    fn wildcards_do_not_route_reserved_topics() {
        let interest = Interest::new();
        InterestCounts::new(3, 64).add(&interest, filter("#")); // [MQTT-4.7.2-1]
        assert_eq!(interest.shards(topic("$SYS/broker/uptime")), 0);
        assert_eq!(interest.shards(topic("SYS")), 0b1000);
    }
}
