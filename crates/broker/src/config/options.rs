//! The options that are numbers: one table of names, units and ranges.

use super::{Config, SHARDS_MAX};

/// A whole number in a range.
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) min: u64,
    pub(super) max: u64,
    /// What it counts, for messages.
    pub(super) unit: &'static str,
    pub(super) set: fn(&mut Config, u64),
}

impl Number {
    /// In words.
    pub(super) fn takes(&self) -> String {
        let Number { name, min, max, unit, .. } = self;
        format!("`{name}` is a whole number from {min} to {max}, in {unit}")
    }
}

const U16: u64 = u16::MAX as u64;
const U32: u64 = u32::MAX as u64;
/// The largest MQTT packet: 1 + 4 bytes of header and 268,435,455 of body (2.1.4).
const PACKET: u64 = 268_435_460;
const GIB: u64 = 1 << 30;

/// Values are in range when `set` is called, so the conversions in there never saturate.
#[rustfmt::skip]
pub(super) const NUMBERS: &[Number] = &[
    Number { name: "shards", min: 1, max: SHARDS_MAX as u64, unit: "threads", set: |c, n| c.shards = Some(saturated(n)) },
    Number { name: "max_connections", min: 1, max: U32, unit: "connections", set: |c, n| c.max_connections = Some(saturated(n)) },
    Number { name: "connect_timeout_s", min: 1, max: 3600, unit: "seconds", set: |c, n| c.shard.limits.connect_timeout_ms = n * 1000 },
    Number { name: "maximum_packet_size", min: 128, max: PACKET, unit: "bytes", set: |c, n| c.shard.limits.maximum_packet_size = saturated(n) },
    Number { name: "receive_maximum", min: 1, max: U16, unit: "messages", set: |c, n| c.shard.limits.receive_maximum = saturated(n) },
    Number { name: "in_flight_max", min: 1, max: U16, unit: "messages", set: |c, n| c.shard.limits.in_flight_max = saturated(n) },
    Number { name: "topic_alias_maximum", min: 0, max: U16, unit: "aliases", set: |c, n| c.shard.limits.topic_alias_maximum = saturated(n) },
    Number { name: "keep_alive_max_s", min: 0, max: U16, unit: "seconds (0 is no limit)", set: |c, n| c.shard.limits.keep_alive_max_s = saturated(n) },
    Number { name: "session_expiry_max_s", min: 0, max: U32, unit: "seconds (4294967295 is for ever)", set: |c, n| c.shard.limits.session_expiry_max_s = saturated(n) },
    Number { name: "output_high_bytes", min: 1024, max: GIB, unit: "bytes", set: |c, n| c.shard.limits.output_high_bytes = saturated(n) },
    Number { name: "output_low_bytes", min: 0, max: GIB, unit: "bytes", set: |c, n| c.shard.limits.output_low_bytes = saturated(n) },
    Number { name: "queue_bytes_max", min: 1024, max: 1024 * GIB, unit: "bytes", set: |c, n| c.shard.queue_bytes_max = saturated(n) },
    Number { name: "group_bytes_max", min: 1024, max: 1024 * GIB, unit: "bytes", set: |c, n| c.shard.group_bytes_max = saturated(n) },
    Number { name: "memory_bytes_max", min: 1024 * 1024, max: 1024 * GIB, unit: "bytes", set: |c, n| c.shard.memory_bytes_max = n },
    Number { name: "memory_wait_s", min: 0, max: 3600, unit: "seconds (0 is not at all)", set: |c, n| c.shard.memory_wait_ms = n * 1000 },
    Number { name: "subscriptions_max", min: 1, max: U32, unit: "subscriptions of a session", set: |c, n| c.shard.subscriptions_max = saturated(n) },
    Number { name: "sys_interval_s", min: 0, max: 86_400, unit: "seconds (0 is never)", set: |c, n| c.shard.sys_interval_ms = n * 1000 },
];

fn saturated<T: TryFrom<u64> + Limit>(n: u64) -> T {
    T::try_from(n).unwrap_or(T::LARGEST)
}

trait Limit {
    const LARGEST: Self;
}

macro_rules! limit {
    ($($type:ty)*) => { $(impl Limit for $type { const LARGEST: Self = Self::MAX; })* };
}
limit!(u8 u16 u32 usize);
