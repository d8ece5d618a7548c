//! A client: a `client::Connection`, what it was told, and what it remembers of its subscriptions. It behaves: what
//! it does is decided in `act.rs`, what happens to its stream in `link.rs`.

use crate::exchange::Exchange;
use crate::failure::{Checker, Failure, Verdict, check};
use crate::faults::Fault;
use crate::ledger::{Fate, Got, SessionId, Subscribed};
use crate::link::Link;
use crate::plan::Profile;
use crate::world::World;
use martlet_codec::{FiltersBuf, Properties, QoSLevel, ReasonCode, SubscriptionOptions, TopicFilter};
use martlet_protocol::NEVER_EXPIRES;
use martlet_protocol::client::{Connection, End, Event, Received, Token, Welcome};
use martlet_shard::Loss;
use std::collections::BTreeMap;

/// What a client waits for an answer to.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Subscribe { asked: u64, owed: Vec<Owed> },
    Unsubscribe { filter: &'static str, asked: u64 },
}

/// A retained message that a subscription must bring: this one of the topic, or a newer one.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    pub(crate) topic: &'static str,
    pub(crate) number: usize,
    pub(crate) filter: &'static str,
    pub(crate) since: u64,
    pub(crate) session: u32,
}

/// One client.
pub(crate) struct Client {
    pub(crate) index: usize,
    pub(crate) profile: Profile,
    pub(crate) connection: Connection,
    pub(crate) link: Option<usize>,
    /// Sessions so far; the number of the current one.
    pub(crate) sessions: u32,
    /// Connections so far that were accepted.
    pub(crate) connections: u32,
    /// CONNECT packets so far.
    attempts: u32,
    /// Since when it is connected.
    pub(crate) connected_at: Option<u64>,
    pub(crate) subscriptions: Vec<Subscribed>,
    pub(crate) requests: Vec<(Token, Request)>,
    pub(crate) tokens: Vec<(Token, usize)>,
    pub(crate) owed: Vec<Owed>,
    /// When it last got something: step, by message.
    pub(crate) got_at: BTreeMap<(u32, usize), u64>,
    /// Wills that it got, by client.
    pub(crate) wills: BTreeMap<usize, u32>,
    /// It never connects again.
    pub(crate) retired: bool,
    /// It says DISCONNECT as soon as it is connected.
    pub(crate) leaves: bool,
    /// It reads nothing before this step.
    pub(crate) stalled_until: u64,
    /// The broker has accepted it, and it has not heard so yet.
    pub(crate) accepted: bool,
    /// The broker accepted it more than once before it heard: in between its session may have ended and begun anew.
    pub(crate) unheard: bool,
    /// It has resumed a session that the broker never had: nothing is promised to it any more.
    pub(crate) muddled: bool,
    /// What the broker sends it.
    pub(crate) down: Exchange,
    /// The link on which the broker last accepted it.
    pub(crate) down_link: Option<usize>,
    /// What it sends to the broker.
    pub(crate) up: Exchange,
}

impl Client {
    pub(crate) fn new(index: usize, profile: Profile) -> Self {
        let options = profile.options(index);
        let connection = Connection::new(options).expect("every profile makes a CONNECT");
        Client {
            index,
            profile,
            connection,
            link: None,
            sessions: 0,
            connections: 0,
            attempts: 0,
            connected_at: None,
            subscriptions: Vec::new(),
            requests: Vec::new(),
            tokens: Vec::new(),
            owed: Vec::new(),
            got_at: BTreeMap::new(),
            wills: BTreeMap::new(),
            retired: false,
            leaves: false,
            stalled_until: 0,
            accepted: false,
            unheard: false,
            muddled: false,
            down: Exchange::default(),
            down_link: None,
            up: Exchange::default(),
        }
    }

    /// Its session, as the ledger names it.
    pub(crate) fn session(&self) -> SessionId {
        (self.index, self.sessions)
    }

    pub(crate) fn wake(&mut self) {
        self.stalled_until = 0;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        if self.retired {
            return self.link.is_none();
        }
        self.connection.is_connected()
            && self.connection.unsettled() == 0
            && self.connection.output_len() == 0
            && self.requests.is_empty()
    }

