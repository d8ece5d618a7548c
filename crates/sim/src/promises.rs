//! What the broker's answers promise: none leaves before what it stands for is recorded, those of one kind leave in the
//! order in which they became owed, and none goes to whom it is not owed.

use crate::failure::{Checker, Verdict, check};
use crate::world::World;
use martlet_codec::{Ack, AckKind, Packet, PacketId, QoS};
use martlet_protocol::Time;
use martlet_shard::Ticket;
use std::collections::VecDeque;

/// An acknowledgement that a client is owed on a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    kind: AckKind,
    id: PacketId,
    /// What had to be recorded when it became owed.
    after: Option<(usize, Ticket)>,
}

/// Recordings of one shard: asked for, and done after a while.
#[derive(Debug, Default)]
pub(crate) struct Recordings {
    asked: VecDeque<(Ticket, Time)>,
    pub(crate) last: Option<Ticket>,
    done: Ticket,
}

impl Recordings {
    pub(crate) fn ask(&mut self, ticket: Ticket, due: Time) {
        self.last = Some(ticket);
        self.asked.push_back((ticket, due));
    }
    /// The next one that is done now.
    pub(crate) fn next(&mut self, now: Time) -> Option<Ticket> {
        let (ticket, _) = self.asked.pop_front_if(|(_, due)| *due <= now)?;
        self.done = ticket;
        Some(ticket)
    }
    pub(crate) fn is_quiet(&self) -> bool {
        self.asked.is_empty()
    }
}

impl World<'_> {
    /// The broker has read a packet of a client: it owes this acknowledgement, if it lives.
    pub(crate) fn promise(&mut self, at: usize, packet: &Packet<'_>) {
        let (kind, id) = match packet {
            Packet::Publish(publish) => match publish.qos {
                QoS::AtMostOnce => return,
                QoS::AtLeastOnce(id) => (AckKind::PubAck, id),
                QoS::ExactlyOnce(id) => (AckKind::PubRec, id),
            },
            Packet::Ack(ack) if ack.kind == AckKind::PubRec && !ack.reason.is_failure() => {
                (AckKind::PubRel, ack.packet_id)
            }
            Packet::Ack(ack) if ack.kind == AckKind::PubRel => (AckKind::PubComp, ack.packet_id),
            _ => return,
        };
        self.links[at].promises.push_back(Promise { kind, id, after: None });
        self.links[at].fresh_promises += 1;
    }

    /// The shard has handled what was read: what it wants recorded by now comes before the answers.
    pub(crate) fn promises_made(&mut self, host: usize, at: usize, before: Option<Ticket>) {
        let fresh = std::mem::take(&mut self.links[at].fresh_promises);
        let last = self.hosts[host].recordings.last;
        if let Some(ticket) = last.filter(|_| last != before) {
            let new = self.links[at].promises.iter_mut().rev().take(fresh);
            new.for_each(|promise| promise.after = Some((host, ticket)));
        }
    }

    /// An acknowledgement leaves the broker.
    pub(crate) fn keeps_promise(&mut self, at: usize, ack: &Ack<'_>) -> Verdict {
        let promises = &mut self.links[at].promises;
        let Some(index) = promises.iter().position(|promise| promise.kind == ack.kind) else {
            // PUBREL comes again when a session is resumed.
            let is_again = ack.kind == AckKind::PubRel;
            return check(is_again, Checker::Promise, || format!("{ack:?} is not owed on link {at}"));
        };
        let promise = promises[index];
        if ack.kind == AckKind::PubRel && promise.id != ack.packet_id {
            return Ok(()); // of the session that was resumed
        }
        promises.remove(index);
        let is_next = promise.id == ack.packet_id;
        check(is_next, Checker::Promise, || {
            format!("{ack:?} on link {at} comes before that of {promise:?}")
        })?;
        let Some((host, ticket)) = promise.after.filter(|_| !ack.reason.is_failure()) else { return Ok(()) };
        let is_safe = ticket <= self.hosts[host].recordings.done;
        check(is_safe, Checker::Promise, || format!("{ack:?} on link {at} before {ticket:?} was recorded"))
    }
}
