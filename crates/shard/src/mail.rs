//! Mail between shards: a [`Batch`] gathers what one shard tells another during a turn, in order, and is handed
//! over once. Messages lie in one buffer, and an emptied batch goes back to its sender, so that mail costs no allocation
//! in steady state.

use crate::counters::Counters;
use crate::index::Subscription;
use crate::levels::UnderWay;
use crate::session::SessionRef;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use martlet_codec::{QoSLevel, ReasonCode, TopicName};
use martlet_protocol::{Message, Publications, Time};

/// Where a text, or a message that begins with its topic, lies in a batch's buffer. Lengths and the rest lie there,
/// too, so that mail that carries two of them is no larger than a cache line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel {
    start: usize,
}

/// One thing that a shard tells another.
#[derive(Debug)]
pub(crate) enum Mail {
    /// Deliver this to your subscribers.
    Publish { parcel: Parcel, qos: QoSLevel, retain: bool },
    /// You keep the retained message of this topic: replace it, or remove it if the payload is empty.
    Retain { parcel: Parcel, qos: QoSLevel },
    /// Send this session your retained messages for a filter (the parcel's topic). `asked` says which live messages
    /// its shard had seen by then.
    Replay { session: SessionRef, filter: Parcel, subscription: Subscription, asked: u64 },
    /// One retained message of a replay. `replay` is the sender's number for it, owed credit by its size; `asked` that of its [`Mail::Replay`].
    Replayed {
        session: SessionRef,
        replay: u64,
        parcel: Parcel,
        qos: QoSLevel,
        maximum_qos: QoSLevel,
        id: Option<NonZeroU32>,
        flags: ReplayFlags,
        asked: u64,
    },
    /// The session has taken this many KiB of a replay.
    ReplayCredit { replay: u64, credit: u32 },
    /// A replay for this session is complete.
    ReplayDone { session: SessionRef, replay: u64 },
    /// This session joins a group, or changes its subscription to it.
    Join { member: SessionRef, filter: Parcel, subscription: Subscription, credit: u16, token: u64 },
    /// The group has this member, or is too much for it; the token is that of its [`Mail::Join`].
    Joined { member: SessionRef, token: u64, result: Result<(), ReasonCode> },
    /// This session leaves a group.
    Leave { member: SessionRef, filter: Parcel },
    /// This member came back with so much credit, or went offline.
    Online { member: SessionRef, filter: Parcel, credit: Option<u16> },
    /// This member has settled messages of the group.
    Credit { member: SessionRef, filter: Parcel, credit: u16 },
    /// A message of a group, for this member. `filter` is the group's.
    Assigned {
        member: SessionRef,
        filter: Parcel,
        parcel: Parcel,
        qos: QoSLevel,
        retain: bool,
        subscription: Subscription,
        seq: u32,
    },
    /// A message that a member did not begin: assign it to another.
    Return { member: SessionRef, filter: Parcel, parcel: Parcel, qos: QoSLevel, retain: bool, seq: u32 },
    /// The sender's counters, for `$SYS`.
    Counters(Box<Counters>),
}

/// What a replayed message is, beside its QoS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplayFlags(u8);

impl ReplayFlags {
    pub(crate) fn new(no_local: bool, is_new: bool) -> Self {
        ReplayFlags(u8::from(no_local) | u8::from(is_new) << 1)
    }
    /// The subscription is not for messages of its own client.
    pub(crate) fn no_local(self) -> bool {
        self.0 & 1 != 0
    }
    /// The topic had no retained message when the replay began.
    pub(crate) fn is_new(self) -> bool {
        self.0 & 2 != 0
    }
}

/// What one shard tells another in one turn, or an empty one for its next turn: [`Shard::take_mail`](crate::Shard::take_mail).
#[derive(Debug, Default)]
pub struct Batch {
    mails: Vec<Mail>,
    bytes: Vec<u8>,
    /// The messages in there that its receiver may have to keep.
    under_way: UnderWay,
}

/// Bytes of each of its two buffers that an empty batch keeps at most.
const KEPT_BYTES_MAX: usize = 64 * 1024;

