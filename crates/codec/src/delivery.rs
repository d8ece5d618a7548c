//! Writing PUBLISH for fan-out: encode once, then for each receiver one copy and a patch of the first
//! byte, the packet identifier and the expiry ([`Template`]), or a new header in front of a payload
//! that is sent as it is ([`Header`]). Property blocks come in checked and are copied, never parsed.
use crate::qos::{PacketId, QoS, QoSLevel};
use crate::version::Version;
use crate::wire::{put_binary, put_varint, varint_len};
use alloc::vec::Vec;

const MESSAGE_EXPIRY_INTERVAL: u8 = 0x02;
const SUBSCRIPTION_IDENTIFIER: u8 = 0x0b;
const TOPIC_ALIAS: u8 = 0x23;

/// The first byte of a PUBLISH: type and flags (section 3.3.1). DUP without QoS is left out. [MQTT-3.3.1-2] [3.1.1 MQTT-3.3.1-2]
pub const fn publish_first_byte(dup: bool, qos: QoSLevel, retain: bool) -> u8 {
    let dup = dup && !matches!(qos, QoSLevel::AtMostOnce);
    0x30 | (dup as u8) << 3 | (qos as u8) << 1 | retain as u8
}

/// One encoded PUBLISH for many receivers of the same version that differ in flags, packet identifier and
/// expiry alone.
#[derive(Clone, Debug, Default)]
pub struct Template {
    bytes: Vec<u8>,
    packet_id_at: Option<usize>,
    expiry_at: Option<usize>,
}

impl Template {
    /// An empty template; allocates nothing.
    pub const fn new() -> Self {
        Template { bytes: Vec::new(), packet_id_at: None, expiry_at: None }
    }

    /// Replaces the template, keeping its memory. `topic` is a checked topic name, `properties` a checked block
    /// without Message Expiry Interval, Topic Alias and Subscription Identifier; 3.1 and 3.1.1 leave it and `expiry`
    /// (s) out.
    /// The caller compares [`Template::len`] with what the receiver accepts.
    pub fn encode(
        &mut self,
        version: Version,
        qos_has_id: bool,
        topic: &[u8],
        properties: &[u8],
        expiry: Option<u32>,
        payload: &[u8],
    ) {
        let expiry = if version.is_v5() { expiry } else { None };
        let block = properties.len() + expiry.map_or(0, |_| 5);
        let block_with_len = if version.is_v5() { varint_len(block as u32) + block } else { 0 };
        let body = 2 + topic.len() + if qos_has_id { 2 } else { 0 } + block_with_len + payload.len();

        self.clear();
        let out = &mut self.bytes;
        out.reserve(1 + varint_len(body as u32) + body);
        out.push(publish_first_byte(false, QoSLevel::AtMostOnce, false));
        put_varint(out, body as u32);
        put_binary(out, topic);
        if qos_has_id {
            self.packet_id_at = Some(out.len());
            out.extend_from_slice(&[0; 2]);
        }
        if version.is_v5() {
            put_varint(out, block as u32);
            if let Some(expiry) = expiry {
                out.push(MESSAGE_EXPIRY_INTERVAL);
                self.expiry_at = Some(out.len());
                out.extend_from_slice(&expiry.to_be_bytes());
            }
            out.extend_from_slice(properties);
        }
        out.extend_from_slice(payload);
    }

