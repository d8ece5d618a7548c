//! The way in: one read, frames where they lie, sequence numbers compared, acknowledgements gathered.

use super::Worker;
use crate::BenchFault;
use crate::connection::{Connection, Role, Stage, Subscriber};
use crate::packets::{self, PUBACK, PUBCOMP, PUBREC, PUBREL, SUBACK, UNSUBACK};
use crate::socket::{Moved, moved};
use crate::stamp::Stamp;
use crate::tally::Counter;
use crate::tracker::Seen;
use martlet_codec::{Frame, MAXIMUM_FRAME_LEN, Split, split_frame};
use std::sync::Arc;

/// A partial frame's buffer that is kept although it is empty.
const PARTIAL_KEPT_MAX: usize = 4096;

impl Worker {
    /// Reads until there is nothing more, and writes what follows from it at once.
    pub(super) fn read(&mut self, connection: &mut Connection) -> Result<(), BenchFault> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let result = self.read_into(&mut scratch, connection);
        self.scratch = scratch;
        result
    }

    fn read_into(&mut self, scratch: &mut [u8], connection: &mut Connection) -> Result<(), BenchFault> {
        loop {
            let kept = connection.partial.len();
            if kept == scratch.len() {
                let why = "the server sent a packet that is much longer than ours".to_owned();
                return Err(BenchFault::ConnectionLost(why));
            }
            scratch[..kept].copy_from_slice(&connection.partial);
            let count = match moved(|| connection.socket.read(&mut scratch[kept..])) {
                Moved::Bytes(count) => count,
                Moved::NotNow => return Ok(()),
                Moved::Ended(why) => return Err(BenchFault::ConnectionLost(why)),
            };
            let bytes = &scratch[..kept + count];
            let used = self.handle(connection, bytes)?;
            connection.partial.clear();
            connection.partial.extend_from_slice(&bytes[used..]);
            if connection.partial.is_empty() && connection.partial.capacity() > PARTIAL_KEPT_MAX {
                connection.partial = Vec::new();
            }
            connection.flush().map_err(BenchFault::ConnectionLost)?;
            if kept + count < scratch.len() {
                return Ok(());
            }
        }
    }

    /// Handles whole frames; how many bytes they are.
    fn handle(&mut self, connection: &mut Connection, bytes: &[u8]) -> Result<usize, BenchFault> {
        let now_ns = if self.latency.is_some() { self.now_ns() } else { 0 };
        let mut used = 0;
        loop {
            match split_frame(&bytes[used..], MAXIMUM_FRAME_LEN as u32) {
                Ok(Split::Whole(frame, len)) => {
                    used += len;
                    self.handle_frame(connection, frame, now_ns)?;
                }
                Ok(Split::Partial(_)) => return Ok(used),
                Err(bad) => {
                    let why = format!("the server sent what is no packet: {bad:?}");
                    return Err(BenchFault::ConnectionLost(why));
                }
            }
        }
    }

    #[inline]
    fn handle_frame(
        &mut self,
        connection: &mut Connection,
        frame: Frame<'_>,
        now_ns: u64,
    ) -> Result<(), BenchFault> {
        let id = frame.body.first_chunk().copied().unwrap_or_default();
        match (frame.first & 0xf0, &mut connection.spec.role) {
            (0x30, Role::Subscriber(subscriber)) => {
                self.receive(subscriber, frame, &mut connection.out, now_ns);
            }
            (PUBACK | PUBCOMP, Role::Publisher(publisher)) => {
                publisher.acknowledge();
                self.counts[Counter::Acknowledged] += 1;
                self.counts[Counter::Refused] += u64::from(packets::is_failure(frame.body));
                self.list(publisher.flow.id);
            }
            (PUBREC, Role::Publisher(publisher)) if packets::is_failure(frame.body) => {
                publisher.acknowledge();
                self.counts[Counter::Acknowledged] += 1;
                self.counts[Counter::Refused] += 1;
                self.list(publisher.flow.id);
            }
            (PUBREC, Role::Publisher(_)) => connection.out.extend_from_slice(&packets::ack(PUBREL, id)),
            (0x60, Role::Subscriber(_)) => connection.out.extend_from_slice(&packets::ack(PUBCOMP, id)),
            (0x30, Role::Reader) => self.counts[Counter::Read] += 1,
            (SUBACK | UNSUBACK, Role::Fickle(_)) if connection.stage == Stage::Ready => {
                return self.answered(connection, frame);
            }
            _ => return self.rare(connection, frame),
        }
        Ok(())
    }

    /// A delivery.
    #[inline]
    fn receive(&mut self, subscriber: &mut Subscriber, frame: Frame<'_>, out: &mut Vec<u8>, now_ns: u64) {
        let qos = frame.first >> 1 & 0b11;
        if qos != 0 {
            let first = if qos == 1 { PUBACK } else { PUBREC };
            out.extend_from_slice(&packets::ack(first, packets::packet_id(frame.body)));
        }
        let payload = frame.body.len().checked_sub(self.shared.payload_len).map(|at| &frame.body[at..]);
        let stamp = payload.and_then(Stamp::read).filter(|stamp| stamp.nonce == self.shared.nonce);
        let inbound = stamp.and_then(|stamp| {
            let index = stamp.flow.wrapping_sub(subscriber.first_flow) as usize;
            subscriber.inbound.get_mut(index).map(|inbound| (stamp, inbound))
        });
        let Some((stamp, inbound)) = inbound else {
            self.counts[Counter::Foreign] += 1;
            return;
        };
        self.counts[Counter::Delivered] += 1;
        match inbound.tracker.see(stamp.sequence) {
            Seen::First => {}
            Seen::Ahead(skipped) => self.counts[Counter::Skipped] += skipped,
            Seen::Late => self.counts[Counter::Reordered] += 1,
            Seen::Again => self.counts[Counter::Duplicated] += 1,
        }
        inbound.flow.advance(inbound.slot, inbound.tracker.passed());
        if let Some(latency) = &mut self.latency {
            latency.record(now_ns.saturating_sub(stamp.sent_ns));
        }
        if inbound.flow.owner == self.index {
            self.list(stamp.flow);
        } else if self.mark(stamp.flow) {
            self.moved_elsewhere.push(Arc::clone(&inbound.flow));
        }
    }
}
