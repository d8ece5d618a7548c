//! The clients of one shard, connected or not: their sessions, connections, and the messages that wait for them.
//! Given a message and a receiver, it delivers; it never decides who receives what.

use crate::answers::Recording;
use crate::config::Config;
use crate::connection::{Connection, Connections, pause};
use crate::counters::{Counters, Dropped};
use crate::interface::{ConnectionId, Effect};
use crate::memory::Held;
use crate::pool::Pool;
use crate::session::{SessionKey, SessionRef, Sessions, Slot};
use crate::timers::Timer;
use crate::wheel::Wheel;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use foldhash::fast::SeedableRandomState;
use martlet_codec::QoSLevel;
use martlet_protocol::server::{Link, Step};
use martlet_protocol::{
    Delivery, Encodings, Entry, GroupRef, Message, Parts, PublicationId, Publications, SHARED_PAYLOAD_MIN,
    Source, SubscriptionIds, Time,
};

/// One delivery: to whom, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outbound<'a> {
    pub(crate) to: SessionKey,
    pub(crate) qos: QoSLevel,
    pub(crate) retain: bool,
    pub(crate) subscription_ids: &'a [u32],
    pub(crate) group: GroupRef,
    /// Its place among the group's messages.
    pub(crate) group_seq: u32,
}

/// A message on its way to some receivers, stored when the first of them needs that.
#[derive(Debug)]
pub(crate) struct Parcelled<'a> {
    source: Source<'a>,
    /// A reference of ours, to be released at the end.
    stored: Option<PublicationId>,
}

impl<'a> Parcelled<'a> {
    /// A message that lies anywhere but in the store.
    pub(crate) fn borrowed(message: &'a Message<'a>) -> Self {
        Parcelled { source: Source::Borrowed(message), stored: None }
    }
    /// A message that lies in the store; the caller keeps its reference until the end.
    pub(crate) fn stored(id: PublicationId) -> Self {
        Parcelled { source: Source::Stored(id), stored: None }
    }
    /// The message.
    pub(crate) fn message<'b>(&'b self, publications: &'b Publications) -> Message<'b> {
        match self.source {
            Source::Borrowed(message) => *message,
            Source::Stored(id) => publications.get(id),
        }
    }
    /// The message as bytes.
    pub(crate) fn parts<'b>(&'b self, publications: &'b Publications) -> Parts<'b> {
        match self.source {
            Source::Borrowed(message) => message.parts(),
            Source::Stored(id) => publications.parts(id),
        }
    }
    /// Bytes that it takes to queue it once, if it lies in the store already or not.
    fn size_to_queue(&self, publications: &Publications) -> usize {
        match self.source {
            Source::Borrowed(_) if self.stored.is_none() => self.parts(publications).size(),
            _ => size_of::<Entry>(),
        }
    }
    /// Its number in the store.
    pub(crate) fn store(&mut self, publications: &mut Publications) -> PublicationId {
        match self.source {
            Source::Stored(id) => id,
            Source::Borrowed(message) => *self.stored.get_or_insert_with(|| publications.insert(message)),
        }
    }
    /// From where it is best sent now: a large payload from the store, to be shared.
    fn source(&mut self, payload_bytes: usize, publications: &mut Publications) -> Source<'a> {
        if payload_bytes < SHARED_PAYLOAD_MIN {
            return self.source;
        }
        Source::Stored(self.store(publications))
    }
    /// Lets go of the stored copy.
    pub(crate) fn finish(self, publications: &mut Publications) {
        if let Some(id) = self.stored {
            publications.release(id);
        }
    }
}

/// Sessions, connections, and what they share.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) config: Config,
    pub(crate) sessions: Sessions,
    pub(crate) connections: Connections,
    pub(crate) publications: Publications,
    pub(crate) counters: Counters,
    pub(crate) effects: VecDeque<Effect>,
    pub(crate) wheel: Wheel<Timer>,
    /// Messages of shared subscriptions that were settled: their groups are owed credit.
    pub(crate) settled: Vec<(SessionRef, core::num::NonZeroU32)>,
    pub(crate) held: Held,
    pub(crate) recording: Recording,
    /// Deliveries and nodes matched since the turn began: what [`Config::work_max`] bounds.
    pub(crate) work: u32,
    pub(crate) pool: Pool,
}

