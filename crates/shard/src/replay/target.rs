//! The session's side: replays are asked for, taken in, paid for with credit, and done.

use super::live::LiveCopy;
use super::{ACTIVE_MAX, Parked, kib};
use crate::clients::{Clients, Outbound, Parcelled};
use crate::connection::pause;
use crate::index::Subscription;
use crate::interface::ShardId;
use crate::mail::{Mail, ReplayFlags};
use crate::session::{SessionKey, SessionRef};
use crate::shard::Shard;
use alloc::boxed::Box;
use core::num::NonZeroU32;
use martlet_codec::{QoSLevel, TopicFilter};
use martlet_protocol::{Encodings, Message, Time};

/// Messages waiting in a session's queue above which it is not given more of a replay.
const QUEUED_MAX: usize = 1024;
/// Replays of one session above which its client is not read: it asks faster than it takes.
const REPLAYS_MAX: u32 = 256;

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
    pub(crate) terms: ReplayTerms,
}

/// Of which replay a message is, and how it is to be delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplayTerms {
    /// The shard that keeps the message.
    pub(crate) from: ShardId,
    /// That shard's number for the replay.
    pub(crate) replay: u64,
    /// As published.
    pub(crate) qos: QoSLevel,
    /// As subscribed.
    pub(crate) maximum_qos: QoSLevel,
    /// The Subscription Identifier.
    pub(crate) id: Option<NonZeroU32>,
    pub(crate) flags: ReplayFlags,
    /// The last live message that this shard had seen when it asked.
    pub(crate) asked: u64,
}

