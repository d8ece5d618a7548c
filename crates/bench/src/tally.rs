//! What a worker has counted: plain numbers that it adds to, and shared ones that it publishes once per turn.

use std::ops::{Index, IndexMut};
use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Connections that have done all that they should do first.
    Ready,
    /// Connections that were closed on purpose.
    Closed,
    /// Subscriptions that the server granted.
    Subscribed,
    /// Messages handed to the system.
    Published,
    /// Those among them that the server has to acknowledge.
    Owed,
    /// Deliveries that follow from them.
    Expected,
    /// Messages that the server has acknowledged, of those that have to be.
    Acknowledged,
    /// Those that it refused instead.
    Refused,
    /// Messages of ours that came, each one.
    Delivered,
    /// Those among them that had come before.
    Duplicated,
    /// Messages that had not come when younger ones did, which nobody shares with others; lost, unless they come late.
    Skipped,
    /// Those among all that came that younger ones had overtaken.
    Reordered,
    /// Messages that are not of this run.
    Foreign,
    /// Times that a publisher gave up waiting for a delivery and went on.
    Stalled,
    /// PINGRESP.
    Ponged,
    /// Subscriptions that the server has ended as it was told.
    Unsubscribed,
    /// Messages that came to a reader, who looks no further.
    Read,
}

const COUNTERS: usize = Counter::Read as usize + 1;

/// A count of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([u64; COUNTERS]);

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }

    /// What came since `earlier`.
    pub(crate) fn since(&self, earlier: &Counts) -> Counts {
        let mut difference = *self;
        difference.0.iter_mut().zip(earlier.0).for_each(|(count, before)| *count -= before);
        difference
    }
}

impl Index<Counter> for Counts {
    type Output = u64;

    #[inline]
    fn index(&self, counter: Counter) -> &u64 {
        &self.0[counter as usize]
    }
}

impl IndexMut<Counter> for Counts {
    #[inline]
    fn index_mut(&mut self, counter: Counter) -> &mut u64 {
        &mut self.0[counter as usize]
    }
}

/// The last published counts of one worker; on cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Tally([AtomicU64; COUNTERS]);

impl Tally {
    pub(crate) fn publish(&self, counts: &Counts) {
        self.0.iter().zip(counts.0).for_each(|(shared, count)| shared.store(count, Ordering::Relaxed));
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        counts.0.iter_mut().zip(&self.0).for_each(|(count, shared)| *count = shared.load(Ordering::Relaxed));
        counts
    }
}
