//! `pairs`, `fan-in`, `fan-out`, `rr`: publishers, subscribers, and who hears whom.

use super::steady::steady;
use crate::BenchFault;
use crate::bench::Bench;
use crate::block::{Template, Topics};
use crate::connection::{Filters, Inbound, Role, Spec, Subscriber};
use crate::flow::{Flow, Spread};
use crate::measure::verify;
use crate::options::Options;
use crate::packets::Session;
use crate::report::Report;
use crate::tally::Counter;
use crate::tracker::Tracker;
use std::ops::Range;
use std::sync::Arc;

/// Messages in a window where none is asked for: of a publisher that many hear, or that waits for acknowledgements.
const WINDOW: u64 = 128;
/// The same for QoS 0 with few receivers.
const WINDOW_QOS_0: u64 = 1024;
/// Such a window is never worth more bytes than this.
const WINDOW_BYTES_MAX: usize = 1 << 20;

/// Who hears whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Each publisher has a subscriber.
    Pairs {
        /// How many.
        pairs: usize,
    },
    /// As `Pairs`, with one message in flight each; latencies are recorded.
    RoundTrips {
        /// How many.
        pairs: usize,
    },
    /// Publishers share subscribers, which use wildcards.
    FanIn {
        /// How many publish.
        publishers: usize,
        /// How many subscribe, at most as many.
        subscribers: usize,
    },
    /// Each subscriber hears all publishers.
    FanOut {
        /// How many publish.
        publishers: usize,
        /// How many subscribe.
        subscribers: usize,
    },
}

impl Traffic {
    pub(super) fn run(self, bench: &mut Bench<'_>) -> Result<Report, BenchFault> {
        self.check()?;
        let options = bench.options;
        let mut report = Report::new(self.name());
        report.set("publishers", &self.publishers());
        report.set("subscribers", &self.subscribers());
        match options.rate {
            Some(rate) => report.set("rate", &rate),
            None => report.set("window", &self.window(options)),
        }
        let flows = self.flows(bench);
        bench.open(self.subscriber_specs(bench, &flows))?;
        bench.open(self.publisher_specs(bench, &flows))?;
        let deliveries_each = flows.first().map_or(1, |flow| flow.deliveries());
        let records = options.rate.is_some() || matches!(self, Self::RoundTrips { .. });
        let measured = steady(bench, records, deliveries_each)?;
        let recorded = records.then(|| bench.take_recorded());
        bench.drain()?;
        measured.report_traffic(&mut report);
        measured.report_pace(options, recorded, &mut report);
        let counts = bench.counts();
        verify(&counts, counts[Counter::Expected], &mut report);
        bench.close(|_| true, false, self.publishers() + self.subscribers())?;
        Ok(report)
    }

