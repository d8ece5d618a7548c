//! Messages of one topic that arrived together, for receivers that get all of them: each body is encoded once per class of
//! receivers, and a receiver gets all frames by one copy. What it writes is what [`crate::Transmitter::publish`] writes
//! for one after the other. It decides nothing about who receives what.

use crate::output::Output;
use crate::publication::Message;
use crate::publications::{PublicationId, Publications};
use crate::session::{Entry, Outgoing};
use crate::transmit::class;
use alloc::string::String;
use alloc::vec::Vec;
use martlet_codec::{Header, PacketId, QoS, QoSLevel, TopicName, Version, publish_first_byte};

/// Bytes of the frames of one burst at most. More would not be cheaper, and the buffers are kept.
const BYTES_MAX: usize = 32 * 1024;
/// Bytes of the largest message in a burst.
const MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a frame that are not its message's: first byte, Remaining Length, length of the topic, packet identifier,
/// length of the properties.
const OVERHEAD_MAX: usize = 1 + 4 + 2 + 2 + 4;

/// Messages of one topic and one publisher, in order, without expiry.
#[derive(Debug, Default)]
pub struct Burst {
    topic: String,
    publisher: u64,
    /// The properties, then the payload, of one after the other.
    bodies: Vec<u8>,
    parts: Vec<Part>,
    /// The numbers that they have in the store, once a receiver needed that; one reference each is ours.
    stored: Vec<PublicationId>,
    /// References that receivers have to each of them, not told to the store yet.
    owed: u32,
    /// For 3.x and 5.0, without and with a packet identifier.
    frames: [Frames; 4],
}

/// Where the body of a message begins, and where its payload does.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u32,
    payload: u32,
}

/// All messages, encoded for one class of receivers.
#[derive(Debug, Default)]
struct Frames {
    bytes: Vec<u8>,
    /// Of each frame with a packet identifier: where it begins, and where the identifier is.
    ids: Vec<(u32, u32)>,
    /// Bytes of the largest.
    largest: usize,
    last: Option<Plain>,
    /// Where the packet identifier is in the last frame.
    id_at: usize,
}

/// The last frame, if its message has no properties: that of the next one may begin in the same way.
#[derive(Clone, Copy, Debug)]
struct Plain {
    start: usize,
    header_len: usize,
    payload_len: usize,
}

