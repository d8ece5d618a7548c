//! Sleeping without missing a wake-up, and without a system call for a thread that is awake.
//!
//! The sleeper says "parked", then looks for work once more, then sleeps; the waker leaves its work, then looks
//! whether the sleeper is parked. The fence between the two steps on each side makes it impossible that both
//! look too early, so either the sleeper finds the work or the waker wakes it.

use mio::Waker;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// One thread's bed.
#[derive(Debug)]
pub(crate) struct Parking {
    parked: AtomicBool,
    waker: Waker,
}

impl Parking {
    pub(crate) fn new(waker: Waker) -> Self {
        Parking { parked: AtomicBool::new(false), waker }
    }

    /// The owner is about to sleep, unless `has_work` finds something. `true` if it may sleep.
    pub(crate) fn park(&self, has_work: impl FnOnce() -> bool) -> bool {
        self.parked.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let may_sleep = !has_work();
        if !may_sleep {
            self.awake();
        }
        may_sleep
    }

    /// The owner is awake, whoever woke it.
    pub(crate) fn awake(&self) {
        self.parked.store(false, Ordering::SeqCst);
    }

    /// Work lies where the owner looks before it sleeps: wake it if it sleeps already.
    pub(crate) fn notify(&self) {
        fence(Ordering::SeqCst);
        if self.parked.load(Ordering::SeqCst) && self.parked.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Wakes the owner now or out of its next sleep, for work that it does not look for before it sleeps.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            warn_wake(&error);
        }
    }
}

#[cold]
fn warn_wake(error: &io::Error) {
    tracing::warn!(%error, "cannot wake a shard; its work waits for its next turn");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use mio::{Events, Poll, Token};
    use std::sync::Arc;

    /// One thread pushes numbers and notifies; the other sleeps without a time limit between them.
    #[test]
    fn no_wake_up_is_lost() {
        const COUNT: u32 = 100_000;
        let mut poll = Poll::new().unwrap();
        let parking = Arc::new(Parking::new(Waker::new(poll.registry(), Token(0)).unwrap()));
        let (mut sender, mut receiver) = rtrb::RingBuffer::new(4);
        let waker = Arc::clone(&parking);
        let pushing = std::thread::spawn(move || {
            for number in 0..COUNT {
                while sender.push(number).is_err() {
                    std::thread::yield_now();
                }
                waker.notify();
            }
        });
        let mut events = Events::with_capacity(4);
        let mut expected = 0;
        while expected < COUNT {
            if parking.park(|| !receiver.is_empty()) {
                poll.poll(&mut events, None).unwrap();
                parking.awake();
            }
            while let Ok(number) = receiver.pop() {
                assert_eq!(number, expected);
                expected += 1;
            }
        }
        pushing.join().unwrap();
    }
}
