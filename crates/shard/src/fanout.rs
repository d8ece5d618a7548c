//! From a publication to its receivers: interest of other shards, matching on this one, one copy per session
//! however many of its subscriptions match. It writes nothing itself.

use crate::clients::{Clients, Outbound, Parcelled};
use crate::connection::pause;
use crate::groups::GroupKey;
use crate::interface::{ConnectionId, ShardId};
use crate::mail::Mail;
use crate::memory::GROUP_ENTRY_BYTES;
use crate::publish::Publisher;
use crate::session::SessionKey;
use crate::shard::Shard;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use foldhash::fast::FixedState;
use martlet_codec::{QoSLevel, TopicName};
use martlet_protocol::{Burst, Encodings, Entry, Message, Publications, Time};

/// The end of a chain in [`Fanout::more_ids`].
const NO_MORE: u32 = u32::MAX;

/// Targets of the longest route that is remembered.
const ROUTE_TARGETS_MAX: usize = 8;

/// Deliveries of further messages of a burst that are as much work as that of the first.
const MORE_PER_WORK: u32 = 4;

/// The targets of a client's last topic on this shard, which most of its messages are for.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// [`Index::generation`](crate::index::Index::generation) when they were found; `None`: they were not.
    generation: Option<u64>,
    targets: Vec<Target>,
    publisher_is_target: bool,
}

impl Route {
    /// The client's next message has another topic.
    pub(crate) fn forget(&mut self) {
        self.generation = None;
    }
}

/// A session that a publication goes to.
#[derive(Clone, Copy, Debug)]
struct Target {
    to: SessionKey,
    qos: QoSLevel,
    retain_as_published: bool,
    /// The first Subscription Identifier, 0 for none.
    subscription_id: u32,
    /// The last of its others in [`Fanout::more_ids`], [`NO_MORE`] for none.
    more_ids: u32,
}

/// Room for the targets of one publication, used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Fanout {
    /// Numbers the publications; a session remembers the last one that it was a target of.
    stamp: u64,
    targets: Vec<Target>,
    /// Whether the publisher is one of them: it gets each message right after its acknowledgement.
    publisher_is_target: bool,
    groups: Vec<GroupKey>,
    /// Further Subscription Identifiers: the one before it of the same target, and the identifier.
    more_ids: Vec<(u32, u32)>,
    ids: Vec<u32>,
    encodings: Encodings,
    /// Messages that wait for the targets to get them; they have no groups.
    burst: Burst,
    /// Their QoS.
    qos: QoSLevel,
    /// Other shards that they were sent to.
    remote: u64,
    /// Bytes of QoS 1 and 2 messages that may join them before anybody has to look for room.
    room: u64,
}

/// How a publication is to be delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) qos: QoSLevel,
    pub(crate) retain: bool,
    /// Whether it may wait for others of its topic that follow, until [`Shard::flush`].
    pub(crate) may_wait: bool,
}

impl Shard {
    /// Sends a publication on its way: to subscribers here and on other shards, and to the retained messages.
    /// `publisher` is answered as soon as it is known whether anybody may receive it, before anything is delivered.
    /// [MQTT-4.5.0-1] [3.1.1 MQTT-4.5.0-1]
    pub(crate) fn route(
        &mut self,
        now: Time,
        message: &Message<'_>,
        terms: Terms,
        publisher: Option<Publisher<'_>>,
    ) {
        if let Some(remote) = self.join_burst(message, terms) {
            self.mail_publish(message, terms, remote);
            publisher.iter().for_each(|publisher| self.answer(publisher, true));
            return;
        }
        self.flush(now);
        if terms.retain {
            self.retain(message, terms.qos); // [3.1.1 MQTT-3.3.1-5] [3.1.1 MQTT-3.3.1-12]
        }
        let remote = self.remote(message);
        self.mail_publish(message, terms, remote);
        self.deliver_here(now, message, terms, publisher, remote);
    }

    /// Other shards that may have subscribers, one bit each.
    fn remote(&self, message: &Message<'_>) -> u64 {
        if self.clients.config.shards == 1 {
            return 0;
        }
        self.interest.shards(message.topic) & !(1 << self.clients.config.shard.0)
    }

