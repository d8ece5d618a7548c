//! Retained messages (3.3.1.3): kept at the home of their topic, and replayed to new subscriptions by a cursor that
//! is paced by the receiver. No list is built, and no replay takes more than a few steps of a turn.

use crate::clients::{Outbound, Parcelled};
use crate::connection::pause;
use crate::counters::Dropped;
use crate::fanout::topic_hash;
use crate::index::Subscription;
use crate::interface::ShardId;
use crate::mail::Mail;
use crate::retained::{Cursor, Step};
use crate::session::{SessionKey, SessionRef};
use crate::shard::Shard;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use core::num::NonZeroU32;
use core::ops::ControlFlow;
use martlet_codec::{QoSLevel, SubscriptionOptions, TopicFilter};
use martlet_protocol::{Encodings, Message, PublicationId, Time};

/// Topics looked at in one step of one replay.
const STEP_VISITS: usize = 256;
/// Steps of all replays together in one turn.
const TURN_STEPS: usize = 8;
/// KiB that all replays of one session may send it from other shards ahead of it, about: half of what an output holds
/// before QoS 0 messages are dropped.
const AHEAD_KIB: i64 = 512;
/// Replays of one session at a time, each shard's part counted; those of one more subscription may be added to them.
const ACTIVE_MAX: u32 = 8;
/// Messages waiting in a session's queue above which it is not given more of a replay.
const QUEUED_MAX: usize = 1024;

/// Replays of one session above which its client is not read: it asks faster than it takes.
const REPLAYS_MAX: u32 = 256;

/// A retained message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetainedMessage {
    pub(crate) publication: PublicationId,
    pub(crate) qos: QoSLevel,
}

/// A subscription that is being sent the retained messages of this shard.
#[derive(Debug)]
struct Replay {
    session: SessionRef,
    cursor: Cursor,
    options: SubscriptionOptions,
    id: Option<NonZeroU32>,
    /// How many replays the session had asked for with this one.
    asked: u64,
    /// For a session on another shard: KiB that may still be sent. The last message may take it below 0.
    credit: i64,
}

/// The replays under way.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    last: u64,
    all: BTreeMap<u64, Replay>,
    /// Those that can go on now.
    runnable: VecDeque<u64>,
    /// Those that wait until every mail that was sent before them has been read: what was stored before a
    /// subscription must be seen by it.
    fresh: VecDeque<u64>,
    /// Those that wait for a session of this shard to have room.
    blocked: BTreeMap<SessionRef, alloc::vec::Vec<u64>>,
}

impl Replays {
    /// Whether something can go on without anything else happening.
    pub(crate) fn is_runnable(&self) -> bool {
        !self.runnable.is_empty() || !self.fresh.is_empty()
    }
    fn start(&mut self, replay: Replay) {
        self.last += 1;
        self.all.insert(self.last, replay);
        self.fresh.push_back(self.last);
    }
    /// All mail was read: what waited for that goes on.
    pub(crate) fn release_fresh(&mut self) {
        self.runnable.append(&mut self.fresh);
    }
    fn finish(&mut self, number: u64) {
        self.all.remove(&number);
    }
    /// This session has room again, or is gone.
    pub(crate) fn unblock(&mut self, session: SessionRef) {
        if let Some(numbers) = self.blocked.remove(&session) {
            self.runnable.extend(numbers);
        }
    }
}

impl Shard {
    /// The shard that keeps the retained message of a topic.
    fn home_of_topic(&self, topic: &str) -> ShardId {
        ShardId((topic_hash(topic) % u64::from(self.clients.config.shards)) as u8)
    }

    /// A publication with RETAIN: kept, or taken out, at the topic's home. [MQTT-3.3.1-5]
    pub(crate) fn retain(&mut self, message: &Message<'_>, qos: QoSLevel) {
        let home = self.home_of_topic(message.topic.as_str());
        if home == self.clients.config.shard {
            return self.set_retained(message, qos);
        }
        let batch = self.outbox(home);
        let parcel = batch.pack(message);
        batch.push(Mail::Retain { parcel, qos });
    }

