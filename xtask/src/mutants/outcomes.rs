//! `outcomes.json`, as cargo-mutants leaves it: what became of each mutant.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::Deserialize;

/// How many mutants ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) caught: usize,
    pub(super) missed: usize,
    pub(super) timeouts: usize,
    /// They do not compile, so no test had to catch them.
    pub(super) unviable: usize,
}

impl Figures {
    pub(super) fn mutants(&self) -> usize {
        self.viable() + self.unviable
    }

    /// A test that hangs may only have been slow, so a timeout counts here, and does not count as caught.
    pub(super) fn viable(&self) -> usize {
        self.caught + self.missed + self.timeouts
    }

    /// Tenths of a percent of the viable that were caught, rounded down.
    pub(super) fn caught_permille(&self) -> usize {
        (self.caught * 1000).checked_div(self.viable()).unwrap_or(1000)
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, more: Figures) {
        self.caught += more.caught;
        self.missed += more.missed;
        self.timeouts += more.timeouts;
        self.unviable += more.unviable;
    }
}

/// What became of the mutants of one crate, or of a part of them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcomes {
    pub(super) figures: Figures,
    /// By the name that has no line numbers: where each mutant of that name stands.
    pub(super) missed: BTreeMap<String, Vec<String>>,
    /// Where they stand, and what they are.
    pub(super) timeouts: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    outcomes: Vec<Outcome>,
    end_time: Option<String>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant { name: String, file: String },
}

impl Outcomes {
    /// Adds those of another part, given the text of its `outcomes.json`.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        let document: Document = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
        if document.end_time.is_none() {
            return Err("that run did not come to its end".into());
        }
        for Outcome { scenario, summary } in document.outcomes {
            let Scenario::Mutant { name, file } = scenario else { continue };
            match summary.as_str() {
                "CaughtMutant" => self.figures.caught += 1,
                "Unviable" => self.figures.unviable += 1,
                "Timeout" => {
                    self.figures.timeouts += 1;
                    self.timeouts.push(name);
                }
                "MissedMutant" => {
                    self.figures.missed += 1;
                    self.missed.entry(without_line(&name, &file)).or_default().push(name);
                }
                other => return Err(format!("{name}: {other}, which says nothing of the tests")),
            }
        }
        Ok(())
    }
}

/// `a.rs:7:9: replace x with y in f` as `replace x with y in f (a.rs)`.
fn without_line(name: &str, file: &str) -> String {
    let place = |c: char| c.is_ascii_digit() || c == ':';
    let change = name.strip_prefix(file).unwrap_or(name).trim_start_matches(place).trim_start();
    format!("{change} ({file})")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut from a run of cargo-mutants 27.1.0.
    pub(super) fn document(mutants: &[(&str, &str)], end_time: &str) -> String {
        let mutant = |(name, summary): &(&str, &str)| {
            let file = name.split(':').next().unwrap_or_default();
            format!(
                r#",{{"scenario": {{"Mutant": {{"name": "{name}", "package": "martlet-codec", "file": "{file}",
                "function": {{"function_name": "PacketId::get", "return_type": "-> u16"}}, "replacement": "0",
                "genre": "FnValue"}}}}, "summary": "{summary}", "log_path": "log/x.log"}}"#
            )
        };
        let mutants: String = mutants.iter().map(mutant).collect();
        format!(
            r#"{{"outcomes": [{{"scenario": "Baseline", "summary": "Success", "phase_results": []}}{mutants}],
            "total_mutants": 5, "start_time": "2026-01-01T00:00:00Z", "end_time": {end_time},
            "cargo_mutants_version": "27.1.0"}}"#
        )
    }

    #[test]
    fn parts_are_summed() {
        let mut outcomes = Outcomes::default();
        outcomes
            .add(&document(
                &[
                    ("a.rs:27:9: replace f::<'_> -> u16 with 0", "CaughtMutant"),
                    ("a.rs:28:10: replace == with != in f", "MissedMutant"),
                    ("a.rs:30:9: replace f -> u16 with 1", "Unviable"),
                ],
                r#""2026-01-01T00:01:00Z""#,
            ))
            .unwrap();
        let second =
            &[("a.rs:7:1: replace == with != in f", "MissedMutant"), ("b.rs:9:9: delete ! in g", "Timeout")];
        outcomes.add(&document(second, r#""2026-01-01T00:02:00Z""#)).unwrap();
        assert_eq!(outcomes.figures, Figures { caught: 1, missed: 2, timeouts: 1, unviable: 1 });
        assert_eq!(outcomes.timeouts, ["b.rs:9:9: delete ! in g"]);
        let missed = ["a.rs:28:10: replace == with != in f", "a.rs:7:1: replace == with != in f"];
        assert_eq!(outcomes.missed["replace == with != in f (a.rs)"], missed);
        assert_eq!(outcomes.missed.len(), 1);
    }

    #[test]
    fn what_is_no_result() {
        let add = |text: &str| Outcomes::default().add(text);
        assert!(add("{").is_err());
        assert!(add(&document(&[], "null")).unwrap_err().contains("end"));
        assert!(add(&document(&[("a.rs:1:1: delete ! in g", "Failure")], r#""x""#)).is_err());
    }

    #[test]
    fn figures() {
        let figures = Figures { caught: 17, missed: 1, timeouts: 1, unviable: 5 };
        assert_eq!((figures.mutants(), figures.viable(), figures.caught_permille()), (24, 19, 894));
        assert_eq!(Figures::default().caught_permille(), 1000);
    }
}
