//! The life of a connection and of a session (3.1.4, 4.1): in, taken over, out, expired; and the will.

use crate::connection::{Connection, pause};
use crate::counters::Dropped;
use crate::fanout::Terms;
use crate::interface::{ConnectionId, Effect, EndReason, Loss, Verdict};
use crate::origin::Origin;
use crate::placement;
use crate::session::SessionKey;
use crate::shard::Shard;
use alloc::boxed::Box;
use alloc::format;
use martlet_codec::ReasonCode;
use martlet_protocol::server::{Accepted, Connection as Protocol, Greeting, Phase, WillRequest};
use martlet_protocol::{NEVER_EXPIRES, Session, Time, Will};

impl Shard {
    pub(crate) fn opened(&mut self, id: ConnectionId, origin: Origin) {
        let protocol = Protocol::new(origin.opened_at, &self.clients.config.limits);
        let connection = Connection::new(id, protocol, origin);
        self.clients.connections.insert(id, connection);
        self.clients.counters.connections_opened += 1;
        self.clients.counters.connections += 1;
        self.watch(id);
    }

    /// An authenticator's answer.
    pub(crate) fn authenticated(&mut self, now: Time, id: ConnectionId, verdict: Verdict) {
        let Some(connection) = self.clients.connections.get_mut(id) else { return };
        if connection.ended {
            return;
        }
        let greeting = connection.greeting.take();
        match (verdict, greeting) {
            (Verdict::Accept { data }, Some(greeting)) => self.accept(now, id, &greeting, data),
            (Verdict::Accept { data }, None) => {
                connection.protocol.reauthenticated(data.as_deref(), &mut connection.output);
            }
            (Verdict::Continue { .. }, _) if connection.protocol.method().is_none() => {
                self.refuse(now, id, ReasonCode::NotAuthorized); // it has no way to go on [MQTT-4.12.0-6]
            }
            (Verdict::Continue { data }, greeting) => {
                connection.greeting = greeting;
                connection.protocol.challenge(&data, &mut connection.output); // [MQTT-4.12.0-2]
            }
            (Verdict::Refuse(reason), _) => self.refuse(now, id, reason), // [MQTT-4.12.0-4] [MQTT-4.12.1-2]
        }
        self.clients.resume(id, pause::DECIDING);
        self.handle_held(now, id);
    }

    /// Lets a client in. [MQTT-3.1.4-5]
    pub(crate) fn accept(
        &mut self,
        now: Time,
        id: ConnectionId,
        greeting: &Greeting,
        data: Option<Box<[u8]>>,
    ) {
        let client_id = self.clients.connections[id].life.client_id.clone();
        let client_id = client_id.expect("CONNECT had one, or it was assigned then");
        let assigned = greeting.client_id.is_empty().then(|| client_id.clone());
        let will_bytes = greeting.will.as_ref().map_or(0, |will| will.publication.message().size());
        if will_bytes > 0 && self.clients.is_full_for_state(will_bytes) {
            return self.refuse(now, id, ReasonCode::QuotaExceeded);
        }
        let (found, is_discarded) = self.session_for(now, &client_id, greeting.clean_start);
        if found.is_none() && self.is_full_for_session(&client_id) {
            return self.refuse(now, id, ReasonCode::ServerBusy); // [3.1.1 MQTT-4.8.0-2]
        }
        let key = found.unwrap_or_else(|| self.new_session(client_id.clone()));
        self.attach(id, key, greeting);

        let keep_alive_s = greeting.keep_alive_in_force(&self.clients.config.limits);
        let accepted = Accepted {
            session_present: found.is_some(),
            assigned_client_id: assigned,
            keep_alive_s,
            authentication_data: data,
        };
        let limits = self.clients.config.limits.clone();
        self.clients
            .with_link(id, key, |protocol, link| protocol.accept(now, greeting, &accepted, &limits, link));
        if self.clients.connections[id].protocol.phase() != Phase::Connected {
            return self.close(now, id, EndReason::Refused(ReasonCode::PacketTooLarge));
        }
        self.clients.counters.packets_sent += 1;
        if accepted.session_present {
            self.clients.owe_again(id, key);
        } else if is_discarded {
            let after = self.clients.ticket();
            self.clients.hold_connack(id, after);
        }
        let life = &mut self.clients.connections[id].life;
        life.keep_alive_s = keep_alive_s;
        let said = Box::new(life.clone());
        life.client_id = None; // the session has it
        self.clients.effects.push_back(Effect::Connected(id, said));
        self.watch(id);
        self.come_online(now, key);
        if found.is_some() {
            self.clients.pump(now, key);
            self.unblock_replays(now, key);
        }
    }

