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

#[test]
fn lists_and_faults() {
    let rig = Rig::new();
    let listed = rig.good("conformance --list --only MQTT-3.12.4-1");
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let json = rig.good("conformance --json --only connect/ping@3.1.1");
    let start = r#"{"name":"connect/ping@3.1.1","ids":["3.1.1 MQTT-3.12.4-1"],"passed":true,"#;
    assert!(json.starts_with(start), "{json}");
    assert_eq!(rig.run("conformance --only nothing-of-the-kind").status.code(), Some(2));
    let nobody = super::martlet("conformance -b mqtt://127.0.0.1:1").output().unwrap();
    assert_eq!(nobody.status.code(), Some(21), "{}", stderr(&nobody));
}
