//! Empty buffers of the connections that had output, for those that have some next. It holds no bytes that matter, and
//! never more memory than a few turns need.

use alloc::vec::Vec;

/// Bytes of a new buffer: some small messages.
const NEW_BYTES: usize = 512;
/// A buffer larger than this is freed, not pooled.
const BUFFER_BYTES_MAX: usize = 256 * 1024;
/// Bytes of all pooled buffers.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Buffers without an owner.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Pool {
    /// An empty buffer with some memory.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        match self.buffers.pop() {
            Some(buffer) => {
                self.bytes -= buffer.capacity();
                buffer
            }
            None => Vec::with_capacity(NEW_BYTES),
        }
    }

    /// Bytes of all buffers.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes an empty buffer back, or frees it.
    pub(crate) fn give(&mut self, buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        // A small one would only have to grow, and there would be too many of them.
        let is_wanted = (NEW_BYTES..=BUFFER_BYTES_MAX).contains(&capacity);
        if is_wanted && self.bytes + capacity <= BYTES_MAX {
            self.bytes += capacity;
            self.buffers.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_small_and_not_too_much_of_it() {
        let mut pool = Pool::default();
        assert!(pool.take().capacity() >= NEW_BYTES);
        pool.give(Vec::with_capacity(BUFFER_BYTES_MAX + 1));
        pool.give(Vec::with_capacity(8));
        assert_eq!(pool.bytes, 0);
        for _ in 0..3000 {
            pool.give(Vec::with_capacity(1024));
        }
        assert!(pool.bytes <= BYTES_MAX && pool.buffers.len() == BYTES_MAX / 1024);
        while !pool.buffers.is_empty() {
            assert_eq!(pool.take().capacity(), 1024);
        }
        assert_eq!(pool.bytes, 0);
    }
}
