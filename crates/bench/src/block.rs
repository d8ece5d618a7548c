//! The messages of a publisher as bytes: encoded once, many to a block, and from then on only patched.
//!
//! A frame of a block always has the same length. What changes in it is the packet id, the stamp and, where the
//! topic has a number in it, its digits.

use crate::stamp::{STAMP_LEN, Stamp};
use martlet_codec::{Packet, PacketId, Properties, Publish, QoS, QoSLevel, TopicName, Version};
use std::ops::Range;

/// The most bytes of a block, unless a single frame is longer.
const BLOCK_BYTES_MAX: usize = 64 * 1024;
/// Digits of a topic's number.
pub(crate) const DIGITS: usize = 8;

/// The topics of a publisher.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    pub(crate) prefix: String,
    /// A number between prefix and suffix, with [`DIGITS`] digits.
    pub(crate) numbers: Option<Numbers>,
    pub(crate) suffix: String,
}

/// The order in which a publisher goes through the numbers of its topics.
///
/// A lane is what one receiver gets: message `m` goes to lane `m % lanes`, and its number is congruent to its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// How many lanes there are.
    pub(crate) lanes: u64,
    /// How many numbers each lane has.
    pub(crate) rounds: u64,
    /// From one number of a lane to the next, below `rounds`; has no divisor in common with it.
    pub(crate) step: u64,
}

impl Topics {
    pub(crate) fn one(name: String) -> Self {
        Topics { prefix: name, numbers: None, suffix: String::new() }
    }

    fn example(&self) -> String {
        let digits = if self.numbers.is_some() { "0".repeat(DIGITS) } else { String::new() };
        format!("{}{digits}{}", self.prefix, self.suffix)
    }
}

/// Which message comes next.
#[derive(Clone, Debug)]
struct Cursor {
    numbers: Numbers,
    lane: u64,
    sequence: u64,
    place: u64,
}

impl Cursor {
    /// The sequence number of the next message in its lane, and its topic's number.
    #[inline]
    fn next(&mut self) -> (u64, u64) {
        let Numbers { lanes, rounds, step } = self.numbers;
        let next = (self.sequence, self.lane + lanes * self.place);
        self.lane += 1;
        if self.lane == lanes {
            self.lane = 0;
            self.sequence += 1;
            self.place += step;
            if self.place >= rounds {
                self.place -= rounds;
            }
        }
        next
    }
}

/// What all messages of a publisher have in common.
pub(crate) struct Template {
    pub(crate) version: Version,
    pub(crate) qos: QoSLevel,
    pub(crate) retain: bool,
    pub(crate) topics: Topics,
    /// Bytes; at least [`STAMP_LEN`], or 0 for messages that are not verified.
    pub(crate) payload_len: usize,
    pub(crate) flow: u32,
    pub(crate) nonce: u32,
}

/// Frames that are about to be written, or are being written.
pub(crate) struct Block {
    bytes: Vec<u8>,
    frame_len: usize,
    id_at: Option<usize>,
    digits_at: Option<usize>,
    stamp_at: Option<usize>,
    flow: u32,
    nonce: u32,
    cursor: Cursor,
    next_id: u16,
    unsent: Range<usize>,
}

impl Block {
    /// A block of at most `messages_max` frames.
    pub(crate) fn new(template: &Template, messages_max: usize) -> Self {
        let topic = template.topics.example();
        let payload = vec![b'.'; template.payload_len];
        let publish = Publish {
            dup: false,
            retain: template.retain,
            qos: QoS::new(template.qos, PacketId::MIN),
            topic: Some(TopicName::from_checked(&topic)),
            properties: Properties::NONE,
            payload: &payload,
        };
        let mut frame = Vec::new();
        Packet::Publish(publish).encode(template.version, &mut frame);
        let has_id = template.qos != QoSLevel::AtMostOnce;
        let payload_at = frame.len() - template.payload_len;
        let properties = usize::from(template.version.is_v5());
        let topic_end = payload_at - properties - if has_id { 2 } else { 0 };
        let count = messages_max.min(BLOCK_BYTES_MAX / frame.len()).max(1);
        let numbers = template.topics.numbers;
        Block {
            bytes: frame.repeat(count),
            frame_len: frame.len(),
            id_at: has_id.then_some(topic_end),
            digits_at: numbers.map(|_| topic_end - topic.len() + template.topics.prefix.len()),
            stamp_at: (template.payload_len >= STAMP_LEN).then_some(payload_at),
            flow: template.flow,
            nonce: template.nonce,
            cursor: Cursor {
                numbers: numbers.unwrap_or(Numbers { lanes: 1, rounds: 1, step: 1 }),
                lane: 0,
                sequence: 0,
                place: 0,
            },
            next_id: 0,
            unsent: 0..0,
        }
    }

