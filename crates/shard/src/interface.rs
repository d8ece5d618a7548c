//! All that can happen to a shard, or be asked by one: the closed lists [`Input`] and [`Effect`].
//!
//! The reactor (or the simulator) turns sockets and clocks into inputs and carries out the effects.
//! Nothing else crosses this line, so whoever can produce these two lists can run a broker.

use crate::mail::Batch;
use crate::origin::Origin;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use martlet_codec::{Malformed, ReasonCode, Version};
use martlet_protocol::Violation;

/// A shard's number, 0 to 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u8);

/// A Network Connection: a slot, numbered by whoever owns the sockets of this shard, and which of its owners. Whatever comes
/// late for one owner of a slot never meets the next.
///
/// A slot is taken by [`Input::Opened`] and free again after [`Input::Lost`] or [`Effect::Move`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    /// The slot.
    pub slot: u32,
    /// Different for each owner of the slot.
    pub generation: u32,
}

/// What has changed up to some moment and must outlive the process: answers wait for it. Later ones are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub(crate) u64);

/// Something that happened; handled at once, at a given time.
#[derive(Debug)]
pub enum Input<'a> {
    /// A stream was accepted, or moved here by another shard.
    Opened {
        /// The slot that the stream's owner gave it.
        connection: ConnectionId,
        /// Where it comes from.
        origin: Origin,
    },
    /// Bytes arrived, in order. The shard keeps what it needs of them.
    Received {
        /// From where.
        connection: ConnectionId,
        /// Any number of bytes: part of a packet, or many packets.
        bytes: &'a [u8],
    },
    /// The first `bytes` of [`Shard::output`](crate::Shard::output) went out.
    Transmitted {
        /// To where.
        connection: ConnectionId,
        /// How many bytes the socket took.
        bytes: usize,
    },
    /// The stream has ended, whoever ended it; the slot is free.
    Lost {
        /// Which stream.
        connection: ConnectionId,
        /// How.
        cause: Loss,
    },
    /// What another shard gathered in one of its turns. Only while [`Shard::wants_mail`](crate::Shard::wants_mail).
    Mail {
        /// The sender.
        from: ShardId,
        /// Its mail, in the order in which it was written.
        batch: Batch,
    },
    /// Every mailbox of this shard was empty at one moment of this turn, after all `Mail` of the turn, and all of
    /// that was opened: [`Shard::wants_mail`](crate::Shard::wants_mail).
    MailDrained,
    /// The answer to [`Effect::Authenticate`].
    Authenticated {
        /// The connection that asked.
        connection: ConnectionId,
        /// What was decided.
        verdict: Verdict,
    },
    /// What has this ticket, or one before it, is recorded: whoever waited for it is answered.
    Recorded(Ticket),
    /// The time of [`Shard::poll_timeout`](crate::Shard::poll_timeout) has come, or may have.
    Timeout,
    /// Stop: every client is told, and its connection closed once the last bytes are out.
    Stop,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The other side closed, or this side did after [`Effect::Close`].
    Closed,
    /// The other side reset it.
    Reset,
    /// Nothing that was sent is acknowledged any more, or the network has no way to the other side.
    TimedOut,
    /// Another fault of the transport.
    Failed,
}

/// What an authenticator decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let the client in. `data` is the last Authentication Data of an extended authentication, if any.
    Accept {
        /// Authentication Data for CONNACK or AUTH.
        data: Option<Box<[u8]>>,
    },
    /// Another step: AUTH 0x18 with this data.
    Continue {
        /// Authentication Data for AUTH.
        data: Box<[u8]>,
    },
    /// CONNACK (or DISCONNECT, in a re-authentication) with this reason, then close.
    Refuse(ReasonCode),
}

/// What an authenticator is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The client id, already assigned where the client left it empty.
    pub client_id: Box<str>,
    /// User name of CONNECT.
    pub user_name: Option<Box<str>>,
    /// Password of CONNECT.
    pub password: Option<Box<[u8]>>,
    /// Authentication Method, for an extended authentication.
    pub method: Option<Box<str>>,
    /// Authentication Data of CONNECT or AUTH.
    pub data: Option<Box<[u8]>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .field("user_name", &self.user_name)
            .field("method", &self.method)
            .finish_non_exhaustive() // never the password or the data
    }
}

/// Something that the shard wants done; polled after each input, or once at the end of a turn.
#[derive(Debug)]
pub enum Effect {
    /// This connection has output: write [`Shard::output`](crate::Shard::output) once, at the end of the turn.
    Transmit(ConnectionId),
    /// Write the rest of the output, shut down the write side, wait for the other side to close (bounded),
    /// close, then say [`Input::Lost`]. Bytes that still arrive are thrown away.
    Close(ConnectionId),
    /// The client belongs to another shard: hand the socket over, with the bytes read so far. The slot is free.
    Move {
        /// The slot that is free now.
        connection: ConnectionId,
        /// The client's home.
        to: ShardId,
        /// All bytes received and not consumed: a whole CONNECT and whatever follows it.
        bytes: Vec<u8>,
        /// Where it comes from: the same for [`Input::Opened`].
        origin: Box<Origin>,
    },
    /// Read no more from this connection until [`Effect::ResumeReading`]; TCP pushes back.
    PauseReading(ConnectionId),
    /// Read on; bytes may be waiting already.
    ResumeReading(ConnectionId),
    /// Ask an authenticator; the answer is [`Input::Authenticated`].
    Authenticate(ConnectionId, Box<Credentials>),
    /// Something has changed that must outlive the process: record all that has changed so far, then say
    /// [`Input::Recorded`]. Only with [`Config::is_recorded`](crate::Config::is_recorded).
    Record(Ticket),
    /// There is mail for this shard: [`Shard::take_mail`](crate::Shard::take_mail) when there is room for it.
    Mail(ShardId),
    /// A client got in: one line of the log.
    Connected(ConnectionId, Box<Life>),
    /// Messages were refused or dropped because the shards hold too much: for a log at warning level.
    MemoryShort(Box<Shortage>),
    /// A connection's life is over: the one line of the log about it. Comes before `Close`.
    Ended(ConnectionId, Box<Life>, EndReason),
}

