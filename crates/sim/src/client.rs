//! A client: a `client::Connection`, what it was told, and what it remembers of its subscriptions. It behaves: what
//! it does is decided in `act.rs`, what happens to its stream in `link.rs`.

use crate::exchange::Exchange;
use crate::failure::Verdict;
use crate::faults::Fault;
use crate::ledger::{SessionId, Subscribed};
use crate::link::Link;
use crate::plan::Profile;
use crate::world::World;
use martlet_protocol::client::{Connection, Token};
use martlet_shard::Loss;
use std::collections::BTreeMap;

/// What a client waits for an answer to.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Subscribe { asked: u64, owed: Vec<Owed> },
    Unsubscribe { filter: &'static str, asked: u64 },
    Crowd,
}

/// A retained message that a subscription must bring, with RETAIN: this one of the topic, or a newer one.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    pub(crate) topic: &'static str,
    pub(crate) number: usize,
    pub(crate) filter: &'static str,
    pub(crate) since: u64,
    pub(crate) session: u32,
    /// With QoS 0 it is owed to this connection only.
    pub(crate) connection: Option<u32>,
}

/// One client.
pub(crate) struct Client {
    pub(crate) index: usize,
    pub(crate) profile: Profile,
    pub(crate) connection: Connection,
    pub(crate) link: Option<usize>,
    /// Sessions so far; the number of the current one.
    pub(crate) sessions: u32,
    /// Connections so far that were accepted.
    pub(crate) connections: u32,
    /// CONNECT packets so far.
    pub(crate) attempts: u32,
    /// Since when it is connected.
    pub(crate) connected_at: Option<u64>,
    pub(crate) subscriptions: Vec<Subscribed>,
    pub(crate) requests: Vec<(Token, Request)>,
    pub(crate) tokens: Vec<(Token, usize)>,
    pub(crate) owed: Vec<Owed>,
    /// When it last got a message of a topic with RETAIN: step, by session.
    pub(crate) retained_at: BTreeMap<(u32, &'static str), u64>,
    /// Wills that it got, by client.
    pub(crate) wills: BTreeMap<usize, u32>,
    /// It never connects again.
    pub(crate) retired: bool,
    /// It says DISCONNECT as soon as it is connected.
    pub(crate) leaves: bool,
    /// It reads nothing before this step.
    pub(crate) stalled_until: u64,
    /// The broker has accepted it, and it has not heard so yet.
    pub(crate) accepted: bool,
    /// The broker accepted it more than once before it heard: in between its session may have ended and begun anew.
    pub(crate) unheard: bool,
    /// It has resumed a session that the broker never had: nothing is promised to it any more.
    pub(crate) muddled: bool,
    /// What the broker sends it.
    pub(crate) down: Exchange,
    /// The link on which the broker last accepted it.
    pub(crate) down_link: Option<usize>,
    /// What it sends to the broker.
    pub(crate) up: Exchange,
}

impl Client {
    pub(crate) fn new(index: usize, profile: Profile) -> Self {
        let options = profile.options(index);
        let connection = Connection::new(options).expect("every profile makes a CONNECT");
        Client {
            index,
            profile,
            connection,
            link: None,
            sessions: 0,
            connections: 0,
            attempts: 0,
            connected_at: None,
            subscriptions: Vec::new(),
            requests: Vec::new(),
            tokens: Vec::new(),
            owed: Vec::new(),
            retained_at: BTreeMap::new(),
            wills: BTreeMap::new(),
            retired: false,
            leaves: false,
            stalled_until: 0,
            accepted: false,
            unheard: false,
            muddled: false,
            down: Exchange::default(),
            down_link: None,
            up: Exchange::default(),
        }
    }

    /// Its session, as the ledger names it.
    pub(crate) fn session(&self) -> SessionId {
        (self.index, self.sessions)
    }

    pub(crate) fn wake(&mut self) {
        self.stalled_until = 0;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        if self.retired {
            return self.link.is_none();
        }
        self.connection.is_connected()
            && self.connection.unsettled() == 0
            && self.connection.output_len() == 0
            && self.requests.is_empty()
    }

