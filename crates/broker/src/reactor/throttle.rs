//! Log lines about a flood: one a second at most, each saying how many it stands for.

use martlet_protocol::Time;

const INTERVAL_MS: u64 = 1000;

/// Counts what happens between two lines.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    quiet_until: Time,
    count: u64,
}

impl Throttle {
    /// It happened once more; how often since the last line, if it is time for another.
    pub(super) fn count(&mut self, now: Time) -> Option<u64> {
        self.count += 1;
        if now < self.quiet_until {
            return None;
        }
        self.quiet_until = now.saturating_add(INTERVAL_MS);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_counts_all() {
        let mut throttle = Throttle::default();
        let at = Time::from_millis;
        assert_eq!(throttle.count(at(5)), Some(1));
        assert_eq!(throttle.count(at(6)), None);
        assert_eq!(throttle.count(at(1004)), None);
        assert_eq!(throttle.count(at(1005)), Some(3));
    }
}
