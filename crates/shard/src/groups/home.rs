//! The side of the shard that keeps a group: members come and go, publications are offered, waiting ones assigned.

use super::{Assigned, GroupKey, GroupMessage};
use crate::clients::{Clients, Parcelled};
use crate::counters::Dropped;
use crate::fanout::topic_hash;
use crate::index::Subscription;
use crate::mail::Mail;
use crate::memory::GROUP_ENTRY_BYTES;
use crate::session::SessionRef;
use crate::shard::Shard;
use crate::shared::{Group, Item, Offer};
use martlet_codec::{QoSLevel, ReasonCode, RetainHandling, SubscriptionOptions, TopicFilter};
use martlet_protocol::{Message, Time};

impl Shard {
    /// A session joins a group or changes its subscription to it. A new member is charged for the filter.
    pub(crate) fn member_joins(
        &mut self,
        now: Time,
        filter: TopicFilter<'_>,
        member: SessionRef,
        subscription: Subscription,
        credit: u16,
    ) -> Result<(), ReasonCode> {
        let known = self.groups.find(filter.as_str());
        let is_member = known.is_some_and(|key| self.groups.get(key).group.has(member));
        if !is_member && !self.shapes.charge(member, filter) {
            return Err(ReasonCode::QuotaExceeded);
        }
        let key = known.unwrap_or_else(|| self.found_group(filter));
        self.groups.get(key).group.join(member, subscription, credit);
        self.assign_waiting(now, key);
        Ok(())
    }

    fn found_group(&mut self, filter: TopicFilter<'_>) -> GroupKey {
        let group = Group::new(self.clients.config.share_strategy, self.clients.config.group_bytes_max);
        let key = self.groups.insert(filter.as_str(), group);
        let options = SubscriptionOptions {
            maximum_qos: QoSLevel::ExactlyOnce,
            no_local: false,
            retain_as_published: true,
            retain_handling: RetainHandling::DoNotSend,
        };
        let all = Subscription { options, id: None };
        let subscribed = self.index.subscribe(filter.unshared(), key.subscriber(), all);
        if subscribed.first_of_filter {
            self.interest_counts.add(&self.interest, filter.unshared());
        }
        key
    }

    pub(crate) fn member_leaves(&mut self, now: Time, filter: &str, member: SessionRef) {
        let Some(key) = self.groups.find(filter) else { return };
        let group = &mut self.groups.get(key).group;
        if group.has(member) {
            group.leave(member);
            self.shapes.release(member, TopicFilter::from_checked(filter));
        }
        if self.groups.get(key).group.members() > 0 {
            return self.assign_waiting(now, key);
        }
        let Some(mut kept) = self.groups.remove(key) else { return };
        let Clients { publications, counters, held, .. } = &mut self.clients;
        kept.group.retain(|waiting| {
            publications.release(waiting.publication);
            held.in_groups -= 1;
            counters.routed += 1;
            counters.dropped.count(Dropped::NoMember, 1);
            false
        });
        let filter = TopicFilter::from_checked(filter).unshared();
        if self.index.unsubscribe(filter, key.subscriber()).is_some_and(|removed| removed.last_of_filter) {
            self.interest_counts.remove(&self.interest, filter);
        }
    }

    pub(crate) fn member_online(&mut self, now: Time, filter: &str, member: SessionRef, credit: Option<u16>) {
        let Some(key) = self.groups.find(filter) else { return };
        match credit {
            Some(credit) => self.groups.get(key).group.set_credit(member, credit),
            None => self.groups.get(key).group.pause(member),
        }
        self.assign_waiting(now, key);
    }

    pub(crate) fn member_credit(&mut self, now: Time, filter: &str, member: SessionRef, credit: u16) {
        let Some(key) = self.groups.find(filter) else { return };
        self.groups.get(key).group.add_credit(member, credit);
        self.assign_waiting(now, key);
    }

