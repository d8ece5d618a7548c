//! Shards and clients that answer as the protocol wants it, by themselves. What this side needs is not counted.

use super::common::words;
use allocation_counter::{measure, opt_out};
use martlet_codec::Version;
use martlet_protocol::Time;
use martlet_shard::{
    Batch, Config, ConnectionId, Effect, Input, Interest, Listener, Loss, Origin, Peer, Shard, ShardId,
};
use std::sync::Arc;

/// A client's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientId(usize);

struct Client {
    shard: usize,
    connection: ConnectionId,
    version: Version,
    /// What it will say in the next turn.
    answer: Vec<u8>,
    /// PUBLISH packets that it got.
    messages: usize,
    closing: bool,
}

/// Shards, and what a reactor and the clients have.
pub(crate) struct Rig {
    pub(crate) shards: Vec<Shard>,
    now: Time,
    listener: Arc<Listener>,
    clients: Vec<Client>,
    /// Who has which connection, for each shard.
    owners: Vec<Vec<Option<ClientId>>>,
    free: Vec<Vec<ConnectionId>>,
    dirty: Vec<ClientId>,
    answering: Vec<ClientId>,
    ended: Vec<ClientId>,
    mail: Vec<(usize, ShardId)>,
    /// By sender.
    emptied: Vec<Vec<Batch>>,
    heard: Vec<u8>,
    /// A connection that belongs to another shard.
    moved: bool,
}

/// Bytes that a step leaves on the heap.
pub(crate) fn held(step: impl FnOnce()) -> i64 {
    measure(step).bytes_current
}

impl Rig {
    pub(crate) fn new(shards: u8) -> Self {
        let interest = Arc::new(Interest::new());
        let all = (0..shards).map(|shard| {
            let shard = ShardId(shard);
            let config = Config { shard, shards, seed: 7, sys_interval_ms: 0, ..Config::default() };
            Shard::new(config, Arc::clone(&interest))
        });
        Rig {
            shards: all.collect(),
            now: Time::from_millis(1_000_000),
            listener: Arc::new(Listener::open("test")),
            clients: Vec::new(),
            owners: (0..shards).map(|_| Vec::new()).collect(),
            free: (0..shards).map(|_| Vec::new()).collect(),
            dirty: Vec::new(),
            answering: Vec::new(),
            ended: Vec::new(),
            mail: Vec::new(),
            emptied: (0..shards).map(|_| Vec::new()).collect(),
            heard: Vec::new(),
            moved: false,
        }
    }

    /// Connects a client whose home is this shard. `line` is that of CONNECT.
    pub(crate) fn connect_on(&mut self, shard: usize, line: &str) -> ClientId {
        let number = self.clients.len();
        for suffix in b'a'.. {
            let mut packet = Vec::new();
            opt_out(|| packet = words::connect(&format!("device-{number:06}-{}", suffix as char), line));
            let client = self.open_on(shard, words::version(line));
            self.say(client, &packet);
            opt_out(|| drop(packet));
            if !std::mem::take(&mut self.moved) {
                return client;
            }
        }
        unreachable!("every other name is at home there");
    }

    pub(crate) fn connect(&mut self, line: &str) -> ClientId {
        self.connect_on(0, line)
    }

    /// Opens a stream; nothing is said yet.
    pub(crate) fn open_on(&mut self, shard: usize, version: Version) -> ClientId {
        let client = ClientId(self.clients.len());
        let owners = &mut self.owners[shard];
        let connection = self.free[shard].pop().unwrap_or_else(|| {
            opt_out(|| owners.push(None));
            ConnectionId { slot: owners.len() as u32 - 1, generation: 0 }
        });
        owners[connection.slot as usize] = Some(client);
        let (answer, messages, closing) = (Vec::new(), 0, false);
        opt_out(|| self.clients.push(Client { shard, connection, version, answer, messages, closing }));
        let listener = Arc::clone(&self.listener);
        let origin = Origin { listener, peer: Peer::Unix, opened_at: self.now };
        let opened = Input::Opened { connection, origin };
        self.shards[shard].handle(self.now, opened);
        client
    }

    /// Says a packet; the line is one of [`words`].
    pub(crate) fn tell(&mut self, client: ClientId, line: &str) {
        let mut packet = Vec::new();
        opt_out(|| packet = self.packet(client, line));
        self.say(client, &packet);
        opt_out(|| drop(packet));
    }

    pub(crate) fn packet(&self, client: ClientId, line: &str) -> Vec<u8> {
        words::packet(self.clients[client.0].version, line)
    }

    /// One read, and all that follows from it.
    pub(crate) fn say(&mut self, client: ClientId, bytes: &[u8]) {
        self.now = self.now.saturating_add(1);
        self.read(client, bytes);
        self.settle();
    }

