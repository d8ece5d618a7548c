//! Two moments of a run and what lies between them.

use crate::BenchFault;
use crate::latency::Recorded;
use crate::options::Options;
use crate::report::Report;
use crate::tally::{Counter, Counts};
use crate::usage::{Spent, Usage};
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Above this share of its threads' time, waiting for a core included, the generator may have been the limit.
const GENERATOR_BUSY: f64 = 0.9;
/// Below this share of a core, of its busiest thread and of waiting, the server was not.
const SERVER_BUSY: f64 = 0.8;
/// Above this share of the time, waiting for a core distorts rates and latencies.
const WAITED: f64 = 0.1;

/// Below this part of the rate that was asked for, it was not kept.
const KEPT: f64 = 0.98;

/// A moment.
#[derive(Clone)]
pub(crate) struct Snapshot {
    at: Instant,
    counts: Counts,
    server: Option<Usage>,
    generator: Duration,
    /// The same from the scheduler, which also knows how long its threads waited for a core.
    scheduled: Option<Usage>,
}

/// What happened between two moments.
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    pub(crate) counts: Counts,
    pub(crate) server: Option<Spent>,
    /// Processor time of this process.
    pub(crate) generator: Duration,
    generator_waited: Duration,
    threads: usize,
    /// The run was too short for a steady middle.
    is_short: bool,
}

impl Snapshot {
    pub(crate) fn take(server: Option<u32>, counts: Counts) -> Result<Self, BenchFault> {
        let server = server.map(Usage::of).transpose()?;
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let generator = Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or(0));
        // Where the system has no such numbers, waiting goes unnoticed.
        let scheduled = Usage::of(std::process::id()).ok();
        Ok(Snapshot { at: Instant::now(), counts, server, generator, scheduled })
    }

    pub(crate) fn since(&self, earlier: &Snapshot, threads: usize) -> Measured {
        let difference = |now: &Option<Usage>, then: &Option<Usage>| {
            now.as_ref().zip(then.as_ref()).map(|(now, then)| now.since(then))
        };
        let scheduled = difference(&self.scheduled, &earlier.scheduled);
        Measured {
            wall: self.at - earlier.at,
            counts: self.counts.since(&earlier.counts),
            server: difference(&self.server, &earlier.server),
            generator: self.generator.saturating_sub(earlier.generator),
            generator_waited: scheduled.map_or(Duration::ZERO, |spent| spent.waited),
            threads,
            is_short: false,
        }
    }
}

impl Measured {
    /// Says that start and end are part of it.
    pub(crate) fn all_of_it(mut self) -> Self {
        self.is_short = true;
        self
    }

    /// So many per second.
    pub(crate) fn rate(&self, count: u64) -> f64 {
        count as f64 / self.wall.as_secs_f64().max(1e-9)
    }

    /// Microseconds of the server's processor time for each of `count`; the same number as seconds per million.
    pub(crate) fn server_us_per(&self, count: u64) -> Option<f64> {
        self.server.map(|spent| us_per(spent.ran, count))
    }

    /// The figures that every scenario with messages has.
    pub(crate) fn report_traffic(&self, report: &mut Report) {
        let delivered = self.counts[Counter::Delivered];
        report.high("published_per_s", self.rate(self.counts[Counter::Published]), "messages/s published");
        report.high("delivered_per_s", self.rate(delivered), "messages/s delivered");
        if let Some(cost) = self.server_us_per(delivered) {
            report.low("server_cpu_s_per_million", cost, "s of the server's CPU per million deliveries");
        }
        report.tell(
            "generator_cpu_s_per_million",
            us_per(self.generator, delivered),
            "s of the generator's CPU per million deliveries",
        );
        self.report_load(report);
    }

    /// Latencies, where they were recorded, and whether a rate that was asked for was kept.
    pub(crate) fn report_pace(&self, options: &Options, recorded: Option<Recorded>, report: &mut Report) {
        if let Some(recorded) = recorded {
            report.latency(recorded.latency);
            report.lateness(&recorded.lateness);
        }
        if options.rate.is_some_and(|rate| self.rate(self.counts[Counter::Published]) < rate * KEPT) {
            report.remark("the rate was not kept: the server, or the generator, could not".to_owned());
        }
    }

    /// How busy both sides were, and what that means for the other figures.
    pub(crate) fn report_load(&self, report: &mut Report) {
        let share = |time: Duration| time.as_secs_f64() / self.wall.as_secs_f64().max(1e-9);
        let generator = share(self.generator) / self.threads as f64;
        let percent = |share: f64| share * 100.0;
        if let Some(server) = &self.server {
            report.tell("server_busy_percent", percent(share(server.ran)), "% of a core, the server");
            let busiest = percent(share(server.busiest));
            report.tell("server_busiest_thread_percent", busiest, "% of a core, the server's busiest thread");
            let waited = percent(share(server.waited));
            report.tell("server_waited_percent", waited, "% of the time, the server waited for a core");
        }
        report.tell("generator_busy_percent", percent(generator), "% of its threads' time, the generator");
        report.tell("measured_s", self.wall.as_secs_f64(), "s measured");
        self.report_limits(report);
    }

    /// What stood in the way of better figures, besides the server.
    pub(crate) fn report_limits(&self, report: &mut Report) {
        let share = |time: Duration| time.as_secs_f64() / self.wall.as_secs_f64().max(1e-9);
        let generator = share(self.generator + self.generator_waited) / self.threads as f64;
        if self.is_short {
            let remark = "too short for a steady middle: start and end are part of the figures";
            report.remarks.push(remark.to_owned());
        }
        let is_limit = generator > GENERATOR_BUSY;
        match &self.server {
            Some(server) if is_limit && share(server.busiest + server.waited) < SERVER_BUSY => {
                report
                    .remark("the generator was the limit: rates are its own; try more --threads".to_owned());
            }
            None if is_limit => {
                report.remark("the generator may have been the limit: --pid would tell".to_owned());
            }
            _ => {}
        }
        if self.server.is_some_and(|server| share(server.waited) > WAITED) {
            let remark = "the server had to wait for a core for more than a tenth of the time: rates and latencies suffer from that, CPU figures do not";
            report.remark(remark.to_owned());
        }
    }
}

fn us_per(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / count.max(1) as f64
}

/// What a server must not do, from the counts of a whole run.
pub(crate) fn verify(counts: &Counts, expected: u64, report: &mut Report) {
    let distinct = counts[Counter::Delivered] - counts[Counter::Duplicated];
    let lost = expected.saturating_sub(distinct);
    let faults = [
        ("lost", lost, "messages lost"),
        ("duplicated", counts[Counter::Duplicated], "messages delivered more than once"),
        ("reordered", counts[Counter::Reordered], "messages delivered out of order"),
        ("refused", counts[Counter::Refused], "messages refused"),
    ];
    report.tell("expected", expected as f64, "deliveries expected, start and end included");
    for (name, count, words) in faults {
        report.low(name, count as f64, words);
        if count > 0 {
            report.failures.push(format!("{count} {words} of {expected}"));
        }
    }
    if counts[Counter::Foreign] > 0 {
        report.remarks.push(format!("{} messages came that are not of this run", counts[Counter::Foreign]));
    }
    if counts[Counter::Stalled] > 0 {
        let times = counts[Counter::Stalled];
        report
            .remarks
            .push(format!("{times} times a publisher went on without deliveries that did not come"));
    }
}
