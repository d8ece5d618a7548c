//! `cargo xtask bench`: the loads of `martlet bench` on our broker, on others and on the relay, side by side.
//!
//! Inside each repetition one row after the other is run, and for each row one broker after the other, so that a
//! machine that changes its pace changes it for all. It judges nothing: a row below the bar is a row of the document.

mod brokers;
mod calls;
mod growth;
mod patterns;
mod rows;
mod samples;
mod setup;
mod table;

use std::path::Path;

use crate::{Failure, marks, number, process};
use brokers::Ports;
use rows::{ROWS, Row};
use samples::{Samples, measure};

const DOCUMENT: &str = "docs/benchmarks.md";
const RUNS: usize = 5;
const NOWHERE: &str = "Nowhere, in these rows.\n";

/// What is run.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// Repetitions, of which the tables have the medians.
    runs: usize,
    /// Only rows with this in their names; `growth` and `patterns` are all of those sections.
    rows: Option<String>,
    /// Shorter, and with smaller counts.
    quick: bool,
}

impl Options {
    pub(crate) fn parse(options: &[&str]) -> Result<Options, String> {
        let mut parsed = Options { runs: RUNS, rows: None, quick: false };
        let mut rest = options;
        loop {
            rest = match rest {
                [] => return Ok(parsed),
                ["--quick", rest @ ..] => {
                    parsed.quick = true;
                    rest
                }
                ["--runs", runs, rest @ ..] => {
                    parsed.runs = match number("--runs", runs)? {
                        count @ 1..=99 => count as usize,
                        _ => return Err(format!("bench: --runs {runs}: it is 1 to 99")),
                    };
                    rest
                }
                ["--rows", pattern, rest @ ..] => {
                    parsed.rows = Some((*pattern).to_owned());
                    rest
                }
                other => return Err(format!("unknown option of bench: {}", other.join(" "))),
            }
        }
    }

    /// Whether what is run is what the document is about.
    fn is_all(&self) -> bool {
        self.rows.is_none() && !self.quick
    }

    /// The command that does it again.
    fn command(&self) -> String {
        let rows = self.rows.as_ref().map(|rows| format!(" --rows '{rows}'")).unwrap_or_default();
        let quick = if self.quick { " --quick" } else { "" };
        format!("cargo xtask bench --runs {}{rows}{quick}", self.runs)
    }
}

/// Runs the rows and prints the tables; when all rows were run, also to the document.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), Failure> {
    let is_wanted = |row: &&Row| options.rows.as_ref().is_none_or(|pattern| row.name.contains(pattern));
    let wanted: Vec<&Row> = ROWS.iter().filter(is_wanted).collect();
    let grown = growth::wanted(options.rows.as_deref());
    let has_patterns = patterns::is_wanted(options.rows.as_deref());
    if wanted.is_empty() && grown.is_empty() && !has_patterns {
        let names: Vec<_> = ROWS.iter().chain(growth::rows()).map(|row| row.name).collect();
        return Err(Failure::Usage(format!("no such row; there are:\n  {}", names.join("\n  "))));
    }
    let martlet = process::martlet(root)?;
    let directory = process::target_directory(root).join("peers/bench");
    std::fs::create_dir_all(&directory)
        .map_err(|fault| format!("cannot create {}: {fault}", directory.display()))?;
    let brokers = brokers::all(root, &martlet, &directory)?;
    let mut ports = Ports::new();
    let load_before = setup::load();
    let mut samples = Samples::default();
    for run in 1..=options.runs {
        for row in wanted.iter().copied().chain(grown.iter().map(|grown| &grown.row)) {
            for broker in brokers.iter().filter(|broker| row.is_for(broker.kind)) {
                if samples.has_failed(row, broker.kind) {
                    continue;
                }
                let outcome = measure(&martlet, broker, row, options.quick, &mut ports);
                eprintln!(
                    "bench: {run}/{} {}, {}: {}",
                    options.runs,
                    row.name,
                    broker.name,
                    outcome.brief(row)
                );
                samples.add(row, broker.kind, outcome);
            }
        }
    }
    let patterns = match has_patterns {
        true => patterns::run(&martlet, &brokers, options.quick, &mut ports),
        false => "These rows are about other things.\n".into(),
    };
    let calls = calls::table(&martlet, &brokers[1], &wanted, &mut ports);
    let losses = table::losses(&brokers, &wanted, &samples) + &growth::losses(&grown, &samples);
    let parts = [
        ("setup", setup::describe(&brokers, &options.command(), load_before.as_deref())),
        ("costs", table::costs(&brokers, &wanted, &samples)),
        ("ratios", table::ratios(&wanted, &samples)),
        ("growth", growth::table(&grown, &samples, options.quick)),
        ("patterns", patterns),
        ("losses", if losses.is_empty() { NOWHERE.into() } else { losses }),
        ("calls", calls),
    ];
    for (_, part) in &parts {
        println!("{part}");
    }
    if options.is_all() {
        for (name, part) in &parts {
            marks::write(root, DOCUMENT, &format!("bench {name}"), part)?;
        }
        eprintln!("bench: written to {DOCUMENT}");
    } else {
        eprintln!("bench: {DOCUMENT} is left as it is: these are not all rows in full");
    }
    Ok(())
}

/// The relay, which is no broker but what they are compared with, and the brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Relay,
    Martlet,
    MartletTwo,
    Mosquitto,
    Rumqttd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_in_any_order() {
        let parsed = Options::parse(&["--rows", "pairs", "--quick", "--runs", "3"]).unwrap();
        assert_eq!(parsed, Options { runs: 3, rows: Some("pairs".into()), quick: true });
        assert_eq!(parsed.command(), "cargo xtask bench --runs 3 --rows 'pairs' --quick");
        assert!(!parsed.is_all() && Options::parse(&[]).unwrap().is_all());
        for bad in [&["--runs"][..], &["--runs", "x"], &["--runs", "0"], &["--runs", "100"], &["pairs"]] {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }
}
