//! One publisher's messages on their way to their receivers: the feedback by which a closed loop is closed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// Who gets a message of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Each receiver gets all of them.
    All,
    /// Each message has one receiver.
    One,
}

/// Shared by the publisher's thread and its receivers' threads.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) id: u32,
    /// The worker that has the publisher.
    pub(crate) owner: usize,
    spread: Spread,
    /// How far each receiver has come.
    progress: Box<[AtomicU64]>,
    /// The publisher waits for its receivers, some of which are another worker's.
    waiting: AtomicBool,
}

impl Flow {
    pub(crate) fn new(id: u32, owner: usize, spread: Spread, receivers: usize) -> Self {
        let progress = (0..receivers).map(|_| AtomicU64::new(0)).collect();
        Flow { id, owner, spread, progress, waiting: AtomicBool::new(false) }
    }

    /// How many deliveries a message leads to.
    pub(crate) fn deliveries(&self) -> u64 {
        match self.spread {
            Spread::All => self.progress.len() as u64,
            Spread::One => u64::from(!self.progress.is_empty()),
        }
    }

    /// Told by receiver number `slot`.
    #[inline]
    pub(crate) fn advance(&self, slot: usize, passed: u64) {
        self.progress[slot].store(passed, Ordering::Relaxed);
    }

    /// How many of `published` messages nobody is waiting for any more.
    pub(crate) fn passed(&self, published: u64) -> u64 {
        let progress = self.progress.iter().map(|progress| progress.load(Ordering::Relaxed));
        match self.spread {
            Spread::All => progress.min().unwrap_or(published),
            Spread::One if self.progress.is_empty() => published,
            Spread::One => progress.sum(),
        }
    }

    /// The publisher says that it waits. It must look at [`Self::passed`] once more afterwards.
    pub(crate) fn wait(&self) {
        self.waiting.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Whether somebody must be woken; asked by a receiver's thread behind what it told, and answered once.
    pub(crate) fn take_waiting(&self) -> bool {
        fence(Ordering::SeqCst);
        self.waiting.load(Ordering::Relaxed) && self.waiting.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_receiver_counts_where_all_get_everything() {
        let flow = Flow::new(0, 0, Spread::All, 2);
        assert_eq!((flow.deliveries(), flow.passed(9)), (2, 0));
        flow.advance(0, 7);
        flow.advance(1, 5);
        assert_eq!(flow.passed(9), 5);
    }

    #[test]
    fn the_sum_counts_where_each_message_has_one_receiver() {
        let flow = Flow::new(0, 0, Spread::One, 2);
        flow.advance(0, 7);
        flow.advance(1, 5);
        assert_eq!((flow.deliveries(), flow.passed(20)), (1, 12));
    }

    #[test]
    fn without_receivers_nothing_is_awaited() {
        for spread in [Spread::All, Spread::One] {
            let flow = Flow::new(0, 0, spread, 0);
            assert_eq!((flow.deliveries(), flow.passed(20)), (0, 20));
        }
    }

    #[test]
    fn a_waiting_publisher_is_woken_once() {
        let flow = Flow::new(0, 0, Spread::All, 1);
        assert!(!flow.take_waiting());
        flow.wait();
        assert!(flow.take_waiting() && !flow.take_waiting());
    }
}
