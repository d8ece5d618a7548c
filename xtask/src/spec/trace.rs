//! Where statements are cited: code of broker, client and tools enforces, everything else tests.
//!
//! Tests are files below `tests/`, modules under `#[cfg(test)]`, `*_tests.rs`, golden frames, fuzz targets,
//! and the simulator and `martlet conformance`, whose checks say what a broker owes and enforce nothing.
//! Markdown counts as neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::statements::{Statement, version};
use crate::tidy::Findings;
use crate::tidy::requirements::citations;
use crate::tidy::rust::Rust;
use crate::tidy::tree::{File, Tree};

/// Directories with code that checks a broker and is none.
const TEST_ROOTS: [&str; 3] = ["crates/conformance/", "crates/sim/", "fuzz/"];

/// A line that cites.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place<'t> {
    pub(crate) path: &'t str,
    pub(crate) line: usize,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// Places by table and id, in the order of paths and lines.
type Places<'t> = BTreeMap<(&'static str, &'t str), Vec<Place<'t>>>;

/// All citations of a tree.
pub(crate) struct Traces<'t> {
    enforced: Places<'t>,
    tested: Places<'t>,
}

impl<'t> Traces<'t> {
    pub(crate) fn of(tree: &'t Tree) -> Traces<'t> {
        let test_modules: BTreeSet<_> = tree.rust().flat_map(|rust| rust.test_modules()).collect();
        let mut traces = Traces { enforced: Places::new(), tested: Places::new() };
        for file in &tree.files {
            traces.read(file, &test_modules);
        }
        traces
    }

    fn read(&mut self, file: &'t File, test_modules: &BTreeSet<String>) {
        if file.has_extension("md") {
            return;
        }
        let is_test = is_test_file(&file.path, test_modules);
        let parts = if is_test { Vec::new() } else { test_lines(file) };
        for citation in citations(file) {
            let tests = is_test || parts.iter().any(|part| part.contains(&citation.line));
            let places = if tests { &mut self.tested } else { &mut self.enforced };
            let places = places.entry((citation.table, citation.id)).or_default();
            let place = Place { path: &file.path, line: citation.line };
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }

    /// Where `statement` is enforced, and where it is tested.
    pub(crate) fn places(&self, statement: &Statement<'t>) -> (Vec<Place<'t>>, Vec<Place<'t>>) {
        let of =
            |places: &Places<'t>| places.get(&(statement.table, statement.id)).cloned().unwrap_or_default();
        (of(&self.enforced), of(&self.tested))
    }
}

/// A golden frame tests nothing of a version that it is not of.
pub(crate) fn check_frames(tree: &Tree, findings: &mut Findings) {
    let is_frames = |file: &&File| file.path.contains("/frames/") && file.has_extension("txt");
    for file in tree.files.iter().filter(is_frames) {
        let lines: Vec<_> = file.text.lines().collect();
        for citation in citations(file) {
            let version = version(citation.table);
            let columns =
                lines[citation.line - 1].split_once('|').filter(|(first, _)| !first.starts_with('#'));
            if columns.is_some_and(|(versions, _)| versions.split(',').all(|found| found.trim() != version)) {
                let message = format!(
                    "{} is a statement of {version}, and the frame is not (a bare id means 5.0)",
                    citation.id
                );
                findings.add(&file.path, citation.line, message);
            }
        }
    }
}

fn is_test_file(path: &str, test_modules: &BTreeSet<String>) -> bool {
    let stem = path.trim_end_matches(".rs");
    let in_module = |module: &String| {
        stem.strip_prefix(&**module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    TEST_ROOTS.iter().any(|root| path.starts_with(root))
        || path.split('/').rev().skip(1).any(|directory| matches!(directory, "tests" | "frames"))
        || stem.ends_with("_tests")
        || test_modules.iter().any(in_module)
}

/// The lines of a Rust file that are compiled for tests alone.
fn test_lines(file: &File) -> Vec<std::ops::RangeInclusive<usize>> {
    let rust = Rust::new(&file.path, &file.text);
    let lines =
        |range: std::ops::Range<usize>| rust.code[range.start].line..=rust.code[range.end - 1].last_line;
    rust.test_code().into_iter().map(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::requirements::{V5, V311};

    /// `E` for each place that enforces, `T` for each that tests, for one id of 5.0.
    fn places(files: &[(&str, &str)]) -> String {
        let file = |&(path, text): &(&str, &str)| File { path: path.into(), text: text.into() };
        let tree = Tree { files: files.iter().map(file).collect() };
        let traces = Traces::of(&tree);
        let shown = |places: &Places, letter| {
            let places = places.get(&(V5, "MQTT-1.1.1-1")).into_iter().flatten();
            places.map(|place| format!("{letter} {place}\n")).collect::<String>()
        };
        shown(&traces.enforced, 'E') + &shown(&traces.tested, 'T')
    }

    #[test]
    fn shipped_code_enforces() {
        let source = "f(); // [MQTT-1.1.1-1]\ng(\"MQTT-1.1.1-1\"); // [MQTT-1.1.1-1] twice on a line\n";
        for path in ["crates/a/src/b.rs", "crates/a/src/contests.rs", "crates/a/src/tests_of.rs"] {
            assert_eq!(places(&[(path, source)]), format!("E {path}:1\nE {path}:2\n"));
        }
    }

    #[test]
    fn tests_do_not() {
        for path in [
            "crates/a/tests/b.rs",
            "crates/a/tests/c/b.rs",
            "crates/a/src/b_tests.rs",
            "crates/a/frames/b.txt",
            "crates/conformance/b.rs",
            "crates/sim/src/checks.rs",
            "fuzz/fuzz_targets/b.rs",
        ] {
            assert_eq!(places(&[(path, "\n// [MQTT-1.1.1-1]")]), format!("T {path}:2\n"));
        }
    }

    #[test]
    fn a_module_for_tests_alone_ends_where_it_ends() {
        let source = "fn a() {} // MQTT-1.1.1-1\n#[cfg(test)]\nmod tests {\n  // MQTT-1.1.1-1\n  b(\"}\");\n}\n// MQTT-1.1.1-1";
        assert_eq!(places(&[("a.rs", source)]), "E a.rs:1\nE a.rs:7\nT a.rs:4\n");
        let source = "#[cfg(not(test))]\nmod a {\n// MQTT-1.1.1-1\n}";
        assert_eq!(places(&[("a.rs", source)]), "E a.rs:3\n");
    }

    #[test]
    fn a_module_in_another_file_is_told_by_its_declaration() {
        let cited = "// MQTT-1.1.1-1";
        let declared = ("crates/a/src/lib.rs", "#[cfg(test)]\nmod checks;\nmod checks_more;");
        for (path, tests) in [
            ("crates/a/src/checks.rs", true),
            ("crates/a/src/checks/mod.rs", true),
            ("crates/a/src/checks/b.rs", true),
            ("crates/a/src/checks_more.rs", false),
            ("crates/b/src/checks.rs", false),
        ] {
            let letter = if tests { 'T' } else { 'E' };
            assert_eq!(places(&[declared, (path, cited)]), format!("{letter} {path}:1\n"));
        }
    }

    #[test]
    fn documents_count_as_neither_and_versions_are_kept_apart() {
        assert_eq!(
            places(&[("docs/a.md", "MQTT-1.1.1-1"), ("crates/a/frames/README.md", "MQTT-1.1.1-1")]),
            ""
        );
        let tree = Tree::of([("a.rs", "// [3.1.1 MQTT-1.1.1-1]")]);
        let traces = Traces::of(&tree);
        assert_eq!(traces.enforced.keys().collect::<Vec<_>>(), [&(V311, "MQTT-1.1.1-1")]);
    }

    #[test]
    fn frames_cite_statements_of_their_own_versions() {
        let found = |line: &str| {
            let mut findings = Findings::default();
            check_frames(&Tree::of([("crates/a/frames/b.txt", line)]), &mut findings);
            findings.lines()
        };
        for line in [
            "3.1,3.1.1, 5.0 | ok | 10 | a | MQTT-1.1.1-1 3.1.1 MQTT-1.1.1-1",
            "3.1.1 | ok | 10 | a | 3.1.1 MQTT-1.1.1-1",
            "# 3.1.1 | MQTT-1.1.1-1",
            "# MQTT-1.1.1-1",
        ] {
            assert_eq!(found(line), Vec::<String>::new(), "{line}");
        }
        for line in [
            "3.1.1 | ok | 10 | a | MQTT-1.1.1-1",
            "5.0 | ok | 10 | a | 3.1.1 MQTT-1.1.1-1",
            "3.1 | ok | 10 | a | 3.1.1 MQTT-1.1.1-1",
        ] {
            assert_eq!(found(line).len(), 1, "{line}");
        }
    }
}
