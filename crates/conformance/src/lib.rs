//! The statements of the specifications as black-box tests of any broker: what `martlet conformance` runs.
//!
//! Each test is a script of raw frames and exact answers, with client ids and topics of its own; it cleans up what it
//! leaves. Where the specification leaves a choice, every allowed answer passes; where a broker declares that it lacks
//! what a test needs, the test is skipped, and that is said. Nothing here knows our broker.
#![forbid(unsafe_code)]

mod describe;
mod fault;
mod offer;
mod pattern;
mod peer;
mod report;
mod script;
mod statements;
mod suite;
mod traces;
mod transcript;
mod words;

pub use fault::Fault;

use martlet_client::{Client, ConnectFault, ConnectOptions, End as Ended, Url, Version};
use martlet_net::Stream;
use offer::Offer;
use peer::{Came, Peer};
use script::{PATIENCE_MIN, Run, Stop, Target};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use words::Who;

/// How many tests run at the same time. Most of them only wait.
const THREADS: usize = 12;

/// How long the first connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What is to be tested, and how that is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The broker.
    pub url: Url,
    /// Only tests with this in their name or in one of their ids.
    pub only: Option<String>,
    /// How long the broker may take for each answer.
    pub patience: Duration,
    /// Print one JSON object per test.
    pub json: bool,
    /// Write a JUnit report there, too.
    pub junit: Option<PathBuf>,
}

/// Whoever may want a run to end early.
pub trait Watch: Send + Sync {
    /// Whether it is to end: tests under way clean up, and no other begins.
    fn is_stopped(&self) -> bool;
    /// The tests begin: from now on there is something to clean up.
    fn begins(&self);
}

/// A script, and the statements that it tests: it runs in each version that one of them is from.
pub(crate) struct Test {
    /// As in `connect/second-connect`.
    name: &'static str,
    /// Ids, separated by commas; those of 3.1.1 begin with `3.1.1 `.
    ids: &'static str,
    script: &'static str,
}

impl Test {
    fn ids(&self, version: Version) -> impl Iterator<Item = &'static str> + use<> {
        let ids = self.ids.split(',').map(str::trim);
        ids.filter(move |id| id.starts_with("3.1.1 ") != version.is_v5())
    }
    fn versions(&self) -> impl Iterator<Item = Version> {
        [Version::V311, Version::V5].into_iter().filter(|version| self.ids(*version).next().is_some())
    }
}

/// A test in one version.
struct Case {
    test: &'static Test,
    version: Version,
}

impl Case {
    /// As in `connect/second-connect@5.0`.
    fn name(&self) -> String {
        format!("{}@{}", self.test.name, if self.version.is_v5() { "5.0" } else { "3.1.1" })
    }
}

/// How a case ended.
struct Outcome {
    name: String,
    ids: Vec<&'static str>,
    took: Duration,
    end: End,
}

enum End {
    Passed,
    /// Why there was nothing to test.
    Skipped(String),
    /// What differed, and all that was said before.
    Failed(String, String),
}

impl Outcome {
    fn is_failure(&self) -> bool {
        matches!(self.end, End::Failed(..))
    }
    fn is_skipped(&self) -> bool {
        matches!(self.end, End::Skipped(_))
    }
}

/// What the broker has told a client of each version, before all tests.
struct Broker {
    target: Target,
    /// None: it does not speak this version.
    offers: [(Version, Option<Offer>); 2],
}

/// Prints the tests that would run, and their ids.
///
/// # Errors
/// There are none, or standard output takes nothing.
pub fn list(only: Option<&str>) -> Result<(), Fault> {
    report::list(&some(only)?)
}

fn some(only: Option<&str>) -> Result<Vec<Case>, Fault> {
    Some(cases(only)).filter(|cases| !cases.is_empty()).ok_or(Fault::NoTest)
}

/// Runs the tests, and prints how each ended.
///
/// # Errors
/// A test failed, or the run did not come to its end.
pub fn run(options: &Options, watch: Arc<dyn Watch>) -> Result<(), Fault> {
    let cases = some(options.only.as_deref())?;
    let target = target(options);
    Stream::connect(&target.endpoint, CONNECT_MAX).map_err(Fault::Stream)?;
    let begun = Instant::now();
    let mut broker = Broker::ask(target)?;
    // A report that cannot be written is told before the tests, not after them.
    let path = options.junit.as_deref();
    let junit = path.map(|file| File::create(file).map_err(|e| Fault::junit(file, e))).transpose()?;
    watch.begins();
    broker.target.watch = Some(watch);
    let outcomes = run_all(&broker, &cases);
    let took = begun.elapsed();
    report::print(&outcomes, options.json, took)?;
    if let (Some(mut file), Some(path)) = (junit, path) {
        report::junit(&mut file, &outcomes, took).map_err(|e| Fault::junit(path, e))?;
    }
    if broker.target.is_stopped() {
        return Err(Fault::Interrupted { ended: outcomes.len(), all: cases.len() });
    }
    let failed = outcomes.iter().filter(|outcome| outcome.is_failure()).count();
    if failed == 0 {
        return Ok(());
    }
    let gone = Broker::ask(broker.target).err().map(|gone| gone.to_string());
    Err(Fault::Failed { failed, all: outcomes.len(), gone })
}

fn cases(only: Option<&str>) -> Vec<Case> {
    let all = suite::all().flat_map(|test| test.versions().map(move |version| Case { test, version }));
    let is_wanted = |case: &Case| {
        only.is_none_or(|only| {
            case.name().contains(only) || case.test.ids(case.version).any(|id| id.contains(only))
        })
    };
    all.filter(is_wanted).collect()
}