/// What a log line says of memory that is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The shard that had no room.
    pub on: ShardId,
    /// Bytes that it holds, or that are on their way there.
    pub held: u64,
    /// Bytes that it may hold: its part of `memory_bytes_max`.
    pub max: u64,
    /// Messages refused since the last such line.
    pub refused: u64,
    /// Clients of 3.x that wait for room.
    pub waiting: u64,
    /// Deliveries dropped since the last such line: of wills, and of messages that nobody was told are kept.
    pub dropped: u64,
}

/// What a log line says of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The client id; `None` when no valid CONNECT came.
    pub client_id: Option<Box<str>>,
    /// The user name that CONNECT carried.
    pub user_name: Option<Box<str>>,
    /// Whether CONNECT carried a password.
    pub has_password: bool,
    /// The version that CONNECT asked for.
    pub version: Option<Version>,
    /// Where the connection comes from.
    pub origin: Origin,
    /// The keep-alive in force, in seconds; 0 is none.
    pub keep_alive_s: u16,
    /// Clean Start (Clean Session in 3.x).
    pub clean_start: bool,
    /// Packets received.
    pub packets_received: u64,
    /// PUBLISH packets received and sent.
    pub messages: (u64, u64),
    /// Bytes received and sent.
    pub bytes: (u64, u64),
    /// The packet that was too large, if that ended the connection.
    pub oversized: Option<Box<Oversized>>,
}

/// A packet above the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oversized {
    /// Bytes of the whole packet, as its header claims.
    pub size: u32,
    /// Bytes that are accepted.
    pub limit: u32,
    /// The Topic Name, if it is a PUBLISH and the name has come.
    pub topic: Option<Box<str>>,
}

/// Why a connection ended, in the words of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The client sent DISCONNECT.
    ClientDisconnected(ReasonCode),
    /// The stream ended without DISCONNECT.
    ConnectionLost(Loss),
    /// Bytes that are no MQTT packet.
    Malformed(Malformed),
    /// A packet that the protocol forbids here.
    Violation(Violation),
    /// No CONNECT within the time limit.
    ConnectTimeout,
    /// Nothing came for 1.5 times the keep-alive.
    KeepAliveTimeout,
    /// CONNECT, or a later authentication, was refused.
    Refused(ReasonCode),
    /// Another connection came with the same client id.
    TakenOver,
    /// A client of 3.x published a message that there was no room for.
    NoRoom {
        /// Bytes that were missing.
        bytes: u64,
        /// Bytes that a shard may hold.
        memory_bytes_max: u64,
        /// How long it waited, in milliseconds.
        waited_ms: u64,
        /// Deliveries that it had not acknowledged.
        in_flight: u32,
    },
    /// The broker is stopping.
    ShuttingDown,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientDisconnected(reason) if !reason.is_failure() => f.write_str("client disconnected"),
            Self::ClientDisconnected(reason) => write!(f, "client disconnected: {}", reason.name()),
            Self::ConnectionLost(Loss::Closed) => {
                f.write_str("connection closed by the client without DISCONNECT")
            }
            Self::ConnectionLost(Loss::Reset) => f.write_str("connection reset by the client"),
            Self::ConnectionLost(Loss::TimedOut) => {
                f.write_str("connection timed out: the network no longer reaches the client")
            }
            Self::ConnectionLost(Loss::Failed) => f.write_str("connection failed"),
            // By the name of the code that a client of 5.0 is told.
            Self::Malformed(malformed) => write!(f, "{}: {malformed}", malformed.reason().name()),
            Self::Violation(Violation::NotMqtt(protocol)) => write!(f, "not MQTT: {protocol}"),
            Self::Violation(violation) => write!(f, "{}: {violation}", violation.reason().name()),
            Self::ConnectTimeout => f.write_str("no CONNECT in time"),
            Self::KeepAliveTimeout => f.write_str("keep-alive timeout"),
            Self::Refused(reason) => write!(f, "refused: {}", reason.name()),
            Self::TakenOver => f.write_str("session taken over by a newer connection"),
            Self::NoRoom { bytes, memory_bytes_max, waited_ms, in_flight } => {
                write!(f, "no room for a message that needs {bytes} bytes: memory_bytes_max is reached ")?;
                write!(
                    f,
                    "({memory_bytes_max} bytes per shard); waited {}.{} s",
                    waited_ms / 1000,
                    waited_ms % 1000 / 100
                )?;
                match in_flight {
                    0 => Ok(()),
                    _ => write!(f, ", {in_flight} deliveries to the client are not acknowledged"),
                }
            }
            Self::ShuttingDown => f.write_str("broker shutting down"),
        }
    }
}
