//! Gives memory back to the system that a crowd of clients, or of messages, has left behind. The allocator keeps pages in
//! the midst of its heap, however empty, until it is asked. The only `unsafe` code of the broker.

use martlet_protocol::Time;
use std::sync::atomic::{AtomicU64, Ordering};

/// Less than this is not worth the asking.
const FREED_BYTES_MIN: u64 = 1024 * 1024;
/// Milliseconds between two times at least, for what is held may go up and down with every turn.
const PAUSE_MS: u64 = 1000;

/// When some shard may ask next, in milliseconds: asking is work for the heaps of all threads.
pub(crate) type Earliest = AtomicU64;

/// When this shard wants to ask: when what it holds has halved.
#[derive(Debug)]
pub(crate) struct Trim {
    /// Bytes held at most since memory was last given back.
    peak: u64,
    is_due: bool,
}

impl Trim {
    pub(crate) fn new() -> Self {
        Trim { peak: 0, is_due: false }
    }
    /// Looks at what is held now, in bytes; whether to call [`give_back`].
    pub(crate) fn is_due(&mut self, now: Time, held: u64, earliest: &Earliest) -> bool {
        self.peak = self.peak.max(held);
        self.is_due = held <= self.peak / 2 && self.peak - held >= FREED_BYTES_MIN;
        let goes = self.is_due && take_turn(now, earliest);
        if goes {
            *self = Trim { peak: held, is_due: false };
        }
        goes
    }
    /// When to look again at the latest.
    pub(crate) fn next(&self, earliest: &Earliest) -> Time {
        if self.is_due { Time::from_millis(earliest.load(Ordering::Relaxed)) } else { Time::NEVER }
    }
}

/// Whether it is time, for one of those who ask at once.
fn take_turn(now: Time, earliest: &Earliest) -> bool {
    let at = earliest.load(Ordering::Relaxed);
    let next = now.saturating_add(PAUSE_MS).as_millis();
    at <= now.as_millis() && earliest.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// Asks the allocator for its empty pages.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub(crate) fn give_back() {
    unsafe extern "C" {
        /// glibc, since 2.1: `int malloc_trim(size_t pad)`.
        fn malloc_trim(pad: usize) -> core::ffi::c_int;
    }
    // SAFETY: the declaration is that of the manual, malloc_trim(3). It takes no pointer, may be called from any thread at
    // any time (MT-Safe there), and changes nothing that a program can see but the memory that it takes.
    unsafe { malloc_trim(0) };
}

/// Other allocators give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn memory_is_given_back_when_half_of_it_is_free() {
        const MIB: u64 = 1024 * 1024;
        let (mut trim, earliest) = (Trim::new(), Earliest::default());
        let held = [1, 8, 7, 5, 4, 3, 2, 1, 0];
        let due: Vec<u64> = (0..)
            .zip(held)
            .filter(|(s, mib)| trim.is_due(at(s * PAUSE_MS), mib * MIB, &earliest))
            .map(|(_, mib)| mib)
            .collect();
        assert_eq!(due, [4, 2, 1, 0]);
        let mut look = |ms, held| trim.is_due(at(ms), held, &earliest);
        assert!(!look(20_000, FREED_BYTES_MIN - 1) && !look(30_000, 0), "little");
    }

    #[test]
    fn it_is_given_back_a_second_later_if_it_goes_up_and_down() {
        let (mut trim, earliest) = (Trim::new(), Earliest::default());
        let mut look = |ms, held| (trim.is_due(at(ms), held, &earliest), trim.next(&earliest));
        assert_eq!(look(5000, FREED_BYTES_MIN), (false, Time::NEVER));
        assert_eq!(look(5000, 0), (true, Time::NEVER));
        assert_eq!(look(5001, FREED_BYTES_MIN), (false, Time::NEVER));
        assert_eq!(look(5002, 0), (false, at(5000 + PAUSE_MS)));
        assert_eq!(look(5003, FREED_BYTES_MIN), (false, Time::NEVER));
        assert_eq!(look(5999, 0), (false, at(6000)));
        assert_eq!(look(6000, 0), (true, Time::NEVER));
        assert_eq!(look(9000, 0), (false, Time::NEVER));
    }

    #[test]
    fn one_shard_after_the_other() {
        let (mut all, earliest) = ([Trim::new(), Trim::new()], Earliest::default());
        let mut look = |ms, held| all.each_mut().map(|trim| trim.is_due(at(ms), held, &earliest));
        assert_eq!(look(5000, FREED_BYTES_MIN), [false, false]);
        assert_eq!(look(5001, 0), [true, false]);
        assert_eq!(look(6001, 0), [false, true]);
    }
}
