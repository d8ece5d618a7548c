//! Warnings that must not fill the log: one in ten minutes says how often it has happened. It knows nothing of what.

use martlet_protocol::Time;
use std::sync::atomic::{AtomicU64, Ordering};

/// Milliseconds between two warnings about one thing.
const INTERVAL_MS: u64 = 10 * 60 * 1000;

/// Counts what happens between two warnings, over all shards.
#[derive(Debug, Default)]
pub(crate) struct Warning {
    quiet_until_ms: AtomicU64,
    count: AtomicU64,
}

impl Warning {
    /// It happened once more; how often since the last warning, if it is time for another.
    pub(crate) fn count(&self, now: Time) -> Option<u64> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let until_ms = self.quiet_until_ms.load(Ordering::Relaxed);
        let next_ms = now.saturating_add(INTERVAL_MS).as_millis();
        let is_time = now.as_millis() >= until_ms
            && self
                .quiet_until_ms
                .compare_exchange(until_ms, next_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok(); // or another shard warns in this moment
        is_time.then(|| self.count.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_in_ten_minutes_counts_all() {
        let warning = Warning::default();
        let at = Time::from_millis;
        assert_eq!(warning.count(at(0)), Some(1));
        assert_eq!(warning.count(at(0)), None);
        assert_eq!(warning.count(at(INTERVAL_MS - 1)), None);
        assert_eq!(warning.count(at(INTERVAL_MS)), Some(3));
        assert_eq!(warning.count(at(INTERVAL_MS)), None);
        assert_eq!(warning.count(at(3 * INTERVAL_MS)), Some(2));
    }

    #[test]
    fn shards_share_one_warning() {
        let warning = Warning::default();
        let warn = || (0..1000).filter_map(|_| warning.count(Time::from_millis(5))).count();
        let warned: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(warn)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it only counts")).sum()
        });
        assert_eq!(warned, 1);
    }
}
