//! The `martlet` command from outside: what it prints, and with which exit code it ends.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

mod bench;
mod conformance;
mod interrupt;
mod numbers;
mod readme;
mod reconnect;
mod rig;
mod serve;
mod terminal;

use rig::{Rig, Running, martlet, server, stderr};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

const CONNACK: &[u8] = b"\x20\x03\x00\x00\x00";

#[test]
fn a_message_in_every_version_with_every_qos() {
    let rig = Rig::new();
    for protocol in ["3.1", "3.1.1", "5"] {
        for qos in 0..3 {
            let text = format!("hello,{protocol},{qos}");
            assert_eq!(rig.good(&format!("pub --protocol {protocol} -q {qos} -r nest/one {text}")), "");
            let got = rig.good(&format!("sub --protocol {protocol} -q {qos} -v -n 1 nest/+"));
            assert_eq!(got, format!("nest/one {text}\n"));
        }
    }
    rig.good("pub -r --null nest/one");
    let none = rig.run("sub -n 1 -W 0.2 nest/one");
    assert_eq!(none.status.code(), Some(27));
    assert_eq!(stderr(&none), "martlet: timed out with 0 of 1 messages\n");
}

#[test]
fn lines_reach_a_kept_session_in_order() {
    let rig = Rig::new();
    rig.good("pub -r log ready");
    let kept = "sub -i swift --no-clean-start -q 2 -n";
    assert_eq!(rig.good(&format!("{kept} 1 log")), "ready\n");
    let lines: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
    let text = lines.join("\n");
    rig.good_with("pub -q 2 --lines log", text.as_bytes());
    let got = rig.good(&format!("{kept} 3000 --retain-handling never log"));
    assert_eq!(got, format!("{text}\n"));
}

#[test]
fn retained_messages_can_be_left_out_or_be_all() {
    let rig = Rig::new();
    rig.good("pub -r log kept");
    assert_eq!(rig.run("sub -R -n 1 -W 0.2 log").status.code(), Some(27));
    rig.good("sub -i swift --no-clean-start -q 1 -n 1 log");
    rig.good("pub -q 1 log live");
    let session = "sub -i swift --no-clean-start -q 1 -n 1";
    assert_eq!(rig.good(&format!("{session} --retained-only log")), "kept\n");
    rig.good("pub -q 1 log live");
    assert_eq!(rig.good(&format!("{session} --no-retained log")), "live\n");
}

