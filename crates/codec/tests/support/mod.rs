//! Reads the golden frames of `frames/*.txt` (format: `frames/README.md`), and the one way these tests
//! touch the API. It judges nothing.
#![allow(dead_code, reason = "each test binary uses a part of it")]
use martlet_codec::{Frame, Malformed, Packet, Split, Version, split_frame};
use std::path::Path;

/// One line of a file.
pub(crate) struct Golden {
    pub(crate) at: String,
    pub(crate) versions: Vec<Version>,
    pub(crate) verdict: String,
    pub(crate) frame: Vec<u8>,
}

/// Every line of every file.
pub(crate) fn golden_frames() -> Vec<Golden> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("frames");
    let mut frames = Vec::new();
    for entry in std::fs::read_dir(&directory).expect("the frames directory") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let file = path.file_name().expect("a file").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("a text file");
            frames.extend(text.lines().enumerate().filter_map(|(index, line)| parse(&file, index + 1, line)));
        }
    }
    frames
}

fn parse(file: &str, number: usize, line: &str) -> Option<Golden> {
    if line.starts_with('#') || line.is_empty() {
        return None;
    }
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    let [versions, verdict, frame, name, ..] = columns[..] else { panic!("{file}:{number}: {line}") };
    let versions = versions.split(',').map(|version| match version {
        "3.1" => Version::V31,
        "3.1.1" => Version::V311,
        "5.0" => Version::V5,
        _ => panic!("{file}:{number}: version {version}"),
    });
    let at = format!("{file}:{number} ({name})");
    Some(Golden { at, versions: versions.collect(), verdict: verdict.into(), frame: bytes(frame) })
}

/// Hexadecimal digits, and text between double quotes.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            bytes.extend_from_slice(part.as_bytes());
            continue;
        }
        let digits: Vec<u32> =
            part.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16).expect("a digit")).collect();
        assert!(digits.len().is_multiple_of(2), "half a byte in {text}");
        bytes.extend(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8));
    }
    bytes
}

/// The whole frame that `bytes` are.
pub(crate) fn whole(bytes: &[u8]) -> Result<Frame<'_>, Malformed> {
    match split_frame(bytes, u32::MAX)? {
        Split::Whole(frame, consumed) => {
            assert_eq!((consumed, frame.len()), (bytes.len(), bytes.len()), "{bytes:02x?}");
            Ok(frame)
        }
        Split::Partial(len) => panic!("a part of {len:?}: {bytes:02x?}"),
    }
}

pub(crate) fn decode(version: Version, bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    Packet::decode(whole(bytes)?, version)
}

pub(crate) fn encode(version: Version, packet: &Packet<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.encode(version, &mut bytes);
    assert_eq!(packet.encoded_len(version), bytes.len(), "{packet:?}");
    bytes
}

/// What is written in hexadecimal is accepted and written again in the same way.
#[track_caller]
pub(crate) fn check(version: Version, text: &str) {
    let bytes = bytes(text);
    let packet = decode(version, &bytes).expect("accepted");
    assert_eq!(encode(version, &packet), bytes, "{packet:?}");
}

/// What is written in hexadecimal breaks the rule `why`.
#[track_caller]
pub(crate) fn rejects(version: Version, text: &str, why: Malformed) {
    assert_eq!(decode(version, &bytes(text)), Err(why), "{text}");
}
