//! Two ends, a clock, and a link that can be cut. The server's end sends each message back to its one client.

use martlet_codec::{Frame, Packet, QoS, Split, TopicFilter, Version, split_frame};
use martlet_protocol::client::{self, ConnectOptions, End, Event};
use martlet_protocol::server::{self, Accepted, Link, Phase, Step};
use martlet_protocol::{
    Delivery, Encodings, Entry, Limits, Message, Output, Publications, Session, Source, SubscriptionIds,
    Time, split_properties,
};

/// Bytes that the link carries at once: few, so that most frames arrive in pieces.
const CHUNK: usize = 11;

pub(crate) struct Pair {
    pub(crate) now: Time,
    pub(crate) client: client::Connection,
    pub(crate) server: Server,
    /// All packets that left either end, in order: `C:` the client's, `S:` the server's.
    pub(crate) trace: Vec<String>,
    /// While set, the server's bytes are lost on their way.
    pub(crate) deaf: bool,
    /// While set, the client's bytes are lost on their way.
    pub(crate) mute: bool,
}

pub(crate) struct Server {
    pub(crate) limits: Limits,
    pub(crate) accepted: Accepted,
    /// Payloads of the messages that were accepted from the client.
    pub(crate) routed: Vec<Vec<u8>>,
    connection: Option<server::Connection>,
    session: Option<(Session, Time)>,
    subscriptions: Vec<(String, martlet_codec::SubscriptionOptions, Vec<u32>)>,
    publications: Publications,
    output: Output,
    input: Vec<u8>,
}

impl Pair {
    /// Not connected yet.
    pub(crate) fn new(version: Version, change: impl FnOnce(&mut ConnectOptions, &mut Limits)) -> Self {
        let mut options = ConnectOptions::new(version, "swift");
        let mut limits = Limits::default();
        change(&mut options, &mut limits);
        Pair {
            now: Time::from_millis(1_000),
            client: client::Connection::new(options).unwrap(),
            server: Server::new(limits),
            trace: Vec::new(),
            deaf: false,
            mute: false,
        }
    }
    /// A new stream, and all that follows from it.
    pub(crate) fn connect(&mut self) -> Vec<Event> {
        (self.deaf, self.mute) = (false, false);
        self.server.open(self.now);
        self.client.connect(self.now);
        self.settle()
    }
    /// The stream is gone for both; what the client made of it.
    pub(crate) fn cut(&mut self) -> Vec<Event> {
        self.server.close(self.now);
        self.client.handle_close();
        self.events()
    }
    /// Lets both ends talk until both are silent.
    pub(crate) fn settle(&mut self) -> Vec<Event> {
        let mut events = self.events();
        loop {
            let up: Vec<u8> = self.client.output().flatten().copied().collect();
            self.client.transmitted(self.now, up.len());
            self.record("C", &up);
            if !self.mute {
                up.chunks(CHUNK).for_each(|chunk| self.server.handle(self.now, chunk));
            }
            let down = self.server.take_output();
            self.record("S", &down);
            if !self.deaf {
                down.chunks(CHUNK).for_each(|chunk| self.client.handle_bytes(self.now, chunk));
            }
            events.extend(self.events());
            if up.is_empty() && down.is_empty() {
                return events;
            }
        }
    }
    /// Moves the clock, in steps no longer than either end's next deadline.
    pub(crate) fn wait_s(&mut self, s: u32) -> Vec<Event> {
        let (end, mut events) = (self.now.after_s(s), Vec::new());
        while self.now < end {
            let next = self.client.poll_timeout().unwrap_or(Time::NEVER).min(self.server.deadline());
            self.now = next.max(self.now.saturating_add(1)).min(end);
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            events.extend(self.settle());
        }
        events
    }
    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }
    fn record(&mut self, side: &str, mut bytes: &[u8]) {
        while let Ok(Split::Whole(frame, len)) = split_frame(bytes, u32::MAX) {
            self.trace.push(format!("{side}:{}", describe(frame, self.client.version())));
            bytes = &bytes[len..];
        }
    }
    /// The packets since the last look, without those of no interest.
    pub(crate) fn take_trace(&mut self, of_interest: &str) -> Vec<String> {
        let mut trace = std::mem::take(&mut self.trace);
        trace.retain(|line| line.contains(of_interest));
        trace
    }
}

