//! The driver for tokio: the same promises as the blocking one, and futures that may be dropped.
#![cfg(feature = "async")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

use martlet_client::{
    AsyncClient, ConnectFault, ConnectOptions, End, Endpoint, Event, Message, QoSLevel, ReasonCode,
    TopicName, Version,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn server<R: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> R + Send + 'static,
) -> (Endpoint, JoinHandle<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::tcp("127.0.0.1", listener.local_addr().unwrap().port());
    (endpoint, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

fn accept(stream: &mut TcpStream) {
    stream.read_exact(&mut [0; 15]).unwrap();
    stream.write_all(b"\x20\x02\x00\x00").unwrap();
}

fn run(story: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(story);
}

fn message(payload: &[u8]) -> Message<'_> {
    let topic = TopicName::new("t").unwrap();
    Message { topic, properties: &[], payload, expires_at: None, publisher: 0 }
}

#[test]
fn messages_both_ways_with_futures_that_are_dropped() {
    const N: usize = 300;
    run(async {
        let (endpoint, server) = server(|mut stream| {
            accept(&mut stream);
            let frame = [&b"\x30\x83\x20\x00\x01t"[..], &[b'y'; 4096]].concat();
            (0..N).for_each(|_| stream.write_all(&frame).unwrap());
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all
        });
        let options = ConnectOptions::new(Version::V311, "c");
        let (mut client, _) = AsyncClient::connect(&endpoint, options, LIMIT).await.unwrap();
        let (mut got, mut dropped) = (0, 0);
        while got < N {
            tokio::select! {
                biased;
                () = tokio::task::yield_now(), if dropped % 3 != 2 => dropped += 1,
                event = client.next() => {
                    assert!(matches!(event, Some(Event::Message(_))), "{event:?}");
                    (got, dropped) = (got + 1, dropped + 1);
                }
            }
        }
        let payload = vec![b'x'; 4 << 20];
        client.publish(&message(&payload), QoSLevel::AtMostOnce, false).unwrap();
        client.disconnect(ReasonCode::Success, None, LIMIT).await;
        let all = server.join().unwrap();
        assert_eq!(all.len(), 1 + 4 + 3 + payload.len() + 2);
        assert!(matches!(client.next().await, Some(Event::Disconnected(End::Client))));
        assert!(client.next().await.is_none());
    });
}

#[test]
fn faults_are_told_apart() {
    run(async {
        let (endpoint, _server) = server(|mut stream| stream.read_to_end(&mut Vec::new()));
        let options = || ConnectOptions::new(Version::V311, "c");
        let silent = AsyncClient::connect(&endpoint, options(), Duration::from_millis(50)).await;
        assert!(matches!(silent, Err(ConnectFault::TimedOut)));
        let (endpoint, _server) = server(|mut stream| stream.read_exact(&mut [0; 15]));
        let mute = AsyncClient::connect(&endpoint, options(), LIMIT).await;
        assert!(matches!(mute, Err(ConnectFault::Ended(End::Stream))));
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let nobody = AsyncClient::connect(&Endpoint::tcp("127.0.0.1", closed.port()), options(), LIMIT).await;
        assert!(matches!(nobody, Err(ConnectFault::Stream(_))));
    });
}

#[test]
fn polling_without_time_delivers_and_keeps_alive() {
    run(async {
        let (endpoint, server) = server(|mut stream| {
            accept(&mut stream);
            for _ in 0..2 {
                let mut packet = [0; 2];
                stream.read_exact(&mut packet).unwrap();
                assert_eq!(packet, [0xc0, 0]); // [3.1.1 MQTT-3.1.2-23]
                stream.write_all(b"\xd0\x00\x30\x03\x00\x01t").unwrap();
            }
        });
        let options = ConnectOptions { keep_alive_s: 1, ..ConnectOptions::new(Version::V311, "c") };
        let (mut client, _) = AsyncClient::connect(&endpoint, options, LIMIT).await.unwrap();
        let mut messages = 0;
        loop {
            match tokio::time::timeout(Duration::ZERO, client.next()).await {
                Ok(Some(Event::Message(_))) => messages += 1,
                Ok(Some(Event::Disconnected(end))) => break assert_eq!(end, End::Stream),
                Ok(other) => panic!("{other:?}"),
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
        assert_eq!(messages, 2);
        server.join().unwrap();
    });
}

#[test]
fn messages_without_a_pause_leave_time_for_keep_alive() {
    run(async {
        let (pinged, ping) = std::sync::mpsc::channel();
        let (endpoint, server) = server(move |mut stream| {
            accept(&mut stream);
            let mut reader = stream.try_clone().unwrap();
            let listen = thread::spawn(move || {
                let mut packet = [0; 2];
                reader.read_exact(&mut packet).unwrap();
                pinged.send(packet).unwrap();
            });
            let block = b"\x30\x03\x00\x01t".repeat(10_000);
            while stream.write_all(&block).is_ok() {}
            listen.join().unwrap();
        });
        let options = ConnectOptions { keep_alive_s: 1, ..ConnectOptions::new(Version::V311, "c") };
        let (mut client, _) = AsyncClient::connect(&endpoint, options, LIMIT).await.unwrap();
        // A millisecond each, and fewer than one read brings: PINGREQ does not wait for the next one.
        let mut packet = None;
        for _ in 0..8_000 {
            assert!(matches!(client.next().await, Some(Event::Message(_))));
            thread::sleep(Duration::from_millis(1)); // slower than the server
            packet = ping.try_recv().ok();
            if packet.is_some() {
                break;
            }
        }
        assert_eq!(packet, Some([0xc0, 0])); // [3.1.1 MQTT-3.1.2-23]
        drop(client);
        server.join().unwrap();
    });
}

#[test]
fn a_fault_leaves_nothing_behind_for_the_next_attempt() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::tcp("127.0.0.1", listener.local_addr().unwrap().port());
        let mut client = AsyncClient::new(ConnectOptions::new(Version::V311, "c")).unwrap();
        let none = client.reconnect(&endpoint, Duration::ZERO).await;
        assert!(matches!(none, Err(ConnectFault::TimedOut)), "{none:?}");
        let silent = client.reconnect(&endpoint, Duration::from_millis(50)).await;
        assert!(matches!(silent, Err(ConnectFault::TimedOut)), "{silent:?}");
        let dropped =
            tokio::time::timeout(Duration::from_millis(50), client.reconnect(&endpoint, LIMIT)).await;
        assert!(dropped.is_err());
        let server = thread::spawn(move || {
            let mut silent = [listener.accept().unwrap().0, listener.accept().unwrap().0];
            silent.iter_mut().for_each(|stream| drop(stream.read_exact(&mut [0; 15])));
            accept(&mut listener.accept().unwrap().0);
        });
        client.reconnect(&endpoint, Duration::MAX).await.unwrap();
        server.join().unwrap();
        let (endpoint, _server) = self::server(|mut stream| stream.write_all(b"SSH-2.0-x\r\n"));
        let stranger = AsyncClient::connect(&endpoint, ConnectOptions::new(Version::V311, "c"), LIMIT).await;
        assert!(
            matches!(stranger, Err(ConnectFault::Ended(End::Fatal(_)) | ConnectFault::NotMqtt)),
            "{stranger:?}"
        );
    });
}
