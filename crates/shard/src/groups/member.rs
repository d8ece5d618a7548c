//! The side of the members: what a session of this shard tells its groups, and what it gets from them.

use super::{Assigned, GivenBack, GroupMessage, Joined};
use crate::clients::{Outbound, Parcelled};
use crate::counters::Dropped;
use crate::index::Subscription;
use crate::interface::ShardId;
use crate::mail::Mail;
use crate::session::{SessionKey, SessionRef};
use crate::shard::Shard;
use crate::shares::Shares;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use martlet_codec::{QoSLevel, ReasonCode, TopicFilter};
use martlet_protocol::{Encodings, Time};

/// Messages that a member may hold unsettled, within its own window.
const CREDIT: u16 = 256;

impl Shard {
    /// A session of this shard subscribes to `$share/name/filter`. A home elsewhere confirms by [`Mail::Joined`] with
    /// this token, so that what is published after the SUBACK finds the group there.
    pub(crate) fn join(
        &mut self,
        now: Time,
        key: SessionKey,
        filter: TopicFilter<'_>,
        subscription: Subscription,
        token: u64,
    ) -> Result<Joined, ReasonCode> {
        let home = self.home_of_share(filter.as_str());
        let slot = &mut self.clients.sessions[key];
        let is_new = slot.rare().shares.find(filter.as_str()).is_none();
        let is_full = slot.rare().shares.len() >= Shares::MAX || self.clients.is_full_for_subscriptions();
        if is_new && is_full {
            return Err(ReasonCode::QuotaExceeded);
        }
        if is_new {
            let is_part = self.clients.sessions[key].rare().shares.add(filter.as_str(), home);
            self.clients.share_joined(filter.as_str(), is_part);
        }
        if let Some(share) = self.clients.sessions[key].rare().shares.find(filter.as_str()) {
            share.asked = token;
        }
        let credit = self.credit_of(key, filter.as_str());
        let member = self.clients.sessions[key].name;
        if home == self.clients.config.shard {
            let result = self.member_joins(now, filter, member, subscription, credit);
            if result.is_err() {
                self.forget_share(key, token);
            }
            return result.map(|()| Joined::Now);
        }
        let batch = self.outbox(home);
        let filter = batch.pack_text(filter.as_str());
        batch.push(Mail::Join { member, filter, subscription, credit, token });
        Ok(Joined::Asked)
    }

    /// A group elsewhere has this session among its members, or has refused it: its SUBACK may go once all groups have
    /// said so.
    pub(crate) fn joined(
        &mut self,
        now: Time,
        member: SessionRef,
        token: u64,
        result: Result<(), ReasonCode>,
    ) {
        let Some(key) = self.clients.sessions.resolve(member) else { return };
        if result.is_err() {
            self.clients.counters.subscriptions_refused += 1;
            self.forget_share(key, token);
        }
        let Some(id) = self.clients.sessions[key].connection else { return };
        if let Some(dues) = &mut self.clients.connections[id].dues {
            dues.group_answered(token, result);
            self.clients.pay(now, id);
        }
    }

    /// Undoes a [`Shard::join`] that the group's home has refused, if the session has not asked again since.
    fn forget_share(&mut self, key: SessionKey, token: u64) {
        let rare = self.clients.sessions[key].rare.as_mut();
        if let Some(share) = rare.and_then(|rare| rare.shares.asked(token)) {
            share.has_left = true;
            let number = share.number;
            self.clients.share_left();
            self.forget_settled_share(key, number);
        }
    }

    /// A session has left a group, and perhaps holds nothing of it any more.
    fn forget_settled_share(&mut self, key: SessionKey, number: NonZeroU32) {
        let rare = self.clients.sessions[key].rare.as_mut();
        if let Some(share) = rare.and_then(|rare| rare.shares.remove_settled(number)) {
            self.clients.share_forgotten(&share.filter);
        }
    }

    /// Messages of a group that a session may be given now.
    fn credit_of(&mut self, key: SessionKey, filter: &str) -> u16 {
        let slot = &mut self.clients.sessions[key];
        let Some(id) = slot.connection else { return 0 };
        let window = self.clients.connections[id].protocol.window();
        let outstanding = slot.rare().shares.find(filter).map_or(0, |share| share.outstanding);
        window.min(CREDIT).saturating_sub(outstanding)
    }

