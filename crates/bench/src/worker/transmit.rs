//! The way out: publishers whose flow has moved write as much as their window allows.

use super::Worker;
use crate::BenchFault;
use crate::connection::{Connection, Role, Stage};
use crate::tally::Counter;

impl Worker {
    /// Looks at every flow that has moved since the last poll.
    pub(super) fn serve_moved(&mut self) {
        let mut moved = std::mem::take(&mut self.moved);
        for flow in moved.drain(..) {
            self.is_listed[flow as usize] = false;
            if let Some(token) = self.publishers.get(flow as usize).copied().flatten() {
                self.with(token, Self::publish);
            }
        }
        // What was listed meanwhile waits for the next turn, in a new list.
        if self.moved.is_empty() {
            self.moved = moved;
        }
        for flow in std::mem::take(&mut self.moved_elsewhere) {
            self.is_listed[flow.id as usize] = false;
            if flow.take_waiting() {
                self.shared.wake(flow.owner);
            }
        }
    }

    fn publish(&mut self, connection: &mut Connection) -> Result<(), BenchFault> {
        while connection.flush().map_err(BenchFault::ConnectionLost)? {
            let is_open = self.is_publishing && connection.stage == Stage::Ready;
            let now_ns = self.now_ns();
            let Role::Publisher(publisher) = &mut connection.spec.role else { return Ok(()) };
            if !is_open {
                return Ok(());
            }
            let mut count = publisher.allowed();
            if count == 0 {
                publisher.flow.wait();
                count = publisher.allowed();
            }
            if count == 0 {
                return Ok(());
            }
            if publisher.is_acknowledged() {
                self.counts[Counter::Owed] += count as u64;
            }
            self.counts[Counter::Expected] += publisher.publish(count, now_ns);
            self.counts[Counter::Published] += count as u64;
        }
        Ok(())
    }
}
