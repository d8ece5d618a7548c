//! A script of bytes against a client: a server that says anything in any pieces, time that passes, an application
//! that asks for everything, streams that break and come again.
//!
//! What holds whatever comes: nothing panics, what the client writes are packets of its role, memory is bounded, and
//! each connection ends with one event. The fuzz target `client_connection` and the tests beside share this.

use martlet_codec::{
    FiltersBuf, Packet, Properties, QoSLevel, ReasonCode, Split, SubscriptionOptions, TopicFilter,
    TopicFiltersBuf, TopicName, Version, split_frame,
};
use martlet_protocol::client::{ConnectOptions, Connection, Event};
use martlet_protocol::{Message, Time};

/// Bytes of a script that are looked at.
const SCRIPT_MAX: usize = 64 * 1024;
/// Output above which something is wrong: both sides' bound, and what one read and one request may add to it.
const OUTPUT_MAX: usize = 4 * 1024;
/// The bound of the client's queue in bytes.
const QUEUE_BYTES_MAX: usize = 1000;

/// What a script begins with for a client of `version`; the upper six bits are other options.
pub(crate) fn opening(version: Version) -> u8 {
    version as u8 - 3
}

/// The step in which the server says `bytes`, of which there are at most 255.
pub(crate) fn says(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 256);
    [&[0, bytes.len() as u8], bytes].concat()
}

struct Rig {
    client: Connection,
    now: u64,
    /// What was written and is not yet a whole packet.
    written: Vec<u8>,
    /// Whether there is a stream.
    open: bool,
    /// Events that ended the connection.
    ends: usize,
}

/// Plays a script.
pub(crate) fn client_connection(script: &[u8]) {
    let script = &script[..script.len().min(SCRIPT_MAX)];
    let Some((first, mut rest)) = script.split_first() else { return };
    let client = Connection::new(options(*first)).expect("the options are fine");
    let mut rig = Rig { client, now: 0, written: Vec::new(), open: false, ends: 0 };
    rig.connect();
    while let [verb, argument, tail @ ..] = rest {
        rest = tail;
        if verb % 16 < 8 {
            let (piece, left) = tail.split_at(tail.len().min(usize::from(*argument)));
            rest = left;
            rig.hear(piece);
        } else {
            rig.step(verb % 16, *argument);
        }
        rig.check();
    }
    rig.close(0);
}

fn options(first: u8) -> ConnectOptions {
    let version = [Version::V31, Version::V311, Version::V5][usize::from(first % 4) % 3];
    let mut options = ConnectOptions::new(version, "c");
    options.clean_start = first & 0x04 != 0;
    options.session_kept = first & 0x08 != 0 && !options.clean_start;
    options.session_expiry_s = if first & 0x10 != 0 { 100 } else { 0 };
    options.keep_alive_s = if first & 0x20 != 0 { 5 } else { 0 };
    options.limits.packet_id_max = 1 + u16::from(first >> 6);
    options.limits.topic_alias_maximum = 3;
    options.limits.receive_maximum = 4;
    options.limits.maximum_packet_size = 600;
    options.limits.output_high_bytes = 1024;
    options.queue_bytes_max = QUEUE_BYTES_MAX;
    options
}

impl Rig {
    fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    fn connect(&mut self) {
        self.client.connect(self.time());
        self.open = true;
    }

    fn hear(&mut self, piece: &[u8]) {
        if self.client.wants_bytes() {
            self.client.handle_bytes(self.time(), piece);
        }
    }

    fn step(&mut self, verb: u8, argument: u8) {
        match verb {
            8 => self.publish(argument),
            9 => self.subscribe(argument),
            10 => self.transmit(usize::from(argument) * 8),
            11 => {
                self.now += u64::from(argument) * 100;
                self.client.handle_timeout(self.time());
            }
            12 => self.close(argument),
            13 => {
                self.close(argument);
                self.connect();
            }
            14 if argument.is_multiple_of(4) => {
                let _ = self.client.disconnect(ReasonCode::Success, Some(u32::from(argument)));
            }
            14 => {
                let _ = self.client.authenticate(&[argument]);
            }
            _ => self.transmit(usize::MAX),
        }
    }

    /// Refusals are answers too.
    fn publish(&mut self, argument: u8) {
        let topic = TopicName::new(["t", "a/b", "a/long/topic"][usize::from(argument) % 3]).expect("a name");
        let expires_at = (argument & 0x40 != 0).then(|| Time::from_millis(self.now + 500));
        let payload = &[b'x'; 256][..usize::from(argument)];
        let message = Message { topic, properties: &[], payload, expires_at, publisher: 0 };
        let qos = [QoSLevel::AtMostOnce, QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce];
        let qos = qos[usize::from(argument >> 2) % 3];
        let _ = self.client.publish(self.time(), &message, qos, argument & 0x80 != 0);
    }

    fn subscribe(&mut self, argument: u8) {
        let filter =
            TopicFilter::new(["a", "a/#", "$share/g/+"][usize::from(argument) % 3]).expect("a filter");
        if argument & 0x80 == 0 {
            let mut filters = FiltersBuf::new();
            filters.push(filter, SubscriptionOptions::qos(QoSLevel::ExactlyOnce));
            let _ = self.client.subscribe(&filters, Properties::NONE);
        } else {
            let mut filters = TopicFiltersBuf::new();
            filters.push(filter);
            let _ = self.client.unsubscribe(&filters, Properties::NONE);
        }
    }

    /// The stream takes `n` bytes of output, if there are so many.
    fn transmit(&mut self, n: usize) {
        let n = n.min(self.client.output_len());
        let waiting: Vec<u8> = self.client.output().flatten().copied().take(n).collect();
        self.written.extend(waiting);
        self.client.transmitted(self.time(), n);
        let mut used = 0;
        while let Split::Whole(frame, len) = split_frame(&self.written[used..], u32::MAX).expect("a frame") {
            let packet = Packet::decode(frame, self.client.version());
            check_role(&packet.expect("what a client writes is well-formed"));
            used += len;
        }
        self.written.drain(..used);
    }

    /// The stream breaks, after all output or after a few bytes of it.
    fn close(&mut self, argument: u8) {
        if argument < 128 {
            self.transmit(usize::MAX);
            assert!(self.written.is_empty(), "half a packet: {:02x?}", self.written);
        } else {
            self.transmit(usize::from(argument - 128));
        }
        self.client.handle_close();
        self.written.clear();
        self.events();
        let begun = usize::from(core::mem::take(&mut self.open));
        assert_eq!((self.ends, self.client.output_len()), (begun, 0), "each connection ends once");
        self.ends = 0;
    }

    fn events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            self.ends += usize::from(matches!(event, Event::Disconnected(_) | Event::Refused { .. }));
        }
    }

    fn check(&mut self) {
        self.events();
        assert_eq!(usize::from(self.client.is_closing()), self.ends, "as many ends as events that say so");
        let (waiting, unsettled) = (self.client.output_len(), self.client.unsettled());
        assert!(waiting < OUTPUT_MAX, "{waiting} bytes of output");
        assert!(unsettled <= QUEUE_BYTES_MAX, "{unsettled} messages");
    }
}

fn check_role(packet: &Packet<'_>) {
    let server_only =
        matches!(packet, Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp);
    assert!(!server_only, "a client wrote {packet:?}");
}