impl AsRef<Publications> for Clients {
    fn as_ref(&self) -> &Publications {
        &self.publications
    }
}

impl Clients {
    pub(crate) fn new(config: Config, hasher: SeedableRandomState) -> Self {
        Clients {
            sessions: Sessions::new(config.shard, hasher),
            config,
            connections: Connections::default(),
            publications: Publications::new(),
            counters: Counters::default(),
            effects: VecDeque::new(),
            wheel: Wheel::new(),
            settled: Vec::new(),
            held: Held::default(),
            recording: Recording::default(),
            work: 0,
            pool: Pool::default(),
        }
    }

    /// Delivers a message of a group, which was admitted where the group is kept, to one session, or says no. Who
    /// takes it is decided there, by credit given before, and what waited in the group moves here. So the bound is
    /// twice as high, and the last resort.
    pub(crate) fn deliver_assigned(
        &mut self,
        now: Time,
        parcelled: &mut Parcelled<'_>,
        out: &Outbound<'_>,
        encodings: &mut Encodings,
    ) -> bool {
        let bytes = parcelled.size_to_queue(&self.publications) as u64;
        let max = self.config.memory_bytes_max.saturating_mul(2);
        if out.qos != QoSLevel::AtMostOnce && self.memory() + bytes > max {
            return self.drop_for_memory();
        }
        self.deliver(now, parcelled, out, encodings)
    }

    fn drop_for_memory(&mut self) -> bool {
        self.counters.routed += 1;
        self.work += 1;
        self.counters.dropped.count(Dropped::Memory, 1);
        false
    }

    /// Delivers a message to one session, or counts why not and says no. Lack of memory is no reason: whoever published it
    /// may have been told that it is kept.
    pub(crate) fn deliver(
        &mut self,
        now: Time,
        parcelled: &mut Parcelled<'_>,
        out: &Outbound<'_>,
        encodings: &mut Encodings,
    ) -> bool {
        self.counters.routed += 1;
        self.work += 1;
        let done = match out.qos {
            QoSLevel::AtMostOnce => self.deliver_now(now, parcelled, out, encodings),
            _ => self.enqueue(now, parcelled, out, encodings),
        };
        if let Err(reason) = done {
            self.counters.dropped.count(reason, 1);
        }
        done.is_ok()
    }

    /// QoS 0: into the output of a connected client, or nowhere.
    fn deliver_now(
        &mut self,
        now: Time,
        parcelled: &mut Parcelled<'_>,
        out: &Outbound<'_>,
        encodings: &mut Encodings,
    ) -> Result<(), Dropped> {
        let id = self.sessions[out.to].connection.ok_or(Dropped::Offline)?;
        let message = parcelled.parts(&self.publications);
        let payload_bytes = message.payload.len();
        if message.is_expired(now) {
            return Err(Dropped::Expired); // [MQTT-3.3.2-5]
        }
        if self.connections[id].output.len() >= self.output_max() {
            return Err(Dropped::OutputFull);
        }
        let source = parcelled.source(payload_bytes, &mut self.publications);
        let delivery = Delivery::at_most_once(out.retain, out.subscription_ids);
        let connection = &mut self.connections[id];
        connection.output.give_buffer(|| self.pool.take());
        let Connection { protocol, output, .. } = connection;
        let sent = protocol.send(now, source, delivery, encodings, &mut self.publications, output);
        if sent.is_err() {
            self.give_back(id);
            return Err(Dropped::TooLarge);
        }
        self.counters.delivered += 1;
        self.sent(id, 1, payload_bytes);
        Ok(())
    }

