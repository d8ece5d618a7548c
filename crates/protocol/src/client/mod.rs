//! The client's half of a Network Connection, with the session that outlives it: bytes in, bytes and events out.
//!
//! One value serves all streams of a client, one after the other:
//!
//! 1. [`Connection::connect`] when a stream is open: writes CONNECT;
//! 2. [`Connection::handle_bytes`] with what was read, cut anywhere, while it [`Connection::wants_bytes`];
//!    [`Connection::handle_timeout`] when the moment of [`Connection::poll_timeout`] has come; [`Connection::publish`], [`Connection::subscribe`] and the
//!    like when the application wants to;
//! 3. after each of these [`Connection::poll_event`] until there is none, then write what
//!    [`Connection::output`] holds and say so by [`Connection::transmitted`];
//! 4. when [`Connection::is_closing`] and the output is written, close the stream; when the stream is gone,
//!    whoever closed it, [`Connection::handle_close`]. Then 1 again, to resume the session.
//!
//! Messages are acknowledged as they become events: take all events out before the program ends. Nothing here
//! reads a clock, touches a socket or decides when to connect anew.

mod connected;
mod event;
mod handshake;
mod options;
mod ping;
mod requests;
mod sending;

pub use crate::server::{Authentication, WillRequest};
pub use event::{End, Event, Received, Refused, ServerLimits, Token, Welcome};
pub use options::ConnectOptions;
pub use requests::REQUESTS_MAX;

use crate::output::Output;
use crate::publications::Publications;
use crate::session::{Incoming, Session};
use crate::violation::Fatal;
use crate::{PeerLimits, Time, answer};
use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec::Vec;
use connected::Connected;
use core::num::NonZeroU32;
use martlet_codec::{Frame, Packet, Split, Version, split_frame};
use ping::Due;
use requests::{PUBLISH_ID_MAX, Requests};

#[derive(Debug)]
enum State {
    /// No stream.
    Offline,
    /// CONNECT was written.
    AwaitConnAck { deadline: Time, clean_start: bool },
    /// CONNACK with success came.
    Connected(Connected),
    /// Over: nothing is handled or written any more, what was written goes out.
    Closing,
}

/// The client's half of a Network Connection, and its session.
#[derive(Debug)]
pub struct Connection {
    options: ConnectOptions,
    session: Session,
    /// Whether the session outlives, or outlived, its connection.
    has_session: bool,
    publications: Publications,
    output: Output,
    /// The start of a frame whose end has not come.
    partial: Vec<u8>,
    events: VecDeque<Event>,
    requests: Requests,
    last_token: u32,
    state: State,
}

impl Connection {
    /// A client that has no stream yet.
    ///
    /// # Errors
    /// Options that no CONNECT can express.
    pub fn new(options: ConnectOptions) -> Result<Self, Fatal> {
        options.check()?;
        let packet_id_max = options.limits.packet_id_max.min(PUBLISH_ID_MAX);
        Ok(Connection {
            session: Session::new(options.client_id.clone(), packet_id_max),
            has_session: false,
            publications: Publications::new(),
            output: Output::new(),
            partial: Vec::new(),
            events: VecDeque::new(),
            requests: Requests::new(packet_id_max),
            last_token: 0,
            state: State::Offline,
            options,
        })
    }

    /// A stream is open: CONNECT is written. A stream that was not closed is taken to be lost.
    pub fn connect(&mut self, now: Time) {
        self.handle_close();
        let clean_start = self.options.clean_start && !self.has_session;
        self.options.write(clean_start, &mut self.output);
        let deadline = now.saturating_add(self.options.limits.connect_timeout_ms);
        self.state = State::AwaitConnAck { deadline, clean_start };
    }

    /// Handles what was read: frames as they become whole. Holds at most one frame's start, and no more of it than
    /// the Maximum Packet Size that the server was told.
    pub fn handle_bytes(&mut self, now: Time, bytes: &[u8]) {
        if let State::Connected(connected) = &mut self.state {
            connected.ping.heard(now);
        }
        if self.partial.is_empty() {
            let used = self.handle_frames(now, bytes);
            self.partial.extend_from_slice(&bytes[used..]);
        } else {
            let mut all = core::mem::take(&mut self.partial);
            all.extend_from_slice(bytes);
            let used = self.handle_frames(now, &all);
            all.drain(..used);
            self.partial = all;
        }
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        self.transmit_queued(now);
    }

    /// Handles the whole frames at the start of `bytes` and says how many bytes they took: all, once the
    /// connection is over.
    fn handle_frames(&mut self, now: Time, bytes: &[u8]) -> usize {
        let mut used = 0;
        while matches!(self.state, State::AwaitConnAck { .. } | State::Connected(_)) {
            match split_frame(&bytes[used..], self.options.limits.maximum_packet_size) {
                Ok(Split::Whole(frame, len)) => {
                    used += len;
                    if let Err(fatal) = self.handle_frame(now, frame) {
                        self.fail(fatal);
                    }
                }
                Ok(Split::Partial(_)) => return used,
                Err(malformed) => self.fail(malformed.into()),
            }
        }
        bytes.len()
    }

