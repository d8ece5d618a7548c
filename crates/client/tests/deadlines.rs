//! Moments that have come, limits of zero and without end, servers that never pause: each call tries once and ends in time.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

use martlet_client::{
    Client, ConnectFault, ConnectOptions, End, Endpoint, Event, Message, Next, QoSLevel, ReasonCode,
    TopicName, Version,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
const PUBLISH: &[u8] = b"\x30\x04\x00\x01tm";
const PINGREQ: [u8; 2] = [0xc0, 0];
const PINGRESP: &[u8] = b"\xd0\x00";

/// A server of one connection, which it has accepted, in a thread.
fn server<R: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> R + Send + 'static,
) -> (Endpoint, JoinHandle<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::tcp("127.0.0.1", listener.local_addr().unwrap().port());
    let run = move || {
        let mut stream = listener.accept().unwrap().0;
        stream.read_exact(&mut [0; 15]).unwrap(); // CONNECT: 2 + 10 + 2 + 1
        stream.write_all(b"\x20\x02\x00\x00").unwrap();
        serve(stream)
    };
    (endpoint, thread::spawn(run))
}

fn options(keep_alive_s: u16) -> ConnectOptions {
    ConnectOptions { keep_alive_s, ..ConnectOptions::new(Version::V311, "c") }
}

fn connect(endpoint: &Endpoint, keep_alive_s: u16) -> Client {
    Client::connect(endpoint, options(keep_alive_s), LIMIT).unwrap().0
}

fn message(payload: &[u8]) -> Message<'_> {
    let topic = TopicName::new("t").unwrap();
    Message { topic, properties: &[], payload, expires_at: None, publisher: 0 }
}

fn poll(client: &mut Client) -> Next {
    client.next(Some(Instant::now()))
}

/// Polls until something has happened.
fn poll_until_something(client: &mut Client) -> Next {
    let end = Instant::now() + LIMIT;
    loop {
        match poll(client) {
            Next::TimedOut if Instant::now() < end => thread::sleep(Duration::from_millis(1)),
            next => return next,
        }
    }
}

/// What another thread finds, within [`LIMIT`]: a call that does not return is a failure, not a test without end.
fn in_time<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(run()));
    receiver.recv_timeout(LIMIT).expect("it ends in time")
}

#[test]
fn polling_finds_messages_that_came_between_two_polls() {
    let (go, told) = channel::<()>();
    let (endpoint, server) = server(move |mut stream| {
        while told.recv().is_ok() {
            stream.write_all(PUBLISH).unwrap();
        }
    });
    let mut client = connect(&endpoint, 60);
    for _ in 0..3 {
        assert!(matches!(poll(&mut client), Next::TimedOut));
        go.send(()).unwrap();
        assert!(matches!(poll_until_something(&mut client), Next::Event(Event::Message(_))));
    }
    drop(go);
    server.join().unwrap();
    let end = poll_until_something(&mut client);
    assert!(matches!(end, Next::Event(Event::Disconnected(End::Stream))), "{end:?}");
    assert!(matches!(poll(&mut client), Next::Ended));
}

#[test]
fn one_poll_reads_what_is_there() {
    let ((go, told), (written, there)) = (channel::<()>(), channel());
    let (endpoint, _server) = server(move |mut stream| {
        told.recv().unwrap();
        stream.write_all(PUBLISH).unwrap();
        written.send(stream).unwrap();
    });
    let mut client = connect(&endpoint, 60);
    assert!(matches!(poll(&mut client), Next::TimedOut));
    go.send(()).unwrap();
    let _open = there.recv().unwrap(); // loopback: what was written can be read
    let long_ago = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
    assert!(matches!(client.next(Some(long_ago)), Next::Event(Event::Message(_))));
}

#[test]
fn polling_keeps_a_connection_alive() {
    let (endpoint, server) = server(|mut stream| {
        for _ in 0..2 {
            let mut packet = [0; 2];
            stream.read_exact(&mut packet).unwrap();
            assert_eq!(packet, PINGREQ); // [3.1.1 MQTT-3.1.2-23]
            stream.write_all(PINGRESP).unwrap();
        }
    });
    let mut client = connect(&endpoint, 1);
    let end = poll_until_something(&mut client);
    assert!(matches!(end, Next::Event(Event::Disconnected(End::Stream))), "{end:?}");
    server.join().unwrap();
}

