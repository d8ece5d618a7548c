//! Ctrl-C and SIGTERM: a clean goodbye where there is somebody to take leave of, and exit code 130 in every case.

use super::CONNACK;
use crate::rig::{Rig, Running, martlet, server};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// Tells what comes, a read at a time; accepts everything, PUBLISH with QoS 1 excepted.
fn telling() -> (String, std::sync::mpsc::Receiver<Vec<u8>>) {
    let (told, heard) = channel();
    let url = server(move |bytes| {
        let kind = bytes[0] >> 4;
        told.send(bytes.to_vec()).unwrap();
        match kind {
            1 => Some(CONNACK.to_vec()),
            8 => Some(vec![0x90, 4, bytes[2], bytes[3], 0, 0]),
            _ => Some(Vec::new()),
        }
    });
    (url, heard)
}

/// Waits for DISCONNECT.
fn has_left(heard: &std::sync::mpsc::Receiver<Vec<u8>>) -> bool {
    let next = || heard.recv_timeout(Duration::from_secs(60)).ok();
    std::iter::from_fn(next).any(|bytes| bytes.ends_with(&[0xe0, 0]))
}

/// The command gets so far that this packet came, and a signal: whether it said goodbye, and how it ended.
fn interrupted(line: &str, stdin: Stdio, after: u8, signal: &str) -> (bool, Option<i32>) {
    let (url, heard) = telling();
    let mut client = Running::new(martlet(&line.replace("URL", &url)).stdin(stdin).stderr(Stdio::null()));
    while heard.recv_timeout(Duration::from_secs(60)).unwrap()[0] >> 4 != after {}
    client.signal(signal);
    let (_, code) = client.end();
    (has_left(&heard), code)
}

#[test]
fn a_signal_is_a_goodbye_and_130() {
    for signal in ["-INT", "-TERM"] {
        let (left, code) = interrupted("sub -b URL a", Stdio::null(), 8, signal);
        assert_eq!((left, code), (true, Some(130)), "sub {signal}");
        let line = "pub -b URL --repeat 1000000 --interval 0.01 t m";
        let (left, code) = interrupted(line, Stdio::null(), 3, signal);
        assert_eq!((left, code), (true, Some(130)), "pub --repeat {signal}");
        let (left, code) = interrupted("pub -b URL -q 1 t m", Stdio::null(), 3, signal);
        assert_eq!((left, code), (true, Some(130)), "a message without PUBACK {signal}");
    }
}

#[test]
fn lines_that_wait_for_more_end_with_the_signal() {
    let (url, heard) = telling();
    let mut command = martlet(&format!("pub -b {url} --lines t"));
    let mut client = Running::new(command.stdin(Stdio::piped()));
    client.child.stdin.as_mut().unwrap().write_all(b"one\n").unwrap();
    while heard.recv_timeout(Duration::from_secs(60)).unwrap()[0] >> 4 != 3 {}
    client.signal("-INT");
    assert_eq!(client.end().1, Some(130));
    assert!(has_left(&heard));
}

#[test]
fn nobody_answers_and_the_signal_ends_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    for line in [format!("sub -b {url} a"), format!("pub -b {url} a b")] {
        let mut client = Running::new(martlet(&line).stderr(Stdio::null()));
        let (mut stream, _) = listener.accept().unwrap();
        let mut first = [0];
        stream.read_exact(&mut first).unwrap(); // CONNECT, which is never answered
        client.signal("-INT");
        assert_eq!(client.end().1, Some(130), "{line}");
    }
}

#[test]
fn an_outage_ends_with_the_signal() {
    let mut rig = Rig::new();
    rig.good("pub -r t one");
    let mut client = rig.spawn("sub --reconnect -v #");
    assert_eq!(client.line(), "t one");
    rig.restart(); // the command is in an outage, or has just come back
    client.signal("-INT");
    assert_eq!(client.end().1, Some(130));
}

#[test]
fn a_pipe_that_nobody_reads_keeps_nobody() {
    let rig = Rig::new();
    rig.good("pub -r t first");
    let mut client = rig.spawn("sub #");
    assert_eq!(client.line(), "first");
    let payload = "x".repeat(100_000);
    for _ in 0..8 {
        rig.good(&format!("pub t {payload}")); // more than a pipe and a reader's buffer hold
    }
    client.signal("-INT");
    let ended = thread::spawn(move || client.child.wait().unwrap().code());
    assert_eq!(ended.join().unwrap(), Some(130));
}

