//! What a server holds beside the measured load, which has nothing to do with it: silent connections, subscriptions
//! that nothing matches, retained messages that nobody reads.
//!
//! It is set up before anything is measured, each part of it acknowledged, and gone when the run has ended.

use super::subs::{FILTERS_PER_PACKET, last_level};
use crate::BenchFault;
use crate::bench::Bench;
use crate::block::{Numbers, Template, Topics};
use crate::connection::{Filters, Role, Spec};
use crate::flow::{Flow, Spread};
use crate::options::Options;
use crate::packets::Session;
use crate::publisher::Publisher;
use crate::report::Report;
use crate::tally::Counter;
use crate::worker::Command;
use martlet_codec::QoSLevel;
use rustix::process::{Resource, getrlimit};
use std::sync::Arc;
use std::time::Duration;

/// Connections that hold the subscriptions.
const HOLDERS: usize = 10;
/// Connections that store and remove the retained messages.
const PUBLISHERS: usize = 4;
const WINDOW: u64 = 256;
/// Bytes of a retained payload.
const PAYLOAD_BYTES: usize = 64;
/// What the digits of a topic can tell apart.
const COUNT_MAX: usize = 100_000_000;
/// Files that are open besides connections: some for the process, some for each thread.
const FILES: usize = 16;
const FILES_PER_THREAD: usize = 4;

/// How much of each there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Background {
    /// Connections that are open and silent, without a subscription.
    pub idle: usize,
    /// Subscriptions, half of them with a wildcard, held by a few connections.
    pub subscriptions: usize,
    /// Retained messages.
    pub retained: usize,
}

impl Background {
    /// Refuses what cannot be, beside so many connections of the load.
    pub(super) fn check(self, options: &Options, connections: usize) -> Result<(), BenchFault> {
        let usage = |text: String| Err(BenchFault::Usage(text));
        for (name, count) in
            [("--with-subscriptions", self.subscriptions), ("--with-retained", self.retained)]
        {
            if count > COUNT_MAX {
                return usage(format!("{name}: write {COUNT_MAX} at most"));
            }
        }
        let others = connections + self.holders() + FILES + FILES_PER_THREAD * options.threads;
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let room = usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(others);
        if self.idle > room {
            return usage(format!(
                "--idle: each connection is an open file, of which there may be {files} (ulimit -n): write {room} at most"
            ));
        }
        Ok(())
    }

    pub(super) fn tell(self, report: &mut Report) {
        report.set("idle", &self.idle);
        report.set("with_subscriptions", &self.subscriptions);
        report.set("with_retained", &self.retained);
    }

    /// Returns when the server has acknowledged all of it. Nothing of it is counted.
    pub(super) fn set_up(self, bench: &mut Bench<'_>) -> Result<(), BenchFault> {
        let idle = (0..self.idle).map(|index| Self::silent(bench, index, 'i', Vec::new())).collect();
        bench.open_while("opening idle connections", idle)?;
        let nonce = bench.nonce();
        let holder = |index: usize| {
            let numbers = (index..self.subscriptions).step_by(HOLDERS);
            Self::silent(bench, index, 'h', numbers.map(|number| filter(nonce, number)).collect())
        };
        let holders = (0..self.holders()).map(holder).collect();
        bench.open_while("subscribing to what is not published", holders)?;
        if self.retained > 0 {
            self.publish(bench, "storing retained messages", PAYLOAD_BYTES)?;
            self.find(bench)?;
        }
        bench.forget();
        Ok(())
    }

    /// Leaves the server as it was.
    pub(super) fn tear_down(self, bench: &mut Bench<'_>) -> Result<(), BenchFault> {
        if self.retained > 0 {
            self.publish(bench, "removing retained messages", 0)?;
        }
        let is_silent = |role: &Role| matches!(role, Role::Idle);
        // An orderly end would leave thousands of ports in TIME_WAIT, and slow down the next run.
        bench.close(is_silent, true, self.idle + self.holders())?;
        // A client that comes back with a clean session is told so when its earlier session has ended.
        let holders = (0..self.holders()).map(|index| Self::silent(bench, index, 'h', Vec::new())).collect();
        bench.open_while("removing subscriptions", holders)?;
        bench.close(is_silent, true, self.holders())
    }

    /// Removes what would stay after a run that was ended early; its connections are closed.
    pub(super) fn clean_up(self, bench: &mut Bench<'_>) -> Result<(), BenchFault> {
        if self.retained == 0 {
            return Ok(());
        }
        self.publish(bench, "removing retained messages", 0)
    }

    fn holders(self) -> usize {
        self.subscriptions.min(HOLDERS)
    }

    fn silent(bench: &Bench<'_>, index: usize, kind: char, filters: Vec<String>) -> (usize, Spec) {
        let filters = Filters { all: filters, qos: bench.options.qos, per_packet: FILTERS_PER_PACKET };
        let client_id = format!("mb{:08x}{kind}{index}", bench.nonce());
        (bench.worker(index), Spec { client_id, session: Session::Clean, filters, role: Role::Idle })
    }