    /// Replaces or removes a retained message of this shard. [MQTT-3.3.1-6] [MQTT-3.3.1-7]
    pub(crate) fn set_retained(&mut self, message: &Message<'_>, qos: QoSLevel) {
        self.weigh();
        let full = self.clients.is_full_for(message.size());
        let old = if message.payload.is_empty() || full {
            self.retained.remove(message.topic)
        } else {
            let publication = self.clients.publications.insert(message.to_publication());
            self.retained.set(message.topic, RetainedMessage { publication, qos }, message.expires_at)
        };
        if full && !message.payload.is_empty() {
            self.clients.counters.routed += 1;
            self.clients.counters.dropped.count(Dropped::Memory, 1);
        }
        if let Some(old) = old {
            self.clients.publications.release(old.publication);
        }
    }

    /// Removes retained messages whose Message Expiry Interval has passed.
    pub(crate) fn expire_retained(&mut self, now: Time) {
        const EXPIRED_MAX: usize = 10_000;
        for _ in 0..EXPIRED_MAX {
            let Some(old) = self.retained.expire(now) else { return };
            self.clients.publications.release(old.publication);
        }
    }

    /// Begins to send a session the retained messages for its new subscription, from every shard that may have some.
    pub(crate) fn replay(&mut self, key: SessionKey, filter: TopicFilter<'_>, subscription: Subscription) {
        let slot = &mut self.clients.sessions[key];
        let connection = slot.connection;
        let rare = slot.rare();
        rare.asked += 1;
        if rare.active < ACTIVE_MAX {
            let asked = rare.asked;
            self.ask_for_replay(key, filter, subscription, asked);
        } else {
            rare.waiting.push_back(Waiting {
                filter: filter.as_str().into(),
                subscription,
                asked: rare.asked,
            });
        }
        let rare = self.clients.sessions[key].rare();
        rare.count_replays();
        if rare.replays > REPLAYS_MAX
            && let Some(id) = connection
        {
            self.clients.pause(id, pause::REPLAYS);
        }
    }

    /// Asks every shard that may have some, this one too.
    fn ask_for_replay(
        &mut self,
        key: SessionKey,
        filter: TopicFilter<'_>,
        subscription: Subscription,
        asked: u64,
    ) {
        let session = self.clients.sessions[key].name;
        let one_home = (!filter.has_wildcard()).then(|| self.home_of_topic(filter.as_str()));
        let shards = (0..self.clients.config.shards).map(ShardId);
        for shard in shards.filter(|shard| one_home.is_none_or(|home| home == *shard)) {
            self.clients.sessions[key].rare().active += 1;
            if shard == self.clients.config.shard {
                self.start_replay(session, filter, subscription, asked);
                continue;
            }
            let batch = self.outbox(shard);
            let filter = batch.pack_text(filter.as_str());
            batch.push(Mail::Replay { session, filter, subscription, asked });
        }
    }

    pub(crate) fn start_replay(
        &mut self,
        session: SessionRef,
        filter: TopicFilter<'_>,
        subscription: Subscription,
        asked: u64,
    ) {
        let Subscription { options, id } = subscription;
        let cursor = Cursor::new(filter);
        self.replays.start(Replay { session, cursor, options, id, asked, credit: self.replay_window() });
        if self.clients.config.shards == 1 {
            self.replays.release_fresh(); // there is no mail
        }
    }

    /// KiB that one replay may send ahead.
    fn replay_window(&self) -> i64 {
        AHEAD_KIB / i64::from(ACTIVE_MAX + u32::from(self.clients.config.shards))
    }

    /// Goes on with some replays; the rest follow in the next turn.
    pub(crate) fn step_replays(&mut self, now: Time) {
        for _ in 0..TURN_STEPS {
            let Some(number) = self.replays.runnable.pop_front() else { return };
            let Some(replay) = self.replays.all.get(&number) else { continue };
            if replay.session.shard() == self.clients.config.shard {
                self.step_local(now, number);
            } else {
                self.step_remote(now, number);
            }
        }
    }