    /// Appends the frame for one receiver: `first` from [`publish_first_byte`], a packet identifier
    /// exactly if the template was encoded for one, and the expiry (s) that is left. Without an
    /// expiry the template's own stays; one that the template does not have is ignored.
    pub fn append(&self, first: u8, packet_id: Option<PacketId>, expiry: Option<u32>, out: &mut Vec<u8>) {
        debug_assert_eq!(
            self.packet_id_at.is_some(),
            packet_id.is_some(),
            "the template decides about the id"
        );
        debug_assert_eq!(first & 0b110 != 0, packet_id.is_some(), "QoS and packet identifier go together");
        let Some((_, rest)) = self.bytes.split_first() else { return };
        let start = out.len();
        out.reserve(self.bytes.len());
        out.push(first);
        out.extend_from_slice(rest);
        if let (Some(at), Some(id)) = (self.packet_id_at, packet_id) {
            out[start + at..][..2].copy_from_slice(&id.get().to_be_bytes());
        }
        if let (Some(at), Some(expiry)) = (self.expiry_at, expiry) {
            out[start + at..][..4].copy_from_slice(&expiry.to_be_bytes()); // [MQTT-3.3.2-6]
        }
    }

    /// The length of the whole frame in bytes; 0 before [`Template::encode`].
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no frame in it.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Removes the frame and keeps the memory.
    pub fn clear(&mut self) {
        *self = Template { bytes: core::mem::take(&mut self.bytes), packet_id_at: None, expiry_at: None };
        self.bytes.clear();
    }
}

/// Everything of a PUBLISH in front of its payload.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The receiver's version; 3.1 and 3.1.1 leave the properties out.
    pub version: Version,
    /// A re-delivery. Not written at QoS 0.
    pub dup: bool,
    /// The RETAIN flag.
    pub retain: bool,
    /// QoS and packet identifier.
    pub qos: QoS,
    /// The topic name, checked by the caller; empty where `topic_alias` stands for one that the receiver knows.
    pub topic: &'a [u8],
    /// Topic Alias.
    pub topic_alias: Option<u16>,
    /// Message Expiry Interval in seconds.
    pub expiry: Option<u32>,
    /// Subscription Identifiers, each 1 to 268,435,455.
    pub subscription_ids: &'a [u32],
    /// A checked block without expiry, alias and subscription identifiers.
    pub properties: &'a [u8],
    /// How many bytes of payload the caller will send after the header.
    pub payload_len: usize,
}

impl Header<'_> {
    /// Appends the PUBLISH up to its payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(publish_first_byte(self.dup, self.qos.level(), self.retain));
        put_varint(out, self.remaining_len() as u32);
        put_binary(out, self.topic);
        if let Some(id) = self.qos.packet_id() {
            out.extend_from_slice(&id.get().to_be_bytes());
        }
        if !self.version.is_v5() {
            return;
        }
        put_varint(out, self.block_len() as u32);
        if let Some(expiry) = self.expiry {
            out.push(MESSAGE_EXPIRY_INTERVAL);
            out.extend_from_slice(&expiry.to_be_bytes());
        }
        if let Some(alias) = self.topic_alias {
            out.push(TOPIC_ALIAS);
            out.extend_from_slice(&alias.to_be_bytes());
        }
        out.extend_from_slice(self.properties);
        for id in self.subscription_ids {
            out.push(SUBSCRIPTION_IDENTIFIER);
            put_varint(out, *id);
        }
    }

    /// The length of the whole frame in bytes, payload included.
    pub fn frame_len(&self) -> usize {
        let remaining = self.remaining_len();
        1 + varint_len(remaining as u32) + remaining
    }

    /// Where the packet identifier is in the frame, if the QoS has one.
    pub fn packet_id_at(&self) -> usize {
        1 + varint_len(self.remaining_len() as u32) + 2 + self.topic.len()
    }

    fn remaining_len(&self) -> usize {
        let id = if self.qos.packet_id().is_some() { 2 } else { 0 };
        let block = self.block_len();
        let block = if self.version.is_v5() { varint_len(block as u32) + block } else { 0 };
        2 + self.topic.len() + id + block + self.payload_len
    }

    fn block_len(&self) -> usize {
        let ids: usize = self.subscription_ids.iter().map(|id| 1 + varint_len(*id)).sum();
        self.properties.len() + self.expiry.map_or(0, |_| 5) + self.topic_alias.map_or(0, |_| 3) + ids
    }
}
