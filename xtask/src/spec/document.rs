//! `docs/conformance.md`: the parts of it that are generated, between marks; the rest is written by hand.
//!
//! Tables name files and never lines, so that the document changes only when a citation comes or goes.

use super::{Exception, Place, Row};
use crate::marks::{cell, marks, replace};
use crate::tidy::Findings;
use crate::tidy::requirements::{V5, V311};
use crate::tidy::tree::Tree;

/// Where the document stands, from the root of the repository.
pub(crate) const PATH: &str = "docs/conformance.md";

/// The document with its generated parts made anew; a mark that is missing is a finding.
pub(crate) fn render(tree: &Tree, rows: &[Row], findings: &mut Findings) -> String {
    let mut text = tree.file(PATH).map(|file| file.text.clone()).unwrap_or_default();
    let parts =
        [("spec figures", figures(rows)), ("spec 5.0", table(rows, V5)), ("spec 3.1.1", table(rows, V311))];
    for (name, part) in parts {
        match replace(&text, name, &part) {
            Some(replaced) => text = replaced,
            None => {
                let (begin, end) = marks(name);
                findings.add(PATH, 1, format!("has no `{begin}` with `{end}` behind it (put them in)"));
            }
        }
    }
    text
}

/// What is counted of a version's rows.
type Figure = (&'static str, fn(&Row) -> bool);

fn figures(rows: &[Row]) -> String {
    const FIGURES: [Figure; 6] = [
        ("statements", |_| true),
        ("cited where they are enforced", |row| !row.enforced.is_empty()),
        ("tested", |row| !row.tested.is_empty()),
        ("excepted", |row| row.exception.is_some()),
        ("without test and exception", |row| row.is_untested()),
        ("of these, not cited at all", |row| row.is_untraced()),
    ];
    let mut text = String::from("| | 5.0 | 3.1.1 |\n|---|---|---|\n");
    for (name, counts) in FIGURES {
        let [v5, v311] = [V5, V311]
            .map(|table| rows.iter().filter(|row| row.statement.table == table && counts(row)).count());
        text += &format!("| {name} | {v5} | {v311} |\n");
    }
    text
}

fn table(rows: &[Row], table: &str) -> String {
    let mut text = String::from("| id | binds | statement | enforced | tested |\n|---|---|---|---|---|\n");
    for row in rows.iter().filter(|row| row.statement.table == table) {
        let statement = &row.statement;
        text += &format!(
            "| {} | {} | {} | {} | {} |\n",
            statement.cited_as(),
            statement.binds,
            cell(&statement.paraphrase),
            files(&row.enforced),
            tested(row),
        );
    }
    text
}

fn tested(row: &Row) -> String {
    match &row.exception {
        Some(Exception { kind, reason }) => format!("*{kind}*: {}", cell(reason)),
        None if row.tested.is_empty() => "**no test**".into(),
        None => files(&row.tested),
    }
}

/// Each file once; `crates/` goes without saying.
fn files(places: &[Place]) -> String {
    let mut files: Vec<_> = places.iter().map(|place| place.path).collect();
    files.dedup();
    let name = |path: &str| format!("`{}`", path.strip_prefix("crates/").unwrap_or(path));
    files.into_iter().map(name).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_once_and_without_lines() {
        let place = |path, line| Place { path, line };
        let places = [place("crates/a/src/b.rs", 1), place("crates/a/src/b.rs", 2), place("fuzz/c.rs", 3)];
        assert_eq!(files(&places), "`a/src/b.rs` `fuzz/c.rs`");
        assert_eq!(files(&[]), "");
    }
}
