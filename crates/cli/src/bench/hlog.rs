//! Latencies as an HdrHistogram log, which the plotters and analysers of that format read.

use martlet_bench::Latency;
use martlet_bench::hdrhistogram::serialization::V2DeflateSerializer;
use martlet_bench::hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;
use std::time::{Duration, SystemTime};

/// One interval: all that was recorded, in nanoseconds; the maximum beside it is in milliseconds, as is usual.
pub(super) fn log(latency: &Latency, started: SystemTime, lasted: Duration) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment("martlet bench: latencies in nanoseconds").with_max_value_divisor(1e6);
    builder.with_start_time(started).with_base_time(started);
    let mut writer =
        builder.begin_log_with(&mut bytes, &mut serializer).map_err(|error| error.to_string())?;
    writer
        .write_histogram(latency.histogram(), Duration::ZERO, lasted, None)
        .map_err(|error| format!("{error:?}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use martlet_bench::hdrhistogram::Histogram;
    use martlet_bench::hdrhistogram::serialization::Deserializer;
    use martlet_bench::hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn a_log_is_read_back() {
        let mut latency = Latency::default();
        [1_000, 2_000, 9_000_000].into_iter().for_each(|ns| latency.record(ns));
        let bytes = log(&latency, SystemTime::UNIX_EPOCH, Duration::from_secs(3)).unwrap();
        let entries: Vec<_> = IntervalLogIterator::new(&bytes).map(|entry| entry.unwrap()).collect();
        let Some(LogEntry::Interval(interval)) = entries.last() else { panic!("{entries:?}") };
        assert_eq!(interval.duration(), Duration::from_secs(3));
        assert!((interval.max() - 9.0).abs() < 0.1, "{}", interval.max());
        let encoded = decode_base64(interval.encoded_histogram());
        let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut encoded.as_slice()).unwrap();
        assert_eq!(histogram.len(), 3);
        assert!((2_000..2_100).contains(&histogram.value_at_quantile(0.5)), "{histogram:?}");
    }

    fn decode_base64(text: &str) -> Vec<u8> {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
        for digit in text.bytes().filter_map(|c| DIGITS.iter().position(|digit| *digit == c)) {
            (bits, count) = (bits << 6 | digit as u32, count + 6);
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count) as u8);
            }
        }
        bytes
    }
}
