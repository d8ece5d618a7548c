//! `martlet serve` as a process: its log, its signals, and what it says where it cannot start.

use crate::rig::{martlet, stderr};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

/// A broker in a process of its own; killed when dropped.
struct Served {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Served {
    fn start(options: &str) -> Self {
        let mut command = martlet("serve");
        command.args(["--listen", "mqtt://127.0.0.1:0", "--shards", "2"]).args(options.split_whitespace());
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let line = line_with(&mut log, "listening on mqtt://");
        let address = line.split("mqtt://").nth(1).unwrap();
        let address =
            address.split(|c: char| !c.is_ascii_digit() && !".:".contains(c)).next().unwrap().to_owned();
        Served { child, log, address }
    }
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
    /// Connects as a client without a client id, and is accepted.
    fn connect(&self) -> TcpStream {
        let (stream, connack) = self.say(b"\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0");
        assert_eq!(connack[..4], [0x20, 2, 0, 0]);
        stream
    }
    /// Opens a connection, says this, and hears an answer.
    fn say(&self, bytes: &[u8]) -> (TcpStream, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = vec![0; 2];
        stream.read_exact(&mut answer).unwrap();
        answer.resize(2 + usize::from(answer[1]), 0);
        stream.read_exact(&mut answer[2..]).unwrap();
        (stream, answer)
    }
    fn expect_log(&mut self, words: &str) -> String {
        line_with(&mut self.log, words)
    }
    fn ends_well(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it has ended already, or should
        let _ = self.child.wait();
    }
}

fn line_with(log: &mut impl BufRead, words: &str) -> String {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "the log ended without `{words}`");
    }
    line
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let mut served = Served::start("");
    // Two lines each, of more than 100 bytes: four times what the pipe and the queue hold.
    for _ in 0..40 {
        let clients: Vec<_> = (0..250).map(|_| served.connect()).collect();
        drop(clients);
    }
    served.connect();
    served.expect_log("log lines were dropped");
    served.connect();
    served.expect_log("client connected");
    served.signal("-TERM");
    served.ends_well();
}

#[test]
fn a_log_that_nobody_reads_does_not_keep_the_broker_from_ending() {
    let mut served = Served::start("");
    for _ in 0..40 {
        let clients: Vec<_> = (0..250).map(|_| served.connect()).collect();
        drop(clients);
    }
    served.signal("-TERM");
    assert!(served.child.wait().unwrap().success());
}

/// Neither does it keep one from saying goodbye that could not start.
#[test]
#[cfg(target_os = "linux")]
fn a_start_that_fails_ends_though_nobody_reads_why() {
    let (_reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b' '; 64 * 1024]).unwrap(); // all that a pipe takes
    for format in ["human", "json"] {
        let mut serve = martlet("serve");
        serve.args(["-c", "/no/such/file", "--log-format", format]);
        let mut child = serve.stderr(writer.try_clone().unwrap()).spawn().unwrap();
        let ended = (0..500).find_map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            child.try_wait().unwrap()
        });
        let _ = child.kill();
        assert_eq!(ended.and_then(|status| status.code()), Some(3), "{format}");
    }
}

impl Served {
    /// The log up to its end, which is that of the broker.
    fn rest_of_log(mut self) -> String {
        self.signal("-TERM");
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        self.ends_well();
        rest
    }
}

const UNCHECKED: &str = "user names and passwords are not checked";

#[test]
fn credentials_that_nobody_checks_are_warned_about_once() {
    for format in ["human", "json"] {
        let served = Served::start(&format!("--log-format {format}"));
        for _ in 0..20 {
            served.connect(); // says nothing of itself
        }
        let user_and_password = b"\x10\x1b\0\x04MQTT\x04\xc2\0\0\0\x01c\0\x04user\0\x06secret";
        let (_stream, connack) = served.say(user_and_password);
        assert_eq!(connack, [0x20, 2, 0, 0], "it is accepted nevertheless");
        let clients: Vec<_> = (0..50).map(|_| served.say(user_and_password)).collect(); // on both shards
        drop(clients);
        served.connect();
        let address = served.address.clone();
        let log = served.rest_of_log();
        let lines: Vec<_> = log.lines().filter(|line| line.contains(UNCHECKED)).collect();
        let [line] = lines[..] else { panic!("{lines:?}") };
        assert!(line.contains("WARN") && line.contains(&address) && line.contains("user"), "{line}");
        assert!(!log.contains("secret"), "{log}");
    }
}

#[test]
fn any_credential_is_warned_about() {
    for connect in [
        &b"\x10\x13\0\x04MQTT\x04\x82\0\0\0\x01c\0\x04user"[..],
        b"\x10\x0f\0\x04MQTT\x04\x82\0\0\0\x01c\0\0", // an empty user name
        b"\x10\x16\0\x04MQTT\x05\x42\0\0\0\0\x01c\0\x06secret", // 5.0: a password alone
        b"\x10\x1d\0\x06MQIsdp\x03\xc2\0\0\0\x01c\0\x04user\0\x06secret",
    ] {
        let served = Served::start("");
        let (_stream, connack) = served.say(connect);
        assert_eq!(connack[3], 0, "{connect:02x?}");
        let log = served.rest_of_log();
        assert!(log.contains(UNCHECKED) && !log.contains("secret"), "{connect:02x?}: {log}");
    }
}