    fn check(self) -> Result<(), BenchFault> {
        let usage = |text: &str| Err(BenchFault::Usage(text.to_owned()));
        if self.publishers() == 0 || self.subscribers() == 0 {
            return usage("there must be a publisher and a subscriber");
        }
        match self {
            Self::FanIn { publishers, subscribers } if subscribers > publishers => {
                usage("--subscribers: fan-in has at most as many subscribers as publishers")
            }
            _ => Ok(()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pairs { .. } => "pairs",
            Self::RoundTrips { .. } => "rr",
            Self::FanIn { .. } => "fan-in",
            Self::FanOut { .. } => "fan-out",
        }
    }

    fn publishers(self) -> usize {
        match self {
            Self::Pairs { pairs } | Self::RoundTrips { pairs } => pairs,
            Self::FanIn { publishers, .. } | Self::FanOut { publishers, .. } => publishers,
        }
    }

    fn subscribers(self) -> usize {
        match self {
            Self::Pairs { pairs } | Self::RoundTrips { pairs } => pairs,
            Self::FanIn { subscribers, .. } | Self::FanOut { subscribers, .. } => subscribers,
        }
    }

    fn window(self, options: &Options) -> u64 {
        let messages = match self {
            Self::RoundTrips { .. } => return 1,
            Self::FanOut { .. } => WINDOW,
            _ if options.is_acknowledged() => WINDOW,
            _ => WINDOW_QOS_0,
        };
        options.window.unwrap_or(messages.min((WINDOW_BYTES_MAX / options.payload_len).max(2) as u64))
    }

    /// The publishers that a subscriber hears.
    fn heard_by(self, subscriber: usize) -> Range<usize> {
        match self {
            Self::Pairs { .. } | Self::RoundTrips { .. } => subscriber..subscriber + 1,
            Self::FanIn { publishers, subscribers } => {
                subscriber * publishers / subscribers..(subscriber + 1) * publishers / subscribers
            }
            Self::FanOut { publishers, .. } => 0..publishers,
        }
    }

    fn flows(self, bench: &Bench<'_>) -> Vec<Arc<Flow>> {
        let receivers = if matches!(self, Self::FanOut { .. }) { self.subscribers() } else { 1 };
        let flow = |index| Flow::new(index as u32, bench.worker(index), Spread::All, receivers);
        (0..self.publishers()).map(flow).map(Arc::new).collect()
    }

    fn subscriber_specs(self, bench: &Bench<'_>, flows: &[Arc<Flow>]) -> Vec<(usize, Spec)> {
        let nonce = bench.nonce();
        let spec = |index: usize| {
            let heard = self.heard_by(index);
            let filter = match self {
                Self::FanIn { .. } => format!("bench/{nonce:08x}/{index}/+"),
                Self::FanOut { publishers, .. } if publishers > 1 => format!("bench/{nonce:08x}/0/+"),
                Self::FanOut { .. } => format!("bench/{nonce:08x}/0/0"),
                Self::Pairs { .. } | Self::RoundTrips { .. } => format!("bench/{nonce:08x}/{index}"),
            };
            let slot = if matches!(self, Self::FanOut { .. }) { index } else { 0 };
            let inbound =
                |flow: &Arc<Flow>| Inbound { flow: Arc::clone(flow), slot, tracker: Tracker::ordered() };
            let inbound = flows[heard.clone()].iter().map(inbound).collect();
            let spec = Spec {
                client_id: format!("mb{nonce:08x}s{index}"),
                session: Session::Clean,
                filters: Filters::new(vec![filter], bench.options.qos),
                role: Role::Subscriber(Subscriber { first_flow: heard.start as u32, inbound }),
            };
            (bench.worker(index), spec)
        };
        (0..self.subscribers()).map(spec).collect()
    }

    fn publisher_specs(self, bench: &Bench<'_>, flows: &[Arc<Flow>]) -> Vec<(usize, Spec)> {
        let (nonce, options) = (bench.nonce(), bench.options);
        let subscriber_of = |index: usize| {
            (0..self.subscribers()).find(|one| self.heard_by(*one).contains(&index)).unwrap_or(0)
        };
        let spec = |(index, flow): (usize, &Arc<Flow>)| {
            let topic = match self {
                Self::FanIn { .. } => format!("bench/{nonce:08x}/{}/{index}", subscriber_of(index)),
                Self::FanOut { .. } => format!("bench/{nonce:08x}/0/{index}"),
                Self::Pairs { .. } | Self::RoundTrips { .. } => format!("bench/{nonce:08x}/{index}"),
            };
            let template = Template {
                version: options.version,
                qos: options.qos,
                retain: false,
                topics: Topics::one(topic),
                payload_len: options.payload_len,
                flow: flow.id,
                nonce,
            };
            let window = self.window(options);
            let publisher = options.publisher(index, self.publishers(), &template, flow, window);
            let spec = Spec {
                client_id: format!("mb{nonce:08x}p{index}"),
                session: Session::Clean,
                filters: Filters::none(),
                role: Role::Publisher(Box::new(publisher)),
            };
            (flow.owner, spec)
        };
        flows.iter().enumerate().map(spec).collect()
    }
}