    pub(crate) fn why_busy(&self) -> String {
        let (connected, unsettled) = (self.connection.is_connected(), self.connection.unsettled());
        format!("connected {connected}, unsettled {unsettled}, requests {:?}", self.requests)
    }

    /// Subscriptions to a filter that are older than a request are over with its answer.
    fn confirmed_end(&mut self, filter: &str, asked: u64) {
        let older = |one: &&mut Subscribed| one.filter == filter && one.asked < asked;
        self.subscriptions.iter_mut().filter(older).for_each(|one| one.over = true);
    }

    fn stream_closed(&mut self) {
        self.connection.handle_close();
        self.link = None;
        self.connected_at = None;
    }
}

impl World<'_> {
    /// A client reads, looks at the clock, hears what happened, and writes.
    pub(crate) fn client_turn(&mut self, at: usize) -> Verdict {
        let client = &self.clients[at];
        match client.link {
            None if client.retired => return Ok(()),
            None if self.settling || self.random.chance(8) => self.dial(at),
            None => return Ok(()),
            Some(link) => self.client_reads_link(at, link)?,
        }
        let client = &mut self.clients[at];
        if client.connection.poll_timeout().is_some_and(|due| due <= self.now) {
            client.connection.handle_timeout(self.now);
        }
        self.client_events(at)?;
        self.client_writes(at)?;
        self.client_events(at)
    }

    fn dial(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let link = Link::new(at, client.profile.version, client.profile.capacity);
        self.links.push(link);
        let link = self.links.len() - 1;
        client.link = Some(link);
        client.attempts += 1;
        client.requests.clear();
        client.connection.connect(self.now);
        let host = self.random.below(self.hosts.len());
        self.hosts[host].accept(link, self.now);
        self.trace.number(0x300 + host as u64);
        self.trace.say(|| format!("{:?} {} dials link {link} to shard {host}", self.now, client.profile.id));
    }

    fn client_reads_link(&mut self, at: usize, link: usize) -> Verdict {
        if self.step < self.clients[at].stalled_until {
            return Ok(());
        }
        let waiting = self.links[link].down.bytes.len();
        if waiting > 0 {
            let count = if self.settling { waiting } else { self.random.between(1, waiting) };
            let mut bytes = self.links[link].down.take(count);
            if self.tamper.strikes(Fault::ByteTwice, 2) {
                bytes.insert(0, bytes[0]);
            }
            self.trace.bytes(&bytes);
            self.reads_down(link, &bytes)?;
            self.clients[at].connection.handle_bytes(self.now, &bytes);
        }
        let link = &mut self.links[link];
        if link.down.bytes.is_empty() && link.down_end {
            link.client_open = false;
            link.up_end.get_or_insert(Loss::Closed);
            self.clients[at].stream_closed();
        }
        Ok(())
    }

    fn client_writes(&mut self, at: usize) -> Verdict {
        let client = &mut self.clients[at];
        let Some(link) = client.link else { return Ok(()) };
        let output: Vec<u8> = client.connection.output().flatten().copied().collect();
        let mut count = output.len();
        if !self.settling && count > 0 && self.random.chance(20) {
            count = self.random.between(1, count);
        }
        if count > 0 {
            client.connection.transmitted(self.now, count);
            self.trace.bytes(&output[..count]);
            self.writes_up(link, &output[..count])?;
        }
        let client = &mut self.clients[at];
        if client.connection.is_closing() && client.connection.output_len() == 0 {
            self.links[link].client_open = false;
            self.links[link].up_end.get_or_insert(Loss::Closed);
            client.stream_closed();
        }
        Ok(())
    }

    /// The client's stream is gone, and only the client knows.
    pub(crate) fn vanish(&mut self, at: usize) -> Verdict {
        if let Some(link) = self.clients[at].link {
            self.links[link].client_open = false;
            self.clients[at].stream_closed();
        }
        self.client_events(at)
    }

    pub(crate) fn client_events(&mut self, at: usize) -> Verdict {
        while let Some(event) = self.clients[at].connection.poll_event() {
            self.trace.say(|| format!("{:?} {at} hears {}", self.now, brief(&event)));
            match event {
                Event::Connected(welcome) => self.welcomed(at, &welcome)?,
                Event::Message(received) => self.received(at, &received)?,
                Event::Subscribed(token, reasons) => self.subscribed(at, token, &reasons)?,
                Event::Unsubscribed(token, _) => self.unsubscribed(at, token),
                Event::Published(token, reason) => self.settled(at, token, Some(reason))?,
                Event::Dropped(token, _) => self.settled(at, token, None)?,
                Event::Disconnected(End::Fatal(fatal)) => {
                    return Err(Failure::new(
                        Checker::Protocol,
                        format!("client {at} says of the broker: {fatal}"),
                    ));
                }
                Event::Disconnected(_) => {
                    self.clients[at].connected_at = None;
                    self.clients[at].requests.clear();
                }
                other => {
                    let what = format!("client {at} got {}", brief(&other));
                    return Err(Failure::new(Checker::Protocol, what));
                }
            }
        }
        Ok(())
    }

    fn welcomed(&mut self, at: usize, welcome: &Welcome) -> Verdict {
        let client = &mut self.clients[at];
        let (present, before) = (welcome.session_present, client.connections > 0);
        let lasts = client.profile.expiry_s == NEVER_EXPIRES;
        check(present || !(before && lasts), Checker::Session, || format!("the session of {at} is gone"))?; // [MQTT-3.1.2-5]
        let impossible = client.profile.expiry_s == 0 || client.attempts == 1;
        check(!(present && impossible), Checker::Session, || format!("client {at} has a session, whence?"))?; // [MQTT-3.2.2-2]
        client.connections += 1;
        client.connected_at = Some(self.step);
        client.accepted = false;
        if std::mem::take(&mut client.unheard) && present {
            client.muddled = true;
            client.owed.clear();
            for subscription in &mut client.subscriptions {
                self.ledger.member_ends(subscription);
                subscription.ending = true;
            }
        }
        if !present {
            self.session_ended(at);
            self.clients[at].sessions += 1;
        }
        let client = &mut self.clients[at];
        if client.leaves {
            let left = client.connection.disconnect(ReasonCode::Success, None);
            client.retired = true;
            return check(left.is_ok(), Checker::Protocol, || format!("{at} cannot disconnect: {left:?}"));
        }
        if client.profile.id == "observer" && !present {
            self.subscribe(at, "#", QoSLevel::ExactlyOnce, false, Some(1));
        }
        Ok(())
    }

    /// The session of a client is no more, and all that it had.
    pub(crate) fn session_ended(&mut self, at: usize) {
        let client = &mut self.clients[at];
        client.owed.clear();
        for subscription in client.subscriptions.drain(..) {
            self.ledger.member_ends(&subscription);
        }
    }

    fn received(&mut self, at: usize, received: &Received) -> Verdict {
        let client = &mut self.clients[at];
        let message = received.publication.message();
        let text = std::str::from_utf8(message.payload).unwrap_or("?");
        let text = text.split('.').next().unwrap_or_default();
        if let Some(will) = text.strip_prefix('w').and_then(|number| number.parse().ok()) {
            *client.wills.entry(will).or_default() +=
                u32::from(!received.dup || received.qos.level() == QoSLevel::ExactlyOnce);
            return Ok(());
        }
        let Ok(number) = text.parse::<usize>() else {
            return check(text.is_empty(), Checker::Matching, || {
                format!("client {at} got a strange payload {text}")
            });
        };
        let got = Got {
            topic: message.topic.as_str(),
            qos: received.qos.level(),
            dup: received.dup,
            retain: received.retain,
            ids: received.subscription_ids.as_slice(),
        };
        client.got_at.insert((client.sessions, number), self.step);
        let session = client.session();
        self.ledger.receive(session, &client.subscriptions, number, &got)
    }

    fn subscribed(&mut self, at: usize, token: Token, reasons: &[ReasonCode]) -> Verdict {
        let client = &mut self.clients[at];
        let Some(place) = client.requests.iter().position(|(known, _)| *known == token) else {
            return Ok(());
        };
        let (_, request) = client.requests.swap_remove(place);
        let Request::Subscribe { asked, owed } = request else { return Ok(()) };
        let waiting = |one: &&mut Subscribed| one.asked == asked;
        if let Some(subscription) = client.subscriptions.iter_mut().find(waiting) {
            subscription.acked = Some(self.step);
            let granted = reasons.first().map(|reason| *reason as u8);
            check(granted == Some(subscription.qos as u8), Checker::Matching, || {
                format!("granted {granted:?}")
            })?; // [MQTT-3.8.4-7]
            let ending = subscription.ending;
            let filter = subscription.filter;
            client.owed.extend(owed.into_iter().filter(|_| !ending));
            client.confirmed_end(filter, asked);
        }
        Ok(())
    }

    fn unsubscribed(&mut self, at: usize, token: Token) {
        let client = &mut self.clients[at];
        let Some(place) = client.requests.iter().position(|(known, _)| *known == token) else { return };
        if let (_, Request::Unsubscribe { filter, asked }) = client.requests.swap_remove(place) {
            client.confirmed_end(filter, asked);
        }
    }

    fn settled(&mut self, at: usize, token: Token, reason: Option<ReasonCode>) -> Verdict {
        let client = &mut self.clients[at];
        let Some(place) = client.tokens.iter().position(|(known, _)| *known == token) else { return Ok(()) };
        let (_, number) = client.tokens.swap_remove(place);
        self.ledger.published[number].fate = if reason.is_some() { Fate::Accepted } else { Fate::Unknown };
        if self.ledger.published[number].retain && reason.is_some() && !self.settling {
            self.subscribe_at_once();
        }
        let refused = reason.is_some_and(ReasonCode::is_failure);
        check(!refused, Checker::Protocol, || format!("message {number} was refused: {reason:?}"))
    }

    /// SUBSCRIBE to one filter; what it must bring of the retained messages is noted.
    pub(crate) fn subscribe(
        &mut self,
        at: usize,
        filter: &'static str,
        qos: QoSLevel,
        no_local: bool,
        id: Option<u32>,
    ) {
        let v5 = self.clients[at].profile.version.is_v5();
        let (no_local, id) = (no_local && v5, id.filter(|_| v5));
        let mut filters = FiltersBuf::new();
        let options = SubscriptionOptions { no_local, ..SubscriptionOptions::qos(qos) };
        filters.push(TopicFilter::from_checked(filter), options);
        let mut properties = martlet_codec::PropertiesBuf::new();
        if let Some(id) = id {
            properties.push(martlet_codec::Property::SubscriptionIdentifier(id));
        }
        let properties: Properties<'_> = properties.as_properties();
        let Ok(token) = self.clients[at].connection.subscribe(&filters, properties) else { return };
        let subscription = Subscribed {
            filter,
            qos,
            no_local,
            id,
            asked: self.step,
            acked: None,
            ending: false,
            over: false,
        };
        let owed = self.owed_by(at, &subscription);
        let client = &mut self.clients[at];
        client.owed.retain(|owed| owed.filter != filter);
        client.subscriptions.iter_mut().filter(|one| one.filter == filter).for_each(|one| one.ending = true);
        client.subscriptions.push(subscription);
        client.requests.push((token, Request::Subscribe { asked: self.step, owed }));
        self.trace.say(|| format!("{:?} {at} subscribes to {filter} {qos} {id:?}", self.now));
    }
}

fn brief(event: &Event) -> String {
    match event {
        Event::Connected(welcome) => format!("Connected, session {}", welcome.session_present),
        Event::Message(received) => {
            let message = received.publication.message();
            let payload =
                String::from_utf8_lossy(&message.payload[..message.payload.len().min(12)]).into_owned();
            let (qos, dup, retain) = (received.qos, received.dup, received.retain);
            format!("{} {payload} {qos:?} dup {dup} retain {retain}", message.topic.as_str())
        }
        other => format!("{other:?}"),
    }
}
