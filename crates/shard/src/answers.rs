//! What clients are owed: no acknowledgement is written but here, and none before what it promises has been recorded.
//!
//! Whoever changes what must outlive the process asks for a [`Ticket`] ([`Clients::ticket`]), and owes with it. What waits
//! for nothing is written at once. What waits does so in the connection, in order within PUBACK, PUBREC, PUBREL and PUBCOMP
//! each, until [`Input::Recorded`](crate::Input::Recorded) names its ticket; PINGRESP, SUBACK and deliveries do not wait
//! behind it. CONNACK and QoS 2 deliveries are held in the same way. A connection that is owed too much is not read.

use crate::clients::Clients;
use crate::connection::{Connection, pause};
use crate::interface::{ConnectionId, Effect, Ticket};
use crate::session::SessionKey;
use crate::shard::Shard;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use martlet_codec::{AckKind, PacketId, ReasonCode};
use martlet_protocol::server::Connection as Protocol;
use martlet_protocol::{Owed, Time};

/// Answers that one connection may be owed; above this it is not read.
const OWED_MAX: usize = 1024;

/// How far recording is.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// The ticket that was given last.
    last: Ticket,
    /// What has this ticket, or one before it, is recorded.
    safe: Ticket,
    /// Whether what changes now is recorded with what has changed before.
    is_open: bool,
    /// Connections that wait, by the first ticket that each waits for of those given.
    waiting: VecDeque<(Ticket, ConnectionId)>,
}

impl Recording {
    /// [`Effect::Record`] was handed over: what changes from now on has another ticket.
    pub(crate) fn close(&mut self) {
        self.is_open = false;
    }

    /// Whether a connection's output must not be written: CONNACK is not to be told yet.
    pub(crate) fn holds_output(&self, connection: &Connection) -> bool {
        connection.dues.as_ref().is_some_and(|dues| dues.connack > self.safe)
    }
}

/// An answer to SUBSCRIBE or UNSUBSCRIBE.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) packet_id: PacketId,
    pub(crate) reasons: Vec<u8>,
    pub(crate) is_unsuback: bool,
    /// Of the first filter, for groups on other shards; those of the others follow.
    pub(crate) token: u64,
    /// Groups that have not confirmed.
    pub(crate) waits_for: u32,
    pub(crate) after: Ticket,
}

/// What one connection is owed and cannot be told yet.
#[derive(Debug, Default)]
pub(crate) struct Dues {
    /// In order, of each kind of acknowledgement.
    acknowledgements: [VecDeque<(Ticket, Owed)>; 4],
    listed: Vec<Listed>,
    /// What CONNACK waits for, and all output behind it.
    connack: Ticket,
    /// From which sequence number on QoS 2 deliveries wait for which ticket.
    deliveries: VecDeque<(Ticket, u64)>,
    /// The last ticket under which the connection stands in [`Recording::waiting`].
    waits_for: Ticket,
}

impl Dues {
    fn of_kind(&self, kind: AckKind) -> &VecDeque<(Ticket, Owed)> {
        &self.acknowledgements[place(kind)]
    }

    /// How many answers they are.
    fn len(&self) -> usize {
        self.acknowledgements.iter().map(VecDeque::len).sum::<usize>() + self.listed.len()
    }

    /// Bytes of memory that they take, about.
    pub(crate) fn bytes(&self) -> usize {
        let lists = self.listed.iter().map(|one| size_of::<Listed>() + one.reasons.len());
        self.len() * size_of::<(Ticket, Owed)>() + lists.sum::<usize>()
    }

    fn is_empty(&self, safe: Ticket) -> bool {
        self.len() == 0 && self.deliveries.is_empty() && self.connack <= safe
    }

    /// The sequence number from which on QoS 2 deliveries wait.
    fn held_from(&self) -> u64 {
        self.deliveries.front().map_or(u64::MAX, |(_, sequence)| *sequence)
    }

    /// The next acknowledgement that may be told.
    fn take_safe(&mut self, safe: Ticket) -> Option<Owed> {
        let ready =
            |lane: &&mut VecDeque<(Ticket, Owed)>| lane.front().is_some_and(|(after, _)| *after <= safe);
        let lane = self.acknowledgements.iter_mut().find(ready)?;
        lane.pop_front().map(|(_, owed)| owed)
    }

