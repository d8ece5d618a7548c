//! One shard's thread: sockets and the clock become [`Input`]s, [`Effect`](martlet_shard::Effect)s become
//! system calls.
//!
//! Knows no MQTT: it moves bytes. It never waits for anything but its poll, never reads or writes from inside
//! an effect, and never allocates per connection beyond its slot.

mod accept;
mod connections;
mod effects;
mod linger;
mod log;
mod read;
mod socket;
mod throttle;
mod transmit;
mod turn;

pub(crate) use accept::Acceptor;
pub(crate) use socket::Socket;

use crate::clock::Clock;
use crate::mailboxes::Mailboxes;
use crate::shared::{Control, Peers, Seat, Seats};
use crate::trim::Trim;
use crate::warning::Warning;
use accept::Acceptors;
use connections::{Connection, Connections};
use linger::Linger;
use martlet_net::Fault;
use martlet_protocol::Time;
use martlet_shard::{ConnectionId, Input, Loss, Origin, Shard, ShardId};
use mio::{Interest, Poll, Token};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// The token of the waker; listeners count down from below it, connections up from 0.
pub(crate) const WAKER: Token = Token(usize::MAX);

/// Bytes of the buffer that all connections of a shard are read into.
const SCRATCH_BYTES: usize = crate::shared::READ_QUOTA_MAX;

/// A socket that comes from another thread, or was just accepted.
pub(crate) struct Adopted {
    pub(crate) socket: Socket,
    pub(crate) seat: Seat,
    pub(crate) origin: Origin,
    /// Read and not yet understood.
    pub(crate) bytes: Vec<u8>,
}

/// What a reactor is made of, apart from its shard: all that can fail to be opened.
pub(crate) struct Parts {
    pub(crate) id: ShardId,
    pub(crate) poll: Poll,
    pub(crate) clock: Clock,
    pub(crate) acceptors: Vec<Acceptor>,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) control: Receiver<Control>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) unchecked: Arc<[Warning]>,
}

/// How far a reactor is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// Clients are told and flushed, until this moment at the latest.
    Stopping(Time),
    Ended,
}

/// One shard and its sockets.
pub(crate) struct Reactor {
    id: ShardId,
    shard: Shard,
    poll: Poll,
    clock: Clock,
    /// The time of this turn.
    now: Time,
    connections: Connections,
    /// Connections that may have bytes to read, in the order of their turns.
    ready: VecDeque<ConnectionId>,
    /// Connections that may have output to write.
    dirty: Vec<ConnectionId>,
    /// Connections that were read in this turn and may get no answer in it.
    unanswered: Vec<ConnectionId>,
    linger: Linger,
    acceptors: Acceptors,
    mailboxes: Mailboxes,
    /// The last turn ended before a round through the mailboxes found nothing.
    mail_left: bool,
    /// Connections that were moved here, with the turn from which on no mail is older than they are.
    moved_in: VecDeque<(u64, Box<Adopted>)>,
    turns: u64,
    control: Receiver<Control>,
    peers: Arc<Peers>,
    seats: Arc<Seats>,
    /// Of each listener, clients that were accepted with credentials that nobody checked.
    unchecked: Arc<[Warning]>,
    scratch: Box<[u8]>,
    trim: Trim,
    life: Life,
}

impl Reactor {
    pub(crate) fn new(parts: Parts, shard: Shard) -> Self {
        Reactor {
            id: parts.id,
            shard,
            now: parts.clock.now(),
            poll: parts.poll,
            clock: parts.clock,
            connections: Connections::default(),
            ready: VecDeque::new(),
            dirty: Vec::new(),
            unanswered: Vec::new(),
            linger: Linger::default(),
            acceptors: Acceptors::new(parts.acceptors),
            mailboxes: parts.mailboxes,
            mail_left: false,
            moved_in: VecDeque::new(),
            turns: 0,
            control: parts.control,
            peers: parts.peers,
            seats: parts.seats,
            unchecked: parts.unchecked,
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            trim: Trim::new(),
            life: Life::Running,
        }
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// The poll itself fails.
    pub(crate) fn run(mut self) -> Result<(), Fault> {
        let mut events = mio::Events::with_capacity(1024);
        while self.life != Life::Ended {
            self.turn(&mut events)?;
        }
        Ok(())
    }

    /// Tells the shard, and does at once what it wants done.
    fn input(&mut self, input: Input<'_>) {
        self.shard.handle(self.now, input);
        self.carry_out_effects();
    }

    /// Takes a socket in; it is dropped when it cannot be watched, or when nobody is let in any more.
    fn open(&mut self, adopted: Adopted) {
        if self.life != Life::Running {
            return;
        }
        let Adopted { mut socket, seat, origin, bytes } = adopted;
        let connection = self.connections.vacant();
        let token = Token(connection.slot as usize);
        if let Err(error) =
            self.poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)
        {
            tracing::warn!(address = %origin.peer, %error, "cannot watch a connection; it is closed");
            return;
        }
        self.connections.insert(Connection::new(connection, socket, seat));
        self.input(Input::Opened { connection, origin });
        if !bytes.is_empty() && self.connections.get(connection).is_some() {
            self.input(Input::Received { connection, bytes: &bytes });
        }
    }

    /// The stream is over: says so, then frees the slot.
    fn lose(&mut self, connection: ConnectionId, cause: Loss) {
        if self.connections.get(connection).is_some() {
            self.input(Input::Lost { connection, cause });
            self.connections.remove(connection);
        }
    }
}
