//! From a message to the bytes of one receiver: version, flags, alias, expiry, and the receiver's limits.
//!
//! For a fan-out, [`Encodings`] keeps one encoding per class of receivers; each receiver gets a copy and a patch.
//! It decides nothing about who receives what.

use crate::Time;
use crate::alias::{Alias, OutgoingAliases};
use crate::burst::Burst;
use crate::limits::PeerLimits;
use crate::output::{Output, SHARED_PAYLOAD_MIN};
use crate::publication::{Message, Parts};
use crate::publications::{PublicationId, Publications};
use alloc::boxed::Box;
use martlet_codec::{Header, QoS, Template, Version, publish_first_byte};

/// The encodings of one publication, made when the first receiver of a class needs them.
#[derive(Debug, Default)]
pub struct Encodings {
    /// 3.x and 5.0, without and with a packet identifier.
    templates: [Template; 4],
}

impl Encodings {
    /// Forgets the last publication and keeps the memory, unless a large one blew it up.
    pub fn clear(&mut self) {
        self.templates.iter_mut().for_each(Template::clear);
    }
    fn get(&mut self, version: Version, has_id: bool, message: &Parts<'_>, expiry: Option<u32>) -> &Template {
        let template = &mut self.templates[class(version, has_id)];
        if template.is_empty() {
            template.encode(version, has_id, message.topic, message.properties, expiry, message.payload);
        }
        template
    }
}

/// The number of a class of receivers, below 4, whose frames differ in no more than what is patched.
pub(crate) fn class(version: Version, has_id: bool) -> usize {
    usize::from(version.is_v5()) << 1 | usize::from(has_id)
}

/// One message for one receiver.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// QoS, with the packet identifier.
    pub qos: QoS,
    /// A re-delivery. [MQTT-3.3.1-1] [3.1.1 MQTT-3.3.1-1] [3.1.1 MQTT-3.3.1-3]
    pub dup: bool,
    /// The RETAIN flag.
    pub retain: bool,
    /// Identifiers of the subscriptions that matched. 5.0 only.
    pub subscription_ids: &'a [u32],
}

impl<'a> Delivery<'a> {
    /// A QoS 0 delivery. [MQTT-4.3.1-1] [3.1.1 MQTT-4.3.1-1] [3.1.1 MQTT-3.3.1-2]
    pub fn at_most_once(retain: bool, subscription_ids: &'a [u32]) -> Self {
        Delivery { qos: QoS::AtMostOnce, dup: false, retain, subscription_ids }
    }
}

/// The packet is larger than the receiver's Maximum Packet Size: it is dropped for it. [MQTT-3.1.2-25]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// A message as it lies: in the store, where its payload can be shared, or elsewhere.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Borrowed; the payload will be copied.
    Borrowed(&'a Message<'a>),
    /// Stored.
    Stored(PublicationId),
}

/// The sending half of a connection, for PUBLISH.
#[derive(Debug)]
pub struct Transmitter {
    version: Version,
    peer: PeerLimits,
    alias_maximum: u16,
    aliases: Option<Box<OutgoingAliases>>,
}

impl Transmitter {
    /// For a receiver of this version and these limits; at most `alias_maximum` aliases, of those it allows.
    pub fn new(version: Version, peer: PeerLimits, alias_maximum: u16) -> Self {
        let alias_maximum = alias_maximum.min(peer.topic_alias_maximum);
        Transmitter { version, peer, alias_maximum, aliases: None }
    }
    /// The receiver's version.
    pub fn version(&self) -> Version {
        self.version
    }
    /// What the receiver announced.
    pub fn peer(&self) -> &PeerLimits {
        &self.peer
    }

    /// Appends the PUBLISH for this receiver to `output`.
    pub fn publish(
        &mut self,
        now: Time,
        source: Source<'_>,
        delivery: Delivery<'_>,
        encodings: Option<&mut Encodings>,
        publications: &mut Publications,
        output: &mut Output,
    ) -> Result<(), TooLarge> {
        let message = &match source {
            Source::Borrowed(message) => message.parts(),
            Source::Stored(id) => publications.parts(id),
        };
        let v5 = self.version.is_v5();
        let plain = !v5 || (delivery.subscription_ids.is_empty() && self.alias_maximum == 0);
        let shared = match source {
            Source::Stored(id) if message.payload.len() >= SHARED_PAYLOAD_MIN => Some(id),
            _ => None,
        };
        match encodings {
            Some(encodings) if plain && shared.is_none() => {
                self.publish_template(now, message, delivery, encodings, output)
            }
            _ => {
                self.publish_header(now, message, delivery, shared.is_none(), output)?;
                if let Some(id) = shared {
                    output.push_payload(id, publications);
                }
                Ok(())
            }
        }
    }

