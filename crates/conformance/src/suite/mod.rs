//! The tests, one file for each chapter. The words of the scripts are explained in `script.rs`, `words.rs` and `pattern.rs`.

mod auth;
mod connect;
mod declined;
mod framing;
mod ids;
mod limits;
mod malformed;
mod places;
mod properties;
mod publish;
mod qos;
mod retained;
mod session;
mod shared;
mod subscribe;
mod will;

use super::Test;

const CHAPTERS: [&[Test]; 17] = [
    subscribe::TESTS,
    connect::TESTS,
    auth::TESTS,
    framing::TESTS,
    publish::TESTS,
    qos::TESTS,
    ids::TESTS,
    retained::TESTS,
    session::TESTS,
    will::TESTS,
    properties::TESTS,
    places::MISPLACED,
    places::TWICE,
    limits::TESTS,
    declined::TESTS,
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