    /// CONNACK with a reason, then the end.
    fn refuse(&mut self, now: Time, id: ConnectionId, reason: ReasonCode) {
        let connected = self.clients.connections[id].protocol.phase() == Phase::Connected;
        if !connected {
            self.clients.counters.refused.count(reason);
        }
        self.end(now, id, EndReason::Refused(reason), Some(reason));
    }

    /// The session that a CONNECT finds, after takeover and Clean Start had their say; and whether one was discarded.
    fn session_for(&mut self, now: Time, client_id: &str, clean_start: bool) -> (Option<SessionKey>, bool) {
        if let Some(old) = self.connection_of(client_id) {
            self.finish(now, old); // what it said before is not lost, a DISCONNECT perhaps
        }
        if let Some(old) = self.connection_of(client_id) {
            self.end(now, old, EndReason::TakenOver, Some(ReasonCode::SessionTakenOver)); // [MQTT-3.1.4-3] [3.1.1 MQTT-3.1.4-2]
        }
        let found = self.clients.sessions.find(client_id); // [MQTT-3.1.2-5] [3.1.1 MQTT-3.1.2-4]
        match found {
            Some(key) if clean_start => {
                self.end_session(now, key); // [MQTT-3.1.2-4] [3.1.1 MQTT-3.1.2-6] [3.1.1 MQTT-3.1.4-3] [3.1.1 MQTT-3.2.2-1]
                (None, true)
            }
            _ => (found, false),
        }
    }

    fn is_full_for_session(&self, client_id: &str) -> bool {
        let clients = &self.clients;
        clients.sessions.len() >= clients.config.sessions_max || clients.is_full_for_state(client_id.len())
    }

    fn connection_of(&self, client_id: &str) -> Option<ConnectionId> {
        self.clients.sessions[self.clients.sessions.find(client_id)?].connection
    }

    fn new_session(&mut self, client_id: Box<str>) -> SessionKey {
        let publisher = placement::hash(client_id.as_bytes()).max(1);
        let session = Session::new(client_id, self.clients.config.limits.packet_id_max);
        self.clients.counters.clients_disconnected += 1;
        self.clients.sessions.insert(session, publisher)
    }

    /// Ties a session to its new connection.
    fn attach(&mut self, id: ConnectionId, key: SessionKey, greeting: &Greeting) {
        self.clients.connections[id].bridge = greeting.bridge.then(Box::default);
        let will = greeting.will.as_ref();
        // A will that must not be published is not kept.
        let will = will.filter(|will| self.may_publish(id, key, will.publication.message().topic));
        let slot = &mut self.clients.sessions[key];
        slot.connection = Some(id);
        (slot.will_at, slot.expires_at) = (Time::NEVER, Time::NEVER); // [3.1.1 MQTT-4.1.0-2]
        slot.session.expiry_s = greeting.session_expiry_s;
        if let Some(old) = slot.session.will.take() {
            self.clients.publications.release(old.publication); // [MQTT-3.1.3-9]
        }
        let publications = &mut self.clients.publications;
        slot.session.will = will.map(|will| {
            let WillRequest { qos, retain, delay_s, expiry_s, .. } = *will;
            let publication = publications.insert(&will.publication.message());
            Box::new(Will { publication, qos, retain, delay_s, expiry_s }) // [MQTT-3.1.2-7] [3.1.1 MQTT-3.1.2-8] [3.1.1 MQTT-3.1.2-9]
        });
        self.watch_session(key);
        let connection = &mut self.clients.connections[id];
        connection.session = Some(key);
        self.clients.counters.clients_disconnected -= 1;
        self.clients.counters.clients_connected += 1;
    }

