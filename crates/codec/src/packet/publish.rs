//! PUBLISH (section 3.3). The payload is whatever the properties leave; its format is not looked at.
use super::{Body, PacketType, decode_properties, properties_len, put_properties};
use crate::delivery::publish_first_byte;
use crate::error::{Malformed, Result};
use crate::frame::Frame;
use crate::place::Place;
use crate::property::{Properties, Property};
use crate::qos::{PacketId, QoS, QoSLevel};
use crate::topic::TopicName;
use crate::version::Version;
use crate::wire::{Reader, put_binary};
use alloc::vec::Vec;

/// PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// A re-delivery; never at QoS 0.
    pub dup: bool,
    /// To the server: keep the message. To the client: the message was kept.
    pub retain: bool,
    /// QoS and, above 0, the packet identifier.
    pub qos: QoS,
    /// `None` in 5.0, where a Topic Alias stands for the name, and after [`Publish::decode_known`].
    pub topic: Option<TopicName<'a>>,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
    /// The application message.
    pub payload: &'a [u8],
}

impl<'a> Publish<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, flags: u8, version: Version) -> Result<Self> {
        let level = check_flags(flags)?;
        let topic = match r.string()? {
            "" if version.is_v5() => None,
            text => Some(TopicName::from_string(text)?), // [MQTT-3.3.2-1] [MQTT-3.3.2-2] [3.1.1 MQTT-3.3.2-1] [3.1.1 MQTT-3.3.2-2]
        };
        let publish = Self::decode_behind_topic(r, flags, level, topic, version)?;
        if topic.is_none() && publish.topic_alias().is_none() {
            return Err(Malformed::TopicNameMissing); // 3.3.2.1
        }
        Ok(publish)
    }

    /// Decodes a PUBLISH as [`crate::Packet::decode`] does, if its Topic Name is `known`, byte for byte: that was
    /// checked when it became known, so it is not checked again, and left out. `None` for any other frame.
    ///
    /// # Errors
    /// The first rule of the specification that the bytes break.
    pub fn decode_known(frame: Frame<'a>, version: Version, known: TopicName<'_>) -> Option<Result<Self>> {
        let (flags, mut r) = (frame.first & 0x0f, Reader::new(frame.body));
        if frame.first >> 4 != PacketType::Publish as u8 || r.binary() != Ok(known.as_str().as_bytes()) {
            return None;
        }
        let level = check_flags(flags);
        Some(level.and_then(|level| Self::decode_behind_topic(&mut r, flags, level, None, version)))
    }

    /// The packet identifier and the payload of a PUBLISH that has exactly this first byte and this Topic Name, and no
    /// properties. `None` for any other frame, good or bad, and for QoS 2.
    pub fn decode_plain(
        frame: Frame<'a>,
        version: Version,
        first: u8,
        known: TopicName<'_>,
    ) -> Option<(Option<PacketId>, &'a [u8])> {
        let mut r = Reader::new(frame.body);
        if frame.first != first || r.binary() != Ok(known.as_str().as_bytes()) {
            return None;
        }
        let id = match first {
            PLAIN_QOS_0 => None,
            PLAIN_QOS_1 => Some(r.packet_id().ok()?),
            _ => return None,
        };
        if version.is_v5() && r.u8() != Ok(0) {
            return None;
        }
        Some((id, r.rest()))
    }

    fn decode_behind_topic(
        r: &mut Reader<'a>,
        flags: u8,
        level: QoSLevel,
        topic: Option<TopicName<'a>>,
        version: Version,
    ) -> Result<Self> {
        let qos = match level {
            QoSLevel::AtMostOnce => QoS::AtMostOnce, // [MQTT-2.2.1-2] [3.1.1 MQTT-2.3.1-5]
            QoSLevel::AtLeastOnce => QoS::AtLeastOnce(r.packet_id()?),
            QoSLevel::ExactlyOnce => QoS::ExactlyOnce(r.packet_id()?),
        };
        let (dup, retain) = (flags & 0b1000 != 0, flags & 0b0001 != 0);
        let properties = decode_properties(r, Place::Publish, version)?;
        Ok(Publish { dup, retain, qos, topic, properties, payload: r.rest() })
    }

    /// The Topic Alias, never 0 (3.3.2.3.4).
    pub fn topic_alias(&self) -> Option<u16> {
        self.properties.iter().find_map(|property| match property {
            Property::TopicAlias(alias) => Some(alias),
            _ => None,
        })
    }

    /// The Subscription Identifiers in their order (3.3.2.3.8).
    pub fn subscription_identifiers(&self) -> impl Iterator<Item = u32> + Clone + 'a {
        self.properties.iter().filter_map(|property| match property {
            Property::SubscriptionIdentifier(id) => Some(id),
            _ => None,
        })
    }

    pub(super) fn first_byte(&self) -> u8 {
        publish_first_byte(self.dup, self.qos.level(), self.retain)
    }

    fn topic_str(&self) -> &'a str {
        self.topic.map_or("", TopicName::as_str)
    }
}

const PLAIN_QOS_0: u8 = publish_first_byte(false, QoSLevel::AtMostOnce, false);
const PLAIN_QOS_1: u8 = publish_first_byte(false, QoSLevel::AtLeastOnce, false);

/// The lower half of the first byte (3.3.1): the QoS level, which DUP must fit.
fn check_flags(flags: u8) -> Result<QoSLevel> {
    let level = QoSLevel::try_from(flags >> 1 & 0b11)?; // [MQTT-3.3.1-4] [3.1.1 MQTT-3.3.1-4]
    if flags & 0b1000 != 0 && level == QoSLevel::AtMostOnce {
        return Err(Malformed::DupWithoutQoS); // [MQTT-3.3.1-2] [3.1.1 MQTT-3.3.1-2]
    }
    Ok(level)
}

impl Body for Publish<'_> {
    fn body_len(&self, version: Version) -> usize {
        let packet_id = self.qos.packet_id().map_or(0, |_| 2);
        2 + self.topic_str().len() + packet_id + properties_len(self.properties, version) + self.payload.len()
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        put_binary(out, self.topic_str().as_bytes());
        if let Some(id) = self.qos.packet_id() {
            out.extend_from_slice(&id.get().to_be_bytes());
        }
        put_properties(self.properties, Place::Publish, version, out);
        out.extend_from_slice(self.payload);
    }
}
