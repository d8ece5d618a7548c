//! Clients of 3.x whose PUBLISH found no room. They cannot be told, and must not hear of success, so the packet waits
//! where it came in, with all that is behind it, until there is room or the client has waited long enough: then its
//! connection is closed, and it may send the message again. Where many wait already, it is closed at once.
//!
//! Acknowledgements of the client would make room. Where deliveries to it are in flight, those that are behind the packet
//! are taken, for a moment; a client that sends none is closed at once.

use crate::admission::Lack;
use crate::connection::pause;
use crate::interface::{ConnectionId, EndReason};
use crate::shard::Shard;
use crate::timers::Timer;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use martlet_codec::{PacketType, ReasonCode, Split, split_frame};
use martlet_protocol::Time;

/// Milliseconds between two looks whether there is room now.
const LOOK_MS: u64 = 50;
/// Milliseconds in which acknowledgements that are on their way may arrive.
const ACKNOWLEDGE_MS: u64 = 250;
/// Bytes behind the packet that are kept while acknowledgements are looked for.
const BEHIND_BYTES_MAX: usize = 64 * 1024;

/// The part of the bound that is kept of all clients that wait but one. It is above the bound, like sessions, for which as much is
/// left: who comes to take messages makes room.
const WAITING_PART: u64 = 16;

/// A client that waits.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    connection: ConnectionId,
    since: Time,
    /// While it owes acknowledgements: when one must have come.
    next_ack: Time,
    until: Time,
    lack: Lack,
    /// Packets that were handled before, by which the one that waits is known.
    packets: u64,
    /// Bytes that are kept of it.
    bytes: usize,
}

/// The clients that wait, in the order in which they began to.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    list: VecDeque<Waiter>,
    /// The one whose packet is being tried again.
    tried: Option<Waiter>,
    /// Whether the next look has its timer.
    looks: bool,
    /// Bytes kept of all of them.
    bytes: usize,
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
    fn get(&mut self, id: ConnectionId) -> Option<&mut Waiter> {
        self.list.iter_mut().find(|waiter| waiter.connection == id)
    }
    fn remove(&mut self, id: ConnectionId) -> Option<Waiter> {
        let at = self.list.iter().position(|waiter| waiter.connection == id)?;
        let waiter = self.list.remove(at)?;
        self.bytes -= waiter.bytes;
        Some(waiter)
    }
    /// So much is kept of a client now; of all others.
    fn weigh(&mut self, id: ConnectionId, bytes: usize) -> u64 {
        if let Some(waiter) = self.get(id) {
            let before = core::mem::replace(&mut waiter.bytes, bytes);
            self.bytes = self.bytes + bytes - before;
            return (self.bytes - bytes) as u64;
        }
        self.bytes as u64
    }
}

impl Shard {
    /// There is no room for the PUBLISH that is being handled: its frame is to be handled again.
    pub(crate) fn wait_for_room(&mut self, now: Time, id: ConnectionId, lack: Lack) {
        let wait_ms = self.clients.config.memory_wait_ms;
        let connection = &mut self.clients.connections[id];
        connection.is_waiting = true;
        let packets = connection.life.packets_received;
        let waiting = &mut self.admission.waiting;
        let before = waiting.tried.take();
        let before = before.filter(|before| before.connection == id && before.packets == packets);
        let since = before.map_or(now, |before| before.since);
        let until = since.saturating_add(wait_ms);
        let next_ack = Time::NEVER;
        waiting.list.push_back(Waiter { connection: id, since, next_ack, until, lack, packets, bytes: 0 });
        if !core::mem::replace(&mut waiting.looks, true) {
            self.clients.wheel.insert(now.saturating_add(LOOK_MS), Timer::Waiting);
        }
        self.warn_of_shortage(now);
    }

