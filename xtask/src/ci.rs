//! `cargo xtask ci`: every check, one after the other, to the end even when one fails.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::test::{self, Tested};
use crate::{commits, conformance, fuzz, instructions, process, sim, spec, tidy};

/// How many seeds the simulator is given.
const SEEDS: u64 = 3000;

/// Runs all steps; gives which of them failed, and what the tests came to.
pub(crate) fn run(root: &Path) -> (Result<(), String>, Option<Tested>) {
    let mut tested = None;
    let mut steps = Steps::default();
    steps.run("fmt", || cargo(root, "fmt --all --check"));
    steps.run("clippy", || {
        cargo(root, "clippy --workspace --all-targets --all-features --quiet -- -D warnings")
    });
    steps.run("tidy", || tidy::run(root));
    steps.run("commits", || commits::run(root));
    steps.run("spec", || spec::run(root, spec::Mode::Check));
    steps.run("test", || {
        let outcome = tested.insert(test::run(root, &test::Options::default()));
        outcome.result.clone()
    });
    steps.run("conformance", || conformance::run(root));
    steps.run("fuzz", || fuzz::run(root, fuzz::SECONDS));
    steps.run("sim", || sim::run(root, &sim::Options { seeds: SEEDS, first: None }));
    steps.run("instructions", || instructions::run(root, false));
    steps.run("deny", || deny(root));
    steps.print();
    (steps.result(), tested)
}

fn cargo(root: &Path, arguments: &str) -> Result<(), String> {
    process::run(process::cargo(root).args(arguments.split(' ')))
}

/// Licences, sources and duplicates of dependencies, where the tool is installed.
fn deny(root: &Path) -> Result<(), String> {
    if process::output(Command::new("cargo").args(["deny", "--version"])).is_err() {
        println!(
            "cargo-deny is not installed, so licences and sources are NOT checked (cargo install cargo-deny)"
        );
        return Ok(());
    }
    cargo(root, "deny check bans licenses sources")
}

/// What has been run, how long it took, and how it ended.
#[derive(Default)]
struct Steps(Vec<(&'static str, f64, Result<(), String>)>);

impl Steps {
    fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<(), String>) {
        println!("==> {name}");
        let begun = Instant::now();
        let result = step();
        let seconds = begun.elapsed().as_secs_f64();
        match &result {
            Ok(()) => println!("==> {name}: ok, {seconds:.1} s"),
            Err(message) => println!("==> {name}: FAILED, {seconds:.1} s: {message}"),
        }
        self.0.push((name, seconds, result));
    }

    fn print(&self) {
        println!("==> summary");
        for (name, seconds, result) in &self.0 {
            println!("{name:<11} {:<6} {seconds:>7.1} s", if result.is_ok() { "ok" } else { "FAILED" });
        }
    }

    fn result(&self) -> Result<(), String> {
        let failed: Vec<_> =
            self.0.iter().filter(|(.., result)| result.is_err()).map(|(name, ..)| *name).collect();
        if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failing_step_fails_the_run_and_stops_nothing() {
        let mut steps = Steps::default();
        steps.run("a", || Err("x".into()));
        steps.run("b", || Ok(()));
        assert_eq!(steps.result(), Err("failed: a".into()));
        assert_eq!(steps.0.len(), 2);
        assert_eq!(Steps::default().result(), Ok(()));
    }
}
