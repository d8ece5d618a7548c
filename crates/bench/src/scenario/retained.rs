//! `retained`: many retained messages are stored, and read by one wildcard subscription; then they are removed.

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

/// How much is retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Topics, each with a message.
    pub topics: usize,
    /// Connections that store them.
    pub publishers: usize,
}

impl Retained {
    pub(super) fn run(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        if self.publishers == 0 || self.each() == 0 {
            let text = "there must be a publisher, and a topic for each publisher";
            return Err(BenchFault::Usage(text.to_owned()));
        }
        let outcome = self.measure(bench, report);
        bench.clean_up_after(outcome, |bench| self.publish(bench, 0).map(drop))
    }

    fn measure(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        report.scenario = "retained";
        let count = self.each() * self.publishers as u64;
        report.set("topics", &count);
        report.set("publishers", &self.publishers);
        let before = bench.resident()?;
        let stored = self.publish(bench, bench.options.payload_len)?;
        report_side(&stored, count, ["stored_per_s", "store_cpu_s_per_million"], report);
        report.memory("resident_bytes_per_message", before, bench.resident()?, count, "retained message");
        let read = self.read(bench, count)?;
        report_side(&read, count, ["read_per_s", "read_cpu_s_per_million"], report);
        read.report_load(report);
        verify(&bench.counts(), count, report);
        self.publish(bench, 0)?;
        report.change("resident_after_all_percent", before, bench.resident()?, "before all");
        Ok(())
    }

    fn each(self) -> u64 {
        (self.topics / self.publishers) as u64
    }

    /// Publishes to all topics; an empty payload removes what is retained.
    fn publish(self, bench: &mut Bench<'_>, payload_len: usize) -> Result<Measured, BenchFault> {
        let specs = (0..self.publishers).map(|index| self.publisher(bench, index, payload_len)).collect();
        bench.open(specs)?;
        let begun = bench.snapshot()?;
        let published = bench.counts()[Counter::Published] + self.each() * self.publishers as u64;
        bench.tell_all(|| Command::Publish);
        bench.wait("storing retained messages", |counts| counts[Counter::Published] >= published)?;
        // Packets of a connection are handled in their order: the answer comes when the last message is stored.
        let ponged = bench.counts()[Counter::Ponged] + self.publishers as u64;
        bench.tell_all(|| Command::Ping { at_once: usize::MAX });
        bench.wait("storing retained messages", |counts| counts[Counter::Ponged] >= ponged)?;
        let measured = bench.since(&begun)?;
        bench.tell_all(|| Command::Stop);
        bench.close(|_| true, false, self.publishers)?;
        Ok(measured)
    }

    fn publisher(self, bench: &Bench<'_>, index: usize, payload_len: usize) -> (usize, Spec) {
        let (nonce, options, worker) = (bench.nonce(), bench.options, bench.worker(index));
        let numbers = Some(Numbers { lanes: 1, rounds: self.each(), step: 1 });
        let prefix = format!("bench/{nonce:08x}/{index}/");
        let template = Template {
            version: options.version,
            qos: options.qos,
            retain: true,
            topics: Topics { prefix, numbers, suffix: "/r".into() },
            payload_len,
            flow: index as u32,
            nonce,
        };
        let flow = Arc::new(Flow::new(index as u32, worker, Spread::All, 0));
        let window = options.window.unwrap_or(WINDOW);
        let role = Role::Publisher(Box::new(Publisher::new(&template, flow, window, self.each())));
        let client_id = format!("mb{nonce:08x}p{index}");
        (worker, Spec { client_id, session: Session::Clean, filters: Filters::none(), role })
    }

    fn read(self, bench: &mut Bench<'_>, count: u64) -> Result<Measured, BenchFault> {
        let nonce = bench.nonce();
        let inbound = |index: usize| Inbound {
            flow: Arc::new(Flow::new(index as u32, 0, Spread::All, 1)),
            slot: 0,
            tracker: Tracker::unordered(self.each()),
        };
        let inbound = (0..self.publishers).map(inbound).collect();
        let spec = Spec {
            client_id: format!("mb{nonce:08x}s0"),
            session: Session::Clean,
            filters: Filters::new(vec![format!("bench/{nonce:08x}/#")], bench.options.qos),
            role: Role::Subscriber(Subscriber { first_flow: 0, inbound }),
        };
        let begun = bench.snapshot()?;
        bench.open(vec![(0, spec)])?;
        let patience = bench.options.patience;
        bench.wait_still("reading retained messages", patience, |counts| {
            counts[Counter::Delivered] >= count
        })?;
        let measured = bench.since(&begun)?;
        bench.close(|_| true, false, 1)?;
        Ok(measured)
    }
}

/// Rate and cost of one half.
pub(super) fn report_side(
    measured: &Measured,
    count: u64,
    [rate, cost]: [&'static str; 2],
    report: &mut Report,
) {
    let words = rate.trim_end_matches("_per_s");
    report.high(rate, measured.rate(count), format!("messages/s {words}"));
    if let Some(us) = measured.server_us_per(count) {
        report.low(cost, us, format!("s of the server's CPU per million {words}"));
    }
}
