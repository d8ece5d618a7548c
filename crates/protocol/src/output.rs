//! What waits to be written to one Network Connection: bytes in order, large payloads by reference.
//! It never writes, and holds no buffer while nothing waits.

use crate::publications::{PublicationId, Publications};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Payloads of at least this many bytes are shared by all receivers; smaller ones are copied, which is cheaper.
pub const SHARED_PAYLOAD_MIN: usize = 16 * 1024;

/// The output of one connection.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    /// How many of `bytes` are already out.
    start: usize,
    /// Few outputs have any, at any time.
    shared: Option<Box<SharedPayloads>>,
}

/// Payloads that stand between the bytes, in order.
#[derive(Debug, Default)]
struct SharedPayloads {
    queue: VecDeque<Shared>,
    /// Bytes of them that wait.
    len: usize,
}

#[derive(Debug)]
struct Shared {
    /// The payload stands before `bytes[at]`.
    at: usize,
    publication: PublicationId,
    sent: usize,
    len: usize,
}

impl Output {
    /// An output that holds nothing, not even memory.
    pub const fn new() -> Self {
        Output { bytes: Vec::new(), start: 0, shared: None }
    }
    /// Where encoders append.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
    /// Appends the payload of a stored publication by reference; the reference is counted.
    pub fn push_payload(&mut self, publication: PublicationId, publications: &mut Publications) {
        let len = publications.parts(publication).payload.len();
        publications.retain(publication);
        let shared = self.shared.get_or_insert_default();
        shared.queue.push_back(Shared { at: self.bytes.len(), publication, sent: 0, len });
        shared.len += len;
    }
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start + self.shared.as_ref().map_or(0, |shared| shared.len)
    }
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The waiting bytes as contiguous pieces, in order.
    pub fn pieces<'a>(&'a self, publications: &'a Publications) -> impl Iterator<Item = &'a [u8]> {
        let mut from = self.start;
        let mut shared = self.shared.iter().flat_map(|shared| &shared.queue);
        let mut payload: Option<&'a [u8]> = None;
        let mut done = false;
        core::iter::from_fn(move || {
            loop {
                if let Some(piece) = payload.take() {
                    return Some(piece);
                }
                if done {
                    return None;
                }
                let (to, next) = match shared.next() {
                    Some(one) => (one.at, Some(&publications.parts(one.publication).payload[one.sent..])),
                    None => (self.bytes.len(), None),
                };
                done = next.is_none();
                let piece = &self.bytes[from..to];
                (from, payload) = (to, next);
                if !piece.is_empty() {
                    return Some(piece);
                }
            }
        })
    }
    /// The first `n` waiting bytes went out.
    pub fn advance(&mut self, mut n: usize, publications: &mut Publications) {
        assert!(n <= self.len(), "a socket takes no more than it was given");
        while n > 0 {
            let next = self.shared.as_mut().and_then(|shared| shared.queue.front_mut());
            let plain = next.as_ref().map_or(self.bytes.len(), |one| one.at) - self.start;
            let step = plain.min(n);
            (self.start, n) = (self.start + step, n - step);
            if n > 0 {
                n -= self.advance_shared(n, publications);
            }
        }
        self.compact();
    }
    /// At most `n` bytes of the first shared payload went out; how many they were.
    fn advance_shared(&mut self, n: usize, publications: &mut Publications) -> usize {
        let Some(shared) = &mut self.shared else { return 0 };
        let Some(one) = shared.queue.front_mut() else { return 0 };
        let step = (one.len - one.sent).min(n);
        one.sent += step;
        shared.len -= step;
        if one.sent == one.len {
            publications.release(one.publication);
            shared.queue.pop_front();
            if shared.queue.is_empty() {
                self.shared = None;
            }
        }
        step
    }
    /// Moves the rest to the front when more than half of a large buffer is out.
    fn compact(&mut self) {
        if self.start == self.bytes.len() && self.shared.is_none() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start > 16 * 1024 && self.start * 2 > self.bytes.len() {
            self.bytes.drain(..self.start);
            let shared = self.shared.iter_mut().flat_map(|shared| &mut shared.queue);
            shared.for_each(|one| one.at -= self.start);
            self.start = 0;
        }
    }
    /// Takes the empty buffer back for a pool.
    pub fn take_buffer(&mut self) -> Option<Vec<u8>> {
        (self.bytes.capacity() > 0 && self.is_empty()).then(|| {
            self.start = 0;
            core::mem::take(&mut self.bytes)
        })
    }
    /// Gives an output without memory a buffer from a pool.
    pub fn give_buffer(&mut self, buffer: impl FnOnce() -> Vec<u8>) {
        if self.bytes.capacity() == 0 {
            self.bytes = buffer();
        }
    }
    /// Forgets everything that waits.
    pub fn clear(&mut self, publications: &mut Publications) {
        for one in self.shared.take().into_iter().flat_map(|shared| shared.queue) {
            publications.release(one.publication);
        }
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publication::Message;
    use martlet_codec::TopicName;

    #[test]
    fn pieces_keep_their_order_however_the_socket_takes_them() {
        let mut store = Publications::new();
        let topic = TopicName::new("t").unwrap();
        let message = Message { topic, properties: &[], payload: b"PAYLOAD", expires_at: None, publisher: 0 };
        let id = store.insert(&message);
        for step in 1..=30 {
            let mut output = Output::new();
            output.buffer().extend_from_slice(b"head-");
            output.push_payload(id, &mut store);
            output.push_payload(id, &mut store);
            output.buffer().extend_from_slice(b"-tail");
            let mut got = Vec::new();
            while !output.is_empty() {
                let all: Vec<u8> = output.pieces(&store).flatten().copied().collect();
                assert_eq!(all.len(), output.len());
                let n = step.min(all.len());
                got.extend_from_slice(&all[..n]);
                output.advance(n, &mut store);
            }
            assert_eq!(got, b"head-PAYLOADPAYLOAD-tail");
            assert!(output.take_buffer().is_some());
        }
        store.release(id);
        assert!(store.is_empty(), "every reference was given back");
    }

    #[test]
    fn a_cleared_output_releases_what_it_shared() {
        let mut store = Publications::new();
        let topic = TopicName::new("t").unwrap();
        let message = Message { topic, properties: &[], payload: b"x", expires_at: None, publisher: 0 };
        let id = store.insert(&message);
        let mut output = Output::new();
        output.push_payload(id, &mut store);
        store.release(id);
        assert_eq!(store.len(), 1);
        output.clear(&mut store);
        assert!(store.is_empty());
    }
}
