//! What can be said of a packet that is refused for its size, from the bytes of it that have come.

use crate::interface::Oversized;
use martlet_codec::{PacketType, Split, TopicName, split_frame};

/// The packet at the start of these bytes, if it is larger than `limit`.
pub(crate) fn oversized(bytes: &[u8], limit: u32) -> Option<Oversized> {
    let claimed = match split_frame(bytes, u32::MAX) {
        Ok(Split::Whole(_, size)) => Some(size),
        Ok(Split::Partial(size)) => size,
        Err(_) => None,
    };
    let size = u32::try_from(claimed?).ok().filter(|size| *size > limit)?;
    Some(Oversized { size, limit, topic: topic(bytes).map(Into::into) })
}

/// The Topic Name of a PUBLISH, if all of it is there.
fn topic(bytes: &[u8]) -> Option<&str> {
    let (first, rest) = bytes.split_first()?;
    if first >> 4 != PacketType::Publish as u8 {
        return None;
    }
    let header = 1 + rest.iter().position(|byte| byte & 0x80 == 0)?;
    let (len, rest) = rest[header..].split_first_chunk::<2>()?;
    let text = core::str::from_utf8(rest.get(..usize::from(u16::from_be_bytes(*len)))?).ok()?;
    TopicName::new(text).ok().map(TopicName::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn size_and_topic_are_read_from_what_has_come() {
        let publish = b"\x32\xff\xff\x03\0\x03a/b\0\x01...";
        let seen = |count: usize| oversized(&publish[..count], 1000).map(|one| (one.size, one.topic));
        let size = 1 + 3 + 65_535;
        assert_eq!((seen(0), seen(3)), (None, None));
        assert_eq!(seen(4), Some((size, None)));
        assert_eq!(seen(8), Some((size, None)));
        assert_eq!(seen(9), Some((size, Some("a/b".into()))));
        assert_eq!(oversized(publish, size), None);
        for other in
            [&b"\x10\xff\xff\x03\0\x04MQTT"[..], b"\x30\xff\xff\x03\0\x01\xff", b"\x30\xff\xff\x03\0\0"]
        {
            let topics: Vec<_> = oversized(other, 1000).into_iter().filter_map(|one| one.topic).collect();
            assert!(topics.is_empty(), "{topics:?}");
        }
    }
}
