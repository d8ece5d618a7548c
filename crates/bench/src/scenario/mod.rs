//! The scenarios: each a straight line of what the bench is told, in a file of its own.

mod background;
mod conn;
mod crowd;
mod mix;
mod part;
mod patterns;
mod persist;
mod replay;
mod retained;
mod steady;
mod subs;
mod traffic;

use crate::bench::Bench;
use crate::options::Options;
use crate::report::Report;
use crate::{BenchFault, Observer};
pub use background::Background;
pub use conn::Conn;
pub use crowd::Crowd;
pub use mix::{Ingredient, Mix};
pub use patterns::Patterns;
pub use persist::Persist;
pub use replay::Replay;
pub use retained::Retained;
pub use subs::Subs;
pub use traffic::Traffic;

/// What is to be found out.
#[derive(Clone, Debug)]
pub enum Scenario {
    /// Messages from publishers to subscribers, and what is there beside them.
    Traffic(Traffic, Background),
    /// Connections that do next to nothing.
    Conn(Conn),
    /// Many subscriptions, and messages that match.
    Subs(Subs),
    /// Messages that wait for whoever subscribes.
    Retained(Retained),
    /// Messages that wait for clients that are away.
    Persist(Persist),
    /// Several kinds of traffic beside each other.
    Mix(Mix),
    /// A filter that many sessions have.
    Crowd(Crowd),
    /// Messages beside a wildcard subscription to many that are retained.
    Replay(Replay),
    /// Short exchanges, in the ways in which clients write them.
    Patterns(Patterns),
}

impl Scenario {
    /// Whether its messages can be sent by the clock.
    fn has_pace(&self) -> bool {
        match self {
            Self::Traffic(Traffic::RoundTrips { .. }, _) => false,
            Self::Traffic(..) | Self::Subs(_) | Self::Mix(_) => true,
            Self::Conn(_)
            | Self::Retained(_)
            | Self::Persist(_)
            | Self::Crowd(_)
            | Self::Replay(_)
            | Self::Patterns(_) => false,
        }
    }

    /// Whether latencies are recorded.
    pub fn has_latencies(&self, options: &Options) -> bool {
        match self {
            Self::Traffic(Traffic::RoundTrips { .. }, _) | Self::Conn(_) | Self::Mix(_) | Self::Replay(_) => {
                true
            }
            Self::Traffic(..) | Self::Subs(_) => options.rate.is_some(),
            Self::Retained(_) | Self::Persist(_) | Self::Crowd(_) | Self::Patterns(_) => false,
        }
    }
}

/// Runs a scenario to its end, or until the observer ends it: then the report has what was found by then, and what the
/// server was made to keep is removed nevertheless.
///
/// # Errors
/// What made figures impossible. Losses and the like are failures in the report.
pub fn run(
    options: &Options,
    scenario: &Scenario,
    observer: &mut dyn Observer,
) -> Result<Report, BenchFault> {
    if options.rate.is_some() && !scenario.has_pace() {
        let text = "--rate: pairs, fan-in, fan-out, share, subs and mixes can go by the clock, nothing else";
        return Err(BenchFault::Usage(text.to_owned()));
    }
    let mut bench = Bench::start(options, observer)?;
    let mut report = Report::default();
    let outcome = match scenario {
        Scenario::Traffic(traffic, background) => traffic.run(&mut bench, *background, &mut report),
        Scenario::Conn(conn) => conn.run(&mut bench, &mut report),
        Scenario::Subs(subs) => subs.run(&mut bench, &mut report),
        Scenario::Retained(retained) => retained.run(&mut bench, &mut report),
        Scenario::Persist(persist) => persist.run(&mut bench, &mut report),
        Scenario::Mix(mix) => mix.run(&mut bench, &mut report),
        Scenario::Crowd(crowd) => crowd.run(&mut bench, &mut report),
        Scenario::Replay(replay) => replay.run(&mut bench, &mut report),
        Scenario::Patterns(patterns) => patterns.run(&mut bench, &mut report),
    };
    match outcome {
        // What was found before is worth having.
        Err(BenchFault::Interrupted) if !report.figures.is_empty() => {}
        outcome => outcome?,
    }
    let qos = match scenario {
        Scenario::Mix(_) | Scenario::Patterns(_) => "mixed".to_owned(),
        _ => options.qos.to_string(),
    };
    let common = [
        ("broker", options.url.to_string()),
        ("protocol", options.version.to_string()),
        ("qos", qos),
        ("payload", options.payload_len.to_string()),
        ("threads", options.threads.to_string()),
    ];
    report.settings.splice(0..0, common);
    report.interrupted = bench.is_interrupted();
    Ok(report)
}
