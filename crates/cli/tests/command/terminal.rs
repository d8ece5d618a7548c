//! What `martlet sub` prints where somebody looks on: on a terminal, nothing that a publisher chose acts on it.

use crate::rig::{Rig, martlet, server, stderr};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

/// Runs a command whose stdout is a terminal: all that it prints there.
fn on_terminal(command: &mut Command) -> String {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    let terminal = File::options().read(true).write(true).open(name).unwrap();
    let mut child = command.stdout(Stdio::from(terminal)).spawn().unwrap();
    command.stdout(Stdio::null()); // it holds the terminal open
    let mut shown = Vec::new();
    let _ = File::from(controller).read_to_end(&mut shown); // a terminal without a program ends in an error
    assert!(child.wait().unwrap().success());
    String::from_utf8(shown).unwrap().replace("\r\n", "\n") // which the terminal's driver does to line feeds
}

#[test]
fn a_topic_does_not_act_on_the_terminal() {
    let rig = Rig::new();
    let (topic, payload) = ("t/\u{1b}]0;owned\u{7}/\u{9b}2J\nforged", "\u{1b}[31mred\nline");
    for options in ["-v", "-v --no-newline", "--json", "--format %t|%p", "--format %j", "--format %x|%t"] {
        rig.good(&format!("pub {topic} {payload} --retain"));
        let line = format!("sub t/# -n 1 {options}");
        let shown = on_terminal(&mut rig.command(&line));
        assert!(!shown.contains(|char: char| char.is_control() && char != '\n'), "{options}: {shown:?}");
        assert!(!shown.lines().any(|line| line.starts_with("forged")), "{options}: {shown:?}");
        assert!(shown.contains("owned") && shown.contains("forged"), "{options}: {shown:?}");
    }
    let raw = rig.good("sub t/# -n 1 -v");
    assert_eq!(raw, format!("{topic} {payload}\n"), "a pipe gets what there is");
}

/// A CONNACK or DISCONNECT of 5.0 with a Reason String that has a line end and an escape sequence in it.
fn with_words(head: &[u8]) -> Vec<u8> {
    let words = b"a\nmartlet: forged\x1b[2J";
    let mut body = head[1..].to_vec();
    body.extend_from_slice(&[
        u8::try_from(words.len() + 3).unwrap(),
        0x1f,
        0,
        u8::try_from(words.len()).unwrap(),
    ]);
    body.extend_from_slice(words);
    [&[head[0], u8::try_from(body.len()).unwrap()][..], &body].concat()
}

#[test]
fn the_words_of_a_broker_stay_within_a_line() {
    let refuses = server(|_| Some(with_words(&[0x20, 0, 0x87])));
    let leaves = server(|_| Some([&b"\x20\x03\0\0\0"[..], &with_words(&[0xe0, 0x8b])].concat()));
    for url in [refuses, leaves] {
        let output = martlet("sub t -b").arg(&url).output().unwrap();
        let said = stderr(&output);
        assert!(!output.status.success() && said.contains("forged"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said:?}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}
