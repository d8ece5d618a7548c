//! Bytes of a client: frames out of the stream, each to the protocol, and what the protocol asks back.

use crate::connection::{Connection, pause};
use crate::interface::{ConnectionId, Credentials, Effect, EndReason};
use crate::origin::Admission;
use crate::oversized::oversized;
use crate::publish::Handled;
use crate::shard::Shard;
use alloc::boxed::Box;
use alloc::vec::Vec;
use martlet_codec::{Frame, Packet, PacketType, Split, Version, split_frame};
use martlet_protocol::server::{Event, Greeting, Phase};
use martlet_protocol::{Fatal, OtherProtocol, Time, Violation};

/// Bytes of the largest CONNECT: a will, a user name and a password of 65,535 bytes each, and some properties.
const CONNECT_BYTES_MAX: u32 = 512 * 1024;

impl Shard {
    /// Bytes came. They are parsed where they lie; only an unfinished frame is copied.
    pub(crate) fn received(&mut self, now: Time, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.clients.connections.get_mut(id) else { return };
        connection.life.bytes.0 += bytes.len() as u64;
        connection.ack_reads = connection.ack_reads.saturating_add(1);
        self.clients.counters.bytes_received += bytes.len() as u64;
        if connection.partial.is_empty() {
            let used = self.handle_frames(now, id, bytes);
            self.keep(id, &bytes[used..]);
        } else {
            let mut partial = core::mem::take(&mut connection.partial);
            partial.extend_from_slice(bytes);
            if connection.is_waiting {
                connection.partial = partial; // behind what waits
            } else {
                self.handle_partial(now, id, partial);
            }
        }
        self.after_input(now, id);
    }

    /// Handles what was kept, and keeps what is left of it.
    fn handle_partial(&mut self, now: Time, id: ConnectionId, mut partial: Vec<u8>) {
        self.clients.weigh_output(id); // what is being handled is not counted twice
        let used = self.handle_frames(now, id, &partial);
        let Some(connection) = self.clients.connections.still_mut(id) else { return };
        if used == partial.len() || connection.protocol.phase() == Phase::Closing {
            return;
        }
        if used > 0 && partial.len() - used < partial.capacity() / 4 {
            connection.partial = partial[used..].to_vec();
        } else {
            partial.drain(..used);
            connection.partial = partial;
        }
    }

    /// This turn had enough work: what the client sent besides waits for the next, so that others get theirs.
    pub(crate) fn rest(&mut self, id: ConnectionId) {
        if !self.clients.is_paused(id, pause::WORK) {
            self.clients.pause(id, pause::WORK);
            self.resting.push_back(id);
        }
    }

    /// Handles all that a resting connection has sent so far, as far as other shards let it.
    pub(crate) fn finish(&mut self, now: Time, id: ConnectionId) {
        let mut handled = None;
        while self.clients.is_paused(id, pause::WORK) {
            let before = handled.replace(self.clients.connections[id].life.packets_received);
            if before == handled {
                return; // it waits for what is under way
            }
            self.clients.work = 0;
            self.clients.resume(id, pause::WORK);
            self.handle_held(now, id);
        }
    }

    /// A turn begins: those that rested go on, one after the other.
    pub(crate) fn wake(&mut self, now: Time) {
        self.begin_turn();
        self.go_on_with_mail(now);
        for _ in 0..self.resting.len() {
            let Some(id) = self.resting.pop_front() else { return };
            self.clients.resume(id, pause::WORK);
            self.handle_held(now, id);
        }
    }

    /// Goes on with what came while the broker was deciding about CONNECT, or the client rested.
    pub(crate) fn handle_held(&mut self, now: Time, id: ConnectionId) {
        let Some(connection) = self.clients.connections.get_mut(id) else { return };
        let partial = core::mem::take(&mut connection.partial);
        if !partial.is_empty() {
            self.handle_partial(now, id, partial);
        }
        self.after_input(now, id);
    }

