//! `subs`: many subscriptions, half of them with a wildcard, and messages that match one each.

use super::steady::steady;
use crate::BenchFault;
use crate::bench::Bench;
use crate::block::{Numbers, Template, Topics};
use crate::connection::{Filters, Inbound, Role, Spec, Subscriber};
use crate::flow::{Flow, Spread};
use crate::measure::verify;
use crate::packets::Session;
use crate::report::Report;
use crate::tally::Counter;
use crate::tracker::Tracker;
use std::sync::Arc;

/// Filters in a SUBSCRIBE.
pub(super) const FILTERS_PER_PACKET: usize = 100;
/// Messages in a window where none is asked for.
const WINDOW: u64 = 128;

/// How many subscriptions, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subs {
    /// Subscriptions in all; as many for each connection.
    pub subscriptions: usize,
    /// Connections that subscribe.
    pub connections: usize,
    /// Connections that publish then.
    pub publishers: usize,
}

/// The last level of one of many filters: half of them exact, a quarter with each wildcard.
pub(super) fn last_level(number: usize) -> &'static str {
    match number % 4 {
        1 => "+",
        3 => "#",
        _ => "x",
    }
}

impl Subs {
    pub(super) fn run(self, bench: &mut Bench<'_>, report: &mut Report) -> Result<(), BenchFault> {
        if self.connections == 0 || self.publishers == 0 || self.each() == 0 {
            let text = "there must be a publisher, and a subscription for each connection";
            return Err(BenchFault::Usage(text.to_owned()));
        }
        report.scenario = "subs";
        let count = (self.each() * self.connections) as u64;
        report.set("subscriptions", &count);
        report.set("connections", &self.connections);
        report.set("publishers", &self.publishers);
        let flow = |index| Flow::new(index as u32, bench.worker(index), Spread::One, self.connections);
        let flows: Vec<_> = (0..self.publishers).map(flow).map(Arc::new).collect();
        let before = bench.resident()?;
        let begun = bench.snapshot()?;
        bench.open(self.subscribers(bench, &flows))?;
        let subscribed = bench.since(&begun)?;
        report.high("subscribes_per_s", subscribed.rate(count), "subscriptions/s");
        if let Some(us) = subscribed.server_us_per(count) {
            report.low("server_cpu_us_per_subscription", us, "µs of the server's CPU per subscription");
        }
        report.memory("resident_bytes_per_subscription", before, bench.resident()?, count, "subscription");
        bench.open(self.publish(bench, &flows))?;
        let measured = steady(bench, bench.options.rate.is_some(), bench.options.messages())?;
        let recorded = bench.options.rate.map(|_| bench.take_recorded());
        bench.drain()?;
        measured.report_traffic(report);
        measured.report_pace(bench.options, recorded, report);
        let counts = bench.counts();
        verify(&counts, counts[Counter::Expected], report);
        bench.close(|_| true, false, self.connections + self.publishers)?;
        Ok(())
    }

    fn each(self) -> usize {
        self.subscriptions / self.connections
    }

    fn filter(nonce: u32, round: usize, number: usize) -> String {
        format!("bench/{nonce:08x}/{number:08}/{}", last_level(round))
    }

    fn subscribers(self, bench: &Bench<'_>, flows: &[Arc<Flow>]) -> Vec<(usize, Spec)> {
        let nonce = bench.nonce();
        let spec = |index: usize| {
            let numbers = (0..self.each()).map(|round| (round, index + self.connections * round));
            let all = numbers.map(|(round, number)| Self::filter(nonce, round, number)).collect();
            let inbound = |flow: &Arc<Flow>| Inbound {
                flow: Arc::clone(flow),
                slot: index,
                tracker: Tracker::ordered(),
            };
            let inbound = flows.iter().map(inbound).collect();
            let spec = Spec {
                client_id: format!("mb{nonce:08x}s{index}"),
                session: Session::Clean,
                filters: Filters { all, qos: bench.options.qos, per_packet: FILTERS_PER_PACKET },
                role: Role::Subscriber(Subscriber { first_flow: 0, inbound }),
            };
            (bench.worker(index), spec)
        };
        (0..self.connections).map(spec).collect()
    }

    fn publish(self, bench: &Bench<'_>, flows: &[Arc<Flow>]) -> Vec<(usize, Spec)> {
        let (nonce, options) = (bench.nonce(), bench.options);
        let rounds = self.each() as u64;
        let numbers = Numbers { lanes: self.connections as u64, rounds, step: scattering_step(rounds) };
        let spec = |(index, flow): (usize, &Arc<Flow>)| {
            let topics =
                Topics { prefix: format!("bench/{nonce:08x}/"), numbers: Some(numbers), suffix: "/x".into() };
            let template = Template {
                version: options.version,
                qos: options.qos,
                retain: false,
                topics,
                payload_len: options.payload_len,
                flow: flow.id,
                nonce,
            };
            let window = options.window.unwrap_or(WINDOW);
            let publisher = options.publisher(index, self.publishers, &template, flow, window);
            let role = Role::Publisher(Box::new(publisher));
            let client_id = format!("mb{nonce:08x}p{index}");
            (flow.owner, Spec { client_id, session: Session::Clean, filters: Filters::none(), role })
        };
        flows.iter().enumerate().map(spec).collect()
    }
}

/// A step by which all of `count` places are visited, each far from the one before.
fn scattering_step(count: u64) -> u64 {
    let golden = (count as f64 * 0.618) as u64;
    (golden.max(1)..).find(|step| gcd(*step, count) == 1).unwrap_or(1) % count.max(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_visits_every_place() {
        for count in [1, 2, 3, 4, 10, 1000, 1001] {
            let step = scattering_step(count);
            let mut places: Vec<_> = (0..count).map(|round| round * step % count).collect();
            places.sort_unstable();
            assert_eq!(places, (0..count).collect::<Vec<_>>(), "{count}: {step}");
            assert!(step < count.max(2), "{count}: {step}");
        }
    }
}