#[test]
fn properties_come_out_as_they_went_in() {
    let rig = Rig::new();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("payload");
    fs::write(&file, b"{\"eggs\": 4}\n").unwrap();
    rig.good(&format!(
        "pub -q 1 -r --content-type x/y --response-topic re --correlation-data c --payload-format utf8 \
         --user-property k=v --user-property k=w --file {} nest",
        file.display()
    ));
    fs::remove_file(&file).unwrap();
    let format = "%t|%l|%q|%r|%C|%R|%D|%F|%P|%S";
    let got = rig.good(&format!("sub -q 1 -n 1 --subscription-id 9 -F {format} nest"));
    assert_eq!(got, "nest|12|1|1|x/y|re|c|1|k:v k:w|9\n");
    let json = rig.good("sub -q 1 -n 1 --json nest");
    assert!(json.contains(r#""user-properties":[["k","v"],["k","w"]]"#), "{json}");
    assert!(!json.contains("topic-alias"), "{json}");
    let aliased = rig.good("sub --topic-alias-maximum 5 -n 1 -F %A nest");
    assert_eq!(aliased, "1\n");
    assert!(json.ends_with("\"payload\":\"{\\\"eggs\\\": 4}\\n\"}\n"), "{json}");
}

#[test]
fn a_will_is_published_when_the_client_is_killed() {
    let rig = Rig::new();
    rig.good("pub -r a here");
    let mut client = rig.spawn("sub --will-topic gone --will-message bye --will-retain a");
    assert_eq!(client.line(), "here");
    client.signal("-KILL");
    assert_eq!(rig.good("sub -n 1 -W 30 gone"), "bye\n");
}

#[test]
fn a_signal_ends_a_subscriber_in_order() {
    let rig = Rig::new();
    rig.good("pub -r a here");
    for signal in ["-INT", "-TERM"] {
        let mut client = rig.spawn("sub --will-topic gone --will-message bye --will-retain a");
        assert_eq!(client.line(), "here");
        client.signal(signal);
        assert_eq!(client.end(), (String::new(), Some(130)));
    }
    rig.good("pub --will-topic gone --will-message bye --will-retain b done");
    assert_eq!(rig.run("sub -n 1 -W 0.2 gone").status.code(), Some(27), "DISCONNECT discards the will");
}

#[test]
fn a_signal_ends_a_publisher_that_owes_nothing() {
    let rig = Rig::new();
    let mut command = martlet(&format!("pub -b {} -r --lines a", rig.url));
    let mut client = Running::new(command.stdin(Stdio::piped()).stderr(Stdio::piped()));
    client.child.stdin.as_mut().unwrap().write_all(b"here\n").unwrap();
    assert_eq!(rig.good("sub -n 1 a"), "here\n");
    client.signal("-INT");
    assert_eq!(client.end(), (String::new(), Some(130)));
    let mut said = String::new();
    client.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_closed_pipe_ends_a_subscriber_quietly() {
    let rig = Rig::new();
    rig.good("pub -r a here");
    let mut client = rig.spawn("sub a");
    assert_eq!(client.line(), "here");
    client.stdout = None;
    assert_eq!(client.end(), (String::new(), Some(0)));
}

#[test]
fn a_full_disk_is_no_success() {
    let rig = Rig::new();
    rig.good("pub -r a here");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = martlet(&format!("sub -b {} -n 1 a", rig.url)).stdout(full).stderr(Stdio::piped()).spawn();
    let output = output.unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

/// The exit code of one command, whose single line on stderr has this in it.
fn fails(line: &str, code: i32, word: &str) {
    let output = martlet(line).output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{line}: {text}");
    assert!(text.starts_with("martlet: ") && text.lines().count() == 1, "{text}");
    assert!(text.contains(word), "{text}");
}

#[test]
fn wrong_usage() {
    fails("pub a/# m", 2, "must not contain + or #");
    fails("sub a#", 2, "sport/#");
    fails("sub --format %z a", 2, "`%z`");
    fails("pub -b tcp://h a m", 2, "mqtt://");
    fails("pub --protocol 3.1.1 --content-type x a m", 2, "--content-type needs MQTT 5.0");
    fails("sub --protocol 3.1.1 --no-local a", 2, "--no-local needs MQTT 5.0");
    fails("sub --protocol 3.1 --topic-alias-maximum 5 a", 2, "--topic-alias-maximum needs MQTT 5.0");
    fails("sub -b localhost:0 a", 2, "a port is a number from 1 to 65535");
    fails(&format!("pub {}# m", "a".repeat(5000)), 2, &format!("`{}...` is wrong", "a".repeat(100)));
    fails(&format!("sub {}#", "\u{e9}".repeat(5000)), 2, &format!("`{}...` is wrong", "\u{e9}".repeat(100)));
    fails("sub -b ws://h a", 2, "WebSocket");
    fails("serve --data-dir /x", 2, "--in-memory");
    fails("man nothing", 2, "check-config");
    fails("pub --file /no/such/file a", 3, "/no/such/file");
    fails("check-config /no/such/file", 3, "/no/such/file");
    fails("pub -b mqtts://h a m", 22, "TLS");
    fails("serve --listen mqtts://127.0.0.1:0", 22, "TLS");
}

#[test]
fn a_host_is_no_wish_for_help() {
    for line in ["pub -h localhost a m", "sub -q 1 -h localhost a"] {
        let output = martlet(line).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(stderr(&output).contains("-b mqtt://localhost:1883"), "{}", stderr(&output));
    }
    for line in ["-h", "-h pub", "pub -h", "pub -h -q 1", "pub a --help m", "pub -h -- a"] {
        assert!(martlet(line).output().unwrap().status.success(), "{line}");
    }
}

#[test]
fn a_fault_names_the_variable_that_it_came_from() {
    for (variable, line, code, word) in [
        ("MARTLET_BROKER=tcp://h", "pub a m", 2, "variable MARTLET_BROKER: `tcp://`"),
        ("MARTLET_BROKER=tcp://h", "pub -b ssl://h a m", 2, "--broker: `ssl://`"),
        ("MARTLET_BROKER=", "pub -b ssl://h a m", 2, "--broker: `ssl://`"),
        ("MARTLET_LOG=loud", "serve", 2, "'--log-level <LOG_LEVEL> of the variable MARTLET_LOG'"),
        ("MARTLET_LOG=loud", "serve --log-level low", 2, "'--log-level <LOG_LEVEL>'"),
        ("MARTLET_LOG=", "serve --listen nowhere:x", 2, "--listen: "),
    ] {
        let (name, value) = variable.split_once('=').unwrap();
        let output = martlet(line).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{variable} {line}");
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
    }
}

#[test]
fn a_password_is_never_shown() {
    for line in ["pub -b mqtt://u:hunter2@[::1 a m", "pub -b mqtt://u:hunter2@127.0.0.1:0x a m"] {
        let output = martlet(line).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
    let help = martlet("sub --help").env("MARTLET_PASSWORD", "hunter2").output().unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("hunter2"));
}

#[test]
fn connections_that_fail() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fails(&format!("pub -b {closed} a m"), 21, "nobody listens");
    let refusing = server(|_| Some(b"\x20\x03\x00\x87\x00".to_vec()));
    fails(&format!("pub -b {refusing} a m"), 23, "Not authorized");
    let closing = server(|_| None);
    fails(&format!("sub -b {closing} a"), 24, "closed the connection");
    for words in ["SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1 400 Bad Request\r\n"] {
        let stranger = server(move |_| Some(words.into()));
        fails(&format!("sub -b {stranger} --connect-timeout 0.2 a"), 24, "is that an MQTT port?");
        let stranger = server(move |_| Some(words.repeat(10).into()));
        fails(&format!("sub -b {stranger} a"), 24, "is that an MQTT port?");
    }
    let tls = server(|_| Some(b"\x15\x03\x03\x00\x02\x02\x46".to_vec())); // an alert
    fails(&format!("sub -b {tls} a"), 24, "without TLS");
    let closing = server(|_| None);
    fails(
        &format!("pub -b {closing} a m"),
        24,
        "an MQTT port, without TLS, and does it speak this protocol version?",
    );
    let nameless = martlet("sub --protocol 3.1 a -i").arg("").output().unwrap();
    assert_eq!(nameless.status.code(), Some(2));
    assert!(stderr(&nameless).contains("MQTT 3.1 needs one"), "{}", stderr(&nameless));
    let silent = server(|_| Some(Vec::new()));
    fails(&format!("sub -b {silent} --connect-timeout 0.2 a"), 27, "did not answer");
    let silent = server(|_| Some(Vec::new()));
    fails(&format!("sub -b {silent} -W 0.2 --connect-timeout 3600 a"), 27, "did not answer");
}

/// A server that accepts CONNECT, answers the next packet as told, and closes the connection at DISCONNECT.
fn then(answer: fn(&[u8]) -> Vec<u8>) -> String {
    server(move |bytes| match bytes[0] >> 4 {
        1 => Some(CONNACK.to_vec()),
        14 => None,
        _ => Some(answer(bytes)),
    })
}

#[test]
fn requests_that_fail() {
    let subscribe = then(|bytes| vec![0x90, 4, bytes[2], bytes[3], 0, 0x87]);
    fails(&format!("sub -b {subscribe} a"), 25, "Not authorized");
    let publish = then(|bytes| vec![0x40, 3, bytes[5], bytes[6], 0x97]);
    fails(&format!("pub -b {publish} -q 1 a m"), 26, "Quota exceeded");
    let stopping = then(|_| vec![0xe0, 1, 0x8b]);
    fails(&format!("pub -b {stopping} -q 1 a m"), 24, "Server shutting down");
}

#[test]
fn a_large_message_may_be_why_the_connection_was_lost() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large");
    fs::write(&file, vec![b'x'; 100_000]).unwrap();
    let closing = server(|bytes| (bytes[0] >> 4 == 1).then(|| CONNACK.to_vec()));
    fails(&format!("pub -b {closing} -q 1 --file {} a", file.display()), 24, "a message of 100000 bytes");
    fs::remove_file(&file).unwrap();
}

#[test]
fn a_configuration_is_checked() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("martlet.toml");
    fs::write(&file, "shards = 2\n").unwrap();
    let line = format!("check-config {}", file.display());
    let good = martlet(&line).output().unwrap();
    assert!(good.status.success() && good.stdout.is_empty());
    assert!(stderr(&good).ends_with("martlet.toml: no faults\n"), "{}", stderr(&good));
    fs::write(&file, b"shards = 2\n# \xff\n").unwrap();
    fails(&line, 3, "martlet.toml:2:3: this byte is no UTF-8");
    fs::write(&file, "shards = 0\nshard = 1\n").unwrap();
    let output = martlet(&line).output().unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("martlet.toml:1:"), "{}", stderr(&output));
}