    fn keep(&mut self, id: ConnectionId, rest: &[u8]) {
        let Some(connection) = self.clients.connections.still_mut(id) else { return };
        if rest.is_empty() || connection.protocol.phase() == Phase::Closing {
            return;
        }
        connection.partial = rest.to_vec(); // what a frame claims to be costs nothing before it comes
    }

    /// Handles whole frames, and delivers what they bring; how many bytes they were.
    fn handle_frames(&mut self, now: Time, id: ConnectionId, bytes: &[u8]) -> usize {
        let used = self.split_frames(now, id, bytes);
        self.flush(now);
        self.pump_settled(now, id);
        used
    }

    /// The client has settled messages: it may get the next ones.
    pub(crate) fn pump_settled(&mut self, now: Time, id: ConnectionId) {
        if core::mem::take(&mut self.has_settled)
            && let Some(key) = self.clients.connections.still(id).and_then(|connection| connection.session)
        {
            self.clients.pump(now, key);
            self.unblock_replays(now, key);
        }
    }

    fn split_frames(&mut self, now: Time, id: ConnectionId, bytes: &[u8]) -> usize {
        let mut used = 0;
        while let Some(connection) = self.clients.connections.still(id) {
            let phase = connection.protocol.phase();
            if phase == Phase::AwaitConnect
                && let Some(other) = not_connect(&bytes[used..])
            {
                self.fail(now, id, other); // at once, not when the rest of it has come
                continue;
            }
            if phase == Phase::Connected && self.clients.work >= self.clients.config.work_max {
                self.rest(id);
                return used;
            }
            let limit = match phase {
                Phase::Closing => return bytes.len(), // [MQTT-3.1.4-6]
                Phase::Deciding => return used,
                Phase::AwaitConnect => CONNECT_BYTES_MAX.min(self.clients.config.limits.maximum_packet_size),
                Phase::Challenged | Phase::Connected => self.clients.config.limits.maximum_packet_size,
            };
            match split_frame(&bytes[used..], limit) {
                Err(malformed) => {
                    let oversized = oversized(&bytes[used..], limit);
                    self.clients.connections[id].life.oversized = oversized.map(Box::new);
                    self.fail(now, id, malformed.into());
                }
                Ok(Split::Partial(_)) => return used,
                Ok(Split::Whole(frame, len)) => {
                    if self.moves_away(id, frame, &bytes[used..]) {
                        return bytes.len();
                    }
                    let pubacks = self.pubacks(now, id, frame, &bytes[used..]);
                    if pubacks > 0 {
                        used += pubacks * len;
                        continue;
                    }
                    if !self.publish_again(id, frame) {
                        match self.handle_frame(now, id, frame) {
                            Ok(Handled::Done) => {}
                            Ok(Handled::Waits) => return used,
                            Err(fatal) => self.fail(now, id, fatal),
                        }
                    }
                    used += len;
                }
            }
        }
        bytes.len()
    }

    /// PUBACKs seldom come alone: handles as many of them as stand here, if they are simple; how many they are.
    fn pubacks(&mut self, now: Time, id: ConnectionId, frame: Frame<'_>, bytes: &[u8]) -> usize {
        let connection = &self.clients.connections[id];
        if frame.first != (PacketType::PubAck as u8) << 4 || connection.protocol.phase() != Phase::Connected {
            return 0;
        }
        let key = connection.session.expect("a connected client has a session");
        self.flush(now);
        let name = self.clients.sessions[key].name;
        let mut settled = core::mem::take(&mut self.clients.settled);
        let count = self.clients.with_link(id, key, |protocol, link| {
            protocol
                .handle_pubacks(now, bytes, link, |group| settled.extend(group.map(|group| (name, group))))
        });
        self.clients.settled = settled;
        self.clients.count_packets(id, count as u64);
        self.clients.count_settled(count as u64);
        self.has_settled |= count > 0;
        count
    }

