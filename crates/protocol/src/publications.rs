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

/// Bytes of buffers that free slots keep for the next messages.
const SPARE_BYTES_MAX: usize = 512 * 1024;
/// Of one message: larger ones are freed.
const SPARE_BYTES_EACH_MAX: usize = 512;
/// A buffer of so few bytes wastes little, whatever is in it.
const SMALL_BYTES: usize = 64;
/// A slot of a table that grows by a quarter, and what an allocation costs.
const OWN_BYTES: u64 = size_of::<Slot>() as u64 * 5 / 4 + 16;
/// Slots that are kept, whether there are so many publications or not.
const SLOTS_KEPT: usize = 1024;

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
    /// Bytes of the payload.
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
}

/// Whether a buffer is large enough for `len` bytes, and wastes less than half or is small.
fn fits(buffer: usize, len: usize) -> bool {
    len <= buffer && buffer <= (2 * len).max(SMALL_BYTES)
}

/// Publications with a count of references each; a body is freed with its last reference.
#[derive(Debug)]
pub struct Publications {
    slots: Vec<Slot>,
    /// Free slots, and some that are gone since.
    vacant: Vec<u32>,
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
        Publications { slots: Vec::new(), vacant: Vec::new(), count: 0, bytes: 0, capacity: 0, spare: 0 }
    }
    /// Stores a copy of a message, with one reference: the caller's.
    pub fn insert(&mut self, message: &Message<'_>) -> PublicationId {
        self.count += 1;
        self.bytes += message.size() as u64;
        let index = self.vacant_slot();
        let slot = &mut self.slots[index as usize];
        self.spare -= slot.buffer.len();
        slot.fill(&message.parts());
        self.capacity += slot.buffer.len() as u64;
        PublicationId(index)
    }
    /// A free slot, or one more. The table grows by a quarter, not by doubling: there may be millions.
    fn vacant_slot(&mut self) -> u32 {
        while let Some(index) = self.vacant.pop() {
            if (index as usize) < self.slots.len() {
                return index;
            }
        }
        let slots = &mut self.slots;
        if slots.len() == slots.capacity() {
            slots.reserve_exact(slots.len() / 4 + 4);
        }
        slots.push(Slot::default());
        u32::try_from(slots.len() - 1).expect("memory ends long before 2^32 publications")
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
            if capacity > SPARE_BYTES_EACH_MAX || self.spare + capacity > SPARE_BYTES_MAX {
                slot.buffer = Box::default();
            }
            self.spare += slot.buffer.len();
            self.vacant.push(id.0);
            self.shrink();
        }
    }
    /// Gives up the free slots at the end once most are free, so that a crowd of messages leaves no memory behind.
    fn shrink(&mut self) {
        if self.count == 0 && self.slots.capacity() > SLOTS_KEPT {
            *self = Self::new();
        }
        if self.slots.len() <= SLOTS_KEPT || self.count > self.slots.len() / 4 {
            return;
        }
        while self.slots.len() > SLOTS_KEPT
            && let Some(slot) = self.slots.pop_if(|slot| slot.references == 0)
        {
            self.spare -= slot.buffer.len();
        }
        if self.slots.len() < self.slots.capacity() / 4 {
            self.slots.shrink_to(self.slots.len() * 5 / 4);
            self.vacant.retain(|index| (*index as usize) < self.slots.len());
            self.vacant.shrink_to(self.vacant.len() * 5 / 4);
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
        let slots = self.count.max(self.slots.len().saturating_sub(SLOTS_KEPT));
        self.capacity + slots as u64 * OWN_BYTES
    }
    /// Bytes of memory that one more message of this [`Message::size`] takes.
    pub const fn memory_of(message_bytes: usize) -> u64 {
        message_bytes as u64 + OWN_BYTES
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
    fn a_crowd_leaves_no_slots_behind_whoever_stays() {
        const CROWD: usize = 10_000;
        let mut store = Publications::new();
        let first = store.insert(&message(b"first"));
        let alone = store.memory();
        for round in 0..3 {
            let crowd: Vec<_> = (0..CROWD).map(|_| store.insert(&message(b"x"))).collect();
            let different: alloc::collections::BTreeSet<_> = crowd.iter().collect();
            assert_eq!((different.len(), store.len()), (CROWD, CROWD + 1), "round {round}");
            assert!(!crowd.contains(&first));
            let last = crowd[CROWD - 1];
            // One at the end keeps the slots before it, which are weighed.
            crowd.iter().filter(|id| **id != last).for_each(|id| store.release(*id));
            assert!(store.memory() > alone + (CROWD - 2 * SLOTS_KEPT) as u64 * size_of::<Slot>() as u64);
            store.release(last);
            assert_eq!(store.memory(), alone);
            assert!(store.slots.capacity() <= 4 * SLOTS_KEPT && store.vacant.capacity() <= 4 * SLOTS_KEPT);
        }
        assert_eq!(store.get(first).payload, b"first");
        store.release(first);
        assert_eq!(store.spare, store.slots.iter().map(|slot| slot.buffer.len()).sum::<usize>());
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
