//! What each message of ours carries at the start of its payload: who sent it, as which one, and when.

/// Bytes of a stamp, and so of the smallest payload.
pub const STAMP_LEN: usize = 24;

/// The first bytes of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Counts the messages of a publisher, or of one lane of it, from 0.
    pub(crate) sequence: u64,
    /// The flow it belongs to.
    pub(crate) flow: u32,
    /// The run: what other runs left in a broker is not ours.
    pub(crate) nonce: u32,
    /// When it was meant to be sent, in nanoseconds of the run's clock.
    pub(crate) sent_ns: u64,
}

impl Stamp {
    /// Overwrites the start of `payload`, which is long enough.
    #[inline]
    pub(crate) fn write(self, payload: &mut [u8]) {
        payload[..8].copy_from_slice(&self.sequence.to_le_bytes());
        payload[8..12].copy_from_slice(&self.flow.to_le_bytes());
        payload[12..16].copy_from_slice(&self.nonce.to_le_bytes());
        payload[16..STAMP_LEN].copy_from_slice(&self.sent_ns.to_le_bytes());
    }

    /// The stamp of a payload that may be anybody's.
    #[inline]
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let stamp: &[u8; STAMP_LEN] = payload.first_chunk()?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, rest @ ..] = stamp;
        Some(Stamp {
            sequence: u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
            flow: u32::from_le_bytes([*i, *j, *k, *l]),
            nonce: u32::from_le_bytes([*m, *n, *o, *p]),
            sent_ns: u64::from_le_bytes(*rest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_comes_back_and_nothing_else_is_one() {
        let stamp = Stamp { sequence: u64::MAX - 1, flow: 7, nonce: 0xdead_beef, sent_ns: 1 << 40 };
        let mut payload = [0xff; STAMP_LEN + 3];
        stamp.write(&mut payload);
        assert_eq!(Stamp::read(&payload), Some(stamp));
        assert_eq!(payload[STAMP_LEN..], [0xff; 3]);
        assert_eq!(Stamp::read(&payload[..STAMP_LEN - 1]), None);
    }
}
