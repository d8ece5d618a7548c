//! What the application asks for: PUBLISH, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, within what the server supports.

use super::connected::Connected;
use super::event::{End, Refused, ServerLimits, Token};
use super::requests::{Kind, Request};
use super::{Connection, State};
use crate::Time;
use crate::output::Output;
use crate::publication::Message;
use crate::publications::Publications;
use crate::session::{Entry, Next};
use crate::transmit::{Delivery, Source, TooLarge};
use martlet_codec::{
    Disconnect, FiltersBuf, Header, MAXIMUM_FRAME_LEN, Malformed, Packet, PacketId, Place, Properties,
    PropertiesBuf, Property, QoS, QoSLevel, ReasonCode, Subscribe, Subscription, TopicFiltersBuf,
    Unsubscribe,
};

impl Connection {
    /// Publishes a message. `message.properties` may hold all that PUBLISH may, but Message Expiry Interval, which
    /// is `message.expires_at`, and what the connection itself sets; 3.x leaves them out.
    ///
    /// QoS 0 is written at once or refused. QoS 1 and 2 are queued, also without a connection, sent within the
    /// server's Receive Maximum, and end in [`super::Event::Published`] or [`super::Event::Dropped`]; QoS 0 has no
    /// such end.
    ///
    /// # Errors
    /// What the server does not support, a full queue, or a malformed property.
    pub fn publish(
        &mut self,
        now: Time,
        message: &Message<'_>,
        qos: QoSLevel,
        retain: bool,
    ) -> Result<Token, Refused> {
        self.check_publish(message, qos)?;
        if let State::Connected(connected) = &self.state {
            check_supported(qos, retain, &connected.server)?;
        }
        let token = self.next_token();
        if qos == QoSLevel::AtMostOnce {
            self.publish_now(now, message, retain)?;
            return Ok(token);
        }
        let bytes = self.session.outgoing.bytes() + message.size();
        if bytes > self.options.queue_bytes_max {
            return Err(Refused::QueueFull);
        }
        let mut entry = Entry::new(self.publications.insert(message), qos);
        (entry.group, entry.retain) = (Some(token.0), retain);
        self.session.outgoing.push(entry, &self.publications);
        self.transmit_queued(now);
        Ok(token)
    }

    fn publish_now(&mut self, now: Time, message: &Message<'_>, retain: bool) -> Result<(), Refused> {
        let State::Connected(connected) = &mut self.state else { return Err(Refused::NotConnected) };
        if self.output.len() > self.options.limits.output_high_bytes {
            return Err(Refused::QueueFull);
        }
        let (source, delivery) = (Source::Borrowed(message), Delivery::at_most_once(retain, &[]));
        let (publications, output) = (&mut self.publications, &mut self.output);
        connected
            .transmitter
            .publish(now, source, delivery, None, publications, output)
            .map_err(|TooLarge| Refused::TooLarge) // [MQTT-3.2.2-15]
    }

    /// Properties that may stand here, and a size that the server takes. [MQTT-3.3.4-6]
    fn check_publish(&self, message: &Message<'_>, qos: QoSLevel) -> Result<(), Refused> {
        let version = self.options.version;
        let own = |property| {
            matches!(
                property,
                Property::SubscriptionIdentifier(_)
                    | Property::TopicAlias(_)
                    | Property::MessageExpiryInterval(_)
            )
        };
        if version.is_v5() && Properties::new(message.properties, Place::Publish)?.iter().any(own) {
            return Err(Malformed::PropertyNotAllowedHere.into());
        }
        let header = Header {
            version,
            dup: false,
            retain: false,
            qos: QoS::new(qos, PacketId::MIN),
            topic: message.topic.as_str().as_bytes(),
            topic_alias: None,
            expiry: message.expires_at.map(|_| 0).filter(|_| version.is_v5()),
            subscription_ids: &[],
            properties: if version.is_v5() { message.properties } else { &[] },
            payload_len: message.payload.len(),
        };
        let server_max = self.server_limits().map_or(u32::MAX, |server| server.peer.maximum_packet_size);
        let alias = 3; // that the transmitter may add
        let max = (server_max as usize).min(MAXIMUM_FRAME_LEN - alias);
        if message.size() > MAXIMUM_FRAME_LEN || header.frame_len() > max {
            return Err(Refused::TooLarge); // [MQTT-3.2.2-15]
        }
        Ok(())
    }

    /// Subscribes; the answer is [`super::Event::Subscribed`]. `properties` may hold a Subscription Identifier and
    /// User Properties; 3.x leaves them, and all options but the QoS, out.
    ///
    /// # Errors
    /// What the server does not support, no connection, or what no SUBSCRIBE can express.
    pub fn subscribe(&mut self, filters: &FiltersBuf, properties: Properties<'_>) -> Result<Token, Refused> {
        let version = self.options.version;
        let properties = if version.is_v5() { properties } else { Properties::NONE };
        let subscribe = |packet_id| {
            Packet::Subscribe(Subscribe { packet_id, properties, filters: filters.as_filters(version) })
        };
        if filters.is_empty() {
            return Err(Malformed::SubscribeEmpty.into()); // [MQTT-3.8.3-2] [3.1.1 MQTT-3.8.3-3]
        }
        let draft = subscribe(PacketId::MIN);
        draft.check(version)?;
        let packet_id = self.check_request(draft.encoded_len(version))?;
        let server = self.server_limits().ok_or(Refused::NotConnected)?;
        for subscription in filters.as_filters(version) {
            check_subscription(&subscription, server)?;
        }
        if !properties.is_empty() && !server.subscription_ids {
            let id = |property| matches!(property, Property::SubscriptionIdentifier(_));
            if properties.iter().any(id) {
                return Err(Refused::SubscriptionIdNotSupported);
            }
        }
        subscribe(packet_id).encode(version, self.output.buffer());
        Ok(self.wait_for(packet_id, Kind::Subscribe, filters.len()))
    }