    /// QoS 1 and 2: into the session's queue, and on to the client if it is its turn. [3.1.1 MQTT-3.1.2-5] [3.1.1 MQTT-4.1.0-1]
    fn enqueue(
        &mut self,
        now: Time,
        parcelled: &mut Parcelled<'_>,
        out: &Outbound<'_>,
        encodings: &mut Encodings,
    ) -> Result<(), Dropped> {
        let size = parcelled.parts(&self.publications).size();
        let slot = &mut self.sessions[out.to];
        if slot.session.outgoing.bytes() + size > self.config.queue_bytes_max {
            return Err(Dropped::QueueFull);
        }
        let id = parcelled.store(&mut self.publications);
        self.publications.retain(id);
        let mut entry = Entry::new(id, out.qos);
        (entry.group, entry.group_seq) = (out.group, out.group_seq);
        entry.retain = out.retain;
        entry.subscription_ids = SubscriptionIds::new(out.subscription_ids);
        let drained = slot.connection.is_some_and(|id| {
            let window = self.connections[id].protocol.window();
            slot.session.outgoing.is_drained(window)
        });
        self.with_queue(out.to, |clients| {
            clients.sessions[out.to].session.outgoing.push(entry, &clients.publications);
        });
        self.counters.queued += 1;
        if self.config.is_recorded
            && out.qos == QoSLevel::ExactlyOnce
            && let Some(id) = self.sessions[out.to].connection
        {
            self.hold_deliveries(id, self.sessions[out.to].session.outgoing.end_sequence() - 1);
        }
        if drained {
            self.pump_some(now, out.to, Some(encodings));
        }
        Ok(())
    }

    /// Moves queued messages into the output, while it is below its low watermark and the window is open.
    pub(crate) fn pump(&mut self, now: Time, key: SessionKey) {
        self.pump_some(now, key, None);
    }

    /// The same; with `encodings`, only the first message, which they are those of.
    fn pump_some(&mut self, now: Time, key: SessionKey, mut encodings: Option<&mut Encodings>) {
        let Some(id) = self.sessions[key].connection else { return };
        let (room, held_from) = (self.config.limits.output_low_bytes, self.held_from(id));
        let (mut count, mut bytes, mut dropped) = (0, 0, Vec::new());
        self.with_link(id, key, |protocol, link| {
            while link.output.len() < room {
                let is_last = encodings.is_some();
                match protocol.send_next(now, encodings.take(), held_from, link) {
                    Step::Blocked => break,
                    Step::Sent { payload_bytes } => {
                        count += 1;
                        bytes += payload_bytes;
                    }
                    Step::Expired(group) => dropped.push((Dropped::Expired, group)),
                    Step::TooLarge(group) => dropped.push((Dropped::TooLarge, group)),
                }
                if is_last {
                    break;
                }
            }
        });
        for (reason, group) in dropped {
            self.counters.queued -= 1;
            self.counters.dropped.count(reason, 1);
            self.settle(key, group);
        }
        match count {
            0 => self.give_back(id),
            _ => self.sent(id, count, bytes),
        }
    }

    /// Bytes of one connection's output above which it gets no QoS 0; less when all clients together hold too much.
    pub(crate) fn output_max(&self) -> usize {
        let limits = &self.config.limits;
        if self.is_full_for(0) { limits.output_low_bytes } else { limits.output_high_bytes }
    }

    /// So many PUBLISH were appended to the output of a connection.
    pub(crate) fn sent(&mut self, id: ConnectionId, count: u64, payload_bytes: usize) {
        self.counters.publishes_sent += count;
        self.counters.packets_sent += count;
        self.counters.publish_bytes_sent += payload_bytes as u64;
        self.connections[id].life.messages.1 += count;
        self.touch(id);
    }

    /// So many packets came from a client.
    pub(crate) fn count_packets(&mut self, id: ConnectionId, count: u64) {
        self.counters.packets_received += count;
        self.connections[id].life.packets_received += count;
    }

    /// A packet of a client waits, and will come again.
    pub(crate) fn uncount_packet(&mut self, id: ConnectionId) {
        self.counters.packets_received -= 1;
        self.connections[id].life.packets_received -= 1;
    }

