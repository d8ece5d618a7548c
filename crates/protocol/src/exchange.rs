//! The exchanges of 4.3 as both roles do them: what a PUBLISH from the other side means, and the four
//! acknowledgements. It decides nothing that only a broker or only a client decides, and writes nothing: what is owed is
//! handed up as [`Owed`].

use crate::alias::IncomingAliases;
use crate::answer::Owed;
use crate::limits::Limits;
use crate::publications::Publications;
use crate::session::{Acknowledged, GroupRef, Incoming, Outgoing};
use crate::violation::Violation;
use alloc::boxed::Box;
use alloc::string::String;
use martlet_codec::{Ack, AckKind, Frame, Malformed, PacketId, Publish, QoS, ReasonCode, TopicName, Version};

/// Bytes of the longest Topic Name that a connection remembers.
const RECENT_BYTES_MAX: usize = 256;

/// What a PUBLISH of the other side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// To be delivered on.
    New,
    /// Delivered on before: the same answer is owed again.
    Duplicate(Owed),
}

/// The receiving half of a connection, for PUBLISH and PUBREL.
#[derive(Debug)]
pub(crate) struct Receiver {
    version: Version,
    receive_maximum: u16,
    topic_alias_maximum: u16,
    aliases: Option<Box<IncomingAliases>>,
    /// The last Topic Name, if it is worth remembering: most come again.
    recent: String,
}

impl Receiver {
    /// Within the limits that were announced to the other side.
    pub(crate) fn new(version: Version, limits: &Limits) -> Self {
        let v5 = version.is_v5();
        Receiver {
            version,
            receive_maximum: if v5 { limits.receive_maximum } else { u16::MAX },
            topic_alias_maximum: if v5 { limits.topic_alias_maximum } else { 0 },
            aliases: None,
            recent: String::new(),
        }
    }

