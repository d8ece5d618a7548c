//! Latencies in nanoseconds, as an HdrHistogram with three significant digits.

use hdrhistogram::Histogram;

/// The shortest and the longest latency that is told apart.
const LOW_NS: u64 = 128;
const HIGH_NS: u64 = 600_000_000_000;

/// Recorded latencies.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl Latency {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(LOW_NS, HIGH_NS, 3);
        Latency(histogram.expect("the bounds are constants that the histogram can hold"))
    }

    /// Records one.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns);
    }

    pub(crate) fn add(&mut self, other: &Latency) {
        // Histograms of the same bounds always fit.
        let _ = self.0.add(&other.0);
    }

    /// How many were recorded.
    #[expect(clippy::len_without_is_empty, reason = "a count of samples, no container")]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// The latency in microseconds that the fraction `quantile` of all, 0 to 1, does not exceed.
    pub fn quantile_us(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e3
    }

    /// The longest, in microseconds.
    pub fn max_us(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }

    /// The histogram, for files.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }
}

/// What was recorded while messages went their way.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) latency: Latency,
    /// How late the generator itself was.
    pub(crate) lateness: Latency,
}

impl Recorded {
    pub(crate) fn new() -> Self {
        Recorded { latency: Latency::new(), lateness: Latency::new() }
    }

    pub(crate) fn add(&mut self, other: &Recorded) {
        self.latency.add(&other.latency);
        self.lateness.add(&other.lateness);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_both_halves() {
        let (mut a, mut b) = (Latency::new(), Latency::new());
        (1..=50).for_each(|us| a.record(us * 1000));
        (51..=100).for_each(|us| b.record(us * 1000));
        a.add(&b);
        assert_eq!(a.len(), 100);
        assert!((a.quantile_us(0.5) - 50.0).abs() < 0.2, "{}", a.quantile_us(0.5));
        assert!((a.max_us() - 100.0).abs() < 0.2);
    }
}
