//! A broker on a free port of loopback, and a client that speaks in packets over a blocking socket.
//!
//! The client knows no protocol: each test says what is sent and what must come back.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

pub(crate) mod child;

use martlet_broker::{Broker, Config, Handle, ListenerConfig};
use martlet_codec::{
    Connect, FiltersBuf, Packet, PacketId, Properties, Publish, QoS, QoSLevel, ReasonCode, Split, Subscribe,
    SubscriptionOptions, TopicFilter, TopicName, Version, split_frame,
};
use martlet_net::Endpoint;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than anything here takes: a test that waits so long has failed.
const LIMIT: Duration = Duration::from_secs(20);

/// A broker that ends with the test.
pub(crate) struct TestBroker {
    broker: Option<Broker>,
    pub(crate) address: SocketAddr,
}

impl TestBroker {
    pub(crate) fn start(shards: u8) -> Self {
        Self::with(Config { shards: Some(shards), ..Config::default() })
    }

    /// With one listener at a free port, whatever `config` says about listeners.
    pub(crate) fn with(config: Config) -> Self {
        let listeners = vec![ListenerConfig::new(Endpoint::tcp("127.0.0.1", 0))];
        let broker = Broker::start(Config { listeners, ..config }).unwrap();
        let address = broker.local_addresses().next().unwrap();
        TestBroker { broker: Some(broker), address }
    }

    pub(crate) fn handle(&self) -> Handle {
        self.broker.as_ref().unwrap().handle()
    }

    /// Stops it and asserts that all its threads end well.
    pub(crate) fn stop(self) {
        self.handle().stop();
        self.join();
    }

    /// Waits until it has stopped, and asserts the same.
    pub(crate) fn join(mut self) {
        self.broker.take().unwrap().join().unwrap();
    }
}

/// One end of a connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    version: Version,
    unread: Vec<u8>,
}

impl Client {
    /// A bare connection.
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, version: Version::V311, unread: Vec::new() }
    }

    /// A connection that was accepted.
    pub(crate) fn connect(address: SocketAddr, version: Version, client_id: &str) -> Self {
        let mut client = Self::open(address);
        client.version = version;
        client.send(&connect(version, client_id));
        assert_eq!(client.connack(), ReasonCode::Success);
        client
    }

    pub(crate) fn send(&mut self, packet: &Packet<'_>) {
        let bytes = self.bytes_of(packet);
        self.stream.write_all(&bytes).unwrap();
    }

    pub(crate) fn bytes_of(&self, packet: &Packet<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        packet.encode(self.version, &mut bytes);
        bytes
    }

    /// The next packet; `None` at the end of the stream.
    pub(crate) fn receive<T>(&mut self, read: impl FnOnce(Packet<'_>) -> T) -> Option<T> {
        loop {
            if let Split::Whole(frame, consumed) = split_frame(&self.unread, u32::MAX).unwrap() {
                let result = read(Packet::decode(frame, self.version).unwrap());
                self.unread.drain(..consumed);
                return Some(result);
            }
            let mut buffer = [0; 65536];
            let count = self.stream.read(&mut buffer).unwrap();
            if count == 0 {
                assert!(self.unread.is_empty(), "the stream ends inside a packet");
                return None;
            }
            self.unread.extend_from_slice(&buffer[..count]);
        }
    }

    pub(crate) fn connack(&mut self) -> ReasonCode {
        let reason = |packet: Packet<'_>| match packet {
            Packet::ConnAck(connack) => connack.reason,
            other => panic!("CONNACK expected, not {other:?}"),
        };
        self.receive(reason).expect("CONNACK comes before the end")
    }

    pub(crate) fn subscribe(&mut self, filter: &str, qos: QoSLevel) {
        let mut filters = FiltersBuf::new();
        filters.push(TopicFilter::new(filter).unwrap(), SubscriptionOptions::qos(qos));
        let (packet_id, properties) = (PacketId::new(1).unwrap(), Properties::NONE);
        let filters = filters.as_filters(self.version);
        self.send(&Packet::Subscribe(Subscribe { packet_id, properties, filters }));
        self.receive(|packet| assert!(matches!(packet, Packet::SubAck(_)), "{packet:?}")).unwrap();
    }

    pub(crate) fn publish(&mut self, topic: &str, payload: &[u8]) {
        self.send(&publish(topic, payload));
    }

    /// Sends PINGREQ and waits for the answer: whatever was sent before is handled then.
    pub(crate) fn ping(&mut self) {
        self.send(&Packet::PingReq);
        self.receive(|packet| assert_eq!(packet, Packet::PingResp)).unwrap();
    }

    /// The payload of the next packet, which is a PUBLISH.
    pub(crate) fn payload(&mut self) -> Vec<u8> {
        let payload = |packet: Packet<'_>| match packet {
            Packet::Publish(publish) => publish.payload.to_vec(),
            other => panic!("PUBLISH expected, not {other:?}"),
        };
        self.receive(payload).expect("PUBLISH comes before the end")
    }

    /// Nothing more comes, and the broker has closed its side.
    pub(crate) fn assert_end(&mut self) {
        self.receive(|packet| panic!("the end expected, not {packet:?}"));
    }

    /// Whether the broker closes instead of answering CONNECT.
    pub(crate) fn refused(mut self) -> bool {
        let bytes = self.bytes_of(&connect(Version::V311, "late"));
        let mut connack = [0; 4];
        self.stream.write_all(&bytes).and_then(|()| self.stream.read_exact(&mut connack)).is_err()
    }

    /// The connection ends, in whatever way.
    pub(crate) fn wait_for_end(mut self) {
        let ended = self.stream.read_to_end(&mut Vec::new());
        let waited =
            |error: &std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!ended.is_err_and(|error| waited(&error)), "it is still open");
    }

    /// Closes the direction towards the broker.
    pub(crate) fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

pub(crate) fn connect(version: Version, client_id: &str) -> Packet<'_> {
    Packet::Connect(Connect {
        version,
        bridge: false,
        clean_start: true,
        keep_alive: 0,
        properties: Properties::NONE,
        client_id,
        will: None,
        user_name: None,
        password: None,
    })
}

pub(crate) fn publish<'a>(topic: &'a str, payload: &'a [u8]) -> Packet<'a> {
    let topic = Some(TopicName::new(topic).unwrap());
    let (qos, properties) = (QoS::AtMostOnce, Properties::NONE);
    Packet::Publish(Publish { dup: false, retain: false, qos, topic, properties, payload })
}
