//! Application Messages: [`Message`] is a view, [`Parts`] the same as bytes, [`Publication`] owns one.
//! It never encodes and never decides who receives what.

use crate::Time;
use alloc::boxed::Box;
use martlet_codec::{Properties, PropertiesBuf, Property, TopicName};

/// An Application Message, borrowed from wherever it lies: a packet, the mail of another shard, the store.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The Topic Name.
    pub topic: TopicName<'a>,
    /// A checked block of the properties that travel unaltered: without Message Expiry Interval, Topic Alias
    /// and Subscription Identifiers.
    pub properties: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
    /// When its Message Expiry Interval ends.
    pub expires_at: Option<Time>,
    /// A hash of the publisher's client id: what No Local compares. 0 is the broker itself.
    pub publisher: u64,
}

impl<'a> Message<'a> {
    /// The message as bytes.
    pub fn parts(&self) -> Parts<'a> {
        let Message { topic, properties, payload, expires_at, publisher } = *self;
        Parts { topic: topic.as_str().as_bytes(), properties, payload, expires_at, publisher }
    }
    /// Whether the Message Expiry Interval has passed.
    pub fn is_expired(&self, now: Time) -> bool {
        self.parts().is_expired(now)
    }
    /// Bytes that a stored copy takes, without the store's own.
    pub fn size(&self) -> usize {
        self.parts().size()
    }
    /// A copy that owns its parts.
    pub fn to_publication(&self) -> Publication {
        Publication {
            topic: self.topic.as_str().into(),
            properties: self.properties.into(),
            payload: self.payload.into(),
            expires_at: self.expires_at,
            publisher: self.publisher,
        }
    }
}

/// A [`Message`] whose Topic Name is not looked at as text: all that weighing and sending need.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The Topic Name.
    pub topic: &'a [u8],
    /// Its properties, as in [`Message::properties`].
    pub properties: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
    /// When its Message Expiry Interval ends.
    pub expires_at: Option<Time>,
    /// As in [`Message::publisher`].
    pub publisher: u64,
}

impl Parts<'_> {
    /// Whether the Message Expiry Interval has passed.
    pub fn is_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
    /// The Message Expiry Interval to send on: what is left of it, in seconds. [MQTT-3.3.2-6]
    pub fn expiry_left(&self, now: Time) -> Option<u32> {
        self.expires_at.map(|at| at.seconds_left(now))
    }
    /// Bytes that a stored copy takes, without the store's own.
    pub fn size(&self) -> usize {
        self.topic.len() + self.properties.len() + self.payload.len()
    }
}

/// An Application Message that owns its parts. [`Message`] says what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    topic: Box<str>,
    properties: Box<[u8]>,
    payload: Box<[u8]>,
    expires_at: Option<Time>,
    publisher: u64,
}

impl Publication {
    /// The view that everything else works with.
    pub fn message(&self) -> Message<'_> {
        Message {
            topic: TopicName::from_checked(&self.topic),
            properties: &self.properties,
            payload: &self.payload,
            expires_at: self.expires_at,
            publisher: self.publisher,
        }
    }
}

/// Takes a PUBLISH's properties apart: what travels on unaltered goes to `unaltered` (cleared first) in the
/// order received, and the Message Expiry Interval is returned. [MQTT-3.3.2-17] [MQTT-3.3.2-18]
pub fn split_properties<'a>(
    properties: Properties<'a>,
    unaltered: &'a mut PropertiesBuf,
) -> (&'a [u8], Option<u32>) {
    let mut expiry = None;
    let mut own = false;
    for property in properties.iter() {
        match property {
            Property::MessageExpiryInterval(s) => (expiry, own) = (Some(s), true),
            Property::TopicAlias(_)
            | Property::SubscriptionIdentifier(_)
            | Property::WillDelayInterval(_) => own = true,
            _ => {}
        }
    }
    if !own {
        return (properties.as_bytes(), expiry); // nothing to take out: forwarding is a copy of the bytes
    }
    unaltered.clear();
    for property in properties.iter() {
        match property {
            Property::MessageExpiryInterval(_)
            | Property::TopicAlias(_)
            | Property::SubscriptionIdentifier(_)
            | Property::WillDelayInterval(_) => {}
            other => unaltered.push(other),
        }
    }
    (unaltered.as_bytes(), expiry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn only_the_travelling_properties_travel() {
        let mut block = PropertiesBuf::new();
        block.push(Property::UserProperty(("a", "1")));
        block.push(Property::MessageExpiryInterval(7));
        block.push(Property::UserProperty(("a", "0")));
        block.push(Property::TopicAlias(3));
        let mut rest = PropertiesBuf::new();
        let (bytes, expiry) = split_properties(block.as_properties(), &mut rest);
        assert_eq!(expiry, Some(7));
        let left: Vec<_> = Properties::from_checked_bytes(bytes).iter().collect();
        assert_eq!(left, [Property::UserProperty(("a", "1")), Property::UserProperty(("a", "0"))]); // [MQTT-3.3.2-18]
    }
}