    /// The next answer of the other kind that may be told.
    fn take_safe_list(&mut self, safe: Ticket) -> Option<Listed> {
        let ready = |one: &Listed| one.waits_for == 0 && one.after <= safe;
        let index = self.listed.iter().position(ready)?;
        Some(self.listed.remove(index))
    }

    /// A group elsewhere has confirmed or refused the filter of this token.
    pub(crate) fn group_answered(&mut self, token: u64, result: Result<(), ReasonCode>) {
        let place = |one: &Listed| token.checked_sub(one.token).map(|place| place as usize);
        let is_it = |one: &&mut Listed| place(one).is_some_and(|place| place < one.reasons.len());
        let waiting = self.listed.iter_mut().filter(|one| one.waits_for > 0);
        let Some(listed) = waiting.into_iter().find(|one| is_it(one)) else { return };
        if let (Err(reason), Some(place)) = (result, place(listed)) {
            listed.reasons[place] = reason as u8;
        }
        listed.waits_for -= 1;
    }
}

fn place(kind: AckKind) -> usize {
    match kind {
        AckKind::PubAck => 0,
        AckKind::PubRec => 1,
        AckKind::PubRel => 2,
        AckKind::PubComp => 3,
    }
}

impl Clients {
    /// What has just changed must outlive the process: whoever is told of it is owed the answer with this ticket.
    pub(crate) fn ticket(&mut self) -> Ticket {
        if !self.config.is_recorded {
            return Ticket::default();
        }
        let recording = &mut self.recording;
        if !recording.is_open {
            recording.is_open = true;
            recording.last.0 += 1;
            self.effects.push_back(Effect::Record(recording.last));
        }
        recording.last
    }

    /// A client is owed an acknowledgement.
    #[inline]
    pub(crate) fn owe(&mut self, id: ConnectionId, owed: Owed, after: Ticket) {
        let connection = &mut self.connections[id];
        let waits = after > self.recording.safe
            || connection.dues.as_ref().is_some_and(|dues| !dues.of_kind(owed.kind).is_empty());
        if waits {
            return self.hold(id, owed, after);
        }
        let Connection { protocol, output, .. } = connection;
        output.give_buffer(|| self.pool.take());
        protocol.write(owed, output);
        self.counters.packets_sent += 1;
    }

    #[cold]
    fn hold(&mut self, id: ConnectionId, owed: Owed, after: Ticket) {
        let dues = self.connections[id].dues.get_or_insert_default();
        dues.acknowledgements[place(owed.kind)].push_back((after, owed));
        self.wait(id, after);
    }

    /// The connection waits for this ticket, among others.
    fn wait(&mut self, id: ConnectionId, after: Ticket) {
        let dues = self.connections[id].dues.get_or_insert_default();
        let is_listed = after <= dues.waits_for;
        let is_too_much = dues.len() >= OWED_MAX;
        dues.waits_for = dues.waits_for.max(after);
        if !is_listed {
            self.recording.waiting.push_back((after, id));
        }
        if is_too_much {
            self.pause(id, pause::ANSWERS);
        }
    }

    /// A client is owed SUBACK or UNSUBACK.
    #[inline]
    pub(crate) fn owe_list(&mut self, id: ConnectionId, listed: Listed) {
        if listed.waits_for == 0 && listed.after <= self.recording.safe {
            return self.write_list(id, &listed);
        }
        let after = listed.after;
        self.connections[id].dues.get_or_insert_default().listed.push(listed);
        self.wait(id, after);
    }

    #[inline]
    fn write_list(&mut self, id: ConnectionId, listed: &Listed) {
        let Connection { protocol, output, .. } = &mut self.connections[id];
        output.give_buffer(|| self.pool.take());
        if listed.is_unsuback {
            protocol.unsuback(listed.packet_id, &listed.reasons, output);
        } else {
            // [3.1.1 MQTT-3.8.4-1] [3.1.1 MQTT-3.8.4-2]
            protocol.suback(listed.packet_id, &listed.reasons, output); // [MQTT-3.8.4-1]
        }
        self.counters.packets_sent += 1;
    }

