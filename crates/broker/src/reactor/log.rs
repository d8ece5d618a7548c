//! A connection's life in the log: one line at info when it ends, one at debug when a client gets in.

use super::{PeerAddress, Reactor};
use martlet_codec::Version;
use martlet_shard::{ConnectionId, EndReason, Life};
use std::fmt;

/// A value, or a dash.
struct OrDash<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrDash<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}

impl Reactor {
    pub(super) fn log_connected(&self, connection: ConnectionId, life: &Life) {
        tracing::debug!(
            client = %OrDash(life.client_id.as_deref()),
            user = life.user_name.as_deref(),
            address = %self.address(connection),
            version = %OrDash::<Version>(life.version),
            keep_alive_s = life.keep_alive_s,
            clean_start = life.clean_start,
            shard = self.id.0,
            "client connected"
        );
    }

    pub(super) fn log_ended(&self, connection: ConnectionId, life: &Life, reason: EndReason) {
        tracing::info!(
            client = %OrDash(life.client_id.as_deref()),
            user = life.user_name.as_deref(),
            address = %self.address(connection),
            version = %OrDash::<Version>(life.version),
            reason = %reason,
            duration_ms = self.now.since(life.opened_at),
            packets_received = life.packets_received,
            messages_received = life.messages.0,
            messages_sent = life.messages.1,
            bytes_received = life.bytes.0,
            bytes_sent = life.bytes.1,
            shard = self.id.0,
            "connection ended"
        );
    }

    fn address(&self, connection: ConnectionId) -> OrDash<PeerAddress> {
        OrDash(self.connections.get(connection).map(|connection| connection.address))
    }
}