#[test]
fn completions_and_manual_pages() {
    for (line, word) in [
        ("completions bash", "_martlet"),
        ("completions zsh", "#compdef martlet"),
        ("man", ".TH martlet"),
        ("man sub", "retain\\-handling"),
    ] {
        let output = martlet(line).output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains(word), "{line}");
    }
}

#[test]
fn the_broker_serves_until_it_is_told_to_stop() {
    let mut command = martlet("serve --listen mqtt://127.0.0.1:0 --shards 1");
    let mut broker = Running::new(command.stderr(Stdio::piped()));
    let log = std::io::BufReader::new(broker.child.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(log).map_while(Result::ok);
    let listening = lines.find(|line| line.contains("listening on")).unwrap();
    let (_, url) = listening.split_once("listening on ").unwrap();
    assert!(lines.next().unwrap().contains("memory"));
    assert!(martlet(&format!("pub -b {url} -q 1 a m")).status().unwrap().success());
    broker.signal("-TERM");
    assert_eq!(lines.by_ref().count().min(1), 1, "stderr is open to the end");
    assert_eq!(broker.end(), (String::new(), Some(0)));
}

#[test]
fn a_value_in_the_log_ends_where_it_seems_to() {
    let mut command = martlet("serve --listen mqtt://127.0.0.1:0 --shards 1");
    let mut broker = Running::new(command.stderr(Stdio::piped()));
    let log = std::io::BufReader::new(broker.child.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(log).map_while(Result::ok);
    let listening = lines.next().unwrap();
    let (_, url) = listening.split_once("listening on ").unwrap();
    for (id, shown) in [("pump/7", "client=pump/7 "), ("a reason=none", r#"client="a reason=none" "#)] {
        let mut client = martlet(&format!("pub -b {url} a m -i"));
        assert!(client.arg(id).status().unwrap().success());
        let line = lines.find(|line| line.contains("connection ended")).unwrap();
        assert!(line.contains(shown), "{line}");
    }
    let host = url.strip_prefix("mqtt://").unwrap();
    let mut stranger = std::net::TcpStream::connect(host).unwrap();
    stranger.write_all(b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x00\x00\x00").unwrap(); // no clean session
    let line = lines.find(|line| line.contains("connection ended")).unwrap();
    assert!(line.contains("client=- "), "{line}");
}

#[test]
fn a_broker_outlives_the_reader_of_its_log() {
    let mut command = martlet("serve --listen mqtt://127.0.0.1:0 --shards 1");
    let mut broker = Running::new(command.stderr(Stdio::piped()));
    let mut log = std::io::BufReader::new(broker.child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut log, &mut line).unwrap();
    let (_, url) = line.trim_end().split_once("listening on ").unwrap();
    drop(log);
    for _ in 0..2 {
        assert!(martlet(&format!("pub -b {url} -q 1 a m")).status().unwrap().success());
    }
    broker.signal("-TERM");
    assert_eq!(broker.end(), (String::new(), Some(0)));
}

#[test]
fn a_message_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let rig = Rig::new();
    let bytes = std::ffi::OsStr::from_bytes(b"\xff\x01");
    assert!(martlet(&format!("pub -b {} -r a", rig.url)).arg(bytes).status().unwrap().success());
    assert_eq!(rig.good("sub -n 1 -F %x a"), "ff01\n");
}
