//! The text of one topic level, in a trie node: most are short and need no allocation.

use alloc::boxed::Box;

/// Longest level that is stored without an allocation of its own.
const SHORT_MAX: usize = 22;

/// A level between slashes.
#[derive(Debug)]
pub(super) enum Level {
    Short { len: u8, bytes: [u8; SHORT_MAX] },
    Long(Box<[u8]>),
}

impl Level {
    pub(super) fn new(text: &str) -> Self {
        let text = text.as_bytes();
        if text.len() > SHORT_MAX {
            return Level::Long(text.into());
        }
        let mut bytes = [0; SHORT_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Level::Short { len: text.len() as u8, bytes }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Level::Short { len, bytes } => &bytes[..usize::from(*len)],
            Level::Long(bytes) => bytes,
        }
    }

    /// Bytes that it has outside of its node.
    pub(super) fn long_bytes(&self) -> usize {
        match self {
            Level::Short { .. } => 0,
            Level::Long(bytes) => bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_what_it_was_made_of() {
        for text in ["", "short", "exactly22bytes-abcdefg", "longer than 22 bytes: 23"] {
            let level = Level::new(text);
            assert_eq!(level.bytes(), text.as_bytes());
            assert_eq!(level.long_bytes(), if text.len() > SHORT_MAX { text.len() } else { 0 });
        }
    }

    #[test]
    fn a_level_takes_24_bytes() {
        assert_eq!(size_of::<Option<Level>>(), 24);
    }
}
