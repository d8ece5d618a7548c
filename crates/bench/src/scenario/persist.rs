//! `persist`: messages for sessions whose clients are away, and what happens when these come back.

use super::retained::report_side;
use crate::BenchFault;
use crate::bench::Bench;
use crate::block::{Numbers, Template, Topics};
use crate::connection::{Filters, Inbound, Role, Spec, Subscriber};
use crate::flow::{Flow, Spread};
use crate::measure::{Measured, verify};
use crate::packets::Session;
use crate::publisher::Publisher;
use crate::report::Report;
use crate::tally::Counter;
use crate::tracker::Tracker;
use crate::worker::Command;
use std::sync::Arc;

/// Messages in a window where none is asked for.
const WINDOW: u64 = 256;

/// How much is queued, for how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persist {
    /// Sessions whose clients are away.
    pub sessions: usize,
    /// Messages for each; rounded down to a multiple of the publishers.
    pub queued: usize,
    /// Connections that publish them.
    pub publishers: usize,
}

impl Persist {
    pub(super) fn run(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        self.check(bench)?;
        let outcome = self.measure(bench, report);
        bench.clean_up_after(outcome, |bench| self.remove_sessions(bench))
    }

    fn measure(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        report.scenario = "persist";
        let count = self.each() * (self.sessions * self.publishers) as u64;
        report.set("sessions", &self.sessions);
        report.set("queued", &count);
        report.set("publishers", &self.publishers);
        self.open_sessions(bench, Session::Kept)?;
        bench.close(|_| true, false, self.sessions)?;
        let before = bench.resident()?;
        let filled = self.fill(bench, count)?;
        report_side(&filled, count, ["queued_per_s", "queue_cpu_s_per_million"], report);
        filled.report_limits(report);
        report.memory("resident_bytes_per_message", before, bench.resident()?, count, "queued message");
        let drained = self.drain(bench, count)?;
        report_side(&drained, count, ["drained_per_s", "drain_cpu_s_per_million"], report);
        drained.report_load(report);
        verify(&bench.counts(), count, report);
        bench.close(|_| true, false, self.sessions)?;
        self.remove_sessions(bench)?;
        report.change("resident_after_all_percent", before, bench.resident()?, "before all");
        Ok(())
    }

    /// A clean session discards the one that was kept.
    fn remove_sessions(self, bench: &mut Bench<'_>) -> Result<(), BenchFault> {
        self.open_sessions(bench, Session::Clean)?;
        bench.close(|_| true, false, self.sessions)
    }

    fn check(self, bench: &Bench<'_>) -> Result<(), BenchFault> {
        if !bench.options.is_acknowledged() {
            return Err(BenchFault::Usage("--qos: messages are queued with QoS 1 or 2".to_owned()));
        }
        if self.sessions == 0 || self.publishers == 0 || self.each() == 0 {
            let text =
                "there must be a session, a publisher, and a message of each publisher for each session";
            return Err(BenchFault::Usage(text.to_owned()));
        }
        Ok(())
    }

    /// Messages of each publisher for each session.
    fn each(self) -> u64 {
        (self.queued / self.publishers) as u64
    }

    fn open_sessions(self, bench: &mut Bench<'_>, session: Session) -> Result<(), BenchFault> {
        let nonce = bench.nonce();
        let inbound = |_| {
            let inbound = |flow: usize| Inbound {
                flow: Arc::new(Flow::new(flow as u32, 0, Spread::All, 1)),
                slot: 0,
                tracker: Tracker::ordered(),
            };
            (0..self.publishers).map(inbound).collect()
        };
        let spec = |index: usize| {
            let filter = format!("bench/{nonce:08x}/{index:08}/q");
            let filters = if session == Session::Kept { vec![filter] } else { Vec::new() };
            let spec = Spec {
                client_id: format!("mb{nonce:08x}s{index}"),
                session,
                filters: Filters::new(filters, bench.options.qos),
                role: Role::Subscriber(Subscriber { first_flow: 0, inbound: inbound(index) }),
            };
            (bench.worker(index), spec)
        };
        let specs = (0..self.sessions).map(spec).collect();
        bench.open(specs)
    }

    fn fill(self, bench: &mut Bench<'_>, count: u64) -> Result<Measured, BenchFault> {
        let specs = (0..self.publishers).map(|index| self.publisher(bench, index)).collect();
        bench.open(specs)?;
        let begun = bench.snapshot()?;
        bench.tell_all(|| Command::Publish);
        bench.wait("filling queues", |counts| counts[Counter::Acknowledged] >= count)?;
        let measured = bench.since(&begun)?;
        bench.tell_all(|| Command::Stop);
        bench.close(|_| true, false, self.publishers)?;
        Ok(measured)
    }

    fn publisher(self, bench: &Bench<'_>, index: usize) -> (usize, Spec) {
        let (nonce, options, worker) = (bench.nonce(), bench.options, bench.worker(index));
        let lanes = self.sessions as u64;
        let template = Template {
            version: options.version,
            qos: options.qos,
            retain: false,
            topics: Topics {
                prefix: format!("bench/{nonce:08x}/"),
                numbers: Some(Numbers { lanes, rounds: 1, step: 0 }),
                suffix: "/q".into(),
            },
            payload_len: options.payload_len,
            flow: index as u32,
            nonce,
        };
        let flow = Arc::new(Flow::new(index as u32, worker, Spread::All, 0));
        let (window, quota) = (options.window.unwrap_or(WINDOW), self.each() * lanes);
        let role = Role::Publisher(Box::new(Publisher::new(&template, flow, window, quota)));
        let client_id = format!("mb{nonce:08x}p{index}");
        (worker, Spec { client_id, session: Session::Clean, filters: Filters::none(), role })
    }

    /// All come back at once, and take what is theirs.
    fn drain(self, bench: &mut Bench<'_>, count: u64) -> Result<Measured, BenchFault> {
        let begun = bench.snapshot()?;
        self.open_sessions(bench, Session::Resumed)?;
        let patience = bench.options.patience;
        bench.wait_still("draining queues", patience, |counts| {
            counts[Counter::Delivered] - counts[Counter::Duplicated] >= count
        })?;
        bench.since(&begun)
    }
}
