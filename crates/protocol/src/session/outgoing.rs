//! The sending half of QoS 1 and 2 (4.3.2, 4.3.3): one queue in order of delivery, of which a prefix was sent.
//!
//! The packet identifier of an entry follows from its sequence number: 1 + (sequence mod 65,535). There is no allocator
//! of identifiers, no map per message, and the same identifier results after any number of reconnects.

use crate::publications::{PublicationId, Publications};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use martlet_codec::{AckKind, PacketId, QoSLevel};

/// The Subscription Identifiers that a delivery carries: seldom more than one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionIds {
    /// No subscription that matched has one.
    #[default]
    None,
    /// One.
    One(u32),
    /// Several, of overlapping subscriptions. [MQTT-3.3.4-4]
    #[allow(clippy::box_collection, reason = "an entry of 32 bytes instead of 40, and few have several")]
    Many(Box<Vec<u32>>),
}

impl SubscriptionIds {
    /// From a list.
    pub fn new(ids: &[u32]) -> Self {
        match ids {
            [] => Self::None,
            [one] => Self::One(*one),
            many => Self::Many(Box::new(many.into())),
        }
    }
    /// As a list.
    pub fn as_slice(&self) -> &[u32] {
        match self {
            Self::None => &[],
            Self::One(id) => core::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

/// A number that the caller gives an entry, to hear of it again when it is settled: its shared subscription.
pub type GroupRef = Option<NonZeroU32>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not sent yet.
    Queued,
    /// PUBLISH sent: the other side owes PUBACK or PUBREC.
    Sent,
    /// PUBREC came: the other side owes PUBCOMP; the message is not needed any more.
    Received,
    /// Settled; leaves the queue when it reaches the front.
    Done,
}

/// One message for the other side.
#[derive(Debug)]
pub struct Entry {
    publication: PublicationId,
    /// The shared subscription that this came from.
    pub group: GroupRef,
    /// Its place among the messages of that shared subscription, for the caller.
    pub group_seq: u32,
    /// Identifiers of the subscriptions that matched.
    pub subscription_ids: SubscriptionIds,
    /// QoS 1 or 2.
    pub qos: QoSLevel,
    /// The RETAIN flag to send.
    pub retain: bool,
    state: State,
}

impl Entry {
    /// A message to queue. It takes over one reference to the publication.
    pub fn new(publication: PublicationId, qos: QoSLevel) -> Self {
        assert!(qos != QoSLevel::AtMostOnce, "QoS 0 is never queued");
        let subscription_ids = SubscriptionIds::None;
        Entry {
            publication,
            group: None,
            group_seq: 0,
            subscription_ids,
            qos,
            retain: false,
            state: State::Queued,
        }
    }
    /// The message, held in the store until it is settled.
    pub fn publication(&self) -> PublicationId {
        self.publication
    }
    /// Bytes of the entry itself, without its message.
    fn own_bytes(&self) -> usize {
        let ids = if let SubscriptionIds::Many(ids) = &self.subscription_ids { ids.len() } else { 0 };
        size_of::<Entry>() + ids * size_of::<u32>()
    }
    fn holds_publication(&self) -> bool {
        matches!(self.state, State::Queued | State::Sent)
    }
}

/// What is to be transmitted next.
#[derive(Debug)]
pub struct Next<'a> {
    /// The identifier that it has, now and after every reconnect.
    pub packet_id: PacketId,
    /// Its place among all messages of the session.
    pub sequence: u64,
    /// True if it was sent before, on an earlier connection. [MQTT-3.3.1-1]
    pub dup: bool,
    /// The message.
    pub entry: &'a Entry,
}

/// What an acknowledgement meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// The message is settled: the window has room again.
    Settled(GroupRef),
    /// PUBREC: answer with PUBREL. [MQTT-4.3.3-4]
    Release,
    /// No message of this identifier waits for this; with PUBREC, answer PUBREL with 0x92.
    Unknown,
    /// PUBACK for a QoS 2 message, or PUBREC or PUBCOMP for a QoS 1 message: a Protocol Error.
    WrongKind,
}

/// QoS 1 and 2 messages to the other side, in order. [MQTT-4.6.0-6] [3.1.1 MQTT-4.6.0-5] [3.1.1 MQTT-4.6.0-6]
#[derive(Debug)]
pub struct Outgoing {
    entries: VecDeque<Entry>,
    /// The sequence number of `entries[0]`; none is ever used twice.
    sequence: u64,
    /// The same modulo `packet_id_max`.
    base: u16,
    packet_id_max: u16,
    /// `entries[..cursor]` were dealt with on this connection.
    cursor: u32,
    in_flight: u32,
    /// Messages not sent yet.
    queued: u32,
    weight: Weight,
}

