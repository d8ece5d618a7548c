//! What a crate with `sans_io = true` in its manifest must not name: clocks, threads, sockets, files,
//! the environment, randomly seeded maps, locks, output.
//!
//! Code for tests may name them. `clippy.toml` bans the same calls by their types; this rule also sees imports.

use super::Findings;
use super::floors::{Manifest, manifests};
use super::rust::{PathUse, Rust};
use super::tree::Tree;

/// Paths below `std`, and what would be right.
const BANNED: [(&str, &str); 16] = [
    ("time", "take the time as an argument; `core::time::Duration` is allowed"),
    ("thread", "a crate without I/O starts nothing; its caller does"),
    ("net", "hand bytes in and out; addresses are in `core::net`"),
    ("os", "hand bytes in and out"),
    ("io", "append to a buffer of the caller"),
    ("env", "take the setting as an argument"),
    ("fs", "take the bytes as an argument"),
    ("process", "return an error, or panic with the proof that it cannot be"),
    ("collections::HashMap", "use `hashbrown::HashMap` with a hasher given as an argument"),
    ("collections::HashSet", "use `hashbrown::HashSet` with a hasher given as an argument"),
    ("collections::hash_map", "use `hashbrown::hash_map`"),
    ("sync::Mutex", "there are no locks below floor 3; pass a message"),
    ("sync::RwLock", "there are no locks below floor 3; pass a message"),
    ("sync::Condvar", "there are no locks below floor 3; pass a message"),
    ("sync::mpsc", "return an effect; mailboxes are floor 3"),
    ("*", "import by name, so that what is used can be read"),
];

const MACROS: [&str; 4] = ["print", "println", "eprint", "eprintln"];

/// Libraries that do no I/O, allocate nothing in the dark, and are worth their weight.
const LIBRARIES: [&str; 7] =
    ["arrayvec", "bytes", "compact_str", "foldhash", "hashbrown", "memchr", "smallvec"];

/// Looks at the dependencies and at the code outside tests of each sans-IO crate.
pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let manifests = manifests(tree);
    for manifest in manifests.iter().filter(|manifest| manifest.sans_io) {
        for (name, line) in manifest.dependencies() {
            if !LIBRARIES.contains(&name) && !manifests.iter().any(|ours| ours.sans_io && ours.name == name) {
                let message =
                    format!("{name} is not for a crate without I/O (only {})", LIBRARIES.join(", "));
                findings.add(manifest.path(), line, message);
            }
        }
        check_sources(tree, manifest, findings);
    }
}

fn check_sources(tree: &Tree, manifest: &Manifest, findings: &mut Findings) {
    let sources = format!("{}/src/", manifest.directory());
    let sources: Vec<_> = tree.rust().filter(|rust| rust.path.starts_with(&sources)).collect();
    let test_modules: Vec<_> = sources.iter().flat_map(Rust::test_modules).collect();
    let for_tests = |path: &str| {
        test_modules
            .iter()
            .any(|module| path.strip_prefix(module).is_some_and(|rest| rest.starts_with(['.', '/'])))
    };
    for rust in sources.iter().filter(|rust| !for_tests(rust.path)) {
        for path in rust.paths_outside_tests() {
            if let Some(message) = refusal(rust, &path) {
                findings.add(rust.path, path.line, message);
            }
        }
    }
}

fn refusal(rust: &Rust, path: &PathUse) -> Option<String> {
    let last = *path.segments.last()?;
    let calls_macro = rust.code.get(path.end).is_some_and(|token| token.is("!"));
    if calls_macro && MACROS.contains(&last) {
        return Some(format!("`{last}!` in a crate without I/O (return an effect; floor 3 writes the log)"));
    }
    if last == "RandomState" {
        return Some("`RandomState` in a crate without randomness (take the seed as an argument)".into());
    }
    let [root @ ("std" | "alloc" | "core"), below @ ..] = path.segments.as_slice() else { return None };
    let below = below.join("::");
    if (*root, below.as_str()) == ("std", "collections") {
        return Some("`std::collections` imported whole (import the type by name)".into());
    }
    let banned = |prefix: &str| {
        below.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let (_, right) = BANNED.iter().find(|(prefix, _)| *root == "std" && banned(prefix))?;
    Some(format!("`std::{below}` in a crate without I/O ({right})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        "[package]\nname = 'martlet-a'\n[package.metadata.martlet]\nfloor = 0\nsans_io = true\n";

    fn findings(source: &str) -> Vec<String> {
        let tree = Tree::of([("crates/a/Cargo.toml", MANIFEST), ("crates/a/src/lib.rs", source)]);
        let mut findings = Findings::default();
        check(&tree, &mut findings);
        findings.lines()
    }

    #[test]
    fn the_banned_is_found_however_it_is_written() {
        for source in [
            "use std::time::Instant;",
            "use std::{fmt, time::{self}};",
            "fn f() { let _ = ::std::time::Instant::now(); }",
            "fn f(s: std::net::TcpStream) {}",
            "use std::thread;",
            "use std::collections::{BTreeMap, HashMap};",
            "use std::collections as c;",
            "use std::*;",
            "use std::env as e;",
            "use foldhash::fast::RandomState;",
            "fn f() { std::println!(\"\"); }",
            "fn f() { println!(\"\"); }",
            "static A: std::sync::Mutex<u8> = x;",
            "#[cfg(test)] mod tests { } use std::fs;",
        ] {
            assert_eq!(findings(source).len(), 1, "{source}: {:?}", findings(source));
        }
        let found = findings("//! Doc.\n\nuse std::fs;");
        assert_eq!(
            found,
            ["crates/a/src/lib.rs:3: `std::fs` in a crate without I/O (take the bytes as an argument)"]
        );
    }

    #[test]
    fn the_allowed_is_left_alone() {
        for source in [
            "use core::time::Duration; use core::net::IpAddr;",
            "use std::collections::{BTreeMap, VecDeque};",
            "use std::sync::{Arc, atomic::AtomicU64};",
            "use hashbrown::HashMap;",
            "// std::time\nconst A: &str = \"std::time::Instant\"; /* println!() */",
            "#[cfg(test)] mod tests { use std::fs; fn f() { println!(\"\"); } }",
            "mod println; fn print() {}",
            "use time::std::time;",
        ] {
            assert_eq!(findings(source), Vec::<String>::new(), "{source}");
        }
    }

    #[test]
    fn test_modules_in_their_own_files_are_test_code() {
        let tree = Tree::of([
            ("crates/a/Cargo.toml", MANIFEST),
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod tests_not;"),
            ("crates/a/src/tests.rs", "use std::fs;"),
            ("crates/a/src/tests/more.rs", "use std::fs;"),
            ("crates/a/src/tests_not.rs", "use std::fs;"),
            ("crates/a/tests/x.rs", "use std::fs;"),
        ]);
        let mut findings = Findings::default();
        check(&tree, &mut findings);
        let found = findings.lines();
        assert!(found.len() == 1 && found[0].starts_with("crates/a/src/tests_not.rs:1:"), "{found:?}");
    }

    #[test]
    fn libraries_are_a_short_list() {
        let manifest = format!(
            "{MANIFEST}[dependencies]\nhashbrown = '1'\ntokio = '1'\n[dev-dependencies]\nserde = '1'"
        );
        let mut findings = Findings::default();
        check(&Tree::of([("crates/a/Cargo.toml", &manifest)]), &mut findings);
        let found = findings.lines();
        assert!(
            found.len() == 1 && found[0].starts_with("crates/a/Cargo.toml:8: tokio is not for"),
            "{found:?}"
        );
    }
}