impl Burst {
    /// Whether a message may be in a burst at all.
    pub fn suits(message: &Message<'_>) -> bool {
        message.expires_at.is_none() && message.size() <= MESSAGE_BYTES_MAX
    }
    /// Whether this message may follow those that are here.
    pub fn takes(&self, message: &Message<'_>) -> bool {
        self.publisher == message.publisher
            && self.topic == message.topic.as_str()
            && Self::suits(message)
            && self.has_room_for(message.size())
    }
    /// Whether a message of the same topic and publisher may follow that has this payload and no properties.
    pub fn takes_payload(&self, payload: &[u8]) -> bool {
        let size = self.topic.len() + payload.len();
        size <= MESSAGE_BYTES_MAX && self.has_room_for(size)
    }
    fn has_room_for(&self, bytes: usize) -> bool {
        self.frames_bytes_max() + bytes + OVERHEAD_MAX <= BYTES_MAX
    }
    /// Adds a message; the first one decides about topic and publisher.
    pub fn push(&mut self, message: &Message<'_>) {
        if self.is_empty() {
            self.topic.push_str(message.topic.as_str());
            self.publisher = message.publisher;
        }
        self.push_body(message.properties, message.payload);
    }
    /// Adds a message of the same topic and publisher, without properties.
    pub fn push_payload(&mut self, payload: &[u8]) {
        self.push_body(&[], payload);
    }
    fn push_body(&mut self, properties: &[u8], payload: &[u8]) {
        let start = self.bodies.len() as u32; // bounded by BYTES_MAX
        self.bodies.extend_from_slice(properties);
        self.parts.push(Part { start, payload: start + properties.len() as u32 });
        self.bodies.extend_from_slice(payload);
    }
    /// The topic of all of them.
    pub fn topic(&self) -> TopicName<'_> {
        TopicName::from_checked(&self.topic)
    }
    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
    /// The messages, in order.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = Message<'_>> {
        (0..self.len()).map(|n| self.message(n))
    }
    /// The message number `n`.
    pub fn message(&self, n: usize) -> Message<'_> {
        let Part { start, payload } = self.parts[n];
        let end = self.parts.get(n + 1).map_or(self.bodies.len(), |next| next.start as usize);
        Message {
            topic: self.topic(),
            properties: &self.bodies[start as usize..payload as usize],
            payload: &self.bodies[payload as usize..end],
            expires_at: None,
            publisher: self.publisher,
        }
    }
    /// Bytes of all messages: the sum of [`Message::size`].
    pub fn bytes(&self) -> usize {
        self.len() * self.topic.len() + self.bodies.len()
    }
    /// Bytes of all payloads.
    pub fn payload_bytes(&self) -> usize {
        let properties: u32 = self.parts.iter().map(|part| part.payload - part.start).sum();
        self.bodies.len() - properties as usize
    }
    /// Bytes that the messages take in a session's queue, entries included.
    pub fn queue_bytes(&self) -> usize {
        self.bytes() + self.len() * size_of::<Entry>()
    }
    /// Bytes that a receiver gets at most.
    pub fn frames_bytes_max(&self) -> usize {
        self.bytes() + self.len() * OVERHEAD_MAX
    }
    /// The number of a message in the store, if it is stored.
    pub fn stored(&self, n: usize) -> Option<PublicationId> {
        self.stored.get(n).copied()
    }
    /// Adds all messages to a queue, to be sent when they can be.
    pub fn queue(&mut self, qos: QoSLevel, outgoing: &mut Outgoing, publications: &mut Publications) {
        let bytes = self.bytes();
        outgoing.push_all(self.hold(publications), qos, bytes);
    }
    /// One more receiver holds each message: their numbers in the store.
    pub(crate) fn hold(&mut self, publications: &mut Publications) -> &[PublicationId] {
        self.owed += 1;
        for n in self.stored.len()..self.len() {
            let id = publications.insert(&self.message(n));
            self.stored.push(id);
        }
        &self.stored
    }
    /// Bytes of the largest frame of a class of receivers.
    pub(crate) fn largest_frame(&mut self, version: Version, has_id: bool) -> usize {
        self.encode(version, has_id).largest
    }
    /// Appends all frames, with QoS 0.
    pub(crate) fn append(&mut self, version: Version, output: &mut Output) {
        output.buffer().extend_from_slice(&self.encode(version, false).bytes);
    }
    /// Appends all frames, with these packet identifiers.
    pub(crate) fn append_with_ids(
        &mut self,
        version: Version,
        qos: QoSLevel,
        ids: impl Iterator<Item = PacketId>,
        output: &mut Output,
    ) {
        let frames = self.encode(version, true);
        let buffer = output.buffer();
        let start = buffer.len();
        buffer.extend_from_slice(&frames.bytes);
        let first = publish_first_byte(false, qos, false);
        let appended = &mut buffer[start..];
        for (&(frame, at), id) in frames.ids.iter().zip(ids) {
            appended[frame as usize] = first;
            appended[at as usize..][..2].copy_from_slice(&id.get().to_be_bytes());
        }
    }
    fn encode(&mut self, version: Version, has_id: bool) -> &Frames {
        let class = class(version, has_id);
        if self.frames[class].bytes.is_empty() {
            let mut frames = core::mem::take(&mut self.frames[class]);
            self.messages().for_each(|message| frames.push(version, has_id, &message));
            self.frames[class] = frames;
        }
        &self.frames[class]
    }
    /// All receivers have it: tells the store, and forgets the messages, not the memory.
    pub fn finish(&mut self, publications: &mut Publications) {
        for id in self.stored.drain(..) {
            publications.retain_times(id, self.owed);
            publications.release(id);
        }
        self.owed = 0;
        self.topic.clear();
        self.bodies.clear();
        self.parts.clear();
        self.frames.iter_mut().for_each(Frames::clear);
    }
}

impl Frames {
    fn push(&mut self, version: Version, has_id: bool, message: &Message<'_>) {
        let start = self.bytes.len();
        let is_plain = message.properties.is_empty();
        match self.last {
            Some(last) if is_plain && last.payload_len == message.payload.len() => {
                self.bytes.extend_from_within(last.start..last.start + last.header_len);
            }
            _ => self.push_header(version, has_id, message),
        }
        if has_id {
            self.ids.push((start as u32, (start + self.id_at) as u32));
        }
        let header_len = self.bytes.len() - start;
        let payload_len = message.payload.len();
        self.last = is_plain.then_some(Plain { start, header_len, payload_len });
        self.bytes.extend_from_slice(message.payload);
        self.largest = self.largest.max(header_len + payload_len);
    }
    fn push_header(&mut self, version: Version, has_id: bool, message: &Message<'_>) {
        let header = Header {
            version,
            dup: false,
            retain: false,
            qos: if has_id { QoS::AtLeastOnce(PacketId::MIN) } else { QoS::AtMostOnce },
            topic: message.topic.as_str().as_bytes(),
            topic_alias: None,
            expiry: None,
            subscription_ids: &[],
            properties: message.properties,
            payload_len: message.payload.len(),
        };
        header.encode(&mut self.bytes);
        self.id_at = header.packet_id_at();
    }
    fn clear(&mut self) {
        self.bytes.clear();
        self.ids.clear();
        (self.largest, self.last) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(topic: &'a str, payload: &'a [u8]) -> Message<'a> {
        let topic = TopicName::new(topic).unwrap();
        Message { topic, properties: &[], payload, expires_at: None, publisher: 1 }
    }

