//! What the shard wants done, done: mostly a note for the end of the turn.

use super::{Adopted, Reactor, log};
use crate::shared::Control;
use martlet_codec::ReasonCode;
use martlet_shard::{ConnectionId, Credentials, Effect, Input, Origin, ShardId, Verdict};

impl Reactor {
    pub(super) fn carry_out_effects(&mut self) {
        while let Some(effect) = self.shard.poll_effect() {
            match effect {
                Effect::Transmit(connection) => self.mark_dirty(connection),
                Effect::Close(connection) => self.begin_close(connection),
                Effect::Move { connection, to, bytes, origin } => {
                    self.move_away(connection, to, bytes, *origin);
                }
                Effect::PauseReading(connection) => self.pause(connection),
                Effect::ResumeReading(connection) => self.resume(connection),
                Effect::Authenticate(connection, credentials) => {
                    let verdict = without_authenticator(&credentials);
                    self.shard.handle(self.now, Input::Authenticated { connection, verdict });
                }
                // Nothing outlives the process yet, so nothing is waited for.
                Effect::Record(ticket) => self.shard.handle(self.now, Input::Recorded(ticket)),
                Effect::Mail(to) => self.mailboxes.mark(to),
                Effect::MemoryShort(shortage) => log::log_shortage(&shortage),
                Effect::Connected(_, life) => {
                    self.log_connected(&life);
                    self.warn_of_unchecked(&life);
                }
                Effect::Ended(_, life, reason) => self.log_ended(&life, reason),
            }
        }
    }

    /// Puts it on the list of connections to write, once.
    pub(super) fn mark_dirty(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.in_dirty
        {
            connection.in_dirty = true;
            self.dirty.push(id);
        }
    }

    /// Puts it on the list of connections to read, once, if there is reason to.
    pub(super) fn mark_ready(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.wants_read()
            && !connection.in_ready
        {
            connection.in_ready = true;
            self.ready.push_back(id);
        }
    }

    fn pause(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.paused = connection.closing.is_none(); // on the way out everything is read and discarded
        }
    }

    fn resume(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.paused = false;
        }
        self.mark_ready(id);
    }

    fn begin_close(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.closing.is_none()
        {
            connection.closing = Some(self.linger.start(self.now, id));
            connection.paused = false;
        }
        self.mark_ready(id);
        self.mark_dirty(id);
    }

    fn move_away(&mut self, id: ConnectionId, to: ShardId, bytes: Vec<u8>, origin: Origin) {
        let Some(connection) = self.connections.remove(id) else { return };
        let mut socket = connection.socket;
        if let Err(error) = self.poll.registry().deregister(&mut socket) {
            tracing::warn!(address = %origin.peer, %error, "cannot move a connection; it is closed");
            return;
        }
        let adopted = Adopted { socket, seat: connection.seat, origin, bytes };
        self.peers.control(to, Control::Adopt(Box::new(adopted)));
    }
}

/// Nobody is known here yet, so nobody is let in whom the listener does not let in by itself.
fn without_authenticator(credentials: &Credentials) -> Verdict {
    Verdict::Refuse(match credentials.method {
        Some(_) => ReasonCode::BadAuthenticationMethod, // [MQTT-4.12.0-1]
        None => ReasonCode::NotAuthorized,
    })
}
