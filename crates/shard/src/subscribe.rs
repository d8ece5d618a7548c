//! SUBSCRIBE and UNSUBSCRIBE (3.8, 3.10): the index, the interest of this shard, and what is replayed.

use crate::answers::Listed;
use crate::groups::Joined;
use crate::index::{LEVELS_MAX, Subscription};
use crate::interface::ConnectionId;
use crate::session::SessionKey;
use crate::shard::Shard;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use martlet_codec::{
    Property, QoSLevel, ReasonCode, RetainHandling, Subscribe, SubscriptionOptions, TopicFilter, Unsubscribe,
};
use martlet_protocol::Time;

/// Bytes of the longest filter of a shared subscription, `$share/` included: shards name the group by it in what they
/// tell each other about every message.
const SHARE_BYTES_MAX: usize = 4096;

/// Filters that most packets have no more than.
const FEW: usize = 8;

/// What subscribing to one filter did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// The session had no subscription to it.
    New,
    /// It had one, or it is a shared one: nothing is replayed only because it is new.
    Replaced,
    /// A group on another shard was asked.
    Asked,
}

impl Shard {
    pub(crate) fn subscribe(
        &mut self,
        now: Time,
        id: ConnectionId,
        key: SessionKey,
        subscribe: &Subscribe<'_>,
    ) {
        let subscription_id = subscribe.properties.iter().find_map(|property| match property {
            Property::SubscriptionIdentifier(id) => NonZeroU32::new(id),
            _ => None,
        });
        let mut reasons = Vec::with_capacity(FEW);
        let mut replays = Vec::new();
        let mut waits_for = 0;
        let first_token = self.last_token + 1;
        for asked in subscribe.filters.iter() {
            self.last_token += 1;
            let options = self.effective(id, asked.options);
            let subscription = Subscription { options, id: subscription_id };
            let granted = if self.refuses_filter(id, asked.filter) {
                Err(ReasonCode::TopicFilterInvalid)
            } else {
                self.subscribe_one(now, key, asked.filter, subscription)
            };
            let reason = match granted {
                Ok(done) => {
                    if wants_retained(asked.filter, options, done == Done::New) {
                        replays.push((asked.filter, subscription));
                    }
                    waits_for += u32::from(done == Done::Asked);
                    options.maximum_qos as u8 // [MQTT-3.8.4-7] [3.1.1 MQTT-3.8.4-5] [3.1.1 MQTT-3.9.3-2]
                }
                Err(reason) => {
                    self.clients.counters.subscriptions_refused += 1;
                    reason as u8
                }
            };
            reasons.push(reason); // [MQTT-3.9.3-1] [3.1.1 MQTT-3.9.3-1] [3.1.1 MQTT-3.8.4-4]
        }
        let after = self.clients.ticket();
        let (token, packet_id) = (first_token, subscribe.packet_id);
        self.clients.owe_list(id, Listed { packet_id, reasons, is_unsuback: false, token, waits_for, after });
        for (filter, subscription) in replays {
            self.replay(key, filter, subscription);
        }
        self.throttle(id);
    }

    /// Options as they work: a bridge of Mosquitto's wants RETAIN kept and its own messages kept away, and 3.x has
    /// no way to say so.
    fn effective(&self, id: ConnectionId, mut options: SubscriptionOptions) -> SubscriptionOptions {
        if self.clients.connections[id].bridge.is_some() {
            options.no_local = true;
            options.retain_as_published = true;
        }
        options
    }

    /// Subscribes to one filter.
    fn subscribe_one(
        &mut self,
        now: Time,
        key: SessionKey,
        filter: TopicFilter<'_>,
        subscription: Subscription,
    ) -> Result<Done, ReasonCode> {
        let wildcard_levels = if filter.has_wildcard() { filter.levels().count() } else { 0 };
        if wildcard_levels > LEVELS_MAX {
            return Err(ReasonCode::TopicFilterInvalid);
        }
        if filter.share().is_some() {
            if filter.as_str().len() > SHARE_BYTES_MAX {
                return Err(ReasonCode::QuotaExceeded);
            }
            let joined = self.join(now, key, filter, subscription, self.last_token)?;
            return Ok(if joined == Joined::Asked { Done::Asked } else { Done::Replaced });
        }
        let subscribed = self.index.subscribe(filter, key.subscriber(), subscription); // [MQTT-3.8.4-3] [3.1.1 MQTT-3.8.4-3]
        if subscribed.previous.is_none()
            && (self.has_too_many_subscriptions(key) || !self.charge(key, filter, wildcard_levels))
        {
            self.index.unsubscribe(filter, key.subscriber());
            return Err(ReasonCode::QuotaExceeded);
        }
        if subscribed.first_of_filter {
            self.interest_counts.add(&self.interest, filter);
        }
        if subscription.options.maximum_qos != QoSLevel::AtMostOnce {
            self.interest_counts.keeps(&self.interest, filter);
        }
        if subscribed.previous.is_some() {
            return Ok(Done::Replaced);
        }
        self.clients.counters.subscriptions += 1;
        Ok(Done::New)
    }

