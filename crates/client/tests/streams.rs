//! The driver against servers that do as told: slow, silent, gone, or talking while they are talked to.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

use martlet_client::{
    Client, ConnectFault, ConnectOptions, End, Endpoint, Event, FaultKind, Message, Next, QoSLevel,
    ReasonCode, TopicName, Version,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);
const CONNACK: &[u8] = b"\x20\x02\x00\x00";

/// A server of one connection, in a thread.
fn server<R: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> R + Send + 'static,
) -> (Endpoint, JoinHandle<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::tcp("127.0.0.1", listener.local_addr().unwrap().port());
    (endpoint, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// Reads CONNECT and accepts it.
fn accept(stream: &mut TcpStream) {
    stream.read_exact(&mut [0; 15]).unwrap(); // 2 + 10 + 2 + 1
    stream.write_all(CONNACK).unwrap();
}

fn options() -> ConnectOptions {
    ConnectOptions::new(Version::V311, "c")
}

fn message(payload: &[u8]) -> Message<'_> {
    let topic = TopicName::new("t").unwrap();
    Message { topic, properties: &[], payload, expires_at: None, publisher: 0 }
}

#[test]
fn an_end_without_a_word_is_told_once() {
    let (endpoint, server) = server(|mut stream| accept(&mut stream));
    let (mut client, welcome) = Client::connect(&endpoint, options(), LIMIT).unwrap();
    assert!(!welcome.session_present);
    server.join().unwrap();
    assert!(matches!(client.next(None), Next::Event(Event::Disconnected(End::Stream))));
    assert!(matches!(client.next(None), Next::Ended));
}

#[test]
fn a_disconnect_waits_for_the_server_and_loses_nothing() {
    let payload = vec![b'x'; 8 << 20];
    let (endpoint, server) = server(|mut stream| {
        accept(&mut stream);
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        all
    });
    let (mut client, _) = Client::connect(&endpoint, options(), LIMIT).unwrap();
    client.publish(&message(&payload), QoSLevel::AtMostOnce, false).unwrap();
    client.disconnect(ReasonCode::Success, None, LIMIT);
    let got = server.join().unwrap();
    assert_eq!(got.len(), 1 + 4 + 3 + payload.len() + 2);
    assert!(got.ends_with(b"x\xe0\x00")); // [3.1.1 MQTT-7.1.2-1]
}

#[test]
fn bytes_that_nobody_read_do_not_reset_the_stream() {
    for _ in 0..20 {
        let ((written, wait), (go, start)) = (channel(), channel());
        let (endpoint, server) = server(move |mut stream| {
            accept(&mut stream);
            start.recv().unwrap();
            stream.write_all(b"\x30\x03\x00\x01t").unwrap();
            written.send(()).unwrap();
            start.recv().unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).map(|_| all.len())
        });
        let (mut client, _) = Client::connect(&endpoint, options(), LIMIT).unwrap();
        go.send(()).unwrap();
        wait.recv().unwrap();
        client.publish(&message(&[b'x'; 100_000]), QoSLevel::AtMostOnce, false).unwrap();
        assert!(client.flush(LIMIT));
        go.send(()).unwrap();
        client.disconnect(ReasonCode::Success, None, LIMIT);
        assert_eq!(server.join().unwrap().unwrap(), 1 + 3 + 3 + 100_000 + 2);
    }
}

#[test]
fn both_sides_may_write_at_the_same_time() {
    const N: usize = 2000;
    let (endpoint, server) = server(|mut stream| {
        accept(&mut stream);
        let frame = [&b"\x30\x83\x20\x00\x01t"[..], &[b'y'; 4096]].concat();
        for _ in 0..N {
            stream.write_all(&frame).unwrap(); // does not read meanwhile
        }
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        all.len()
    });
    let (mut client, _) = Client::connect(&endpoint, options(), LIMIT).unwrap();
    let (mut sent, mut got) = (0, 0);
    while got < N {
        while sent < N && client.publish(&message(&[b'x'; 4096]), QoSLevel::AtMostOnce, false).is_ok() {
            sent += 1;
        }
        match client.next(Some(Instant::now() + LIMIT)) {
            Next::Event(Event::Message(received)) => {
                assert_eq!(received.publication.message().payload, [b'y'; 4096]);
                got += 1;
            }
            other => panic!("{other:?} after {got} messages"),
        }
    }
    client.disconnect(ReasonCode::Success, None, LIMIT);
    assert_eq!(server.join().unwrap(), sent * (3 + 3 + 4096) + 2);
}

