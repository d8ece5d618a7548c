//! From a publication to its receivers: interest of other shards, matching on this one, one copy per session
//! however many of its subscriptions match. It writes nothing itself.

use crate::clients::{Outbound, Parcelled};
use crate::connection::pause;
use crate::groups::GroupKey;
use crate::interface::ConnectionId;
use crate::mail::Mail;
use crate::session::SessionKey;
use crate::shard::Shard;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use foldhash::fast::FixedState;
use martlet_codec::QoSLevel;
use martlet_protocol::{Encodings, Message, Time};

/// Topics of newer messages remembered for one session while replays run.
const FRESH_MAX: usize = 16 * 1024;

/// The end of a chain in [`Fanout::more_ids`].
const NO_MORE: u32 = u32::MAX;

/// Targets of the longest route that is remembered.
const ROUTE_TARGETS_MAX: usize = 8;

/// The targets of a client's last topic on this shard, which most of its messages are for.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// [`Index::generation`](crate::index::Index::generation) when they were found; `None`: they were not.
    generation: Option<u64>,
    targets: Vec<Target>,
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
    groups: Vec<GroupKey>,
    /// Further Subscription Identifiers: the one before it of the same target, and the identifier.
    more_ids: Vec<(u32, u32)>,
    ids: Vec<u32>,
    pub(crate) encodings: Encodings,
}

impl Shard {
    /// Sends a publication on its way: to subscribers here and on other shards, and to the retained messages.
    /// `route` is that of its topic, if the publisher has one. Whether anybody may receive it.
    /// [MQTT-4.5.0-1] [3.1.1 MQTT-4.5.0-1]
    pub(crate) fn route(
        &mut self,
        now: Time,
        message: &Message<'_>,
        qos: QoSLevel,
        retain: bool,
        route: Option<&mut Route>,
    ) -> bool {
        if retain {
            self.retain(message, qos); // [3.1.1 MQTT-3.3.1-5] [3.1.1 MQTT-3.3.1-12]
        }
        let remote = self.route_remote(message, qos, retain);
        self.deliver_local(now, message, qos, retain, route) || remote
    }

    fn route_remote(&mut self, message: &Message<'_>, qos: QoSLevel, retain: bool) -> bool {
        if self.clients.config.shards == 1 {
            return false;
        }
        let own = 1u64 << self.clients.config.shard.0;
        let interested = self.interest.shards(message.topic) & !own;
        let mut left = interested;
        while left != 0 {
            let to = left.trailing_zeros() as u8;
            left &= left - 1;
            let batch = self.outbox(crate::interface::ShardId(to));
            let parcel = batch.pack(message);
            batch.push(Mail::Publish { parcel, qos, retain });
        }
        interested != 0
    }

    /// Delivers to the subscribers of this shard; whether there was one.
    pub(crate) fn deliver_local(
        &mut self,
        now: Time,
        message: &Message<'_>,
        qos: QoSLevel,
        retain: bool,
        route: Option<&mut Route>,
    ) -> bool {
        let mut fanout = self.fanout.take().unwrap_or_default();
        match route {
            Some(route) if route.generation == Some(self.index.generation()) => {
                fanout.targets.extend_from_slice(&route.targets);
            }
            route => self.collect(message, &mut fanout, route),
        }
        let found = !fanout.targets.is_empty() || !fanout.groups.is_empty();
        let mut parcelled = Parcelled::borrowed(message);
        for index in 0..fanout.targets.len() {
            let target = fanout.targets[index];
            fanout.gather_ids(&target);
            let out = Outbound {
                to: target.to,
                qos: qos.min(target.qos), // [MQTT-3.8.4-8] [3.1.1 MQTT-3.8.4-6]
                retain: retain && target.retain_as_published, // [MQTT-3.3.1-12] [MQTT-3.3.1-13] [3.1.1 MQTT-3.3.1-9]
                subscription_ids: &fanout.ids,
                group: None,
            };
            self.clients.deliver(now, &mut parcelled, &out, &mut fanout.encodings);
            if retain {
                self.remember_fresh(target.to, message);
            }
        }
        let groups = core::mem::take(&mut fanout.groups);
        for group in &groups {
            self.offer(now, *group, &mut parcelled, qos, retain);
        }
        parcelled.finish(&mut self.clients.publications);
        fanout.groups = groups;
        fanout.clear();
        self.fanout = Some(fanout);
        found
    }

    /// Finds the targets: each session once, with the highest QoS and all identifiers; remembers them if they are few.
    /// [MQTT-3.3.4-2] [MQTT-3.3.4-4]
    fn collect(&mut self, message: &Message<'_>, fanout: &mut Fanout, route: Option<&mut Route>) {
        fanout.stamp += 1;
        let sessions = &mut self.clients.sessions;
        let Fanout { stamp, targets, groups, more_ids, .. } = fanout;
        let matched = self.index.matches(message.topic, &mut |who, subscription| {
            if let Some(group) = GroupKey::from_subscriber(who) {
                groups.push(group);
                return;
            }
            let to = SessionKey(who.0 >> 1);
            let slot = &mut sessions[to];
            let options = subscription.options;
            if options.no_local && slot.publisher == message.publisher {
                return; // [MQTT-3.8.3-3]
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
        self.clients.counters.matches_cut += u64::from(!matched.is_whole);
        self.clients.work += matched.visits;
        if let Some(route) = route
            && (matched.is_whole && groups.is_empty() && more_ids.is_empty())
            && targets.len() <= ROUTE_TARGETS_MAX
        {
            route.targets.clear();
            route.targets.reserve_exact(targets.len());
            route.targets.extend_from_slice(targets);
            route.generation = Some(self.index.generation());
        }
    }

    /// While older retained messages are on their way to a session, what is newer must not be undone by them.
    fn remember_fresh(&mut self, key: SessionKey, message: &Message<'_>) {
        if let Some(rare) = &mut self.clients.sessions[key].rare
            && rare.replays > 0
            && rare.fresh.len() < FRESH_MAX
        {
            rare.fresh.insert(topic_hash(message.topic.as_str()), rare.asked);
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
        let bound = self.clients.config.outbox_bytes_max;
        self.outboxes.iter().any(|outbox| outbox.batch.size() > bound)
    }
}

impl Fanout {
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
    fn clear(&mut self) {
        self.targets.clear();
        self.groups.clear();
        self.more_ids.clear();
        self.encodings.clear();
    }
}

/// The same for all shards and runs.
pub(crate) fn topic_hash(topic: &str) -> u64 {
    FixedState::default().hash_one(topic)
}