    /// A client that may be waiting was heard, or its time has come: reads it no more, or only for its acknowledgements.
    pub(crate) fn look_at_waiter(&mut self, now: Time, id: ConnectionId) {
        if !self.is_waiting(id) {
            return;
        }
        let acknowledged = self.in_flight(id) > 0 && self.take_acknowledgements(now, id) > 0;
        if !self.is_waiting(id) || (acknowledged && self.try_again(now, id)) {
            return; // it broke the rules, or has what it waited for
        }
        let wait_ms = self.clients.config.memory_wait_ms;
        let is_owed = self.in_flight(id) > 0;
        let is_paused = self.clients.is_paused(id, pause::MEMORY);
        // Its own bytes do not count: a client alone must be heard, or what would make room never does.
        let others = self.admission.waiting.weigh(id, self.clients.connections[id].partial.len());
        let is_crowded = others > self.clients.config.memory_bytes_max / WAITING_PART;
        let Some(waiter) = self.admission.waiting.get(id) else { return };
        if !is_owed {
            waiter.next_ack = Time::NEVER;
        } else if acknowledged || waiter.next_ack == Time::NEVER {
            waiter.next_ack = now.saturating_add(ACKNOWLEDGE_MS);
        }
        let wait_ms = if is_owed { wait_ms.max(ACKNOWLEDGE_MS) } else { wait_ms };
        waiter.until = waiter.since.saturating_add(wait_ms).min(waiter.next_ack);
        let is_over = waiter.until <= now || is_crowded || (is_owed && self.has_too_much_behind(id));
        match (is_owed, is_paused) {
            _ if is_over => return self.give_up_waiting(now, id),
            (false, false) => self.clients.pause(id, pause::MEMORY),
            (true, true) => self.clients.resume(id, pause::MEMORY),
            _ => {}
        }
        self.watch(id);
    }

    /// Whether a client that is read for its acknowledgements has sent more than is kept for them.
    fn has_too_much_behind(&self, id: ConnectionId) -> bool {
        let partial = &self.clients.connections[id].partial;
        let Ok(Split::Whole(_, len)) = split_frame(partial, u32::MAX) else { return false };
        partial.len() > len + BEHIND_BYTES_MAX
    }

    fn is_waiting(&self, id: ConnectionId) -> bool {
        self.clients.connections.get(id).is_some_and(|connection| connection.is_waiting)
    }

    /// When a client has waited long enough, if it waits.
    pub(crate) fn waits_until(&mut self, id: ConnectionId) -> Option<Time> {
        if !self.is_waiting(id) {
            return None;
        }
        self.admission.waiting.get(id).map(|waiter| waiter.until)
    }

    /// Messages sent to a client that it owes acknowledgements for.
    fn in_flight(&self, id: ConnectionId) -> u32 {
        let key = self.clients.connections.get(id).and_then(|connection| connection.session);
        key.map_or(0, |key| self.clients.sessions[key].session.outgoing.in_flight())
    }

    /// Handles the acknowledgements behind the packet that waits; how many there were.
    fn take_acknowledgements(&mut self, now: Time, id: ConnectionId) -> usize {
        if !has_acknowledgement_behind(&self.clients.connections[id].partial) {
            return 0;
        }
        let partial = core::mem::take(&mut self.clients.connections[id].partial);
        let (mut kept, mut at, mut count) = (Vec::with_capacity(partial.len()), 0, 0);
        while let Ok(Split::Whole(frame, len)) = split_frame(&partial[at..], u32::MAX) {
            if at > 0 && makes_room(frame.first) {
                count += 1;
                if let Err(fatal) = self.handle_frame(now, id, frame) {
                    self.fail(now, id, fatal);
                    return count;
                }
            } else {
                kept.extend_from_slice(&partial[at..at + len]);
            }
            at += len;
        }
        kept.extend_from_slice(&partial[at..]);
        self.clients.connections[id].partial = kept;
        self.clients.weigh_output(id);
        if count > 0 {
            self.pump_settled(now, id);
        }
        count
    }

