//! Authenticators: answers that come late, or never, also to those who are gone; and nobody gets in by the answer of
//! somebody else.

use crate::failure::{Checker, Verdict, check};
use crate::faults::Fault;
use crate::world::World;
use martlet_protocol::Time;
use martlet_shard::{ConnectionId, Input, Verdict as Answer};
use std::collections::BTreeSet;

/// Milliseconds from the first byte to CONNACK at most.
pub(crate) const TIMEOUT_MS: u64 = 1000;
/// Percent of the questions that are never answered.
const LOST: usize = 5;

/// What one shard has asked.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    open: Vec<(Time, ConnectionId)>,
    answered: BTreeSet<ConnectionId>,
}

impl Questions {
    pub(crate) fn is_quiet(&self) -> bool {
        self.open.is_empty()
    }
}

impl World<'_> {
    pub(crate) fn is_asked(&mut self, host: usize, connection: ConnectionId) {
        let least_ms = *self.random.pick(&[0, 0, 0, TIMEOUT_MS]); // after that the connection is over
        let due = self.now.saturating_add(least_ms + self.random.below(400) as u64);
        if self.settling || !self.random.chance(LOST) {
            self.hosts[host].questions.open.push((due, connection));
        }
    }

    /// Answers what is due, whoever has the slot by then.
    pub(crate) fn answer_questions(&mut self, host: usize) -> Verdict {
        let (now, settling) = (self.now, self.settling);
        let open = std::mem::take(&mut self.hosts[host].questions.open);
        let (due, later) = open.into_iter().partition(|(due, _)| settling || *due <= now);
        self.hosts[host].questions.open = later;
        let due: Vec<(Time, ConnectionId)> = due;
        for (_, mut connection) in due {
            self.hosts[host].questions.answered.insert(connection);
            if self.tamper.plants(Fault::AnswerForNext) {
                connection = self.hosts[host].owner(connection.slot).unwrap_or(connection);
            }
            self.input(host, Input::Authenticated { connection, verdict: Answer::Accept { data: None } })?;
        }
        Ok(())
    }

    /// Who is let in where nobody is without an answer had one of its own.
    pub(crate) fn was_answered(&self, host: usize, connection: ConnectionId) -> Verdict {
        let answered = self.hosts[host].questions.answered.contains(&connection);
        check(answered || !self.plan.asks, Checker::Admission, || {
            format!("{connection:?} of shard {host} came in without an answer")
        })
    }
}
