//! What stands in a Rust file: an opening `//!`, no `unsafe` but where it is listed, nothing left undone.

use super::Findings;
use super::exceptions::{Exceptions, Rule};
use super::rust::Rust;
use super::tree::Tree;

/// Macros that must not be committed.
const UNDONE_MACROS: [&str; 2] = ["todo", "dbg"];
/// A word that must not be committed in a comment.
const UNDONE_WORD: &str = "FIXME";

/// Looks at every Rust file.
pub(crate) fn check(tree: &Tree, exceptions: &Exceptions, findings: &mut Findings) {
    for rust in tree.rust() {
        let opening = rust.comments.first().filter(|comment| comment.line == 1);
        if !opening.is_some_and(|comment| comment.text.starts_with("//!")) {
            findings.add(
                rust.path,
                1,
                "does not open with `//!` (say what the file is and what it never does)",
            );
        }
        unsafe_code(&rust, exceptions, findings);
        undone(&rust, findings);
    }
}

fn unsafe_code(rust: &Rust, exceptions: &Exceptions, findings: &mut Findings) {
    if let Some(token) = rust.code.iter().find(|token| token.is("unsafe"))
        && !exceptions.allow(Rule::UnsafeCode, rust.path, "", 0)
    {
        let message =
            "`unsafe` in a file that is not listed for it (write it safely, or list the file with a reason)";
        findings.add(rust.path, token.line, message);
    }
}

fn undone(rust: &Rust, findings: &mut Findings) {
    for pair in rust.code.windows(2).filter(|pair| pair[1].is("!")) {
        if let Some(name) = UNDONE_MACROS.iter().find(|name| pair[0].is(name)) {
            findings.add(rust.path, pair[0].line, format!("`{name}!` (finish it or take it out)"));
        }
    }
    for comment in &rust.comments {
        for (offset, text) in comment.text.lines().enumerate() {
            if text.split(|c: char| !c.is_alphanumeric()).any(|word| word == UNDONE_WORD) {
                let message = format!("{UNDONE_WORD} (mend it, or describe the limit)");
                findings.add(rust.path, comment.line + offset, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(source: &str, list: &str) -> Vec<String> {
        let mut findings = Findings::default();
        let exceptions = Exceptions::parse(list, &mut findings);
        check(&Tree::of([("a.rs", source)]), &exceptions, &mut findings);
        findings.lines()
    }

    #[test]
    fn opening() {
        assert_eq!(findings("//! Doc.", ""), Vec::<String>::new());
        for source in ["", "// Doc.", "\n//! Doc.", "/// Doc.\nfn f() {}", "#![no_std]\n//! Doc."] {
            assert!(findings(source, "")[0].starts_with("a.rs:1: does not open with"), "{source}");
        }
    }

    #[test]
    fn unsafe_only_where_it_is_listed() {
        let source = "//! Doc.\n// unsafe\nfn f() { let a = \"unsafe\"; unsafe { g() } }";
        assert!(findings(source, "")[0].starts_with("a.rs:3: `unsafe` in a file"));
        let entry = |lines| format!("[[unsafe]]\npath = 'a.rs'\n{lines}reason = 'x'");
        assert_eq!(findings(source, &entry("")), Vec::<String>::new());
        assert_eq!(findings("//! Doc.\n#![forbid(unsafe_code)]", ""), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_left_undone() {
        let word = UNDONE_WORD;
        let source =
            format!("//! Doc.\n/* a\n {word}: b */\nfn f() {{ todo!(); std::dbg!(1); let a = \"{word}\"; }}");
        let places: Vec<_> = findings(&source, "").iter().map(|line| line[..7].to_owned()).collect();
        assert_eq!(places, ["a.rs:3:", "a.rs:4:", "a.rs:4:"]);
        assert_eq!(findings("//! Doc.\nfn todo() { dbg = 1 != 2; } // FIXMENOT", ""), Vec::<String>::new());
    }
}
