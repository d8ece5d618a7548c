//! `cargo xtask spec`: every normative statement of 3.1.1 and 5.0, where it is enforced and where it is tested.
//!
//! It reads the citations that tidy finds, and believes them: that a test goes red without the check it cites
//! is for people and for mutation testing to see. The one file that it writes is `docs/conformance.md`.

mod document;
mod exceptions;
mod statements;
mod trace;

use std::path::Path;

use crate::tidy::Findings;
use crate::tidy::requirements::{V5, V311};
use crate::tidy::tree::Tree;
pub(crate) use document::PATH as DOCUMENT;
use exceptions::{Exception, Exceptions};
use statements::Statement;
use trace::{Place, Traces};

/// What to do with what is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    /// Print every statement, write the document.
    Report,
    /// Print the statements that lack a test.
    Untested,
    /// Say whether the document is current; how many statements lack a test is no failure here.
    Check,
}

impl Mode {
    pub(crate) fn parse(options: &[&str]) -> Result<Mode, String> {
        match options {
            [] => Ok(Mode::Report),
            ["--untested"] => Ok(Mode::Untested),
            ["--check"] => Ok(Mode::Check),
            other => Err(format!("spec: {}: there is --untested or --check", other.join(" "))),
        }
    }
}

/// A statement and all that is known of it.
pub(crate) struct Row<'t> {
    statement: Statement<'t>,
    enforced: Vec<Place<'t>>,
    tested: Vec<Place<'t>>,
    exception: Option<Exception>,
}

impl Row<'_> {
    fn is_untested(&self) -> bool {
        self.tested.is_empty() && self.exception.is_none()
    }

    fn is_untraced(&self) -> bool {
        self.is_untested() && self.enforced.is_empty()
    }

    /// A line with the statement, and one for each thing known of it.
    fn report(&self) -> String {
        let Statement { binds, paraphrase, .. } = &self.statement;
        let mut lines = vec![format!("{} ({binds}): {paraphrase}", self.statement.cited_as())];
        for (what, places) in [("enforced", &self.enforced), ("tested", &self.tested)] {
            let listed: Vec<_> = places.iter().map(ToString::to_string).collect();
            match listed.is_empty() {
                true => lines.push(format!("  {what:<8}  nowhere")),
                false => lines.push(format!("  {what:<8}  {}", listed.join(" "))),
            }
        }
        if let Some(Exception { kind, reason }) = &self.exception {
            lines.push(format!("  excepted  {kind}: {reason}"));
        }
        lines.join("\n")
    }
}

/// Does what `mode` says for the repository at `root`.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<(), String> {
    let tree = Tree::load(root)?;
    let mut findings = Findings::default();
    let rows = rows(&tree, &mut findings);
    let document = document::render(&tree, &rows, &mut findings);
    let findings = findings.lines();
    if !findings.is_empty() {
        findings.iter().for_each(|finding| println!("{finding}"));
        return Err(format!("spec: findings: {}", findings.len()));
    }
    match mode {
        Mode::Check => {
            current(&tree, &document)?;
            println!("spec: {} is current; {}", document::PATH, summary(&rows));
            return Ok(());
        }
        Mode::Untested => print(rows.iter().filter(|row| row.is_untested())),
        Mode::Report => {
            print(rows.iter());
            write(root, &document)?;
        }
    }
    println!("spec: {}", summary(&rows));
    complete(&rows)
}

/// Every statement with its places and its exception; what is wrong with the tables and the list is found.
fn rows<'t>(tree: &'t Tree, findings: &mut Findings) -> Vec<Row<'t>> {
    let traces = Traces::of(tree);
    let list = tree.file(exceptions::PATH).map_or("", |file| &file.text);
    let mut exceptions = Exceptions::parse(list, findings);
    let statements = [V5, V311].into_iter().flat_map(|table| statements::read(tree, table, findings));
    let statements: Vec<_> = statements.collect();
    let row = |statement: Statement<'t>| {
        let (enforced, tested) = traces.places(&statement);
        let exception = exceptions.take(&statement, &tested, findings);
        Row { statement, enforced, tested, exception }
    };
    let rows = statements.into_iter().map(row).collect();
    exceptions.finish(findings);
    trace::check_frames(tree, findings);
    rows
}

fn print<'r>(rows: impl Iterator<Item = &'r Row<'r>>) {
    rows.for_each(|row| println!("{}", row.report()));
}

fn write(root: &Path, document: &str) -> Result<(), String> {
    let path = root.join(document::PATH);
    std::fs::write(&path, document).map_err(|fault| format!("cannot write {}: {fault}", path.display()))
}

fn summary(rows: &[Row]) -> String {
    let untraced = rows.iter().filter(|row| row.is_untraced()).count();
    let untested = rows.iter().filter(|row| row.is_untested()).count();
    format!("{} statements, {untraced} untraced, {untested} untested", rows.len())
}

/// An error if the document of the tree is not `document`.
fn current(tree: &Tree, document: &str) -> Result<(), String> {
    let is_current = tree.file(document::PATH).is_some_and(|file| file.text == document);
    is_current
        .then_some(())
        .ok_or_else(|| format!("{} is not current (run cargo xtask spec)", document::PATH))
}

/// An error while a statement has neither a test nor an exception.
fn complete(rows: &[Row]) -> Result<(), String> {
    match rows.iter().filter(|row| row.is_untested()).count() {
        0 => Ok(()),
        1 => Err("spec: 1 statement without a test (write one, or list it with its reason)".into()),
        count => Err(format!(
            "spec: {count} statements without a test (write them, or list them with their reasons)"
        )),
    }
}

#[cfg(test)]
mod tests;
