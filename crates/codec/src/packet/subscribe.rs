//! SUBSCRIBE and UNSUBSCRIBE (sections 3.8 and 3.10), and the options of a subscription.
use super::{Body, Filters, TopicFilters, decode_properties, properties_len, put_properties};
use crate::error::{Malformed, Result};
use crate::place::Place;
use crate::property::Properties;
use crate::qos::{PacketId, QoSLevel};
use crate::topic::TopicFilter;
use crate::version::Version;
use crate::wire::Reader;
use alloc::vec::Vec;

/// Whether retained messages are sent when a subscription is made (3.8.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RetainHandling {
    /// At each SUBSCRIBE; what 3.1 and 3.1.1 do.
    #[default]
    Send = 0,
    /// Only if the subscription is new.
    SendIfNew = 1,
    /// Never.
    DoNotSend = 2,
}

/// The subscription options (3.8.3.1). The default is QoS 0 with all else off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SubscriptionOptions {
    /// The highest QoS the client wants.
    pub maximum_qos: QoSLevel,
    /// The client does not want its own messages.
    pub no_local: bool,
    /// Messages keep the RETAIN flag they were published with.
    pub retain_as_published: bool,
    /// What to do with retained messages now.
    pub retain_handling: RetainHandling,
}

const NO_LOCAL: u8 = 0b0000_0100;
const RETAIN_AS_PUBLISHED: u8 = 0b0000_1000;

impl SubscriptionOptions {
    /// All a client of 3.1 or 3.1.1 can ask for.
    pub const fn qos(maximum_qos: QoSLevel) -> Self {
        let retain_handling = RetainHandling::Send;
        SubscriptionOptions { maximum_qos, no_local: false, retain_as_published: false, retain_handling }
    }

    /// From the byte on the wire. In 3.1 the bits beside the QoS are not used, whatever they say.
    ///
    /// # Errors
    /// `SubscriptionOptionsReserved`, `SubscriptionQoSInvalid`, `RetainHandlingInvalid`.
    pub fn from_byte(byte: u8, version: Version) -> Result<Self> {
        let byte = if version == Version::V31 { byte & Self::mask(version) } else { byte };
        if byte & !Self::mask(version) != 0 {
            return Err(Malformed::SubscriptionOptionsReserved); // [MQTT-3.8.3-5] [3.1.1 MQTT-3.8.3-4]
        }
        let retain_handling = match byte >> 4 {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(Malformed::RetainHandlingInvalid),
        };
        Ok(SubscriptionOptions {
            maximum_qos: QoSLevel::try_from(byte & 0b11).map_err(|_| Malformed::SubscriptionQoSInvalid)?,
            no_local: byte & NO_LOCAL != 0,
            retain_as_published: byte & RETAIN_AS_PUBLISHED != 0,
            retain_handling,
        })
    }

    /// The byte on the wire, in the form of 5.0.
    pub const fn as_byte(self) -> u8 {
        let no_local = if self.no_local { NO_LOCAL } else { 0 };
        let retain_as_published = if self.retain_as_published { RETAIN_AS_PUBLISHED } else { 0 };
        self.maximum_qos as u8 | no_local | retain_as_published | (self.retain_handling as u8) << 4
    }

    /// The bits that `version` has.
    pub(super) const fn mask(version: Version) -> u8 {
        if version.is_v5() { 0b0011_1111 } else { 0b0000_0011 }
    }
}

/// One topic filter of a SUBSCRIBE with its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscription<'a> {
    /// What to subscribe to.
    pub filter: TopicFilter<'a>,
    /// How.
    pub options: SubscriptionOptions,
}

impl<'a> Subscription<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, version: Version) -> Result<Self> {
        let filter = TopicFilter::from_string(r.string()?)?; // [MQTT-3.8.3-1] [3.1.1 MQTT-3.8.3-1]
        let options = SubscriptionOptions::from_byte(r.u8()?, version)?;
        if options.no_local && filter.share().is_some() {
            return Err(Malformed::NoLocalOnShared); // [MQTT-3.8.3-4]
        }
        Ok(Subscription { filter, options })
    }
}

/// SUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// Comes back in SUBACK.
    pub packet_id: PacketId,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
    /// At least one.
    pub filters: Filters<'a>,
}

/// UNSUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Comes back in UNSUBACK.
    pub packet_id: PacketId,
    /// Empty before 5.0.
    pub properties: Properties<'a>,
    /// At least one.
    pub filters: TopicFilters<'a>,
}

impl<'a> Subscribe<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, version: Version) -> Result<Self> {
        let (packet_id, properties) = decode_head(r, Place::Subscribe, version)?;
        let filters = Filters::decode(r, version)?; // [MQTT-3.8.3-2] [3.1.1 MQTT-3.8.3-3]
        Ok(Subscribe { packet_id, properties, filters })
    }
}

impl Body for Subscribe<'_> {
    fn body_len(&self, version: Version) -> usize {
        head_len(self.properties, version) + self.filters.as_bytes().len()
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        put_head(self.packet_id, self.properties, Place::Subscribe, version, out);
        self.filters.encode(version, out);
    }
}

impl<'a> Unsubscribe<'a> {
    pub(super) fn decode(r: &mut Reader<'a>, version: Version) -> Result<Self> {
        let (packet_id, properties) = decode_head(r, Place::Unsubscribe, version)?;
        let filters = TopicFilters::decode(r)?; // [MQTT-3.10.3-2] [3.1.1 MQTT-3.10.3-2]
        Ok(Unsubscribe { packet_id, properties, filters })
    }
}

impl Body for Unsubscribe<'_> {
    fn body_len(&self, version: Version) -> usize {
        head_len(self.properties, version) + self.filters.as_bytes().len()
    }

    fn put_body(&self, version: Version, out: &mut Vec<u8>) {
        put_head(self.packet_id, self.properties, Place::Unsubscribe, version, out);
        out.extend_from_slice(self.filters.as_bytes());
    }
}

/// Packet identifier and properties: how SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK begin.
pub(super) fn decode_head<'a>(
    r: &mut Reader<'a>,
    place: Place,
    version: Version,
) -> Result<(PacketId, Properties<'a>)> {
    Ok((r.packet_id()?, decode_properties(r, place, version)?))
}

pub(super) fn head_len(properties: Properties<'_>, version: Version) -> usize {
    2 + properties_len(properties, version)
}

pub(super) fn put_head(
    packet_id: PacketId,
    properties: Properties<'_>,
    place: Place,
    version: Version,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(&packet_id.get().to_be_bytes());
    put_properties(properties, place, version, out);
}
