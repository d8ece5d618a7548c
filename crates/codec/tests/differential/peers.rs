//! mqtt-packet, the codec of MQTT.js, in one node process: a frame a line in, a verdict a line out.
use crate::compare::{Verdict, compare};
use crate::disagreements;
use crate::samples::samples;
use martlet_codec::Version;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `cargo xtask test` says where MQTT.js is, or else it is where that puts it.
#[expect(clippy::disallowed_methods, reason = "the environment says where the peer is")]
fn node_path() -> PathBuf {
    std::env::var_os("MARTLET_PEER_NODE_PATH").map(PathBuf::from).unwrap_or_else(|| {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
        let mut found = std::fs::read_dir(peers).into_iter().flatten().flatten();
        let found = found.find(|entry| entry.file_name().to_string_lossy().starts_with("mqtt@"));
        found.map(|entry| entry.path().join("node_modules")).unwrap_or_default()
    })
}

/// What mqtt-packet says to each line.
#[expect(clippy::disallowed_methods, reason = "one thread writes while the other reads: pipes are short")]
fn ask(lines: Vec<String>) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/mqtt_packet.js");
    let mut child = Command::new("node")
        .arg(script)
        .env("NODE_PATH", node_path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs; `cargo xtask test` installs what is missing");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || lines.iter().try_for_each(|line| writeln!(stdin, "{line}")));
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let answers = stdout.lines().map_while(Result::ok).collect();
    let (written, status) = (writer.join().expect("the writer ends"), child.wait().expect("node ends"));
    assert!(written.is_ok() && status.success(), "node: {status}; `cargo xtask test` installs mqtt-packet");
    answers
}

fn verdict(answer: &str) -> Verdict {
    match answer.split_once(' ') {
        Some(("ok", fields)) => Verdict::Packet(fields.into()),
        Some(("no", why)) => Verdict::Refused(why.into()),
        _ => panic!("{answer}"),
    }
}

#[test]
fn mqtt_packet_reads_the_same_or_is_explained() {
    let samples: Vec<(Version, Vec<u8>)> = samples().into_iter().collect();
    let hex = |frame: &[u8]| frame.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines = samples.iter().map(|(version, frame)| format!("{} {}", *version as u8, hex(frame)));
    let answers = ask(lines.collect());
    let verdicts: Vec<Verdict> = answers.iter().map(|answer| verdict(answer)).collect();
    let alike = compare(&samples, &verdicts, disagreements::MQTT_PACKET);
    assert!(alike > 3000, "only {alike} of {} frames were read by both: they are too wild", samples.len());
}
