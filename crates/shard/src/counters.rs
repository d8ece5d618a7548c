//! What a shard counts, in plain numbers that only the shard writes: no atomics, no labels, no look-ups.
//! Whoever exports them sums the shards. It measures no time and keeps no rates.
//!
//! Every delivery that was created ends in one place, which is the conservation law:
//! `routed == delivered + queued + dropped`, with `dropped` summed over its reasons.

use martlet_codec::ReasonCode;

/// How a counter behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Total,
    /// What there is now.
    Gauge,
}

macro_rules! counter_table {
    ($($kind:ident $name:ident $help:literal;)*) => {
        /// The counters of one shard, or the sum of several.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $(#[doc = $help] pub $name: u64,)*
            /// Deliveries that came to nothing, by reason.
            pub dropped: Drops,
            /// CONNECT packets that were refused, by the reason in the CONNACK.
            pub refused: Refusals,
        }

        impl Counters {
            /// Adds those of another shard.
            pub fn add(&mut self, other: &Counters) {
                $(self.$name += other.$name;)*
                self.dropped.add(&other.dropped);
                self.refused.add(&other.refused);
            }

            /// Visits all counters without a label: name, what it says, how it behaves, value.
            pub fn visit(&self, visit: &mut impl FnMut(&'static str, &'static str, Kind, u64)) {
                $(visit(stringify!($name), $help, Kind::$kind, self.$name);)*
            }
        }
    };
}

#[rustfmt::skip]
counter_table! {
    Total connections_opened     "Network Connections accepted.";
    Gauge connections            "Network Connections that are open.";
    Total connects_received      "CONNECT packets received.";
    Gauge clients_connected      "Sessions with a Network Connection.";
    Gauge clients_disconnected   "Sessions without a Network Connection.";
    Total clients_expired        "Sessions that ended because their expiry interval passed.";
    Total packets_received       "MQTT Control Packets received.";
    Total packets_sent           "MQTT Control Packets sent.";
    Total bytes_received         "Bytes received.";
    Total bytes_sent             "Bytes sent.";
    Total publishes_received     "PUBLISH packets received.";
    Total publishes_sent         "PUBLISH packets sent.";
    Total publish_bytes_received "Payload bytes of the PUBLISH packets received.";
    Total publish_bytes_sent     "Payload bytes of the PUBLISH packets sent.";
    Gauge retained               "Retained messages.";
    Gauge subscriptions          "Subscriptions, shared ones included.";
    Gauge shared_subscriptions   "Shared Subscriptions of clients.";
    Gauge stored_messages        "Messages held, retained or queued; each counts once.";
    Gauge stored_bytes           "Payload bytes of the messages held.";
    Gauge memory_bytes           "Bytes, about, of all that clients make the broker hold: what memory_bytes_max bounds.";
    Gauge in_flight              "Messages with QoS > 0 that were sent and not yet acknowledged.";
    Total subscriptions_refused  "Filters of SUBSCRIBE packets that were refused because of a limit.";
    Total routed                 "Deliveries created: one per publication and receiver.";
    Total delivered              "Deliveries completed: QoS 0 given to the connection, QoS > 0 acknowledged.";
    Gauge queued                 "Deliveries that wait or are in flight.";
}

impl Counters {
    /// Sessions, connected or not.
    #[must_use]
    pub fn clients(&self) -> u64 {
        self.clients_connected + self.clients_disconnected
    }

    /// The conservation law: no delivery is lost without a reason, and none is counted twice.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.routed == self.delivered + self.queued + self.dropped.total()
    }
}

macro_rules! dropped_table {
    ($($variant:ident $name:literal $limit:literal $help:literal;)*) => {
        /// Why a delivery came to nothing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Dropped {
            $(#[doc = $help] $variant,)*
        }

        impl Dropped {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Dropped] = &[$(Dropped::$variant),*];

            /// Name for topics, labels and log lines: lower case and hyphens.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Dropped::$variant => $name,)* }
            }

            /// Whether a limit of the broker dropped it, and nothing that a client asked for.
            #[must_use]
            pub const fn is_limit(self) -> bool {
                match self { $(Dropped::$variant => $limit,)* }
            }
        }

        /// Number of reasons.
        const DROPPED_COUNT: usize = [$($name),*].len();
    };
}

