//! Many clients in one thread: a poll loop round [`Client`]s that send, acknowledge and keep what they received.
//!
//! It judges nothing but the protocol's order of packets; tests read what the clients have received.

mod client;

pub(crate) use client::{Client, Source};

use martlet_codec::Version;
use mio::{Events, Poll, Token};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Longer than any crowd is needed, on any machine.
const LIMIT: Duration = Duration::from_secs(120);
/// How long a turn waits when nothing happens, so that conditions are looked at again.
const TURN: Duration = Duration::from_millis(50);

/// The clients, by the index that [`Crowd::open`] gave.
pub(crate) struct Crowd {
    address: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    deadline: Instant,
    /// What it turns for, to be said if it never comes.
    awaited: String,
    pub(crate) clients: Vec<Client>,
}

impl Crowd {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let (poll, events) = (Poll::new().unwrap(), Events::with_capacity(1024));
        Crowd {
            address,
            poll,
            events,
            buffer: vec![0; 64 * 1024],
            deadline: Instant::now() + LIMIT,
            awaited: "the test ends".into(),
            clients: Vec::new(),
        }
    }

    /// One more client, which begins to connect.
    pub(crate) fn open(&mut self, version: Version, client_id: &str, clean_start: bool) -> usize {
        self.clients.push(Client::new(version, client_id, clean_start));
        self.reopen(self.clients.len() - 1);
        self.clients.len() - 1
    }

    /// Cuts the connection, if there is one, and connects again.
    pub(crate) fn reopen(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.open(self.address);
        let stream = client.stream.as_mut().unwrap();
        let interests = mio::Interest::READABLE | mio::Interest::WRITABLE;
        self.poll.registry().register(stream, Token(index), interests).unwrap();
    }

    /// Waits until everybody is connected and all subscriptions are granted.
    pub(crate) fn settle(&mut self) {
        self.run_until("everybody is connected", |clients| clients.iter().all(Client::is_settled));
    }

    /// Waits until all sources are empty and all that they published is acknowledged.
    pub(crate) fn finish_publishing(&mut self) {
        self.run_until("everything is published", |clients| clients.iter().all(Client::is_done));
    }

    /// Turns until `done`; a limit that is reached is a failure.
    pub(crate) fn run_until(&mut self, what: &str, mut done: impl FnMut(&[Client]) -> bool) {
        self.awaited = what.into();
        while !done(&self.clients) {
            self.turn();
        }
    }

    /// Reads what has come, answers it, publishes what sources have, writes.
    pub(crate) fn turn(&mut self) {
        assert!(Instant::now() < self.deadline, "waited too long until {}", self.awaited);
        // Writing comes first: a source may have something for a socket of which no event will come.
        self.clients.iter_mut().for_each(Client::write);
        let has_more = self.clients.iter().any(Client::has_more);
        self.poll.poll(&mut self.events, Some(if has_more { Duration::ZERO } else { TURN })).unwrap();
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            client.is_writable |= event.is_writable();
            client.is_readable |= event.is_readable() || event.is_read_closed();
        }
        for client in &mut self.clients {
            client.read(&mut self.buffer);
        }
    }
}
