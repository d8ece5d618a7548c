//! One core's broker as a value: inputs in, effects out. Its parts are in the files beside this one; here is the
//! list of what it consists of, and the doors.

use crate::admission::Admission;
use crate::clients::Clients;
use crate::config::Config;
use crate::connection::Connection;
use crate::counters::Counters;
use crate::fanout::Fanout;
use crate::groups::Groups;
use crate::index::Index;
use crate::interest::{Interest, InterestCounts};
use crate::interface::{ConnectionId, Effect, Input, ShardId};
use crate::mail::Batch;
use crate::pool::Pool;
use crate::post::{Opened, Outbox};
use crate::publish::Scratch;
use crate::random::Random;
use crate::replay::Replays;
use crate::retained::Retained;
use crate::shapes::Shapes;
use crate::status::Status;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use martlet_protocol::Time;

/// One core's broker: the sessions of its partitions, their subscriptions, and the retained messages whose home it is.
///
/// Feed it with [`Self::handle`]; then, once per turn or more often, carry out what [`Self::poll_effect`] gives until
/// it gives nothing, in this order at the end of a turn: mail by [`Self::take_mail`], then the output of each
/// connection that [`Effect::Transmit`] named. Whoever wrote some of [`Self::output`] says so by
/// [`Input::Transmitted`], and writes the rest when the socket takes it. Batches go back to their senders by
/// [`Self::take_emptied`], after [`Input::Mail`] and [`Input::Timeout`]. [`Self::poll_timeout`] says when to come
/// back with [`Input::Timeout`] at the latest. It performs no I/O and reads no clock.
#[derive(Debug)]
pub struct Shard {
    pub(crate) clients: Clients,
    pub(crate) index: Index,
    pub(crate) shapes: Shapes,
    pub(crate) interest: Arc<Interest>,
    pub(crate) interest_counts: InterestCounts,
    pub(crate) retained: Retained,
    pub(crate) replays: Replays,
    pub(crate) groups: Groups,
    pub(crate) outboxes: Vec<Outbox>,
    /// Mail that is being opened.
    pub(crate) opened: Option<Opened>,
    /// The batch that was opened last, on its way back to its sender.
    pub(crate) emptied: Option<(ShardId, Batch)>,
    /// Connections whose bytes wait for the next turn.
    pub(crate) resting: VecDeque<ConnectionId>,
    /// Connections that wait for an outbox to be taken.
    pub(crate) throttled: Vec<ConnectionId>,
    pub(crate) admission: Admission,
    pub(crate) fanout: Option<Box<Fanout>>,
    pub(crate) scratch: Scratch,
    /// Whether a message to the client whose frames are being handled was settled: there may be room for the next.
    pub(crate) has_settled: bool,
    pub(crate) random: Random,
    pub(crate) status: Status,
    /// The latest counters of the other shards.
    pub(crate) others: Vec<Counters>,
    /// Numbers the filters in SUBSCRIBE packets, for those that wait for other shards.
    pub(crate) last_token: u64,
    /// The moment of the last input: a new one is a new turn.
    now: Time,
    started: bool,
}

impl Shard {
    /// A shard without clients. All shards of a broker share `interest`.
    pub fn new(config: Config, interest: Arc<Interest>) -> Self {
        assert!(
            (1..=64).contains(&config.shards) && config.shard.0 < config.shards,
            "shards are numbered 0 to 63"
        );
        // The hasher wants its seed for ever. A shard lives as long as its program, so little is lost for good.
        let seed: &'static SharedSeed = Box::leak(Box::new(SharedSeed::from_u64(config.seed)));
        let hasher = SeedableRandomState::with_seed(config.seed, seed);
        let count = usize::from(config.shards);
        Shard {
            index: Index::new(hasher.clone()),
            shapes: Shapes::new(&config, hasher.clone()),
            interest,
            interest_counts: InterestCounts::new(config.shard.0, config.shards),
            retained: Retained::new(),
            replays: Replays::new(config.shard, &hasher),
            groups: Groups::new(hasher.clone()),
            outboxes: (0..count).map(|_| Outbox::default()).collect(),
            opened: None,
            emptied: None,
            resting: VecDeque::new(),
            throttled: Vec::new(),
            admission: Admission::new(config.shard),
            fanout: None,
            scratch: Scratch::default(),
            has_settled: false,
            random: Random::new(config.seed ^ u64::from(config.shard.0) << 32),
            status: Status::new(config.version),
            others: (0..count).map(|_| Counters::default()).collect(),
            last_token: 0,
            now: Time::default(),
            started: false,
            clients: Clients::new(config, hasher),
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Time, input: Input<'_>) {
        if !core::mem::replace(&mut self.started, true) {
            self.start_timers(now);
        }
        if core::mem::replace(&mut self.now, now) != now {
            self.begin_turn();
        }
        self.admission.is_fresh = false;
        match input {
            Input::Opened { connection, origin } => self.opened(connection, origin),
            Input::Received { connection, bytes } => self.received(now, connection, bytes),
            Input::Transmitted { connection, bytes } => self.transmitted(now, connection, bytes),
            Input::Lost { connection, cause } => self.lost(now, connection, cause),
            Input::Mail { from, batch } => self.open_mail(now, from, batch),
            Input::MailDrained => {
                self.replays.release_fresh();
                self.step_replays(now);
            }
            Input::Authenticated { connection, verdict } => self.authenticated(now, connection, verdict),
            Input::Recorded(ticket) => self.recorded(now, ticket),
            Input::Timeout => {
                self.wake(now);
                self.assign_returned(now);
                self.handle_timers(now);
                self.step_replays(now);
                self.after(now);
            }
            Input::Stop => self.stop(now),
        }
        debug_assert!(self.waiting().is_none(), "messages wait for others of the same input only");
    }

    /// The next thing to be done, until there is none.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        let effect = self.clients.effects.pop_front();
        if matches!(effect, Some(Effect::Record(_))) {
            self.clients.recording.close();
        }
        effect
    }