    pub(crate) fn why_busy(&self) -> String {
        let (connected, unsettled) = (self.connection.is_connected(), self.connection.unsettled());
        format!("connected {connected}, unsettled {unsettled}, requests {:?}", self.requests)
    }

    /// Subscriptions to a filter that are older than a request are over with its answer.
    pub(crate) fn confirmed_end(&mut self, filter: &str, asked: u64) {
        let older = |one: &&mut Subscribed| one.filter == filter && one.asked < asked;
        self.subscriptions.iter_mut().filter(older).for_each(|one| one.over = true);
    }

    fn stream_closed(&mut self) {
        self.connection.handle_close();
        self.link = None;
        self.connected_at = None;
    }
}

impl World<'_> {
    /// A client reads, looks at the clock, hears what happened, and writes.
    pub(crate) fn client_turn(&mut self, at: usize) -> Verdict {
        let client = &self.clients[at];
        match client.link {
            None if client.retired => return Ok(()),
            None if self.settling || self.random.chance(8) => self.dial(at),
            None => return Ok(()),
            Some(link) => self.client_reads_link(at, link)?,
        }
        let client = &mut self.clients[at];
        if client.connection.poll_timeout().is_some_and(|due| due <= self.now) {
            client.connection.handle_timeout(self.now);
        }
        self.client_events(at)?;
        self.client_writes(at)?;
        self.client_events(at)
    }

    fn dial(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let link = Link::new(at, client.profile.version, client.profile.capacity);
        self.links.push(link);
        let link = self.links.len() - 1;
        client.link = Some(link);
        client.attempts += 1;
        client.requests.clear();
        client.connection.connect(self.now);
        let host = self.random.below(self.hosts.len());
        self.hosts[host].accept(link, self.now);
        self.trace.number(0x300 + host as u64);
        self.trace.say(|| format!("{:?} {} dials link {link} to shard {host}", self.now, client.profile.id));
    }

    fn client_reads_link(&mut self, at: usize, link: usize) -> Verdict {
        if self.step < self.clients[at].stalled_until {
            return Ok(());
        }
        let waiting = self.links[link].down.bytes.len();
        if waiting > 0 {
            let count = if self.settling { waiting } else { self.random.between(1, waiting) };
            let mut bytes = self.links[link].down.take(count);
            if self.tamper.strikes(Fault::ByteTwice, 2) {
                bytes.insert(0, bytes[0]);
            }
            self.trace.bytes(&bytes);
            self.reads_down(link, &bytes)?;
            self.clients[at].connection.handle_bytes(self.now, &bytes);
        }
        let link = &mut self.links[link];
        if link.down.bytes.is_empty() && link.down_end {
            link.client_open = false;
            link.up_end.get_or_insert(Loss::Closed);
            self.clients[at].stream_closed();
        }
        Ok(())
    }

    fn client_writes(&mut self, at: usize) -> Verdict {
        let client = &mut self.clients[at];
        let Some(link) = client.link else { return Ok(()) };
        let output: Vec<u8> = client.connection.output().flatten().copied().collect();
        let mut count = output.len();
        if !self.settling && count > 0 && self.random.chance(20) {
            count = self.random.between(1, count);
        }
        if count > 0 {
            client.connection.transmitted(self.now, count);
            self.trace.bytes(&output[..count]);
            self.writes_up(link, &output[..count])?;
        }
        let client = &mut self.clients[at];
        if client.connection.is_closing() && client.connection.output_len() == 0 {
            self.links[link].client_open = false;
            self.links[link].up_end.get_or_insert(Loss::Closed);
            client.stream_closed();
        }
        Ok(())
    }

    /// The client's stream is gone, and only the client knows.
    pub(crate) fn vanish(&mut self, at: usize) -> Verdict {
        if let Some(link) = self.clients[at].link {
            self.links[link].client_open = false;
            self.clients[at].stream_closed();
        }
        self.client_events(at)
    }
}
