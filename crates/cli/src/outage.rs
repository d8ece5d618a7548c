//! A lost connection: whether it makes sense to come back, and when to try. Nothing is connected here.

use crate::args::Reconnect;
use martlet_client::{ConnectFault, End, FaultKind, ReasonCode};
use std::time::{Duration, Instant};

/// The first pause before an attempt; each that fails doubles it, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What the loss of a connection means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnLoss {
    /// The end.
    End,
    /// The end, but `--reconnect` would have helped.
    EndWithTip,
    /// Come back.
    ComeBack,
    /// Come back, and wait for the first connection as well.
    ComeAlways,
}

impl OnLoss {
    /// Of a command that has `--reconnect`.
    pub(crate) fn new(reconnect: Option<Reconnect>) -> Self {
        match reconnect {
            None => Self::EndWithTip,
            Some(Reconnect::Lost) => Self::ComeBack,
            Some(Reconnect::Always) => Self::ComeAlways,
        }
    }
}

/// No connection, and the next attempt to have one.
#[derive(Debug)]
pub(crate) struct Outage {
    pub(crate) due: Instant,
    pub(crate) since: Instant,
    pause: Duration,
}

impl Outage {
    pub(crate) fn new(now: Instant) -> Self {
        Outage { due: now + PAUSE_MIN, since: now, pause: PAUSE_MIN }
    }
    /// An attempt failed.
    pub(crate) fn prolong(&mut self, now: Instant) {
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        self.due = now + self.pause;
    }
}

/// Whether a connection that ended so may be had again. One that another client took over may not: the two would
/// take turns for ever.
pub(crate) fn passes(end: &End) -> bool {
    match end {
        End::Stream | End::NoPingResp | End::NoConnAck => true,
        End::Server { reason, .. } => is_passing(*reason),
        End::Client | End::Fatal(_) => false,
    }
}

/// Whether a later attempt may succeed where this one failed.
pub(crate) fn is_worth_repeating(fault: &ConnectFault) -> bool {
    match fault {
        ConnectFault::Stream(fault) => matches!(fault.kind, FaultKind::Io | FaultKind::NameLookup),
        ConnectFault::Refused { reason, .. } => is_passing(*reason),
        ConnectFault::Ended(end) => passes(end),
        ConnectFault::TimedOut | ConnectFault::NotMqtt => true,
        ConnectFault::Options(_) | ConnectFault::Interrupted | ConnectFault::Challenged => false,
    }
}

fn is_passing(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::UnspecifiedError
            | ReasonCode::ServerUnavailable
            | ReasonCode::ServerBusy
            | ReasonCode::ServerShuttingDown
            | ReasonCode::KeepAliveTimeout
            | ReasonCode::QuotaExceeded
            | ReasonCode::AdministrativeAction
            | ReasonCode::ConnectionRateExceeded
            | ReasonCode::MaximumConnectTime
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let mut now = Instant::now();
        let mut outage = Outage::new(now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            pauses.push((outage.due - now).as_secs());
            now = outage.due;
            outage.prolong(now);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_connection_that_was_taken_over_stays_lost() {
        let server = |reason| End::Server { reason, text: None, server_reference: None };
        assert!(passes(&End::Stream) && passes(&server(ReasonCode::ServerShuttingDown)));
        assert!(!passes(&server(ReasonCode::SessionTakenOver)));
        assert!(!passes(&server(ReasonCode::NotAuthorized)));
        assert!(is_worth_repeating(&ConnectFault::TimedOut));
        assert!(!is_worth_repeating(&ConnectFault::Challenged));
    }
}
