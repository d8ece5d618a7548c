//! `replay`: how long one client's messages wait while another one reads all that is retained.
//!
//! Reader and measured client are in different threads, so that the delays are the server's. What it is compared with
//! is the same client with nobody reading, for as long: no machine is without delays.

use super::background::reader;
use super::part::Part;
use super::{Background, Traffic};
use crate::BenchFault;
use crate::bench::Bench;
use crate::connection::Role;
use crate::latency::Latency;
use crate::measure::verify;
use crate::options::Extent;
use crate::report::Report;
use crate::tally::Counter;
use crate::worker::Command;
use std::time::{Duration, Instant};

const ALONE: Traffic = Traffic::RoundTrips { pairs: 1 };
/// Before anything is recorded, and behind a reading for a message that it has delayed.
const PAUSE: Duration = Duration::from_millis(100);

/// How much is read, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Retained messages.
    pub retained: usize,
    /// Times that they are all read.
    pub reads: usize,
}

impl Replay {
    pub(super) fn run(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        let background = Background { retained: self.retained, ..Background::default() };
        self.check(bench)?;
        background.check(bench.options, ALONE.publishers() + ALONE.subscribers())?;
        report.scenario = "replay";
        report.set("retained", &self.retained);
        report.set("reads", &self.reads);
        let outcome = self.measure(background, bench, report);
        bench.clean_up_after(outcome, |bench| background.clean_up(bench))
    }

    fn measure(
        self,
        background: Background,
        bench: &mut Bench<'_>,
        report: &mut Report,
    ) -> Result<(), BenchFault> {
        background.set_up(bench)?;
        let part = Part::only(bench, ALONE);
        let flows = part.flows(bench);
        bench.open(part.subscribers(bench, &flows))?;
        bench.open(part.publishers(bench, &flows))?;
        bench.tell_all(|| Command::Publish);
        bench.pass("warming up", PAUSE)?;
        let (mut reading, mut quiet, begun) = (Latency::new(), Latency::new(), bench.snapshot()?);
        for read in 0..self.reads {
            match self.read_and_rest(bench) {
                Ok(latencies) => {
                    reading.add(&latencies[0]);
                    quiet.add(&latencies[1]);
                }
                Err(BenchFault::Interrupted) if read > 0 => break, // the readings before are worth having
                Err(fault) => return Err(fault),
            }
        }
        let measured = bench.since(&begun)?;
        bench.drain()?;
        let delays = [&reading, &quiet].map(|latency| latency.max_us() / 1e3);
        report.low("reading_latency_max_ms", delays[0], "ms latency at most while another client reads all");
        report.low("quiet_latency_max_ms", delays[1], "ms latency at most while nobody does");
        report.latency(reading);
        measured.report_load(report);
        let counts = bench.counts();
        verify(&counts, counts[Counter::Expected], report);
        bench.close(|_| true, false, ALONE.publishers() + ALONE.subscribers())?;
        background.tear_down(bench)?;
        Ok(())
    }

    fn check(self, bench: &Bench<'_>) -> Result<(), BenchFault> {
        let usage = |text: &str| Err(BenchFault::Usage(text.to_owned()));
        if self.retained == 0 || self.reads == 0 {
            return usage("there must be a retained message, and somebody who reads it");
        }
        if bench.options.threads < 2 {
            return usage("--threads: replay needs 2, so that who reads does not delay who measures");
        }
        match bench.options.extent {
            Extent::Messages(_) => usage("--messages: a replay lasts as long as the reading"),
            Extent::Time(_) => Ok(()),
        }
    }

    /// Latencies while a client reads everything, and for as long while nobody does.
    fn read_and_rest(self, bench: &mut Bench<'_>) -> Result<[Latency; 2], BenchFault> {
        let begun = Instant::now();
        let reading = self.read(bench)?;
        Ok([reading, rest(bench, begun.elapsed())?])
    }

    /// A client reads everything; the latencies of the other one meanwhile.
    fn read(self, bench: &mut Bench<'_>) -> Result<Latency, BenchFault> {
        let all = bench.counts()[Counter::Read] + self.retained as u64;
        let reader = reader(bench, bench.options.threads - 1, Background::all_retained(bench.nonce()));
        bench.tell_all(|| Command::Record);
        bench.open(vec![reader])?;
        bench.wait("reading retained messages", |counts| counts[Counter::Read] >= all)?;
        bench.pass("reading retained messages", PAUSE)?;
        let recorded = bench.take_recorded();
        bench.close(|role| matches!(role, Role::Reader), false, 1)?;
        Ok(recorded.latency)
    }
}

/// Nobody reads.
fn rest(bench: &mut Bench<'_>, time: Duration) -> Result<Latency, BenchFault> {
    bench.tell_all(|| Command::Record);
    bench.pass("measuring without a reader", time)?;
    Ok(bench.take_recorded().latency)
}
