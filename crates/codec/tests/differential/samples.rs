//! The frames that codecs are compared by: the golden ones, those with a few bytes changed, and random bytes; each in
//! each version, each once. The same every time.
use crate::support::{golden_frames, whole};
use martlet_codec::{Version, put_varint};
use std::collections::BTreeSet;

const MUTATIONS: usize = 60;
const RANDOM_FRAMES: usize = 20_000;

pub(crate) fn samples() -> BTreeSet<(Version, Vec<u8>)> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut frames = Vec::new();
    for golden in golden_frames() {
        if let Ok(frame) = whole(&golden.frame) {
            for _ in 0..MUTATIONS {
                let (mut first, mut body) = (frame.first, frame.body.to_vec());
                (0..=random.below(2)).for_each(|_| mutate(&mut first, &mut body, &mut random));
                frames.push(framed(first, &body));
            }
        }
        frames.push(golden.frame);
    }
    for _ in 0..RANDOM_FRAMES {
        let body: Vec<u8> = (0..random.below(20)).map(|_| random.small()).collect();
        frames.push(framed(random.byte() & 0xf2, &body));
    }
    let versions = [Version::V31, Version::V311, Version::V5];
    frames.iter().flat_map(|frame| versions.map(|version| (version, frame.clone()))).collect()
}

fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    put_varint(&mut frame, body.len() as u32);
    frame.extend_from_slice(body);
    frame
}

fn mutate(first: &mut u8, body: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(body.len() + 1);
    match (random.below(5), at < body.len()) {
        (0, _) => *first ^= 1 << random.below(8),
        (1, true) => body[at] ^= 1 << random.below(8),
        (2, true) => body[at] = random.byte(),
        (3, true) => body.truncate(at),
        _ => body.insert(at, random.byte()),
    }
}

/// Marsaglia's xorshift: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }
    fn byte(&mut self) -> u8 {
        (self.next() >> 32) as u8
    }
    /// Mostly small, as lengths and identifiers are.
    fn small(&mut self) -> u8 {
        if self.below(4) == 0 { self.byte() } else { self.byte() & 7 }
    }
}
