//! Application Messages: [`Message`] is a view, [`Publication`] owns one, [`Publications`] keeps each body
//! once however many sessions wait for it. It never encodes and never decides who receives what.

use crate::Time;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
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
        self.topic.as_str().len() + self.properties.len() + self.payload.len()
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

/// The number of a publication in [`Publications`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicationId(u32);

const NO_SLOT: u32 = u32::MAX;

/// Bytes of buffers that free slots keep for the next messages.
const SPARE_BYTES_MAX: usize = 512 * 1024;
/// Of one message: larger ones are freed.
const SPARE_BYTES_EACH_MAX: usize = 512;
/// A buffer of so few bytes wastes little, whatever is in it.
const SMALL_BYTES: usize = 64;
/// Slots of an empty store that are kept.
const SLOTS_KEPT_MAX: usize = 1024;

/// One publication, or a free slot, with buffers for the next publication.
#[derive(Debug, Default)]
struct Slot {
    /// 0: the slot is free.
    references: u32,
    /// Bytes of properties; in a free slot, the number of the next one.
    properties_len: u32,
    topic: String,
    /// The properties, then the payload.
    body: Vec<u8>,
    /// [`Time::NEVER`] for none.
    expires_at: Time,
    publisher: u64,
}

impl Slot {
    fn message(&self) -> Message<'_> {
        let (properties, payload) = self.body.split_at(self.properties_len as usize);
        Message {
            topic: TopicName::from_checked(&self.topic),
            properties,
            payload,
            expires_at: (self.expires_at != Time::NEVER).then_some(self.expires_at),
            publisher: self.publisher,
        }
    }
    fn fill(&mut self, message: &Message<'_>) {
        let topic = message.topic.as_str();
        fit(&mut self.topic, topic.len(), String::capacity, String::with_capacity);
        self.topic.push_str(topic);
        let len = message.properties.len() + message.payload.len();
        fit(&mut self.body, len, Vec::capacity, Vec::with_capacity);
        self.body.extend_from_slice(message.properties);
        self.body.extend_from_slice(message.payload);
        self.properties_len = message.properties.len() as u32; // a packet has less than 2^28 bytes
        self.expires_at = message.expires_at.unwrap_or(Time::NEVER);
        self.publisher = message.publisher;
        self.references = 1;
    }
    /// Bytes of its buffers.
    fn capacity(&self) -> usize {
        self.topic.capacity() + self.body.capacity()
    }
    /// Empties the slot; its buffers are kept if they are small and `keeps`.
    fn free(&mut self, next: u32, keeps: bool) {
        if keeps {
            self.topic.clear();
            self.body.clear();
        } else {
            (self.topic, self.body) = (String::new(), Vec::new());
        }
        self.properties_len = next;
    }
}

/// An empty buffer for `len` bytes: the one that is there, unless it is too small, or wastes half of many.
fn fit<B>(buffer: &mut B, len: usize, capacity: impl Fn(&B) -> usize, make: impl Fn(usize) -> B) {
    if capacity(buffer) < len || capacity(buffer) > (2 * len).max(SMALL_BYTES) {
        *buffer = make(len);
    }
}

/// Publications with a count of references each; a body is freed with its last reference.
#[derive(Debug)]
pub struct Publications {
    slots: Vec<Slot>,
    /// The first free slot.
    free: u32,
    count: usize,
    bytes: u64,
    /// Bytes of the buffers of what is stored, and of free slots.
    capacity: u64,
    spare: usize,
}

impl Default for Publications {
    fn default() -> Self {
        Self::new()
    }
}

