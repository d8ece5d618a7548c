//! `cargo xtask test`: every test of the workspace, counted.
//!
//! A test that was started and never finished did not pass. Nothing is skipped without being said.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{peers, process};

/// Tests of foreign programs stand in a module of this name, in whatever file.
const PEER_MODULE: &str = "peers::";

/// What to run.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// Leave out the tests of foreign programs.
    no_system: bool,
    /// Only tests whose name contains this.
    name: Option<String>,
}

impl Options {
    pub(crate) fn parse(options: &[&str]) -> Result<Options, String> {
        let mut parsed = Options::default();
        for option in options {
            match *option {
                "--no-system" => parsed.no_system = true,
                name if name.starts_with('-') => {
                    return Err(format!("test: unknown option {name} (there is --no-system)"));
                }
                name if parsed.name.is_none() => parsed.name = Some(name.into()),
                name => return Err(format!("test: {name}: only one name is understood")),
            }
        }
        Ok(parsed)
    }
}

/// How many tests, over all binaries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

/// What a run of the tests came to.
pub(crate) struct Tested {
    /// None if the tests could not be built or their peers are missing.
    totals: Option<Totals>,
    pub(crate) result: Result<(), String>,
}

impl Tested {
    /// `N passed, N failed`, alone on a line.
    pub(crate) fn print_totals(&self) {
        match self.totals {
            Some(Totals { passed, failed }) => println!("{passed} passed, {failed} failed"),
            None => println!("no tests were run"),
        }
    }
}

/// Prepares the foreign programs, runs the tests, counts.
pub(crate) fn run(root: &Path, options: &Options) -> Tested {
    let mut command = cargo_test(root);
    command.arg("--").args(&options.name);
    if options.no_system {
        println!("test: --no-system: the tests of foreign clients (module {PEER_MODULE}) are left out");
        command.args(["--skip", PEER_MODULE]).env("MARTLET_PEERS", "none");
    } else {
        match peers::prepare(root) {
            Ok(peers) => command.envs(peers.environment()),
            Err(message) => return Tested { totals: None, result: Err(message) },
        };
    }
    match count(&mut command) {
        Ok((totals, finished)) => {
            let result = match totals.failed {
                0 if finished && totals.passed == 0 => Err("no test ran (is the name right?)".into()),
                0 if finished => Ok(()),
                0 => Err("cargo test failed outside any test (see its output above)".into()),
                1 => Err("1 test failed".into()),
                failed => Err(format!("{failed} tests failed")),
            };
            let ran = finished || totals != Totals::default();
            Tested { totals: ran.then_some(totals), result }
        }
        Err(message) => Tested { totals: None, result: Err(message) },
    }
}

/// Runs the tests whose name contains `name`, without peers.
pub(crate) fn run_named(root: &Path, name: &str) -> Result<Totals, String> {
    let mut command = cargo_test(root);
    command.args(["--", name, "--skip", PEER_MODULE]).env("MARTLET_PEERS", "none");
    match count(&mut command)? {
        (totals, true) => Ok(totals),
        (totals, false) => Err(format!("tests named {name}: {} failed", totals.failed.max(1))),
    }
}

fn cargo_test(root: &Path) -> Command {
    let mut command = process::cargo(root);
    command.args(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    command
}

/// Runs `command`, shows its output as it comes, and counts; the flag is whether it exited with 0.
fn count(command: &mut Command) -> Result<(Totals, bool), String> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|fault| format!("cannot run cargo test: {fault}"))?;
    let mut tally = Tally::default();
    let stdout = child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n'));
    for line in stdout.map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.line(&line);
    }
    let status = child.wait().map_err(|fault| format!("cannot wait for cargo test: {fault}"))?;
    Ok((tally.finish(), status.success()))
}

/// Counts from the lines that test binaries print.
#[derive(Default)]
struct Tally {
    totals: Totals,
    /// Of the binary that runs now: tests announced, tests that passed or were ignored.
    running: Option<(usize, Totals, usize)>,
}

impl Tally {
    fn line(&mut self, line: &str) {
        if let Some(announced) = between(line, "running ", " test") {
            self.close();
            self.running = Some((announced, Totals::default(), 0));
        } else if line.starts_with("test result: ") {
            self.running = None;
            self.totals.passed += between(line, ". ", " passed;").unwrap_or(0);
            self.totals.failed += between(line, " passed; ", " failed;").unwrap_or(0);
        } else if let Some((_, seen, ignored)) = self.running.as_mut().filter(|_| line.starts_with("test ")) {
            seen.passed += usize::from(line.ends_with(" ... ok"));
            *ignored += usize::from(line.contains(" ... ignored"));
        }
    }

    /// A binary that is not heard of again has failed all that it did not finish.
    fn close(&mut self) {
        if let Some((announced, seen, ignored)) = self.running.take() {
            self.totals.passed += seen.passed;
            self.totals.failed += announced.saturating_sub(seen.passed + ignored).max(1);
        }
    }

    fn finish(mut self) -> Totals {
        self.close();
        self.totals
    }
}

/// The number between two markers.
fn between(line: &str, before: &str, after: &str) -> Option<usize> {
    let (_, rest) = line.split_once(before)?;
    rest.split_once(after)?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, passed: usize, failed: usize) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.line(line));
        assert_eq!(tally.finish(), Totals { passed, failed }, "{output}");
    }

    #[test]
    fn binaries_are_summed() {
        let ok = "\nrunning 2 tests\ntest a ... ok\ntest b ... ignored, slow\n\n\
                  test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let bad = "running 1 test\ntest c ... FAILED\n\
                   test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 1.00s\n";
        check("", 0, 0);
        check(ok, 1, 0);
        check(&format!("{ok}{bad}{ok}"), 2, 1);
    }

    #[test]
    fn what_did_not_finish_has_failed() {
        let crashed = "running 4 tests\ntest a ... ok\ntest b ... ignored\ntest c ... FAILED\n";
        check(crashed, 1, 2);
        check(
            &format!("{crashed}running 1 test\ntest d ... ok\ntest result: ok. 1 passed; 0 failed; x"),
            2,
            2,
        );
        check("running 1 test\ntest a ... ok\n", 1, 1);
    }

    #[test]
    fn options() {
        let parsed = Options::parse(&["--no-system", "abc"]);
        assert_eq!(parsed, Ok(Options { no_system: true, name: Some("abc".into()) }));
        assert!(Options::parse(&["--system"]).is_err());
        assert!(Options::parse(&["a", "b"]).is_err());
    }
}
