//! The session's side: replays are asked for, taken in, paid for with credit, and done.

use super::{ACTIVE_MAX, kib};
use crate::clients::{Clients, Outbound, Parcelled};
use crate::connection::pause;
use crate::index::Subscription;
use crate::interface::ShardId;
use crate::mail::Mail;
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
    pub(crate) qos: QoSLevel,
    pub(crate) id: Option<NonZeroU32>,
    pub(crate) no_local: bool,
    pub(crate) asked: u64,
}

impl Shard {
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
            let mut parcelled = Parcelled::borrowed(&replayed.message);
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
        let slot = &mut self.clients.sessions[key];
        let connection = slot.connection;
        let rare = slot.rare();
        rare.count_replays();
        let left = rare.replays;
        if left == 0 {
            (rare.fresh, rare.waiting) = Default::default();
            if rare.owed.is_empty() && rare.shares.is_unused() {
                slot.rare = None; // most sessions need it for a moment only
            }
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

impl Clients {
    /// Whether a session should not be given more of a replay now.
    pub(crate) fn is_congested(&self, key: SessionKey) -> bool {
        let slot = &self.sessions[key];
        let output = slot.connection.map_or(0, |id| self.connections[id].output.len());
        slot.connection.is_some()
            && (output >= self.config.limits.output_low_bytes || slot.session.outgoing.queued() >= QUEUED_MAX)
    }
}
