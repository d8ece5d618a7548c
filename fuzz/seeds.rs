//! What a fuzzer begins with: the golden frames of `crates/codec/frames`, written into the corpus of a target before
//! it reads that. Nothing of it is in version control.
use martlet_codec::Version;
use std::fs;
use std::path::Path;

#[path = "../crates/codec/tests/support/mod.rs"]
mod support;

/// Writes `seed(frame, version)` for each golden frame that `version` has, and for each that it refuses.
pub(crate) fn write(target: &str, seed: impl Fn(&[u8], Version) -> Vec<u8>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("corpus").join(target);
    fs::create_dir_all(&corpus).expect("a directory for the corpus");
    let mut number = 0;
    for entry in fs::read_dir(root.join("../crates/codec/frames")).expect("the golden frames").flatten() {
        let text = fs::read_to_string(entry.path()).expect("text");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let [versions, _, frame, _, ..] = columns[..] else { continue };
            for (name, version) in [("3.1", Version::V31), ("3.1.1", Version::V311), ("5.0", Version::V5)] {
                if versions.split(',').any(|one| one.trim() == name) {
                    number += 1;
                    let bytes = seed(&support::bytes(frame), version);
                    fs::write(corpus.join(format!("golden-{number}")), bytes).expect("a seed");
                }
            }
        }
    }
    assert!(number > 100, "only {number} golden frames");
}
