//! The shard that keeps the messages: replays step through them, for a session here or on another shard.

use super::live::Since;
use super::{Replay, Replays, kib};
use crate::clients::{Clients, Outbound, Parcelled};
use crate::index::Subscription;
use crate::mail::{Mail, ReplayFlags};
use crate::retained::{Cursor, RetainedMessage, Step};
use crate::session::SessionRef;
use crate::shard::Shard;
use core::num::NonZeroU32;
use core::ops::ControlFlow;
use martlet_codec::TopicFilter;
use martlet_protocol::{Encodings, Publications, Time};

/// Topics looked at in one step of one replay.
const STEP_VISITS: usize = 256;
/// Steps of all replays together in one turn.
const TURN_STEPS: usize = 8;

impl Shard {
    pub(crate) fn start_replay(
        &mut self,
        session: SessionRef,
        filter: TopicFilter<'_>,
        subscription: Subscription,
        asked: u64,
    ) {
        let Subscription { options, id } = subscription;
        let cursor = Cursor::new(filter);
        let credit = self.replay_window();
        let known = self.replays.new_topics.last();
        let since = Since { session: session.shard(), asked: known, drained: known };
        self.replays.start(Replay { session, cursor, options, id, asked, since, credit });
        if self.clients.config.shards == 1 {
            self.replays.release_fresh(); // there is no mail
        }
    }

    /// Goes on with some replays; the rest follow in the next turn.
    pub(crate) fn step_replays(&mut self, now: Time) {
        while self.replays.steps < TURN_STEPS {
            let Some(number) = self.replays.runnable.pop_front() else { return };
            self.replays.steps += 1;
            let Some(replay) = self.replays.all.get(&number) else { continue };
            if replay.session.shard() == self.clients.config.shard {
                self.step_local(now, number);
            } else {
                self.step_remote(now, number);
            }
        }
    }

    fn step_local(&mut self, now: Time, number: u64) {
        let Replays { all, new_topics, .. } = &mut self.replays;
        let Some(replay) = all.get_mut(&number) else { return };
        let Some(key) = self.clients.sessions.resolve(replay.session) else {
            return self.replays.finish(number);
        };
        let mut encodings = Encodings::default();
        let (clients, options, since) = (&mut self.clients, replay.options, replay.since);
        let id = replay.id.map(NonZeroU32::get);
        let subscription_ids = id.as_slice();
        let mut blocked = false;
        let visit = &mut |clients: &mut Clients, retained: RetainedMessage| {
            let message = clients.publications.parts(retained.publication);
            let slot = &clients.sessions[key];
            let own = options.no_local && message.publisher == slot.publisher;
            let has_it = new_topics.is_new(message.topic, &since) && !slot.has_missed_live();
            if own || has_it || message.is_expired(now) {
                return ControlFlow::Continue(());
            }
            let qos = retained.qos.min(options.maximum_qos);
            if !clients.has_room_for_replay(key, qos, message.size()) {
                blocked = true;
                return ControlFlow::Break(());
            }
            let out = Outbound { to: key, qos, retain: true, subscription_ids, group: None, group_seq: 0 };
            clients.deliver(now, &mut Parcelled::stored(retained.publication), &out, &mut encodings);
            encodings.clear();
            ControlFlow::Continue(())
        };
        let step = replay.cursor.step(&self.retained, STEP_VISITS, clients, visit);
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
        let Replays { all, new_topics, .. } = &mut self.replays;
        let Some(replay) = all.get_mut(&number) else { return };
        let (session, to) = (replay.session, replay.session.shard());
        let Replay { cursor, options, id, asked, since, credit, .. } = replay;
        let (asked, since) = (*asked, *since);
        let batch = self.outboxes[to.0 as usize].batch(&mut self.clients.effects, to);
        let visit = &mut |publications: &mut &Publications, retained: RetainedMessage| {
            if *credit <= 0 {
                return ControlFlow::Break(());
            }
            let message = publications.get(retained.publication);
            if !message.is_expired(now) {
                *credit -= i64::from(kib(&message));
                let parcel = batch.pack(&message);
                let (qos, maximum_qos) = (retained.qos, options.maximum_qos);
                let is_new = new_topics.is_new(message.topic.as_str().as_bytes(), &since);
                let flags = ReplayFlags::new(options.no_local, is_new);
                let id = *id;
                batch.push(Mail::Replayed {
                    session,
                    replay: number,
                    parcel,
                    qos,
                    maximum_qos,
                    id,
                    flags,
                    asked,
                });
            }
            ControlFlow::Continue(())
        };
        let step = cursor.step(&self.retained, STEP_VISITS, &mut &self.clients.publications, visit);
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
}