    /// Whether the receiver takes the frames of a burst as they are.
    pub(crate) fn takes_burst(&self, burst: &mut Burst, has_id: bool) -> bool {
        self.alias_maximum == 0
            && burst.largest_frame(self.version, has_id) <= self.peer.maximum_packet_size as usize
    }

    fn publish_template(
        &self,
        now: Time,
        message: &Parts<'_>,
        delivery: Delivery<'_>,
        encodings: &mut Encodings,
        output: &mut Output,
    ) -> Result<(), TooLarge> {
        let (id, expiry) = (delivery.qos.packet_id(), message.expiry_left(now));
        let template = encodings.get(self.version, id.is_some(), message, expiry);
        if template.len() > self.peer.maximum_packet_size as usize {
            return Err(TooLarge); // [MQTT-3.1.2-24]
        }
        let first = publish_first_byte(delivery.dup, delivery.qos.level(), delivery.retain);
        template.append(first, id, expiry, output.buffer());
        Ok(())
    }

    fn publish_header(
        &mut self,
        now: Time,
        message: &Parts<'_>,
        delivery: Delivery<'_>,
        copy_payload: bool,
        output: &mut Output,
    ) -> Result<(), TooLarge> {
        let v5 = self.version.is_v5();
        let topic = message.topic;
        let mut alias = match &self.aliases {
            _ if !v5 || self.alias_maximum == 0 => Alias::None,
            Some(aliases) => aliases.assign(topic, self.alias_maximum),
            None => OutgoingAliases::default().assign(topic, self.alias_maximum),
        };
        let mut header = Header {
            version: self.version,
            dup: delivery.dup,
            retain: delivery.retain,
            qos: delivery.qos,
            topic: if matches!(alias, Alias::Known(_)) { &[] } else { topic },
            topic_alias: match alias {
                Alias::None => None,
                Alias::New(alias) | Alias::Known(alias) => Some(alias),
            },
            expiry: message.expiry_left(now).filter(|_| v5),
            subscription_ids: if v5 { delivery.subscription_ids } else { &[] },
            properties: message.properties,
            payload_len: message.payload.len(),
        };
        let max = self.peer.maximum_packet_size as usize;
        if header.frame_len() > max && matches!(alias, Alias::New(_)) {
            (alias, header.topic_alias) = (Alias::None, None); // the alias alone may have made it too large
        }
        if header.frame_len() > max {
            return Err(TooLarge); // [MQTT-3.1.2-24]
        }
        header.encode(output.buffer());
        if copy_payload {
            output.buffer().extend_from_slice(message.payload);
        }
        if let Alias::New(_) = alias {
            self.aliases.get_or_insert_default().learn(topic);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use martlet_codec::TopicName;

    /// How a QoS 0 message comes out for a receiver of 5.0 that takes packets of `max` bytes and one alias.
    fn publish(max: u32) -> Result<alloc::vec::Vec<u8>, TooLarge> {
        let peer = PeerLimits { maximum_packet_size: max, topic_alias_maximum: 1, ..PeerLimits::default() };
        let mut transmitter = Transmitter::new(Version::V5, peer, 1);
        let topic = TopicName::new("topic").unwrap();
        let message = Message { topic, properties: &[], payload: b"payload", expires_at: None, publisher: 0 };
        let (mut store, mut output) = (Publications::new(), Output::new());
        let delivery = Delivery::at_most_once(false, &[]);
        let source = Source::Borrowed(&message);
        transmitter.publish(Time::default(), source, delivery, None, &mut store, &mut output)?;
        Ok(core::mem::take(output.buffer()))
    }

    #[test]
    fn an_alias_never_makes_a_message_too_large() {
        assert_eq!(publish(20).unwrap(), b"\x30\x12\x00\x05topic\x03\x23\x00\x01payload"); // [MQTT-3.1.2-26]
        assert_eq!(publish(19).unwrap(), b"\x30\x0f\x00\x05topic\x00payload");
        assert_eq!(publish(17).unwrap().len(), 17);
        assert_eq!(publish(16), Err(TooLarge)); // [MQTT-3.1.2-24]
    }
}
