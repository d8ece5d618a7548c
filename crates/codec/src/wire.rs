//! The data representations of section 1.5: integers, strings, binary data. Reading stays within one
//! packet and never allocates; writing appends to a `Vec` and never looks back.
use crate::error::{Malformed, Result};
use crate::qos::PacketId;
use alloc::vec::Vec;

/// The largest variable byte integer, and so the largest remaining length of a packet (section 1.5.5).
pub const MAXIMUM_VARINT: u32 = 268_435_455;

/// A cursor over the bytes of exactly one packet, or one property block.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> usize {
        self.0.len()
    }

    /// Whether everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A Two Byte Integer (1.5.2).
    pub fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A Four Byte Integer (1.5.3).
    pub fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A Variable Byte Integer: at most four bytes, and no longer than needed.
    pub fn varint(&mut self) -> Result<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let minimal = shift == 0 || byte != 0;
                return if minimal { Ok(value) } else { Err(Malformed::VariableByteIntegerNotMinimal) }; // [MQTT-1.5.5-1]
            }
        }
        Err(Malformed::VariableByteIntegerTooLong)
    }

    /// Binary Data (1.5.6): two bytes of length, then the bytes.
    pub fn binary(&mut self) -> Result<&'a [u8]> {
        let len = self.u16()?;
        self.bytes(len.into())
    }

    /// A UTF-8 Encoded String (1.5.4). U+FEFF is kept wherever it stands. [MQTT-1.5.4-3] [3.1.1 MQTT-1.5.3-3]
    pub fn string(&mut self) -> Result<&'a str> {
        let text = core::str::from_utf8(self.binary()?).map_err(|_| Malformed::Utf8)?; // [MQTT-1.5.4-1] [3.1.1 MQTT-1.5.3-1]
        if contains_any(text.as_bytes(), [0]) { Err(Malformed::NullCharacter) } else { Ok(text) } // [MQTT-1.5.4-2] [3.1.1 MQTT-1.5.3-2]
    }

    /// A packet identifier (2.2.1).
    pub fn packet_id(&mut self) -> Result<PacketId> {
        PacketId::new(self.u16()?).ok_or(Malformed::PacketIdZero) // [MQTT-2.2.1-3] [3.1.1 MQTT-2.3.1-1]
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// Refuses bytes that nothing has read.
    pub fn finish(self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Malformed::TrailingBytes) }
    }
}

/// Whether `text` can be a UTF-8 Encoded String: at most 65,535 bytes, no U+0000.
pub fn check_string(text: &str) -> Result<()> {
    check_binary(text.as_bytes())?;
    if contains_any(text.as_bytes(), [0]) { Err(Malformed::NullCharacter) } else { Ok(()) }
}

/// Whether one of `bytes` is one of `wanted`: eight at a time, for topics are short and there are many of them.
pub(crate) fn contains_any<const N: usize>(bytes: &[u8], wanted: [u8; N]) -> bool {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let has_zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH != 0;
    let has_wanted = |eight: &[u8; 8]| {
        let word = u64::from_ne_bytes(*eight);
        wanted.iter().fold(false, |found, one| found | has_zero(word ^ (LOW * u64::from(*one))))
    };
    match bytes.last_chunk() {
        Some(last) => bytes.as_chunks().0.iter().any(has_wanted) || has_wanted(last), // some bytes twice
        None => bytes.iter().any(|byte| wanted.contains(byte)),
    }
}

/// Whether `bytes` can be Binary Data: at most 65,535 bytes.
pub const fn check_binary(bytes: &[u8]) -> Result<()> {
    if bytes.len() > 0xffff { Err(Malformed::StringTooLong) } else { Ok(()) }
}

/// How many bytes [`put_varint`] writes for `value`, which is at most [`MAXIMUM_VARINT`].
pub const fn varint_len(value: u32) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Appends a Variable Byte Integer. `value` is at most [`MAXIMUM_VARINT`]; a larger one has no encoding.
pub fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends Binary Data, or the bytes of a string.
///
/// # Panics
/// If `bytes` is longer than 65,535 bytes: no packet from the wire holds such a field, and what a
/// user types is checked first ([`check_binary`], [`crate::Packet::check`]).
pub fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).expect("callers check that a string has at most 65,535 bytes");
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_some_bytes_wherever_it_stands() {
        for len in 0..40 {
            let mut bytes = alloc::vec![0x80 | b'+'; len];
            assert!(!contains_any(&bytes, [b'+', b'#', 0]), "{len}");
            for at in 0..len {
                for one in [b'+', b'#', 0] {
                    let before = core::mem::replace(&mut bytes[at], one);
                    assert!(
                        contains_any(&bytes, [b'+', b'#', 0]) && contains_any(&bytes, [one]),
                        "{len} {at}"
                    );
                    assert!(!contains_any(&bytes, [one ^ 1, one ^ 0x80 ^ 2]), "{len} {at}");
                    bytes[at] = before;
                }
            }
        }
    }
}