#[test]
fn polling_notices_a_server_that_is_silent() {
    let (endpoint, _server) = server(|mut stream| stream.read_to_end(&mut Vec::new()));
    let options = ConnectOptions { ping_timeout_ms: 50, ..options(1) };
    let (mut client, _) = Client::connect(&endpoint, options, LIMIT).unwrap();
    let end = poll_until_something(&mut client);
    assert!(matches!(end, Next::Event(Event::Disconnected(End::NoPingResp))), "{end:?}");
}

#[test]
fn an_answer_that_is_there_is_in_time_however_long_nobody_looked() {
    let ((asked, ask), (go, told), (answered, answer)) = (channel(), channel::<()>(), channel());
    let (endpoint, _server) = server(move |mut stream| {
        stream.read_exact(&mut [0; 2]).unwrap();
        asked.send(()).unwrap();
        told.recv().unwrap();
        stream.write_all(PINGRESP).unwrap();
        answered.send(stream).unwrap();
    });
    let options = ConnectOptions { ping_timeout_ms: 300, ..options(1) };
    let (mut client, _) = Client::connect(&endpoint, options, LIMIT).unwrap();
    let end = Instant::now() + LIMIT;
    while ask.try_recv().is_err() {
        assert!(matches!(poll(&mut client), Next::TimedOut) && Instant::now() < end);
    }
    go.send(()).unwrap();
    let _open = answer.recv().unwrap();
    thread::sleep(Duration::from_millis(400)); // longer than PINGRESP may take
    assert!(matches!(poll(&mut client), Next::TimedOut));
    assert!(client.connection().is_connected());
}

/// Sends the same bytes until the client has gone.
fn flood(mut stream: TcpStream, bytes: &[u8]) {
    let block = bytes.repeat(10_000);
    while stream.write_all(&block).is_ok() {}
}

#[test]
fn a_server_that_never_pauses_does_not_outlast_a_deadline() {
    let (endpoint, server) = server(|stream| flood(stream, PINGRESP));
    let mut client = connect(&endpoint, 60);
    let (next, flushed, client) = in_time(move || {
        let next = client.next(Some(Instant::now() + Duration::from_millis(50)));
        client.publish(&message(b"m"), QoSLevel::AtMostOnce, false).unwrap();
        let flushed = client.flush(Duration::ZERO);
        client.disconnect(ReasonCode::Success, None, Duration::from_millis(50));
        (next, flushed, client)
    });
    assert!(matches!(next, Next::TimedOut), "{next:?}");
    assert!(flushed);
    drop(client);
    server.join().unwrap();
}

#[test]
fn messages_without_a_pause_leave_time_for_keep_alive() {
    let (pinged, ping) = channel();
    let (endpoint, server) = server(move |stream| {
        let mut reader = stream.try_clone().unwrap();
        let listen = thread::spawn(move || {
            let mut packet = [0; 2];
            reader.read_exact(&mut packet).unwrap();
            pinged.send(packet).unwrap();
        });
        flood(stream, PUBLISH);
        listen.join().unwrap();
    });
    let mut client = connect(&endpoint, 1);
    // A millisecond each, and fewer than one read brings: PINGREQ does not wait for the next one.
    let packet = (0..8_000).find_map(|_| {
        assert!(matches!(client.next(None), Next::Event(Event::Message(_))));
        thread::sleep(Duration::from_millis(1)); // slower than the server
        ping.try_recv().ok()
    });
    assert_eq!(packet, Some(PINGREQ)); // [3.1.1 MQTT-3.1.2-23]
    drop(client);
    server.join().unwrap();
}

/// A server that reads nothing until it is told to, and then everything.
fn slow_reader(go: Receiver<()>) -> (Endpoint, JoinHandle<usize>) {
    server(move |mut stream| {
        go.recv().unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        all.len()
    })
}