#[rustfmt::skip]
dropped_table! {
    QueueFull    "queue-full"    true  "The queue of the session or of the shared subscription was full.";
    OutputFull   "output-full"   true  "QoS 0, and the connection's output was above its high watermark.";
    Memory       "memory"        true  "The broker's memory budget was spent.";
    NoMember     "no-member"     true  "A shared subscription had no member that could take it.";
    TooLarge     "too-large"     false "The packet would exceed the client's Maximum Packet Size.";
    Expired      "expired"       false "The Message Expiry Interval passed before delivery started.";
    SessionEnded "session-ended" false "The session ended before it was delivered.";
    Offline      "offline"       false "QoS 0, and the client was not connected.";
}

/// Deliveries that came to nothing, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drops([u64; DROPPED_COUNT]);

impl Drops {
    /// Counts some for one reason.
    pub fn count(&mut self, reason: Dropped, number: u64) {
        self.0[reason as usize] += number;
    }

    /// How many for one reason.
    #[must_use]
    pub fn get(&self, reason: Dropped) -> u64 {
        self.0[reason as usize]
    }

    /// How many for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many because of a limit of the broker.
    #[must_use]
    pub fn by_limits(&self) -> u64 {
        Dropped::ALL.iter().filter(|reason| reason.is_limit()).map(|&reason| self.get(reason)).sum()
    }

    fn add(&mut self, other: &Drops) {
        for (sum, number) in self.0.iter_mut().zip(other.0) {
            *sum += number;
        }
    }
}

/// The first reason code that is a failure, and how many codes follow it in the table at most.
const FAILURE_MIN: u8 = ReasonCode::UnspecifiedError as u8;
const FAILURES: usize = (ReasonCode::WildcardSubscriptionsNotSupported as u8 - FAILURE_MIN) as usize + 1;

/// CONNECT packets refused, by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals([u64; FAILURES]);

impl Default for Refusals {
    fn default() -> Self {
        Refusals([0; FAILURES])
    }
}

impl Refusals {
    /// Counts one; a reason that is no failure is not counted.
    pub fn count(&mut self, reason: ReasonCode) {
        if let Some(counter) = Self::at(reason).and_then(|at| self.0.get_mut(at)) {
            *counter += 1;
        }
    }

    /// How many for one reason.
    #[must_use]
    pub fn get(&self, reason: ReasonCode) -> u64 {
        Self::at(reason).and_then(|at| self.0.get(at)).copied().unwrap_or(0)
    }

    /// How many for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn at(reason: ReasonCode) -> Option<usize> {
        (reason as u8).checked_sub(FAILURE_MIN).map(usize::from)
    }

    fn add(&mut self, other: &Refusals) {
        for (sum, number) in self.0.iter_mut().zip(other.0) {
            *sum += number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn shards_add_up() {
        let mut one = Counters { routed: 3, queued: 2, ..Counters::default() };
        one.dropped.count(Dropped::TooLarge, 1);
        one.refused.count(ReasonCode::Banned);
        assert!(one.is_conserved());
        let mut sum = one.clone();
        sum.add(&one);
        assert_eq!((sum.routed, sum.dropped.get(Dropped::TooLarge), sum.refused.total()), (6, 2, 2));
        assert!(sum.is_conserved());
        sum.delivered += 1;
        assert!(!sum.is_conserved());
    }

    #[test]
    fn every_counter_is_visited_with_its_value() {
        let counters = Counters { connections_opened: 1, queued: 9, ..Counters::default() };
        let mut seen = Vec::new();
        counters.visit(&mut |name, _, kind, value| seen.push((name, kind, value)));
        assert_eq!(seen[0], ("connections_opened", Kind::Total, 1));
        assert!(seen.contains(&("queued", Kind::Gauge, 9)));
    }

    #[test]
    fn every_refusal_has_its_own_counter() {
        let mut refusals = Refusals::default();
        for &reason in ReasonCode::ALL {
            refusals.count(reason);
        }
        for &reason in ReasonCode::ALL {
            assert_eq!(refusals.get(reason), u64::from(reason.is_failure()), "{reason:?}");
        }
        assert_eq!(
            refusals.total(),
            ReasonCode::ALL.iter().filter(|reason| reason.is_failure()).count() as u64
        );
    }

    #[test]
    fn limits_are_told_from_what_clients_asked_for() {
        let mut drops = Drops::default();
        for &reason in Dropped::ALL {
            drops.count(reason, 1);
        }
        assert_eq!((drops.total(), drops.by_limits()), (8, 4));
    }
}
