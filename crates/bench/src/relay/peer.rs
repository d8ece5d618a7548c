//! One connection of the relay. An idle one has no buffers.

use super::route::Route;
use crate::socket::{Moved, Socket, moved};

pub(super) struct Peer {
    pub(super) socket: Socket,
    /// The start of a frame whose rest is still to come.
    pub(super) partial: Vec<u8>,
    /// What is still to be written.
    pub(super) out: Vec<u8>,
    pub(super) filters: Vec<Box<str>>,
    /// Where its messages go, once it has published.
    pub(super) route: Option<Box<Route>>,
    /// How many publishers send to it.
    pub(super) sources: u32,
    pub(super) is_v5: bool,
    pub(super) is_writable: bool,
    pub(super) is_dirty: bool,
}

/// An empty buffer that is kept.
const KEPT_MAX: usize = 4096;

impl Peer {
    pub(super) fn new(socket: Socket) -> Self {
        Peer {
            socket,
            partial: Vec::new(),
            out: Vec::new(),
            filters: Vec::new(),
            route: None,
            sources: 0,
            is_v5: false,
            is_writable: true,
            is_dirty: false,
        }
    }

    /// Keeps the start of a frame for the next read.
    pub(super) fn keep(&mut self, rest: &[u8]) {
        self.partial.clear();
        self.partial.extend_from_slice(rest);
        if rest.is_empty() && self.partial.capacity() > 0 {
            self.partial = Vec::new();
        }
    }

    /// Writes what waits, as far as the socket takes it.
    pub(super) fn flush(&mut self) -> Result<(), ()> {
        let written = self.write_from(None)?;
        self.out.drain(..written);
        if self.out.is_empty() && (self.filters.is_empty() || self.out.capacity() > KEPT_MAX) {
            self.out = Vec::new();
        }
        Ok(())
    }

    /// Writes `bytes` at once if nothing waits; what the socket does not take waits then.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let written = if self.out.is_empty() { self.write_from(Some(bytes))? } else { 0 };
        self.out.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    fn write_from(&mut self, bytes: Option<&[u8]>) -> Result<usize, ()> {
        let bytes = bytes.unwrap_or(&self.out);
        let mut written = 0;
        while self.is_writable && written < bytes.len() {
            match moved(|| self.socket.write(&bytes[written..])) {
                Moved::Bytes(count) => written += count,
                Moved::NotNow => self.is_writable = false,
                Moved::Ended(_) => return Err(()),
            }
        }
        Ok(written)
    }
}
