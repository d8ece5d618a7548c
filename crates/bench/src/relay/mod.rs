//! The physical limit: takes MQTT connections on one thread and copies PUBLISH bytes to whoever subscribed, no more.
//!
//! There is no broker logic. CONNECT, SUBSCRIBE and acknowledgements get canned bytes back; the first PUBLISH of a
//! connection decides where all its later ones go, and a packet id or QoS travels as it came. Nothing is kept for
//! anybody, retained, shared or checked, and nobody should use this for messages that matter.

mod answer;
mod peer;
mod route;

use crate::BenchFault;
use crate::socket::{Moved, Socket, moved};
use martlet_net::{Endpoint, Fault, Listener};
use mio::net::{TcpListener, UnixListener};
use mio::{Events, Interest, Poll, Token, Waker};
use peer::Peer;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is read at once.
const SCRATCH_BYTES: usize = 256 * 1024;
/// A frame that is longer ends its connection.
const FRAME_BYTES_MAX: u32 = 16 << 20;
/// Above this many bytes that a receiver has not taken, those who send to it are not read.
const UNSENT_BYTES_MAX: usize = 1 << 20;
const EVENTS_MAX: usize = 1024;
const WAKE: Token = Token(usize::MAX);
/// Tokens from here on are listeners.
const FIRST_LISTENER: usize = usize::MAX / 2;

/// A relay that listens and does not run yet.
pub struct Relay {
    poll: Poll,
    listeners: Vec<Listening>,
    endpoints: Vec<Endpoint>,
    handle: RelayHandle,
    peers: Vec<Option<Box<Peer>>>,
    free: Vec<usize>,
    /// Raised when somebody subscribes or goes: what publishers have learnt is learnt anew.
    generation: u64,
    /// Peers with bytes to write at the end of the turn.
    dirty: Vec<usize>,
    /// Publishers that are not read for the time being.
    paused: Vec<usize>,
    scratch: Vec<u8>,
}

/// Stops a relay that runs in another thread.
#[derive(Clone)]
pub struct RelayHandle {
    stopped: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl RelayHandle {
    /// Ends [`Relay::run`] soon.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // Where the poll is gone, it has stopped.
        let _ = self.waker.wake();
    }
}

enum Listening {
    Tcp(TcpListener),
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "removes the socket's file in the end")] martlet_net::SocketFile,
    ),
}

impl Relay {
    /// Listens on every address of `endpoint`.
    ///
    /// # Errors
    /// As [`Listener::bind`].
    pub fn bind(endpoint: &Endpoint) -> Result<Self, BenchFault> {
        let fault = |error| Fault::io("set up a poll", error);
        let poll = Poll::new().map_err(fault)?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(fault)?;
        let handle = RelayHandle { stopped: Arc::default(), waker: Arc::new(waker) };
        let (mut listeners, mut endpoints) = (Vec::new(), Vec::new());
        for listener in Listener::bind(endpoint, false)? {
            let token = Token(FIRST_LISTENER + listeners.len());
            endpoints.push(listener.endpoint);
            listeners.push(match listener.socket {
                martlet_net::Socket::Tcp(socket) => {
                    let mut socket = TcpListener::from_std(socket);
                    poll.registry().register(&mut socket, token, Interest::READABLE).map_err(fault)?;
                    Listening::Tcp(socket)
                }
                martlet_net::Socket::Unix(socket, file) => {
                    let mut socket = UnixListener::from_std(socket);
                    poll.registry().register(&mut socket, token, Interest::READABLE).map_err(fault)?;
                    Listening::Unix(socket, file)
                }
            });
        }
        Ok(Relay {
            poll,
            listeners,
            endpoints,
            handle,
            peers: Vec::new(),
            free: Vec::new(),
            generation: 1,
            dirty: Vec::new(),
            paused: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    /// Where it listens.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// What stops it.
    pub fn handle(&self) -> RelayHandle {
        self.handle.clone()
    }

    /// Relays until it is stopped.
    ///
    /// # Errors
    /// Where the system does not tell any more which sockets are ready.
    pub fn run(mut self) -> Result<(), BenchFault> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.handle.stopped.load(Ordering::Acquire) {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(Fault::io("wait for sockets", error).into());
                }
                _ => {}
            }
            for event in &events {
                match event.token() {
                    WAKE => {}
                    Token(token) if token >= FIRST_LISTENER => self.accept(token - FIRST_LISTENER),
                    Token(token) => {
                        if event.is_writable() {
                            self.writable(token);
                        }
                        if event.is_readable() {
                            self.read(token);
                        }
                    }
                }
            }
            self.flush_dirty();
            self.resume();
        }
        Ok(())
    }

