//! What the suite says of one broker, test by test.
//!
//! One broken answer must not decide about other tests: whatever did not pass in the run of all tests is repeated
//! alone, against a broker that has just been started, and counts as it then ends. If the broker does not serve after
//! that run, every test is repeated, to find those that end it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use super::brokers::{Broker, Running, Version};
use super::suite;
use crate::bounded::{self, Ran};

/// How long a broker may take for each answer.
const PATIENCE_S: u64 = 3;
/// How long the run of all tests may take.
const ALL_MAX: Duration = Duration::from_secs(240);
/// How long a test may take alone.
const ALONE_MAX: Duration = Duration::from_secs(60);
/// How long a broker may take to acknowledge one message.
const SERVE_MAX: Duration = Duration::from_secs(10);
/// How many tests are repeated at the same time, each with a broker of its own.
const REPEATS: usize = 6;

/// A line of `martlet conformance --json`, as far as it is of use here.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    /// As in `connect/ping@5.0`.
    name: String,
    ids: Vec<String>,
    result: Verdict,
    /// Why the test could not be asked of this broker.
    why: Option<String>,
    /// What was expected, and what came.
    differs: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Passed,
    Failed,
    Skipped,
}

/// How one test ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) ids: Vec<String>,
    pub(super) verdict: Verdict,
    /// What differed, or why it was skipped.
    pub(super) reason: String,
    /// Nobody was served any more after it.
    pub(super) ends_broker: bool,
}

/// Of one broker, in one version.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Verdicts {
    /// By the name of the test, without the version.
    pub(super) tests: BTreeMap<String, Outcome>,
    /// What is to be said of the run of all tests.
    pub(super) note: Option<String>,
}

/// Runs all tests of a version, and repeats those that did not pass.
pub(super) fn judge(martlet: &Path, broker: &Broker, version: Version) -> Result<Verdicts, String> {
    let bench = Bench { martlet, broker, version };
    let only = format!("@{}", version.number());
    let mut running = broker.start()?;
    let ran = bench.suite(&running, &only, ALL_MAX)?;
    let serves = bench.serves(&mut running)?;
    drop(running);
    let mut verdicts = Verdicts { note: note(&ran, serves), ..Verdicts::default() };
    let lines = lines(&ran.stdout)?;
    let mut open = Vec::new();
    for name in bench.names(&only)? {
        match lines.iter().find(|line| line.name == name).map(Outcome::new) {
            Some(outcome) if serves && outcome.verdict == Verdict::Passed => {
                verdicts.tests.insert(bench.short(&name), outcome);
            }
            _ => open.push(name),
        }
    }
    println!("conformance: tests repeated alone: {}", open.len());
    for (name, outcome) in bench.repeat(open)? {
        verdicts.tests.insert(bench.short(&name), outcome);
    }
    Ok(verdicts)
}

fn note(ran: &Ran, serves: bool) -> Option<String> {
    match (ran.status, serves) {
        (None, _) => Some(format!("the run of all tests did not end in {} s", ALL_MAX.as_secs())),
        (Some(_), false) => Some("the broker did not survive the run of all tests".into()),
        (Some(_), true) => None,
    }
}

impl Verdicts {
    pub(super) fn count(&self, is_counted: impl Fn(&Outcome) -> bool) -> usize {
        self.tests.values().filter(|outcome| is_counted(outcome)).count()
    }
}

impl Outcome {
    fn new(line: &Line) -> Outcome {
        let reason = line.differs.as_ref().or(line.why.as_ref()).cloned().unwrap_or_default();
        Outcome { ids: line.ids.clone(), verdict: line.result, reason, ends_broker: false }
    }
}

/// Who asks, who is asked, and in which version.
struct Bench<'a> {
    martlet: &'a Path,
    broker: &'a Broker,
    version: Version,
}

