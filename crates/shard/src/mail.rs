//! Mail between shards: a [`Batch`] gathers what one shard tells another during a turn, in order, and is handed
//! over once. Messages lie in one buffer, so that a batch costs no allocation per message.

use crate::counters::Counters;
use crate::index::Subscription;
use crate::session::SessionRef;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use martlet_codec::{QoSLevel, TopicName};
use martlet_protocol::{Message, Time};

/// Where a piece of text or a message lies in a batch's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel {
    start: usize,
    topic_len: u32,
    properties_len: u32,
    payload_len: u32,
    expires_at: Option<Time>,
    publisher: u64,
}

/// One thing that a shard tells another.
#[derive(Debug)]
pub(crate) enum Mail {
    /// Deliver this to your subscribers.
    Publish { parcel: Parcel, qos: QoSLevel, retain: bool },
    /// You keep the retained message of this topic: replace it, or remove it if the payload is empty.
    Retain { parcel: Parcel, qos: QoSLevel },
    /// Send this session your retained messages for a filter (the parcel's topic). `asked` counts what it asks for.
    Replay { session: SessionRef, filter: Parcel, subscription: Subscription, asked: u64 },
    /// One retained message of a replay. `replay` is the sender's number for it, owed credit by its size; `asked` that of its [`Mail::Replay`].
    Replayed {
        session: SessionRef,
        replay: u64,
        parcel: Parcel,
        qos: QoSLevel,
        id: Option<NonZeroU32>,
        no_local: bool,
        asked: u64,
    },
    /// The session has taken this many KiB of a replay.
    ReplayCredit { replay: u64, credit: u32 },
    /// A replay for this session is complete.
    ReplayDone { session: SessionRef, replay: u64 },
    /// This session joins a group, or changes its subscription to it.
    Join { member: SessionRef, filter: Parcel, subscription: Subscription, credit: u16, token: u64 },
    /// The group has this member; the token is that of its [`Mail::Join`].
    Joined { member: SessionRef, token: u64 },
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
    },
    /// A message that a member did not begin: assign it to another.
    Return { member: SessionRef, filter: Parcel, parcel: Parcel, qos: QoSLevel, retain: bool },
    /// The sender's counters, for `$SYS`.
    Counters(Box<Counters>),
}

/// What one shard tells another in one turn.
#[derive(Debug, Default)]
pub struct Batch {
    mails: Vec<Mail>,
    bytes: Vec<u8>,
}

impl Batch {
    /// Bytes of memory that it fills: what a bound on the outbox counts.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.mails.len() * size_of::<Mail>()
    }
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.mails.is_empty()
    }
    pub(crate) fn push(&mut self, mail: Mail) {
        self.mails.push(mail);
    }
    /// Copies a message into the buffer.
    pub(crate) fn pack(&mut self, message: &Message<'_>) -> Parcel {
        let start = self.bytes.len();
        let topic = message.topic.as_str();
        self.bytes.extend_from_slice(topic.as_bytes());
        self.bytes.extend_from_slice(message.properties);
        self.bytes.extend_from_slice(message.payload);
        Parcel {
            start,
            topic_len: topic.len() as u32,
            properties_len: message.properties.len() as u32,
            payload_len: message.payload.len() as u32,
            expires_at: message.expires_at,
            publisher: message.publisher,
        }
    }
    /// Copies a text into the buffer.
    pub(crate) fn pack_text(&mut self, text: &str) -> Parcel {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        let topic_len = text.len() as u32;
        Parcel { start, topic_len, properties_len: 0, payload_len: 0, expires_at: None, publisher: 0 }
    }
    /// The text that was packed.
    pub(crate) fn text(&self, parcel: &Parcel) -> &str {
        let bytes = &self.bytes[parcel.start..][..parcel.topic_len as usize];
        core::str::from_utf8(bytes).expect("it was a str when it was packed")
    }
    /// The message that was packed.
    pub(crate) fn message(&self, parcel: &Parcel) -> Message<'_> {
        let (topic_len, properties_len) = (parcel.topic_len as usize, parcel.properties_len as usize);
        let rest = &self.bytes[parcel.start + topic_len..];
        let (properties, rest) = rest.split_at(properties_len);
        Message {
            topic: TopicName::from_checked(self.text(parcel)),
            properties,
            payload: &rest[..parcel.payload_len as usize],
            expires_at: parcel.expires_at,
            publisher: parcel.publisher,
        }
    }
    /// Takes the mail out; the parcels stay readable.
    pub(crate) fn take(&mut self) -> Vec<Mail> {
        core::mem::take(&mut self.mails)
    }
    /// Empties the batch for its next use; a large buffer is given back.
    pub(crate) fn recycle(&mut self, mut mails: Vec<Mail>) {
        const KEPT_MAX: usize = 1024 * 1024;
        mails.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_MAX {
            self.bytes = Vec::new();
        }
        if mails.capacity() * size_of::<Mail>() <= KEPT_MAX {
            self.mails = mails;
        }
    }
}