impl Publications {
    /// An empty store.
    pub const fn new() -> Self {
        Publications { slots: Vec::new(), free: NO_SLOT, count: 0, bytes: 0, capacity: 0, spare: 0 }
    }
    /// Stores a copy of a message, with one reference: the caller's.
    pub fn insert(&mut self, message: &Message<'_>) -> PublicationId {
        self.count += 1;
        self.bytes += message.size() as u64;
        if self.free == NO_SLOT {
            self.free = u32::try_from(self.slots.len()).expect("memory ends long before 2^32 publications");
            self.slots.push(Slot { properties_len: NO_SLOT, ..Slot::default() });
        }
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        self.free = slot.properties_len;
        self.spare -= slot.capacity();
        slot.fill(message);
        self.capacity += slot.capacity() as u64;
        PublicationId(index)
    }
    /// One more reference.
    pub fn retain(&mut self, id: PublicationId) {
        self.retain_times(id, 1);
    }
    /// So many more references to something that the caller holds one of.
    pub fn retain_times(&mut self, id: PublicationId, references: u32) {
        let slot = &mut self.slots[id.0 as usize];
        assert!(slot.references > 0, "references are counted, so a held id is taken");
        slot.references += references;
    }
    /// One reference less.
    pub fn release(&mut self, id: PublicationId) {
        let slot = &mut self.slots[id.0 as usize];
        assert!(slot.references > 0, "references are counted, so a held id is taken");
        slot.references -= 1;
        if slot.references == 0 {
            self.count -= 1;
            self.bytes -= slot.message().size() as u64;
            let capacity = slot.capacity();
            self.capacity -= capacity as u64;
            slot.free(
                self.free,
                capacity <= SPARE_BYTES_EACH_MAX && self.spare + capacity <= SPARE_BYTES_MAX,
            );
            self.spare += slot.capacity();
            self.free = id.0;
            self.shrink();
        }
    }
    /// Gives the table back once nothing is stored, so that a burst leaves no memory behind.
    fn shrink(&mut self) {
        if self.count == 0 && self.slots.capacity() > SLOTS_KEPT_MAX {
            *self = Self::new();
        }
    }
    /// The message behind an id that the caller holds a reference to.
    pub fn get(&self, id: PublicationId) -> Message<'_> {
        let slot = &self.slots[id.0 as usize];
        assert!(slot.references > 0, "references are counted, so a held id is taken");
        slot.message()
    }
    /// Publications stored.
    pub fn len(&self) -> usize {
        self.count
    }
    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// Bytes of memory that all of them take, about: their parts, their slots, and what allocations cost.
    pub fn memory(&self) -> u64 {
        const OWN_BYTES: u64 = 128;
        self.capacity + self.count as u64 * OWN_BYTES
    }
    /// Bytes of all topics, properties and payloads stored.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &[u8]) -> Message<'_> {
        let topic = TopicName::new("a/b").unwrap();
        Message { topic, properties: &[], payload, expires_at: None, publisher: 1 }
    }

    #[test]
    fn a_body_lives_as_long_as_its_last_reference() {
        let mut store = Publications::new();
        let one = store.insert(&message(b"one"));
        let two = store.insert(&message(b"two"));
        store.retain(one);
        store.release(one);
        assert_eq!(store.get(one).payload, b"one");
        assert_eq!((store.len(), store.bytes()), (2, 12));
        store.release(one);
        assert_eq!((store.len(), store.bytes()), (1, 6));
        let three = store.insert(&message(b"three"));
        assert_eq!(three, one, "a freed slot is used again");
        assert_eq!(store.get(two).payload, b"two");
    }

    #[test]
    fn buffers_are_used_again_and_weighed_as_they_are() {
        let mut store = Publications::new();
        let held = store.insert(&message(b"held")); // so that the store is never empty
        for round in 0..3 {
            let large: Vec<_> = (0..3000).map(|_| store.insert(&message(&[0; 400]))).collect();
            large.into_iter().for_each(|id| store.release(id));
            assert_eq!(store.spare, store.slots.iter().skip(1).map(Slot::capacity).sum::<usize>());
            assert!(store.spare <= SPARE_BYTES_MAX && store.spare > SPARE_BYTES_MAX / 2, "round {round}");
            let small: Vec<_> = (0..3000).map(|_| store.insert(&message(&[0; 250]))).collect();
            let buffers: usize = store.slots.iter().map(Slot::capacity).sum();
            assert!(store.memory() >= buffers as u64, "a message in a large buffer weighs as much as that");
            small.into_iter().for_each(|id| store.release(id));
        }
        store.release(held);
        assert_eq!((store.memory(), store.spare), (0, 0));
    }

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
