//! The fixed header (section 2.1): where one packet ends and the next begins. It looks at no body, and
//! a packet that is too large is refused as soon as its length is known, before its body arrives.
use crate::error::{Malformed, Result};
use crate::wire::{MAXIMUM_VARINT, Reader, varint_len};

/// The longest frame there is: first byte, four bytes of length, body.
pub const MAXIMUM_FRAME_LEN: usize = 1 + 4 + MAXIMUM_VARINT as usize;

/// One whole packet on the wire: its first byte (type and flags) and what follows the remaining length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Packet type in the upper four bits, flags in the lower four.
    pub first: u8,
    /// Variable header and payload.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// The length of the whole frame in bytes, fixed header included: the "packet size" of the specification.
    #[expect(clippy::len_without_is_empty, reason = "a frame has at least two bytes")]
    pub const fn len(&self) -> usize {
        1 + varint_len(self.body.len() as u32) + self.body.len()
    }
}

/// What stands at the start of a stream of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split<'a> {
    /// A whole frame, and how many bytes it takes.
    Whole(Frame<'a>, usize),
    /// More bytes are needed: the length of the whole frame, where it is already known.
    Partial(Option<usize>),
}

/// Splits the first frame off `bytes`. `maximum_packet_size` is in bytes and counts the whole frame.
///
/// # Errors
/// `VariableByteInteger...` for a malformed length, `PacketTooLarge` above the maximum.
pub fn split_frame(bytes: &[u8], maximum_packet_size: u32) -> Result<Split<'_>> {
    let mut r = Reader::new(bytes);
    let Ok(first) = r.u8() else { return Ok(Split::Partial(None)) };
    let body_len = match r.varint() {
        Ok(len) => len as usize,
        Err(Malformed::Truncated) => return Ok(Split::Partial(None)),
        Err(malformed) => return Err(malformed), // [MQTT-1.5.5-1]
    };
    let total = bytes.len() - r.remaining() + body_len;
    if total > maximum_packet_size as usize {
        return Err(Malformed::PacketTooLarge); // [MQTT-3.2.2-15]
    }
    Ok(match r.bytes(body_len) {
        Ok(body) => Split::Whole(Frame { first, body }, total),
        Err(_) => Split::Partial(Some(total)),
    })
}