    fn handle_frame(&mut self, now: Time, frame: Frame<'_>) -> Result<(), Fatal> {
        let packet = Packet::decode(frame, self.options.version)?;
        match self.state {
            State::AwaitConnAck { clean_start, .. } => self.handle_handshake(now, &packet, clean_start)?,
            _ => self.handle_packet(now, &packet)?,
        }
        Ok(())
    }

    /// The moment of [`Self::poll_timeout`] has come, or has not; calling it too often does no harm.
    pub fn handle_timeout(&mut self, now: Time) {
        match &mut self.state {
            State::AwaitConnAck { deadline, .. } if *deadline <= now => self.end(End::NoConnAck),
            State::Connected(connected) => match connected.ping.due(now) {
                Due::Nothing => {}
                Due::Ask => Packet::PingReq.encode(self.options.version, self.output.buffer()), // [MQTT-3.1.2-20] [3.1.1 MQTT-3.1.2-23]
                Due::GiveUp => self.end(End::NoPingResp),
            },
            _ => {}
        }
    }

    /// The stream is gone. What the session holds is kept if it outlives its connection. [MQTT-3.1.2-23]
    pub fn handle_close(&mut self) {
        if matches!(self.state, State::AwaitConnAck { .. } | State::Connected(_)) {
            self.end(End::Stream);
        }
        self.state = State::Offline;
        self.partial = Vec::new();
        self.output.clear(&mut self.publications);
        if !self.has_session {
            self.discard_session();
        }
    }

    /// The next event, if there is one.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Time> {
        let at = match &self.state {
            State::AwaitConnAck { deadline, .. } => *deadline,
            State::Connected(connected) => connected.ping.deadline(),
            State::Offline | State::Closing => Time::NEVER,
        };
        (at != Time::NEVER).then_some(at)
    }

    /// What waits to be written, as contiguous pieces in order.
    pub fn output(&self) -> impl Iterator<Item = &[u8]> {
        self.output.pieces(&self.publications)
    }
    /// Bytes that wait to be written.
    pub fn output_len(&self) -> usize {
        self.output.len()
    }
    /// Whether more should be read. False while so many answers wait to be written that a server which sends and
    /// does not read must be held back. Messages of this side's own take half of that bound at most: two sides that
    /// are both full of their own messages still read each other.
    pub fn wants_bytes(&self) -> bool {
        self.output.len() <= 2 * self.options.limits.output_high_bytes
    }
    /// The first `n` waiting bytes were written.
    pub fn transmitted(&mut self, now: Time, n: usize) {
        self.output.advance(n, &mut self.publications);
        if let State::Connected(connected) = &mut self.state {
            connected.ping.sent(now);
        }
        self.transmit_queued(now);
    }

    /// Whether CONNACK with success came, and nothing has ended the connection since.
    pub fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected(_))
    }
    /// Whether the stream is to be closed as soon as the output is written.
    pub fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing)
    }
    /// The protocol version.
    pub fn version(&self) -> Version {
        self.options.version
    }
    /// The client id: the one asked for, or the one that the server assigned.
    pub fn client_id(&self) -> &str {
        &self.session.client_id
    }
    /// What the server accepts, while connected.
    pub fn server_limits(&self) -> Option<&ServerLimits> {
        match &self.state {
            State::Connected(connected) => Some(&connected.server),
            _ => None,
        }
    }
    /// QoS 1 and 2 messages that are not settled: queued, or sent.
    pub fn unsettled(&self) -> usize {
        self.session.outgoing.len()
    }

    fn next_token(&mut self) -> Token {
        self.last_token = self.last_token.wrapping_add(1).max(1);
        Token(NonZeroU32::new(self.last_token).expect("max(1) is not 0"))
    }

    /// The server broke the protocol: 5.0 has a DISCONNECT for that. [MQTT-4.13.1-1] [3.1.1 MQTT-4.8.0-1]
    fn fail(&mut self, fatal: Fatal) {
        if self.options.version.is_v5() {
            let unknown = PeerLimits::default();
            let peer = self.server_limits().map_or(unknown, |server| server.peer);
            answer::disconnect(fatal.reason(), Some(&fatal.to_string()), &peer, &mut self.output);
        }
        self.end(End::Fatal(fatal));
    }

    /// Nothing is handled or written any more. [MQTT-3.14.4-1] [3.1.1 MQTT-3.14.4-1] [3.1.1 MQTT-3.14.4-2]
    fn end(&mut self, end: End) {
        self.close_with(Event::Disconnected(end));
    }
    fn close_with(&mut self, event: Event) {
        self.events.push_back(event);
        self.requests.clear();
        self.state = State::Closing;
    }

    /// Lets go of what was begun with the server; what was never sent waits on. [MQTT-3.2.2-5]
    fn discard_session(&mut self) {
        self.session.incoming = Incoming::default();
        let events = &mut self.events;
        self.session.outgoing.restart(&mut self.publications, |group| {
            let token = Token(group.expect("every message here was queued with its token"));
            events.push_back(Event::Dropped(token, Refused::SessionLost));
        });
    }
}
