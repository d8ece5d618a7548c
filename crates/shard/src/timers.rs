//! What a shard waits for, and what it does when the time has come.

use crate::connection::Connection;
use crate::interface::{ConnectionId, EndReason};
use crate::session::SessionKey;
use crate::shard::Shard;
use martlet_codec::ReasonCode;
use martlet_protocol::Time;
use martlet_protocol::server::Timeout;

/// Milliseconds between two rounds of housekeeping.
const HOUSEKEEPING_MS: u64 = 1000;
/// Timers that one call deals with; the rest follow in the next turn.
const TIMERS_MAX: usize = 4096;

/// A timer's key in the wheel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timer {
    /// CONNECT, authentication or keep-alive of a connection: looked at lazily.
    Connection(ConnectionId),
    /// Will delay or expiry of an offline session.
    Session(SessionKey),
    /// Expired retained messages.
    Housekeeping,
    /// Clients that wait for room.
    Waiting,
    /// Counters for `$SYS`.
    Status,
}

impl Shard {
    /// Sets the timers that every shard has.
    pub(crate) fn start_timers(&mut self, now: Time) {
        self.clients.wheel.insert(now.saturating_add(HOUSEKEEPING_MS), Timer::Housekeeping);
        if self.clients.config.sys_interval_ms > 0 {
            self.clients.wheel.insert(now, Timer::Status);
        }
    }

    /// Deals with every timer that is due.
    pub(crate) fn handle_timers(&mut self, now: Time) {
        for _ in 0..TIMERS_MAX {
            let Some(timer) = self.clients.wheel.expire(now) else { return };
            match timer {
                Timer::Connection(id) => self.connection_timer(now, id),
                Timer::Session(key) => self.session_timer(now, key),
                Timer::Housekeeping => {
                    self.expire_retained(now);
                    self.warn_of_shortage(now);
                    self.clients.wheel.insert(now.saturating_add(HOUSEKEEPING_MS), Timer::Housekeeping);
                }
                Timer::Waiting => self.look_for_room(now),
                Timer::Status => {
                    self.publish_status(now);
                    let interval = self.clients.config.sys_interval_ms;
                    self.clients.wheel.insert(now.saturating_add(interval), Timer::Status);
                }
            }
        }
    }

    /// Sets the one timer of a connection for its deadline, as it is now.
    pub(crate) fn watch(&mut self, id: ConnectionId) {
        let waits_until = self.waits_until(id);
        let connection = &mut self.clients.connections[id];
        if let Some(timer) = connection.timer.take() {
            self.clients.wheel.cancel(timer);
        }
        let deadline = waits_until.unwrap_or_else(|| connection.protocol.deadline());
        if deadline != Time::NEVER {
            connection.timer = Some(self.clients.wheel.insert(deadline, Timer::Connection(id)));
        }
    }

    /// A connection's deadline has come, unless something was heard since the timer was set.
    fn connection_timer(&mut self, now: Time, id: ConnectionId) {
        let connection: &mut Connection = &mut self.clients.connections[id];
        connection.timer = None;
        if connection.is_waiting {
            return self.look_at_waiter(now, id); // whether it is silent, nobody has looked
        }
        match connection.protocol.timed_out(now) {
            None => self.watch(id),
            Some(Timeout::Connect) => {
                // Nothing was said yet that could be answered: 3.1.4.
                self.end(now, id, EndReason::ConnectTimeout, None);
            }
            Some(Timeout::KeepAlive) => {
                // [3.1.1 MQTT-3.1.2-24]
                self.end(now, id, EndReason::KeepAliveTimeout, Some(ReasonCode::KeepAliveTimeout)); // [MQTT-3.1.2-22]
            }
        }
    }

    /// Sets the one timer of an offline session: its will or its end, whichever comes first.
    pub(crate) fn watch_session(&mut self, key: SessionKey) {
        let slot = &mut self.clients.sessions[key];
        if let Some(timer) = slot.timer.take() {
            self.clients.wheel.cancel(timer);
        }
        let deadline = slot.will_at.min(slot.expires_at);
        if deadline != Time::NEVER {
            slot.timer = Some(self.clients.wheel.insert(deadline, Timer::Session(key)));
        }
    }

    fn session_timer(&mut self, now: Time, key: SessionKey) {
        let slot = &mut self.clients.sessions[key];
        slot.timer = None;
        if slot.will_at <= now {
            slot.will_at = Time::NEVER;
            self.publish_will(now, key); // [MQTT-3.1.2-8]
        }
        if self.clients.sessions[key].expires_at <= now {
            self.clients.counters.clients_expired += 1;
            self.end_session(now, key); // [MQTT-4.1.0-2]
            return;
        }
        self.watch_session(key);
    }
}
