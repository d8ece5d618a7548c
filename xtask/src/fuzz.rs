//! `cargo xtask fuzz`: each target of `fuzz/` for a short while.
//!
//! cargo-fuzz needs a nightly compiler. Without one the same harness runs on the stable compiler, fed with random
//! bytes: for a target `frame` that is every test whose name contains `fuzz_frame`. It never passes over a target.

use std::path::Path;
use std::process::Command;

use toml::{Table, Value};

use crate::process;
use crate::test;

/// How long each target runs unless told otherwise.
pub(crate) const SECONDS: u64 = 20;

/// Runs every target, by cargo-fuzz if it is there.
pub(crate) fn run(root: &Path, seconds: u64) -> Result<(), String> {
    let targets = targets(root)?;
    let version =
        process::output(Command::new("rustup").args(["run", "nightly", "cargo", "fuzz", "--version"]));
    if let Err(why) = version {
        println!(
            "fuzz: no nightly compiler with cargo-fuzz here, so stable tests feed the harness random bytes."
        );
        println!(
            "fuzz: to have it: rustup toolchain install nightly && cargo install cargo-fuzz\nfuzz: {why}"
        );
        return targets.iter().try_for_each(|target| run_on_stable(root, target));
    }
    targets.iter().try_for_each(|target| {
        println!("fuzz: {target}, {seconds} s");
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", "cargo", "fuzz", "run", target, "--"]);
        // A shard's hasher keeps its seed for ever, by intent: no leak that a target could tell from a fault.
        command.env("ASAN_OPTIONS", "detect_leaks=0");
        command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1").current_dir(root);
        let said = process::output(&mut command)?;
        let units = said.stderr.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        println!("fuzz: {target}: {} inputs, no fault", units.unwrap_or("?").trim());
        Ok(())
    })
}

fn run_on_stable(root: &Path, target: &str) -> Result<(), String> {
    let filter = format!("fuzz_{target}");
    let totals = test::run_named(root, &filter)?;
    match totals.passed {
        0 => Err(format!("fuzz: target {target} has no test on stable (name one {filter})")),
        passed => {
            println!("fuzz: {target}: no fault (stable tests: {passed})");
            Ok(())
        }
    }
}

/// The names of the binaries that `fuzz/Cargo.toml` declares.
fn targets(root: &Path) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(root.join("fuzz/Cargo.toml"))
        .map_err(|fault| format!("fuzz/Cargo.toml: {fault} (the targets are declared there, as [[bin]])"))?;
    let targets = parse_targets(&text)?;
    if targets.is_empty() { Err("fuzz/Cargo.toml declares no [[bin]]".into()) } else { Ok(targets) }
}

fn parse_targets(text: &str) -> Result<Vec<String>, String> {
    let manifest: Table = text.parse().map_err(|fault| format!("fuzz/Cargo.toml: {fault}"))?;
    let bins = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    Ok(bins.filter_map(|bin| bin.get("name")?.as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_from_the_manifest() {
        let text = "[package]\nname = 'x'\n[[bin]]\nname = 'frame'\npath = 'y'\n[[bin]]\nname = 'server'";
        assert_eq!(parse_targets(text), Ok(vec!["frame".into(), "server".into()]));
        assert_eq!(parse_targets("[package]"), Ok(vec![]));
        assert!(parse_targets("[").is_err());
    }
}
