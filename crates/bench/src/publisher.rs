//! What a publishing connection still may and must publish.
//!
//! The loop is closed by a window: a message is outstanding until the server has acknowledged it, where it has to, and
//! until its receivers have it. Half a window is sent at a time, so that writes stay large. In an open loop each message
//! has its moment instead, and waits for nothing but room for its packet id.

use crate::block::{Block, Template};
use crate::flow::Flow;
use martlet_codec::QoSLevel;
use std::sync::Arc;

/// Packet ids in use at a time, so that none is used twice.
pub(crate) const IN_FLIGHT_MAX: u64 = 32_000;
/// Ticks without any progress until deliveries are given up.
const STILL_TICKS_MAX: u32 = 4;

/// The moments of an open loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// From the start to the first message.
    pub(crate) offset_ns: f64,
    /// From one message to the next.
    pub(crate) step_ns: f64,
}

/// A pace that has begun.
#[derive(Clone, Copy, Debug)]
struct Clock {
    first_ns: f64,
    step_ns: f64,
    /// Messages whose moment has come.
    released: u64,
}

impl Clock {
    /// When message number `number` is meant to be sent.
    fn at(&self, number: u64) -> u64 {
        (self.first_ns + self.step_ns * number as f64) as u64
    }
}

pub(crate) struct Publisher {
    pub(crate) flow: Arc<Flow>,
    pub(crate) block: Block,
    is_acknowledged: bool,
    pace: Option<Pace>,
    clock: Option<Clock>,
    window: u64,
    /// How many messages it publishes in all.
    quota: u64,
    published: u64,
    acknowledged: u64,
    /// Messages below this are not waited for any more, whatever became of them.
    given_up: u64,
    passed_at_tick: u64,
    still_ticks: u32,
}

impl Publisher {
    pub(crate) fn new(template: &Template, flow: Arc<Flow>, window: u64, quota: u64) -> Self {
        let is_acknowledged = template.qos != QoSLevel::AtMostOnce;
        let window = if is_acknowledged { window.min(IN_FLIGHT_MAX) } else { window }.max(1);
        let capacity = usize::try_from(window.min(quota)).unwrap_or(usize::MAX);
        Publisher {
            flow,
            block: Block::new(template, capacity),
            is_acknowledged,
            pace: None,
            clock: None,
            window,
            quota,
            published: 0,
            acknowledged: 0,
            given_up: 0,
            passed_at_tick: 0,
            still_ticks: 0,
        }
    }

    /// A publisher that goes by the clock.
    pub(crate) fn paced(template: &Template, flow: Arc<Flow>, pace: Pace, quota: u64) -> Self {
        Publisher { pace: Some(pace), ..Self::new(template, flow, IN_FLIGHT_MAX, quota) }
    }

    /// The clock starts; when the first message is due, where there is a clock.
    pub(crate) fn begin(&mut self, now_ns: u64) -> Option<u64> {
        let Pace { offset_ns, step_ns } = self.pace?;
        let clock = Clock { first_ns: now_ns as f64 + offset_ns, step_ns, released: 0 };
        self.clock = Some(clock);
        Some(clock.at(0))
    }

    /// The moment of the next message has come; when that of the one behind it is, if there is one.
    pub(crate) fn release(&mut self) -> Option<u64> {
        let clock = self.clock.as_mut()?;
        clock.released += 1;
        (clock.released < self.quota).then(|| clock.at(clock.released))
    }

    /// The server takes no more than this at once.
    pub(crate) fn limit(&mut self, receive_maximum: u64) {
        if self.is_acknowledged {
            self.window = self.window.min(receive_maximum);
        }
    }

    /// How many messages may be published now: at least half a window, all that are left, or none.
    pub(crate) fn allowed(&self) -> usize {
        let left = self.quota - self.published;
        if self.pace.is_some() {
            let due = self.clock.map_or(0, |clock| clock.released.min(self.quota)) - self.published;
            let room =
                if self.is_acknowledged { self.window.saturating_sub(self.unacknowledged()) } else { due };
            return usize::try_from(due.min(room)).unwrap_or(usize::MAX).min(self.block.capacity());
        }
        let passed = self.flow.passed(self.published).max(self.given_up);
        let undelivered = self.published.saturating_sub(passed);
        let outstanding = undelivered.max(self.unacknowledged());
        let room = self.window.saturating_sub(outstanding);
        if room < (self.window / 2).max(1).min(left) {
            return 0;
        }
        usize::try_from(room.min(left)).unwrap_or(usize::MAX).min(self.block.capacity())
    }

    /// The next `count` messages are in the block; how many deliveries follow from them.
    pub(crate) fn publish(&mut self, count: usize, now_ns: u64) -> u64 {
        match &self.clock {
            Some(clock) => self.block.fill(count, clock.at(self.published), clock.step_ns as u64),
            None => self.block.fill(count, now_ns, 0),
        }
        self.published += count as u64;
        count as u64 * self.flow.deliveries()
    }

    pub(crate) fn is_acknowledged(&self) -> bool {
        self.is_acknowledged
    }

    pub(crate) fn acknowledge(&mut self) {
        self.acknowledged += 1;
    }

    fn unacknowledged(&self) -> u64 {
        if self.is_acknowledged { self.published.saturating_sub(self.acknowledged) } else { 0 }
    }

