//! The open loop: each message has its moment, whatever became of those before it.

use super::{TICK, Worker};
use crate::BenchFault;
use crate::connection::Role;
use std::cmp::Reverse;
use std::time::Duration;

impl Worker {
    /// Every publisher with a pace begins now.
    pub(super) fn begin_schedule(&mut self) {
        let now_ns = self.now_ns();
        self.due.clear();
        for (flow, token) in self.publishers.iter().enumerate() {
            let Some(Some(connection)) = token.and_then(|token| self.connections.get_mut(token)) else {
                continue;
            };
            let Role::Publisher(publisher) = &mut connection.spec.role else { continue };
            if let Some(due_ns) = publisher.begin(now_ns) {
                self.due.push(Reverse((due_ns, flow as u32)));
            }
        }
    }

    /// Lists the publishers whose moment has come, and says how long the poll may sleep.
    pub(super) fn look_at_clock(&mut self) -> Result<Duration, BenchFault> {
        if !self.is_publishing || self.due.is_empty() {
            return Ok(TICK);
        }
        let now_ns = self.now_ns();
        while let Some(Reverse((due_ns, flow))) = self.due.peek().copied().filter(|next| next.0.0 <= now_ns) {
            self.due.pop();
            if let Some(lateness) = &mut self.lateness {
                lateness.record(now_ns - due_ns);
            }
            self.list(flow);
            let token = self.publishers.get(flow as usize).copied().flatten();
            let connection = token.and_then(|token| self.connections.get_mut(token)).and_then(Option::as_mut);
            let Some(Role::Publisher(publisher)) = connection.map(|one| &mut one.spec.role) else { continue };
            if let Some(due_ns) = publisher.release() {
                self.due.push(Reverse((due_ns, flow)));
            }
        }
        let Some(Reverse((next_ns, _))) = self.due.peek().copied() else { return Ok(TICK) };
        let sleep = self.alarm.set(next_ns, now_ns, TICK);
        sleep.map_err(|error| martlet_net::Fault::io("set a timer", error).into())
    }
}
