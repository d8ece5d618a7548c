//! The tables of statements, `spec/*.csv`: id, section, whom it binds, paraphrase.
//!
//! It reads the CSV that the tables are written in: one row a line, fields in quotes where they hold a comma.

use std::collections::BTreeSet;

use crate::tidy::Findings;
use crate::tidy::requirements::V311;
use crate::tidy::tree::Tree;

/// Whom a statement can bind.
const BOUND: [&str; 3] = ["server", "client", "both"];

/// One normative statement.
#[derive(Debug, PartialEq)]
pub(crate) struct Statement<'t> {
    /// The path of its table, which tells the version.
    pub(crate) table: &'static str,
    pub(crate) id: &'t str,
    /// `server`, `client` or `both`.
    pub(crate) binds: String,
    pub(crate) paraphrase: String,
}

impl Statement<'_> {
    /// The id, with the version in front where it is not 5.0.
    pub(crate) fn cited_as(&self) -> String {
        if self.table == V311 { format!("{} {}", self.version(), self.id) } else { self.id.into() }
    }

    pub(crate) fn version(&self) -> &'static str {
        version(self.table)
    }
}

/// The version whose statements stand in `table`.
pub(crate) fn version(table: &str) -> &'static str {
    if table == V311 { "3.1.1" } else { "5.0" }
}

/// All rows of `table` that are right; the others are findings.
pub(crate) fn read<'t>(tree: &'t Tree, table: &'static str, findings: &mut Findings) -> Vec<Statement<'t>> {
    let Some(file) = tree.file(table) else {
        findings.add(table, 1, "there is no such table (it holds the statements of one version)");
        return Vec::new();
    };
    let (mut statements, mut ids) = (Vec::new(), BTreeSet::new());
    for (row, line) in file.text.lines().zip(1..).skip(1) {
        match statement(table, row) {
            Ok(statement) if ids.insert(statement.id) => statements.push(statement),
            Ok(statement) => findings.add(table, line, format!("{} a second time", statement.id)),
            Err(message) => findings.add(table, line, message),
        }
    }
    statements
}

fn statement<'t>(table: &'static str, row: &'t str) -> Result<Statement<'t>, String> {
    let [_, section, binds, paraphrase] = <[String; 4]>::try_from(fields(row)).map_err(|fields| {
        format!("{} fields (four are right: id, section, whom it binds, paraphrase)", fields.len())
    })?;
    let id = row.split(',').next().unwrap_or_default();
    let of_section = id.strip_prefix("MQTT-").and_then(|rest| rest.rsplit_once('-'));
    if of_section.is_none_or(|(found, number)| found != section || number.parse::<u16>().is_err()) {
        return Err(format!("{id} is no id of section {section} (MQTT-{section}-1 would be)"));
    }
    if !BOUND.contains(&binds.as_str()) {
        return Err(format!("{id} binds {binds:?} (one of {} is right)", BOUND.join(", ")));
    }
    if paraphrase.trim().is_empty() {
        return Err(format!("{id} says nothing (paraphrase the statement)"));
    }
    Ok(Statement { table, id, binds, paraphrase })
}

/// The fields of one row; a quote within quotes is doubled.
fn fields(row: &str) -> Vec<String> {
    let (mut fields, mut in_quotes) = (vec![String::new()], false);
    let mut rest = row.chars().peekable();
    while let Some(c) = rest.next() {
        let field = fields.last_mut().expect("there is one from the start, and none is taken out");
        match c {
            '"' if in_quotes && rest.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::requirements::V5;

    fn read_table(rows: &str) -> (Vec<String>, Vec<String>) {
        let tree = Tree::of([(V5, &*format!("id,section,binds,paraphrase\n{rows}"))]);
        let mut findings = Findings::default();
        let statements = read(&tree, V5, &mut findings);
        (statements.into_iter().map(|statement| statement.paraphrase).collect(), findings.lines())
    }

    #[test]
    fn rows_and_their_quotes() {
        let (statements, findings) =
            read_table("MQTT-1.1.1-1,1.1.1,both,plain\nMQTT-4.2-10,4.2,server,\"a, \"\"b\"\", c\"");
        assert_eq!(statements, ["plain", "a, \"b\", c"]);
        assert_eq!(findings, Vec::<String>::new());
    }

    #[test]
    fn bad_rows_are_findings() {
        for (row, what) in [
            ("MQTT-1.1.1-1,1.1.1,both", "3 fields"),
            ("MQTT-1.1.1-1,1.1.1,both,a,b", "5 fields"),
            ("MQTT-1.1.1-1,1.1.2,both,a", "no id of section 1.1.2"),
            ("MQTT-1.1.1-x,1.1.1,both,a", "no id of section 1.1.1"),
            ("1.1.1-1,1.1.1,both,a", "no id of section 1.1.1"),
            ("MQTT-1.1.1-1,1.1.1,broker,a", "binds \"broker\""),
            ("MQTT-1.1.1-1,1.1.1,both,", "says nothing"),
            ("\n", "1 fields"),
        ] {
            let (statements, findings) = read_table(row);
            assert_eq!((statements.len(), findings.len()), (0, 1), "{row}");
            assert!(
                findings[0].starts_with("spec/mqtt5.csv:2: ") && findings[0].contains(what),
                "{findings:?}"
            );
        }
        let (statements, findings) = read_table("MQTT-1.1.1-1,1.1.1,both,a\nMQTT-1.1.1-1,1.1.1,both,b");
        assert_eq!(statements, ["a"]);
        assert_eq!(findings, ["spec/mqtt5.csv:3: MQTT-1.1.1-1 a second time"]);
    }

    #[test]
    fn a_missing_table_is_a_finding() {
        let mut findings = Findings::default();
        assert_eq!(read(&Tree::of([]), V5, &mut findings), []);
        assert_eq!(findings.lines().len(), 1);
    }
}