/// Entries that a queue keeps room for: more than are in flight at once, so that room is not given back and taken
/// again all the time.
const KEPT_ENTRIES: usize = 2048;

/// Bytes of the messages held, and of their entries.
#[derive(Debug, Default)]
struct Weight {
    messages: usize,
    entries: usize,
}

impl Weight {
    fn add(&mut self, entry: &Entry, publications: &Publications) {
        self.messages += publications.size(entry.publication);
        self.entries += entry.own_bytes();
    }
    /// The entry holds its message no longer, and needs no identifiers.
    fn remove(&mut self, entry: &mut Entry, publications: &Publications) {
        self.messages -= publications.size(entry.publication);
        self.entries -= entry.own_bytes();
        entry.subscription_ids = SubscriptionIds::None;
    }
}

impl Outgoing {
    /// Nothing queued. `packet_id_max` is 65,535, or less in a test.
    pub fn new(packet_id_max: u16) -> Self {
        assert!(packet_id_max > 0);
        Outgoing {
            entries: VecDeque::new(),
            sequence: 0,
            base: 0,
            packet_id_max,
            cursor: 0,
            in_flight: 0,
            queued: 0,
            weight: Weight::default(),
        }
    }
    /// Adds a message at the end.
    pub fn push(&mut self, entry: Entry, publications: &Publications) {
        self.queued += 1;
        self.weight.add(&entry, publications);
        self.reserve(1);
        self.entries.push_back(entry);
    }
    /// The next message to transmit, if the window is open: at most `receive_maximum` unacknowledged. Deal with
    /// it by [`Self::mark_sent`] or [`Self::skip`]. [MQTT-3.3.4-9] [MQTT-4.9.0-2]
    pub fn next(&mut self, receive_maximum: u16) -> Option<Next<'_>> {
        while matches!(self.entries.get(self.cursor()), Some(e) if matches!(e.state, State::Received | State::Done))
        {
            self.cursor += 1;
        }
        // An identifier must not stand for two messages: [MQTT-2.2.1-4]. [3.1.1 MQTT-2.3.1-2] [3.1.1 MQTT-2.3.1-4]
        let fits = self.in_flight < u32::from(receive_maximum) && self.cursor < u32::from(self.packet_id_max);
        let (packet_id, sequence) = (self.packet_id_at(self.cursor()), self.next_sequence());
        let entry = self.entries.get(self.cursor()).filter(|_| fits)?;
        Some(Next { packet_id, sequence, dup: entry.state == State::Sent, entry })
    }
    /// The message of [`Self::next`] was transmitted.
    pub fn mark_sent(&mut self) {
        let entry = &mut self.entries[self.cursor as usize];
        if entry.state == State::Queued {
            self.queued -= 1;
        }
        entry.state = State::Sent;
        self.cursor += 1;
        self.in_flight += 1;
    }
    /// The message of [`Self::next`] is not to be transmitted, ever: it expired, or is too large.
    pub fn skip(&mut self, publications: &mut Publications) -> GroupRef {
        let entry = &mut self.entries[self.cursor as usize];
        self.weight.remove(entry, publications);
        publications.release(entry.publication);
        if entry.state == State::Queued {
            self.queued -= 1;
        }
        entry.state = State::Done;
        let group = entry.group;
        self.cursor += 1;
        self.drop_settled();
        group
    }
    /// Whether a message pushed now would be the next, with the window open.
    pub fn is_drained(&self, receive_maximum: u16) -> bool {
        self.cursor() == self.entries.len()
            && self.in_flight < u32::from(receive_maximum)
            && self.cursor < u32::from(self.packet_id_max)
    }
    /// Whether `n` messages pushed now would be the next, and all go out before the window is closed.
    pub fn has_room_for(&self, n: usize, receive_maximum: u16) -> bool {
        self.cursor() == self.entries.len()
            && self.in_flight as usize + n <= usize::from(receive_maximum)
            && self.cursor() + n <= usize::from(self.packet_id_max)
    }
    /// Adds messages at the end. It takes over one reference to each; `bytes` is the sum of their sizes.
    pub fn push_all(&mut self, publications: &[PublicationId], qos: QoSLevel, bytes: usize) {
        self.queued += publications.len() as u32;
        self.extend(publications, qos, State::Queued, bytes);
    }
    /// Adds messages that are transmitted at once, for which [`Self::has_room_for`] said yes. It takes over one
    /// reference to each; `bytes` is the sum of their sizes. Their identifiers, in order.
    pub fn push_sent(
        &mut self,
        publications: &[PublicationId],
        qos: QoSLevel,
        bytes: usize,
    ) -> impl Iterator<Item = PacketId> + use<> {
        let (first, max) = (self.packet_id_at(self.cursor()), self.packet_id_max);
        self.extend(publications, qos, State::Sent, bytes);
        self.cursor += publications.len() as u32;
        self.in_flight += publications.len() as u32; // bounded by receive_maximum
        let after = move |id: &PacketId| PacketId::new(id.get() % max + 1);
        core::iter::successors(Some(first), after)
    }
    /// A new connection resumed the session: all that is unacknowledged is to be sent again, in order, as far as
    /// the new window allows; first a PUBREL for each of [`Self::unreleased`]. [MQTT-4.4.0-1] [MQTT-4.6.0-1]
    /// [3.1.1 MQTT-4.4.0-1] [3.1.1 MQTT-4.6.0-1] [3.1.1 MQTT-2.3.1-3]
    pub fn resume(&mut self) {
        self.cursor = 0;
        self.in_flight = self.entries.iter().filter(|e| e.state == State::Received).count() as u32;
    }
    /// Identifiers for which PUBREL was sent and PUBCOMP has not come, in order. [MQTT-4.3.3-5]
    pub fn unreleased(&self) -> impl Iterator<Item = PacketId> {
        let received = self.entries.iter().enumerate().filter(|(_, entry)| entry.state == State::Received);
        received.map(|(index, _)| self.packet_id_at(index))
    }
    /// PUBACK, PUBREC or PUBCOMP came. `failed`: its reason code is 0x80 or more, which settles the message too.
    /// [MQTT-4.4.0-2]
    pub fn acknowledge(
        &mut self,
        kind: AckKind,
        id: PacketId,
        failed: bool,
        publications: &mut Publications,
    ) -> Acknowledged {
        let Some(index) = self.index_of(id) else { return Acknowledged::Unknown };
        let entry = &mut self.entries[index];
        let outcome = match (kind, entry.state, entry.qos) {
            (_, State::Queued | State::Done, _) | (AckKind::PubRel, ..) => return Acknowledged::Unknown,
            (AckKind::PubAck, State::Sent, QoSLevel::AtLeastOnce) => State::Done, // [MQTT-4.3.2-3] [3.1.1 MQTT-4.3.2-1]
            (AckKind::PubRec, State::Sent, QoSLevel::ExactlyOnce) if failed => State::Done,
            (AckKind::PubRec, State::Sent, QoSLevel::ExactlyOnce) => State::Received, // [MQTT-4.3.3-4] [3.1.1 MQTT-4.3.3-1]
            (AckKind::PubRec, State::Received, _) => return Acknowledged::Release,
            (AckKind::PubComp, State::Received, _) => State::Done, // [MQTT-4.3.3-5] [3.1.1 MQTT-4.3.3-1] [3.1.1 MQTT-2.3.1-3]
            // It may be the answer to a PUBREL 0x92, of an identifier that nothing had then.
            (AckKind::PubComp, State::Sent, QoSLevel::ExactlyOnce) => return Acknowledged::Unknown,
            _ => return Acknowledged::WrongKind,
        };
        if entry.holds_publication() {
            self.weight.remove(entry, publications);
            publications.release(entry.publication);
        }
        let counted = entry.state == State::Received || index < self.cursor as usize;
        let group = entry.group;
        entry.state = outcome;
        if outcome == State::Received {
            self.in_flight += u32::from(!counted);
            return Acknowledged::Release;
        }
        self.in_flight -= u32::from(counted);
        self.drop_settled();
        Acknowledged::Settled(group)
    }
    /// Takes messages out for another receiver: those that `take` claims, with their references, of the ones not
    /// sent yet, and if `also_sent` of those sent with QoS 1. A QoS 2 delivery, once begun, stays. [MQTT-4.8.2-5]
    pub fn reclaim(
        &mut self,
        publications: &Publications,
        also_sent: bool,
        mut take: impl FnMut(PublicationId, &Entry) -> bool,
    ) {
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let movable = match entry.state {
                State::Queued => true,
                State::Sent => also_sent && entry.qos == QoSLevel::AtLeastOnce,
                State::Received | State::Done => false,
            };
            if movable && take(entry.publication, entry) {
                self.weight.remove(entry, publications);
                self.queued -= u32::from(entry.state == State::Queued);
                self.in_flight -= u32::from(entry.state == State::Sent && index < self.cursor as usize);
                entry.state = State::Done;
            }
        }
        self.drop_settled();
    }
    /// The other side lost the session: what was begun with it is let go of, each told to `lost`, and what was
    /// never sent waits on. [MQTT-3.2.2-5]
    pub fn restart(&mut self, publications: &mut Publications, mut lost: impl FnMut(GroupRef)) {
        let begun = self.entries.iter().take_while(|entry| entry.state != State::Queued).count();
        for mut entry in self.entries.drain(..begun).filter(|entry| entry.state != State::Done) {
            if entry.holds_publication() {
                self.weight.remove(&mut entry, publications);
                publications.release(entry.publication);
            }
            lost(entry.group);
        }
        (self.sequence, self.base, self.cursor, self.in_flight) = (0, 0, 0, 0);
    }
    /// Lets go of everything.
    pub fn clear(&mut self, publications: &mut Publications) {
        for entry in self.entries.drain(..).filter(Entry::holds_publication) {
            publications.release(entry.publication);
        }
        *self = Self::new(self.packet_id_max);
    }
    /// Messages that were sent, or are to be, and are not settled.
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state != State::Done).count()
    }
    /// Whether every message is settled.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    /// Messages not sent yet.
    pub fn queued(&self) -> usize {
        self.queued as usize
    }
    /// The sequence number of the message of [`Self::next`], or of the one that will be.
    pub fn next_sequence(&self) -> u64 {
        self.sequence + u64::from(self.cursor)
    }
    /// The sequence number of the message that is added next.
    pub fn end_sequence(&self) -> u64 {
        self.sequence + self.entries.len() as u64
    }
    /// Bytes of the messages held here, with their entries: what a bound on the queue counts.
    pub fn bytes(&self) -> usize {
        self.weight.messages + self.weight.entries
    }
    /// Bytes of the entries alone: what a session adds to messages that are shared with others.
    pub fn entry_bytes(&self) -> usize {
        self.weight.entries
    }
    /// Messages sent on this connection and not settled.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }
    /// Gives memory back that a long queue left behind.
    pub fn shrink(&mut self) {
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
    }

    fn extend(&mut self, publications: &[PublicationId], qos: QoSLevel, state: State, bytes: usize) {
        self.reserve(publications.len());
        self.entries.extend(publications.iter().map(|id| Entry { state, ..Entry::new(*id, qos) }));
        self.weight.messages += bytes;
        self.weight.entries += publications.len() * size_of::<Entry>();
    }

    /// Makes room, growing by a quarter, not by doubling: there may be many long queues.
    fn reserve(&mut self, more: usize) {
        let len = self.entries.len();
        if self.entries.capacity() - len < more {
            self.entries.reserve_exact(more.max(len / 4 + 4));
        }
    }

    fn cursor(&self) -> usize {
        self.cursor as usize
    }
    fn packet_id_at(&self, index: usize) -> PacketId {
        let max = usize::from(self.packet_id_max);
        let place = (usize::from(self.base) + index) % max + 1;
        PacketId::new(place as u16).expect("1 to packet_id_max, which is at most 65,535")
    }
    fn index_of(&self, id: PacketId) -> Option<usize> {
        let max = usize::from(self.packet_id_max);
        let place = usize::from(id.get()) - 1;
        if place >= max {
            return None;
        }
        let index = (place + max - usize::from(self.base)) % max;
        (index < self.entries.len()).then_some(index)
    }
    fn drop_settled(&mut self) {
        while matches!(self.entries.front(), Some(entry) if entry.state == State::Done) {
            self.entries.pop_front();
            self.sequence += 1;
            self.base = ((u32::from(self.base) + 1) % u32::from(self.packet_id_max)) as u16;
            self.cursor = self.cursor.saturating_sub(1);
        }
        let (len, capacity) = (self.entries.len(), self.entries.capacity());
        if capacity > KEPT_ENTRIES && len < capacity / 4 {
            self.entries.shrink_to(len * 5 / 4); // a long queue that has become short
        }
    }
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
mod tests;