impl Batch {
    /// Bytes of memory that it fills: what a bound on the outbox counts.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.mails.len() * size_of::<Mail>()
    }
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.mails.is_empty()
    }
    /// The messages in there that their publishers were told are kept.
    pub(crate) fn under_way(&self) -> UnderWay {
        self.under_way
    }
    /// The next mail brings a message.
    pub(crate) fn will_bring(&mut self, message: &Message<'_>, qos: QoSLevel) {
        self.under_way += weight(message.size(), qos);
    }
    /// What one mail has in it of [`Self::under_way`].
    pub(crate) fn weight_of(&self, mail: &Mail) -> UnderWay {
        match mail {
            Mail::Publish { parcel, qos, .. } | Mail::Retain { parcel, qos }
                if *qos != QoSLevel::AtMostOnce =>
            {
                weight(self.message_size(parcel), *qos)
            }
            _ => UnderWay::default(),
        }
    }
    pub(crate) fn push(&mut self, mail: Mail) {
        self.mails.push(mail);
    }
    /// The mail of this number, in the order in which it was written.
    pub(crate) fn get(&self, number: usize) -> Option<&Mail> {
        self.mails.get(number)
    }
    /// Copies a message into the buffer.
    pub(crate) fn pack(&mut self, message: &Message<'_>) -> Parcel {
        let Message { topic, properties, payload, expires_at, publisher } = *message;
        let parcel = self.pack_text(topic.as_str());
        let expires_at = expires_at.unwrap_or(Time::NEVER).as_millis();
        self.bytes.extend_from_slice(&(properties.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&expires_at.to_le_bytes());
        self.bytes.extend_from_slice(&publisher.to_le_bytes());
        self.bytes.extend_from_slice(properties);
        self.bytes.extend_from_slice(payload);
        parcel
    }
    /// Copies a text into the buffer.
    pub(crate) fn pack_text(&mut self, text: &str) -> Parcel {
        let start = self.bytes.len();
        let len = u16::try_from(text.len()).expect("topics and filters have at most 65,535 bytes");
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
        Parcel { start }
    }
    /// The text that was packed.
    pub(crate) fn text(&self, parcel: &Parcel) -> &str {
        self.split_text(parcel).0
    }
    /// The message that was packed.
    pub(crate) fn message(&self, parcel: &Parcel) -> Message<'_> {
        let (topic, mut rest) = self.split_text(parcel);
        let properties_len = u32::from_le_bytes(number(&mut rest)) as usize;
        let payload_len = u32::from_le_bytes(number(&mut rest)) as usize;
        let expires_at = Time::from_millis(u64::from_le_bytes(number(&mut rest)));
        let publisher = u64::from_le_bytes(number(&mut rest));
        let (properties, rest) = rest.split_at(properties_len);
        Message {
            topic: TopicName::from_checked(topic),
            properties,
            payload: &rest[..payload_len],
            expires_at: (expires_at != Time::NEVER).then_some(expires_at),
            publisher,
        }
    }
    /// [`Message::size`] of the message that was packed, without a look at the rest of it.
    fn message_size(&self, parcel: &Parcel) -> usize {
        let mut rest = &self.bytes[parcel.start..];
        let topic_len = usize::from(u16::from_le_bytes(number(&mut rest)));
        rest = &rest[topic_len..];
        let properties_len = u32::from_le_bytes(number(&mut rest)) as usize;
        let payload_len = u32::from_le_bytes(number(&mut rest)) as usize;
        topic_len + properties_len + payload_len
    }
    /// A text, and what was packed behind it.
    fn split_text(&self, parcel: &Parcel) -> (&str, &[u8]) {
        let mut rest = &self.bytes[parcel.start..];
        let len = u16::from_le_bytes(number(&mut rest));
        let (text, rest) = rest.split_at(usize::from(len));
        (core::str::from_utf8(text).expect("it was a str when it was packed"), rest)
    }
    /// Empties the batch for its next use; of large buffers little is kept.
    pub(crate) fn clear(&mut self) {
        self.mails.clear();
        self.bytes.clear();
        self.under_way = UnderWay::default();
        self.mails.shrink_to(KEPT_BYTES_MAX / size_of::<Mail>());
        self.bytes.shrink_to(KEPT_BYTES_MAX);
    }
    /// Frees the buffers, if there is nothing in them.
    pub(crate) fn drop_spare(&mut self) {
        if self.is_empty() {
            *self = Batch::default();
        }
    }
}

/// What a shard may have to keep of a message of `size` bytes; of QoS 0 nothing is promised.
fn weight(size: usize, qos: QoSLevel) -> UnderWay {
    match qos {
        QoSLevel::AtMostOnce => UnderWay::default(),
        _ => UnderWay { messages: 1, bytes: Publications::memory_of(size) },
    }
}

/// The bytes of a number that was packed.
fn number<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (number, behind) = rest.split_first_chunk().expect("it was packed whole");
    *rest = behind;
    *number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_small() {
        assert_eq!(size_of::<Mail>(), 40);
    }

    #[test]
    fn messages_and_texts_are_read_as_they_were_packed() {
        let mut batch = Batch::default();
        let long = "x".repeat(65_535);
        let expiries = [None, Some(Time::from_millis(0)), Some(Time::from_millis(77))];
        let messages = expiries.map(|expires_at| Message {
            topic: TopicName::from_checked(&long),
            properties: b"properties",
            payload: b"payload",
            expires_at,
            publisher: u64::MAX,
        });
        let parcels: Vec<_> =
            messages.iter().map(|message| (batch.pack_text("a/+"), batch.pack(message))).collect();
        for ((filter, parcel), message) in parcels.iter().zip(&messages) {
            assert_eq!((batch.text(filter), batch.text(parcel)), ("a/+", &*long));
            assert_eq!(alloc::format!("{:?}", batch.message(parcel)), alloc::format!("{message:?}"));
            assert_eq!(batch.message_size(parcel), message.size());
        }
    }

    #[test]
    fn an_empty_batch_keeps_its_buffers_but_little_of_large_ones() {
        let mut batch = Batch::default();
        let mut kept = |count: u32| {
            for replay in 0..count {
                batch.pack_text(&"x".repeat(100));
                batch.push(Mail::ReplayCredit { replay: replay.into(), credit: 1 });
            }
            batch.clear();
            assert!(batch.is_empty() && batch.size() == 0);
            batch.bytes.capacity() + batch.mails.capacity() * size_of::<Mail>()
        };
        assert!(kept(100) >= 100 * (100 + size_of::<Mail>()));
        assert!((KEPT_BYTES_MAX..=2 * KEPT_BYTES_MAX).contains(&kept(100_000)));
        batch.push(Mail::ReplayCredit { replay: 1, credit: 1 });
        batch.drop_spare();
        assert!(!batch.is_empty(), "what is in it is not spare");
        batch.clear();
        batch.drop_spare();
        assert_eq!((batch.bytes.capacity(), batch.mails.capacity()), (0, 0));
    }
}
