//! What clients make a shard hold, in bytes, about: the sum that `memory_bytes_max` bounds. Messages are weighed where
//! they are stored, queue entries and output by differences, the rest from the lengths of the tables.
//! It refuses nothing itself, and knows no single client.

use crate::clients::Clients;
use crate::interface::ConnectionId;
use crate::session::SessionKey;
use crate::shard::Shard;

/// A session's own structures and its connection's, without its client id and its queue.
const SESSION_BYTES: u64 = 768;
/// A shared subscription and its group, without their texts.
const SHARE_BYTES: u64 = 512;
/// A message that waits in a group.
pub(crate) const GROUP_ENTRY_BYTES: usize = 64;
/// A retained message's entry in the table, about.
pub(crate) const RETAINED_ENTRY_BYTES: u64 = 16;

/// Bytes that are not in the store of publications.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Entries of all sessions' queues.
    entries: u64,
    /// Output and unfinished frames of all connections; large payloads in output are in the store as well.
    output: u64,
    /// Messages that wait in groups.
    pub(crate) in_groups: u64,
    /// Shared subscriptions, each as if it had a group of its own.
    shares: u64,
    /// Subscriptions that are not shared, as of the last [`Shard::weigh`].
    filters: u64,
    /// The table of retained messages and what replays remember, as of the last [`Shard::weigh`].
    retained: u64,
}

impl Held {
    /// The entries of one session's queue changed.
    pub(crate) fn entries_changed(&mut self, before: usize, after: usize) {
        self.entries = self.entries + after as u64 - before as u64;
    }
}

/// The member, the group and the look-up of the group have the filter's text.
fn share_bytes(filter: &str) -> u64 {
    SHARE_BYTES + 3 * filter.len() as u64
}

impl Clients {
    /// All bytes together.
    pub(crate) fn memory(&self) -> u64 {
        let Held { entries, output, in_groups, shares, filters, retained } = self.held;
        let sessions = self.sessions.len() as u64 * SESSION_BYTES + self.sessions.client_id_bytes();
        let groups = in_groups * GROUP_ENTRY_BYTES as u64;
        self.publications.memory() + entries + output + groups + sessions + shares + filters + retained
    }

    /// A session has one more shared subscription; `is_new`: it had no part in the group.
    pub(crate) fn share_joined(&mut self, filter: &str, is_new: bool) {
        self.held.shares += if is_new { share_bytes(filter) } else { 0 };
        self.counters.subscriptions += 1;
        self.counters.shared_subscriptions += 1;
    }

    /// A session has one less; its part in the group may stay for a while.
    pub(crate) fn share_left(&mut self) {
        self.counters.subscriptions -= 1;
        self.counters.shared_subscriptions -= 1;
    }

    /// A session has no part in a group any more.
    pub(crate) fn share_forgotten(&mut self, filter: &str) {
        self.held.shares -= share_bytes(filter);
    }

    /// Whether so much more must not be held: messages that nobody was told are kept.
    pub(crate) fn is_full_for(&self, message_bytes: usize) -> bool {
        self.memory() + message_bytes as u64 > self.config.memory_bytes_max
    }

    /// The same for sessions, wills and subscriptions. They get an eighth more, so that a store full of messages
    /// keeps no client out.
    pub(crate) fn is_full_for_state(&self, bytes: usize) -> bool {
        let max = self.config.memory_bytes_max;
        self.memory() + bytes as u64 > max.saturating_add(max / 8)
    }

    /// Whether subscriptions have their part of the bytes, which is half of them: whatever one client subscribes to,
    /// there is room for the messages of others.
    pub(crate) fn is_full_for_subscriptions(&self) -> bool {
        let max = self.config.memory_bytes_max;
        self.held.filters + self.held.shares > max / 2 || self.is_full_for_state(0)
    }

    /// Weighs what a connection holds anew: its output, what it is owed, and the frame that has not come to its end.
    pub(crate) fn weigh_output(&mut self, id: ConnectionId) {
        let connection = &mut self.connections[id];
        let owed = connection.dues.as_ref().map_or(0, |dues| dues.bytes());
        let now = connection.output.len() + connection.partial.len() + owed;
        self.held.output = self.held.output + now as u64 - connection.weighed as u64;
        connection.weighed = now;
    }

    /// A connection's output goes with it.
    pub(crate) fn forget_output(&mut self, weighed: usize) {
        self.held.output -= weighed as u64;
    }

    /// Runs what changes one session's queue, and weighs the difference.
    pub(crate) fn with_queue<T>(&mut self, key: SessionKey, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.sessions[key].session.outgoing.entry_bytes();
        let result = change(self);
        self.held.entries_changed(before, self.sessions[key].session.outgoing.entry_bytes());
        result
    }
}

impl Shard {
    /// Weighs the tables anew: a few sums, no walk.
    pub(crate) fn weigh(&mut self) {
        self.clients.held.filters = (self.index.memory() + self.shapes.memory()) as u64;
        self.clients.held.retained = (self.retained.memory() + self.replays.memory()) as u64;
    }
}
