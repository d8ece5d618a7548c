//! `conn`: many connections that come, stay, say that they live, vanish all at once and come back.

use crate::BenchFault;
use crate::bench::Bench;
use crate::connection::{Filters, Role, Spec};
use crate::measure::Measured;
use crate::packets::Session;
use crate::report::Report;
use crate::tally::Counter;
use crate::worker::Command;
use std::time::Duration;

/// PINGREQ without answer, of each worker.
const PINGS_AT_ONCE: usize = 16;

/// What is asked of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conn {
    /// How many.
    pub connections: usize,
    /// How long they do nothing.
    pub hold: Duration,
    /// How often all of them are cut and come back at once.
    pub storms: usize,
    /// Whether each has a subscription.
    pub subscribes: bool,
}

impl Conn {
    pub(super) fn run(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        if self.connections == 0 {
            return Err(BenchFault::Usage("--connections: write at least 1".to_owned()));
        }
        report.scenario = "conn";
        report.set("connections", &self.connections);
        report.set("subscribes", &self.subscribes);
        let before = bench.resident()?;
        let opened = self.open(bench)?;
        self.report_rate(&opened, ["connects_per_s", "server_cpu_us_per_connect"], report);
        let connected = bench.resident()?;
        report.memory(
            "resident_bytes_per_connection",
            before,
            connected,
            self.connections as u64,
            "connection",
        );
        self.hold(bench, report)?;
        self.ping(bench, report)?;
        for storm in 0..self.storms {
            if bench.look_for_interruption() {
                break;
            }
            let is_last = storm + 1 == self.storms;
            bench.close(|_| true, true, self.connections)?;
            let opened = self.open(bench)?;
            if is_last {
                let names = ["reconnects_per_s", "server_cpu_us_per_reconnect"];
                self.report_rate(&opened, names, report);
                report.change(
                    "resident_after_storm_percent",
                    connected,
                    bench.resident()?,
                    "before the storm",
                );
            }
        }
        // An orderly end would leave thousands of ports in TIME_WAIT, and slow down the next run.
        bench.close(|_| true, true, self.connections)?;
        report.change("resident_after_all_percent", before, bench.resident()?, "before all");
        Ok(())
    }

    fn open(self, bench: &mut Bench<'_>) -> Result<Measured, BenchFault> {
        let nonce = bench.nonce();
        let spec = |index: usize| {
            let filters =
                if self.subscribes { vec![format!("bench/{nonce:08x}/{index}")] } else { Vec::new() };
            let spec = Spec {
                client_id: format!("mb{nonce:08x}c{index}"),
                session: Session::Clean,
                filters: Filters::new(filters, bench.options.qos),
                role: Role::Idle,
            };
            (bench.worker(index), spec)
        };
        let specs = (0..self.connections).map(spec).collect();
        let begun = bench.snapshot()?;
        bench.open(specs)?;
        bench.since(&begun)
    }

    fn report_rate(self, measured: &Measured, [rate, cost]: [&'static str; 2], report: &mut Report) {
        let count = self.connections as u64;
        report.high(rate, measured.rate(count), "connects/s");
        if let Some(us) = measured.server_us_per(count) {
            report.low(cost, us, "µs of the server's CPU per connect");
        }
        measured.report_limits(report);
    }

    fn hold(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        let begun = bench.snapshot()?;
        bench.measure("holding connections", self.hold)?;
        let held = bench.since(&begun)?;
        if let Some(server) = held.server.filter(|_| !self.hold.is_zero()) {
            let percent = server.ran.as_secs_f64() / held.wall.as_secs_f64() * 100.0;
            report.low("server_idle_percent", percent, "% of a core while nothing happens");
        }
        Ok(())
    }

    fn ping(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        let begun = bench.snapshot()?;
        bench.tell_all(|| Command::Record);
        bench.tell_all(|| Command::Ping { at_once: PINGS_AT_ONCE });
        let all = bench.counts()[Counter::Ponged] + self.connections as u64;
        bench.wait("pinging", |counts| counts[Counter::Ponged] >= all)?;
        let pinged = bench.since(&begun)?;
        if let Some(us) = pinged.server_us_per(self.connections as u64) {
            report.low("server_cpu_us_per_ping", us, "µs of the server's CPU per PINGREQ");
        }
        report.latency(bench.take_recorded().latency);
        Ok(())
    }
}
