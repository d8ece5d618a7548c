//! Keep Alive (3.1.2.10), lazily: a packet costs one store of the time, and the timer looks back when it fires.

use crate::Time;

/// The server's watch over a client's silence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeepAlive {
    interval_s: u16,
    heard_at: Time,
}

impl KeepAlive {
    /// `interval_s` seconds, 0 for no limit; silence counts from `now`.
    pub(crate) fn new(interval_s: u16, now: Time) -> Self {
        KeepAlive { interval_s, heard_at: now }
    }
    /// A packet came.
    pub(crate) fn heard(&mut self, now: Time) {
        self.heard_at = now;
    }
    /// When the silence has been too long: 1.5 times the interval. [MQTT-3.1.2-22] [3.1.1 MQTT-3.1.2-24]
    pub(crate) fn deadline(&self) -> Time {
        match self.interval_s {
            0 => Time::NEVER,
            s => self.heard_at.saturating_add(u64::from(s) * 1500),
        }
    }
    /// The interval in force, in seconds.
    pub(crate) fn interval_s(&self) -> u16 {
        self.interval_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_a_half_intervals() {
        let mut keep_alive = KeepAlive::new(10, Time::from_millis(5));
        assert_eq!(keep_alive.deadline(), Time::from_millis(15_005)); // [MQTT-3.1.2-22]
        keep_alive.heard(Time::from_millis(1_000));
        assert_eq!(keep_alive.deadline(), Time::from_millis(16_000));
        assert_eq!(KeepAlive::new(0, Time::default()).deadline(), Time::NEVER); // 3.1.2.10: 0 turns it off
    }
}