    /// Handles the packet of a waiting client again, if there is room for it by now; whether there is.
    fn try_again(&mut self, now: Time, id: ConnectionId) -> bool {
        let held = self.clients.connections[id].partial.len() as u64; // is on the account while it waits
        let Some(&mut Waiter { lack, .. }) = self.admission.waiting.get(id) else { return false };
        let own = lack.on == self.clients.config.shard;
        if !self.has_room(lack.on, lack.bytes, if own { held } else { 0 }) {
            return false;
        }
        self.admission.waiting.tried = self.admission.waiting.remove(id);
        self.clients.connections[id].is_waiting = false;
        self.clients.resume(id, pause::MEMORY);
        self.handle_held(now, id);
        self.admission.waiting.tried = None;
        if self.clients.connections.get(id).is_some_and(|connection| !connection.ended) {
            self.watch(id);
        }
        true
    }

    /// The time for another look has come.
    pub(crate) fn look_for_room(&mut self, now: Time) {
        let max = self.clients.config.work_max;
        for _ in 0..self.admission.waiting.len() {
            let Some(waiter) = self.admission.waiting.list.front().copied() else { break };
            let id = waiter.connection;
            if self.clients.work >= max {
                break;
            }
            if !self.try_again(now, id) {
                self.admission.waiting.list.rotate_left(1);
                if self.in_flight(id) > 0 && self.clients.is_paused(id, pause::MEMORY) {
                    self.look_at_waiter(now, id); // it was sent something while it waited
                }
            }
        }
        self.admission.waiting.looks = self.admission.waiting.len() > 0;
        if self.admission.waiting.looks {
            self.clients.wheel.insert(now.saturating_add(LOOK_MS), Timer::Waiting);
        }
    }

    /// A client has waited long enough: it is closed, and the message was never accepted.
    pub(crate) fn give_up_waiting(&mut self, now: Time, id: ConnectionId) {
        let Some(&mut Waiter { since, lack, .. }) = self.admission.waiting.get(id) else { return };
        let (in_flight, waited_ms) = (self.in_flight(id), now.since(since));
        self.clients.count_packets(id, 1);
        self.clients.count_publish(id, 0);
        self.clients.counters.publishes_refused += 1;
        self.warn_of_shortage(now);
        let (bytes, max) = (lack.bytes, self.clients.config.memory_bytes_max);
        let why = EndReason::NoRoom { bytes, memory_bytes_max: max, waited_ms, in_flight };
        self.end(now, id, why, Some(ReasonCode::QuotaExceeded));
    }

    /// A connection ends while its packet waits. If the client has said goodbye behind it, that counts.
    pub(crate) fn forget_waiter(&mut self, id: ConnectionId) {
        let connection = &mut self.clients.connections[id];
        if core::mem::take(&mut connection.is_waiting) {
            self.admission.waiting.remove(id);
        }
        let says_goodbye = has_disconnect(&connection.partial);
        if let Some(key) = connection.session.filter(|_| says_goodbye)
            && let Some(will) = self.clients.sessions[key].session.will.take()
        {
            self.clients.publications.release(will.publication); // [3.1.1 MQTT-3.1.2-10] [3.1.1 MQTT-3.14.4-3]
        }
    }
}

/// Whether a packet acknowledges something that the broker has sent, and so ends its stay.
fn makes_room(first: u8) -> bool {
    matches!(
        PacketType::try_from(first >> 4),
        Ok(PacketType::PubAck | PacketType::PubRec | PacketType::PubComp)
    )
}

/// Whether there is an acknowledgement behind the first packet.
fn has_acknowledgement_behind(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Ok(Split::Whole(frame, len)) = split_frame(&bytes[at..], u32::MAX) {
        if at > 0 && makes_room(frame.first) {
            return true;
        }
        at += len;
    }
    false
}

/// Whether there is a DISCONNECT without will among the packets.
fn has_disconnect(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Ok(Split::Whole(frame, len)) = split_frame(&bytes[at..], u32::MAX) {
        if frame.first == (PacketType::Disconnect as u8) << 4 {
            return frame.body.first().is_none_or(|reason| *reason == ReasonCode::Success as u8);
        }
        at += len;
    }
    false
}