    /// Accepts all that wait. Where that fails, whoever wanted in finds out.
    fn accept(&mut self, listener: usize) {
        loop {
            let accepted = match &self.listeners[listener] {
                Listening::Tcp(socket) => socket
                    .accept()
                    .and_then(|(stream, _)| stream.set_nodelay(true).map(|()| Socket::Tcp(stream))),
                Listening::Unix(socket, _) => socket.accept().map(|(stream, _)| Socket::Unix(stream)),
            };
            match accepted.and_then(|socket| self.admit(socket)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if is_exhausted(&error) => return,
                Err(_) => {}
            }
        }
    }

    fn admit(&mut self, mut socket: Socket) -> io::Result<()> {
        let token = self.free.pop().unwrap_or(self.peers.len());
        let interests = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut socket, Token(token), interests);
        if token == self.peers.len() {
            self.peers.push(None);
        }
        if registered.is_err() {
            self.free.push(token);
            return registered;
        }
        self.peers[token] = Some(Box::new(Peer::new(socket)));
        Ok(())
    }

    fn writable(&mut self, token: usize) {
        if let Some(Some(peer)) = self.peers.get_mut(token) {
            peer.is_writable = true;
            self.mark_dirty(token);
        }
    }

    /// One write for each peer that has something to say.
    fn flush_dirty(&mut self) {
        for token in std::mem::take(&mut self.dirty) {
            let Some(Some(peer)) = self.peers.get_mut(token) else { continue };
            peer.is_dirty = false;
            if peer.flush().is_err() {
                self.end(token);
            }
        }
    }

    fn mark_dirty(&mut self, token: usize) {
        let Some(Some(peer)) = self.peers.get_mut(token) else { return };
        if !peer.is_dirty && !peer.out.is_empty() {
            peer.is_dirty = true;
            self.dirty.push(token);
        }
    }

    /// Reads publishers again whose receivers have taken what they had.
    fn resume(&mut self) {
        for token in std::mem::take(&mut self.paused) {
            self.read(token);
        }
    }

    fn end(&mut self, token: usize) {
        let Some(peer) = self.peers.get_mut(token).and_then(Option::take) else { return };
        if let Some(route) = &peer.route {
            self.unlearn(route);
        }
        self.free.push(token);
        self.generation += 1;
    }

    fn read(&mut self, token: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let is_alive = self.read_into(token, &mut scratch);
        self.scratch = scratch;
        if !is_alive {
            self.end(token);
        }
        self.mark_dirty(token);
    }

    /// Reads until there is nothing more; false when the connection has ended.
    fn read_into(&mut self, token: usize, scratch: &mut Vec<u8>) -> bool {
        loop {
            if self.is_held_back(token) {
                self.paused.push(token);
                return true;
            }
            let Some(Some(peer)) = self.peers.get_mut(token) else { return true };
            let kept = peer.partial.len();
            if kept == scratch.len() {
                scratch.resize(2 * kept, 0);
            }
            scratch[..kept].copy_from_slice(&peer.partial);
            let count = match moved(|| peer.socket.read(&mut scratch[kept..])) {
                Moved::Bytes(count) => count,
                Moved::NotNow => return true,
                Moved::Ended(_) => return false,
            };
            let bytes = &scratch[..kept + count];
            let Some(used) = self.handle_bytes(token, bytes) else { return false };
            let Some(Some(peer)) = self.peers.get_mut(token) else { return true };
            peer.keep(&bytes[used..]);
            if kept + count < scratch.len() {
                return true;
            }
        }
    }
}

/// Whether accepting failed for want of file descriptors: more attempts would fail, too.
fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}
