//! The tests, one file for each chapter. The words of the scripts are explained in `script.rs`, `words.rs` and `pattern.rs`.

mod connect;
mod limits;
mod malformed;
mod properties;
mod publish;
mod qos;
mod retained;
mod session;
mod shared;
mod subscribe;
mod will;

use super::Test;

const CHAPTERS: [&[Test]; 11] = [
    connect::TESTS,
    publish::TESTS,
    subscribe::TESTS,
    qos::TESTS,
    retained::TESTS,
    session::TESTS,
    will::TESTS,
    properties::TESTS,
    limits::TESTS,
    malformed::TESTS,
    shared::TESTS,
];

pub(super) fn all() -> impl Iterator<Item = &'static Test> {
    CHAPTERS.into_iter().flatten()
}

/// A test: its name, its ids, its script.
const fn test(name: &'static str, ids: &'static str, script: &'static str) -> Test {
    Test { name, ids, script }
}
