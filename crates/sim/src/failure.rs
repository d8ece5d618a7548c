//! A guarantee that did not hold: which checker says so, and what it saw.

use std::fmt;

/// Who checks what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checker {
    /// QoS 1 and 2: what was acknowledged reaches every subscriber; QoS 0 does while nothing is cut.
    Delivery,
    /// QoS 2 exactly once, QoS 0 at most once, QoS 1 no more often than it was sent or re-delivered.
    Once,
    /// First deliveries in order, per publisher, topic and QoS.
    Order,
    /// A message goes to those who subscribed: filter, QoS, No Local, Subscription Identifier.
    Matching,
    /// Receive Maximum, in both directions.
    ReceiveMaximum,
    /// A packet identifier stands for one message; DUP and PUBREL where they must be.
    PacketId,
    /// Acknowledgements: none before what it promises is recorded, each kind in order, none that is not owed.
    Promise,
    /// Nobody is let in by the answer of an authenticator to somebody else.
    Admission,
    /// Both sides accept what the other sends.
    Protocol,
    /// What was refused goes nowhere.
    Refusal,
    /// Retained messages: the last published, also to a subscription made after its acknowledgement.
    Retained,
    /// A shared subscription: one member gets it.
    Shared,
    /// Wills: published exactly when they must be.
    Will,
    /// A session that must be there is there, and one that must not is not.
    Session,
    /// Once the links hold, everything settles.
    Liveness,
    /// `routed == delivered + queued + dropped`.
    Conservation,
    /// Nothing is left when everything has ended.
    Leak,
    /// The broker or a client panicked.
    Panic,
    /// The same seed gave two traces.
    Determinism,
}

/// What a checker found.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Who found it.
    pub checker: Checker,
    /// What.
    pub what: String,
}

impl Failure {
    pub(crate) fn new(checker: Checker, what: impl Into<String>) -> Self {
        Failure { checker, what: what.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.checker, self.what)
    }
}

/// Nothing, or what a checker found.
pub(crate) type Verdict<T = ()> = Result<T, Failure>;

/// Fails unless `holds`.
pub(crate) fn check(holds: bool, checker: Checker, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Failure::new(checker, what())) }
}
