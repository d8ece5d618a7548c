//! `patterns`: how long a client waits for its answer, for each of the ways in which clients write their packets, with
//! Nagle's algorithm and without.
//!
//! One exchange after the other, over blocking sockets: what is measured is who waits for whom, not throughput. A system
//! that delays the acknowledgement of TCP segments shows as 40 ms and more.

mod client;
mod list;

use crate::BenchFault;
use crate::bench::Bench;
use crate::latency::Latency;
use crate::options::{Extent, Options};
use crate::report::Report;
use client::Client;
use list::{PATTERNS, Pattern};
use martlet_net::Address;
use std::fmt::Write as _;
use std::time::Instant;

/// Rounds of each pattern that come before those that are recorded.
const WARM_UP: u16 = 2;
/// Rounds of a pattern at most: each has packet ids of its own.
const ROUNDS_MAX: u16 = 6000;

/// How often each is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patterns {
    /// Exchanges that are recorded of each pattern.
    pub rounds: u16,
}

/// Two clients of one broker, and where they are in a pattern.
struct Scene<'a> {
    options: &'a Options,
    /// A topic that nobody else has.
    topic: String,
    has_nagle: bool,
    /// The client that is measured.
    client: Client,
    /// One that takes part where a pattern needs two.
    other: Client,
    /// The packet id of a message that is not acknowledged yet.
    unacknowledged: Option<[u8; 2]>,
}

impl Patterns {
    pub(super) fn run(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        self.check(bench.options)?;
        report.scenario = "patterns";
        report.set("rounds", &self.rounds);
        let mut table = format!("{:>61} {:>29}\n", "with Nagle's algorithm, µs", "without, µs");
        table += &format!("{:34}{:>9}{:>9}{:>9} ", "", "median", "p99", "longest");
        table += &format!("{:>9} {:>9} {:>9}\n", "median", "p99", "longest");
        for (number, pattern) in PATTERNS.iter().enumerate() {
            if number > 0 && bench.look_for_interruption() {
                break;
            }
            bench.progress(pattern.words, &format!("{} of {}", number + 1, PATTERNS.len()));
            let _ = write!(table, "{:34}", pattern.words);
            for (has_nagle, names) in [true, false].into_iter().zip(&pattern.figures) {
                let topic = format!("bench/{:08x}/{number}/{has_nagle}", bench.nonce());
                let latency = self.measure(bench.options, pattern, topic, has_nagle)?;
                let values = [latency.quantile_us(0.5), latency.quantile_us(0.99), latency.max_us()];
                let nagle = if has_nagle { "with" } else { "without" };
                let kinds = ["median", "99 % below", "at most"];
                for ((name, value), kind) in names.iter().zip(values).zip(kinds) {
                    let unit = format!("µs for {}, {nagle} Nagle's algorithm: {kind}", pattern.words);
                    if kind == "at most" {
                        report.tell(name, value, unit);
                    } else {
                        report.low(name, value, unit);
                    }
                    let _ = write!(table, "{value:>9.0} ");
                }
            }
            table.truncate(table.trim_end().len());
            table.push('\n');
        }
        report.table = Some(table);
        Ok(())
    }

    fn check(self, options: &Options) -> Result<(), BenchFault> {
        let usage = |text: &str| Err(BenchFault::Usage(text.to_owned()));
        match (&options.url.endpoint.address, options.extent) {
            _ if self.rounds == 0 || self.rounds > ROUNDS_MAX => {
                usage("--rounds: write a number from 1 to 6000")
            }
            (_, Extent::Messages(_)) => usage("--messages: patterns go by --rounds"),
            (Address::Unix(_), _) => {
                usage("--broker: patterns are about TCP; a Unix socket has no such delays")
            }
            _ => Ok(()),
        }
    }

    fn measure(
        self,
        options: &Options,
        pattern: &Pattern,
        topic: String,
        has_nagle: bool,
    ) -> Result<Latency, BenchFault> {
        let client = Client::connect(options, &format!("{topic}/client"), has_nagle)?;
        let other = Client::connect(options, &format!("{topic}/other"), has_nagle)?;
        let mut scene = Scene { options, topic, has_nagle, client, other, unacknowledged: None };
        (pattern.begin)(&mut scene)?;
        let mut latency = Latency::new();
        for round in 1..=WARM_UP + self.rounds {
            let begun = Instant::now();
            (pattern.round)(&mut scene, round)?;
            if round > WARM_UP {
                latency.record(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
            }
        }
        scene.client.end()?;
        scene.other.end()?;
        Ok(latency)
    }
}