    fn has_too_many_subscriptions(&mut self, key: SessionKey) -> bool {
        self.weigh();
        let max = self.clients.config.subscriptions_max as usize;
        self.index.subscriptions_of(key.subscriber()).len() > max || self.clients.is_full_for_subscriptions()
    }

    /// Charges a session for the shape of a filter; whether it may have it.
    fn charge(&mut self, key: SessionKey, filter: TopicFilter<'_>, wildcard_levels: usize) -> bool {
        wildcard_levels <= self.clients.config.shape_free_levels
            || self.shapes.charge(self.clients.sessions[key].name, filter)
    }

    pub(crate) fn unsubscribe(
        &mut self,
        now: Time,
        id: ConnectionId,
        key: SessionKey,
        unsubscribe: &Unsubscribe<'_>,
    ) {
        let mut reasons = Vec::with_capacity(FEW);
        for filter in unsubscribe.filters.iter() {
            let existed = match filter.share() {
                Some(_) => self.leave(now, key, filter),
                // [3.1.1 MQTT-3.10.4-1] [3.1.1 MQTT-3.10.4-2] [3.1.1 MQTT-3.10.4-6]
                None => self.unsubscribe_one(key, filter), // [MQTT-3.10.4-1]
            };
            let reason = if existed { ReasonCode::Success } else { ReasonCode::NoSubscriptionExisted };
            reasons.push(reason as u8); // [MQTT-3.11.3-1]
        }
        let after = self.clients.ticket();
        let packet_id = unsubscribe.packet_id;
        // [3.1.1 MQTT-3.10.4-4] [3.1.1 MQTT-3.10.4-5]
        let listed = Listed { packet_id, reasons, is_unsuback: true, token: 0, waits_for: 0, after };
        self.clients.owe_list(id, listed);
    }

    fn unsubscribe_one(&mut self, key: SessionKey, filter: TopicFilter<'_>) -> bool {
        // What was begun is in the session's queue, and stays there. [3.1.1 MQTT-3.10.4-3]
        let Some(removed) = self.index.unsubscribe(filter, key.subscriber()) else { return false };
        if removed.last_of_filter {
            self.interest_counts.remove(&self.interest, filter);
        }
        self.shapes.release(self.clients.sessions[key].name, filter);
        self.clients.counters.subscriptions -= 1;
        true
    }

    /// Removes every subscription of a session that ends.
    pub(crate) fn unsubscribe_all(&mut self, now: Time, key: SessionKey) {
        self.leave_all(now, key);
        let (counts, interest, shapes) = (&mut self.interest_counts, &self.interest, &mut self.shapes);
        let session = self.clients.sessions[key].name;
        let mut removed = 0;
        self.index.remove_subscriber(key.subscriber(), |filter, last_of_filter| {
            let filter = TopicFilter::from_checked(filter);
            removed += 1;
            if last_of_filter {
                counts.remove(interest, filter);
            }
            shapes.release(session, filter);
        });
        self.clients.counters.subscriptions -= removed;
    }
}

/// Whether a subscription asks for the retained messages. [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]
fn wants_retained(filter: TopicFilter<'_>, options: SubscriptionOptions, is_new: bool) -> bool {
    filter.share().is_none()
        && match options.retain_handling {
            RetainHandling::Send => true, // [3.1.1 MQTT-3.3.1-6] [3.1.1 MQTT-3.8.4-3]
            RetainHandling::SendIfNew => is_new,
            RetainHandling::DoNotSend => false,
        }
}
