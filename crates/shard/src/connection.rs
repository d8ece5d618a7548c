//! The Network Connections of one shard, in the slots that the owner of the sockets numbers.

use crate::answers::Dues;
use crate::fanout::Route;
use crate::interface::{ConnectionId, Life};
use crate::origin::Origin;
use crate::session::SessionKey;
use crate::slab::{reach, truncate};
use crate::wheel::TimerId;
use alloc::boxed::Box;
use alloc::vec::Vec;
use martlet_protocol::Output;
use martlet_protocol::server::{Connection as Protocol, Greeting};

/// Why a connection is not read: one bit each.
pub(crate) mod pause {
    /// Its output is above the high watermark.
    pub(crate) const OUTPUT: u8 = 1;
    /// The mail to another shard is above its bound.
    pub(crate) const MAIL: u8 = 2;
    /// An authenticator is deciding.
    pub(crate) const DECIDING: u8 = 4;
    /// Too many of its subscriptions are still being sent retained messages.
    pub(crate) const REPLAYS: u8 = 8;
    /// What it sent made enough work for one turn.
    pub(crate) const WORK: u8 = 16;
    /// There is no room for the message that it sent.
    pub(crate) const MEMORY: u8 = 32;
    /// It is owed too many answers.
    pub(crate) const ANSWERS: u8 = 64;
}

/// After this many reads that brought nothing but acknowledgements, a client that never publishes is one that only listens.
const LISTENER_ACK_READS: u8 = 8;
/// After this many, any client is.
const ACK_READS_MAX: u8 = 250;

/// A client that says that it is a bridge.
#[derive(Debug, Default)]
pub(crate) struct Bridge {
    /// The name under which it tells of its state, once it has.
    pub(crate) name: Option<Box<str>>,
}

/// One Network Connection.
#[derive(Debug)]
pub(crate) struct Connection {
    generation: u32,
    pub(crate) protocol: Protocol,
    pub(crate) session: Option<SessionKey>,
    pub(crate) output: Output,
    /// Bytes of output that the shard's memory is known to hold.
    pub(crate) weighed: usize,
    /// Bytes received that do not make a frame yet, or that wait for a decision or for room.
    pub(crate) partial: Vec<u8>,
    /// Whether a PUBLISH in there waits for room: nothing behind it is handled.
    pub(crate) is_waiting: bool,
    pub(crate) timer: Option<TimerId>,
    /// Whether the owner of the socket was told that there is output.
    pub(crate) dirty: bool,
    /// Why it is not read; 0 if it is.
    pub(crate) paused: u8,
    /// Reads in a row that brought nothing but acknowledgements, as far as it matters.
    pub(crate) ack_reads: u8,
    /// Whether the topic of its last message has control characters that it must not have.
    pub(crate) has_bad_topic: bool,
    /// What the client said in CONNECT, while that is being decided.
    pub(crate) greeting: Option<Box<Greeting>>,
    /// What it is owed and cannot be told yet.
    pub(crate) dues: Option<Box<Dues>>,
    /// Whether its end was told.
    pub(crate) ended: bool,
    /// The client says that it is a bridge.
    pub(crate) bridge: Option<Box<Bridge>>,
    pub(crate) life: Life,
    /// Where its last message went.
    pub(crate) route: Option<Box<Route>>,
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, protocol: Protocol, origin: Origin) -> Self {
        let life = Life {
            client_id: None,
            user_name: None,
            has_password: false,
            version: None,
            origin,
            keep_alive_s: 0,
            clean_start: false,
            packets_received: 0,
            messages: (0, 0),
            bytes: (0, 0),
            oversized: None,
        };
        Connection {
            generation: id.generation,
            protocol,
            session: None,
            output: Output::new(),
            weighed: 0,
            partial: Vec::new(),
            is_waiting: false,
            timer: None,
            dirty: false,
            paused: 0,
            ack_reads: 0,
            has_bad_topic: false,
            greeting: None,
            dues: None,
            ended: false,
            bridge: None,
            life,
            route: None,
        }
    }

    /// Whether the client may be about to send more than acknowledgements of messages: a packet is unfinished, or one of
    /// its last reads brought something else.
    pub(crate) fn may_send_more(&self) -> bool {
        let limit = if self.life.messages.0 > 0 { ACK_READS_MAX } else { LISTENER_ACK_READS };
        !self.partial.is_empty() || self.ack_reads < limit
    }

    /// Whether nothing has been delivered to the client so far, and the last packet is whole.
    pub(crate) fn only_publishes(&self) -> bool {
        self.partial.is_empty() && self.life.messages.1 == 0
    }
}

/// The connections of one shard.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<Option<Box<Connection>>>,
    count: usize,
}

impl Connections {
    pub(crate) fn insert(&mut self, id: ConnectionId, connection: Connection) {
        let index = id.slot as usize;
        reach(&mut self.slots, index);
        assert!(self.slots[index].is_none(), "a slot is given again only after it was free");
        debug_assert_eq!(connection.generation, id.generation);
        self.slots[index] = Some(Box::new(connection));
        self.count += 1;
    }
    pub(crate) fn remove(&mut self, id: ConnectionId) -> Option<Box<Connection>> {
        let taken = self.slots.get_mut(id.slot as usize)?.take_if(|one| one.generation == id.generation);
        self.count -= usize::from(taken.is_some());
        truncate(&mut self.slots, Option::is_none);
        taken
    }
    /// Nothing, if the connection has gone since this input began. Within an input no slot changes its owner.
    pub(crate) fn still(&self, id: ConnectionId) -> Option<&Connection> {
        self.slots.get(id.slot as usize)?.as_deref()
    }
    /// Nothing, if the connection has gone since this input began.
    pub(crate) fn still_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.slots.get_mut(id.slot as usize)?.as_deref_mut()
    }
    /// Nothing, if the slot has another owner now.
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        self.slots.get(id.slot as usize)?.as_deref().filter(|one| one.generation == id.generation)
    }
    /// Nothing, if the slot has another owner now.
    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.slots.get_mut(id.slot as usize)?.as_deref_mut().filter(|one| one.generation == id.generation)
    }
    pub(crate) fn len(&self) -> usize {
        self.count
    }
    pub(crate) fn ids(&self) -> impl Iterator<Item = ConnectionId> {
        let taken = self.slots.iter().enumerate();
        taken.filter_map(|(index, slot)| {
            let generation = slot.as_ref()?.generation;
            Some(ConnectionId { slot: index as u32, generation })
        })
    }
}

impl core::ops::Index<ConnectionId> for Connections {
    type Output = Connection;
    fn index(&self, id: ConnectionId) -> &Connection {
        let slot = self.slots.get(id.slot as usize).and_then(Option::as_deref);
        let connection = slot.expect("an id is that of an open connection");
        debug_assert_eq!(connection.generation, id.generation, "what may come late is asked for by get");
        connection
    }
}

impl core::ops::IndexMut<ConnectionId> for Connections {
    fn index_mut(&mut self, id: ConnectionId) -> &mut Connection {
        let slot = self.slots.get_mut(id.slot as usize).and_then(Option::as_deref_mut);
        let connection = slot.expect("an id is that of an open connection");
        debug_assert_eq!(connection.generation, id.generation, "what may come late is asked for by get");
        connection
    }
}
