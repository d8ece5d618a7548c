//! A client that writes what it is told, as it is told, and waits for the packets that it is told to wait for.

use crate::BenchFault;
use crate::options::Options;
use crate::packets::{self, Session};
use martlet_codec::{
    Packet, PacketId, PacketType, Properties, Publish, QoS, QoSLevel, Split, TopicName, Version, split_frame,
};
use martlet_net::{Fault, Stream};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};

/// Nothing that is sent here is longer.
const PACKET_BYTES_MAX: u32 = 1 << 28;

pub(super) struct Client {
    stream: Stream,
    version: Version,
    unread: Vec<u8>,
    /// Packets that came and were not waited for yet: type, packet id and reason code, where they have them.
    heard: VecDeque<(PacketType, [u8; 2], Option<u8>)>,
    options: Options,
}

impl Client {
    fn open(options: &Options, has_nagle: bool) -> Result<Self, BenchFault> {
        let stream = Stream::connect(&options.url.endpoint, options.patience)?;
        let set = match &stream {
            Stream::Tcp(tcp) => tcp.set_nodelay(!has_nagle),
            Stream::Unix(_) => Ok(()),
        };
        set.and_then(|()| stream.set_read_timeout(Some(options.patience)))
            .and_then(|()| stream.set_write_timeout(Some(options.patience)))
            .map_err(|error| Fault::io("set up a connection", error))?;
        let (version, options) = (options.version, options.clone());
        Ok(Client { stream, version, unread: Vec::new(), heard: VecDeque::new(), options })
    }

    pub(super) fn connect(options: &Options, client_id: &str, has_nagle: bool) -> Result<Self, BenchFault> {
        let mut client = Self::open(options, has_nagle)?;
        client.write(&packets::connect(options.version, &options.url, client_id, Session::Clean))?;
        client.wait(PacketType::ConnAck)?;
        Ok(client)
    }

    /// Subscribes and waits for SUBACK.
    pub(super) fn subscribe(&mut self, filter: &str, qos: QoSLevel, id: u16) -> Result<(), BenchFault> {
        self.write(&self.subscription(filter, qos, id))?;
        self.wait(PacketType::SubAck).map(drop)
    }

    pub(super) fn subscription(&self, filter: &str, qos: QoSLevel, id: u16) -> Vec<u8> {
        packets::subscribe(self.version, packet_id(id), &[filter.to_owned()], qos)
    }

    /// A PUBLISH, to be written.
    pub(super) fn message(&self, topic: &str, level: QoSLevel, id: u16) -> Vec<u8> {
        let payload = vec![b'x'; self.options.payload_len];
        let publish = Publish {
            dup: false,
            retain: false,
            qos: QoS::new(level, packet_id(id)),
            topic: Some(TopicName::new(topic).expect("it is made of letters, digits and slashes")),
            properties: Properties::NONE,
            payload: &payload,
        };
        let mut bytes = Vec::new();
        Packet::Publish(publish).encode(self.version, &mut bytes);
        bytes
    }

    /// In one call.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BenchFault> {
        self.stream.write_all(bytes).map_err(|error| self.broken(&error))
    }

    /// Waits for a packet of this type, whatever comes before it; its packet id.
    pub(super) fn wait(&mut self, wanted: PacketType) -> Result<[u8; 2], BenchFault> {
        loop {
            if let Some(at) = self.heard.iter().position(|(kind, ..)| *kind == wanted)
                && let Some((_, id, reason)) = self.heard.remove(at)
            {
                return match reason.filter(|reason| *reason != 0) {
                    Some(reason) if wanted == PacketType::ConnAck => {
                        Err(BenchFault::ConnectRefused(format!("reason code {reason:#04x}")))
                    }
                    Some(reason) if wanted == PacketType::SubAck && reason >= 0x80 => {
                        Err(BenchFault::SubscribeRefused(format!("reason code {reason:#04x}")))
                    }
                    _ => Ok(id),
                };
            }
            if !self.read()? {
                return Err(BenchFault::ConnectionLost("the server closed it".to_owned()));
            }
        }
    }

    /// Waits until the server closes the connection.
    pub(super) fn wait_for_end(&mut self) -> Result<(), BenchFault> {
        while self.read()? {}
        Ok(())
    }

    /// Leaves in an orderly way.
    pub(super) fn end(mut self) -> Result<(), BenchFault> {
        self.write(&packets::DISCONNECT)
    }

    /// Reads once; `false` at the end.
    fn read(&mut self) -> Result<bool, BenchFault> {
        let mut buffer = [0; 4096];
        let count = match self.stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            result => result.map_err(|error| self.broken(&error))?,
        };
        self.unread.extend_from_slice(&buffer[..count]);
        let mut used = 0;
        loop {
            match split_frame(&self.unread[used..], PACKET_BYTES_MAX) {
                Ok(Split::Partial(_)) => break,
                Ok(Split::Whole(frame, len)) => {
                    used += len;
                    let kind = PacketType::try_from(frame.first >> 4).map_err(|bad| lost(&bad))?;
                    let id = match kind {
                        PacketType::Publish => packets::packet_id(frame.body),
                        _ => frame.body.first_chunk().copied().unwrap_or_default(),
                    };
                    let reason = match kind {
                        PacketType::ConnAck => frame.body.get(1).copied(),
                        PacketType::SubAck => packets::only_reason(frame.body),
                        _ => None,
                    };
                    self.heard.push_back((kind, id, reason));
                }
                Err(malformed) => return Err(lost(&malformed)),
            }
        }
        self.unread.drain(..used);
        Ok(count > 0)
    }

    fn broken(&self, error: &std::io::Error) -> BenchFault {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => BenchFault::TimedOut {
                doing: "waiting for an answer".to_owned(),
                after: self.options.patience,
            },
            _ => BenchFault::ConnectionLost(error.to_string()),
        }
    }
}

fn lost(why: &dyn std::fmt::Display) -> BenchFault {
    BenchFault::ConnectionLost(format!("what came is not a packet: {why}"))
}

fn packet_id(id: u16) -> PacketId {
    PacketId::new(id).expect("rounds are counted from 1")
}