    fn step_local(&mut self, now: Time, number: u64) {
        let Some(replay) = self.replays.all.get_mut(&number) else { return };
        let Some(key) = self.clients.sessions.resolve(replay.session) else {
            return self.replays.finish(number);
        };
        let mut encodings = Encodings::default();
        let (clients, options, asked) = (&mut self.clients, replay.options, replay.asked);
        let ids = replay.id.map_or(0, NonZeroU32::get);
        let subscription_ids = if ids == 0 { &[][..] } else { core::slice::from_ref(&ids) };
        let mut blocked = false;
        let step = replay.cursor.step(&self.retained, STEP_VISITS, &mut |_, retained: RetainedMessage| {
            if clients.is_congested(key) {
                blocked = true;
                return ControlFlow::Break(());
            }
            let message = clients.publications.get(retained.publication);
            let slot = &clients.sessions[key];
            let own = options.no_local && message.publisher == slot.publisher;
            let had = slot.rare.as_ref().is_some_and(|rare| rare.is_fresh(message.topic, asked));
            if !own && !had && !message.is_expired(now) {
                let qos = retained.qos.min(options.maximum_qos);
                let out = Outbound { to: key, qos, retain: true, subscription_ids, group: None };
                clients.deliver(now, &mut Parcelled::stored(retained.publication), &out, &mut encodings);
                encodings.clear();
            }
            ControlFlow::Continue(())
        });
        match step {
            Step::Done => {
                let session = replay.session;
                self.replays.finish(number);
                self.replay_done(session);
            }
            Step::More if blocked => {
                let session = replay.session;
                self.replays.blocked.entry(session).or_default().push(number);
            }
            Step::More => self.replays.runnable.push_back(number),
        }
    }

    fn step_remote(&mut self, now: Time, number: u64) {
        let Some(replay) = self.replays.all.get_mut(&number) else { return };
        let (session, to) = (replay.session, replay.session.shard());
        let Replay { cursor, options, id, asked, credit, .. } = replay;
        let asked = *asked;
        let batch = self.outboxes[to.0 as usize].batch(&mut self.clients.effects, to);
        let publications = &self.clients.publications;
        let step = cursor.step(&self.retained, STEP_VISITS, &mut |_, retained: RetainedMessage| {
            if *credit <= 0 {
                return ControlFlow::Break(());
            }
            let message = publications.get(retained.publication);
            if !message.is_expired(now) {
                *credit -= i64::from(kib(&message));
                let parcel = batch.pack(&message);
                let qos = retained.qos.min(options.maximum_qos);
                let no_local = options.no_local;
                batch.push(Mail::Replayed { session, replay: number, parcel, qos, id: *id, no_local, asked });
            }
            ControlFlow::Continue(())
        });
        match step {
            Step::Done => {
                batch.push(Mail::ReplayDone { session, replay: number });
                self.replays.finish(number);
            }
            Step::More if *credit > 0 => self.replays.runnable.push_back(number),
            Step::More => {} // goes on with the next credit
        }
    }

    /// Credit for a replay of ours; 0 ends it, for the session is gone.
    pub(crate) fn replay_credit(&mut self, number: u64, credit: u32) {
        let Some(replay) = self.replays.all.get_mut(&number) else { return };
        if credit == 0 {
            return self.replays.finish(number);
        }
        let waits = replay.credit <= 0;
        replay.credit += i64::from(credit);
        if waits && replay.credit > 0 {
            self.replays.runnable.push_back(number);
        }
    }

    /// A retained message from another shard, for a session of ours.
    pub(crate) fn replayed(&mut self, now: Time, from: ShardId, replay: u64, replayed: &Replayed<'_>) {
        let Some(key) = self.clients.sessions.resolve(replayed.session) else {
            self.outbox(from).push(Mail::ReplayCredit { replay, credit: 0 });
            return;
        };
        let slot = &mut self.clients.sessions[key];
        let own = replayed.no_local && replayed.message.publisher == slot.publisher;
        let stale = slot.rare().is_fresh(replayed.message.topic, replayed.asked);
        if !own && !stale {
            let ids = replayed.id.map_or(0, NonZeroU32::get);
            let subscription_ids = if ids == 0 { &[][..] } else { core::slice::from_ref(&ids) };
            let out = Outbound { to: key, qos: replayed.qos, retain: true, subscription_ids, group: None };
            let mut parcelled = Parcelled::borrowed(replayed.message);
            self.clients.deliver(now, &mut parcelled, &out, &mut Encodings::default());
            parcelled.finish(&mut self.clients.publications);
        }
        let owed = &mut self.clients.sessions[key].rare().owed;
        *owed.entry((from, replay)).or_default() += kib(&replayed.message);
        self.pay_replays(key);
    }

