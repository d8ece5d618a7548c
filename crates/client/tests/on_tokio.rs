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