#[test]
fn an_authentication_method_that_nobody_knows_is_refused() {
    let served = Served::start("");
    let (_stream, connack) = served.say(b"\x10\x15\0\x04MQTT\x05\x02\0\0\x07\x15\0\x04SCRA\0\x01c");
    assert_eq!(connack[3], 0x8c, "Bad authentication method");
    let log = served.rest_of_log();
    assert!(log.contains("refused: Bad authentication method") && !log.contains(UNCHECKED), "{log}");
}

#[test]
fn signals_that_ask_for_nothing_end_nothing() {
    let mut served = Served::start("");
    for (signal, words) in [("-HUP", "nothing to reload"), ("-USR1", "SIGUSR1"), ("-USR2", "SIGUSR2")] {
        served.signal(signal);
        served.expect_log(words);
        served.connect();
    }
    served.signal("-QUIT");
    served.expect_log("SIGQUIT");
    served.ends_well();
}

/// Runs `martlet serve` under a limit of the shell's.
fn limited(limit: &str, options: &str) -> std::process::Output {
    let program = martlet("serve").get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {limit}; exec \"$0\" serve --listen mqtt://127.0.0.1:0 {options}"));
    shell.arg(program).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn too_few_open_files_are_a_fault_of_the_configuration() {
    let output = limited("-n 10", "--shards 2");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("open files is 10") && said.contains("LimitNOFILE"), "{said}");
}

#[test]
fn the_room_for_connections_is_explained() {
    let mut served = Served::under("-n 64");
    let line = served.expect_log("room for");
    assert!(line.contains("room for 16 connections: the limit of open files is 64, of which 48"), "{line}");
}

impl Served {
    /// One whose log is not looked at yet.
    fn under(limit: &str) -> Self {
        let program = martlet("serve").get_program().to_owned();
        let script = format!("ulimit {limit}; exec \"$0\" serve --listen mqtt://127.0.0.1:0 --shards 2");
        let mut shell = Command::new("sh");
        let mut child = shell.arg("-c").arg(script).arg(program).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Served { child, log, address: String::new() }
    }
}

#[test]
fn faults_at_the_start_are_in_the_format_of_the_log() {
    for options in ["-c /no/such/file", "--listen mqtt://192.0.2.1:1", "--listen nowhere:x"] {
        let output =
            martlet("serve").args(["--log-format", "json"]).args(options.split(' ')).output().unwrap();
        assert!(!output.status.success());
        for line in stderr(&output).lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(["ERROR", "WARN", "INFO"].contains(&line["level"].as_str().unwrap()), "{line}");
        }
        assert!(stderr(&output).lines().last().unwrap().contains("ERROR"), "{options}");
    }
}

/// A CONNECT of 3.1.1.
fn connect(client_id: &str, user: &str) -> Vec<u8> {
    let mut body = b"\0\x04MQTT\x04\x82\0\0".to_vec();
    for text in [client_id, user] {
        body.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
        body.extend_from_slice(text.as_bytes());
    }
    [&[0x10, u8::try_from(body.len()).unwrap()][..], &body].concat()
}

#[test]
fn no_client_writes_into_the_log() {
    let forged = "a\n2026-01-01T00:00:00Z ERROR forged\r";
    for format in ["auto", "human", "json"] {
        let served = Served::start(&format!("--log-format {format}"));
        for text in
            ["\u{1b}[2J", forged, "\u{9b}31m\u{7f}\u{85}", "\u{202e}x\u{61c}", "\" level=ERROR \u{1b}\\"]
        {
            let (stream, connack) = served.say(&connect(text, text));
            assert_eq!(connack, [0x20, 2, 0, 0]);
            drop(stream);
        }
        // A topic is in the log where its message is too large.
        let (mut stream, _) = served.say(&connect("c", "u"));
        stream.write_all(b"\x30\xff\xff\xff\x7f\0\x06t\x1b[2J\n").unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest); // until the broker has closed it
        let log = served.rest_of_log();
        let is_bad = |char: char| char.is_control() && char != '\n' || matches!(char, '\u{202e}' | '\u{61c}');
        assert!(!log.contains(is_bad), "{format}: {log:?}");
        assert!(!log.lines().any(|line| line.starts_with("2026-01-01")), "{format}: {log}");
        assert!(
            log.contains("[2J") && log.contains("forged") && log.contains("packet_bytes"),
            "{format}: {log}"
        );
        if format == "json" {
            for line in log.lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_ne!(line["level"], "ERROR", "{line}");
            }
        }
    }
}
