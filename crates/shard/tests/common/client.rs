//! One client of a [`super::Rig`]: what it has said and not been heard, what it was told and has not looked at.

use super::describe::take_frames;
use martlet_codec::Version;
use martlet_protocol::Time;
use martlet_shard::{ConnectionId, Credentials, EndReason, Life, Listener, Origin, Peer};
use std::collections::VecDeque;
use std::sync::Arc;

/// A client and its end of the stream.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) version: Version,
    pub(crate) origin: Origin,
    /// The shard that has the stream, and its slot there; `None` once it is closed.
    pub(crate) at: Option<(usize, ConnectionId)>,
    /// Written by the client and not read by the server.
    pub(crate) to_server: VecDeque<u8>,
    /// The server does not read.
    pub(crate) paused: bool,
    /// How often the server stopped reading.
    pub(crate) pauses: usize,
    /// Bytes that the client's socket still takes.
    pub(crate) appetite: usize,
    /// The server has output for it.
    pub(crate) dirty: bool,
    /// The server closes once its output is out.
    pub(crate) closing: bool,
    /// Bytes received in all.
    pub(crate) received: usize,
    pub(crate) bytes: Vec<u8>,
    /// Packets received, described, and not looked at.
    pub(crate) heard: VecDeque<String>,
    /// What an authenticator was asked and has not answered.
    pub(crate) asked: VecDeque<Credentials>,
    /// What the log said at the connection's end.
    pub(crate) ended: Option<(Life, EndReason)>,
    /// Nobody looks at what it hears.
    pub(crate) ignored: bool,
}

impl Client {
    pub(crate) fn new(version: Version, opened_at: Time, listener: Listener) -> Self {
        Client {
            version,
            origin: Origin { listener: Arc::new(listener), peer: Peer::Unix, opened_at },
            at: None,
            to_server: VecDeque::new(),
            paused: false,
            pauses: 0,
            appetite: usize::MAX,
            dirty: false,
            closing: false,
            received: 0,
            bytes: Vec::new(),
            heard: VecDeque::new(),
            asked: VecDeque::new(),
            ended: None,
            ignored: false,
        }
    }

    /// Takes bytes from the server, as many as its socket has room for; how many that were.
    pub(crate) fn take<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>, lenient: bool) -> usize {
        let mut taken = 0;
        for piece in pieces {
            let len = piece.len().min(self.appetite);
            self.bytes.extend_from_slice(&piece[..len]);
            taken += len;
            if self.appetite != usize::MAX {
                self.appetite -= len;
            }
            if len < piece.len() {
                break;
            }
        }
        self.received += taken;
        if lenient {
            self.learn_version();
        }
        self.heard.extend(take_frames(self.version, &mut self.bytes));
        taken
    }

    /// The client may have said another version than it meant to; CONNACK of 3.x has two bytes.
    fn learn_version(&mut self) {
        match (&self.bytes[..], self.version.is_v5()) {
            ([0x20, 2, ..], true) => self.version = Version::V311,
            ([0x20, 3..=127, ..], false) => self.version = Version::V5,
            _ => {}
        }
    }
}