    /// When [`Input::Timeout`] is wanted at the latest; a moment that has passed means at once.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.replays.is_runnable()
            || !self.resting.is_empty()
            || self.opened.is_some()
            || self.groups.has_returned()
        {
            return Some(Time::default());
        }
        self.clients.wheel.next()
    }

    /// What waits to be written to a connection, as contiguous pieces in order.
    pub fn output(&self, connection: ConnectionId) -> impl Iterator<Item = &[u8]> {
        let connection = self.clients.connections.get(connection);
        let connection = connection.filter(|connection| !self.clients.recording.holds_output(connection));
        connection.into_iter().flat_map(|connection| connection.output.pieces(&self.clients.publications))
    }

    /// Whether something waits to be written to a connection.
    pub fn has_output(&self, connection: ConnectionId) -> bool {
        let connection = self.clients.connections.get(connection);
        connection.is_some_and(|connection| {
            !connection.output.is_empty() && !self.clients.recording.holds_output(connection)
        })
    }

    /// Whether the client may be about to send more than acknowledgements of messages. Its system may hold that back until
    /// ours acknowledges what came before.
    pub fn may_send_more(&self, connection: ConnectionId) -> bool {
        self.clients.connections.get(connection).is_some_and(Connection::may_send_more)
    }

    /// Whether the client has only ever sent: one that says more without having got an answer streams, and its system holds
    /// nothing back.
    pub fn only_publishes(&self, connection: ConnectionId) -> bool {
        self.clients.connections.get(connection).is_some_and(Connection::only_publishes)
    }

    /// Connections that are open, those included that are closing.
    pub fn connections(&self) -> usize {
        self.clients.connections.len()
    }

    /// This shard's number.
    pub fn id(&self) -> ShardId {
        self.clients.config.shard
    }

    /// Bytes, about, of all that clients make the shard hold: what [`Config::memory_bytes_max`] bounds.
    pub fn memory_bytes(&self) -> u64 {
        self.clients.memory()
    }

    /// Bytes of empty buffers that are kept for what clients will be sent next.
    pub fn spare_bytes(&self) -> u64 {
        self.clients.pool.bytes() as u64
    }

    /// Frees them, and those for mail.
    pub fn drop_spare(&mut self) {
        self.clients.pool = Pool::default();
        self.outboxes.iter_mut().for_each(|outbox| outbox.batch.drop_spare());
    }

    /// What this shard has counted, gauges included.
    pub fn counters(&self) -> Counters {
        let mut counters = self.clients.counters.clone();
        counters.retained = self.retained.len() as u64;
        counters.stored_messages = self.clients.publications.len() as u64;
        counters.stored_bytes = self.clients.publications.bytes();
        counters.memory_bytes = self.clients.memory();
        counters
    }

    fn transmitted(&mut self, now: Time, connection: ConnectionId, bytes: usize) {
        self.clients.transmitted(now, connection, bytes);
        if let Some(key) = self.clients.connections.get(connection).and_then(|connection| connection.session)
        {
            self.unblock_replays(now, key);
        }
        self.after(now);
    }

    /// What was done before counts no longer.
    pub(crate) fn begin_turn(&mut self) {
        self.clients.work = 0;
        self.replays.begin_turn();
    }

    /// What any input may leave to do.
    pub(crate) fn after(&mut self, now: Time) {
        self.pay_groups(now);
        self.weigh();
        if self.clients.config.shards == 1 {
            self.step_replays(now);
        }
        self.tell_level();
    }
}
