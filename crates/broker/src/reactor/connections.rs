//! The slots of a shard's connections, and what the reactor itself knows of each.
//!
//! A slot may get a new owner while a list still speaks of the old one: then nobody is found. An event of the system knows
//! no owner and only says "try", and a socket that has nothing answers "would block".

use super::socket::Socket;
use crate::shared::Seat;
use martlet_protocol::Time;
use martlet_shard::{ConnectionId, Loss};

/// When the system acknowledges bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acks {
    /// It decides for itself.
    AsItLikes,
    /// With an answer, which it waits for: the connection was written to.
    WithAnswers,
    /// At once: it was told so after the last write.
    AtOnce,
}

/// A socket and the state of its two directions. No buffer: bytes live in the scratch buffer or in the shard.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) socket: Socket,
    /// Held for its `Drop`, and to be handed on with the socket.
    pub(super) seat: Seat,
    /// Since the shard asked to close: the moment when patience ends.
    pub(super) closing: Option<Time>,
    /// There may be bytes to read, or the end.
    pub(super) readable: bool,
    /// The end of the stream is announced: read on after a short read, no further event will come.
    pub(super) end_announced: bool,
    /// The end of the stream was read.
    pub(super) ended: bool,
    /// The shard wants no more bytes for now.
    pub(super) paused: bool,
    /// Bytes came in this turn, and nothing has been written since.
    pub(super) unanswered: bool,
    /// When the system acknowledges what comes.
    pub(super) acks: Acks,
    /// The socket may take bytes.
    pub(super) writable: bool,
    /// A write failed; what can still be read is read before the connection counts as lost.
    pub(super) write_failed: Option<Loss>,
    /// The direction towards the client has been shut down.
    pub(super) finished: bool,
    /// It is in the list of connections to read.
    pub(super) in_ready: bool,
    /// It is in the list of connections to write.
    pub(super) in_dirty: bool,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, socket: Socket, seat: Seat) -> Self {
        Connection {
            id,
            socket,
            seat,
            closing: None,
            readable: false,
            end_announced: false,
            ended: false,
            paused: false,
            unanswered: false,
            acks: Acks::AsItLikes,
            writable: true,
            write_failed: None,
            finished: false,
            in_ready: false,
            in_dirty: false,
        }
    }

    /// Whether a read makes sense now.
    pub(super) fn wants_read(&self) -> bool {
        self.readable && !self.paused && !self.ended
    }
}

/// A slab: slots are small numbers and used again.
#[derive(Debug, Default)]
pub(super) struct Connections {
    slots: Vec<Option<Connection>>,
    count: usize,
    /// Slots without a connection, and some that are gone since: the last slot always has one.
    vacant: Vec<u32>,
    /// The owner of a slot that comes next has this one.
    generation: u32,
}

impl Connections {
    /// The name of the connection that the next [`Self::insert`] is of.
    pub(super) fn vacant(&mut self) -> ConnectionId {
        let generation = self.generation;
        while let Some(slot) = self.vacant.last() {
            if (*slot as usize) < self.slots.len() {
                return ConnectionId { slot: *slot, generation };
            }
            self.vacant.pop();
        }
        let slot = u32::try_from(self.slots.len()).expect("the limit of open files is below 2^32");
        ConnectionId { slot, generation }
    }
    /// Fills the slot that [`Self::vacant`] named.
    pub(super) fn insert(&mut self, connection: Connection) {
        debug_assert_eq!(connection.id, self.vacant());
        self.generation = self.generation.wrapping_add(1);
        self.count += 1;
        match self.vacant.pop() {
            Some(slot) => self.slots[slot as usize] = Some(connection),
            None => {
                if self.slots.len() == self.slots.capacity() {
                    self.slots.reserve_exact(self.slots.len() / 4 + 4); // less slack than by doubling
                }
                self.slots.push(Some(connection));
            }
        }
    }
    /// Who has a slot now.
    pub(super) fn owner(&self, slot: usize) -> Option<ConnectionId> {
        Some(self.slots.get(slot)?.as_ref()?.id)
    }
    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.slots.get(id.slot as usize)?.as_ref().filter(|connection| connection.id == id)
    }
    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.slots.get_mut(id.slot as usize)?.as_mut().filter(|connection| connection.id == id)
    }
    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        let connection = self.slots.get_mut(id.slot as usize)?.take_if(|connection| connection.id == id)?;
        self.count -= 1;
        self.vacant.push(id.slot);
        self.give_back();
        Some(connection)
    }
    /// A crowd that has left leaves no memory behind.
    fn give_back(&mut self) {
        while matches!(self.slots.last(), Some(None)) {
            self.slots.pop();
        }
        if self.slots.len() < self.slots.capacity() / 4 {
            self.slots.shrink_to(self.slots.len() * 5 / 4);
            self.vacant.retain(|slot| (*slot as usize) < self.slots.len());
            self.vacant.shrink_to_fit();
        }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}
