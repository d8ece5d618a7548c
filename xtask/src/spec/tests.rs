//! The whole of `cargo xtask spec` on trees of a few lines. Nothing here reads the repository.

use super::*;

const HEAD: &str = "id,section,binds,paraphrase\n";
const EMPTY_DOCUMENT: &str = "# T\n<!-- spec figures: begin --><!-- spec figures: end -->\n\
    <!-- spec 5.0: begin --><!-- spec 5.0: end -->\nby hand\n<!-- spec 3.1.1: begin --><!-- spec 3.1.1: end -->\n";
const CODE: (&str, &str) = ("crates/a/src/a.rs", "// [MQTT-1.1.1-1] [MQTT-1.1.1-2]");
const TEST: (&str, &str) = ("crates/a/tests/t.rs", "// [MQTT-1.1.1-1]");

fn tree(exceptions: &str, document: &str, more: &[(&str, &str)]) -> Tree {
    let v5 = format!(
        "{HEAD}MQTT-1.1.1-1,1.1.1,server,one\nMQTT-1.1.1-2,1.1.1,client,two\nMQTT-1.1.1-3,1.1.1,both,three"
    );
    let v311 = format!("{HEAD}MQTT-1.1.1-1,1.1.1,both,another");
    let mut tree =
        Tree::of([(V5, &*v5), (V311, &*v311), (exceptions::PATH, exceptions), (document::PATH, document)]);
    tree.files.extend(
        more.iter().map(|&(path, text)| crate::tidy::tree::File { path: path.into(), text: text.into() }),
    );
    tree
}

#[test]
fn a_statement_of_anybody_without_a_test_fails() {
    let tree = tree("", EMPTY_DOCUMENT, &[CODE, TEST]);
    let mut findings = Findings::default();
    let rows = rows(&tree, &mut findings);
    assert_eq!(findings.lines(), Vec::<String>::new());
    let untested: Vec<_> =
        rows.iter().filter(|row| row.is_untested()).map(|row| row.statement.cited_as()).collect();
    assert_eq!(untested, ["MQTT-1.1.1-2", "MQTT-1.1.1-3", "3.1.1 MQTT-1.1.1-1"]);
    assert_eq!(summary(&rows), "4 statements, 2 untraced, 3 untested");
    assert!(complete(&rows).is_err_and(|message| message.starts_with("spec: 3 statements without a test")));
}

#[test]
fn tests_and_exceptions_make_it_complete() {
    let exceptions = "[[exception]]\nid = 'MQTT-1.1.1-3'\nversion = '5.0'\nkind = 'deliberate'\nreason = 'y'";
    let more = ("crates/a/src/a_tests.rs", "// [MQTT-1.1.1-2]\n// [3.1.1 MQTT-1.1.1-1]");
    let tree = tree(exceptions, EMPTY_DOCUMENT, &[CODE, TEST, more]);
    let mut findings = Findings::default();
    let rows = rows(&tree, &mut findings);
    assert_eq!(findings.lines(), Vec::<String>::new());
    assert_eq!(complete(&rows), Ok(()));
    assert_eq!(
        rows[1].report(),
        "MQTT-1.1.1-2 (client): two\n  enforced  crates/a/src/a.rs:1\n  tested    crates/a/src/a_tests.rs:1"
    );
    assert_eq!(
        rows[2].report(),
        "MQTT-1.1.1-3 (both): three\n  enforced  nowhere\n  tested    nowhere\n  excepted  deliberate: y"
    );
}

#[test]
fn the_document_is_stable_and_keeps_what_is_written_by_hand() {
    let render = |document: &str, more: &[(&str, &str)]| {
        let tree = tree("", document, more);
        let mut findings = Findings::default();
        let rows = rows(&tree, &mut findings);
        let text = document::render(&tree, &rows, &mut findings);
        assert_eq!(current(&tree, &text).is_ok(), text == document);
        (text, findings.lines())
    };
    let (text, findings) = render(EMPTY_DOCUMENT, &[CODE, TEST]);
    assert_eq!(findings, Vec::<String>::new());
    assert!(text.contains("\nby hand\n"), "{text}");
    assert!(text.contains("| without test and exception | 2 | 1 |\n"), "{text}");
    assert!(text.contains("| MQTT-1.1.1-1 | server | one | `a/src/a.rs` | `a/tests/t.rs` |\n"), "{text}");
    assert!(text.contains("| 3.1.1 MQTT-1.1.1-1 | both | another |  | **no test** |\n"), "{text}");
    assert_eq!(render(&text, &[CODE, TEST]).0, text);
    let moved = (TEST.0, "\n\n// [MQTT-1.1.1-1]");
    assert_eq!(render(&text, &[CODE, moved]).0, text, "a line that moved");
    assert_ne!(render(&text, &[CODE]).0, text, "a test that went");
    assert_eq!(render("# T", &[CODE]).1.len(), 3, "no marks");
}

#[test]
fn options() {
    assert_eq!(Mode::parse(&[]), Ok(Mode::Report));
    assert_eq!(Mode::parse(&["--check"]), Ok(Mode::Check));
    assert_eq!(Mode::parse(&["--untested"]), Ok(Mode::Untested));
    assert!(Mode::parse(&["--check", "--untested"]).is_err());
    assert!(Mode::parse(&["x"]).is_err());
}

#[test]
fn every_check_is_asked() {
    let exceptions = "[[exception]]\nid = 'MQTT-9.9.9-9'\nversion = '5.0'\nkind = 'untestable'\nreason = 'y'";
    let frame = ("crates/a/frames/f.txt", "3.1.1 | ok | 10 | a | MQTT-1.1.1-1");
    let mut tree = tree(exceptions, EMPTY_DOCUMENT, &[frame]);
    tree.files.iter_mut().filter(|file| file.path == V311).for_each(|file| file.text += "\nx");
    let mut findings = Findings::default();
    rows(&tree, &mut findings);
    let found = findings.lines();
    let places: Vec<_> = found.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["crates/a/frames/f.txt:1", "spec/exceptions.toml:2", "spec/mqtt311.csv:3"]);
}
