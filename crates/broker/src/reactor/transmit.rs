//! Writing: each connection with output once, at the end of a turn, in one system call.

use super::Reactor;
use super::connections::Acks;
use super::read::loss_of;
use martlet_shard::{ConnectionId, Input, Loss};
use std::io::{ErrorKind, IoSlice};
use std::mem;

/// Pieces of output that one write takes.
const PARTS_MAX: usize = 16;
/// How often one turn goes round the connections: what a write makes room for may be written at once.
const ROUNDS: usize = 4;

impl Reactor {
    pub(super) fn transmit(&mut self) {
        for _ in 0..ROUNDS {
            if self.dirty.is_empty() {
                return;
            }
            let mut round = mem::take(&mut self.dirty);
            for id in round.drain(..) {
                self.transmit_one(id);
            }
            if self.dirty.is_empty() {
                self.dirty = round; // keeps the allocation
            }
        }
    }

    /// Where a read was left without an answer, the system must not wait for one before it acknowledges the bytes: a client
    /// with Nagle's algorithm does not send its next packet before. Two kinds of clients are left to the system, since each
    /// acknowledgement costs: those that only acknowledge messages, and those that only publish, from the second read on.
    pub(super) fn acknowledge_unanswered(&mut self) {
        for id in self.unanswered.drain(..) {
            let Some(connection) = self.connections.get_mut(id) else { continue };
            if !mem::take(&mut connection.unanswered) {
                continue;
            }
            connection.acks = match connection.acks {
                Acks::WithAnswers if self.shard.may_send_more(id) => Acks::AtOnce,
                Acks::AtOnce if self.shard.only_publishes(id) => Acks::AsItLikes,
                _ => continue,
            };
            connection.socket.set_quick_ack(connection.acks == Acks::AtOnce);
        }
    }

    fn transmit_one(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.in_dirty = false;
        if !connection.writable || connection.finished {
            return;
        }
        let mut parts = [IoSlice::new(&[]); PARTS_MAX];
        let mut count = 0;
        let mut bytes = 0;
        for (part, piece) in parts.iter_mut().zip(self.shard.output(id)) {
            *part = IoSlice::new(piece);
            count += 1;
            bytes += piece.len();
        }
        if bytes == 0 {
            return self.nothing_left(id);
        }
        match connection.socket.write(&parts[..count]) {
            Ok(written) => {
                connection.writable = written == bytes;
                (connection.unanswered, connection.acks) = (false, Acks::WithAnswers);
                self.input(Input::Transmitted { connection: id, bytes: written });
                self.after_write(id);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => connection.writable = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => self.mark_dirty(id),
            Err(error) => self.write_failed(id, loss_of(&error)),
        }
    }

    fn after_write(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(id) else { return };
        if self.shard.has_output(id) {
            if connection.writable {
                self.mark_dirty(id);
            }
        } else if connection.closing.is_some() {
            self.nothing_left(id);
        }
    }

    /// All output is out: on the way out, says so to the client, and is done if the client is.
    fn nothing_left(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.closing.is_none() || connection.finished {
            return;
        }
        connection.finished = true;
        if connection.socket.finish().is_err() || connection.ended {
            self.lose(id, Loss::Closed);
        }
    }
}
