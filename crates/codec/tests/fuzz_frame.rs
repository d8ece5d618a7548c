//! Any bytes: nothing panics, and what is accepted is encoded to what decodes to the same packet. The
//! fuzz target `frame` does the same with a fuzzer's eyes; this one runs on the stable compiler, from a seed.
mod support;
use martlet_codec::{Frame, Packet, Property, Version};
use support::{decode, encode, golden_frames};

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];

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
}

/// Whether `frame` was accepted in `version`; if so it survives encoding.
fn survives(frame: Frame<'_>, version: Version) -> bool {
    let Ok(packet) = Packet::decode(frame, version) else { return false };
    walk(&packet);
    assert_eq!(packet.check(version), Ok(()), "{packet:?}");
    let again = encode(version, &packet);
    assert!(again.len() <= frame.len(), "{packet:?} grew: {frame:02x?}");
    assert_eq!(decode(version, &again).as_ref(), Ok(&packet), "{version}: {frame:02x?}");
    assert_eq!(packet.kind() as u8, frame.first >> 4);
    true
}

/// The views hold as much as they say.
fn walk(packet: &Packet<'_>) {
    match packet {
        Packet::Subscribe(p) => assert_eq!(p.filters.iter().count(), p.filters.len()),
        Packet::Unsubscribe(p) => assert_eq!(p.filters.iter().count(), p.filters.len()),
        Packet::SubAck(p) => assert_eq!(p.reasons.iter().count(), p.reasons.len()),
        Packet::UnsubAck(p) => assert_eq!(p.reasons.iter().count(), p.reasons.len()),
        Packet::Publish(p) => {
            let len: usize = p.properties.iter().map(Property::encoded_len).sum();
            assert_eq!(len, p.properties.as_bytes().len());
        }
        _ => {}
    }
}

#[test]
fn fuzz_frame_random_bytes() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut body) = (0, [0; 24]);
    for _ in 0..300_000 {
        let len = random.below(body.len());
        for byte in &mut body[..len] {
            let bits = random.next();
            *byte = if bits & 3 == 0 { (bits >> 32) as u8 } else { (bits >> 32) as u8 & 7 };
        }
        let first = (random.next() >> 40) as u8;
        let frame = Frame { first: first & 0xf2, body: &body[..len] };
        accepted += VERSIONS.iter().filter(|version| survives(frame, **version)).count();
    }
    assert!(accepted > 10_000, "only {accepted} accepted: the bytes are too random to test much");
}

#[test]
fn fuzz_frame_mutated_golden_frames() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut accepted = 0;
    for golden in golden_frames() {
        let Ok(frame) = support::whole(&golden.frame) else { continue };
        for _ in 0..500 {
            let (mut first, mut body) = (frame.first, frame.body.to_vec());
            for _ in 0..=random.below(2) {
                mutate(&mut first, &mut body, &mut random);
            }
            let frame = Frame { first, body: &body };
            accepted += VERSIONS.iter().filter(|version| survives(frame, **version)).count();
        }
    }
    assert!(accepted > 20_000, "only {accepted} accepted: the mutations are too wild to test much");
}

fn mutate(first: &mut u8, body: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(body.len() + 1);
    match (random.below(5), at < body.len()) {
        (0, _) => *first ^= 1 << random.below(8),
        (1, true) => body[at] ^= 1 << random.below(8),
        (2, true) => body[at] = random.next() as u8,
        (3, true) => body.truncate(at),
        _ => body.insert(at, random.next() as u8),
    }
}
