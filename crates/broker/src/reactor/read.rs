//! Reading: one read per connection and turn, into one buffer for all, until a short read.
//!
//! Sockets are watched for edges: an event says that there is something new, and none comes again for what
//! was left unread. So a read that fills the buffer, or an announced end, keeps a connection on the list.

use super::Reactor;
use super::connections::Acks;
use martlet_shard::{ConnectionId, Input, Loss};
use mio::event::Event;
use std::io::{self, ErrorKind};
use std::mem;

/// Connections that are read in one turn; the others come first in the next.
const READS_PER_TURN: usize = 256;

impl Reactor {
    /// Notes what an event says about a connection.
    pub(super) fn note_event(&mut self, id: ConnectionId, event: &Event) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let writable = event.is_writable() || event.is_write_closed();
        connection.writable |= writable;
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = true;
            connection.end_announced |= event.is_read_closed() || event.is_error();
        }
        if connection.paused && event.is_error() {
            let loss = connection.socket.take_error().map_or(Loss::Failed, |error| loss_of(&error));
            return self.lose(id, loss); // nobody would notice by reading
        }
        if writable && (connection.closing.is_some() || self.shard.has_output(id)) {
            self.mark_dirty(id);
        }
        self.mark_ready(id);
    }

    pub(super) fn read_ready(&mut self) {
        let mut scratch = mem::take(&mut self.scratch);
        let quota = self.peers.read_quota().min(scratch.len());
        let mut bytes = 0;
        for _ in 0..self.ready.len().min(READS_PER_TURN) {
            let Some(id) = self.ready.pop_front() else { break };
            bytes += self.read_once(id, &mut scratch[..quota]);
            if bytes >= quota {
                break;
            }
        }
        self.scratch = scratch;
    }

    /// Reads once; how many bytes came.
    fn read_once(&mut self, id: ConnectionId, scratch: &mut [u8]) -> usize {
        let Some(connection) = self.connections.get_mut(id) else { return 0 };
        connection.in_ready = false;
        if !connection.wants_read() {
            return 0;
        }
        match connection.socket.read(scratch) {
            Ok(0) => self.end_of_stream(id),
            Ok(count) => {
                connection.readable = count == scratch.len() || connection.end_announced;
                if connection.acks != Acks::AsItLikes && !connection.unanswered {
                    connection.unanswered = true;
                    self.unanswered.push(id);
                }
                if connection.closing.is_none() {
                    self.input(Input::Received { connection: id, bytes: &scratch[..count] });
                }
                self.mark_ready(id);
                return count;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => self.mark_ready(id),
            Err(error) => {
                let is_nothing_there = error.kind() == ErrorKind::WouldBlock;
                match connection.write_failed {
                    None if is_nothing_there => connection.readable = false,
                    Some(loss) if is_nothing_there => self.lose(id, loss),
                    _ => self.lose(id, loss_of(&error)),
                }
            }
        }
        0
    }

    /// The client has sent its last byte. Before [`Effect::Close`](martlet_shard::Effect) that is the end of the
    /// connection; after it, the rest of the output may still go out.
    fn end_of_stream(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.ended = true;
        if connection.closing.is_none() || connection.finished || connection.write_failed.is_some() {
            self.lose(id, Loss::Closed);
        }
    }

    /// A write failed: reads what the client said before it went, a DISCONNECT perhaps, then gives up.
    pub(super) fn write_failed(&mut self, id: ConnectionId, loss: Loss) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.paused || connection.ended {
            return self.lose(id, loss);
        }
        connection.write_failed = Some(loss);
        connection.writable = false;
        connection.readable = true;
        connection.end_announced = true;
        self.mark_ready(id);
    }
}

/// How a stream ended whose socket reports this.
pub(super) fn loss_of(error: &io::Error) -> Loss {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Loss::Reset,
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Loss::TimedOut,
        _ => Loss::Failed,
    }
}