#[test]
fn another_thread_can_interrupt() {
    let (endpoint, server) = server(|mut stream| {
        accept(&mut stream);
        stream.read_to_end(&mut Vec::new()).unwrap();
    });
    let (mut client, _) = Client::connect(&endpoint, options(), LIMIT).unwrap();
    let interrupter = client.interrupter();
    let other = thread::spawn(move || interrupter.interrupt());
    assert!(matches!(client.next(None), Next::Interrupted));
    other.join().unwrap();
    assert!(matches!(client.next(Some(Instant::now())), Next::TimedOut));
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_session_goes_on_over_the_next_stream() {
    let lasting = ConnectOptions { clean_start: false, ..options() };
    let (first, one) = server(|mut stream| {
        accept(&mut stream);
        stream.read_exact(&mut [0; 8]).unwrap(); // PUBLISH, not acknowledged
    });
    let (mut client, _) = Client::connect(&first, lasting, LIMIT).unwrap();
    let token = client.publish(&message(b"x"), QoSLevel::AtLeastOnce, false).unwrap();
    assert!(matches!(client.next(None), Next::Event(Event::Disconnected(End::Stream))));
    one.join().unwrap();
    let (second, two) = server(|mut stream| {
        stream.read_exact(&mut [0; 15]).unwrap();
        stream.write_all(b"\x20\x02\x01\x00").unwrap();
        let mut publish = [0; 8];
        stream.read_exact(&mut publish).unwrap();
        stream.write_all(&[0x40, 2, publish[5], publish[6]]).unwrap();
        publish[0]
    });
    assert!(client.reconnect(&second, LIMIT).unwrap().session_present);
    let settled = client.next(None);
    assert!(matches!(settled, Next::Event(Event::Published(of, ReasonCode::Success)) if of == token));
    assert_eq!(two.join().unwrap(), 0x3a, "QoS 1 with DUP");
}

#[test]
fn faults_are_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = Client::connect(&Endpoint::tcp("127.0.0.1", closed.port()), options(), LIMIT);
    assert!(matches!(nobody, Err(ConnectFault::Stream(fault)) if fault.kind == FaultKind::Io));
    let (endpoint, _server) = server(|mut stream| stream.read_to_end(&mut Vec::new()));
    let silent = Client::connect(&endpoint, options(), Duration::from_millis(50));
    assert!(matches!(silent, Err(ConnectFault::TimedOut)));
    let (endpoint, _server) = server(|mut stream| stream.read_exact(&mut [0; 15]));
    let mute = Client::connect(&endpoint, options(), LIMIT);
    assert!(matches!(mute, Err(ConnectFault::Ended(End::Stream))));
    let (endpoint, _server) = server(|mut stream| {
        stream.read_exact(&mut [0; 15])?;
        stream.write_all(b"\x20\x02\x00\x05")
    });
    let refused = Client::connect(&endpoint, options(), LIMIT);
    assert!(matches!(refused, Err(ConnectFault::Refused { reason: ReasonCode::NotAuthorized, .. })));
}

#[test]
fn a_fault_leaves_nothing_behind_for_the_next_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::tcp("127.0.0.1", listener.local_addr().unwrap().port());
    let mut client = Client::new(options()).unwrap();
    let silent = client.reconnect(&endpoint, Duration::from_millis(50));
    assert!(matches!(silent, Err(ConnectFault::TimedOut)));
    client.interrupter().interrupt();
    assert!(matches!(client.reconnect(&endpoint, LIMIT), Err(ConnectFault::Interrupted)));
    drop(listener.accept().unwrap());
    let server = thread::spawn(move || accept(&mut listener.accept().unwrap().0));
    client.reconnect(&endpoint, LIMIT).unwrap();
    server.join().unwrap(); // on the stream that was begun before the interruption: there is no third one
}

/// A moment that has passed does not wait, but what is there is taken and timers run.
#[test]
fn looking_without_waiting_still_works() {
    let (endpoint, server) = server(|mut stream| {
        accept(&mut stream);
        stream.write_all(b"\x30\x04\x00\x01tx").unwrap();
        let mut ping = [0; 2];
        stream.read_exact(&mut ping).unwrap(); // nothing but the keep-alive makes the client write
        stream.write_all(b"\xd0\x00").unwrap();
        stream.write_all(b"\x30\x04\x00\x01ty").unwrap();
        ping
    });
    let mut options = options();
    options.keep_alive_s = 1;
    let (mut client, _) = Client::connect(&endpoint, options, LIMIT).unwrap();
    let mut payloads = Vec::new();
    while payloads.len() < 2 {
        match client.next(Some(Instant::now())) {
            Next::Event(Event::Message(received)) => {
                payloads.push(received.publication.message().payload.to_vec());
            }
            Next::TimedOut => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(payloads, [b"x", b"y"]);
    assert_eq!(server.join().unwrap(), [0xc0, 0]);
}

#[test]
fn flushing_without_waiting_comes_to_an_end() {
    let payload = vec![b'x'; 8 << 20];
    let (endpoint, server) = server(|mut stream| {
        accept(&mut stream);
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        all.len()
    });
    let mut options = options();
    options.queue_bytes_max = usize::MAX;
    let (mut client, _) = Client::connect(&endpoint, options, LIMIT).unwrap();
    client.publish(&message(&payload), QoSLevel::AtMostOnce, false).unwrap();
    while !client.flush(Duration::ZERO) {}
    client.disconnect(ReasonCode::Success, None, LIMIT);
    assert!(server.join().unwrap() > payload.len());
}

#[test]
fn no_time_to_connect_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::tcp("127.0.0.1", listener.local_addr().unwrap().port());
    let ended = Client::connect(&endpoint, options(), Duration::ZERO);
    assert!(matches!(ended, Err(ConnectFault::TimedOut)));
}