fn describe(frame: Frame<'_>, version: Version) -> String {
    match Packet::decode(frame, version).unwrap() {
        Packet::Publish(publish) => {
            let topic = publish.topic.map_or("", |topic| topic.as_str());
            let id = publish.qos.packet_id().map_or(String::new(), |id| format!(" {id}"));
            let dup = if publish.dup { " DUP" } else { "" };
            format!("PUBLISH {topic} q{}{id}{dup}", publish.qos.level())
        }
        Packet::Ack(ack) => format!("{} {}", ack.kind.packet_type(), ack.packet_id),
        other => other.kind().to_string(),
    }
}

impl Server {
    fn new(limits: Limits) -> Self {
        Server {
            limits,
            accepted: Accepted::default(),
            routed: Vec::new(),
            connection: None,
            session: None,
            subscriptions: Vec::new(),
            publications: Publications::new(),
            output: Output::new(),
            input: Vec::new(),
        }
    }
    /// Forgets the session.
    pub(crate) fn forget(&mut self) {
        self.session = None;
        self.subscriptions.clear();
    }
    /// Ends the connection with this reason.
    pub(crate) fn end(&mut self, reason: martlet_codec::ReasonCode) {
        self.connection.as_mut().unwrap().end(reason, Some("because"), &mut self.output);
    }
    /// QoS 2 identifiers that the client has not released, and messages to it that are not settled.
    pub(crate) fn unfinished(&self) -> (u32, usize) {
        self.session.as_ref().map_or((0, 0), |(session, _)| (session.incoming.len(), session.outgoing.len()))
    }
    fn open(&mut self, now: Time) {
        self.connection = Some(server::Connection::new(now, &self.limits));
    }
    fn close(&mut self, now: Time) {
        self.connection = None;
        self.input.clear();
        self.output.clear(&mut self.publications);
        if let Some((session, expires_at)) = &mut self.session {
            *expires_at = now.after_s(session.expiry_s);
        }
    }
    fn deadline(&self) -> Time {
        self.connection.as_ref().map_or(Time::NEVER, server::Connection::deadline)
    }
    fn handle_timeout(&mut self, now: Time) {
        let Some(connection) = &mut self.connection else { return };
        if connection.timed_out(now).is_some() {
            connection.end(martlet_codec::ReasonCode::KeepAliveTimeout, None, &mut self.output);
        }
    }
    fn take_output(&mut self) -> Vec<u8> {
        let bytes: Vec<u8> = self.output.pieces(&self.publications).flatten().copied().collect();
        self.output.advance(bytes.len(), &mut self.publications);
        bytes
    }
    fn handle(&mut self, now: Time, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let mut rest = &input[..];
        while let Split::Whole(frame, len) = split_frame(rest, self.limits.maximum_packet_size).unwrap() {
            self.handle_frame(now, frame);
            rest = &rest[len..];
        }
        self.input = rest.to_vec();
    }
    fn handle_frame(&mut self, now: Time, frame: Frame<'_>) {
        let Some(mut connection) = self.connection.take() else { return };
        match connection.phase() {
            Phase::AwaitConnect => self.accept(now, &mut connection, frame),
            Phase::Connected => self.handle_packet(now, &mut connection, frame),
            _ => {}
        }
        self.connection = Some(connection);
    }
    fn accept(&mut self, now: Time, connection: &mut server::Connection, frame: Frame<'_>) {
        let greeting = connection.handle_connect(frame, &self.limits).unwrap();
        let expired = self.session.as_ref().is_some_and(|(_, expires_at)| *expires_at <= now);
        if greeting.clean_start || expired {
            self.forget();
        }
        self.accepted.session_present = self.session.is_some();
        self.accepted.keep_alive_s = greeting.keep_alive_in_force(&self.limits);
        let new = || (Session::new(greeting.client_id.clone(), self.limits.packet_id_max), Time::NEVER);
        let (session, expires_at) = self.session.get_or_insert_with(new);
        session.expiry_s = greeting.session_expiry_s;
        *expires_at = Time::NEVER;
        let mut link = Link { session, publications: &mut self.publications, output: &mut self.output };
        connection.accept(now, &greeting, &self.accepted, &self.limits, &mut link);
        while connection.send_next(now, None, u64::MAX, &mut link) != Step::Blocked {}
    }
    fn handle_packet(&mut self, now: Time, connection: &mut server::Connection, frame: Frame<'_>) {
        let (session, _) = self.session.as_mut().unwrap();
        let mut link = Link { session, publications: &mut self.publications, output: &mut self.output };
        let event = connection.handle_frame(now, frame, &mut link).unwrap();
        match event {
            server::Event::Publish { publish, .. } => {
                let mut unaltered = martlet_codec::PropertiesBuf::new();
                let (properties, expiry_s) = split_properties(publish.properties, &mut unaltered);
                let message = Message {
                    topic: connection.topic(&publish),
                    properties,
                    payload: publish.payload,
                    expires_at: expiry_s.map(|s| now.after_s(s)),
                    publisher: 0,
                };
                self.routed.push(publish.payload.to_vec());
                let publication = message.to_publication();
                let success = martlet_codec::ReasonCode::Success;
                if let Some(owed) = connection.acknowledge(publish.qos, success, link.session) {
                    connection.write(owed, link.output);
                }
                self.send_back(now, connection, &publication.message(), publish.qos);
            }
            server::Event::Subscribe(subscribe) => {
                let ids = subscribe.properties.iter().filter_map(|property| match property {
                    martlet_codec::Property::SubscriptionIdentifier(id) => Some(id),
                    _ => None,
                });
                let ids: Vec<u32> = ids.collect();
                let filters = subscribe.filters.iter();
                let new = filters.map(|one| (one.filter.as_str().to_owned(), one.options, ids.clone()));
                self.subscriptions.extend(new);
                let codes: Vec<u8> =
                    subscribe.filters.iter().map(|one| one.options.maximum_qos as u8).collect();
                connection.suback(subscribe.packet_id, &codes, &mut self.output);
            }
            server::Event::Unsubscribe(unsubscribe) => {
                let codes = vec![0; unsubscribe.filters.len()];
                let gone: Vec<&str> = unsubscribe.filters.iter().map(TopicFilter::as_str).collect();
                self.subscriptions.retain(|(filter, ..)| !gone.contains(&filter.as_str()));
                connection.unsuback(unsubscribe.packet_id, &codes, &mut self.output);
            }
            server::Event::Disconnect { session_expiry_s, .. } => {
                link.session.expiry_s = session_expiry_s.unwrap_or(link.session.expiry_s);
                connection.close();
            }
            server::Event::Owed(owed) => connection.write(owed, link.output),
            server::Event::Ping => connection.pingresp(link.output),
            server::Event::None | server::Event::Settled(_) | server::Event::Authenticate(_) => {}
        }
        self.send_queued(now, connection);
    }
    fn send_back(&mut self, now: Time, connection: &mut server::Connection, message: &Message<'_>, qos: QoS) {
        for (filter, options, ids) in &self.subscriptions {
            if !TopicFilter::new(filter).unwrap().matches(message.topic) {
                continue;
            }
            let level = qos.level().min(options.maximum_qos);
            if level == martlet_codec::QoSLevel::AtMostOnce {
                let delivery = Delivery::at_most_once(false, ids);
                let (source, encodings) = (Source::Borrowed(message), &mut Encodings::default());
                let (store, output) = (&mut self.publications, &mut self.output);
                connection.send(now, source, delivery, encodings, store, output).unwrap();
                continue;
            }
            let mut entry = Entry::new(self.publications.insert(message), level);
            entry.subscription_ids = SubscriptionIds::new(ids);
            let (session, _) = self.session.as_mut().unwrap();
            session.outgoing.push(entry, &self.publications);
        }
    }
    fn send_queued(&mut self, now: Time, connection: &mut server::Connection) {
        let (session, _) = self.session.as_mut().unwrap();
        let mut link = Link { session, publications: &mut self.publications, output: &mut self.output };
        if connection.phase() == Phase::Connected {
            while connection.send_next(now, None, u64::MAX, &mut link) != Step::Blocked {}
        }
    }
}

/// The payloads of the messages among the events.
pub(crate) fn payloads(events: &[Event]) -> Vec<String> {
    let messages = events.iter().filter_map(|event| match event {
        Event::Message(received) => Some(received.publication.message().payload),
        _ => None,
    });
    messages.map(|payload| String::from_utf8_lossy(payload).into_owned()).collect()
}

/// How the connection ended, if it did.
pub(crate) fn end(events: &[Event]) -> Option<&End> {
    events.iter().find_map(|event| match event {
        Event::Disconnected(end) => Some(end),
        _ => None,
    })
}