    /// A session of this shard unsubscribes; whether it was subscribed.
    pub(crate) fn leave(&mut self, now: Time, key: SessionKey, filter: TopicFilter<'_>) -> bool {
        let slot = &mut self.clients.sessions[key];
        let Some(share) = slot.rare.as_mut().and_then(|rare| rare.shares.find(filter.as_str())) else {
            return false;
        };
        share.has_left = true;
        let (member, number, home) = (slot.name, share.number, share.home);
        self.clients.share_left();
        if home == self.clients.config.shard {
            self.member_leaves(now, filter.as_str(), member);
        } else {
            let batch = self.outbox(home);
            let filter = batch.pack_text(filter.as_str());
            batch.push(Mail::Leave { member, filter });
        }
        self.hand_back(key, false, Some(number)); // what it did not begin
        self.forget_settled_share(key, number);
        true
    }

    /// A session ends: its groups get back what may go to others, and lose a member. [MQTT-4.8.2-5]
    pub(crate) fn leave_all(&mut self, now: Time, key: SessionKey) {
        self.hand_back(key, true, None);
        let Some(rare) = &self.clients.sessions[key].rare else { return };
        let filters: Vec<Box<str>> = rare.shares.iter().map(|share| share.filter.clone()).collect();
        for filter in filters {
            self.leave(now, key, TopicFilter::from_checked(&filter));
        }
        let rare = self.clients.sessions[key].rare.as_mut();
        for share in rare.map(|rare| rare.shares.take_all()).unwrap_or_default() {
            self.clients.share_forgotten(&share.filter); // QoS 2 that it had begun ends with the session
        }
    }

    /// A session has a connection again: its groups may give it messages.
    pub(crate) fn come_online(&mut self, now: Time, key: SessionKey) {
        for (filter, home) in self.groups_of(key) {
            let credit = self.credit_of(key, &filter);
            self.tell_online(now, key, &filter, home, Some(credit));
        }
    }

    /// A session lost its connection: its groups give it nothing, and get back what was not begun.
    pub(crate) fn members_offline(&mut self, now: Time, key: SessionKey) {
        let groups = self.groups_of(key);
        for (filter, home) in &groups {
            self.tell_online(now, key, filter, *home, None);
        }
        if !groups.is_empty() {
            self.hand_back(key, false, None);
        }
    }

    fn groups_of(&self, key: SessionKey) -> Vec<(Box<str>, ShardId)> {
        let Some(rare) = &self.clients.sessions[key].rare else { return Vec::new() };
        rare.shares.iter().map(|share| (share.filter.clone(), share.home)).collect()
    }

    fn tell_online(&mut self, now: Time, key: SessionKey, filter: &str, home: ShardId, credit: Option<u16>) {
        let member = self.clients.sessions[key].name;
        if home == self.clients.config.shard {
            return self.member_online(now, filter, member, credit);
        }
        let batch = self.outbox(home);
        let filter = batch.pack_text(filter);
        batch.push(Mail::Online { member, filter, credit });
    }

    /// Takes messages of groups, or of the one with this number, out of a session's queue and gives them back;
    /// `also_sent`: those too that were sent with QoS 1 and not acknowledged.
    fn hand_back(&mut self, key: SessionKey, also_sent: bool, only: Option<NonZeroU32>) {
        let slot = &mut self.clients.sessions[key];
        let Some(rare) = &mut slot.rare else { return };
        let shares = &mut rare.shares;
        let member = slot.name;
        let mut returned = Vec::new();
        let publications = &self.clients.publications;
        let in_flight = slot.session.outgoing.in_flight();
        let entry_bytes = slot.session.outgoing.entry_bytes();
        slot.session.outgoing.reclaim(publications, also_sent, |publication, entry| {
            let number = entry.group.filter(|number| only.is_none_or(|only| only == *number));
            let Some(share) = number.and_then(|number| shares.numbered(number)) else { return false };
            share.outstanding = share.outstanding.saturating_sub(1);
            let message = GroupMessage { publication, qos: entry.qos, retain: entry.retain };
            returned.push((share.filter.clone(), share.home, GivenBack { message, seq: entry.group_seq }));
            true
        });
        self.clients.counters.in_flight -= u64::from(in_flight - slot.session.outgoing.in_flight());
        self.clients.held.entries_changed(entry_bytes, slot.session.outgoing.entry_bytes());
        for (filter, home, given_back) in returned.into_iter().rev() {
            self.clients.counters.queued -= 1;
            self.clients.counters.routed -= 1; // this delivery did not happen
            self.return_one(&filter, home, member, given_back);
            self.clients.publications.release(given_back.message.publication);
        }
    }

