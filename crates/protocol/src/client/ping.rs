//! Keep Alive on the client's side (3.1.2.10): PINGREQ after silence of either side, and an end to waiting.

use crate::Time;

/// When to ask, and when to give up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ping {
    interval_s: u16,
    timeout_ms: u64,
    sent_at: Time,
    heard_at: Time,
    asked_at: Option<Time>,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// Send PINGREQ.
    Ask,
    /// The server does not answer.
    GiveUp,
}

impl Ping {
    /// `interval_s` seconds of silence, 0 for any; then `timeout_ms` for an answer.
    pub(super) fn new(interval_s: u16, timeout_ms: u64, now: Time) -> Self {
        Ping { interval_s, timeout_ms, sent_at: now, heard_at: now, asked_at: None }
    }
    /// Bytes went out.
    pub(super) fn sent(&mut self, now: Time) {
        self.sent_at = now;
    }
    /// Bytes came in: the server is alive, even if PINGRESP is still behind them.
    pub(super) fn heard(&mut self, now: Time) {
        self.heard_at = now;
        self.asked_at = None;
    }
    /// When something will be due. The server must hear of the client within the interval [MQTT-3.1.2-20], and
    /// the client of the server, or a dead server that is only ever sent to would stay unnoticed.
    pub(super) fn deadline(&self) -> Time {
        match (self.interval_s, self.asked_at) {
            (0, _) => Time::NEVER,
            (_, Some(asked_at)) => asked_at.saturating_add(self.timeout_ms),
            (s, None) => self.sent_at.min(self.heard_at).after_s(u32::from(s)),
        }
    }
    /// What is due now. The caller does it.
    pub(super) fn due(&mut self, now: Time) -> Due {
        if self.deadline() > now {
            Due::Nothing
        } else if self.asked_at.is_some() {
            Due::GiveUp
        } else {
            self.asked_at = Some(now);
            Due::Ask
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_of_either_side_asks_and_no_answer_gives_up() {
        let at = Time::from_millis;
        let mut ping = Ping::new(10, 3_000, at(0));
        ping.sent(at(4_000));
        assert_eq!(ping.due(at(9_999)), Due::Nothing);
        assert_eq!(ping.due(at(10_000)), Due::Ask, "nothing heard for 10 s");
        assert_eq!(ping.deadline(), at(13_000));
        ping.sent(at(10_000));
        ping.heard(at(11_000));
        assert_eq!(ping.deadline(), at(20_000), "nothing sent for 10 s"); // [MQTT-3.1.2-20]
        assert_eq!(ping.due(at(20_000)), Due::Ask);
        assert_eq!(ping.due(at(23_000)), Due::GiveUp);
        assert_eq!(Ping::new(0, 3_000, at(0)).deadline(), Time::NEVER);
    }
}
