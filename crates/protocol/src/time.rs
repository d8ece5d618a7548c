//! Time as an argument: milliseconds on a clock that the caller owns. Nothing here reads a clock.

/// A moment, in milliseconds since an origin that the caller chose once for all its calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// Later than every other moment.
    pub const NEVER: Self = Time(u64::MAX);

    /// The moment `ms` milliseconds after the origin.
    pub const fn from_millis(ms: u64) -> Self {
        Time(ms)
    }
    /// Milliseconds since the origin.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
    /// `ms` milliseconds later.
    #[must_use]
    pub const fn saturating_add(self, ms: u64) -> Self {
        Time(self.0.saturating_add(ms))
    }
    /// `s` seconds later.
    #[must_use]
    pub const fn after_s(self, s: u32) -> Self {
        self.saturating_add(s as u64 * 1000)
    }
    /// Milliseconds from `earlier` to this moment; 0 if it is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
    /// Whole seconds from now to this moment, rounded up: what is left of an interval.
    pub const fn seconds_left(self, now: Self) -> u32 {
        let left = self.0.saturating_sub(now.0).div_ceil(1000);
        if left > u32::MAX as u64 { u32::MAX } else { left as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_rounded_up_and_fits_four_bytes() {
        let at = Time::from_millis(10_000);
        for (now_ms, left_s) in [(0, 10), (1, 10), (999, 10), (1000, 9), (9_999, 1), (10_000, 0), (90_000, 0)]
        {
            assert_eq!(at.seconds_left(Time::from_millis(now_ms)), left_s, "{now_ms}");
        }
        assert_eq!(at.after_s(u32::MAX).seconds_left(at), u32::MAX);
        assert_eq!(Time::NEVER.seconds_left(at), u32::MAX);
    }
}
