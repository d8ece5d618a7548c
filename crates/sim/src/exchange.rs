//! One direction of QoS 1 and 2 between a client and the broker, as it is seen on the sender's wire. It knows the
//! rules of 4.3, 4.4 and 4.9 by itself and takes nothing from the code that it watches.

use crate::failure::{Checker, Verdict, check};
use crate::trace::fingerprint;
use martlet_codec::{Ack, AckKind, Publish};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// PUBLISH went out.
    Sent,
    /// PUBREC came in.
    Received,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    stage: Stage,
    /// Of QoS, topic (where it is named) and payload.
    message: u64,
    /// PUBLISH went out on this connection.
    here: bool,
}

/// What one side has sent and the other has not acknowledged, by packet identifier.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// The other side's Receive Maximum.
    pub(crate) receive_maximum: u32,
    flights: BTreeMap<u16, Flight>,
    resumed: bool,
}

impl Exchange {
    /// A connection begins: with the session of the last one, or without.
    pub(crate) fn connected(&mut self, session_present: bool, receive_maximum: u32) {
        self.receive_maximum = receive_maximum;
        self.resumed = session_present;
        if !session_present {
            self.flights.clear();
        }
        self.flights.values_mut().for_each(|flight| flight.here = false);
    }

    /// The sender's session may have ended.
    pub(crate) fn forget(&mut self) {
        self.flights.clear();
    }

    /// PUBLISH went out.
    pub(crate) fn sent(&mut self, publish: &Publish<'_>) -> Verdict {
        let Some(id) = publish.qos.packet_id() else { return Ok(()) };
        let id = id.get();
        let message = fingerprint(publish.payload) ^ publish.qos.level() as u64;
        let says = |what: &str| format!("packet id {id}: {what}");
        let packet_id = Checker::PacketId;
        if let Some(known) = self.flights.get(&id) {
            check(!known.here, packet_id, || says("sent again on one connection, or used twice"))?; // [MQTT-4.4.0-1] [MQTT-2.2.1-4]
            check(known.stage == Stage::Sent, packet_id, || says("PUBLISH after PUBREC"))?; // [MQTT-4.3.3-6]
            check(known.message == message, packet_id, || says("another message, the first is in flight"))?; // [MQTT-2.2.1-4]
            check(publish.dup, packet_id, || says("sent again without DUP"))?; // [MQTT-3.3.1-1]
        } else {
            check(!publish.dup || self.resumed, packet_id, || says("DUP in a new session"))?; // [MQTT-3.3.1-1]
        }
        self.flights.insert(id, Flight { stage: Stage::Sent, message, here: true });
        let in_flight = self.flights.values().filter(|flight| flight.here).count();
        check(in_flight <= self.receive_maximum as usize, Checker::ReceiveMaximum, || {
            format!("{in_flight} in flight, Receive Maximum {}", self.receive_maximum) // [MQTT-3.3.4-9] [MQTT-3.3.4-7]
        })
    }

    /// PUBREL went out.
    pub(crate) fn released(&mut self, ack: &Ack<'_>) -> Verdict {
        let id = ack.packet_id.get();
        let early = matches!(self.flights.get(&id), Some(flight) if flight.stage == Stage::Sent);
        check(!early, Checker::PacketId, || format!("packet id {id}: PUBREL before PUBREC")) // [MQTT-4.3.3-4]
    }

    /// PUBACK, PUBREC or PUBCOMP came in.
    pub(crate) fn acknowledged(&mut self, ack: &Ack<'_>) {
        let id = ack.packet_id.get();
        let Some(flight) = self.flights.get_mut(&id) else { return };
        match (ack.kind, flight.stage) {
            (AckKind::PubRec, Stage::Sent) if !ack.reason.is_failure() => flight.stage = Stage::Received,
            (AckKind::PubAck | AckKind::PubRec, Stage::Sent) | (AckKind::PubComp, Stage::Received) => {
                self.flights.remove(&id);
            }
            _ => {}
        }
    }
}
