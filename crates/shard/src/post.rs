//! Mail from other shards, opened in the order in which it was written.

use crate::clients::Parcelled;
use crate::fanout::Terms;
use crate::groups::{Assigned, GivenBack, GroupMessage};
use crate::interface::{Effect, ShardId};
use crate::levels::UnderWay;
use crate::mail::{Batch, Mail};
use crate::replay::{ReplayTerms, Replayed};
use crate::shard::Shard;
use alloc::collections::VecDeque;
use martlet_codec::TopicFilter;
use martlet_protocol::Time;

/// Mail that waits to be taken to one shard.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) batch: Batch,
    told: bool,
}

impl Outbox {
    /// The batch to write into; the owner of the mailboxes is told that there is mail.
    pub(crate) fn batch(&mut self, effects: &mut VecDeque<Effect>, to: ShardId) -> &mut Batch {
        if !self.told {
            self.told = true;
            effects.push_back(Effect::Mail(to));
        }
        &mut self.batch
    }
}

/// A batch that was too much work for one turn.
#[derive(Debug)]
pub(crate) struct Opened {
    from: ShardId,
    batch: Batch,
    /// The number of the mail to go on with.
    next: usize,
}

impl Shard {
    /// Where mail to another shard is written.
    pub(crate) fn outbox(&mut self, to: ShardId) -> &mut Batch {
        self.outboxes[to.0 as usize].batch(&mut self.clients.effects, to)
    }

    /// Hands over what was written to another shard, if anything; publishers that waited for this are read on.
    ///
    /// `empty` gives the batch to write into next: one that came back from there ([`Self::take_emptied`]), so that its
    /// memory is used again, or a new one.
    pub fn take_mail(&mut self, to: ShardId, empty: impl FnOnce() -> Batch) -> Option<Batch> {
        let outbox = &mut self.outboxes[to.0 as usize];
        outbox.told = false;
        if outbox.batch.is_empty() {
            return None;
        }
        let empty = empty();
        debug_assert!(empty.is_empty(), "what is in it would go to whoever gets the next mail");
        let batch = core::mem::replace(&mut outbox.batch, empty);
        self.interest.levels.sent(to, batch.under_way());
        if !self.is_mail_above_bound() {
            for id in core::mem::take(&mut self.throttled) {
                self.clients.resume(id, crate::connection::pause::MAIL);
            }
        }
        Some(batch)
    }

    /// Whether this shard takes the next batch: not while it has a rest of the last one.
    pub fn wants_mail(&self) -> bool {
        self.opened.is_none()
    }

    /// The batch that was opened last, emptied, and its sender, who writes into it again if it is brought there.
    /// It is freed if the next one is emptied before it was taken.
    pub fn take_emptied(&mut self) -> Option<(ShardId, Batch)> {
        self.emptied.take()
    }

    pub(crate) fn open_mail(&mut self, now: Time, from: ShardId, batch: Batch) {
        assert!(self.wants_mail(), "the owner of the mailboxes asks first");
        self.opened = Some(Opened { from, batch, next: 0 });
        self.go_on_with_mail(now);
        self.after(now);
    }

    /// Opens the rest of a batch, as far as the work of this turn allows.
    pub(crate) fn go_on_with_mail(&mut self, now: Time) {
        let Some(Opened { from, mut batch, mut next }) = self.opened.take() else { return };
        let mut opened = UnderWay::default();
        while self.clients.work < self.clients.config.work_max
            && let Some(mail) = batch.get(next)
        {
            next += 1;
            if !matches!(mail, Mail::Publish { .. }) {
                self.flush(now);
                self.clients.work += 1;
            }
            opened += batch.weight_of(mail);
            self.open(now, from, &batch, mail);
        }
        self.flush(now);
        self.tell_level();
        self.interest.levels.opened(self.clients.config.shard, opened);
        if batch.get(next).is_some() {
            self.opened = Some(Opened { from, batch, next });
        } else {
            batch.clear();
            self.emptied = Some((from, batch));
        }
    }

    fn open(&mut self, now: Time, from: ShardId, batch: &Batch, mail: &Mail) {
        match *mail {
            Mail::Publish { parcel, qos, retain } => {
                let terms = Terms { qos, retain, may_wait: true };
                self.deliver_mail(now, &batch.message(&parcel), terms);
            }
            Mail::Retain { parcel, qos } => self.set_retained(&batch.message(&parcel), qos, from),
            Mail::Replay { session, filter, subscription, asked } => {
                self.start_replay(
                    session,
                    TopicFilter::from_checked(batch.text(&filter)),
                    subscription,
                    asked,
                );
            }
            Mail::Replayed { session, replay, parcel, qos, maximum_qos, id, flags, asked } => {
                let message = batch.message(&parcel);
                let terms = ReplayTerms { from, replay, qos, maximum_qos, id, flags, asked };
                self.replayed(now, &Replayed { session, message, terms });
            }
            Mail::ReplayCredit { replay, credit } => self.replay_credit(replay, credit),
            Mail::ReplayDone { session, replay } => self.remote_replay_done(from, session, replay),
            Mail::Counters(ref counters) => self.others[from.0 as usize].clone_from(counters),
            _ => self.open_group_mail(now, from, batch, mail),
        }
    }

    fn open_group_mail(&mut self, now: Time, from: ShardId, batch: &Batch, mail: &Mail) {
        match *mail {
            Mail::Join { member, filter, subscription, credit, token } => {
                let filter = TopicFilter::from_checked(batch.text(&filter));
                let result = self.member_joins(now, filter, member, subscription, credit);
                self.outbox(from).push(Mail::Joined { member, token, result });
            }
            Mail::Joined { member, token, result } => self.joined(now, member, token, result),
            Mail::Leave { member, filter } => self.member_leaves(now, batch.text(&filter), member),
            Mail::Online { member, filter, credit } => {
                self.member_online(now, batch.text(&filter), member, credit);
            }
            Mail::Credit { member, filter, credit } => {
                self.member_credit(now, batch.text(&filter), member, credit);
            }
            Mail::Assigned { member, filter, parcel, qos, retain, subscription, seq } => {
                let message = batch.message(&parcel);
                let mut parcelled = Parcelled::borrowed(&message);
                let assigned = Assigned { qos, retain, subscription, seq };
                self.assigned(now, batch.text(&filter), member, &mut parcelled, &assigned);
                parcelled.finish(&mut self.clients.publications);
            }
            Mail::Return { member, filter, parcel, qos, retain, seq } => {
                let publication = self.clients.publications.insert(&batch.message(&parcel));
                let message = GroupMessage { publication, qos, retain };
                self.take_back(batch.text(&filter), member, GivenBack { message, seq });
            }
            _ => unreachable!("everything else is opened by the caller"),
        }
    }
}
