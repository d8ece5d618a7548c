//! Traffic that runs for a while: what is measured is the middle of it.

use crate::BenchFault;
use crate::bench::Bench;
use crate::measure::Measured;
use crate::options::Extent;
use crate::tally::{Counter, Counts};
use crate::worker::Command;
use std::time::Duration;

/// Publishes, and measures the steady middle of it; `deliveries` are to be expected where messages are counted.
pub(super) fn steady(bench: &mut Bench<'_>, records: bool, deliveries: u64) -> Result<Measured, BenchFault> {
    let first = bench.snapshot()?;
    bench.tell_all(|| Command::Publish);
    let record = |bench: &Bench<'_>| {
        if records {
            bench.tell_all(|| Command::Record);
        }
    };
    match bench.options.extent {
        Extent::Time(time) => {
            let warm_up = (time / 5).clamp(Duration::from_millis(200), Duration::from_secs(2));
            bench.measure("warming up", warm_up)?;
            if bench.is_interrupted() {
                return bench.since(&first).map(Measured::all_of_it);
            }
            record(bench);
            let begun = bench.snapshot()?;
            bench.measure("measuring", time)?;
            bench.since(&begun)
        }
        Extent::Messages(_) => {
            let at_least = |part: u64| move |counts: &Counts| counts[Counter::Delivered] >= part;
            let still = bench.options.patience;
            bench.measure_while("warming up", still, at_least(deliveries / 10))?;
            if bench.is_interrupted() {
                return bench.since(&first).map(Measured::all_of_it);
            }
            record(bench);
            let begun = bench.snapshot()?;
            bench.measure_while("measuring", still, at_least(deliveries - deliveries / 10))?;
            let measured = bench.since(&begun)?;
            let is_short =
                measured.wall < Duration::from_millis(100) || measured.counts[Counter::Delivered] == 0;
            if is_short { bench.since(&first).map(Measured::all_of_it) } else { Ok(measured) }
        }
    }
}
