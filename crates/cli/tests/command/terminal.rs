//! What `martlet sub` prints where somebody looks on: on a terminal, nothing that a publisher chose acts on it.

use crate::rig::Rig;
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