    /// A message that a member did not begin. It takes over a reference.
    pub(crate) fn take_back(
        &mut self,
        now: Time,
        filter: &str,
        member: SessionRef,
        given_back: GroupMessage,
    ) {
        let publication = given_back.publication;
        let Some(key) = self.groups.find(filter) else {
            self.clients.publications.release(publication);
            self.clients.counters.routed += 1;
            return self.clients.counters.dropped.count(Dropped::NoMember, 1);
        };
        let message = self.clients.publications.get(publication);
        let item = item(&message, given_back);
        let group = &mut self.groups.get(key).group;
        group.add_credit(member, 1);
        group.give_back(item);
        self.clients.held.in_groups += 1;
        self.assign_waiting(now, key);
    }

    /// A publication that matches a group's filter.
    pub(crate) fn offer(
        &mut self,
        now: Time,
        key: GroupKey,
        parcelled: &mut Parcelled<'_>,
        qos: QoSLevel,
        retain: bool,
    ) {
        let message = parcelled.message(&self.clients.publications);
        let (topic, publisher) = (topic_hash(message.topic.as_str()), message.publisher);
        let kept = self.groups.get(key);
        if qos == QoSLevel::AtMostOnce {
            let Some((member, subscription)) = kept.group.offer_at_most_once(topic, publisher) else {
                self.clients.counters.routed += 1;
                return self.clients.counters.dropped.count(Dropped::NoMember, 1);
            };
            return self.assign(now, key, member, parcelled, &Assigned { qos, retain, subscription });
        }
        if self.clients.is_full_for(message.size()) {
            self.clients.counters.routed += 1;
            return self.clients.counters.dropped.count(Dropped::Memory, 1);
        }
        let publication = parcelled.store(&mut self.clients.publications);
        let message = self.clients.publications.get(publication);
        match kept.group.offer(item(&message, GroupMessage { publication, qos, retain })) {
            Offer::Assign(member, subscription) => {
                self.assign(now, key, member, parcelled, &Assigned { qos, retain, subscription });
            }
            Offer::Queued => {
                self.clients.held.in_groups += 1;
                self.clients.publications.retain(publication);
            }
            Offer::DroppedFull => {
                self.clients.counters.routed += 1;
                self.clients.counters.dropped.count(Dropped::QueueFull, 1);
            }
        }
    }

    fn assign(
        &mut self,
        now: Time,
        key: GroupKey,
        member: SessionRef,
        parcelled: &mut Parcelled<'_>,
        assigned: &Assigned,
    ) {
        let filter = self.groups.get(key).filter.clone();
        let to = member.shard();
        if to == self.clients.config.shard {
            return self.assigned(now, &filter, member, parcelled, assigned);
        }
        let batch = self.outboxes[to.0 as usize].batch(&mut self.clients.effects, to);
        let filter = batch.pack_text(&filter);
        let parcel = batch.pack(&parcelled.message(&self.clients.publications));
        let Assigned { qos, retain, subscription } = *assigned;
        batch.push(Mail::Assigned { member, filter, parcel, qos, retain, subscription });
    }

    /// Gives waiting messages to members that have credit.
    fn assign_waiting(&mut self, now: Time, key: GroupKey) {
        while let Some(kept) = self.groups.kept[key.0 as usize].as_deref_mut() {
            let Some(assignment) = kept.group.poll_assignment() else { return };
            self.clients.held.in_groups -= 1;
            let GroupMessage { publication, qos, retain } = assignment.message;
            let subscription = assignment.subscription;
            if self.clients.publications.parts(publication).is_expired(now) {
                kept.group.add_credit(assignment.member, 1);
                self.clients.counters.routed += 1;
                self.clients.counters.dropped.count(Dropped::Expired, 1);
            } else {
                let mut parcelled = Parcelled::stored(publication);
                let assigned = Assigned { qos, retain, subscription };
                self.assign(now, key, assignment.member, &mut parcelled, &assigned);
            }
            self.clients.publications.release(publication);
        }
    }
}

fn item(message: &Message<'_>, handle: GroupMessage) -> Item<GroupMessage> {
    Item {
        message: handle,
        bytes: u32::try_from(message.size() + GROUP_ENTRY_BYTES).unwrap_or(u32::MAX),
        topic: topic_hash(message.topic.as_str()),
        publisher: message.publisher,
    }
}