    /// A client id that nobody has, at home on this shard. [MQTT-3.1.3-6] [3.1.1 MQTT-3.1.3-6]
    pub(crate) fn assign_client_id(&mut self) -> Box<str> {
        loop {
            let (high, low) = (self.random.next_u64(), self.random.next_u64());
            let id = format!("martlet-{high:016x}{low:016x}");
            if self.home_of(&id) == self.clients.config.shard && self.clients.sessions.find(&id).is_none() {
                return id.into_boxed_str();
            }
        }
    }

    /// The client said DISCONNECT. [MQTT-3.14.4-3]
    pub(crate) fn disconnected(
        &mut self,
        now: Time,
        id: ConnectionId,
        key: SessionKey,
        reason: ReasonCode,
        session_expiry_s: Option<u32>,
    ) {
        let session = &mut self.clients.sessions[key].session;
        if let Some(s) = session_expiry_s {
            session.expiry_s = s.min(self.clients.config.limits.session_expiry_max_s);
        }
        if reason == ReasonCode::Success
            && let Some(will) = session.will.take()
        {
            self.clients.publications.release(will.publication); // [MQTT-3.1.2-10] [3.1.1 MQTT-3.1.2-10] [3.1.1 MQTT-3.14.4-3]
        }
        self.clients.connections[id].protocol.close();
        self.close(now, id, EndReason::ClientDisconnected(reason));
    }

    /// The broker ends a connection; the client is told `reason` where its version has a way.
    pub(crate) fn end(&mut self, now: Time, id: ConnectionId, why: EndReason, reason: Option<ReasonCode>) {
        let connection = &mut self.clients.connections[id];
        if connection.ended {
            return;
        }
        match reason {
            Some(reason) => connection.protocol.end(reason, None, &mut connection.output),
            None => connection.protocol.close(),
        }
        self.close(now, id, why);
    }

    /// The last that a connection does: its session goes on without it, its output goes out, its socket closes.
    pub(crate) fn close(&mut self, now: Time, id: ConnectionId, why: EndReason) {
        self.detach(now, id, why);
        self.clients.touch(id);
        self.clients.effects.push_back(Effect::Close(id));
    }

    /// The stream is gone.
    pub(crate) fn lost(&mut self, now: Time, id: ConnectionId, cause: Loss) {
        if self.clients.connections.get(id).is_none() {
            return;
        }
        self.detach(now, id, EndReason::ConnectionLost(cause));
        self.forget_connection(id);
        self.after(now);
    }

    /// Tells the end of a connection, once, and leaves its session to itself.
    fn detach(&mut self, now: Time, id: ConnectionId, why: EndReason) {
        let connection = &mut self.clients.connections[id];
        if connection.ended {
            return;
        }
        connection.ended = true;
        connection.protocol.close();
        self.forget_waiter(id);
        self.clients.forgive(id);
        let connection = &mut self.clients.connections[id];
        connection.partial = Default::default();
        connection.greeting = None;
        connection.route = None;
        if let Some(timer) = connection.timer.take() {
            self.clients.wheel.cancel(timer);
        }
        let mut life = Box::new(connection.life.clone());
        let session = connection.session.take();
        if let Some(key) = session {
            life.client_id = Some(self.clients.sessions[key].session.client_id.clone());
        }
        self.clients.effects.push_back(Effect::Ended(id, life, why));
        if let Some(key) = session {
            self.go_offline(now, key);
        }
    }