    /// Publishes to all topics; an empty payload removes what is retained.
    fn publish(self, bench: &mut Bench<'_>, doing: &str, payload_len: usize) -> Result<(), BenchFault> {
        let publishers: Vec<_> = (0..PUBLISHERS.min(self.retained))
            .map(|index| self.publisher(bench, index, payload_len))
            .collect();
        let count = publishers.len();
        bench.open_while(doing, publishers)?;
        let before = bench.counts();
        let acknowledged = before[Counter::Acknowledged] + self.retained as u64;
        bench.tell_all(|| Command::Publish);
        let after = bench.wait(doing, |counts| counts[Counter::Acknowledged] >= acknowledged)?;
        bench.tell_all(|| Command::Stop);
        bench.close(|role| matches!(role, Role::Publisher(_)), false, count)?;
        match after[Counter::Refused] - before[Counter::Refused] {
            0 => Ok(()),
            refused => Err(BenchFault::PublishRefused(format!("{refused} retained messages"))),
        }
    }

    fn publisher(self, bench: &Bench<'_>, index: usize, payload_len: usize) -> (usize, Spec) {
        let (nonce, worker, quota) = (bench.nonce(), bench.worker(index), self.quota(index));
        let template = Template {
            version: bench.options.version,
            // Only what is acknowledged is known to be stored.
            qos: QoSLevel::AtLeastOnce,
            retain: true,
            topics: Topics {
                prefix: format!("{}{index}/", retained_prefix(nonce)),
                numbers: Some(Numbers { lanes: 1, rounds: quota, step: 1 }),
                suffix: String::new(),
            },
            payload_len,
            flow: index as u32,
            nonce,
        };
        let flow = Arc::new(Flow::new(index as u32, worker, Spread::All, 0));
        let role = Role::Publisher(Box::new(Publisher::new(&template, flow, WINDOW, quota)));
        let client_id = format!("mb{nonce:08x}k{index}");
        (worker, Spec { client_id, session: Session::Clean, filters: Filters::none(), role })
    }

    /// Topics of publisher number `index`.
    fn quota(self, index: usize) -> u64 {
        (index..self.retained).step_by(PUBLISHERS).len() as u64
    }

    /// Reads one retained message: what acknowledges them need not keep any, as the relay does not.
    fn find(self, bench: &mut Bench<'_>) -> Result<(), BenchFault> {
        let doing = "looking for a retained message";
        let topic = format!("{}0/{:08}", retained_prefix(bench.nonce()), self.quota(0) - 1);
        let read = bench.counts()[Counter::Read];
        bench.open_while(doing, vec![reader(bench, 0, topic)])?;
        let still = bench.options.patience.min(Duration::from_secs(2));
        let is_found = bench.wait_still(doing, still, |counts| counts[Counter::Read] > read)?;
        bench.close(|role| matches!(role, Role::Reader), false, 1)?;
        if is_found {
            return Ok(());
        }
        let text =
            "--with-retained: the server acknowledges retained messages and keeps none, as the relay does";
        Err(BenchFault::Usage(text.to_owned()))
    }

    /// Matches all that is retained, and nothing else.
    pub(super) fn all_retained(nonce: u32) -> String {
        format!("{}#", retained_prefix(nonce))
    }
}

/// Somebody at `worker` who reads what is retained.
pub(super) fn reader(bench: &Bench<'_>, worker: usize, filter: String) -> (usize, Spec) {
    let spec = Spec {
        client_id: format!("mb{:08x}r", bench.nonce()),
        session: Session::Clean,
        filters: Filters::new(vec![filter], QoSLevel::AtMostOnce),
        role: Role::Reader,
    };
    (worker, spec)
}

/// Neighbours of the load's topics, which have other names.
fn filter(nonce: u32, number: usize) -> String {
    format!("bench/{nonce:08x}/b{number:08}/{}", last_level(number))
}

fn retained_prefix(nonce: u32) -> String {
    format!("bench/{nonce:08x}/r/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use martlet_codec::{TopicFilter, TopicName};

    #[test]
    fn half_of_the_filters_have_a_wildcard_and_none_matches_the_load() {
        let filters: Vec<_> = (0..1000).map(|number| filter(7, number)).collect();
        assert_eq!(filters.iter().filter(|filter| filter.ends_with(['+', '#'])).count(), 500);
        for topic in ["bench/00000007/3", "bench/00000007/0/3", "bench/00000007/r/0/00000003"] {
            let matches =
                |filter: &String| TopicFilter::from_checked(filter).matches(TopicName::from_checked(topic));
            assert!(!filters.iter().any(matches), "{topic}");
        }
    }

    #[test]
    fn every_retained_message_has_a_publisher() {
        for retained in [0, 1, 3, 4, 1001] {
            let background = Background { retained, ..Background::default() };
            let all: u64 = (0..PUBLISHERS).map(|index| background.quota(index)).sum();
            assert_eq!(all, retained as u64);
        }
    }
}
