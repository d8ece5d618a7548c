//! PUBLISH of a client (3.3): from the packet to the router and back to the acknowledgement.

use crate::admission::Denied;
use crate::connection::Connection;
use crate::fanout::{Route, Terms};
use crate::interface::{ConnectionId, Ticket};
use crate::session::SessionKey;
use crate::shard::Shard;
use alloc::string::String;
use martlet_codec::{AckKind, Frame, PropertiesBuf, Publish, QoS, QoSLevel, ReasonCode, TopicName};
use martlet_protocol::{ClientText, Message, Owed, Time, Violation, split_properties};

/// Room for what a PUBLISH does not carry as it is needed, used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    topic: String,
    unaltered: PropertiesBuf,
}

/// The client that a message comes from, while it is owed an answer.
#[derive(Debug)]
pub(crate) struct Publisher<'a> {
    id: ConnectionId,
    key: SessionKey,
    qos: QoS,
    /// Where its last message went, if that one had the same topic.
    pub(crate) route: Option<&'a mut Route>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    Done,
    /// It stays where it is, and is handled again later.
    Waits,
}

impl Shard {
    /// A message of a client: admitted, routed, acknowledged.
    pub(crate) fn publish(
        &mut self,
        now: Time,
        id: ConnectionId,
        key: SessionKey,
        publish: &Publish<'_>,
        is_topic_again: bool,
    ) -> Handled {
        let mut scratch = core::mem::take(&mut self.scratch);
        let connection = &mut self.clients.connections[id];
        let topic = match publish.topic {
            Some(topic) => topic,
            None => {
                scratch.topic.clear();
                scratch.topic.push_str(connection.protocol.topic(publish).as_str());
                TopicName::from_checked(&scratch.topic)
            }
        };
        let is_refused = connection.refuses_topics(publish, topic, is_topic_again);
        if is_refused && (publish.qos.packet_id().is_none() || !connection.protocol.version().is_v5()) {
            self.scratch = scratch;
            self.clients.count_publish(id, publish.payload.len());
            self.fail(now, id, Violation::ControlCharacter(ClientText::Topic).into()); // or it would not be told
            return Handled::Done;
        }
        let mut route = connection.route.take();
        let route_of_topic = if is_topic_again {
            Some(&mut **route.get_or_insert_default())
        } else {
            route.iter_mut().for_each(|route| route.forget());
            None
        };
        let (properties, expiry) = split_properties(publish.properties, &mut scratch.unaltered);
        let message = Message {
            topic,
            properties,
            payload: publish.payload,
            expires_at: expiry.map(|s| now.after_s(s)),
            publisher: self.clients.sessions[key].publisher,
        };
        let terms = Terms { qos: publish.qos.level(), retain: publish.retain, may_wait: true };
        let is_kept = terms.qos != QoSLevel::AtMostOnce;
        let forbidden = self.forbidden(id, key, topic, is_refused);
        let denied = if let Some(reason) = forbidden {
            self.clients.count_publish(id, publish.payload.len());
            self.clients.counters.publishes_unauthorized += 1;
            self.acknowledge(id, key, publish.qos, reason);
            None
        } else if is_kept && let Err(denied) = self.admit(now, &message, terms) {
            Some(denied)
        } else {
            self.clients.count_publish(id, publish.payload.len());
            let publisher = Publisher { id, key, qos: publish.qos, route: route_of_topic };
            self.route(now, &message, terms, Some(publisher));
            None
        };
        self.scratch = scratch;
        if let Some(connection) = self.clients.connections.still_mut(id) {
            connection.route = route;
        }
        if let Some(denied) = denied {
            let Some(reason) = self.deny(now, id, key, publish.qos, denied) else { return Handled::Waits };
            self.clients.count_publish(id, publish.payload.len());
            self.acknowledge(id, key, publish.qos, reason);
        }
        self.throttle(id);
        Handled::Done
    }

    /// Why a client must not publish to a topic; `is_refused`: its listener refuses the topic.
    fn forbidden(
        &mut self,
        id: ConnectionId,
        key: SessionKey,
        topic: TopicName<'_>,
        is_refused: bool,
    ) -> Option<ReasonCode> {
        if is_refused {
            return Some(ReasonCode::TopicNameInvalid);
        }
        (!self.may_publish(id, key, topic)).then_some(ReasonCode::NotAuthorized) // [3.1.1 MQTT-3.3.5-2]
    }

    /// A message does not come in: the reason to tell its publisher, or none if its frame is to be handled again.
    #[cold]
    fn deny(
        &mut self,
        now: Time,
        id: ConnectionId,
        key: SessionKey,
        qos: QoS,
        denied: Denied,
    ) -> Option<ReasonCode> {
        let protocol = &mut self.clients.connections[id].protocol;
        let lack = match denied {
            Denied::Lack(_) if protocol.version().is_v5() => {
                self.clients.counters.publishes_refused += 1;
                self.warn_of_shortage(now);
                return Some(ReasonCode::QuotaExceeded);
            }
            Denied::Lack(lack) => Some(lack),
            Denied::Unknown => None,
        };
        protocol.withdraw(qos, &mut self.clients.sessions[key].session);
        self.clients.uncount_packet(id); // until it is accepted
        match lack {
            Some(lack) => self.wait_for_room(now, id, lack),
            None => self.rest(id),
        }
        None
    }

    /// A frame that is the last PUBLISH again, but for packet identifier and payload, while that one waits: it waits
    /// too, and is acknowledged. Else nothing has happened, and the answer is no.
    pub(crate) fn publish_again(&mut self, id: ConnectionId, frame: Frame<'_>) -> bool {
        let Some((topic, level)) = self.waiting() else { return false };
        let again = self.clients.connections[id].protocol.publish_again(frame, topic, level);
        let Some((packet_id, payload)) = again else { return false };
        if !self.join_payload(payload) {
            return false;
        }
        self.clients.count_packets(id, 1);
        self.clients.count_publish(id, payload.len());
        if let Some(packet_id) = packet_id {
            let after = self.clients.ticket();
            self.clients.owe(id, Owed::success(AckKind::PubAck, packet_id), after); // QoS 2 never comes this way
        }
        self.throttle(id);
        true
    }

    /// Answers a PUBLISH that is routed: before any copy of it that the publisher gets as a subscriber, so that what
    /// comes next for a client that waits for an answer is the answer.
    pub(crate) fn answer(&mut self, publisher: &Publisher<'_>, is_found: bool) {
        let reason = if is_found { ReasonCode::Success } else { ReasonCode::NoMatchingSubscribers };
        self.acknowledge(publisher.id, publisher.key, publisher.qos, reason);
    }

    fn acknowledge(&mut self, id: ConnectionId, key: SessionKey, qos: QoS, reason: ReasonCode) {
        let Some(Connection { protocol, .. }) = self.clients.connections.still(id) else { return };
        if protocol.phase() != martlet_protocol::server::Phase::Connected {
            return;
        }
        if let Some(owed) = protocol.acknowledge(qos, reason, &mut self.clients.sessions[key].session) {
            // Of a QoS 2 message the identifier is kept, whoever receives it.
            let is_kept = reason == ReasonCode::Success
                || (!reason.is_failure() && qos.level() == QoSLevel::ExactlyOnce);
            let after = if is_kept { self.clients.ticket() } else { Ticket::default() };
            self.clients.owe(id, owed, after);
        }
    }
}