    /// Another shard's replay is complete.
    pub(crate) fn remote_replay_done(&mut self, from: ShardId, session: SessionRef, replay: u64) {
        if let Some(key) = self.clients.sessions.resolve(session) {
            self.clients.sessions[key].rare().owed.remove(&(from, replay));
        }
        self.replay_done(session);
    }

    /// A replay is complete: the next one begins.
    fn replay_done(&mut self, session: SessionRef) {
        let Some(key) = self.clients.sessions.resolve(session) else { return };
        let rare = self.clients.sessions[key].rare();
        rare.active = rare.active.saturating_sub(1);
        while self.clients.sessions[key].rare().active < ACTIVE_MAX
            && let Some(next) = self.clients.sessions[key].rare().waiting.pop_front()
        {
            let filter = TopicFilter::from_checked(&next.filter);
            self.ask_for_replay(key, filter, next.subscription, next.asked);
        }
        let slot = &mut self.clients.sessions[key];
        let connection = slot.connection;
        let rare = slot.rare();
        rare.count_replays();
        let left = rare.replays;
        if left == 0 {
            (rare.fresh, rare.waiting) = Default::default();
        }
        if left <= REPLAYS_MAX
            && let Some(id) = connection
        {
            self.clients.resume(id, pause::REPLAYS);
        }
    }

    /// A session may have room again: its replays go on.
    pub(crate) fn unblock_replays(&mut self, key: SessionKey) {
        if !self.clients.is_congested(key) {
            self.replays.unblock(self.clients.sessions[key].name);
            self.pay_replays(key);
        }
    }

    /// Gives credit back for what a session has taken, if it can take more.
    fn pay_replays(&mut self, key: SessionKey) {
        if self.clients.sessions[key].rare.is_none() || self.clients.is_congested(key) {
            return;
        }
        let mut owed = core::mem::take(&mut self.clients.sessions[key].rare().owed);
        let enough = self.replay_window() as u32 / 4;
        for ((shard, replay), credit) in owed.extract_if(.., |_, credit| *credit >= enough) {
            self.outbox(shard).push(Mail::ReplayCredit { replay, credit });
        }
        self.clients.sessions[key].rare().owed = owed;
    }

    /// The session ends: nobody waits for its replays any more.
    pub(crate) fn cancel_replays(&mut self, key: SessionKey) {
        let slot = &mut self.clients.sessions[key];
        let name = slot.name;
        if let Some(rare) = &mut slot.rare {
            for ((shard, replay), _) in core::mem::take(&mut rare.owed) {
                self.outbox(shard).push(Mail::ReplayCredit { replay, credit: 0 });
            }
        }
        self.replays.unblock(name); // they end when they find the session gone
    }
}

/// What a message costs of a replay's credit.
fn kib(message: &Message<'_>) -> u32 {
    (message.size() / 1024) as u32 + 1
}

/// A subscription whose replays have not begun.
#[derive(Debug)]
pub(crate) struct Waiting {
    filter: Box<str>,
    subscription: Subscription,
    asked: u64,
}

/// What [`Mail::Replayed`] carries.
#[derive(Debug)]
pub(crate) struct Replayed<'a> {
    pub(crate) session: SessionRef,
    pub(crate) message: Message<'a>,
    pub(crate) qos: QoSLevel,
    pub(crate) id: Option<NonZeroU32>,
    pub(crate) no_local: bool,
    pub(crate) asked: u64,
}

impl crate::clients::Clients {
    /// Whether a session should not be given more of a replay now.
    pub(crate) fn is_congested(&self, key: SessionKey) -> bool {
        let slot = &self.sessions[key];
        let output = slot.connection.map_or(0, |id| self.connections[id].output.len());
        slot.connection.is_some()
            && (output >= self.config.limits.output_low_bytes || slot.session.outgoing.queued() >= QUEUED_MAX)
    }
}