fn target(options: &Options) -> Target {
    let url = &options.url;
    Target {
        endpoint: url.endpoint.clone(),
        user_name: url.user_name.as_deref().map(str::to_owned),
        password: url.password.as_deref().map(<[u8]>::to_vec),
        patience: options.patience,
        // Not the id of the process: in a container, that is the same each time.
        name: format!("mc{:07x}", RandomState::new().hash_one(()) & 0xfff_ffff),
        watch: None,
    }
}

impl Broker {
    /// A failure if there is nobody to test: in no version a client is let in.
    fn ask(target: Target) -> Result<Self, Fault> {
        let (v5, v311) = (greet(&target, Version::V5), greet(&target, Version::V311));
        match (&v5, &v311) {
            (Greeting::Welcome(_), _) | (_, Greeting::Welcome(_)) => {}
            (Greeting::NoSuchVersion, Greeting::NoSuchVersion) => {
                return Err(Fault::NoVersion);
            }
            (Greeting::Other, _) => reason(&target, Version::V5)?,
            _ => reason(&target, Version::V311)?,
        }
        let (v5, v311) = (v5.offer(), v311.offer());
        // What is declined in 5.0 is not there in 3.1.1 either, which cannot say so.
        let v311 = v311.map(|v311| v5.as_ref().map_or(v311, Offer::of_311));
        Ok(Broker { target, offers: [(Version::V311, v311), (Version::V5, v5)] })
    }
}

/// How a broker answers the first CONNECT of a version.
enum Greeting {
    Welcome(Offer),
    NoSuchVersion,
    /// Another refusal, silence, or no MQTT.
    Other,
}

impl Greeting {
    /// What a broker offers: everything, if it says nothing of the kind; None if it refuses this version.
    fn offer(self) -> Option<Offer> {
        match self {
            Greeting::Welcome(offer) => Some(offer),
            Greeting::NoSuchVersion => None,
            Greeting::Other => Some(Offer::default()),
        }
    }
}

/// Why a client is not let in, as our own client has it.
fn reason(target: &Target, version: Version) -> Result<(), Fault> {
    let mut options = ConnectOptions::new(version, &format!("{}p", target.name));
    options.user_name = target.user_name.as_deref().map(Into::into);
    options.password = target.password.as_deref().map(Into::into);
    match Client::connect(&target.endpoint, options, target.patience.max(PATIENCE_MIN)) {
        Err(ConnectFault::Ended(Ended::NoConnAck)) => Err(Fault::Connect(ConnectFault::TimedOut)),
        Err(fault) => Err(Fault::Connect(fault)),
        // It has changed its mind.
        Ok(_) => Ok(()),
    }
}

fn greet(target: &Target, version: Version) -> Greeting {
    let who = Who {
        version,
        client_id: format!("{}p", target.name),
        user_name: target.user_name.clone(),
        password: target.password.clone(),
    };
    let patience = target.patience.max(PATIENCE_MIN);
    let Ok(mut peer) = Peer::connect(&target.endpoint, patience) else { return Greeting::Other };
    peer.send(&words::frame(&who, "connect").unwrap_or_default());
    let Came::Frame(bytes) = peer.next(Instant::now() + patience) else { return Greeting::Other };
    peer.send(&words::frame(&who, "disconnect").unwrap_or_default());
    let said = describe::describe(version, &bytes);
    match said.strip_prefix("connack ").and_then(|rest| rest.split(' ').next()) {
        Some("01" | "84") => Greeting::NoSuchVersion,
        Some("00") => Greeting::Welcome(Offer::new(&said)),
        _ => Greeting::Other,
    }
}

/// Runs all cases, some at a time, until a signal comes; their outcomes in the order of the cases.
fn run_all(broker: &Broker, cases: &[Case]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((index, case)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            cases.get(index).map(|case| (index, case))
        } {
            let Some(outcome) = run_one(broker, case, index) else { break };
            done.lock().expect("no thread panics while it holds this").push((index, outcome));
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS.min(cases.len()) {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().expect("no thread panics while it holds this");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// None: a signal has come before the end.
fn run_one(broker: &Broker, case: &Case, index: usize) -> Option<Outcome> {
    let begun = Instant::now();
    let offer = broker.offers.iter().find(|(version, _)| *version == case.version);
    let end = match offer.and_then(|(_, offer)| offer.clone()) {
        None => End::Skipped("declined: this version of MQTT".to_owned()),
        Some(offer) => {
            let name = format!("{}x{index:03x}", broker.target.name);
            let mut run = Run::new(&broker.target, case.version, name, offer);
            let result = run.script(case.test.script);
            let transcript = run.clean_up();
            match result {
                Ok(()) => End::Passed,
                Err(Stop::Skipped(why)) => End::Skipped(why),
                Err(Stop::Differs(differs)) => End::Failed(differs, transcript),
                Err(Stop::Interrupted) => return None,
            }
        }
    };
    let ids = case.test.ids(case.version).collect();
    Some(Outcome { name: case.name(), ids, took: begun.elapsed(), end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_test_has_a_name_of_its_own_and_statements_that_exist() {
        let mut names = HashSet::new();
        for test in suite::all() {
            assert!(names.insert(test.name), "{}", test.name);
            assert!(test.name.contains('/') && test.versions().count() > 0, "{}", test.name);
            for id in test.ids.split(',').map(str::trim) {
                assert!(statements::find(id).is_some(), "{}: {id}", test.name);
            }
        }
    }

    #[test]
    fn only() {
        assert!(cases(Some("no such test")).is_empty());
        assert!(!cases(Some("MQTT-3.1.0-2")).is_empty());
        assert!(cases(Some("@3.1.1")).iter().all(|case| !case.version.is_v5()));
    }
}
