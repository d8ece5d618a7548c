//! `martlet bench`: options to a scenario, and its report to whoever reads it. The load is `martlet-bench`'s.

mod compare;
mod hlog;
mod progress;
mod render;

use crate::args::{BenchArgs, BenchCommand, LoadArgs};
use crate::exit::{Failure, Status, stream_failure};
use crate::signals::StopSignals;
use compare::Earlier;
use martlet_bench::{
    Background, BenchFault, Conn, Crowd, Extent, Latency, Mix, Options, Patterns, Persist, Relay, Replay,
    Report, Retained, Scenario, Subs, Traffic,
};
use martlet_client::QoSLevel;
use martlet_net::{Endpoint, Url};
use progress::Progress;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long a report may take after a signal.
const REPORT_LIMIT: Duration = Duration::from_secs(30);
/// How long a relay may take to close its connections.
const RELAY_LIMIT: Duration = Duration::from_secs(5);
/// Messages per second of a mix where none are asked for.
const MIX_RATE: f64 = 1000.0;

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    match asked(&args.command) {
        Asked::Relay(listen) => relay(listen),
        Asked::Measure(load, scenario) => measure(load, &scenario),
    }
}

/// What the command line asks for.
enum Asked<'a> {
    Relay(&'a str),
    Measure(&'a LoadArgs, Scenario),
}

fn asked(command: &BenchCommand) -> Asked<'_> {
    let (load, scenario) = match *command {
        BenchCommand::Pairs { pairs, background, ref load } => {
            (load, Scenario::Traffic(Traffic::Pairs { pairs }, background.into()))
        }
        BenchCommand::Rr { pairs, background, ref load } => {
            (load, Scenario::Traffic(Traffic::RoundTrips { pairs }, background.into()))
        }
        BenchCommand::FanIn { publishers, subscribers, background, ref load } => {
            (load, Scenario::Traffic(Traffic::FanIn { publishers, subscribers }, background.into()))
        }
        BenchCommand::FanOut { publishers, subscribers, background, ref load } => {
            (load, Scenario::Traffic(Traffic::FanOut { publishers, subscribers }, background.into()))
        }
        BenchCommand::Conn { connections, hold, storms, subscribe: subscribes, ref load } => {
            (load, Scenario::Conn(Conn { connections, hold, storms, subscribes }))
        }
        BenchCommand::Subs { subscriptions, connections, publishers, ref load } => {
            (load, Scenario::Subs(Subs { subscriptions, connections, publishers }))
        }
        BenchCommand::Retained { topics, publishers, ref load } => {
            (load, Scenario::Retained(Retained { topics, publishers }))
        }
        BenchCommand::Persist { sessions, queued, publishers, ref load } => {
            (load, Scenario::Persist(Persist { sessions, queued, publishers }))
        }
        BenchCommand::Share { publishers, groups, members, ref load } => {
            let share = Traffic::Share { publishers, groups, members };
            (load, Scenario::Traffic(share, Background::default()))
        }
        BenchCommand::Mix { ref parts, ref load } => {
            (load, Scenario::Mix(Mix { ingredients: parts.parts.clone(), told_every: None }))
        }
        BenchCommand::Soak { ref parts, every, ref load } => {
            (load, Scenario::Mix(Mix { ingredients: parts.parts.clone(), told_every: Some(every) }))
        }
        BenchCommand::Crowd { sessions, ref load } => (load, Scenario::Crowd(Crowd { sessions })),
        BenchCommand::Replay { retained, reads, ref load } => {
            (load, Scenario::Replay(Replay { retained, reads }))
        }
        BenchCommand::Patterns { rounds, ref load } => (load, Scenario::Patterns(Patterns { rounds })),
        BenchCommand::Relay { ref listen } => return Asked::Relay(listen),
    };
    Asked::Measure(load, scenario)
}

fn relay(listen: &str) -> Result<(), Failure> {
    let endpoint: Endpoint = listen.parse().map_err(|bad| Failure::usage(format!("--listen: {bad}")))?;
    let relay = Relay::bind(&endpoint).map_err(|fault| failure(&fault))?;
    // Before anybody is told that it runs, and may end it.
    let (signals, handle) = (StopSignals::watch(RELAY_LIMIT)?, relay.handle());
    signals.on_signal(move || handle.stop());
    signals.may_wait(true);
    for endpoint in relay.endpoints() {
        crate::say(&format!("relaying on {endpoint}: this is no broker"));
    }
    raise_file_limit();
    relay.run().map_err(|fault| failure(&fault))?;
    Err(Failure::interrupted())
}

