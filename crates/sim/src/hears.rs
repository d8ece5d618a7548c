//! What a client hears of the broker, told to the ledger; and what it asks for.

use crate::client::Request;
use crate::failure::{Checker, Failure, Verdict, check};
use crate::ledger::{Fate, Got, Subscribed};
use crate::world::World;
use martlet_codec::{FiltersBuf, Properties, QoSLevel, ReasonCode, SubscriptionOptions, TopicFilter};
use martlet_protocol::NEVER_EXPIRES;
use martlet_protocol::client::{End, Event, Received, Token, Welcome};

impl World<'_> {
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
                Event::Refused { .. } if self.plan.is_short_of_memory() => {}
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
        match &*client.profile.id {
            "observer" if !present => self.subscribe(at, "#", QoSLevel::ExactlyOnce, false, Some(1)),
            "crowd" if !present => self.crowd_subscribes(at),
            _ => {}
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
        if received.retain
            && let Some(published) = self.ledger.published.get(number)
        {
            client.retained_at.insert((client.sessions, published.topic), self.step);
        }
        let session = client.session();
        self.ledger.step = self.step;
        self.ledger.receive(session, &client.subscriptions, number, &got)
    }

    fn subscribed(&mut self, at: usize, token: Token, reasons: &[ReasonCode]) -> Verdict {
        let client = &mut self.clients[at];
        let Some(place) = client.requests.iter().position(|(known, _)| *known == token) else {
            return Ok(());
        };
        let (_, request) = client.requests.swap_remove(place);
        let (asked, owed) = match request {
            Request::Subscribe { asked, owed } => (asked, owed),
            Request::Crowd => return self.crowd_subscribed(at, reasons),
            Request::Unsubscribe { .. } => return Ok(()),
        };
        let waiting = |one: &&mut Subscribed| one.asked == asked;
        if let Some(subscription) = client.subscriptions.iter_mut().find(waiting) {
            subscription.acked = Some(self.step);
            let granted = reasons.first().map(|reason| *reason as u8);
            let no_room = self.plan.is_short_of_memory() && granted.is_some_and(|granted| granted >= 0x80);
            subscription.ending |= no_room;
            subscription.over |= no_room;
            check(no_room || granted == Some(subscription.qos as u8), Checker::Matching, || {
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
        let no_room = reason == Some(ReasonCode::QuotaExceeded) && self.plan.is_short_of_memory();
        self.ledger.published[number].fate = match reason {
            Some(_) if no_room => Fate::Refused,
            Some(_) => Fate::Accepted,
            None => Fate::Unknown,
        };
        if self.ledger.published[number].retain && reason.is_some() && !self.settling {
            self.subscribe_at_once();
        }
        let refused = reason.is_some_and(ReasonCode::is_failure) && !no_room;
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
