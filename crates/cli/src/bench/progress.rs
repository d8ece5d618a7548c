//! How far a run has come, on a terminal alone: one line that is written over.

use crate::signals::StopSignals;
use martlet_bench::Observer;
use std::io::{self, IsTerminal, Write};

pub(super) struct Progress {
    is_shown: bool,
    /// Characters of the line that stands there.
    len: usize,
    signals: StopSignals,
}

impl Progress {
    pub(super) fn new(signals: StopSignals) -> Self {
        Progress { is_shown: io::stderr().is_terminal(), len: 0, signals }
    }

    /// Leaves no line behind.
    pub(super) fn end(&mut self) {
        self.show("");
    }

    fn show(&mut self, line: &str) {
        if self.len > 0 || !line.is_empty() {
            // Nobody may be looking any more.
            let _ = write!(io::stderr(), "\r{line:<width$}\r{line}", width = self.len);
            self.len = line.chars().count();
        }
    }
}

impl Observer for Progress {
    fn say(&mut self, text: &str) {
        self.end();
        crate::say(text);
    }

    fn is_interrupted(&self) -> bool {
        // Only who asks can end in order: not while the first connection is made.
        self.signals.may_wait(true);
        self.signals.came()
    }

    fn progress(&mut self, doing: &str, so_far: &str) {
        if self.is_shown {
            self.show(&format!("{doing}: {so_far}"));
        }
    }
}