/// Runs until it says, on stderr, that it is under way; then a signal: its exit code.
fn told_then_interrupted(line: &str, words: &str) -> Option<i32> {
    let mut client = Running::new(martlet(line).stderr(Stdio::piped()));
    let said = std::io::BufReader::new(client.child.stderr.take().unwrap());
    let mut said = std::io::BufRead::lines(said).map_while(Result::ok);
    assert!(said.any(|line| line.contains(words)), "{line}");
    client.signal("-INT");
    client.end().1
}

#[test]
fn a_relay_ends_with_the_signal() {
    let socket = std::env::temp_dir().join(format!("martlet-relay-{}.sock", std::process::id()));
    let line = format!("bench relay --listen unix://{}", socket.display());
    assert_eq!(told_then_interrupted(&line, "relaying on"), Some(130));
    assert!(!socket.exists(), "it has removed what it made");
}

#[test]
fn a_pipe_that_nobody_reads_leaves_time_for_a_goodbye() {
    let rig = Rig::new();
    let mut client = rig.spawn("sub --will-topic gone --will-message bye --will-retain -v #");
    while rig.run("sub -n 1 -W 0.2 nothing").status.code() != Some(27) {}
    let payload = "x".repeat(100_000);
    rig.good("pub -r ready y");
    assert_eq!(client.line(), "ready y");
    for _ in 0..8 {
        rig.good(&format!("pub -q 1 t {payload}")); // more than a pipe and a reader's buffer hold
    }
    client.signal("-INT");
    assert_eq!(client.child.wait().unwrap().code(), Some(130));
    assert_eq!(rig.run("sub -n 1 -W 0.5 gone").status.code(), Some(27), "DISCONNECT discards the will");
}

#[test]
fn a_pipe_that_nobody_reads_does_not_outlast_the_time_of_a_command() {
    let rig = Rig::new();
    for n in 0..4 {
        rig.good(&format!("pub -r t/{n} {}", "x".repeat(100_000)));
    }
    let mut client = rig.spawn("sub -W 1 #");
    assert_eq!(client.child.wait().unwrap().code(), Some(27));
}

#[test]
fn a_publisher_that_reads_stdin_ends_with_the_signal() {
    let rig = Rig::new();
    let mut client = Running::new(martlet(&format!("pub -b {} --stdin t", rig.url)).stdin(Stdio::piped()));
    // It watches for signals before it reads: it has read when this, which no pipe holds, is written.
    client.child.stdin.as_mut().unwrap().write_all(&vec![b'x'; 1 << 20]).unwrap();
    client.signal("-INT");
    assert_eq!(client.end().1, Some(130));
}

#[test]
fn an_acknowledgement_that_is_under_way_is_waited_for() {
    let (told, heard) = channel();
    let (go, may_answer) = channel::<()>();
    let url = server(move |bytes| match bytes[0] >> 4 {
        1 => Some(CONNACK.to_vec()),
        3 => {
            told.send(()).unwrap();
            may_answer.recv().unwrap();
            Some(vec![0x40, 2, bytes[5], bytes[6]])
        }
        _ => None,
    });
    let mut command = martlet(&format!("pub -b {url} -q 1 t m"));
    let mut client = Running::new(command.stderr(Stdio::piped()));
    heard.recv().unwrap();
    client.signal("-INT");
    go.send(()).unwrap();
    let code = client.end().1;
    assert!(
        matches!(code, Some(0 | 130)),
        "{code:?}: the acknowledgement and the signal may come in either order"
    );
    let mut said = String::new();
    client.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "", "the broker has it");
}

#[test]
fn a_second_signal_ends_at_once() {
    let (url, heard) = telling();
    let mut client = Running::new(martlet(&format!("pub -b {url} -q 1 t m")).stderr(Stdio::null()));
    while heard.recv_timeout(Duration::from_secs(60)).unwrap()[0] >> 4 != 3 {}
    // No acknowledgement comes: the first signal alone has the command linger.
    client.signal("-INT");
    client.signal("-INT");
    assert_eq!(client.end().1, Some(130));
}

#[test]
fn conformance_ends_with_the_signal_whatever_it_waits_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!("conformance -b mqtt://{} --patience 60", listener.local_addr().unwrap());
    let mut client = Running::new(martlet(&line).stderr(Stdio::null()));
    let mut streams = [listener.accept().unwrap().0, listener.accept().unwrap().0];
    streams[1].read_exact(&mut [0; 4]).unwrap(); // the first CONNECT, which is never answered
    client.signal("-INT");
    assert_eq!(client.end().1, Some(130));
}
