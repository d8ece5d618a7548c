//! One connection of the generator: its socket, how far its handshake has come, and what it is there for.

use crate::fickle::Fickle;
use crate::flow::Flow;
use crate::packets::Session;
use crate::publisher::Publisher;
use crate::socket::{Moved, Socket, moved};
use crate::tracker::Tracker;
use martlet_codec::QoSLevel;
use std::sync::Arc;

/// A connection that is to be opened.
pub(crate) struct Spec {
    pub(crate) client_id: String,
    pub(crate) session: Session,
    pub(crate) filters: Filters,
    pub(crate) role: Role,
}

/// What to subscribe to once connected.
#[derive(Debug)]
pub(crate) struct Filters {
    pub(crate) all: Vec<String>,
    pub(crate) qos: QoSLevel,
    /// How many go into one SUBSCRIBE.
    pub(crate) per_packet: usize,
}

impl Filters {
    pub(crate) fn none() -> Self {
        Self::new(Vec::new(), QoSLevel::AtMostOnce)
    }

    pub(crate) fn new(all: Vec<String>, qos: QoSLevel) -> Self {
        Filters { all, qos, per_packet: 1 }
    }
}

/// What a connection is there for.
pub(crate) enum Role {
    /// It only stays.
    Idle,
    Publisher(Box<Publisher>),
    Subscriber(Subscriber),
    /// It counts what comes.
    Reader,
    Fickle(Box<Fickle>),
}

/// The flows that a connection receives: a range of ids.
pub(crate) struct Subscriber {
    pub(crate) first_flow: u32,
    pub(crate) inbound: Vec<Inbound>,
}

/// One flow as its receiver sees it.
pub(crate) struct Inbound {
    pub(crate) flow: Arc<Flow>,
    /// Which of the flow's receivers this is.
    pub(crate) slot: usize,
    pub(crate) tracker: Tracker,
}

/// How far the handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The system connects.
    Opening,
    /// CONNECT is sent.
    Greeting,
    /// So many filters are subscribed or being subscribed.
    Subscribing(usize),
    Ready,
}

pub(crate) struct Connection {
    pub(crate) socket: Socket,
    pub(crate) stage: Stage,
    pub(crate) is_writable: bool,
    /// The start of a frame whose rest is still to come.
    pub(crate) partial: Vec<u8>,
    /// Packets other than PUBLISH that are still to be written.
    pub(crate) out: Vec<u8>,
    /// When the last PINGREQ was sent.
    pub(crate) pinged_ns: u64,
    pub(crate) spec: Spec,
}

impl Connection {
    pub(crate) fn new(socket: Socket, spec: Spec) -> Self {
        Connection {
            socket,
            stage: Stage::Opening,
            is_writable: false,
            partial: Vec::new(),
            out: Vec::new(),
            pinged_ns: 0,
            spec,
        }
    }

    /// Writes what waits; whether nothing is left. A PUBLISH that was begun goes first.
    pub(crate) fn flush(&mut self) -> Result<bool, String> {
        if let Role::Publisher(publisher) = &mut self.spec.role {
            while self.is_writable && !publisher.block.unsent().is_empty() {
                match moved(|| self.socket.write(publisher.block.unsent())) {
                    Moved::Bytes(count) => publisher.block.sent(count),
                    Moved::NotNow => self.is_writable = false,
                    Moved::Ended(why) => return Err(why),
                }
            }
            if !publisher.block.unsent().is_empty() {
                return Ok(false);
            }
        }
        let mut written = 0;
        while self.is_writable && written < self.out.len() {
            match moved(|| self.socket.write(&self.out[written..])) {
                Moved::Bytes(count) => written += count,
                Moved::NotNow => self.is_writable = false,
                Moved::Ended(why) => return Err(why),
            }
        }
        self.out.drain(..written);
        Ok(self.out.is_empty())
    }
}