    fn frames(burst: &mut Burst, version: Version) -> Vec<u8> {
        let mut output = Output::new();
        burst.append(version, &mut output);
        core::mem::take(output.buffer())
    }

    #[test]
    fn frames_are_those_of_each_message() {
        let mut burst = Burst::default();
        burst.push(&message("t", b"a"));
        burst.push_payload(b"bc");
        burst.push_payload(b"de");
        burst.push(&Message { properties: b"\x01\x01", ..message("t", b"fg") });
        burst.push_payload(b"");
        let v311 = b"0\x04\0\x01ta0\x05\0\x01tbc0\x05\0\x01tde0\x05\0\x01tfg0\x03\0\x01t";
        assert_eq!(frames(&mut burst, Version::V311), v311);
        let v5 = b"0\x05\0\x01t\0a0\x06\0\x01t\0bc0\x06\0\x01t\0de0\x08\0\x01t\x02\x01\x01fg0\x04\0\x01t\0";
        assert_eq!(frames(&mut burst, Version::V5), v5);
        assert_eq!([Version::V311, Version::V5].map(|version| burst.largest_frame(version, false)), [7, 10]);

        let ids = [7, 8, 9, 0x0102, 1].map(|id| PacketId::new(id).unwrap());
        let mut output = Output::new();
        output.buffer().extend_from_slice(b"before");
        burst.append_with_ids(Version::V311, QoSLevel::ExactlyOnce, ids.into_iter(), &mut output);
        let wanted = b"before4\x06\0\x01t\0\x07a4\x07\0\x01t\0\x08bc4\x07\0\x01t\0\x09de4\x07\0\x01t\x01\x02fg4\x05\0\x01t\0\x01";
        assert_eq!(*output.buffer(), wanted);
        assert_eq!((burst.payload_bytes(), burst.bytes()), (7, 5 + 2 + 7));
    }

    #[test]
    fn only_what_is_alike_comes_together() {
        let mut burst = Burst::default();
        let first = message("t", b"a");
        burst.push(&first);
        assert!(burst.takes(&first) && burst.takes_payload(b""));
        assert!(!burst.takes(&message("u", b"a")));
        assert!(!burst.takes(&Message { publisher: 2, ..first }));
        assert!(!burst.takes(&Message { expires_at: Some(crate::Time::NEVER), ..first }));
        let payload = [0; MESSAGE_BYTES_MAX];
        assert!(burst.takes_payload(&payload[1..]) && !burst.takes_payload(&payload));
        assert!(burst.takes(&message("t", &payload[1..])) && !burst.takes(&message("t", &payload)));
    }

    #[test]
    fn a_burst_has_an_end_and_begins_anew() {
        let mut store = Publications::new();
        let mut burst = Burst::default();
        for (topic, payload, count) in [("t", &[][..], 2340), ("topic/long", &[0; 1000][..], 32)] {
            burst.push(&message(topic, payload));
            while burst.takes_payload(payload) {
                burst.push_payload(payload);
            }
            assert_eq!(burst.len(), count);
            assert!(frames(&mut burst, Version::V5).len() <= BYTES_MAX);
            assert!(burst.messages().all(|message| message.payload == payload));
            assert_eq!(burst.hold(&mut store).len(), count);
            burst.hold(&mut store);
            let held: Vec<_> = burst.hold(&mut store).to_vec();
            assert_eq!((held.len(), burst.stored(0)), (count, Some(held[0])));
            burst.finish(&mut store);
            assert!(burst.is_empty() && burst.stored(0).is_none());
            // Three receivers hold each.
            held.iter().for_each(|id| (0..2).for_each(|_| store.release(*id)));
            assert_eq!(store.len(), count);
            held.iter().for_each(|id| store.release(*id));
            assert!(store.is_empty());
        }
    }
}