    /// A PUBLISH came from a client.
    pub(crate) fn count_publish(&mut self, id: ConnectionId, payload_bytes: usize) {
        self.counters.publishes_received += 1;
        self.counters.publish_bytes_received += payload_bytes as u64;
        self.connections[id].life.messages.0 += 1;
    }

    /// So many messages were acknowledged to the end.
    pub(crate) fn count_settled(&mut self, count: u64) {
        self.counters.queued -= count;
        self.counters.delivered += count;
    }

    /// A message of a shared subscription is dealt with: remembered for the group's credit.
    pub(crate) fn settle(&mut self, key: SessionKey, group: GroupRef) {
        if let Some(group) = group {
            self.settled.push((self.sessions[key].name, group)); // by name: the session may end before it is paid
        }
    }

    /// Runs a step of the protocol with the session and the output it works on, and counts what it changed.
    pub(crate) fn with_link<T>(
        &mut self,
        id: ConnectionId,
        key: SessionKey,
        step: impl FnOnce(&mut martlet_protocol::server::Connection, &mut Link<'_>) -> T,
    ) -> T {
        let connection = &mut self.connections[id];
        let slot: &mut Slot = &mut self.sessions[key];
        connection.output.give_buffer(|| self.pool.take());
        let before = (slot.session.outgoing.in_flight(), slot.session.outgoing.entry_bytes());
        let Connection { protocol, output, .. } = connection;
        let mut link = Link { session: &mut slot.session, publications: &mut self.publications, output };
        let result = step(protocol, &mut link);
        let after = (slot.session.outgoing.in_flight(), slot.session.outgoing.entry_bytes());
        self.counters.in_flight = self.counters.in_flight + u64::from(after.0) - u64::from(before.0);
        self.held.entries_changed(before.1, after.1);
        result
    }

    /// There is output: its socket's owner is told, once until it says that it wrote.
    pub(crate) fn touch(&mut self, id: ConnectionId) {
        self.weigh_output(id);
        let connection = &mut self.connections[id];
        if !connection.dirty && !connection.output.is_empty() && !self.recording.holds_output(connection) {
            connection.dirty = true;
            self.effects.push_back(Effect::Transmit(id));
        }
        if connection.output.len() > self.config.limits.output_high_bytes {
            self.pause(id, pause::OUTPUT);
        }
    }

    /// The socket took some bytes: there may be room for more.
    pub(crate) fn transmitted(&mut self, now: Time, id: ConnectionId, bytes: usize) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.dirty = false;
        connection.life.bytes.1 += bytes as u64;
        self.counters.bytes_sent += bytes as u64;
        connection.output.advance(bytes, &mut self.publications);
        self.weigh_output(id);
        let connection = &mut self.connections[id];
        if connection.output.len() < self.config.limits.output_low_bytes {
            let session = connection.session;
            self.resume(id, pause::OUTPUT);
            if let Some(key) = session {
                self.pump(now, key);
            }
        }
        self.give_back(id);
        let connection = &mut self.connections[id];
        connection.dirty |= !connection.output.is_empty(); // whoever left bytes behind writes on by itself
    }

    /// An output with nothing in it needs no buffer.
    pub(crate) fn give_back(&mut self, id: ConnectionId) {
        if let Some(buffer) = self.connections[id].output.take_buffer() {
            self.pool.give(buffer);
        }
    }

    /// Stops reading a connection, for one more reason.
    pub(crate) fn pause(&mut self, id: ConnectionId, reason: u8) {
        let connection = &mut self.connections[id];
        if connection.paused == 0 {
            self.effects.push_back(Effect::PauseReading(id));
        }
        connection.paused |= reason;
    }

    /// Whether a connection is not read for this reason, among others.
    pub(crate) fn is_paused(&self, id: ConnectionId, reason: u8) -> bool {
        self.connections.get(id).is_some_and(|connection| connection.paused & reason != 0)
    }

    /// Takes one reason away; reads on when none is left.
    pub(crate) fn resume(&mut self, id: ConnectionId, reason: u8) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.paused == reason {
            self.effects.push_back(Effect::ResumeReading(id));
        }
        connection.paused &= !reason;
    }
}
