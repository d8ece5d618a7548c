//! `martlet conformance` against our broker, and against servers that are none.

use super::rig::{Rig, server, stderr};
use std::fs;
use std::path::Path;

#[test]
fn our_broker_passes_every_test() {
    let rig = Rig::new();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance.xml");
    let output = rig.run(&format!("conformance --patience 10 --junit {}", file.display()));
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
    let report = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert!(report.contains("failures=\"0\"") && report.contains("name=\"connect/second-connect@5.0\""));
    for skipped in report.lines().filter(|line| line.contains("<skipped")) {
        let is_declined = skipped.contains("message=\"declined: Maximum Packet Size\"");
        let is_fine = if skipped.contains("framing/length-of-3-and-4-bytes@") {
            is_declined
        } else {
            skipped.contains("name=\"declined/") && !is_declined
        };
        assert!(is_fine, "{skipped}");
    }
    assert_eq!(rig.run("sub -n 1 -W 0.2 martlet-conformance/#").status.code(), Some(27), "nothing is left");
}

#[test]
fn a_failure_says_what_was_sent_what_came_and_which_statement() {
    let rig = Rig::new();
    let welcomes_everything = server(|_| Some(b"\x20\x03\x00\x00\x00".to_vec()));
    let arguments = "--only connect/second-connect@5 --patience 0.2";
    let output = rig.run(&format!("conformance {arguments} --broker {welcomes_everything}"));
    assert_eq!(output.status.code(), Some(2), "two brokers");
    let output =
        super::martlet(&format!("conformance -b {welcomes_everything} {arguments}")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    for part in
        ["FAIL  connect/second-connect@5.0", "expected  a < closed 82", "came      a < connack 00 new"]
    {
        assert!(said.contains(part), "{said}");
    }
    assert!(said.contains("MQTT-3.1.0-2 (section 3.1.0): A second CONNECT"), "{said}");
    assert_eq!(stderr(&output), "martlet: 1 of 1 failed\n");
}

/// What `martlet conformance` says of a broker that takes no retained messages: of the test of this name.
fn without_retain(only: &str, answer_to_retain: Option<&'static [u8]>) -> (String, Option<i32>) {
    let broker = server(move |bytes| match bytes {
        [0x10, _, _, _, _, _, _, _, 5, ..] => Some(b"\x20\x05\x00\x00\x02\x25\x00".to_vec()),
        [0x10, ..] => Some(b"\x20\x02\x00\x00".to_vec()),
        [0x33, ..] => answer_to_retain.map(<[u8]>::to_vec),
        _ => None,
    });
    let arguments = format!("conformance -b {broker} --patience 0.2 --only {only}");
    let output = super::martlet(&arguments).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn what_a_broker_declines_is_skipped_and_its_refusal_tested() {
    let (said, code) = without_retain("retained/stored@5", None);
    assert!(said.starts_with(
        "skip  retained/stored@5.0  (declined: Retain Available)\n0 passed, 0 failed, 1 skipped, "
    ));
    assert_eq!(code, Some(0));
    let (said, _) = without_retain("retained/stored@3", None);
    assert!(said.starts_with("skip  retained/stored@3.1.1  (declined: Retain Available)\n"), "{said}");
    let (said, _) = without_retain("retained/stored@5 --json", None);
    assert!(
        said.contains(r#""result":"skipped","#) && said.contains(r#""why":"declined: Retain Available"}"#),
        "{said}"
    );
    let (said, _) = without_retain("declined/retain@5", None);
    assert!(said.starts_with("ok    declined/retain@5.0\n1 passed, 0 failed, 0 skipped, "), "{said}");
    let (said, code) = without_retain("declined/retain@5", Some(b"\x40\x02\x00\x01"));
    assert!(said.contains("expected  a < closed 9a,82\n  came      a < puback 1 00\n"), "{said}");
    assert_eq!(code, Some(1));
}

#[test]
fn many_rounds_are_told_in_few_lines() {
    let broker = server(|bytes| match bytes {
        [0x10, ..] => Some(b"\x20\x02\x00\x00".to_vec()),
        // One answer to all that comes at once.
        [0x32, ..] => Some(b"\x40\x02\x00\x01".to_vec()),
        _ => None,
    });
    let output =
        super::martlet(&format!("conformance -b {broker} --patience 0.2 --only ids/every-id-from-client@3"))
            .output()
            .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for part in [
        "    a >+ publish T/x - 1#1 ",
        "    ... ",
        "expected  a < puback 2 00,10",
        "3.1.1 MQTT-2.3.1-6 (section",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(said.lines().count() < 40, "{said}");
}

#[test]
fn a_broker_that_refuses_both_versions_is_not_tested() {
    let broker = server(|_| Some(b"\x20\x02\x00\x01".to_vec()));
    let output = super::martlet(&format!("conformance -b {broker}")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "martlet: the broker refuses MQTT 3.1.1 and 5.0\n");
}

#[test]
fn lists_and_faults() {
    let rig = Rig::new();
    let listed = rig.good("conformance --list --only connect/ping");
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let json = rig.good("conformance --json --only connect/ping@3.1.1");
    let start = r#"{"name":"connect/ping@3.1.1","ids":["3.1.1 MQTT-3.12.4-1"],"result":"passed","#;
    assert!(json.starts_with(start), "{json}");
    assert_eq!(rig.run("conformance --only nothing-of-the-kind").status.code(), Some(2));
    let nobody = super::martlet("conformance -b mqtt://127.0.0.1:1").output().unwrap();
    assert_eq!(nobody.status.code(), Some(21), "{}", stderr(&nobody));
}
