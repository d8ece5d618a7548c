//! One raw connection to the broker under test: bytes out, whole frames in, each with a deadline.
//!
//! It knows no packet: what the bytes mean is for [`super::words`] and [`super::describe`].

use martlet_codec::{Split, split_frame};
use martlet_net::{Endpoint, Fault, Stream};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// The longest frame that is read: twice the longest that a test expects. One that claims more is no packet.
pub(super) const FRAME_MAX: u32 = 4 << 20;

/// What came within the time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// A whole frame; or bytes that begin none.
    Frame(Vec<u8>),
    /// The broker closed the connection.
    Closed,
    /// Nothing.
    Silence,
}

pub(super) struct Peer {
    stream: Stream,
    buffer: Vec<u8>,
}

impl Peer {
    pub(super) fn connect(endpoint: &Endpoint, patience: Duration) -> Result<Self, Fault> {
        let stream = Stream::connect(endpoint, patience)?;
        let timed = stream.set_write_timeout(Some(patience));
        timed.map_err(|e| Fault::io("set a time limit for writing", e))?;
        Ok(Peer { stream, buffer: Vec::new() })
    }

    /// A broker that has closed already is found out by the next [`Self::next`].
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(super) fn next(&mut self, until: Instant) -> Came {
        loop {
            let len = match split_frame(&self.buffer, FRAME_MAX) {
                Ok(Split::Whole(_, len)) => len,
                Ok(Split::Partial(_)) => match self.read(until) {
                    Some(came) => return came,
                    None => continue,
                },
                Err(_) => self.buffer.len(),
            };
            return Came::Frame(self.buffer.drain(..len).collect());
        }
    }

    /// More bytes; or why there are none.
    fn read(&mut self, until: Instant) -> Option<Came> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
            return Some(Came::Silence);
        }
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => Some(Came::Closed),
            Ok(len) => {
                self.buffer.extend_from_slice(&chunk[..len]);
                None
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => None,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Some(Came::Silence),
            Err(_) => Some(Came::Closed),
        }
    }
}
