//! `--reconnect`: what a broker that goes and comes back does to `sub` and `pub --lines`.

use super::CONNACK;
use crate::rig::{Rig, Running, martlet, server, stderr};
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;

#[test]
fn a_subscriber_subscribes_again() {
    let mut rig = Rig::new();
    rig.good("pub -r a one");
    let mut client = rig.spawn("sub --reconnect -n 2 a");
    assert_eq!(client.line(), "one");
    rig.restart();
    rig.good("pub -r a two");
    assert_eq!(client.end(), ("two\n".to_owned(), Some(0)));
}

#[test]
fn a_subscription_of_a_kept_session_stands() {
    let (told, heard) = channel();
    let connections = AtomicUsize::new(0);
    let url = server(move |bytes| {
        let kind = bytes[0] >> 4;
        told.send(kind).unwrap();
        match kind {
            1 if connections.fetch_add(1, Relaxed) == 0 => Some(CONNACK.to_vec()),
            1 => Some(b"\x20\x03\x01\x00\x00\x30\x06\x00\x01a\x00hi".to_vec()),
            8 => Some(vec![0x90, 4, bytes[2], bytes[3], 0, 0, 0xe0, 1, 0x8b]),
            _ => None,
        }
    });
    let line = format!("sub -b {url} --reconnect -i me --no-clean-start -n 1 a");
    assert_eq!(Running::new(&mut martlet(&line)).end(), ("hi\n".to_owned(), Some(0)));
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [1, 8, 1, 14]);
}

#[test]
fn unsettled_lines_are_sent_again_in_order() {
    let (told, heard) = channel();
    let connections = AtomicUsize::new(0);
    let url = server(move |bytes| match bytes[0] >> 4 {
        1 => {
            connections.fetch_add(1, Relaxed);
            Some(CONNACK.to_vec())
        }
        3 if connections.load(Relaxed) == 1 => (!bytes.ends_with(b"m3")).then(Vec::new),
        3 => {
            told.send(bytes.to_vec()).unwrap();
            Some(bytes.chunks(10).flat_map(|publish| [0x40, 2, publish[5], publish[6]]).collect())
        }
        _ => None,
    });
    let mut command = martlet(&format!("pub -b {url} --reconnect -q 1 --lines a"));
    let mut client = Running::new(command.stdin(Stdio::piped()).stderr(Stdio::piped()));
    client.child.stdin.take().unwrap().write_all(b"m1\nm2\nm3\n").unwrap();
    assert_eq!(client.end(), (String::new(), Some(0)));
    let again: Vec<u8> = heard.try_iter().flatten().collect();
    let payloads: Vec<_> = again.chunks(10).map(|publish| &publish[8..]).collect();
    assert_eq!(payloads, [b"m1", b"m2", b"m3"]);
    let mut said = String::new();
    client.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(said.matches("connected again").count(), 1, "{said}");
}

#[test]
fn the_time_of_a_subscriber_bounds_its_attempts() {
    let url = server(|bytes| (bytes[0] >> 4 == 1).then(|| CONNACK.to_vec()));
    let output = martlet(&format!("sub -b {url} --reconnect -W 0.5 a")).output().unwrap();
    assert_eq!(output.status.code(), Some(27), "{}", stderr(&output));
    let output = martlet(&format!("sub -b {url} a")).output().unwrap();
    assert_eq!(output.status.code(), Some(24));
    assert!(stderr(&output).contains("--reconnect"), "{}", stderr(&output));
}

/// With `always` the first connection may come late, too; and both commands say when they are back.
#[test]
fn the_first_connection_may_come_late() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("mqtt://127.0.0.1:{port}");
    let mut command = martlet(&format!("sub -b {url} --reconnect=always -n 1 a"));
    let mut client = Running::new(command.stderr(Stdio::piped()));
    let mut said = std::io::BufReader::new(client.child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert!(line.contains("Connection refused") && line.contains("trying again"), "{line}");
    let rig = Rig::at(&url);
    rig.good("pub -r a late");
    assert_eq!(client.end(), ("late\n".to_owned(), Some(0)));
    line.clear();
    said.read_to_string(&mut line).unwrap();
    assert_eq!(line.matches("connected again").count(), 1, "{line}");
}

#[test]
fn the_first_connection_is_not_waited_for_unasked() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = martlet(&format!("sub -b mqtt://127.0.0.1:{port} --reconnect a")).output().unwrap();
    assert_eq!(output.status.code(), Some(21), "{}", stderr(&output));
    let output =
        martlet(&format!("sub -b mqtt://127.0.0.1:{port} --reconnect=always -W 1 a")).output().unwrap();
    assert_eq!(output.status.code(), Some(27), "{}", stderr(&output));
    let output = martlet("sub --reconnect=sometimes a").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}