    /// How many messages it holds at most.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len() / self.frame_len
    }

    /// Prepares the next `count` messages: meant to be sent at `sent_ns`, and every `step_ns` from there.
    pub(crate) fn fill(&mut self, count: usize, sent_ns: u64, step_ns: u64) {
        debug_assert!(self.unsent.is_empty() && count <= self.capacity());
        let mut sent_ns = sent_ns;
        for frame in self.bytes.chunks_exact_mut(self.frame_len).take(count) {
            let (sequence, number) = self.cursor.next();
            if let Some(at) = self.id_at {
                self.next_id = self.next_id.checked_add(1).unwrap_or(1);
                frame[at..at + 2].copy_from_slice(&self.next_id.to_be_bytes());
            }
            if let Some(at) = self.digits_at {
                put_digits(&mut frame[at..at + DIGITS], number);
            }
            if let Some(at) = self.stamp_at {
                Stamp { sequence, flow: self.flow, nonce: self.nonce, sent_ns }.write(&mut frame[at..]);
            }
            sent_ns += step_ns;
        }
        self.unsent = 0..count * self.frame_len;
    }

    /// What still has to be written.
    pub(crate) fn unsent(&self) -> &[u8] {
        &self.bytes[self.unsent.clone()]
    }

    /// `count` bytes of it were written.
    pub(crate) fn sent(&mut self, count: usize) {
        self.unsent.start += count;
    }
}

/// `number` in decimal, with leading zeros.
fn put_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use martlet_codec::{Split, split_frame};

    fn template(version: Version, qos: QoSLevel, numbers: Option<Numbers>, payload_len: usize) -> Template {
        let topics =
            Topics { prefix: "a/".into(), numbers, suffix: if numbers.is_some() { "/b" } else { "" }.into() };
        Template { version, qos, retain: false, topics, payload_len, flow: 3, nonce: 9 }
    }

    /// Topic, packet id, sequence and time.
    type Message = (String, Option<u16>, Option<(u64, u64)>);

    fn decode(mut bytes: &[u8], version: Version) -> Vec<Message> {
        let mut all = Vec::new();
        while let Ok(Split::Whole(frame, len)) = split_frame(bytes, 1 << 20) {
            let Packet::Publish(publish) = Packet::decode(frame, version).unwrap() else { panic!() };
            let stamp = Stamp::read(publish.payload);
            assert!(stamp.is_none_or(|stamp| (stamp.flow, stamp.nonce) == (3, 9)));
            all.push((
                publish.topic.unwrap().to_string(),
                publish.qos.packet_id().map(PacketId::get),
                stamp.map(|stamp| (stamp.sequence, stamp.sent_ns)),
            ));
            bytes = &bytes[len..];
        }
        assert!(bytes.is_empty());
        all
    }

    #[test]
    fn a_block_is_packets_of_every_version_and_qos() {
        for version in [Version::V31, Version::V311, Version::V5] {
            for level in 0..3 {
                let qos = QoSLevel::try_from(level).unwrap();
                for len in [STAMP_LEN, 64, 200, 20_000] {
                    let mut block = Block::new(&template(version, qos, None, len), 4);
                    block.fill(2, 100, 7);
                    let id = |id: u16| (level > 0).then_some(id);
                    let expected =
                        [("a/".into(), id(1), Some((0, 100))), ("a/".into(), id(2), Some((1, 107)))];
                    assert_eq!(decode(block.unsent(), version), expected, "{version} {level} {len}");
                }
            }
        }
    }

    #[test]
    fn numbers_go_through_all_topics_lane_by_lane() {
        let numbers = Numbers { lanes: 2, rounds: 3, step: 2 };
        let mut block = Block::new(&template(Version::V5, QoSLevel::AtMostOnce, Some(numbers), 24), 100);
        block.fill(7, 0, 0);
        let found: Vec<_> = decode(block.unsent(), Version::V5)
            .into_iter()
            .map(|(topic, _, stamp)| (topic, stamp.unwrap().0))
            .collect();
        let expected = [(0, 0), (1, 0), (4, 1), (5, 1), (2, 2), (3, 2), (0, 3)];
        assert_eq!(found, expected.map(|(number, sequence)| (format!("a/{number:08}/b"), sequence)));
    }

    #[test]
    fn packet_ids_are_never_0() {
        let mut block = Block::new(&template(Version::V311, QoSLevel::AtLeastOnce, None, 24), 1);
        block.next_id = 65_534;
        let mut ids = Vec::new();
        for _ in 0..3 {
            block.fill(1, 0, 0);
            ids.extend(decode(block.unsent(), Version::V311).into_iter().map(|(_, id, _)| id.unwrap()));
            block.sent(block.frame_len);
        }
        assert_eq!(ids, [65_535, 1, 2]);
    }

    #[test]
    fn a_block_has_a_bound_and_may_be_empty_messages() {
        let block = Block::new(&template(Version::V311, QoSLevel::AtMostOnce, None, 1000), usize::MAX);
        assert!((60..=65).contains(&block.capacity()));
        let mut block = Block::new(&template(Version::V311, QoSLevel::AtMostOnce, None, 0), 2);
        block.fill(2, 0, 0);
        assert_eq!(decode(block.unsent(), Version::V311), vec![("a/".to_owned(), None, None); 2]);
        block.sent(3);
        assert_eq!(block.unsent().len(), block.frame_len * 2 - 3);
    }
}
