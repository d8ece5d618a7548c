//! `crowd`: what SUBSCRIBE and UNSUBSCRIBE cost where many sessions have the same filter, against where one has it.
//!
//! The many are sessions whose clients are away: a few connections at a time are enough to make them.

use crate::BenchFault;
use crate::bench::Bench;
use crate::connection::{Filters, Role, Spec};
use crate::fickle::Fickle;
use crate::measure::Measured;
use crate::packets::Session;
use crate::report::Report;
use crate::tally::Counter;
use std::ops::Range;
use std::time::Duration;

/// Connections at a time: fewer than any system allows files.
const BATCH: usize = 500;
/// Both filters are measured in turn, so often.
const SLICES: u64 = 10;
/// SUBSCRIBE and UNSUBSCRIBE in each slice.
const TIMES_PER_SLICE: u64 = 2000;

/// How many have the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// Sessions that have subscribed to it.
    pub sessions: usize,
}

/// What was measured of one filter.
#[derive(Default)]
struct Sum {
    times: u64,
    wall: Duration,
    server: Option<Duration>,
}

impl Crowd {
    pub(super) fn run(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        if self.sessions == 0 {
            return Err(BenchFault::Usage("--sessions: write at least 1".to_owned()));
        }
        let mut begun = 0;
        let outcome = self.measure(bench, report, &mut begun);
        bench.clean_up_after(outcome, |bench| remove_sessions(bench, begun))
    }

    /// `begun`: sessions that the server may have.
    fn measure(
        self,
        bench: &mut Bench<'_>,
        report: &mut Report,
        begun: &mut usize,
    ) -> Result<(), BenchFault> {
        report.scenario = "crowd";
        report.set("sessions", &self.sessions);
        let prefix = format!("bench/{:08x}", bench.nonce());
        let (alone, crowded) = (format!("{prefix}/alone"), format!("{prefix}/crowd"));
        // The first session is the one that another filter has.
        let filters = |index| vec![if index == 0 { &alone } else { &crowded }.clone()];
        for first in (0..=self.sessions).step_by(BATCH) {
            let batch = first..(first + BATCH).min(self.sessions + 1);
            *begun = batch.end;
            connect(bench, "subscribing to one filter", Session::Kept, batch, filters)?;
        }
        bench.forget();
        let mut sums = [Sum::default(), Sum::default()];
        let outcome = in_turn([&alone, &crowded], &mut sums, bench);
        if sums.iter().all(|sum| sum.times > 0) {
            tell(&sums, report);
        }
        outcome?;
        remove_sessions(bench, *begun)
    }
}

/// A clean session discards the one that was kept.
fn remove_sessions(bench: &mut Bench<'_>, count: usize) -> Result<(), BenchFault> {
    (0..count).step_by(BATCH).try_for_each(|first| {
        let batch = first..(first + BATCH).min(count);
        connect(bench, "removing sessions", Session::Clean, batch, |_| Vec::new())
    })
}

/// Connects the sessions of these numbers, and leaves without a word.
fn connect(
    bench: &mut Bench<'_>,
    doing: &str,
    session: Session,
    batch: Range<usize>,
    filters: impl Fn(usize) -> Vec<String>,
) -> Result<(), BenchFault> {
    let (nonce, opened) = (bench.nonce(), batch.len());
    let spec = |index: usize| {
        let spec = Spec {
            client_id: format!("mb{nonce:08x}c{index}"),
            session,
            filters: Filters::new(filters(index), bench.options.qos),
            role: Role::Idle,
        };
        (bench.worker(index), spec)
    };
    let specs: Vec<_> = batch.map(spec).collect();
    bench.open_while(doing, specs)?;
    bench.close(|_| true, true, opened)
}

/// Measures both filters in turn; the first time warms up.
fn in_turn(filters: [&String; 2], sums: &mut [Sum; 2], bench: &mut Bench<'_>) -> Result<(), BenchFault> {
    for slice in 0..=SLICES {
        for (filter, sum) in filters.into_iter().zip(&mut *sums) {
            let (measured, times) = subscribe(bench, filter)?;
            if slice > 0 {
                sum.add(&measured, times);
            }
        }
    }
    Ok(())
}

/// One client subscribes and unsubscribes for a slice of the run; how often it did.
fn subscribe(bench: &mut Bench<'_>, filter: &str) -> Result<(Measured, u64), BenchFault> {
    let options = bench.options;
    let (fickle, times) = Fickle::new(options.version, filter, options.qos, TIMES_PER_SLICE);
    let spec = Spec {
        client_id: format!("mb{:08x}f", bench.nonce()),
        session: Session::Clean,
        filters: Filters::none(),
        role: Role::Fickle(Box::new(fickle)),
    };
    let all = bench.counts()[Counter::Unsubscribed] + times;
    let begun = bench.snapshot()?;
    bench.open(vec![(0, spec)])?;
    bench.wait("subscribing and unsubscribing", |counts| counts[Counter::Unsubscribed] >= all)?;
    let measured = bench.since(&begun)?;
    bench.close(|_| true, false, 1)?;
    Ok((measured, times))
}

impl Sum {
    fn add(&mut self, measured: &Measured, times: u64) {
        self.times += times;
        self.wall += measured.wall;
        let ran = measured.server.map(|server| server.ran);
        self.server = ran.map(|ran| ran + self.server.unwrap_or_default());
    }

    fn us_each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.times.max(1) as f64
    }

    fn server_us(&self) -> Option<f64> {
        self.server.map(|ran| self.us_each(ran)).filter(|us| *us > 0.0)
    }
}

fn tell([alone, crowded]: &[Sum; 2], report: &mut Report) {
    let words = "µs for SUBSCRIBE and UNSUBSCRIBE";
    report.low("alone_us", alone.us_each(alone.wall), format!("{words}, one other has the filter"));
    report.low("crowded_us", crowded.us_each(crowded.wall), format!("{words}, all others have it"));
    if let Some((alone, crowded)) = alone.server_us().zip(crowded.server_us()) {
        let words = "µs of the server's CPU for SUBSCRIBE and UNSUBSCRIBE";
        report.low("server_cpu_us_alone", alone, format!("{words}, one other has the filter"));
        report.low("server_cpu_us_crowded", crowded, format!("{words}, all others have it"));
        report.low("crowded_by_alone", crowded / alone, "times the CPU where all others have the filter");
    }
}
