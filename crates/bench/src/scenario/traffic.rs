//! `pairs`, `fan-in`, `fan-out`, `rr`, `share`: publishers, subscribers, and who hears whom.

use super::Background;
use super::part::Part;
use super::steady::steady;
use crate::BenchFault;
use crate::bench::Bench;
use crate::connection::Role;
use crate::measure::verify;
use crate::options::Options;
use crate::report::Report;
use crate::tally::Counter;
use std::ops::Range;

/// Messages in a window where none is asked for: of a publisher that many hear, or that waits for acknowledgements.
const WINDOW: u64 = 128;
/// The same for QoS 0 with few receivers.
const WINDOW_QOS_0: u64 = 1024;
/// Such a window is never worth more bytes than this.
const WINDOW_BYTES_MAX: usize = 1 << 20;

/// Connections of one run at most.
const CONNECTIONS_MAX: usize = 1_000_000;

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
    /// Each message goes to one member of each group.
    Share {
        /// How many publish.
        publishers: usize,
        /// How many shared subscriptions there are.
        groups: usize,
        /// How many subscribers share each of them.
        members: usize,
    },
}

impl Traffic {
    pub(super) fn run(
        self,
        bench: &mut Bench<'_>,
        background: Background,
        report: &mut Report,
    ) -> Result<(), BenchFault> {
        self.check()?;
        let options = bench.options;
        let connections = self.publishers() + self.subscribers();
        background.check(options, connections)?;
        report.scenario = self.name();
        report.set("publishers", &self.publishers());
        report.set("subscribers", &self.subscribers());
        if let Self::Share { groups, .. } = self {
            report.set("groups", &groups);
        }
        match options.rate {
            Some(rate) => report.set("rate", &rate),
            None => report.set("window", &self.window(options)),
        }
        background.tell(report);
        let outcome = self.measure(bench, background, report);
        bench.clean_up_after(outcome, |bench| background.clean_up(bench))
    }

    fn measure(
        self,
        bench: &mut Bench<'_>,
        background: Background,
        report: &mut Report,
    ) -> Result<(), BenchFault> {
        let (options, connections) = (bench.options, self.publishers() + self.subscribers());
        background.set_up(bench)?;
        let part = Part::only(bench, self);
        let flows = part.flows(bench);
        bench.open(part.subscribers(bench, &flows))?;
        bench.open(part.publishers(bench, &flows))?;
        let records = options.rate.is_some() || matches!(self, Self::RoundTrips { .. });
        let measured = steady(bench, records, options.messages() * part.deliveries())?;
        let recorded = records.then(|| bench.take_recorded());
        bench.drain()?;
        measured.report_traffic(report);
        measured.report_pace(options, recorded, report);
        let counts = bench.counts();
        verify(&counts, counts[Counter::Expected], report);
        bench.close(|role| !matches!(role, Role::Idle), false, connections)?;
        background.tear_down(bench)?;
        Ok(())
    }

    pub(super) fn check(self) -> Result<(), BenchFault> {
        let usage = |text: &str| Err(BenchFault::Usage(text.to_owned()));
        if self.publishers() == 0 || self.subscribers() == 0 {
            return usage("there must be a publisher and a subscriber");
        }
        if self.publishers().saturating_add(self.subscribers()) > CONNECTIONS_MAX {
            return Err(BenchFault::Usage(format!(
                "write {CONNECTIONS_MAX} connections at most, of all together"
            )));
        }
        match self {
            Self::FanIn { publishers, subscribers } if subscribers > publishers => {
                usage("--subscribers: fan-in has at most as many subscribers as publishers")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pairs { .. } => "pairs",
            Self::FanIn { .. } => "fan-in",
            Self::FanOut { .. } => "fan-out",
            Self::RoundTrips { .. } => "rr",
            Self::Share { .. } => "share",
        }
    }

    pub(super) fn publishers(self) -> usize {
        match self {
            Self::Pairs { pairs } | Self::RoundTrips { pairs } => pairs,
            Self::FanIn { publishers, .. }
            | Self::FanOut { publishers, .. }
            | Self::Share { publishers, .. } => publishers,
        }
    }

    pub(super) fn subscribers(self) -> usize {
        match self {
            Self::Pairs { pairs } | Self::RoundTrips { pairs } => pairs,
            Self::FanIn { subscribers, .. } | Self::FanOut { subscribers, .. } => subscribers,
            Self::Share { groups, members, .. } => groups.saturating_mul(members),
        }
    }

    pub(super) fn groups(self) -> usize {
        if let Self::Share { groups, .. } = self { groups } else { 0 }
    }

    /// How many must get each message.
    pub(super) fn receivers(self) -> usize {
        match self {
            Self::Pairs { .. } | Self::RoundTrips { .. } | Self::FanIn { .. } => 1,
            Self::FanOut { subscribers, .. } => subscribers,
            Self::Share { groups, .. } => groups,
        }
    }

    /// Which of them subscriber number `subscriber` is, or belongs to.
    pub(super) fn slot(self, subscriber: usize) -> usize {
        match self {
            Self::Pairs { .. } | Self::RoundTrips { .. } | Self::FanIn { .. } => 0,
            Self::FanOut { .. } => subscriber,
            Self::Share { members, .. } => subscriber / members,
        }
    }

    pub(super) fn window(self, options: &Options) -> u64 {
        let messages = match self {
            Self::RoundTrips { .. } => return 1,
            Self::FanOut { .. } => WINDOW,
            _ if options.is_acknowledged() => WINDOW,
            _ => WINDOW_QOS_0,
        };
        options.window.unwrap_or(messages.min((WINDOW_BYTES_MAX / options.payload_len).max(2) as u64))
    }

    /// The publishers that a subscriber hears.
    pub(super) fn heard_by(self, subscriber: usize) -> Range<usize> {
        match self {
            Self::Pairs { .. } | Self::RoundTrips { .. } => subscriber..subscriber + 1,
            Self::FanIn { publishers, subscribers } => {
                subscriber * publishers / subscribers..(subscriber + 1) * publishers / subscribers
            }
            Self::FanOut { publishers, .. } | Self::Share { publishers, .. } => 0..publishers,
        }
    }
}
