//! One stream between a client and the broker: bytes in order or not at all, in chunks of any size, and many ways
//! to end. It knows no packets but where one ends.

use crate::failure::{Checker, Failure, Verdict};
use crate::promises::Promise;
use martlet_codec::{Split, Version, split_frame};
use martlet_shard::{ConnectionId, Loss};
use std::collections::VecDeque;

/// Splits a stream into frames, whatever chunks it comes in.
#[derive(Debug, Default)]
pub(crate) struct Frames(Vec<u8>);

impl Frames {
    /// Whether no frame has begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The frames that are whole now, each with its fixed header.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Verdict<Vec<Vec<u8>>> {
        self.0.extend_from_slice(bytes);
        let (mut whole, mut used) = (Vec::new(), 0);
        loop {
            match split_frame(&self.0[used..], u32::MAX) {
                Ok(Split::Whole(_, len)) => {
                    whole.push(self.0[used..used + len].to_vec());
                    used += len;
                }
                Ok(Split::Partial(_)) => break,
                Err(malformed) => {
                    return Err(Failure::new(Checker::Protocol, format!("no frame: {malformed}")));
                }
            }
        }
        self.0.drain(..used);
        Ok(whole)
    }
}

/// One direction of a stream.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) bytes: VecDeque<u8>,
    /// Frames as they enter.
    pub(crate) entering: Frames,
    /// Frames as they leave.
    pub(crate) leaving: Frames,
}

impl Pipe {
    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        self.bytes.drain(..count.min(self.bytes.len())).collect()
    }
}

/// The broker's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// On its way to a shard.
    Waiting,
    /// A shard has it.
    Open { shard: usize, connection: ConnectionId, closing: bool },
    /// Gone.
    Gone,
}

/// A stream.
#[derive(Debug)]
pub(crate) struct Link {
    /// Whose.
    pub(crate) client: usize,
    pub(crate) version: Version,
    /// To the broker.
    pub(crate) up: Pipe,
    /// To the client.
    pub(crate) down: Pipe,
    /// The client still holds its end.
    pub(crate) client_open: bool,
    pub(crate) server: Server,
    /// After its last byte up, the broker learns that the stream has ended, and how.
    pub(crate) up_end: Option<Loss>,
    /// After its last byte down, the client learns that the stream has ended.
    pub(crate) down_end: bool,
    /// The broker has read a DISCONNECT without will.
    pub(crate) goodbye: bool,
    /// It is cut: what is on its way may arrive, nothing else enters.
    pub(crate) cut: bool,
    /// The broker reads no more from it.
    pub(crate) paused: bool,
    /// CONNACK with success went out: its exchanges are those of the session.
    pub(crate) accepted: bool,
    /// Bytes that wait on the way down at most.
    pub(crate) capacity: usize,
    /// Acknowledgements that the broker owes, in the order in which it has read what they answer.
    pub(crate) promises: VecDeque<Promise>,
    /// How many of them are of what is being read.
    pub(crate) fresh_promises: usize,
}

impl Link {
    pub(crate) fn new(client: usize, version: Version, capacity: usize) -> Self {
        Link {
            client,
            version,
            up: Pipe::default(),
            down: Pipe::default(),
            client_open: true,
            server: Server::Waiting,
            up_end: None,
            down_end: false,
            goodbye: false,
            cut: false,
            paused: false,
            accepted: false,
            capacity,
            promises: VecDeque::new(),
            fresh_promises: 0,
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        match self.server {
            Server::Gone => !self.client_open,
            Server::Waiting => false,
            Server::Open { closing, .. } => {
                self.client_open
                    && !closing
                    && self.up.bytes.is_empty()
                    && self.down.bytes.is_empty()
                    && self.up_end.is_none()
                    && !self.down_end
            }
        }
    }
}