    /// A session lost its connection: will and expiry begin to count.
    fn go_offline(&mut self, now: Time, key: SessionKey) {
        self.clients.counters.clients_connected -= 1;
        self.clients.counters.clients_disconnected += 1;
        let slot = &mut self.clients.sessions[key];
        slot.connection = None;
        slot.session.incoming.shrink();
        slot.session.outgoing.shrink();
        let expiry_s = slot.session.expiry_s;
        slot.expires_at = if expiry_s == NEVER_EXPIRES { Time::NEVER } else { now.after_s(expiry_s) };
        if let Some(will) = &slot.session.will {
            slot.will_at = now.after_s(will.delay_s).min(slot.expires_at); // [MQTT-3.1.2-8] [3.1.1 MQTT-3.1.2-8]
        }
        self.members_offline(now, key);
        let slot = &mut self.clients.sessions[key];
        if slot.will_at <= now {
            slot.will_at = Time::NEVER;
            self.publish_will(now, key);
        }
        if expiry_s == 0 {
            return self.end_session(now, key); // [MQTT-3.1.2-23] [3.1.1 MQTT-3.1.2-6]
        }
        self.watch_session(key);
    }

    /// Ends a session with all its state; a will that still waits is published first. [MQTT-4.1.0-2]
    pub(crate) fn end_session(&mut self, now: Time, key: SessionKey) {
        self.publish_will(now, key);
        self.cancel_replays(key);
        self.unsubscribe_all(now, key);
        let slot = &mut self.clients.sessions[key];
        let lost = slot.session.outgoing.len() as u64;
        let in_flight = u64::from(slot.session.outgoing.in_flight());
        self.clients.with_queue(key, |clients| {
            clients.sessions[key].session.release(&mut clients.publications);
        });
        let slot = &mut self.clients.sessions[key];
        if let Some(timer) = slot.timer.take() {
            self.clients.wheel.cancel(timer);
        }
        self.clients.sessions.remove(key);
        let counters = &mut self.clients.counters;
        counters.in_flight -= in_flight;
        counters.queued -= lost;
        counters.dropped.count(Dropped::SessionEnded, lost);
        counters.clients_disconnected -= 1;
    }

    /// Publishes the will of a session, if it still has one. [MQTT-3.1.2-8] [MQTT-3.1.2-10]
    pub(crate) fn publish_will(&mut self, now: Time, key: SessionKey) {
        let slot = &mut self.clients.sessions[key];
        let Some(will) = slot.session.will.take() else { return }; // [3.1.1 MQTT-3.1.2-10] [3.1.1 MQTT-3.1.2-12]
        let mut message = self.clients.publications.get(will.publication);
        message.publisher = slot.publisher;
        message.expires_at = will.expiry_s.map(|s| now.after_s(s));
        let publication = message.to_publication(); // routing changes the store that it lies in
        self.clients.publications.release(will.publication);
        let message = publication.message();
        // [3.1.1 MQTT-3.1.2-16] [3.1.1 MQTT-3.1.2-17]
        let terms = Terms { qos: will.qos, retain: will.retain, may_wait: false };
        if self.admit_will(now, &message, terms) {
            self.route(now, &message, terms, None); // [MQTT-3.1.2-14] [MQTT-3.1.2-15]
        }
    }

    /// Forgets a connection: its slot is free.
    pub(crate) fn forget_connection(&mut self, id: ConnectionId) {
        let Some(mut connection) = self.clients.connections.remove(id) else { return };
        if let Some(timer) = connection.timer.take() {
            self.clients.wheel.cancel(timer);
        }
        connection.output.clear(&mut self.clients.publications);
        self.clients.forget_output(connection.weighed);
        self.clients.counters.connections -= 1;
        self.throttled.retain(|other| *other != id);
    }

    /// Ends every connection: the broker is stopping, so no will is published.
    pub(crate) fn stop(&mut self, now: Time) {
        let ids: alloc::vec::Vec<_> = self.clients.connections.ids().collect();
        for id in ids {
            let connection = &self.clients.connections[id];
            if let Some(key) = connection.session
                && let Some(will) = self.clients.sessions[key].session.will.take()
            {
                self.clients.publications.release(will.publication); // nobody is left to receive it
            }
            let reason = match self.clients.connections[id].protocol.phase() {
                Phase::AwaitConnect => None,
                Phase::Deciding | Phase::Challenged => Some(ReasonCode::ServerUnavailable), // for CONNACK
                Phase::Connected | Phase::Closing => Some(ReasonCode::ServerShuttingDown),
            };
            self.end(now, id, EndReason::ShuttingDown, reason);
        }
    }
}
