//! The store of publications: [`Publications`] keeps each message once, however many sessions wait for it, in one
//! buffer each. It never encodes and never decides who receives what.

use crate::Time;
use crate::publication::{Message, Parts};
use alloc::boxed::Box;
use alloc::vec::Vec;
use martlet_codec::TopicName;

/// The number of a publication in [`Publications`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// One publication, or a free slot, with a buffer for the next publication.
#[derive(Debug, Default)]
struct Slot {
    /// The Topic Name, the properties, the payload. There may be more behind them: it may have been made for another
    /// publication.
    buffer: Box<[u8]>,
    /// [`Time::NEVER`] for none.
    expires_at: Time,
    publisher: u64,
    /// 0: the slot is free.
    references: u32,
    /// Bytes of the payload; in a free slot, the number of the next one.
    payload_len: u32,
    properties_len: u32,
    topic_len: u16,
}

impl Slot {
    /// Bytes of the message.
    fn size(&self) -> usize {
        usize::from(self.topic_len) + self.properties_len as usize + self.payload_len as usize
    }
    fn parts(&self) -> Parts<'_> {
        let (topic, rest) = self.buffer.split_at(usize::from(self.topic_len));
        let (properties, rest) = rest.split_at(self.properties_len as usize);
        Parts {
            topic,
            properties,
            payload: &rest[..self.payload_len as usize],
            expires_at: (self.expires_at != Time::NEVER).then_some(self.expires_at),
            publisher: self.publisher,
        }
    }
    fn fill(&mut self, message: &Parts<'_>) {
        let Parts { topic, properties, payload, expires_at, publisher } = *message;
        if fits(self.buffer.len(), message.size()) {
            let (front, rest) = self.buffer.split_at_mut(topic.len());
            front.copy_from_slice(topic);
            let (front, rest) = rest.split_at_mut(properties.len());
            front.copy_from_slice(properties);
            rest[..payload.len()].copy_from_slice(payload);
        } else {
            self.buffer = [topic, properties, payload].concat().into_boxed_slice();
        }
        self.topic_len = topic.len() as u16; // a Topic Name has at most 65,535 bytes
        self.properties_len = properties.len() as u32; // a packet has less than 2^28 bytes
        self.payload_len = payload.len() as u32;
        self.expires_at = expires_at.unwrap_or(Time::NEVER);
        self.publisher = publisher;
        self.references = 1;
    }
    /// Empties the slot; its buffer stays if it is small and `keeps`.
    fn free(&mut self, next: u32, keeps: bool) {
        if !keeps {
            self.buffer = Box::default();
        }
        self.payload_len = next;
    }
}

/// Whether a buffer is large enough for `len` bytes, and wastes less than half or is small.
fn fits(buffer: usize, len: usize) -> bool {
    len <= buffer && buffer <= (2 * len).max(SMALL_BYTES)
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

impl AsRef<Publications> for Publications {
    fn as_ref(&self) -> &Publications {
        self
    }
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
            self.add_slot();
        }
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        self.free = slot.payload_len;
        self.spare -= slot.buffer.len();
        slot.fill(&message.parts());
        self.capacity += slot.buffer.len() as u64;
        PublicationId(index)
    }
    /// One more free slot. The table grows by a quarter, not by doubling: there may be millions.
    fn add_slot(&mut self) {
        let slots = &mut self.slots;
        if slots.len() == slots.capacity() {
            slots.reserve_exact(slots.len() / 4 + 4);
        }
        self.free = u32::try_from(slots.len()).expect("memory ends long before 2^32 publications");
        slots.push(Slot { payload_len: NO_SLOT, ..Slot::default() });
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
            self.bytes -= slot.size() as u64;
            let capacity = slot.buffer.len();
            self.capacity -= capacity as u64;
            slot.free(
                self.free,
                capacity <= SPARE_BYTES_EACH_MAX && self.spare + capacity <= SPARE_BYTES_MAX,
            );
            self.spare += slot.buffer.len();
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
    /// The message behind an id that the caller holds a reference to. Its Topic Name is checked to be text, which is
    /// for the caller who needs it: see [`Self::parts`].
    pub fn get(&self, id: PublicationId) -> Message<'_> {
        let Parts { topic, properties, payload, expires_at, publisher } = self.parts(id);
        let topic = core::str::from_utf8(topic).expect("it was a str when it was stored");
        Message { topic: TopicName::from_checked(topic), properties, payload, expires_at, publisher }
    }
    /// The parts of the message behind an id that the caller holds a reference to.
    pub fn parts(&self, id: PublicationId) -> Parts<'_> {
        self.slot(id).parts()
    }
    /// The [`Message::size`] of the message behind an id that the caller holds a reference to.
    pub fn size(&self, id: PublicationId) -> usize {
        self.slot(id).size()
    }
    fn slot(&self, id: PublicationId) -> &Slot {
        let slot = &self.slots[id.0 as usize];
        assert!(slot.references > 0, "references are counted, so a held id is taken");
        slot
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
        const OWN_BYTES: u64 = size_of::<Slot>() as u64 * 5 / 4 + 16;
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
    fn parts_are_told_apart_in_any_buffer() {
        let mut store = Publications::new();
        let held = store.insert(&message(b"held"));
        for (properties, payload, expires_at) in [
            (&b"\x01\x00"[..], &b"twelve bytes"[..], Some(Time::from_millis(7))),
            (b"", b"ten bytes.", None),
            (b"\x01\x01", b"", Some(Time::default())),
        ] {
            let id = store.insert(&Message { properties, expires_at, ..message(payload) });
            let got = store.get(id);
            assert_eq!((got.topic.as_str(), got.properties, got.payload), ("a/b", properties, payload));
            assert_eq!((got.expires_at, got.publisher), (expires_at, 1));
            store.release(id);
        }
        store.release(held);
    }

    #[test]
    fn slots_are_small_and_few_are_free() {
        assert!(size_of::<Slot>() <= 48, "there may be millions");
        let mut store = Publications::new();
        for count in 1..=10_000 {
            store.insert(&message(b""));
            assert!(store.slots.capacity() <= count + count / 4 + 4);
        }
    }

    #[test]
    fn a_buffer_that_would_waste_half_is_not_used_again() {
        assert!(fits(100, 100) && fits(200, 100) && fits(SMALL_BYTES, 1));
        assert!(!fits(99, 100) && !fits(201, 100) && !fits(SMALL_BYTES + 1, 1));
    }

    #[test]
    fn buffers_are_used_again_and_weighed_as_they_are() {
        let mut store = Publications::new();
        let held = store.insert(&message(b"held")); // so that the store is never empty
        for round in 0..3 {
            let large: Vec<_> = (0..3000).map(|_| store.insert(&message(&[0; 400]))).collect();
            large.into_iter().for_each(|id| store.release(id));
            assert_eq!(store.spare, store.slots.iter().skip(1).map(|slot| slot.buffer.len()).sum::<usize>());
            assert!(store.spare <= SPARE_BYTES_MAX && store.spare > SPARE_BYTES_MAX / 2, "round {round}");
            let small: Vec<_> = (0..3000).map(|_| store.insert(&message(&[0; 250]))).collect();
            let buffers: usize = store.slots.iter().map(|slot| slot.buffer.len()).sum();
            assert!(store.memory() >= buffers as u64, "a message in a large buffer weighs as much as that");
            small.into_iter().for_each(|id| store.release(id));
        }
        store.release(held);
        assert_eq!((store.memory(), store.spare), (0, 0));
    }
}