impl Shard {
    /// Begins to send a session the retained messages for its new subscription, from every shard that may have some.
    pub(crate) fn replay(&mut self, key: SessionKey, filter: TopicFilter<'_>, subscription: Subscription) {
        let asked = self.replays.live.last();
        let slot = &mut self.clients.sessions[key];
        let connection = slot.connection;
        let rare = slot.rare();
        if rare.active < ACTIVE_MAX {
            self.ask_for_replay(key, filter, subscription, asked);
        } else {
            rare.waiting.push_back(Waiting { filter: filter.as_str().into(), subscription, asked });
        }
        if self.count_replays(key) > REPLAYS_MAX
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
        let one_home = (!filter.has_wildcard()).then(|| self.home_of_exact(filter));
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

    /// Counts the replays of a session anew, after one came or went; what is remembered for them goes with the last.
    fn count_replays(&mut self, key: SessionKey) -> u32 {
        let rare = self.clients.sessions[key].rare();
        let before = rare.replays;
        rare.count_replays();
        let after = rare.replays;
        if after == 0 {
            (rare.has_missed_live, rare.waiting) = Default::default();
        }
        self.count_receivers(before, after);
        after
    }

    fn count_receivers(&mut self, before: u32, after: u32) {
        let replays = &mut self.replays;
        replays.receivers = replays.receivers + usize::from(after > 0) - usize::from(before > 0);
        if replays.receivers == 0 {
            replays.live.clear(&mut self.clients.publications);
        }
    }

    /// A live message with RETAIN has come to the subscribers of this shard. The shard that keeps its topic may not
    /// have heard of it when it sends what it keeps.
    pub(crate) fn record_live(&mut self, parcelled: &mut Parcelled<'_>, qos: QoSLevel) {
        if self.replays.receivers == 0 || self.clients.config.shards == 1 {
            return;
        }
        let topic = parcelled.message(&self.clients.publications).topic;
        if self.home_of_topic(topic) == self.clients.config.shard {
            return; // what is kept here is never older than what was delivered here
        }
        let publications = &mut self.clients.publications;
        let publication = parcelled.store(publications);
        publications.retain(publication);
        self.replays.live.record(publications, publication, qos);
    }

    /// A retained message from another shard, for a session of ours.
    pub(crate) fn replayed(&mut self, now: Time, replayed: &Replayed<'_>) {
        let terms = replayed.terms;
        let Some(key) = self.clients.sessions.resolve(replayed.session) else {
            self.outbox(terms.from).push(Mail::ReplayCredit { replay: terms.replay, credit: 0 });
            return;
        };
        let mut parcelled = Parcelled::borrowed(&replayed.message);
        let is_first = self.clients.sessions[key].rare().parked.is_empty();
        if is_first && self.take_replayed(now, key, &mut parcelled, &terms) {
            self.owe_credit(key, kib(&replayed.message), &terms);
            self.pay_replays(key);
        } else {
            let publications = &mut self.clients.publications;
            let publication = parcelled.store(publications);
            publications.retain(publication);
            self.clients.sessions[key].rare().parked.push_back(Parked::Message { publication, terms });
        }
        parcelled.finish(&mut self.clients.publications);
    }

    /// Delivers one message of another shard's replay, or what has come live of its topic since; `false`: there is no
    /// room for it now.
    pub(super) fn take_replayed(
        &mut self,
        now: Time,
        key: SessionKey,
        parcelled: &mut Parcelled<'_>,
        terms: &ReplayTerms,
    ) -> bool {
        let publications = &self.clients.publications;
        let newer = self.replays.live.after(publications, parcelled.parts(publications).topic, terms.asked);
        let Some(LiveCopy { publication, qos, .. }) = newer else {
            return self.give_replayed(now, key, parcelled, terms.qos, terms);
        };
        let has_it = terms.flags.is_new() && !self.clients.sessions[key].has_missed_live();
        let is_removed = publications.parts(publication).payload.is_empty();
        has_it || is_removed || self.give_replayed(now, key, &mut Parcelled::stored(publication), qos, terms)
    }

    fn give_replayed(
        &mut self,
        now: Time,
        key: SessionKey,
        parcelled: &mut Parcelled<'_>,
        qos: QoSLevel,
        terms: &ReplayTerms,
    ) -> bool {
        let message = parcelled.parts(&self.clients.publications);
        let own = terms.flags.no_local() && message.publisher == self.clients.sessions[key].publisher;
        if own || message.is_expired(now) {
            return true;
        }
        let qos = qos.min(terms.maximum_qos);
        if !self.clients.has_room_for_replay(key, qos, message.size()) {
            return false;
        }
        if qos != QoSLevel::AtMostOnce {
            parcelled.store(&mut self.clients.publications); // it is kept already, there is room for it
        }
        let id = terms.id.map(NonZeroU32::get);
        let subscription_ids = id.as_slice();
        let out = Outbound { to: key, qos, retain: true, subscription_ids, group: None, group_seq: 0 };
        self.clients.deliver(now, parcelled, &out, &mut Encodings::default());
        true
    }

    /// A session has taken a message: the shard that sent it is owed credit.
    pub(super) fn owe_credit(&mut self, key: SessionKey, credit: u32, terms: &ReplayTerms) {
        *self.clients.sessions[key].rare().owed.entry((terms.from, terms.replay)).or_default() += credit;
    }

    /// Another shard's replay is complete.
    pub(crate) fn remote_replay_done(&mut self, from: ShardId, session: SessionRef, replay: u64) {
        let Some(key) = self.clients.sessions.resolve(session) else { return };
        let parked = &mut self.clients.sessions[key].rare().parked;
        if parked.is_empty() {
            self.finish_remote(key, from, replay);
        } else {
            parked.push_back(Parked::Done { from, replay });
        }
    }

    pub(super) fn finish_remote(&mut self, key: SessionKey, from: ShardId, replay: u64) {
        self.clients.sessions[key].rare().owed.remove(&(from, replay));
        self.replay_done(self.clients.sessions[key].name);
    }

    /// A replay is complete: the next one begins.
    pub(super) fn replay_done(&mut self, session: SessionRef) {
        let Some(key) = self.clients.sessions.resolve(session) else { return };
        let rare = self.clients.sessions[key].rare();
        rare.active = rare.active.saturating_sub(1);
        while self.clients.sessions[key].rare().active < ACTIVE_MAX
            && let Some(next) = self.clients.sessions[key].rare().waiting.pop_front()
        {
            let filter = TopicFilter::from_checked(&next.filter);
            self.ask_for_replay(key, filter, next.subscription, next.asked);
        }
        let left = self.count_replays(key);
        let slot = &mut self.clients.sessions[key];
        let connection = slot.connection;
        let rare = slot.rare();
        if left == 0 && rare.owed.is_empty() && rare.shares.is_unused() {
            slot.rare = None; // most sessions need it for a moment only
        }
        if left <= REPLAYS_MAX
            && let Some(id) = connection
        {
            self.clients.resume(id, pause::REPLAYS);
        }
    }

    /// A session may have room again: its replays go on.
    pub(crate) fn unblock_replays(&mut self, now: Time, key: SessionKey) {
        if self.clients.sessions[key].rare.is_some() && !self.clients.is_congested(key) {
            self.resume_parked(now, key);
            self.replays.unblock(self.clients.sessions[key].name);
            self.pay_replays(key);
        }
    }

    /// Gives credit back for what a session has taken, if it can take more.
    fn pay_replays(&mut self, key: SessionKey) {
        let is_owed = self.clients.sessions[key].rare.as_ref().is_some_and(|rare| !rare.owed.is_empty());
        if !is_owed || self.clients.is_congested(key) {
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
        self.drop_parked(key);
        let slot = &mut self.clients.sessions[key];
        let name = slot.name;
        if let Some(rare) = &mut slot.rare {
            let before = core::mem::take(&mut rare.replays);
            for ((shard, replay), _) in core::mem::take(&mut rare.owed) {
                self.outbox(shard).push(Mail::ReplayCredit { replay, credit: 0 });
            }
            self.count_receivers(before, 0);
        }
        self.replays.unblock(name); // they end when they find the session gone
    }
}

impl Clients {
    /// Whether a session should not be given more of a replay now. One that is away gets the rest when it is back.
    pub(crate) fn is_congested(&self, key: SessionKey) -> bool {
        let slot = &self.sessions[key];
        slot.connection.is_none_or(|id| {
            self.connections[id].output.len() >= self.config.limits.output_low_bytes
                || slot.session.outgoing.queued() >= QUEUED_MAX
        })
    }

    /// Whether a message of a replay would be taken. What does not even fit into an empty queue counts as if it did,
    /// and is dropped by name: waiting would not help.
    pub(super) fn has_room_for_replay(&self, key: SessionKey, qos: QoSLevel, bytes: usize) -> bool {
        if self.is_congested(key) {
            return false;
        }
        let (queued, most) = (self.sessions[key].session.outgoing.bytes(), self.config.queue_bytes_max);
        qos == QoSLevel::AtMostOnce || bytes > most || queued + bytes <= most
    }

    /// A live message with RETAIN was dropped for a session: what a replay brings of its topic is not the same again.
    pub(crate) fn live_was_missed(&mut self, key: SessionKey) {
        if let Some(rare) = &mut self.sessions[key].rare {
            rare.has_missed_live = rare.replays > 0;
        }
    }
}