    /// CONNACK, which is all that the output has, waits for this ticket, and what comes behind it too.
    pub(crate) fn hold_connack(&mut self, id: ConnectionId, after: Ticket) {
        if after > self.recording.safe {
            self.connections[id].dues.get_or_insert_default().connack = after;
            self.wait(id, after);
        }
    }

    /// QoS 2 messages that the session has from this sequence number on may be sent when this is recorded.
    pub(crate) fn hold_deliveries(&mut self, id: ConnectionId, sequence: u64) {
        let after = self.ticket();
        if after <= self.recording.safe {
            return;
        }
        let dues = self.connections[id].dues.get_or_insert_default();
        if dues.deliveries.back().is_none_or(|(ticket, _)| *ticket < after) {
            dues.deliveries.push_back((after, sequence));
        }
        self.wait(id, after);
    }

    /// The sequence number from which on a client's QoS 2 messages wait.
    pub(crate) fn held_from(&self, id: ConnectionId) -> u64 {
        self.connections[id].dues.as_ref().map_or(u64::MAX, |dues| dues.held_from())
    }

    /// A client has come back to a session that owes it something already. [MQTT-4.4.0-1]
    pub(crate) fn owe_again(&mut self, id: ConnectionId, key: SessionKey) {
        let owed: Vec<_> = Protocol::owed_again(&self.sessions[key].session).collect();
        for owed in owed {
            let after = self.ticket();
            self.owe(id, owed, after);
        }
        if self.config.is_recorded && self.sessions[key].session.outgoing.queued() > 0 {
            self.hold_deliveries(id, 0);
        }
    }

    /// PINGREQ is answered at once, whatever waits.
    pub(crate) fn pingresp(&mut self, id: ConnectionId) {
        let Connection { protocol, output, .. } = &mut self.connections[id];
        output.give_buffer(|| self.pool.take());
        protocol.pingresp(output);
        self.counters.packets_sent += 1;
    }

    /// Tells a client what has become safe to tell.
    pub(crate) fn pay(&mut self, now: Time, id: ConnectionId) {
        let safe = self.recording.safe;
        let Some(mut dues) = self.connections.get_mut(id).and_then(|connection| connection.dues.take())
        else {
            return;
        };
        while let Some(owed) = dues.take_safe(safe) {
            let Connection { protocol, output, .. } = &mut self.connections[id];
            output.give_buffer(|| self.pool.take());
            protocol.write(owed, output);
            self.counters.packets_sent += 1;
        }
        while let Some(listed) = dues.take_safe_list(safe) {
            self.write_list(id, &listed);
        }
        while dues.deliveries.front().is_some_and(|(after, _)| *after <= safe) {
            dues.deliveries.pop_front();
        }
        if dues.len() < OWED_MAX {
            self.resume(id, pause::ANSWERS);
        }
        let connection = &mut self.connections[id];
        let session = connection.session;
        if dues.connack <= safe && core::mem::take(&mut dues.connack) != Ticket::default() {
            connection.dirty = false; // whoever writes has not been told of what was held
        }
        if !dues.is_empty(safe) {
            connection.dues = Some(dues);
        }
        if let Some(key) = session {
            self.pump(now, key);
        }
        self.touch(id);
    }

    /// The connection ends: nothing is owed any more, and what must not be told yet is not.
    pub(crate) fn forgive(&mut self, id: ConnectionId) {
        if self.recording.holds_output(&self.connections[id]) {
            self.connections[id].output.clear(&mut self.publications);
        }
        self.connections[id].dues = None::<Box<Dues>>;
    }
}

impl Shard {
    /// All that has this ticket, or one before it, is recorded.
    pub(crate) fn recorded(&mut self, now: Time, ticket: Ticket) {
        let recording = &mut self.clients.recording;
        recording.safe = recording.safe.max(ticket);
        while let Some((_, id)) = self.clients.recording.waiting.pop_front_if(|(after, _)| *after <= ticket) {
            self.clients.pay(now, id);
        }
        self.after(now);
    }
}