    /// Lets time pass.
    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.now = self.now.saturating_add(ms);
        self.settle();
    }

    /// PUBLISH packets that a client got so far.
    pub(crate) fn messages(&self, client: ClientId) -> usize {
        self.clients[client.0].messages
    }

    fn read(&mut self, client: ClientId, bytes: &[u8]) {
        let Client { shard, connection, .. } = self.clients[client.0];
        self.shards[shard].handle(self.now, Input::Received { connection, bytes });
    }

    /// Turns, each in the order of a reactor, until nothing moves.
    fn settle(&mut self) {
        loop {
            self.carry_out();
            let moved = self.hand_over_mail() | self.tick();
            self.carry_out();
            if !(moved | self.write() | self.answer()) {
                return;
            }
        }
    }

    fn carry_out(&mut self) {
        for shard in 0..self.shards.len() {
            while let Some(effect) = self.shards[shard].poll_effect() {
                self.carry_out_one(shard, &effect);
            }
        }
    }

    fn carry_out_one(&mut self, shard: usize, effect: &Effect) {
        let owner = |id: ConnectionId| self.owners[shard][id.slot as usize].expect("it is open");
        match effect {
            Effect::Transmit(id) => {
                let client = owner(*id);
                opt_out(|| self.dirty.push(client));
            }
            Effect::Close(id) => {
                let client = owner(*id);
                self.clients[client.0].closing = true;
                opt_out(|| self.dirty.push(client));
            }
            Effect::Move { connection, .. } => {
                self.release(owner(*connection));
                self.moved = true;
            }
            Effect::Mail(to) => opt_out(|| self.mail.push((shard, *to))),
            _ => {}
        }
    }

    fn hand_over_mail(&mut self) -> bool {
        let moved = !self.mail.is_empty();
        while let Some((from, to)) = self.mail.pop() {
            let empty = || self.emptied[from].pop().unwrap_or_default();
            let Some(batch) = self.shards[from].take_mail(to, empty) else { continue };
            let shard = &mut self.shards[usize::from(to.0)];
            shard.handle(self.now, Input::Mail { from: ShardId(from as u8), batch });
            assert!(shard.wants_mail(), "it is opened at once");
            let (sender, batch) = shard.take_emptied().expect("it was opened");
            opt_out(|| self.emptied[usize::from(sender.0)].push(batch));
        }
        if self.shards.len() > 1 {
            self.shards.iter_mut().for_each(|shard| shard.handle(self.now, Input::MailDrained));
        }
        moved
    }

    fn tick(&mut self) -> bool {
        let mut moved = false;
        for shard in &mut self.shards {
            if shard.poll_timeout().is_some_and(|at| at <= self.now) {
                shard.handle(self.now, Input::Timeout);
                moved = true;
            }
        }
        moved
    }

    /// Writes what waits, and lets the clients read it.
    fn write(&mut self) -> bool {
        let moved = !self.dirty.is_empty();
        while let Some(client) = self.dirty.pop() {
            let Client { shard, connection, answer, messages, closing, .. } = &mut self.clients[client.0];
            let (shard, connection) = (&mut self.shards[*shard], *connection);
            self.heard.clear();
            shard.output(connection).for_each(|piece| opt_out(|| self.heard.extend_from_slice(piece)));
            opt_out(|| hear(&self.heard, answer, messages));
            if !answer.is_empty() {
                opt_out(|| self.answering.push(client));
            }
            if std::mem::take(closing) {
                opt_out(|| self.ended.push(client));
            }
            shard.handle(self.now, Input::Transmitted { connection, bytes: self.heard.len() });
        }
        while let Some(client) = self.ended.pop() {
            self.lose(client, Loss::Closed);
        }
        moved
    }

    fn answer(&mut self) -> bool {
        let moved = !self.answering.is_empty();
        while let Some(client) = self.answering.pop() {
            let mut answer = std::mem::take(&mut self.clients[client.0].answer);
            self.read(client, &answer);
            answer.clear();
            self.clients[client.0].answer = answer;
        }
        moved
    }

    /// The stream has ended.
    pub(crate) fn lose(&mut self, client: ClientId, cause: Loss) {
        let Client { shard, connection, .. } = self.clients[client.0];
        self.shards[shard].handle(self.now, Input::Lost { connection, cause });
        self.release(client);
    }

    fn release(&mut self, client: ClientId) {
        let Client { shard, connection, .. } = self.clients[client.0];
        self.owners[shard][connection.slot as usize] = None;
        opt_out(|| self.free[shard].push(connection));
    }
}

/// Reads whole frames and writes what a client answers to them.
fn hear(mut bytes: &[u8], answer: &mut Vec<u8>, messages: &mut usize) {
    while let [first, rest @ ..] = bytes {
        let len_bytes = rest.iter().position(|byte| *byte < 0x80).expect("frames come whole") + 1;
        let len = rest[..len_bytes].iter().rev().fold(0, |len, byte| len << 7 | usize::from(byte & 0x7f));
        let (body, behind) = rest[len_bytes..].split_at(len);
        let kind = match (first >> 4, first >> 1 & 3) {
            (3, qos) => {
                *messages += 1;
                [0, 0x40, 0x50][usize::from(qos)]
            }
            (5, _) => 0x62,
            (6, _) => 0x70,
            _ => 0,
        };
        if kind != 0 {
            let at = if first >> 4 == 3 { 2 + usize::from(body[0]) * 256 + usize::from(body[1]) } else { 0 };
            answer.extend([kind, 2, body[at], body[at + 1]]);
        }
        bytes = behind;
    }
}
