//! What the types of a packet's fields leave open: asked before a packet that was put together from a
//! user's input is encoded. Decoding does not come through here.
use super::{Packet, ReasonCodes};
use crate::error::{Malformed, Result};
use crate::frame::MAXIMUM_FRAME_LEN;
use crate::place::Place;
use crate::property::Properties;
use crate::version::Version;

impl<'a> Packet<'a> {
    /// Whether [`Packet::encode`] writes what [`Packet::decode`] accepts: strings, size, properties,
    /// reason codes, and lists that must not be empty. A decoded packet always passes.
    ///
    /// # Errors
    /// The rule that is broken: `StringTooLong`, `PacketTooLarge`, `TopicNameMissing` ...
    pub fn check(&self, version: Version) -> Result<()> {
        match self {
            Packet::Connect(connect) => connect.check()?,
            Packet::Publish(p) if p.topic.is_none() && (!version.is_v5() || p.topic_alias().is_none()) => {
                return Err(Malformed::TopicNameMissing);
            }
            Packet::Subscribe(subscribe) if subscribe.filters.is_empty() => {
                return Err(Malformed::SubscribeEmpty);
            } // [MQTT-3.8.3-2]
            Packet::Unsubscribe(p) if p.filters.is_empty() => return Err(Malformed::UnsubscribeEmpty), // [MQTT-3.10.3-2]
            Packet::Auth(_) if !version.is_v5() => return Err(Malformed::UnknownPacketType),
            _ => {}
        }
        if version.is_v5() {
            self.check_v5()?;
        }
        if self.encoded_len(version) > MAXIMUM_FRAME_LEN { Err(Malformed::PacketTooLarge) } else { Ok(()) }
    }

    fn check_v5(&self) -> Result<()> {
        let Some((place, properties)) = self.place() else { return Ok(()) };
        Properties::new(properties.as_bytes(), place)?;
        let reason = match self {
            Packet::ConnAck(p) => p.reason,
            Packet::Ack(p) => p.reason,
            Packet::Disconnect(p) => p.reason,
            Packet::Auth(p) => p.reason,
            Packet::SubAck(p) => return ReasonCodes::new(p.reasons.as_bytes(), place).map(|_| ()),
            Packet::UnsubAck(p) => return ReasonCodes::new(p.reasons.as_bytes(), place).map(|_| ()),
            _ => return Ok(()),
        };
        if reason.allowed_in(place) { Ok(()) } else { Err(Malformed::ReasonCodeNotAllowedHere) }
    }

    /// Where the packet's own properties stand, and which they are.
    fn place(&self) -> Option<(Place, Properties<'a>)> {
        Some(match self {
            Packet::Connect(body) => (Place::Connect, body.properties),
            Packet::ConnAck(body) => (Place::ConnAck, body.properties),
            Packet::Publish(body) => (Place::Publish, body.properties),
            Packet::Ack(body) => (body.kind.place(), body.properties),
            Packet::Subscribe(body) => (Place::Subscribe, body.properties),
            Packet::SubAck(body) => (Place::SubAck, body.properties),
            Packet::Unsubscribe(body) => (Place::Unsubscribe, body.properties),
            Packet::UnsubAck(body) => (Place::UnsubAck, body.properties),
            Packet::Disconnect(body) => (Place::Disconnect, body.properties),
            Packet::Auth(body) => (Place::Auth, body.properties),
            Packet::PingReq | Packet::PingResp => return None,
        })
    }
}