    /// Whether this frame is a CONNECT of a client whose home is another shard: then the connection is gone.
    fn moves_away(&mut self, id: ConnectionId, frame: Frame<'_>, rest: &[u8]) -> bool {
        let connection = &self.clients.connections[id];
        if connection.protocol.phase() != Phase::AwaitConnect || self.clients.config.shards == 1 {
            return false;
        }
        let Some(client_id) = peek_client_id(frame) else { return false };
        let home = self.home_of(client_id);
        if client_id.is_empty() || home == self.clients.config.shard {
            return false;
        }
        let origin = Box::new(connection.life.origin.clone());
        self.forget_connection(id);
        // The other shard counts them.
        self.clients.counters.connections_opened -= 1;
        self.clients.counters.bytes_received -= rest.len() as u64;
        self.clients.effects.push_back(Effect::Move {
            connection: id,
            to: home,
            bytes: rest.to_vec(),
            origin,
        });
        true
    }

    pub(crate) fn handle_frame(
        &mut self,
        now: Time,
        id: ConnectionId,
        frame: Frame<'_>,
    ) -> Result<Handled, Fatal> {
        self.clients.count_packets(id, 1);
        let connection = &mut self.clients.connections[id];
        match connection.protocol.phase() {
            Phase::AwaitConnect => {
                self.clients.counters.connects_received += 1;
                let greeting = connection.protocol.handle_connect(frame, &self.clients.config.limits)?;
                self.greet(now, id, greeting)?;
            }
            Phase::Challenged => match connection.protocol.handle_auth(frame)? {
                Event::Disconnect { reason, .. } => {
                    self.close(now, id, EndReason::ClientDisconnected(reason));
                }
                Event::Authenticate(data) => self.ask(id, data),
                _ => unreachable!("nothing else comes before CONNACK"),
            },
            Phase::Connected => {
                if frame.first >> 4 != PacketType::Publish as u8 {
                    self.flush(now);
                }
                let connection = &mut self.clients.connections[id];
                if !is_acknowledgement(frame) {
                    connection.ack_reads = 0;
                }
                let key = connection.session.expect("a connected client has a session");
                let event = self
                    .clients
                    .with_link(id, key, |protocol, link| protocol.handle_frame(now, frame, link))?;
                return Ok(self.handle_event(now, id, event));
            }
            Phase::Deciding | Phase::Closing => unreachable!("no frame is taken in these phases"),
        }
        Ok(Handled::Done)
    }

    fn handle_event(&mut self, now: Time, id: ConnectionId, event: Event<'_>) -> Handled {
        let key = self.clients.connections[id].session.expect("a connected client has a session");
        match event {
            Event::None => {}
            Event::Owed(owed) => {
                let after = self.clients.ticket();
                self.clients.owe(id, owed, after);
            }
            Event::Ping => self.clients.pingresp(id),
            Event::Publish { publish, is_topic_again } => {
                return self.publish(now, id, key, &publish, is_topic_again);
            }
            Event::Subscribe(subscribe) => self.subscribe(now, id, key, &subscribe),
            Event::Unsubscribe(unsubscribe) => self.unsubscribe(now, id, key, &unsubscribe),
            Event::Settled(group) => {
                self.clients.count_settled(1);
                self.clients.settle(key, group);
                self.has_settled = true;
            }
            Event::Authenticate(data) => {
                self.ask(id, data);
            }
            Event::Disconnect { reason, session_expiry_s } => {
                self.disconnected(now, id, key, reason, session_expiry_s);
            }
        }
        Handled::Done
    }