    /// Unsubscribes; the answer is [`super::Event::Unsubscribed`]. `properties` may hold User Properties.
    ///
    /// # Errors
    /// As [`Self::subscribe`].
    pub fn unsubscribe(
        &mut self,
        filters: &TopicFiltersBuf,
        properties: Properties<'_>,
    ) -> Result<Token, Refused> {
        let version = self.options.version;
        let properties = if version.is_v5() { properties } else { Properties::NONE };
        let unsubscribe = |packet_id| {
            Packet::Unsubscribe(Unsubscribe { packet_id, properties, filters: filters.as_filters() })
        };
        if filters.is_empty() {
            return Err(Malformed::UnsubscribeEmpty.into()); // [MQTT-3.10.3-2] [3.1.1 MQTT-3.10.3-2]
        }
        let draft = unsubscribe(PacketId::MIN);
        draft.check(version)?;
        let packet_id = self.check_request(draft.encoded_len(version))?;
        unsubscribe(packet_id).encode(version, self.output.buffer());
        Ok(self.wait_for(packet_id, Kind::Unsubscribe, filters.len()))
    }

    fn wait_for(&mut self, packet_id: PacketId, kind: Kind, filters: usize) -> Token {
        let token = self.next_token();
        self.requests.insert(packet_id, Request { token, kind, filters });
        token
    }

    /// Ends the connection: DISCONNECT, then nothing more. In 3.x a reason other than 0x00 is said by closing
    /// without DISCONNECT, so that the will is published. [MQTT-3.14.4-1] [3.1.1 MQTT-3.14.4-2]
    ///
    /// # Errors
    /// [`Refused::NotConnected`]; [`Refused::SessionExpiryRaised`]; a reason that DISCONNECT cannot have.
    pub fn disconnect(&mut self, reason: ReasonCode, session_expiry_s: Option<u32>) -> Result<(), Refused> {
        if !matches!(self.state, State::AwaitConnAck { .. } | State::Connected(_)) {
            return Err(Refused::NotConnected);
        }
        let version = self.options.version;
        if !reason.allowed_in(Place::Disconnect) {
            return Err(Malformed::ReasonCodeNotAllowedHere.into()); // [MQTT-3.14.2-1]
        }
        let mut properties = PropertiesBuf::new();
        if let Some(s) = session_expiry_s.filter(|_| version.is_v5()) {
            if s != 0 && self.options.session_expiry_s == 0 {
                return Err(Refused::SessionExpiryRaised);
            }
            properties.push(Property::SessionExpiryInterval(s));
            self.session.expiry_s = s;
            self.has_session = s > 0;
        }
        if version.is_v5() || reason == ReasonCode::Success {
            let properties = properties.as_properties();
            Packet::Disconnect(Disconnect { reason, properties }).encode(version, self.output.buffer());
        }
        self.end(End::Client);
        Ok(())
    }
}

/// Writes the next message of the queue, unless it expired or the server does not take it. What was begun does not
/// expire. [MQTT-4.3.3-7]
pub(super) fn transmit(
    now: Time,
    next: &Next<'_>,
    connected: &mut Connected,
    publications: &mut Publications,
    output: &mut Output,
) -> Result<(), Refused> {
    let entry = next.entry;
    if !next.dup {
        check_supported(entry.qos, entry.retain, &connected.server)?;
        if publications.parts(entry.publication()).is_expired(now) {
            return Err(Refused::Expired);
        }
    }
    let qos = QoS::new(entry.qos, next.packet_id);
    let delivery = Delivery { qos, dup: next.dup, retain: entry.retain, subscription_ids: &[] }; // [MQTT-3.3.4-6]
    let source = Source::Stored(entry.publication());
    let sent = connected.transmitter.publish(now, source, delivery, None, publications, output);
    sent.map_err(|TooLarge| Refused::TooLarge)
}

fn check_supported(qos: QoSLevel, retain: bool, server: &ServerLimits) -> Result<(), Refused> {
    if qos > server.maximum_qos {
        return Err(Refused::QoSNotSupported); // [MQTT-3.2.2-11]
    }
    if retain && !server.retain {
        return Err(Refused::RetainNotSupported); // [MQTT-3.2.2-14]
    }
    Ok(())
}

fn check_subscription(subscription: &Subscription<'_>, server: &ServerLimits) -> Result<(), Refused> {
    let filter = subscription.filter;
    match filter.share() {
        Some(_) if !server.shared_subscriptions => return Err(Refused::SharedNotSupported),
        Some(_) if subscription.options.no_local => return Err(Malformed::NoLocalOnShared.into()), // [MQTT-3.8.3-4]
        _ => {}
    }
    if filter.has_wildcard() && !server.wildcard_subscriptions {
        return Err(Refused::WildcardNotSupported);
    }
    Ok(())
}