    /// Called in equal intervals. Whether it gives up waiting for deliveries that do not come.
    pub(crate) fn tick(&mut self) -> bool {
        let passed = self.flow.passed(self.published).max(self.given_up);
        let is_waiting = self.pace.is_none() && passed < self.published && self.allowed() == 0;
        if !is_waiting || passed != self.passed_at_tick || self.unacknowledged() > 0 {
            (self.passed_at_tick, self.still_ticks) = (passed, 0);
            return false;
        }
        self.still_ticks += 1;
        let gives_up = self.still_ticks >= STILL_TICKS_MAX;
        if gives_up {
            self.given_up = self.published;
        }
        gives_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Topics;
    use crate::flow::Spread;
    use crate::stamp::{STAMP_LEN, Stamp};
    use martlet_codec::Version;

    fn publisher(qos: QoSLevel, window: u64, quota: u64) -> Publisher {
        let topics = Topics::one("t".into());
        let template =
            Template { version: Version::V5, qos, retain: false, topics, payload_len: 24, flow: 0, nonce: 0 };
        Publisher::new(&template, Arc::new(Flow::new(0, 0, Spread::All, 1)), window, quota)
    }

    fn publish(publisher: &mut Publisher, count: usize) {
        publisher.publish(count, 0);
        publisher.block.sent(publisher.block.unsent().len());
    }

    #[test]
    fn a_window_opens_by_halves() {
        let mut publisher = publisher(QoSLevel::AtMostOnce, 8, 100);
        assert_eq!(publisher.allowed(), 8);
        publish(&mut publisher, 8);
        for (passed, allowed) in [(0, 0), (3, 0), (4, 4), (8, 8)] {
            publisher.flow.advance(0, passed);
            assert_eq!(publisher.allowed(), allowed, "{passed}");
        }
    }

    #[test]
    fn both_acknowledgement_and_delivery_are_awaited() {
        let mut publisher = publisher(QoSLevel::AtLeastOnce, 100, 100);
        publisher.limit(2);
        publish(&mut publisher, 2);
        publisher.flow.advance(0, 2);
        assert_eq!(publisher.allowed(), 0);
        publisher.acknowledge();
        assert_eq!(publisher.allowed(), 1);
    }

    #[test]
    fn the_last_ones_are_fewer_than_half_a_window() {
        let mut publisher = publisher(QoSLevel::AtMostOnce, 8, 9);
        publish(&mut publisher, 8);
        publisher.flow.advance(0, 1);
        assert_eq!(publisher.allowed(), 1);
        publish(&mut publisher, 1);
        assert_eq!(publisher.allowed(), 0);
    }

    #[test]
    fn by_the_clock_each_message_has_its_moment_and_no_window() {
        let quick = publisher(QoSLevel::AtMostOnce, 1, 3);
        let mut publisher = Publisher { pace: Some(Pace { offset_ns: 5.0, step_ns: 10.0 }), ..quick };
        assert_eq!(publisher.allowed(), 0);
        assert_eq!(publisher.begin(100), Some(105));
        assert_eq!((publisher.allowed(), publisher.release()), (0, Some(115)));
        publish(&mut publisher, 1);
        assert_eq!((publisher.allowed(), publisher.release()), (0, Some(125)));
        // It has not been delivered, and still the next one goes out; the third is the last.
        assert_eq!((publisher.allowed(), publisher.release()), (1, None));
        publish(&mut publisher, 1);
        assert_eq!(publisher.allowed(), 1);
        assert!(!(0..9).any(|_| publisher.tick()));
    }

    #[test]
    fn by_the_clock_a_late_message_still_has_its_moment() {
        let quick = publisher(QoSLevel::AtMostOnce, 1, 9);
        let mut publisher = Publisher { pace: Some(Pace { offset_ns: 5.0, step_ns: 10.0 }), ..quick };
        publisher.begin(100);
        for sent_ns in [105, 115, 125] {
            publisher.release();
            publisher.publish(1, 1_000_000);
            let payload = publisher.block.unsent().last_chunk::<STAMP_LEN>().unwrap();
            assert_eq!(Stamp::read(payload).map(|stamp| stamp.sent_ns), Some(sent_ns));
            publisher.block.sent(publisher.block.unsent().len());
        }
    }

    #[test]
    fn by_the_clock_packet_ids_are_still_waited_for() {
        let slow = publisher(QoSLevel::AtLeastOnce, 100, 100);
        let mut publisher = Publisher { pace: Some(Pace { offset_ns: 0.0, step_ns: 1.0 }), ..slow };
        publisher.limit(2);
        publisher.begin(0);
        (0..5).for_each(|_| assert!(publisher.release().is_some()));
        assert_eq!(publisher.allowed(), 2);
        publish(&mut publisher, 2);
        assert_eq!(publisher.allowed(), 0);
        publisher.acknowledge();
        assert_eq!(publisher.allowed(), 1);
    }

    #[test]
    fn what_does_not_come_is_given_up() {
        let mut publisher = publisher(QoSLevel::AtMostOnce, 2, 100);
        publish(&mut publisher, 2);
        let gave_up: Vec<_> = (0..=STILL_TICKS_MAX).map(|_| publisher.tick()).collect();
        assert_eq!(gave_up.iter().filter(|gave_up| **gave_up).count(), 1);
        assert_eq!(publisher.allowed(), 2);
    }
}
