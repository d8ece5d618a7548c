//! Connections on their way out, in the order in which patience with them ends.
//!
//! A client gets its last bytes and the time to close its own side; one that never reads, or never closes,
//! is dropped. Closing at once would make the system throw away what the client has not read yet.

use martlet_protocol::Time;
use martlet_shard::ConnectionId;
use std::collections::VecDeque;

/// Milliseconds from the shard's wish to close to the end of patience.
const LINGER_MS: u64 = 1000;

/// All wait equally long, so the first to come is the first to go.
#[derive(Debug, Default)]
pub(super) struct Linger {
    queue: VecDeque<(Time, ConnectionId)>,
}

impl Linger {
    /// Starts to wait; the moment until when.
    pub(super) fn start(&mut self, now: Time, connection: ConnectionId) -> Time {
        let until = now.saturating_add(LINGER_MS);
        self.queue.push_back((until, connection));
        until
    }
    /// A slot whose time is over, if it still has the owner that waited: `until` is for the caller to compare.
    pub(super) fn expired(&mut self, now: Time) -> Option<(Time, ConnectionId)> {
        self.queue.pop_front_if(|(until, _)| *until <= now)
    }
    pub(super) fn next(&self) -> Time {
        self.queue.front().map_or(Time::NEVER, |(until, _)| *until)
    }
}
