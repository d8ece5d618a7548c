//! Marsaglia's xorshift: small, and the same everywhere. Never for anything but tests.

pub(crate) struct Random(u64);

impl Random {
    /// A generator; `seed` is not 0.
    pub(crate) fn new(seed: u64) -> Self {
        assert!(seed != 0);
        Random(seed)
    }
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }
}
