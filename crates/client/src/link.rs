//! A stream that never makes its caller wait but in one place, [`Link::wait`]. It knows no MQTT.

use martlet_net::Stream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

const STREAM: Token = Token(0);
const WAKER: Token = Token(1);

/// At most this many pieces go into one write.
const PIECES_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct Link {
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    stream: Option<Stream>,
    /// Readiness comes as edges: it is remembered until a call says that it is used up.
    readable: bool,
    writable: bool,
}

impl Link {
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let events = Events::with_capacity(4);
        Ok(Link { poll, events, waker, stream: None, readable: false, writable: false })
    }
    pub(crate) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }
    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }
    /// Takes a connected stream over.
    pub(crate) fn open(&mut self, stream: Stream) -> io::Result<()> {
        self.close();
        stream.set_nonblocking(true)?;
        let fd = stream.as_fd().as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&fd), STREAM, Interest::READABLE | Interest::WRITABLE)?;
        (self.readable, self.writable) = (true, true);
        self.stream = Some(stream);
        Ok(())
    }
    pub(crate) fn close(&mut self) {
        if let Some(stream) = self.stream.take() {
            let fd = stream.as_fd().as_raw_fd();
            // A descriptor that is closed right away need not be taken out first.
            let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
        }
    }
    /// Nothing more will be written.
    pub(crate) fn finish(&mut self) {
        self.writable = false;
        if let Some(stream) = &self.stream {
            // Where the other side has closed already there is nothing to say.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
    /// Writes what the socket takes of `pieces`: the number of bytes, 0 if it takes none now.
    pub(crate) fn write<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>) -> io::Result<usize> {
        let Some(stream) = self.stream.as_mut().filter(|_| self.writable) else { return Ok(0) };
        let slices: Vec<IoSlice<'_>> = pieces.take(PIECES_MAX).map(IoSlice::new).collect();
        if slices.is_empty() {
            return Ok(0);
        }
        match stream.write_vectored(&slices) {
            Err(error) if is_used_up(&error) => {
                self.writable = error.kind() == io::ErrorKind::Interrupted;
                Ok(0)
            }
            outcome => outcome,
        }
    }
    /// Reads what there is: `None` if there is nothing now, 0 bytes at the end of the stream.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(stream) = self.stream.as_mut().filter(|_| self.readable) else { return Ok(None) };
        match stream.read(buffer) {
            Err(error) if is_used_up(&error) => {
                self.readable = error.kind() == io::ErrorKind::Interrupted;
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }
    /// Whether a read may find something without waiting.
    pub(crate) fn is_readable(&self) -> bool {
        self.readable && self.stream.is_some()
    }
    /// Waits for the stream, the waker or the end of `limit`. A limit of zero only looks.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, limit) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            outcome => outcome?,
        }
        for event in self.events.iter().filter(|event| event.token() == STREAM) {
            self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            self.writable |= event.is_writable() || event.is_error();
        }
        Ok(())
    }
}

fn is_used_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
