//! Shards, mail between them, clients and a clock: what a reactor does, without sockets.
//!
//! After every step the rig runs until nothing moves any more, and checks that no shard has lost a delivery.
//! A packet that a client received and no test looked at is a failure at the end.

use super::client::Client;
use super::words;
use martlet_codec::Version;
use martlet_protocol::Time;
use martlet_shard::{
    Admission, Batch, Config, ConnectionId, ControlCharacters, Counters, Credentials, Dropped, Effect,
    EndReason, Input, Interest, Listener, Loss, Shard, ShardId, Shortage, Ticket, Verdict,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A timer may be late by this much.
pub(crate) const TICK_MS: u64 = 16;

/// Shards and clients.
pub(crate) struct Rig {
    pub(crate) now: Time,
    pub(crate) shards: Vec<Shard>,
    pub(crate) clients: BTreeMap<String, Client>,
    /// Who has which slot of which shard.
    pub(super) slots: Vec<Vec<Option<String>>>,
    pub(super) mail: VecDeque<(ShardId, ShardId, Batch)>,
    /// Batches for mail to come, whoever had them before.
    pub(super) emptied: Vec<Batch>,
    /// Bytes that the server reads at once.
    pub(crate) chunk: usize,
    /// While set, mail between shards waits.
    pub(crate) hold_mail: bool,
    /// While set, the mailboxes have no room.
    pub(crate) ring_full: bool,
    /// Mail that waits in a shard: from, to.
    pub(super) waiting_mail: Vec<(usize, ShardId)>,
    /// What shards want recorded and nobody has, of configurations in which answers wait for it.
    pub(super) recordings: VecDeque<(usize, Ticket)>,
    /// Packets that the server writes in a version that the test did not foresee are not looked at.
    pub(crate) lenient: bool,
    /// What the log was told of memory that is short.
    pub(crate) shortages: Vec<Shortage>,
    /// Sockets accepted; they are dealt out to the shards.
    accepted: usize,
    /// Streams that shards were given.
    pub(super) placed: u32,
}

/// Tells a story on one shard, on two, and on two that read byte by byte.
pub(crate) fn everywhere(story: impl FnMut(&mut Rig)) {
    everywhere_with(|_| {}, story);
}

/// The same with another configuration.
pub(crate) fn everywhere_with(change: impl Fn(&mut Config), mut story: impl FnMut(&mut Rig)) {
    for (shards, chunk) in [(1, usize::MAX), (2, usize::MAX), (2, 1)] {
        let mut rig = Rig::with(shards, &change);
        rig.chunk = chunk;
        println!("shards: {shards}, bytes read at once: {chunk}");
        story(&mut rig);
        rig.finish();
    }
}

impl Rig {
    pub(crate) fn new(shards: u8) -> Self {
        Self::with(shards, |_| {})
    }

    pub(crate) fn with(shards: u8, change: impl Fn(&mut Config)) -> Self {
        let interest = Arc::new(Interest::new());
        let all = (0..shards).map(|shard| {
            let mut config =
                Config { shard: ShardId(shard), shards, seed: 7, sys_interval_ms: 0, ..Config::default() };
            change(&mut config);
            Shard::new(config, Arc::clone(&interest))
        });
        Rig {
            now: Time::from_millis(1_000_000),
            shards: all.collect(),
            clients: BTreeMap::new(),
            slots: (0..shards).map(|_| Vec::new()).collect(),
            mail: VecDeque::new(),
            emptied: Vec::new(),
            chunk: usize::MAX,
            hold_mail: false,
            ring_full: false,
            lenient: false,
            waiting_mail: Vec::new(),
            shortages: Vec::new(),
            recordings: VecDeque::new(),
            accepted: 0,
            placed: 0,
        }
    }

    // What a client does.

    /// Opens a stream; nothing is said yet. The line is that of a CONNECT, for its version.
    pub(crate) fn open(&mut self, name: &str, line: &str) {
        let mut listener = Listener::open("test");
        if line.split_whitespace().any(|word| word == "ask") {
            listener.admission = Admission::Ask;
        }
        if line.split_whitespace().any(|word| word == "plain") {
            listener.control_characters = ControlCharacters::Refuse;
        }
        let old = self.clients.insert(name.to_owned(), Client::new(words::version(line), self.now, listener));
        assert!(old.is_none_or(|old| old.at.is_none()), "{name} is connected already");
        let shard = self.accepted % self.shards.len();
        self.accepted += 1;
        self.place(name, shard);
        self.settle();
    }

    /// Opens a stream and says CONNECT.
    pub(crate) fn dial(&mut self, name: &str, line: &str) {
        self.open(name, line);
        self.write(name, &words::connect(name, line));
    }

    /// Connects, and is let in.
    pub(crate) fn connect(&mut self, name: &str, line: &str) {
        self.dial(name, line);
        let heard = self.client(name).heard.pop_front();
        let heard = heard.unwrap_or_else(|| panic!("{name}: no CONNACK, {:?}", self.client(name).ended));
        assert!(heard.starts_with("connack 00"), "{name}: {heard}");
    }

    /// Subscribes, and hears of success. `line` is that of SUBSCRIBE without its identifier, which is 65,535.
    pub(crate) fn subscribe(&mut self, name: &str, line: &str) {
        self.tell(name, &format!("subscribe 65535 {line}"));
        let heard = self.client(name).heard.pop_front().expect("SUBACK");
        let fine = heard.split_whitespace().skip(2).all(|reason| reason < "03");
        assert!(heard.starts_with("suback 65535") && fine, "{name}: {heard}");
    }

    /// Says something.
    pub(crate) fn tell(&mut self, name: &str, line: &str) {
        let packet = words::packet(self.client(name).version, line);
        self.write(name, &packet);
    }

    /// Says some things at once.
    pub(crate) fn tell_all(&mut self, name: &str, lines: &[&str]) {
        let version = self.client(name).version;
        let packets: Vec<u8> = lines.iter().flat_map(|line| words::packet(version, line)).collect();
        self.write(name, &packets);
    }

    /// Writes bytes.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) {
        self.client(name).to_server.extend(bytes);
        self.settle();
    }

    /// The stream breaks.
    pub(crate) fn cut(&mut self, name: &str) {
        self.cut_together(&[name]);
    }

    /// Several streams break in one turn.
    pub(crate) fn cut_together(&mut self, names: &[&str]) {
        for name in names {
            let Some((shard, connection)) = self.client(name).at else { continue };
            self.client(name).to_server.clear();
            self.lose(shard, connection, Loss::Failed);
        }
        self.settle();
    }

    /// Its socket takes no more than so many bytes.
    pub(crate) fn limit_reading(&mut self, name: &str, bytes: usize) {
        self.client(name).appetite = bytes;
        self.settle();
    }

    // What a test looks at.

    /// The next thing that a client hears.
    pub(crate) fn expect(&mut self, name: &str, line: &str) {
        let heard = self.client(name).heard.pop_front();
        let ended = &self.client(name).ended;
        assert_eq!(heard.as_deref(), Some(line), "{name}, {:?}", ended.as_ref().map(|(_, why)| why));
    }

    /// All that a client has heard since it was last looked at.
    pub(crate) fn heard(&mut self, name: &str) -> Vec<String> {
        self.client(name).heard.drain(..).collect()
    }

    /// All that a client hears, and nothing else.
    pub(crate) fn expect_all(&mut self, name: &str, lines: &[&str]) {
        let heard = self.heard(name);
        assert_eq!(heard, lines, "{name}");
    }

    /// A client hears nothing.
    pub(crate) fn silent(&mut self, name: &str) {
        self.expect_all(name, &[]);
    }

    /// What this client hears is of no interest.
    pub(crate) fn ignore(&mut self, name: &str) {
        self.client(name).ignored = true;
    }

    /// The server has closed this stream, for this reason, after saying no more than what was looked at.
    pub(crate) fn closed(&mut self, name: &str, why: EndReason) {
        self.silent(name);
        let client = self.client(name);
        let ended = client.ended.as_ref().map(|(_, why)| *why);
        assert_eq!((client.at, ended), (None, Some(why)), "{name}");
    }

    /// The stream is open.
    pub(crate) fn is_open(&mut self, name: &str) -> bool {
        self.client(name).at.is_some()
    }

    /// The shard that has a client's stream.
    pub(crate) fn shard_of(&mut self, name: &str) -> usize {
        self.client(name).at.expect("it is connected").0
    }

    /// Of client ids that begin with `prefix`, one that is at home on a shard.
    pub(crate) fn id_on(&self, shard: usize, prefix: &str) -> String {
        let count = self.shards.len() as u8;
        let is_home = |id: &String| {
            let mut rig = Rig::new(count);
            rig.connect(id, "v311");
            rig.shard_of(id) == shard % self.shards.len()
        };
        (0..).map(|number| format!("{prefix}{number}")).find(is_home).expect("there are enough numbers")
    }

    /// Bytes that wait to be written to a client.
    pub(crate) fn waiting(&mut self, name: &str) -> usize {
        let (shard, id) = self.client(name).at.expect("it is connected");
        self.shards[shard].output(id).map(<[u8]>::len).sum()
    }

    /// What all shards have counted.
    pub(crate) fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        self.shards.iter().for_each(|shard| sum.add(&shard.counters()));
        sum
    }

    /// Deliveries that were dropped for a reason.
    pub(crate) fn dropped(&self, reason: Dropped) -> u64 {
        self.counters().dropped.get(reason)
    }

    pub(crate) fn client(&mut self, name: &str) -> &mut Client {
        self.clients.get_mut(name).unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    // Time, and what else happens to a shard.

    /// Lets time pass, with every timer at its moment.
    pub(crate) fn pass_ms(&mut self, ms: u64) {
        assert!(!self.hold_mail, "what waits for mail wants to be called at once, for ever");
        let until = self.now.saturating_add(ms);
        while let Some(next) =
            self.shards.iter().filter_map(Shard::poll_timeout).min().filter(|next| *next <= until)
        {
            self.now = next.max(self.now);
            self.settle();
        }
        self.now = until;
        self.settle();
    }

    /// Lets seconds pass.
    pub(crate) fn pass(&mut self, s: u64) {
        self.pass_ms(s * 1000);
    }

    /// The broker stops.
    pub(crate) fn stop(&mut self) {
        for index in 0..self.shards.len() {
            self.shards[index].handle(self.now, Input::Stop);
        }
        self.settle();
    }

    /// The oldest of what is to be recorded is; whether there was anything.
    pub(crate) fn record_one(&mut self) -> bool {
        let Some((shard, ticket)) = self.recordings.pop_front() else { return false };
        self.shards[shard].handle(self.now, Input::Recorded(ticket));
        self.settle();
        true
    }

    /// All that is to be recorded is, and what comes of that.
    pub(crate) fn record(&mut self) {
        while self.record_one() {}
    }

    /// What an authenticator was asked about a client.
    pub(crate) fn asked(&mut self, name: &str) -> Credentials {
        self.client(name).asked.pop_front().unwrap_or_else(|| panic!("nobody asked about {name}"))
    }

    /// An authenticator answers.
    pub(crate) fn answer(&mut self, name: &str, verdict: Verdict) {
        let (shard, connection) = self.client(name).at.expect("it is connected");
        self.shards[shard].handle(self.now, Input::Authenticated { connection, verdict });
        self.settle();
    }

    /// Every client has been looked at, and the shards keep nothing that nobody has.
    pub(crate) fn finish(&mut self) {
        for (name, client) in &self.clients {
            assert!(client.ignored || client.heard.is_empty(), "{name} heard {:?}", client.heard);
            assert!(client.bytes.is_empty(), "{name} got part of a packet: {:02x?}", client.bytes);
        }
    }
}
