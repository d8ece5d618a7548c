//! What a shard is told when it is made.

use crate::interface::ShardId;
use crate::shared::Strategy;
use martlet_protocol::Limits;

/// A shard's configuration. Every queue, map and buffer has its bound here.
#[derive(Clone, Debug)]
pub struct Config {
    /// This shard's number, below `shards`.
    pub shard: ShardId,
    /// How many shards there are, 1 to 64.
    pub shards: u8,
    /// Seed of everything random: hashes, assigned client ids, random assignment. The same for all shards.
    pub seed: u64,
    /// What the protocol's connections are told.
    pub limits: Limits,
    /// Bytes that one session may hold in undelivered messages; more are dropped, the newest first.
    pub queue_bytes_max: usize,
    /// Bytes, about, of all that clients make the shard hold: undelivered and retained messages, sessions, wills,
    /// subscriptions, output. QoS 1 and 2 messages that would exceed it are refused; sessions, wills and subscriptions
    /// are refused an eighth above, and subscriptions when they take half of it. The same for all shards.
    pub memory_bytes_max: u64,
    /// Milliseconds that a client of 3.x, which cannot be told, waits for room before it is closed; 0: it is closed at once.
    pub memory_wait_ms: u64,
    /// Bytes that a shared subscription may hold for all its members.
    pub group_bytes_max: usize,
    /// Bytes of mail to another shard above which the publishers concerned are not read.
    pub outbox_bytes_max: usize,
    /// How a shared subscription chooses among its members.
    pub share_strategy: Strategy,
    /// Subscriptions that one session may have; more are refused with Quota Exceeded.
    pub subscriptions_max: u32,
    /// Levels that a filter may have whatever its `+`: the shapes of its prefixes are free. Those that are deeper are
    /// charged for; there may be 2^n nodes that are not, so this says how long matching one topic name may take.
    pub shape_free_levels: usize,
    /// Distinct shapes of deeper prefixes that the filters of one session may have; more are refused with Quota Exceeded.
    pub session_shapes_max: u32,
    /// The same for all sessions together.
    pub shapes_max: u32,
    /// Sessions of the shard, connected or not; more are refused with Server Busy.
    pub sessions_max: usize,
    /// Deliveries and nodes matched in one turn after which what clients sent waits for the next: a few milliseconds.
    /// Four deliveries of messages that came together with others of their topic count as one.
    pub work_max: u32,
    /// Whether what must outlive the process is recorded, and answers wait for that: [`Effect::Record`](crate::Effect).
    pub is_recorded: bool,
    /// Milliseconds between two publications of `$SYS`; 0 publishes none.
    pub sys_interval_ms: u64,
    /// The version in `$SYS/broker/version`.
    pub version: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            shard: ShardId(0),
            shards: 1,
            seed: 0,
            limits: Limits::default(),
            queue_bytes_max: 16 * 1024 * 1024,
            memory_bytes_max: 2 * 1024 * 1024 * 1024,
            memory_wait_ms: 30_000,
            group_bytes_max: 64 * 1024 * 1024,
            outbox_bytes_max: 4 * 1024 * 1024,
            share_strategy: Strategy::LeastInFlight,
            subscriptions_max: 1_000_000,
            shape_free_levels: 12,
            session_shapes_max: 1024,
            shapes_max: 8000,
            sessions_max: 16_000_000,
            work_max: 20_000,
            is_recorded: false,
            sys_interval_ms: 10_000,
            version: concat!("martlet version ", env!("CARGO_PKG_VERSION")),
        }
    }
}
