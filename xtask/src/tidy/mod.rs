//! `cargo xtask tidy`: the rules of the repository that the compiler and clippy do not check.
//!
//! Each rule is a file here with one `check`, a pure function of the tree; its tests are small bad trees.
//! A finding is `path:line: message (what would be right)`. Tidy never changes a file.

mod exceptions;
mod floors;
mod lexer;
mod markdown;
pub(crate) mod requirements;
pub(crate) mod rust;
mod sans_io;
mod sizes;
mod source;
mod text;
pub(crate) mod tree;

use std::path::Path;

use exceptions::Exceptions;
use tree::Tree;

/// What the rules have found.
#[derive(Default)]
pub(crate) struct Findings(Vec<(String, usize, String)>);

impl Findings {
    pub(crate) fn add(&mut self, path: &str, line: usize, message: impl Into<String>) {
        self.0.push((path.into(), line, message.into()));
    }

    /// `path:line: message`, sorted, each once.
    pub(crate) fn lines(mut self) -> Vec<String> {
        self.0.sort();
        self.0.dedup();
        self.0.into_iter().map(|(path, line, message)| format!("{path}:{line}: {message}")).collect()
    }
}

/// Checks the repository at `root`; prints the findings, or one line when there are none.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::load(root)?;
    let findings = check(&tree).lines();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("tidy: {} files; {}", tree.files.len(), requirements::coverage(&tree)),
        1 => return Err("tidy: 1 finding".into()),
        count => return Err(format!("tidy: {count} findings")),
    }
    Ok(())
}

fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    let list = tree.file(exceptions::PATH).map_or("", |file| &file.text);
    let exceptions = Exceptions::parse(list, &mut findings);
    floors::check(tree, &exceptions, &mut findings);
    sans_io::check(tree, &mut findings);
    sizes::check(tree, &exceptions, &mut findings);
    source::check(tree, &exceptions, &mut findings);
    requirements::check(tree, &mut findings);
    markdown::check(tree, &mut findings);
    text::check(tree, &mut findings);
    exceptions.check(list, &mut findings);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_asked_and_findings_are_sorted() {
        let home = format!("/{}/me", "home");
        let long = format!("//! Doc.\nfn f() {{\n{}}}\n", "x();\n".repeat(70));
        let tree = Tree::of([
            ("docs.md", "[a](b.md)"),
            ("notes.txt", &home),
            (
                "crates/a/Cargo.toml",
                "[package]\nname = 'martlet-a'\n[package.metadata.martlet]\nsans_io = true",
            ),
            ("crates/a/src/io.rs", "//! Doc.\nuse std::net::TcpStream;"),
            ("crates/a/src/long.rs", &long),
            ("crates/a/src/id.rs", "//! [MQTT-9.9.9-9]"),
            ("crates/a/src/undocumented.rs", ""),
            ("spec/mqtt5.csv", "id\nMQTT-1.5.4-1"),
            ("xtask/tidy-exceptions.toml", "[[unsafe]]\npath = 'x'\nreason = 'y'"),
        ]);
        let found = check(&tree).lines();
        let places: Vec<_> = found.iter().map(|line| line.split(": ").next().unwrap()).collect();
        assert_eq!(
            places,
            [
                "crates/a/Cargo.toml:1",
                "crates/a/src/id.rs:1",
                "crates/a/src/io.rs:2",
                "crates/a/src/long.rs:2",
                "crates/a/src/undocumented.rs:1",
                "docs.md:1",
                "notes.txt:1",
                "xtask/tidy-exceptions.toml:2",
            ]
        );
    }
}
