//! Any bytes, in each version: nothing panics, and what is accepted is encoded to what decodes to the
//! same packet. The bytes stand for a stream: frame after frame until one is refused or incomplete.
#![no_main]
use libfuzzer_sys::fuzz_target;
use martlet_codec::{MAXIMUM_FRAME_LEN, Packet, Split, Version, split_frame};

#[path = "../seeds.rs"]
mod seeds;

fuzz_target!(
    init: seeds::write("frame", |frame, _| frame.to_vec()),
    |bytes: &[u8]| {
        for version in [Version::V31, Version::V311, Version::V5] {
            stream(bytes, version);
        }
    }
);

fn stream(mut bytes: &[u8], version: Version) {
    while let Ok(Split::Whole(frame, consumed)) = split_frame(bytes, MAXIMUM_FRAME_LEN as u32) {
        assert_eq!(frame.len(), consumed);
        let Ok(packet) = Packet::decode(frame, version) else { return };
        survives(&packet, version, consumed);
        bytes = &bytes[consumed..];
    }
}

fn survives(packet: &Packet<'_>, version: Version, len: usize) {
    assert_eq!(packet.check(version), Ok(()), "{packet:?}");
    let mut encoded = Vec::new();
    packet.encode(version, &mut encoded);
    assert_eq!(encoded.len(), packet.encoded_len(version), "{packet:?}");
    assert!(encoded.len() <= len, "{packet:?} grew from {len} bytes to {}", encoded.len());
    let Ok(Split::Whole(frame, consumed)) = split_frame(&encoded, MAXIMUM_FRAME_LEN as u32) else {
        panic!("{packet:?} is encoded to no frame: {encoded:02x?}")
    };
    assert_eq!(consumed, encoded.len());
    assert_eq!(Packet::decode(frame, version).as_ref(), Ok(packet), "{encoded:02x?}");
}