    fn return_one(&mut self, filter: &str, home: ShardId, member: SessionRef, given_back: GivenBack) {
        let GivenBack { message: GroupMessage { publication, qos, retain }, seq } = given_back;
        if home != self.clients.config.shard {
            let batch = self.outboxes[home.0 as usize].batch(&mut self.clients.effects, home);
            let filter = batch.pack_text(filter);
            let parcel = batch.pack(&self.clients.publications.get(publication));
            batch.push(Mail::Return { member, filter, parcel, qos, retain, seq });
            return;
        }
        self.clients.publications.retain(publication);
        self.take_back(filter, member, given_back);
    }

    /// Credit for what the sessions of this shard have settled.
    pub(crate) fn pay_groups(&mut self, now: Time) {
        while let Some((member, number)) = self.clients.settled.pop() {
            let Some(key) = self.clients.sessions.resolve(member) else { continue };
            let slot = &mut self.clients.sessions[key];
            let Some(share) = slot.rare.as_mut().and_then(|rare| rare.shares.numbered(number)) else {
                continue;
            };
            share.outstanding = share.outstanding.saturating_sub(1);
            if share.has_left {
                self.forget_settled_share(key, number); // nobody waits for its credit
                continue;
            }
            let (filter, home) = (share.filter.clone(), share.home);
            if home == self.clients.config.shard {
                self.member_credit(now, &filter, member, 1);
            } else {
                let batch = self.outbox(home);
                let filter = batch.pack_text(&filter);
                batch.push(Mail::Credit { member, filter, credit: 1 });
            }
        }
    }

    /// A message of a group for a session of this shard.
    pub(crate) fn assigned(
        &mut self,
        now: Time,
        filter: &str,
        member: SessionRef,
        parcelled: &mut Parcelled<'_>,
        assigned: &Assigned,
    ) {
        let waits = assigned.qos != QoSLevel::AtMostOnce;
        let key = self.clients.sessions.resolve(member);
        let key = key.filter(|key| !waits || self.clients.sessions[*key].connection.is_some());
        let share = key.and_then(|key| self.clients.sessions[key].rare().shares.find(filter));
        let (Some(key), Some(share)) = (key, share) else {
            // The member left, or went offline, while this was on its way: another may have it.
            if !waits {
                self.clients.counters.routed += 1;
                return self.clients.counters.dropped.count(Dropped::Offline, 1);
            }
            let publication = parcelled.store(&mut self.clients.publications);
            let home = self.home_of_share(filter);
            let message = GroupMessage { publication, qos: assigned.qos, retain: assigned.retain };
            return self.return_one(filter, home, member, GivenBack { message, seq: assigned.seq });
        };
        let qos = assigned.qos.min(assigned.subscription.options.maximum_qos); // [MQTT-4.8.2-3]
        let number = share.number;
        let queued = qos != QoSLevel::AtMostOnce;
        share.outstanding += u16::from(waits);
        let id = assigned.subscription.id.map(NonZeroU32::get);
        let subscription_ids = id.as_slice();
        let retain = assigned.retain && assigned.subscription.options.retain_as_published; // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
        let group = queued.then_some(number);
        let out = Outbound { to: key, qos, retain, subscription_ids, group, group_seq: assigned.seq };
        let taken = self.clients.deliver_assigned(now, parcelled, &out, &mut Encodings::default());
        if waits && !(taken && queued) {
            self.clients.settle(key, Some(number)); // nothing will be acknowledged
        }
    }
}
