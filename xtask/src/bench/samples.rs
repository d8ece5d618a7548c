//! One run of `martlet bench` against a broker that was started for it, and the medians of many.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::Kind;
use super::brokers::{Broker, Ports};
use super::rows::{Row, Wanted};
use crate::bounded;

/// How long a run may take.
const RUN_MAX: Duration = Duration::from_secs(180);
/// How long nothing may happen in it, in seconds.
const STILL_S: &str = "10";
/// Words that explain a missing figure are not longer than this.
const WORDS_MAX: usize = 120;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Figures(BTreeMap<String, f64>),
    /// Why there are none.
    Words(String),
}

/// The JSON of `martlet bench`, as far as it is of use here.
#[derive(Deserialize)]
struct Report {
    figures: BTreeMap<String, Option<f64>>,
    failures: Vec<String>,
}

impl Outcome {
    fn new(stdout: &str, stderr: &str) -> Outcome {
        match serde_json::from_str::<Report>(stdout) {
            Ok(report) if report.failures.is_empty() => {
                let figures = report.figures.into_iter();
                Outcome::Figures(figures.filter_map(|(name, value)| Some((name, value?))).collect())
            }
            Ok(report) => Outcome::words(&report.failures.join(", ")),
            Err(_) => {
                let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no report");
                Outcome::words(last.trim().trim_start_matches("error: "))
            }
        }
    }

    fn words(text: &str) -> Outcome {
        let mut words: String = text.chars().take(WORDS_MAX).collect();
        if words.len() < text.len() {
            words.push('…');
        }
        Outcome::Words(words)
    }

    /// For the line that tells of progress.
    pub(super) fn brief(&self, row: &Row) -> String {
        match self {
            Outcome::Words(words) => words.clone(),
            Outcome::Figures(figures) => {
                let figure =
                    |wanted: &Wanted| figures.get(wanted.key).map(|value| super::table::number(*value));
                row.figures.iter().filter_map(figure).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// Starts the broker, runs the load, and ends the broker.
pub(super) fn measure(martlet: &Path, broker: &Broker, row: &Row, quick: bool, ports: &mut Ports) -> Outcome {
    let mut running = match broker.start(row.is_v5(), ports) {
        Ok(running) => running,
        Err(why) => return Outcome::words(&why),
    };
    let mut command = Command::new(martlet);
    command.arg("bench").args(row.arguments(quick)).args(["--broker", &running.url, "--json", "-"]);
    command.args(["--timeout", STILL_S, "--pid", &running.server.id().to_string()]);
    let outcome = match bounded::run(&mut command, RUN_MAX) {
        Ok(ran) if ran.status.is_none() => Outcome::Words(format!("no end in {} s", RUN_MAX.as_secs())),
        Ok(ran) => Outcome::new(&ran.stdout, &ran.stderr),
        Err(why) => Outcome::words(&why),
    };
    match running.server.ended() {
        Some(end) => Outcome::Words(format!("the broker ended ({end})")),
        None => outcome,
    }
}

/// What was measured, by row and broker.
#[derive(Default)]
pub(super) struct Samples(BTreeMap<(&'static str, Kind), Vec<Outcome>>);

/// A figure of a row and broker, over all runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Median(f64),
    Words(String),
    /// Not asked, or not told.
    Nothing,
}

impl Cell {
    pub(super) fn value(&self) -> Option<f64> {
        if let Cell::Median(value) = self { Some(*value) } else { None }
    }
}

impl Samples {
    pub(super) fn add(&mut self, row: &Row, kind: Kind, outcome: Outcome) {
        self.0.entry((row.name, kind)).or_default().push(outcome);
    }

    /// Whether it would be a waste of time to ask again.
    pub(super) fn has_failed(&self, row: &Row, kind: Kind) -> bool {
        let outcomes = self.0.get(&(row.name, kind));
        outcomes.is_some_and(|outcomes| outcomes.iter().any(|one| matches!(one, Outcome::Words(_))))
    }

    pub(super) fn cell(&self, row: &Row, kind: Kind, figure: &Wanted) -> Cell {
        let outcomes = self.0.get(&(row.name, kind)).map(Vec::as_slice).unwrap_or_default();
        if let Some(Outcome::Words(words)) = outcomes.iter().find(|one| matches!(one, Outcome::Words(_))) {
            return Cell::Words(words.clone());
        }
        median(self.values(row, kind, figure)).map_or(Cell::Nothing, Cell::Median)
    }

    /// How far apart the runs of a figure are: the largest by the smallest.
    pub(super) fn spread(&self, row: &Row, kind: Kind, figure: &Wanted) -> Option<f64> {
        let values = self.values(row, kind, figure);
        if values.len() < 2 {
            return None;
        }
        let smallest = values.iter().copied().reduce(f64::min)?;
        let largest = values.iter().copied().reduce(f64::max)?;
        (smallest > 0.0).then(|| largest / smallest)
    }

    fn values(&self, row: &Row, kind: Kind, figure: &Wanted) -> Vec<f64> {
        let outcomes = self.0.get(&(row.name, kind)).map(Vec::as_slice).unwrap_or_default();
        let value = |outcome: &Outcome| match outcome {
            Outcome::Figures(figures) => figures.get(figure.key).copied(),
            Outcome::Words(_) => None,
        };
        outcomes.iter().filter_map(value).collect()
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        len if len % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;

    #[test]
    fn a_report_is_figures_or_words() {
        let good = r#"{"figures":{"a":1.5,"b":null},"failures":[]}"#;
        assert_eq!(Outcome::new(good, ""), Outcome::Figures([("a".to_owned(), 1.5)].into()));
        let bad = r#"{"figures":{"a":1.5},"failures":["3 messages lost of 9"]}"#;
        assert_eq!(Outcome::new(bad, "x"), Outcome::Words("3 messages lost of 9".into()));
        assert_eq!(Outcome::new("", "a\nerror: timed out\n\n"), Outcome::Words("timed out".into()));
    }

    #[test]
    fn the_middle_one_counts() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }

    #[test]
    fn one_failure_is_a_failure() {
        let (row, figure) = (&ROWS[0], &ROWS[0].figures[0]);
        let mut samples = Samples::default();
        assert_eq!(samples.cell(row, Kind::Martlet, figure), Cell::Nothing);
        for value in [1.0, 2.0, 4.0] {
            samples.add(row, Kind::Martlet, Outcome::Figures([(figure.key.to_owned(), value)].into()));
        }
        assert_eq!(samples.cell(row, Kind::Martlet, figure), Cell::Median(2.0));
        assert_eq!(samples.spread(row, Kind::Martlet, figure), Some(4.0));
        samples.add(row, Kind::Martlet, Outcome::Words("lost".into()));
        assert_eq!(samples.cell(row, Kind::Martlet, figure), Cell::Words("lost".into()));
        assert!(samples.has_failed(row, Kind::Martlet) && !samples.has_failed(row, Kind::Relay));
    }
}