    /// CONNECT came: in, or to an authenticator first.
    fn greet(&mut self, now: Time, id: ConnectionId, greeting: Box<Greeting>) -> Result<(), Fatal> {
        let assigned = greeting.client_id.is_empty().then(|| self.assign_client_id());
        let connection = &mut self.clients.connections[id];
        connection.life.version = Some(greeting.version);
        connection.life.user_name.clone_from(&greeting.user_name);
        connection.life.has_password = greeting.password.is_some();
        connection.life.clean_start = greeting.clean_start;
        connection.life.client_id = Some(assigned.unwrap_or_else(|| greeting.client_id.clone()));
        connection.check_greeting(&greeting)?;
        let ask =
            connection.life.origin.listener.admission == Admission::Ask || greeting.authentication.is_some();
        if ask {
            let data = greeting.authentication.as_ref().and_then(|auth| auth.data.clone());
            connection.greeting = Some(greeting);
            self.ask(id, data);
        } else {
            self.accept(now, id, &greeting, None);
        }
        Ok(())
    }

    /// Asks an authenticator, and reads no more until it answers.
    fn ask(&mut self, id: ConnectionId, data: Option<Box<[u8]>>) {
        let connection = &self.clients.connections[id];
        let of_session = connection.session.map(|key| self.clients.sessions[key].session.client_id.clone());
        let client_id = of_session.or_else(|| connection.life.client_id.clone()).unwrap_or_default();
        let credentials = match (&connection.greeting, connection.protocol.method()) {
            (Some(greeting), _) => Credentials {
                client_id,
                user_name: greeting.user_name.clone(),
                password: greeting.password.clone(),
                method: greeting.authentication.as_ref().map(|auth| auth.method.clone()),
                data,
            },
            (None, method) => Credentials {
                client_id,
                user_name: connection.life.user_name.clone(),
                password: None,
                method: method.map(Into::into),
                data,
            },
        };
        self.clients.pause(id, pause::DECIDING);
        self.clients.effects.push_back(Effect::Authenticate(id, Box::new(credentials)));
    }

    /// The bytes or the packet were against the rules: the client is told, as far as it can be, and closed.
    pub(crate) fn fail(&mut self, now: Time, id: ConnectionId, fatal: Fatal) {
        self.flush(now);
        let Connection { protocol, output, .. } = &mut self.clients.connections[id];
        let was_connected = protocol.phase() == Phase::Connected;
        protocol.fail(fatal, output);
        if !was_connected {
            self.clients.counters.refused.count(fatal.reason());
        }
        let reason = match fatal {
            Fatal::Malformed(malformed) => EndReason::Malformed(malformed),
            Fatal::Violation(violation) => EndReason::Violation(violation),
        };
        self.close(now, id, reason);
    }

    /// What is owed after some input, once for all of it.
    fn after_input(&mut self, now: Time, id: ConnectionId) {
        if self.clients.connections.still(id).is_some() {
            self.clients.touch(id);
            self.clients.give_back(id);
        }
        if self.admission.waiting.len() > 0 {
            self.look_at_waiter(now, id);
        }
        self.after(now);
    }
}

/// Why the first bytes of a connection cannot begin a CONNECT. [MQTT-3.1.0-1]
fn not_connect(bytes: &[u8]) -> Option<Fatal> {
    if let Some(protocol) = OtherProtocol::of(bytes) {
        return Some(Violation::NotMqtt(protocol).into());
    }
    match PacketType::try_from(bytes.first()? >> 4) {
        Ok(PacketType::Connect) => None,
        _ if OtherProtocol::may_be(bytes) => None, // one or two bytes more, and it can be named
        Ok(other) => Some(Violation::FirstPacketNotConnect(other).into()),
        Err(malformed) => Some(malformed.into()),
    }
}

/// Whether it is one of the four that settle a message.
fn is_acknowledgement(frame: Frame<'_>) -> bool {
    (PacketType::PubAck as u8..=PacketType::PubComp as u8).contains(&(frame.first >> 4))
}

/// The client id of a CONNECT that is well-formed.
fn peek_client_id(frame: Frame<'_>) -> Option<&str> {
    match Packet::decode(frame, Version::V5) {
        Ok(Packet::Connect(connect)) => Some(connect.client_id),
        _ => None,
    }
}
