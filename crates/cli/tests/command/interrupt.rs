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

#[test]
fn an_interrupted_bench_prints_what_it_has() {
    let rig = Rig::new();
    for line in [
        "bench pairs --seconds 1000 -b",
        "bench pairs --messages 1000000000 -b",
        "bench rr --seconds 1000 -b",
    ] {
        let mut client = Running::new(martlet(&format!("{line} {}", rig.url)).stderr(Stdio::piped()));
        thread::sleep(Duration::from_secs(4)); // it has warmed up, and measures; earlier it has no figures
        client.signal("-INT");
        let (report, code) = client.end();
        let mut said = String::new();
        client.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(code, Some(130), "{line}: {report}{said}");
        assert!(said.contains("interrupted"), "{said}");
        assert!(
            report.contains("deliver") || said.contains("before there were figures"),
            "{line}: {report}{said}"
        );
    }
}