fn measure(load: &LoadArgs, scenario: &Scenario) -> Result<(), Failure> {
    let options = options(load, scenario)?;
    if load.hlog.is_some() && !scenario.has_latencies(&options) {
        return Err(Failure::usage(
            "--hlog: no latencies here; --rate, rr, conn, mix, soak and replay have them".to_owned(),
        ));
    }
    let earlier = load.compare.as_deref().map(earlier).transpose()?;
    raise_file_limit();
    let mut progress = Progress::new(StopSignals::watch(REPORT_LIMIT)?);
    let started = SystemTime::now();
    let report = martlet_bench::run(&options, scenario, &mut progress);
    progress.end();
    let report = report.map_err(|fault| failure(&fault))?;
    write(load.json.as_deref(), &report)?;
    if let Some((file, latency)) = load.hlog.as_ref().zip(report.latency.as_ref()) {
        write_hlog(file, latency, started)?;
    }
    let mut failures = report.failures.clone();
    if let Some(earlier) = earlier {
        failures.extend(compare(&earlier, &report, load)?);
    }
    if report.interrupted {
        failures.push("interrupted: the report is of what had happened by then".to_owned());
        return Err(Failure::new(Status::Interrupted, failures.join("\n")));
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(Status::CheckFailed, failures.join("\n"))) }
}

/// The report to compare with, read before the new one may replace it.
fn earlier(file: &Path) -> Result<Earlier, Failure> {
    let bad =
        |why: String| Failure::new(Status::Configuration, format!("--compare: {}: {why}", file.display()));
    let json = fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    Earlier::parse(&json).map_err(bad)
}

/// What is worse than it may be.
fn compare(earlier: &Earlier, report: &Report, load: &LoadArgs) -> Result<Vec<String>, Failure> {
    let differences =
        earlier.differences(report).map_err(|why| Failure::usage(format!("--compare: {why}")))?;
    if !differences.is_empty() {
        crate::say(&format!("compared with another load: {}", differences.join(", ")));
    }
    let worse = earlier.worse(report, load.tolerance);
    if worse.is_empty() {
        crate::say(&format!("no figure is worse than before by more than {} %", load.tolerance * 100.0));
    }
    Ok(worse)
}

fn write_hlog(file: &Path, latency: &Latency, started: SystemTime) -> Result<(), Failure> {
    let bad = |why: String| Failure::new(Status::Configuration, format!("--hlog: {}: {why}", file.display()));
    let lasted = started.elapsed().unwrap_or_default();
    let log = hlog::log(latency, started, lasted).map_err(bad)?;
    fs::write(file, log).map_err(|error| bad(error.to_string()))
}

fn options(load: &LoadArgs, scenario: &Scenario) -> Result<Options, Failure> {
    let url: Url = load.broker.parse().map_err(|bad| Failure::usage(format!("--broker: {bad}")))?;
    let default_qos = match scenario {
        Scenario::Persist(_) => QoSLevel::AtLeastOnce,
        _ => QoSLevel::AtMostOnce,
    };
    if matches!(scenario, Scenario::Mix(_)) && (load.qos.is_some() || load.window.is_some()) {
        let text = "--qos, --window: in a mix each --part has its QoS, and the clock is instead of a window";
        return Err(Failure::usage(text.to_owned()));
    }
    if matches!(scenario, Scenario::Patterns(_)) && (load.qos.is_some() || load.window.is_some()) {
        let text = "--qos, --window: each pattern has its own QoS, and waits for its answers";
        return Err(Failure::usage(text.to_owned()));
    }
    let default_rate = matches!(scenario, Scenario::Mix(_)).then_some(MIX_RATE);
    Ok(Options {
        url,
        version: load.protocol.version(),
        qos: load.qos.unwrap_or(default_qos),
        payload_len: load.payload,
        window: load.window,
        rate: load.rate.or(default_rate),
        extent: load.messages.map_or(Extent::Time(load.seconds), Extent::Messages),
        threads: load.threads.unwrap_or(if matches!(scenario, Scenario::Replay(_)) { 2 } else { 1 }),
        pid: load.pid,
        patience: load.timeout,
    })
}

/// The readable report on stdout, and JSON where it was asked for.
fn write(json: Option<&Path>, report: &Report) -> Result<(), Failure> {
    let stdout = match json {
        Some(file) if file == Path::new("-") => render::json(report),
        Some(file) => {
            fs::write(file, render::json(report)).map_err(|e| {
                Failure::new(Status::Configuration, format!("--json: cannot write {}: {e}", file.display()))
            })?;
            render::text(report)
        }
        None => render::text(report),
    };
    match io::stdout().lock().write_all(stdout.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Status::Configuration, format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Each connection is an open file. Where the limit stays, connecting will say so.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

fn failure(fault: &BenchFault) -> Failure {
    let status = match fault {
        BenchFault::Usage(_) => Status::Usage,
        BenchFault::Net(fault) => return stream_failure(fault),
        BenchFault::ConnectRefused(_) => Status::ConnectRefused,
        BenchFault::SubscribeRefused(_) => Status::SubscribeRefused,
        BenchFault::PublishRefused(_) => Status::PublishRefused,
        BenchFault::ConnectionLost(_) => Status::ConnectionLost,
        BenchFault::TimedOut { .. } => Status::TimedOut,
        BenchFault::Process(_) => Status::Configuration,
        BenchFault::Interrupted => Status::Interrupted,
    };
    Failure::new(status, fault.to_string())
}