    fn mail_publish(&mut self, message: &Message<'_>, terms: Terms, mut to: u64) {
        while to != 0 {
            let shard = ShardId(to.trailing_zeros() as u8);
            to &= to - 1;
            let batch = self.outbox(shard);
            let parcel = batch.pack(message);
            batch.will_bring(message, terms.qos);
            batch.push(Mail::Publish { parcel, qos: terms.qos, retain: terms.retain });
        }
    }

    /// Delivers what another shard has sent to the subscribers of this one.
    pub(crate) fn deliver_mail(&mut self, now: Time, message: &Message<'_>, terms: Terms) {
        if self.join_burst(message, terms).is_none() {
            self.flush(now);
            self.deliver_here(now, message, terms, None, 0);
        }
    }

    /// Adds a message to those that wait, if it goes where they go; to which other shards that is.
    fn join_burst(&mut self, message: &Message<'_>, terms: Terms) -> Option<u64> {
        let fanout = self.fanout.as_mut()?;
        if fanout.burst.is_empty() || terms.retain || terms.qos != fanout.qos || !fanout.burst.takes(message)
        {
            return None;
        }
        let bytes = fanout.kept_bytes(message.size(), self.admission.remote_fan_out);
        fanout.room = fanout.room.saturating_sub(bytes);
        fanout.burst.push(message);
        self.clients.work += fanout.work_of_one_more();
        Some(fanout.remote)
    }

    /// Bytes of messages that may come in while others wait to be delivered, before anybody has to look for room.
    pub(crate) fn room_of_waiting(&self) -> Option<u64> {
        self.fanout.as_ref().filter(|fanout| !fanout.burst.is_empty()).map(|fanout| fanout.room)
    }

    /// Bytes that the receivers of this shard need to queue a message, besides the message, `None` if nobody queues it;
    /// and the shards that members of its groups may live on.
    pub(crate) fn queued_bytes(&mut self, message: &Message<'_>, qos: QoSLevel) -> (Option<u64>, u64) {
        let mut fanout = self.fanout.take().unwrap_or_default();
        self.collect(message, &mut fanout, None);
        let queuing = fanout.targets.iter().filter(|target| qos.min(target.qos) != QoSLevel::AtMostOnce);
        let (sessions, groups) = (queuing.count(), fanout.groups.len());
        let shards = fanout.groups.iter().fold(0, |shards, group| shards | self.groups.shards(*group));
        fanout.clear();
        self.fanout = Some(fanout);
        let bytes = sessions * size_of::<Entry>() + groups * GROUP_ENTRY_BYTES;
        ((sessions + groups > 0).then_some(bytes as u64), shards)
    }

    /// Topic and QoS of the messages that wait, if there are any.
    pub(crate) fn waiting(&self) -> Option<(TopicName<'_>, QoSLevel)> {
        let fanout = self.fanout.as_ref().filter(|fanout| !fanout.burst.is_empty())?;
        Some((fanout.burst.topic(), fanout.qos))
    }

    /// Adds a message without properties, of the topic and publisher of those that wait; whether there is room.
    pub(crate) fn join_payload(&mut self, payload: &[u8]) -> bool {
        let Some(fanout) = self.fanout.as_mut().filter(|fanout| fanout.burst.takes_payload(payload)) else {
            return false;
        };
        let size = fanout.burst.topic().as_str().len() + payload.len();
        let bytes = fanout.kept_bytes(size, self.admission.remote_fan_out);
        let Some(room) = fanout.room.checked_sub(bytes) else { return false };
        fanout.room = room;
        fanout.burst.push_payload(payload);
        self.clients.work += fanout.work_of_one_more();
        if fanout.remote != 0 {
            let fanout = self.fanout.take();
            if let Some(fanout) = &fanout {
                let terms = Terms { qos: fanout.qos, retain: false, may_wait: true };
                self.mail_publish(&fanout.burst.message(fanout.burst.len() - 1), terms, fanout.remote);
            }
            self.fanout = fanout;
        }
        true
    }

