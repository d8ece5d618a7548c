//! Where a thing lives: sessions by client id, retained messages by topic and shared subscriptions by share name and
//! filter belong to one of 64 partitions alike, and partitions are dealt to shards. Which one is the same on every machine,
//! in every version and whatever the number of shards, for logs and other nodes speak of partitions.
//!
//! The hash is FNV-1a with 64 bits, its result mixed by the finalizer of MurmurHash3 (`fmix64`); the partition is its
//! remainder by 64. Golden vectors are in the tests. It is no identity: two names of one partition are still two names.

use crate::interface::ShardId;
use crate::shard::Shard;
use martlet_codec::{TopicFilter, TopicName};

/// How many there are.
const PARTITIONS: u64 = 64;

/// A part of all sessions, retained messages and shared subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition(u8);

impl Partition {
    fn of(name: &[u8]) -> Self {
        Partition((hash(name) % PARTITIONS) as u8)
    }
    /// Of a session.
    pub(crate) fn of_client(client_id: &str) -> Self {
        Self::of(client_id.as_bytes())
    }
    /// Of a retained message.
    pub(crate) fn of_topic(topic: TopicName<'_>) -> Self {
        Self::of(topic.as_str().as_bytes())
    }
    /// Of a shared subscription, whose filter begins with `$share/` and its name.
    pub(crate) fn of_share(filter: &str) -> Self {
        Self::of(filter.as_bytes())
    }
    /// The shard that has it, of so many.
    pub(crate) fn shard(self, shards: u8) -> ShardId {
        ShardId(self.0 % shards)
    }
}

/// FNV-1a, 64 bits, then `fmix64`: the lower bits of FNV-1a alone depend on little of the text.
pub(crate) fn hash(name: &[u8]) -> u64 {
    let fnv = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (fnv ^ fnv >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ mixed >> 33
}

impl Shard {
    /// The shard at which a client's session lives.
    pub(crate) fn home_of(&self, client_id: &str) -> ShardId {
        self.home(|| Partition::of_client(client_id))
    }

    /// The shard that keeps the retained message of a topic.
    pub(crate) fn home_of_topic(&self, topic: TopicName<'_>) -> ShardId {
        self.home(|| Partition::of_topic(topic))
    }

    /// The shard that keeps the retained message which a filter without wildcards matches.
    pub(crate) fn home_of_exact(&self, filter: TopicFilter<'_>) -> ShardId {
        self.home_of_topic(TopicName::from_checked(filter.as_str()))
    }

    /// The shard that keeps a shared subscription.
    pub(crate) fn home_of_share(&self, filter: &str) -> ShardId {
        self.home(|| Partition::of_share(filter))
    }

    /// Where there is one shard, nothing is hashed.
    fn home(&self, partition: impl FnOnce() -> Partition) -> ShardId {
        match self.clients.config.shards {
            1 => self.id(),
            shards => partition().shard(shards),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const GOLDEN: [(&str, u64, u8); 9] = [
        ("", 0xefd0_1f60_ba99_2926, 38),
        ("a", 0x82a2_a958_a9be_ce5b, 27),
        ("c1", 0x4ad2_19d4_c239_7083, 3),
        ("sensor/1", 0x6eae_b929_7356_3306, 6),
        ("sensor/2", 0x5e67_28bf_f924_d091, 17),
        ("home/kitchen/temperature", 0x71ed_9fa9_38fa_5010, 16),
        ("$share/group/sensor/#", 0x87ef_b57e_6a98_61f8, 56),
        ("pump é", 0x2dd0_0229_013a_8752, 18),
        ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0x2180_aff9_06d0_8985, 5),
    ];

    /// What is on disk or on another node relies on these: they never change.
    #[test]
    fn golden_vectors() {
        for (name, hashed, partition) in GOLDEN {
            assert_eq!((hash(name.as_bytes()), Partition::of_client(name).0), (hashed, partition), "{name}");
        }
    }

    #[test]
    fn a_name_has_one_partition_whatever_it_names_and_one_shard_of_any_number() {
        for (name, _, partition) in GOLDEN {
            let topic = TopicName::new(name).ok();
            assert!(topic.is_none_or(|topic| Partition::of_topic(topic) == Partition::of_share(name)));
            for shards in [1, 2, 3, 7, 64] {
                assert_eq!(Partition::of_client(name).shard(shards), ShardId(partition % shards), "{name}");
            }
        }
    }

    #[test]
    fn names_that_differ_little_spread() {
        for pattern in ["d{}", "sensor/{}/state", "{}", "00:11:22:33:44:{}"] {
            let mut counts = [0_u32; 64];
            for number in 0..6400 {
                let name = pattern.replace("{}", &alloc::format!("{number}"));
                counts[usize::from(Partition::of_client(&name).0)] += 1;
            }
            assert!(counts.iter().all(|count| (50..160).contains(count)), "{pattern}: {counts:?}");
        }
    }
}
