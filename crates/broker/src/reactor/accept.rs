//! Accepting: a bounded number of connections per turn, and calm when there are no descriptors left.

use super::socket::Socket;
use super::throttle::Throttle;
use super::{Adopted, Reactor};
use crate::shared::Control;
use martlet_net::SocketFile;
use martlet_protocol::Time;
use martlet_shard::{Listener, Origin, Peer, ShardId};
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// Connections that one listener takes in one turn.
const ACCEPTS_PER_TURN: usize = 64;
/// Milliseconds without accepting after the system refused.
const PAUSE_MS: u64 = 100;

/// A listener of this shard's.
#[derive(Debug)]
pub(crate) struct Acceptor {
    socket: ListenSocket,
    listener: Arc<Listener>,
    /// This listener serves all shards: its connections are dealt out.
    deals: bool,
    /// Connections may be waiting.
    waiting: bool,
}

#[derive(Debug)]
enum ListenSocket {
    Tcp(TcpListener),
    Unix(UnixListener, #[expect(dead_code, reason = "removes the file when dropped")] SocketFile),
}

impl Acceptor {
    pub(crate) fn new(bound: martlet_net::Listener, listener: Arc<Listener>, deals: bool) -> Self {
        let socket = match bound.socket {
            martlet_net::Socket::Tcp(socket) => ListenSocket::Tcp(TcpListener::from_std(socket)),
            martlet_net::Socket::Unix(socket, file) => {
                ListenSocket::Unix(UnixListener::from_std(socket), file)
            }
        };
        Acceptor { socket, listener, deals, waiting: true }
    }

    /// Watches the listener number `index`.
    pub(crate) fn register(&mut self, registry: &Registry, index: usize) -> io::Result<()> {
        let token = Token(super::WAKER.0 - 1 - index);
        match &mut self.socket {
            ListenSocket::Tcp(socket) => registry.register(socket, token, Interest::READABLE),
            ListenSocket::Unix(socket, _) => registry.register(socket, token, Interest::READABLE),
        }
    }

    fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.socket {
            ListenSocket::Unix(socket, _) => Ok((Socket::Unix(socket.accept()?.0), Peer::Unix)),
            ListenSocket::Tcp(socket) => {
                let (stream, address) = socket.accept()?;
                // It can only fail for a connection that is gone already, which the first read finds out.
                let _ = stream.set_nodelay(true);
                Ok((Socket::Tcp(stream), address.into()))
            }
        }
    }
}

/// All listeners of a shard.
#[derive(Debug)]
pub(super) struct Acceptors {
    list: Vec<Acceptor>,
    /// A descriptor in reserve: given up for a moment, to refuse a connection that there is none for.
    spare: Option<File>,
    paused_until: Option<Time>,
    dealt: u8,
    full: Throttle,
    refused: Throttle,
}

impl Acceptors {
    pub(super) fn new(list: Vec<Acceptor>) -> Self {
        let (full, refused) = (Throttle::default(), Throttle::default());
        Acceptors { list, spare: open_spare(), paused_until: None, dealt: 0, full, refused }
    }
    /// The listener number of a token, if it is one's.
    pub(super) fn note_event(&mut self, token: Token) -> bool {
        let acceptor = self.list.get_mut(super::WAKER.0 - 1 - token.0);
        acceptor.map(|acceptor| acceptor.waiting = true).is_some()
    }
    pub(super) fn has_work(&self) -> bool {
        self.paused_until.is_none() && self.list.iter().any(|acceptor| acceptor.waiting)
    }
    /// When a pause ends.
    pub(super) fn next(&self) -> Time {
        self.paused_until.unwrap_or(Time::NEVER)
    }
    /// Closes all listeners.
    pub(super) fn close(&mut self) {
        self.list.clear();
        self.paused_until = None;
    }
    fn pause(&mut self, now: Time) {
        self.paused_until = Some(now.saturating_add(PAUSE_MS));
    }
}

fn open_spare() -> Option<File> {
    File::open("/dev/null").ok()
}

impl Reactor {
    pub(super) fn accept(&mut self) {
        if self.acceptors.next() <= self.now {
            self.acceptors.paused_until = None;
        }
        for index in 0..self.acceptors.list.len() {
            for _ in 0..ACCEPTS_PER_TURN {
                if self.acceptors.paused_until.is_some() || !self.acceptors.list[index].waiting {
                    break;
                }
                self.accept_one(index);
            }
        }
    }

    fn accept_one(&mut self, index: usize) {
        let acceptor = &mut self.acceptors.list[index];
        match acceptor.accept() {
            Ok((socket, peer)) => {
                let (listener, deals) = (Arc::clone(&acceptor.listener), acceptor.deals);
                let origin = Origin { listener, peer, opened_at: self.now };
                self.admit(socket, origin, deals);
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => acceptor.waiting = false,
                ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
                _ => self.accept_failed(index, &error),
            },
        }
    }

    fn admit(&mut self, socket: Socket, origin: Origin, deals: bool) {
        let Some(seat) = self.seats.take() else {
            if let Some(count) = self.acceptors.refused.count(self.now) {
                let max = self.seats.max();
                tracing::warn!(count, max, address = %origin.peer, "refused connections: as many as allowed are open");
            }
            return;
        };
        let adopted = Adopted { socket, seat, origin, bytes: Vec::new() };
        match self.deal(deals) {
            to if to == self.id => self.open(adopted),
            to => self.peers.control(to, Control::Adopt(Box::new(adopted))),
        }
    }

    /// The shard that a new connection goes to.
    fn deal(&mut self, deals: bool) -> ShardId {
        if !deals {
            return self.id;
        }
        let to = self.acceptors.dealt % self.peers.count();
        self.acceptors.dealt = to + 1;
        ShardId(to)
    }

    /// Out of descriptors or memory: refuses one client with the spare descriptor, so that it need not wait,
    /// then pauses. The others wait in the listener's queue.
    fn accept_failed(&mut self, index: usize, error: &io::Error) {
        if self.acceptors.spare.take().is_some() {
            drop(self.acceptors.list[index].accept());
        }
        self.acceptors.spare = open_spare();
        self.acceptors.pause(self.now);
        if let Some(count) = self.acceptors.full.count(self.now) {
            let advice = "raise the limit of open files (ulimit -n, LimitNOFILE= of systemd), or lower max_connections";
            tracing::error!(count, %error, advice, "cannot accept connections");
        }
    }
}