    /// Answers the publisher, and delivers to the subscribers of this shard, or lets the message wait for more. The
    /// caller knows of subscribers on other shards.
    fn deliver_here(
        &mut self,
        now: Time,
        message: &Message<'_>,
        terms: Terms,
        mut publisher: Option<Publisher<'_>>,
        remote: u64,
    ) {
        let mut fanout = self.fanout.take().unwrap_or_default();
        match publisher.as_mut().and_then(|publisher| publisher.route.take()) {
            Some(route) if route.generation == Some(self.index.generation()) => {
                fanout.targets.extend_from_slice(&route.targets);
                fanout.publisher_is_target = route.publisher_is_target;
            }
            route => self.collect(message, &mut fanout, route),
        }
        let found = !fanout.targets.is_empty() || !fanout.groups.is_empty() || remote != 0;
        publisher.iter().for_each(|publisher| self.answer(publisher, found));
        if terms.may_wait && !terms.retain && found && fanout.takes_burst() && Burst::suits(message) {
            fanout.burst.push(message);
            self.clients.work += fanout.targets.len() as u32;
            (fanout.qos, fanout.remote) = (terms.qos, remote);
            if terms.qos != QoSLevel::AtMostOnce {
                let room = self.room_here().min(self.admission.remote_room);
                fanout.room =
                    room.saturating_sub(fanout.kept_bytes(message.size(), self.admission.remote_fan_out));
            }
        } else {
            self.deliver_one(now, message, terms, &mut fanout);
            fanout.clear();
        }
        self.fanout = Some(fanout);
    }

    fn deliver_one(&mut self, now: Time, message: &Message<'_>, terms: Terms, fanout: &mut Fanout) {
        let mut parcelled = Parcelled::borrowed(message);
        fanout.deliver(now, &mut parcelled, terms, &mut self.clients);
        if terms.retain {
            self.record_live(&mut parcelled, terms.qos);
        }
        for group in &fanout.groups {
            self.offer(now, *group, &mut parcelled, terms.qos, terms.retain);
        }
        parcelled.finish(&mut self.clients.publications);
    }

    /// Delivers the messages that wait, each receiver all of them at once if it takes them so. Nothing else that
    /// clients could tell from it may happen before: it ends each input, and each packet that is no such message.
    pub(crate) fn flush(&mut self, now: Time) {
        let Some(mut fanout) = self.fanout.take_if(|fanout| !fanout.burst.is_empty()) else { return };
        let (clients, burst) = (&mut self.clients, &mut fanout.burst);
        let qos = fanout.qos;
        if fanout.remote != 0 && qos != QoSLevel::AtMostOnce {
            let each = Publications::memory_of(0) + self.admission.remote_fan_out;
            let bytes = burst.bytes() as u64 + burst.len() as u64 * each;
            self.admission.remote_room = self.admission.remote_room.saturating_sub(bytes);
        }
        fanout.targets.retain(|target| {
            target.subscription_id != 0 || !clients.deliver_burst(target.to, qos.min(target.qos), burst)
        });
        if !fanout.targets.is_empty() {
            let burst = core::mem::take(&mut fanout.burst);
            for (n, message) in burst.messages().enumerate() {
                let stored = burst.stored(n).map(Parcelled::stored);
                let mut parcelled = stored.unwrap_or_else(|| Parcelled::borrowed(&message));
                let terms = Terms { qos, retain: false, may_wait: false };
                fanout.deliver(now, &mut parcelled, terms, clients);
                parcelled.finish(&mut clients.publications);
            }
            fanout.burst = burst;
        }
        fanout.burst.finish(&mut clients.publications);
        fanout.clear();
        self.fanout = Some(fanout);
    }

    /// Finds the targets: each session once, with the highest QoS and all identifiers; remembers them if they are few.
    /// [MQTT-3.3.4-2] [MQTT-3.3.4-4]
    fn collect(&mut self, message: &Message<'_>, fanout: &mut Fanout, route: Option<&mut Route>) {
        fanout.stamp += 1;
        let sessions = &mut self.clients.sessions;
        let Fanout { stamp, targets, publisher_is_target, groups, more_ids, .. } = fanout;
        let mut overlaps = 0;
        let visits = self.index.matches(message.topic, &mut |who, subscription| {
            if let Some(group) = GroupKey::from_subscriber(who) {
                groups.push(group);
                return;
            }
            let to = SessionKey(who.0 >> 1);
            let slot = &mut sessions[to];
            let options = subscription.options;
            if slot.publisher == message.publisher {
                if options.no_local {
                    return; // [MQTT-3.8.3-3]
                }
                *publisher_is_target = true;
            }
            let id = subscription.id.map_or(0, core::num::NonZeroU32::get);
            if slot.stamp.0 != *stamp {
                slot.stamp = (*stamp, targets.len() as u32);
                targets.push(Target {
                    to,
                    qos: options.maximum_qos,
                    retain_as_published: options.retain_as_published,
                    subscription_id: id,
                    more_ids: NO_MORE,
                });
                return;
            }
            overlaps += 1; // many sessions may have many such filters: that is work, too
            let target = &mut targets[slot.stamp.1 as usize];
            target.qos = target.qos.max(options.maximum_qos); // [3.1.1 MQTT-3.3.5-1]
            target.retain_as_published |= options.retain_as_published;
            match (id, target.subscription_id) {
                (0, _) => {}
                (id, 0) => target.subscription_id = id,
                (id, _) => {
                    more_ids.push((target.more_ids, id));
                    target.more_ids = more_ids.len() as u32 - 1;
                }
            }
        });
        debug_assert!(visits <= self.shapes.visits_max(), "each shape was charged for");
        self.clients.work += visits + overlaps;
        if let Some(route) = route
            && (groups.is_empty() && more_ids.is_empty())
            && targets.len() <= ROUTE_TARGETS_MAX
        {
            route.targets.clear();
            route.targets.reserve_exact(targets.len());
            route.targets.extend_from_slice(targets);
            route.publisher_is_target = *publisher_is_target;
            route.generation = Some(self.index.generation());
        }
    }