impl Bench<'_> {
    fn suite(&self, running: &Running, only: &str, limit: Duration) -> Result<Ran, String> {
        let mut command = suite::command(self.martlet, running.url(self.version), PATIENCE_S);
        bounded::run(command.args(["--json", "--only", only]), limit)
    }

    /// Whether it acknowledges a message.
    fn serves(&self, running: &mut Running) -> Result<bool, String> {
        let mut command = Command::new(self.martlet);
        let protocol = match self.version {
            Version::V5 => "5",
            Version::V311 => "3.1.1",
        };
        command.args(["pub", "--broker", running.url(self.version), "--protocol", protocol, "--qos", "1"]);
        command.args(["martlet-conformance/still-there", "?"]);
        let said = bounded::run(&mut command, SERVE_MAX)?.status.is_some_and(|status| status.success());
        Ok(said && running.server.ended().is_none())
    }

    /// The tests that there are, whether or not any was run.
    fn names(&self, only: &str) -> Result<Vec<String>, String> {
        let mut command = Command::new(self.martlet);
        let listed = bounded::run(command.args(["conformance", "--list", "--only", only]), ALONE_MAX)?;
        let name = |line: &str| line.split_whitespace().next().map(str::to_owned);
        let names: Vec<_> = listed.stdout.lines().filter_map(name).collect();
        if names.is_empty() {
            Err(format!("martlet conformance --list: {}", listed.stderr))
        } else {
            Ok(names)
        }
    }

    /// A name without its version.
    fn short(&self, name: &str) -> String {
        name.strip_suffix(&format!("@{}", self.version.number())).unwrap_or(name).to_owned()
    }

    /// Each test alone, some at a time.
    fn repeat(&self, names: Vec<String>) -> Result<Vec<(String, Outcome)>, String> {
        let (names, done) = (Mutex::new(names), Mutex::new(Vec::new()));
        let next = || names.lock().expect("nobody panics with this lock").pop();
        thread::scope(|scope| {
            for _ in 0..REPEATS {
                scope.spawn(|| {
                    while let Some(name) = next() {
                        let outcome = self.alone(&name).map(|outcome| (name, outcome));
                        done.lock().expect("nobody panics with this lock").push(outcome);
                    }
                });
            }
        });
        done.into_inner().expect("nobody panics with this lock").into_iter().collect()
    }

    fn alone(&self, name: &str) -> Result<Outcome, String> {
        let mut running = self.broker.start()?;
        let ran = self.suite(&running, name, ALONE_MAX)?;
        // The name may be a part of other names.
        let line = lines(&ran.stdout)?.into_iter().find(|line| line.name == name);
        let mut outcome = line.as_ref().map(Outcome::new).unwrap_or_else(|| Outcome {
            ids: Vec::new(),
            verdict: Verdict::Failed,
            reason: format!("no result: {}", ran.stderr.trim()),
            ends_broker: false,
        });
        outcome.ends_broker = !self.serves(&mut running)?;
        Ok(outcome)
    }
}

fn lines(json: &str) -> Result<Vec<Line>, String> {
    let line = |line: &str| {
        serde_json::from_str(line).map_err(|fault| format!("martlet conformance --json: {line}: {fault}"))
    };
    json.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let json = concat!(
            r#"{"name":"a/b@5.0","ids":["MQTT-3.1.0-2"],"result":"passed","seconds":0.005}"#,
            "\n",
            r#"{"name":"a/c@5.0","ids":[],"result":"failed","seconds":1,"differs":"x","transcript":"y\n"}"#,
            "\n",
            r#"{"name":"a/d@5.0","ids":[],"result":"skipped","seconds":0.1,"why":"declined"}"#,
            "\n",
        );
        let outcomes: Vec<_> = lines(json).unwrap().iter().map(Outcome::new).collect();
        let seen = outcomes.iter().map(|outcome| (outcome.verdict, outcome.reason.as_str()));
        let expected = [(Verdict::Passed, ""), (Verdict::Failed, "x"), (Verdict::Skipped, "declined")];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
        assert_eq!(outcomes[0].ids, ["MQTT-3.1.0-2"]);
        assert!(lines("{").is_err());
    }
}