    /// A PUBLISH whose Topic Name is the last one again: it comes without topic, which [`Self::topic`] knows.
    pub(crate) fn decode_again<'a>(&self, frame: Frame<'a>) -> Option<Result<Publish<'a>, Malformed>> {
        if self.recent.is_empty() {
            return None;
        }
        Publish::decode_known(frame, self.version, TopicName::from_checked(&self.recent))
    }

    /// Remembers the topic of a PUBLISH that passed [`Self::publish`]; whether it was the last one's too.
    pub(crate) fn remember(&mut self, publish: &Publish<'_>) -> bool {
        let mut recent = core::mem::take(&mut self.recent);
        let topic = self.topic(publish).as_str();
        let is_again = topic == recent;
        if !is_again {
            recent.clear();
            if topic.len() <= RECENT_BYTES_MAX {
                recent.reserve_exact(topic.len());
                recent.push_str(topic);
            }
        }
        self.recent = recent;
        is_again
    }

    /// A PUBLISH came. `is_again`: it comes from [`Self::decode_again`].
    pub(crate) fn publish(
        &mut self,
        publish: &Publish<'_>,
        is_again: bool,
        incoming: &mut Incoming,
    ) -> Result<Arrival, Violation> {
        self.learn_alias(publish, is_again)?;
        if publish.qos == QoS::AtMostOnce {
            return Ok(Arrival::New);
        }
        let is_new = match publish.qos {
            QoS::ExactlyOnce(id) => !incoming.contains(id),
            _ => true,
        };
        if is_new && incoming.in_flight() >= u32::from(self.receive_maximum) {
            return Err(Violation::ReceiveMaximumExceeded); // [MQTT-3.3.4-7]
        }
        if let QoS::ExactlyOnce(id) = publish.qos
            && !incoming.receive(id)
        {
            return Ok(Arrival::Duplicate(Owed::success(AckKind::PubRec, id))); // [MQTT-4.3.3-10] [3.1.1 MQTT-4.3.3-2]
        }
        Ok(Arrival::New)
    }

    fn learn_alias(&mut self, publish: &Publish<'_>, is_again: bool) -> Result<(), Violation> {
        let Some(alias) = publish.topic_alias() else { return Ok(()) };
        if alias > self.topic_alias_maximum {
            return Err(Violation::TopicAliasAboveMaximum); // [MQTT-3.3.2-9] [MQTT-3.3.2-11]
        }
        let topic = if is_again { Some(TopicName::from_checked(&self.recent)) } else { publish.topic };
        match topic {
            // [MQTT-3.3.2-10] [MQTT-3.3.2-12]
            Some(topic) if !self.aliases.get_or_insert_default().set(alias, topic) => {
                return Err(Violation::TopicAliasBytes);
            }
            Some(_) => {}
            None if self.topic_of(alias).is_none() => return Err(Violation::TopicAliasUnknown),
            None => {}
        }
        Ok(())
    }

    fn topic_of(&self, alias: u16) -> Option<TopicName<'_>> {
        self.aliases.as_ref()?.get(alias)
    }

    /// The topic of a PUBLISH that passed [`Self::publish`]: its own, that of its alias, or the last one.
    pub(crate) fn topic<'a>(&'a self, publish: &Publish<'a>) -> TopicName<'a> {
        publish.topic.unwrap_or_else(|| match publish.topic_alias() {
            Some(alias) => {
                self.topic_of(alias).expect("an unknown alias is a Violation before it is asked for")
            }
            None => TopicName::from_checked(&self.recent),
        })
    }

    /// The message of a PUBLISH was accepted, or refused with a reason: PUBACK or PUBREC.
    /// [MQTT-4.3.2-4] [MQTT-4.3.3-8]
    /// [3.1.1 MQTT-3.3.4-1] [3.1.1 MQTT-4.3.2-2] [3.1.1 MQTT-4.3.3-2] [3.1.1 MQTT-4.6.0-2] [3.1.1 MQTT-4.6.0-3]
    pub(crate) fn acknowledge(&self, qos: QoS, reason: ReasonCode, incoming: &mut Incoming) -> Option<Owed> {
        match qos {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce(packet_id) => Some(Owed { kind: AckKind::PubAck, packet_id, reason }),
            QoS::ExactlyOnce(packet_id) => {
                if reason.is_failure() && self.version.is_v5() {
                    incoming.release(packet_id); // [MQTT-4.3.3-9]
                }
                Some(Owed { kind: AckKind::PubRec, packet_id, reason })
            }
        }
    }

    /// PUBREL came. [MQTT-4.3.3-11] [MQTT-4.3.3-12] [3.1.1 MQTT-4.3.3-2]
    pub(crate) fn pubrel(packet_id: PacketId, incoming: &mut Incoming) -> Owed {
        let known = incoming.release(packet_id);
        let reason = if known { ReasonCode::Success } else { ReasonCode::PacketIdentifierNotFound };
        Owed { kind: AckKind::PubComp, packet_id, reason }
    }
}

/// What an acknowledgement of the other side came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The message is settled.
    Settled(GroupRef),
    /// PUBREC: PUBREL is owed.
    Received(Owed),
    /// Nothing waited for it.
    Nothing,
}

/// PUBACK, PUBREC or PUBCOMP came. [MQTT-4.3.3-4] [MQTT-4.6.0-4] [3.1.1 MQTT-4.3.3-1] [3.1.1 MQTT-4.6.0-4]
pub(crate) fn acknowledged(
    ack: &Ack<'_>,
    outgoing: &mut Outgoing,
    publications: &mut Publications,
) -> Result<Outcome, Violation> {
    let failed = ack.reason.is_failure();
    let reason = match outgoing.acknowledge(ack.kind, ack.packet_id, failed, publications) {
        Acknowledged::Settled(group) => return Ok(Outcome::Settled(group)),
        Acknowledged::WrongKind => return Err(Violation::WrongAcknowledgement),
        Acknowledged::Release => ReasonCode::Success,
        Acknowledged::Unknown if ack.kind == AckKind::PubRec && !failed => {
            ReasonCode::PacketIdentifierNotFound
        }
        Acknowledged::Unknown => return Ok(Outcome::Nothing),
    };
    Ok(Outcome::Received(Owed { kind: AckKind::PubRel, packet_id: ack.packet_id, reason }))
}

/// PUBREL once more for each message that the other side has received and not completed. [MQTT-4.4.0-1] [3.1.1 MQTT-4.4.0-1]
pub(crate) fn owed_again(outgoing: &Outgoing) -> impl Iterator<Item = Owed> {
    outgoing.unreleased().map(|id| Owed::success(AckKind::PubRel, id))
}
