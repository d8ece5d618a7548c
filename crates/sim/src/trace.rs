//! What happened in a run: a hash of everything, and, when asked for, the last events in words.
//! A failing seed is run again with words, so that a passing one pays for none.

use crate::random::mix;
use std::collections::VecDeque;

/// Events kept in words.
const TAIL: usize = 80;

/// The trace of one run.
#[derive(Debug, Default)]
pub struct Trace {
    hash: u64,
    steps: u64,
    words: bool,
    tail: VecDeque<String>,
}

impl Trace {
    /// An empty trace; with `words`, the last events are kept as text.
    #[must_use]
    pub fn new(words: bool) -> Self {
        Trace { words, ..Trace::default() }
    }
    /// A hash of every input, effect and byte.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }
    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
    /// The last events, oldest first.
    pub fn tail(&self) -> impl Iterator<Item = &str> {
        self.tail.iter().map(String::as_str)
    }
    pub(crate) fn step(&mut self) -> u64 {
        self.steps += 1;
        self.steps
    }
    pub(crate) fn number(&mut self, number: u64) {
        self.hash = mix(self.hash.rotate_left(5) ^ number);
    }
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(fingerprint(bytes));
    }
    /// Adds an event in words, if anybody wants to read it.
    pub(crate) fn say(&mut self, event: impl FnOnce() -> String) {
        if self.words {
            if self.tail.len() == TAIL {
                self.tail.pop_front();
            }
            self.tail.push_back(event());
        }
    }
}

/// A hash of some bytes and of their number.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash.rotate_left(7) ^ u64::from_le_bytes(word))
    })
}
