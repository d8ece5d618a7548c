//! The comparison as Markdown: totals of each broker, and each test that one of them fails.

use std::collections::BTreeMap;

use super::brokers::Version;
use super::verdicts::{Outcome, Verdict, Verdicts};
use crate::marks::cell;

/// What was found of one broker.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) version: String,
    pub(super) v5: Verdicts,
    pub(super) v311: Verdicts,
}

impl Column {
    fn verdicts(&self, version: Version) -> &Verdicts {
        match version {
            Version::V5 => &self.v5,
            Version::V311 => &self.v311,
        }
    }
}

pub(super) fn render(columns: &[Column]) -> String {
    let notes = notes(columns);
    let notes = if notes.is_empty() { String::new() } else { format!("\n{notes}") };
    format!("{}{notes}\n{}", totals(columns), failures(columns))
}

fn totals(columns: &[Column]) -> String {
    let mut text = String::from(
        "| broker | | passed | failed | skipped | end the broker |\n|---|---|---|---|---|---|\n",
    );
    for column in columns {
        for version in Version::ALL {
            let verdicts = column.verdicts(version);
            let ended = |verdict| verdicts.count(|outcome| outcome.verdict == verdict);
            text += &format!(
                "| {} {} | {} | {} | {} | {} | {} |\n",
                column.name,
                column.version,
                version.number(),
                ended(Verdict::Passed),
                ended(Verdict::Failed),
                ended(Verdict::Skipped),
                verdicts.count(|outcome| outcome.ends_broker),
            );
        }
    }
    text
}

fn notes(columns: &[Column]) -> String {
    let mut text = String::new();
    for column in columns {
        for version in Version::ALL {
            if let Some(note) = &column.verdicts(version).note {
                text += &format!("{}, {}: {note}.\n", column.name, version.number());
            }
        }
    }
    text
}

/// A row for each test that at least one broker fails, or does not survive, by name.
fn failures(columns: &[Column]) -> String {
    let mut rows = BTreeMap::new();
    for column in columns {
        for version in Version::ALL {
            for (name, outcome) in &column.verdicts(version).tests {
                // A test without a result has no ids, so another broker's are taken.
                let (ids, is_wanted) = rows.entry((name, version)).or_insert((&outcome.ids, false));
                if ids.is_empty() {
                    *ids = &outcome.ids;
                }
                *is_wanted |= outcome.verdict == Verdict::Failed || outcome.ends_broker;
            }
        }
    }
    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
    let mut text = format!(
        "| test | | statements | {} |\n|---|---|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    for ((name, version), (ids, _)) in rows.into_iter().filter(|(_, (_, is_wanted))| *is_wanted) {
        let cells: Vec<_> =
            columns.iter().map(|column| shown(column.verdicts(version).tests.get(name))).collect();
        // A space after each comma is where a narrow cell may break.
        let (ids, cells) = (ids.join(", "), cells.join(" | "));
        text += &format!("| {} | {} | {ids} | {cells} |\n", cell(name), version.number());
    }
    text
}

fn shown(outcome: Option<&Outcome>) -> String {
    let Some(outcome) = outcome else { return String::new() };
    let ended = match outcome.verdict {
        Verdict::Passed => "ok".to_owned(),
        Verdict::Failed => "**fails**".to_owned(),
        Verdict::Skipped => format!("skipped: {}", cell(&outcome.reason)),
    };
    if outcome.ends_broker { format!("{ended}, **ends the broker**") } else { ended }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(tests: &[(&str, &[&str], Verdict)], note: Option<&str>) -> Verdicts {
        let test = |(name, ids, verdict): &(&str, &[&str], Verdict)| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            let outcome =
                Outcome { ids, verdict: *verdict, reason: "no_wills".into(), ends_broker: *name == "b/e" };
            ((*name).to_owned(), outcome)
        };
        Verdicts { tests: tests.iter().map(test).collect(), note: note.map(str::to_owned) }
    }

    #[test]
    fn a_row_for_each_test_that_one_fails() {
        use Verdict::{Failed, Passed, Skipped};
        let ids: &[&str] = &["MQTT-9.9.9-1", "MQTT-9.9.9-2"];
        let ours = Column {
            name: "A",
            version: "1".into(),
            v5: verdicts(&[("b/c", ids, Passed), ("b/d", &[], Passed)], None),
            v311: verdicts(&[("b/c", &[], Passed), ("b/a", &["x"], Failed)], None),
        };
        let theirs = Column {
            name: "B",
            version: "2".into(),
            v5: verdicts(
                &[("b/c", &[], Failed), ("b/d", &[], Passed), ("b/e", &["y"], Passed)],
                Some("it ended"),
            ),
            v311: verdicts(&[("b/c", &[], Passed), ("b/a", &["x"], Skipped)], None),
        };
        let expected = "\
| broker | | passed | failed | skipped | end the broker |
|---|---|---|---|---|---|
| A 1 | 5.0 | 2 | 0 | 0 | 0 |
| A 1 | 3.1.1 | 1 | 1 | 0 | 0 |
| B 2 | 5.0 | 2 | 1 | 0 | 1 |
| B 2 | 3.1.1 | 1 | 0 | 1 | 0 |

B, 5.0: it ended.

| test | | statements | A | B |
|---|---|---|---|---|
| b/a | 3.1.1 | x | **fails** | skipped: no\\_wills |
| b/c | 5.0 | MQTT-9.9.9-1, MQTT-9.9.9-2 | ok | **fails** |
| b/e | 5.0 | y |  | ok, **ends the broker** |
";
        assert_eq!(render(&[ours, theirs]), expected);
    }
}