#[test]
fn a_flush_of_zero_writes_what_the_stream_takes() {
    let (go, told) = channel();
    let (endpoint, server) = slow_reader(told);
    let mut client = connect(&endpoint, 60);
    client.publish(&message(b"m"), QoSLevel::AtMostOnce, false).unwrap();
    assert!(client.flush(Duration::ZERO));
    let payload = vec![b'x'; 32 << 20]; // more than sockets hold
    client.publish(&message(&payload), QoSLevel::AtMostOnce, false).unwrap();
    assert!(!client.flush(Duration::ZERO));
    assert!(matches!(poll(&mut client), Next::TimedOut));
    go.send(()).unwrap();
    let end = Instant::now() + LIMIT;
    while !client.flush(Duration::ZERO) {
        assert!(Instant::now() < end);
    }
    client.disconnect(ReasonCode::Success, None, LIMIT);
    assert_eq!(server.join().unwrap(), 6 + 1 + 4 + 3 + payload.len() + 2);
}

#[test]
fn polling_writes_too() {
    let (go, told) = channel();
    let (endpoint, server) = slow_reader(told);
    let mut client = connect(&endpoint, 60);
    let payload = vec![b'x'; 32 << 20];
    client.publish(&message(&payload), QoSLevel::AtMostOnce, false).unwrap();
    go.send(()).unwrap();
    let end = Instant::now() + LIMIT;
    while client.connection().output_len() > 0 {
        assert!(matches!(poll(&mut client), Next::TimedOut) && Instant::now() < end);
    }
    client.disconnect(ReasonCode::Success, None, LIMIT);
    server.join().unwrap();
}

#[test]
fn a_server_that_never_pauses_does_not_hold_back_what_is_written() {
    let (go, told) = channel::<()>();
    let (endpoint, server) = server(move |stream| {
        let mut reader = stream.try_clone().unwrap();
        let read = thread::spawn(move || {
            told.recv().unwrap();
            // The end may be a reset: the client does not read all.
            let _ = std::io::copy(&mut reader, &mut std::io::sink());
        });
        flood(stream, PUBLISH);
        read.join().unwrap();
    });
    let mut options = options(60);
    options.limits.output_high_bytes = usize::MAX / 4; // so that it reads whatever waits to be written
    let (mut client, _) = Client::connect(&endpoint, options, LIMIT).unwrap();
    client.publish(&message(&vec![b'x'; 32 << 20]), QoSLevel::AtMostOnce, false).unwrap();
    assert!(!client.flush(Duration::ZERO));
    go.send(()).unwrap();
    let end = Instant::now() + LIMIT;
    while client.connection().output_len() > 0 {
        assert!(Instant::now() < end, "{} bytes are not written", client.connection().output_len());
        assert!(matches!(client.next(None), Next::Event(Event::Message(_))));
    }
    drop(client);
    server.join().unwrap();
}

#[test]
fn what_a_lost_connection_did_not_take_is_not_flushed() {
    let (endpoint, server) = server(drop);
    let mut client = connect(&endpoint, 60);
    server.join().unwrap();
    client.publish(&message(&vec![b'x'; 32 << 20]), QoSLevel::AtMostOnce, false).unwrap();
    assert!(!client.flush(LIMIT));
}

#[test]
fn a_goodbye_without_time_is_still_said() {
    let (endpoint, server) = server(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        all
    });
    let mut client = connect(&endpoint, 60);
    client.publish(&message(b"m"), QoSLevel::AtMostOnce, false).unwrap();
    client.disconnect(ReasonCode::Success, None, Duration::ZERO);
    assert_eq!(server.join().unwrap(), [PUBLISH, b"\xe0\x00"].concat());
}

#[test]
fn an_interruption_is_seen_by_a_poll() {
    let (endpoint, _server) = server(|mut stream| stream.read_to_end(&mut Vec::new()));
    let mut client = connect(&endpoint, 60);
    client.interrupter().interrupt();
    assert!(matches!(poll(&mut client), Next::Interrupted));
    assert!(matches!(poll(&mut client), Next::TimedOut));
}

#[test]
fn no_limit_is_too_short_or_too_long() {
    let (endpoint, _server) = server(|mut stream| stream.read_to_end(&mut Vec::new()));
    let mut client = Client::new(options(60)).unwrap();
    let none = client.reconnect(&endpoint, Duration::ZERO);
    assert!(matches!(none, Err(ConnectFault::TimedOut)), "{none:?}");
    client.reconnect(&endpoint, Duration::MAX).unwrap();
    assert!(client.flush(Duration::MAX));
    client.disconnect(ReasonCode::Success, None, Duration::MAX);
}
