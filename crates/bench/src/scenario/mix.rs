//! `mix` and `soak`: several kinds of traffic beside each other, by the clock; `soak` tells every so often how it goes.

use super::part::Part;
use super::steady::steady;
use super::traffic::Traffic;
use crate::BenchFault;
use crate::bench::Bench;
use crate::latency::Recorded;
use crate::measure::{Measured, verify};
use crate::options::{Extent, Options};
use crate::report::Report;
use crate::tally::Counter;
use crate::usage::resident_bytes;
use crate::worker::Command;
use martlet_codec::QoSLevel;
use std::time::{Duration, Instant};

/// One kind of traffic in a mix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ingredient {
    /// Who hears whom.
    pub traffic: Traffic,
    /// Of messages and subscriptions.
    pub qos: QoSLevel,
    /// Its part of the rate, by the sum of all weights.
    pub weight: f64,
}

/// What runs beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// At least one.
    pub ingredients: Vec<Ingredient>,
    /// How often it is told how it goes; a mix that is only measured if never.
    pub told_every: Option<Duration>,
}

impl Mix {
    pub(super) fn run(&self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        self.check(bench.options)?;
        report.scenario = if self.told_every.is_some() { "soak" } else { "mix" };
        let parts: Vec<String> = self.ingredients.iter().map(Ingredient::describe).collect();
        report.set("parts", &parts.join(","));
        report.set("rate", &bench.options.rate.unwrap_or_default());
        let connections = self.open(bench)?;
        let (measured, recorded) = match self.told_every {
            None => {
                let shares = self
                    .ingredients
                    .iter()
                    .map(|one| self.share(one, bench.options).messages() * one.traffic.receivers() as u64);
                let deliveries = shares.sum();
                (steady(bench, true, deliveries)?, bench.take_recorded())
            }
            Some(every) => soak(bench, every, report)?,
        };
        bench.drain()?;
        measured.report_traffic(report);
        measured.report_pace(bench.options, Some(recorded), report);
        let counts = bench.counts();
        verify(&counts, counts[Counter::Expected], report);
        bench.close(|_| true, false, connections)?;
        Ok(())
    }

    fn check(&self, options: &Options) -> Result<(), BenchFault> {
        let usage = |text: &str| Err(BenchFault::Usage(text.to_owned()));
        if options.rate.is_none() {
            return usage("--rate: a mix goes by the clock");
        }
        if self.told_every.is_some() && !matches!(options.extent, Extent::Time(_)) {
            return usage("--messages: a soak has a time instead, --seconds");
        }
        if self.told_every.is_some_and(|every| every < Duration::from_millis(10)) {
            return usage("--every: write 0.01 seconds or more");
        }
        if self.ingredients.is_empty() || !self.ingredients.iter().all(|one| one.weight > 0.0) {
            return usage("--part: there must be one, and weights are more than 0");
        }
        if self.ingredients.iter().any(|one| matches!(one.traffic, Traffic::RoundTrips { .. })) {
            return usage("--part: rr cannot go by the clock");
        }
        self.ingredients.iter().try_for_each(|one| one.traffic.check())
    }

    /// The options for one of them: its QoS, and its part of the rate and of the messages.
    fn share(&self, of: &Ingredient, options: &Options) -> Options {
        let weights: f64 = self.ingredients.iter().map(|one| one.weight).sum();
        let part = of.weight / weights;
        let extent = match options.extent {
            Extent::Messages(all) => Extent::Messages((all as f64 * part).round() as u64),
            time @ Extent::Time(_) => time,
        };
        Options { qos: of.qos, rate: options.rate.map(|rate| rate * part), extent, ..options.clone() }
    }

    /// Opens all connections; how many they are.
    fn open(&self, bench: &mut Bench<'_>) -> Result<usize, BenchFault> {
        let (mut first_flow, mut connections, mut publishers) = (0, 0, Vec::new());
        for (index, one) in self.ingredients.iter().enumerate() {
            let options = self.share(one, bench.options);
            let part = Part::of_several(bench, one.traffic, options, index, first_flow);
            let flows = part.flows(bench);
            first_flow += flows.len();
            connections += one.traffic.publishers() + one.traffic.subscribers();
            bench.open(part.subscribers(bench, &flows))?;
            publishers.extend(part.publishers(bench, &flows));
        }
        bench.open(publishers)?;
        Ok(connections)
    }
}

impl Ingredient {
    fn describe(&self) -> String {
        format!("{}@{}={}", self.traffic.name(), self.qos as u8, self.weight)
    }
}

/// Publishes for the whole time, and tells after each interval what happened in it.
fn soak(
    bench: &mut Bench<'_>,
    every: Duration,
    report: &mut Report,
) -> Result<(Measured, Recorded), BenchFault> {
    let Extent::Time(time) = bench.options.extent else { unreachable!("checked before anything was opened") };
    report.set("seconds", &time.as_secs_f64());
    let (begun_at, begun) = (Instant::now(), bench.snapshot()?);
    let (mut all, mut last, mut first_bytes, mut last_bytes) = (Recorded::new(), begun.clone(), None, None);
    bench.tell_all(|| Command::Record);
    bench.tell_all(|| Command::Publish);
    loop {
        let left = time.saturating_sub(begun_at.elapsed());
        if left.is_zero() || bench.is_interrupted() {
            break;
        }
        bench.measure("soaking", left.min(every))?;
        let recorded = bench.take_recorded();
        bench.tell_all(|| Command::Record);
        let now = bench.snapshot()?;
        last_bytes = bench.options.pid.map(resident_bytes).transpose()?;
        first_bytes = first_bytes.or(last_bytes);
        let since = now.since(&last, bench.options.threads);
        bench.say(&line(begun_at.elapsed(), &since, &recorded, last_bytes, &bench.counts()));
        all.add(&recorded);
        last = now;
    }
    report.change("resident_end_percent", first_bytes, last_bytes, "after the first interval");
    Ok((last.since(&begun, bench.options.threads), all))
}

/// What happened in an interval, and what has gone wrong so far.
fn line(
    at: Duration,
    since: &Measured,
    recorded: &Recorded,
    resident: Option<u64>,
    counts: &crate::tally::Counts,
) -> String {
    let seconds = at.as_secs();
    let mut line = format!(
        "{}:{:02}:{:02}  {:.0} messages/s delivered",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        since.rate(since.counts[Counter::Delivered])
    );
    if let Some(server) = since.server {
        let percent = server.ran.as_secs_f64() / since.wall.as_secs_f64().max(1e-9) * 100.0;
        line += &format!("  cpu {percent:.1} %");
    }
    if let Some(bytes) = resident {
        line += &format!("  rss {:.1} MiB", bytes as f64 / f64::from(1 << 20));
    }
    let lost = counts[Counter::Skipped].saturating_sub(counts[Counter::Reordered]);
    line + &format!(
        "  p99 {:.0} µs  lost {lost}  twice {}  out of order {}  refused {}",
        recorded.latency.quantile_us(0.99),
        counts[Counter::Duplicated],
        counts[Counter::Reordered],
        counts[Counter::Refused],
    )
}
