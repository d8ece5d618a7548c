//! Requirement ids: each one that is cited must stand in the table of its version of the specification.
//!
//! `MQTT-3.3.1-4` means 5.0, `3.1.1 MQTT-3.3.1-4` means 3.1.1: the same id says different things in the two.

use std::collections::BTreeSet;

use super::Findings;
use super::lexer::Kind;
use super::tree::{File, Tree};

pub(crate) const V5: &str = "spec/mqtt5.csv";
pub(crate) const V311: &str = "spec/mqtt311.csv";
/// What stands before an id of 3.1.1.
const V311_PREFIX: &str = "3.1.1 ";
/// Our own tests cite statements that do not exist.
const EXEMPT: &str = "xtask/";

/// An id where it is cited.
pub(crate) struct Citation<'a> {
    pub(crate) id: &'a str,
    /// `V5` or `V311`.
    pub(crate) table: &'static str,
    pub(crate) line: usize,
}

/// Looks at comments and strings of Rust files, at Markdown, and at golden frames.
pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let tables = [V5, V311].map(|path| (path, table(tree, path)));
    for file in &tree.files {
        for citation in citations(file) {
            let Citation { id, table, line } = citation;
            let [here, elsewhere] = [true, false]
                .map(|same| tables.iter().any(|(path, ids)| (*path == table) == same && ids.contains(id)));
            let right = match (elsewhere, table) {
                (true, V5) => format!("it is an id of 3.1.1: write `3.1.1 {id}`"),
                (true, _) => format!("it is an id of 5.0: write `{id}`"),
                _ => "look the statement up in the table".into(),
            };
            if !here {
                findings.add(&file.path, line, format!("{id} is not in {table} ({right})"));
            }
        }
    }
}

/// How many statements the sources cite, of how many.
pub(crate) fn coverage(tree: &Tree) -> String {
    let sources = tree.files.iter().filter(|file| file.has_extension("rs"));
    let cited: BTreeSet<_> =
        sources.flat_map(citations).map(|citation| (citation.table, citation.id)).collect();
    let share = |path| {
        let ids = table(tree, path);
        let count = ids.iter().filter(|&&id| cited.contains(&(path, id))).count();
        format!("{count} of {}", ids.len())
    };
    format!("sources cite {} statements of 5.0, {} of 3.1.1", share(V5), share(V311))
}

fn table<'t>(tree: &'t Tree, path: &str) -> BTreeSet<&'t str> {
    let rows = tree.file(path).into_iter().flat_map(|file| file.text.lines().skip(1));
    rows.filter_map(|row| row.split(',').next()).collect()
}

/// All ids that `file` cites, in order.
pub(crate) fn citations(file: &File) -> Vec<Citation<'_>> {
    let mut citations = Vec::new();
    if file.path.starts_with(EXEMPT) {
        return citations;
    }
    if file.has_extension("rs") {
        for token in super::lexer::lex(&file.text) {
            if matches!(token.kind, Kind::Comment | Kind::Text) {
                cited_in(token.text, token.line, &mut citations);
            }
        }
    } else if file.has_extension("md") || file.path.contains("/frames/") {
        cited_in(&file.text, 1, &mut citations);
    }
    citations
}

fn cited_in<'a>(text: &'a str, first_line: usize, citations: &mut Vec<Citation<'a>>) {
    for (offset, line) in text.lines().enumerate() {
        for (at, marker) in line.match_indices("MQTT-") {
            let rest = &line[at + marker.len()..];
            let section = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let number = rest[section..].strip_prefix('-').unwrap_or_default();
            let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
            if section > 0 && digits > 0 {
                let id = &line[at..at + marker.len() + section + 1 + digits];
                let table = if line[..at].ends_with(V311_PREFIX) { V311 } else { V5 };
                citations.push(Citation { id, table, line: first_line + offset });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [(&str, &str); 2] = [
        (V5, "id,section\nMQTT-1.5.4-1,1.5.4\nMQTT-4.7.1-1,x"),
        (V311, "id,section\nMQTT-1.5.3-1,1.5.3\nMQTT-4.7.1-1,x"),
    ];

    fn findings(path: &str, text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check(&Tree::of([TABLES[0], TABLES[1], (path, text)]), &mut findings);
        findings.lines()
    }

    #[test]
    fn ids_of_the_right_table_pass() {
        let source = "//! Doc [MQTT-1.5.4-1].\nf(); // [3.1.1 MQTT-1.5.3-1]\ng(\"MQTT-4.7.1-1\"); // [MQTT-4.7.1-1, x]";
        assert_eq!(findings("a.rs", source), Vec::<String>::new());
        assert_eq!(findings("a.rs", "// MQTT-5 and MQTT-x.y.z-n\nMQTT-9.9.9-9"), Vec::<String>::new());
    }

    #[test]
    fn other_ids_are_findings() {
        let found =
            findings("a.rs", "\nf(); // [MQTT-1.5.3-1]\n/*\n[3.1.1 MQTT-1.5.4-1] */\ng(\"MQTT-1.5.4-11\");");
        assert_eq!(
            found,
            [
                "a.rs:2: MQTT-1.5.3-1 is not in spec/mqtt5.csv (it is an id of 3.1.1: write `3.1.1 MQTT-1.5.3-1`)",
                "a.rs:4: MQTT-1.5.4-1 is not in spec/mqtt311.csv (it is an id of 5.0: write `MQTT-1.5.4-1`)",
                "a.rs:5: MQTT-1.5.4-11 is not in spec/mqtt5.csv (look the statement up in the table)",
            ]
        );
        assert_eq!(findings("crates/codec/frames/a.txt", "10 00\n20 00 MQTT-1.1.1-1").len(), 1);
        assert_eq!(findings("a.md", "MQTT-1.1.1-1").len(), 1);
        assert_eq!(findings("xtask/a.rs", "// MQTT-1.1.1-1"), Vec::<String>::new());
    }

    #[test]
    fn coverage_counts_each_statement_once() {
        let tree =
            Tree::of([TABLES[0], TABLES[1], ("a.rs", "// MQTT-1.5.4-1 MQTT-1.5.4-1 3.1.1 MQTT-9.9-9")]);
        assert_eq!(coverage(&tree), "sources cite 1 of 2 statements of 5.0, 0 of 2 of 3.1.1");
    }
}
