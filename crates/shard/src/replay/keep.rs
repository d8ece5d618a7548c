//! What RETAIN does to the messages that are kept: replaced, taken out, expired.

use crate::counters::Dropped;
use crate::interface::ShardId;
use crate::mail::Mail;
use crate::retained::RetainedMessage;
use crate::shard::Shard;
use martlet_codec::QoSLevel;
use martlet_protocol::{Message, Time};

impl Shard {
    /// A publication with RETAIN: kept, or taken out, at the topic's home. [MQTT-3.3.1-5] [3.1.1 MQTT-3.3.1-5]
    pub(crate) fn retain(&mut self, message: &Message<'_>, qos: QoSLevel) {
        let home = self.home_of_topic(message.topic);
        if home == self.clients.config.shard {
            return self.set_retained(message, qos, home);
        }
        let batch = self.outbox(home);
        let parcel = batch.pack(message);
        batch.will_bring(message, qos);
        batch.push(Mail::Retain { parcel, qos });
    }

    /// Replaces or removes a retained message of this shard; its publisher is on shard `from`. [MQTT-3.3.1-6] [MQTT-3.3.1-7]
    /// [3.1.1 MQTT-3.3.1-7] [3.1.1 MQTT-3.3.1-10] [3.1.1 MQTT-3.3.1-11]
    ///
    /// With QoS 1 and 2 there is room, or it would not have come in. With QoS 0 there may be none: then no message is
    /// retained, neither this one nor the one before, which is not the last value any more.
    pub(crate) fn set_retained(&mut self, message: &Message<'_>, qos: QoSLevel, from: ShardId) {
        self.weigh();
        let is_dropped = qos == QoSLevel::AtMostOnce && !self.may_retain(message);
        let is_stored = !message.payload.is_empty() && !is_dropped;
        let old = if is_stored {
            let publication = self.clients.publications.insert(message);
            self.retained.set(&self.clients.publications, RetainedMessage { publication, qos })
        } else {
            self.retained.remove(&self.clients.publications, message.topic)
        };
        if is_dropped {
            self.clients.counters.routed += 1;
            self.clients.counters.dropped.count(Dropped::Memory, 1);
        }
        if !self.replays.all.is_empty() {
            match (old, is_stored) {
                (None, true) => self.replays.new_topics.born(message.topic.as_str(), from),
                (Some(_), false) => self.replays.new_topics.removed(message.topic.as_str()),
                _ => {}
            }
        }
        if let Some(old) = old {
            self.clients.publications.release(old.publication);
        }
    }

    /// Whether there is room for this retained message; what is no larger than the one before needs none.
    fn may_retain(&self, message: &Message<'_>) -> bool {
        let publications = &self.clients.publications;
        let is_larger = |old: RetainedMessage| message.size() > publications.size(old.publication);
        message.payload.is_empty()
            || !self.clients.is_full_for(message.size())
            || !self.retained.get(publications, message.topic).is_none_or(is_larger)
    }

    /// Removes retained messages whose Message Expiry Interval has passed.
    pub(crate) fn expire_retained(&mut self, now: Time) {
        const EXPIRED_MAX: usize = 10_000;
        for _ in 0..EXPIRED_MAX {
            let Some(old) = self.retained.expire(&self.clients.publications, now) else { return };
            if !self.replays.all.is_empty() {
                let topic = self.clients.publications.get(old.publication).topic.as_str();
                self.replays.new_topics.removed(topic);
            }
            self.clients.publications.release(old.publication);
        }
    }
}