    /// Stops reading a publisher whose mail another shard does not take fast enough.
    pub(crate) fn throttle(&mut self, id: ConnectionId) {
        if self.is_mail_above_bound() && !self.clients.is_paused(id, pause::MAIL) {
            self.clients.pause(id, pause::MAIL);
            self.throttled.push(id);
        }
    }

    /// Whether some shard does not take its mail fast enough.
    pub(crate) fn is_mail_above_bound(&self) -> bool {
        if self.outboxes.len() == 1 {
            return false; // nobody to write to
        }
        let bound = self.clients.config.outbox_bytes_max;
        self.outboxes.iter().any(|outbox| outbox.batch.size() > bound)
    }
}

impl Fanout {
    /// Delivers one message to all targets.
    fn deliver(&mut self, now: Time, parcelled: &mut Parcelled<'_>, terms: Terms, clients: &mut Clients) {
        for index in 0..self.targets.len() {
            let target = self.targets[index];
            self.gather_ids(&target);
            let out = Outbound {
                to: target.to,
                qos: terms.qos.min(target.qos), // [MQTT-3.8.4-8] [3.1.1 MQTT-3.8.4-6]
                retain: terms.retain && target.retain_as_published, // [MQTT-3.3.1-12] [MQTT-3.3.1-13] [3.1.1 MQTT-3.3.1-9]
                subscription_ids: &self.ids,
                group: None,
                group_seq: 0,
            };
            let is_taken = clients.deliver(now, parcelled, &out, &mut self.encodings);
            if terms.retain && !is_taken {
                clients.live_was_missed(target.to);
            }
        }
        self.encodings.clear();
    }
    /// All Subscription Identifiers of a target. [MQTT-3.3.4-3]
    fn gather_ids(&mut self, target: &Target) {
        self.ids.clear();
        if target.subscription_id == 0 {
            return;
        }
        self.ids.push(target.subscription_id);
        let mut next = target.more_ids;
        while let Some((before, id)) = self.more_ids.get(next as usize) {
            self.ids.push(*id);
            next = *before;
        }
    }
    /// Bytes that another message of so many bytes takes once all targets have it, or as many on another shard.
    fn kept_bytes(&self, size: usize, remote_fan_out: u64) -> u64 {
        if self.qos == QoSLevel::AtMostOnce {
            return 0;
        }
        let fan_out = (self.targets.len() * size_of::<Entry>()) as u64;
        Publications::memory_of(size) + if self.remote == 0 { fan_out } else { fan_out.max(remote_fan_out) }
    }
    /// The work of delivering another message of the burst.
    fn work_of_one_more(&self) -> u32 {
        (self.targets.len() as u32).div_ceil(MORE_PER_WORK)
    }
    /// Whether messages may wait for the targets to get several at once.
    fn takes_burst(&self) -> bool {
        self.groups.is_empty() && !self.publisher_is_target
    }
    fn clear(&mut self) {
        self.targets.clear();
        self.publisher_is_target = false;
        self.groups.clear();
        self.more_ids.clear();
    }
}

/// The same for all shards and runs.
pub(crate) fn topic_hash(topic: &str) -> u64 {
    FixedState::default().hash_one(topic)
}
