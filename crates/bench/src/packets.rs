//! The packets of a client, encoded by the codec: all but PUBLISH, which `block` prepares.

use martlet_codec::{
    Connect, FiltersBuf, Packet, PacketId, Properties, PropertiesBuf, Property, QoSLevel, Subscribe,
    SubscriptionOptions, TopicFilter, TopicFiltersBuf, Unsubscribe, Version,
};
use martlet_net::Url;

pub(crate) const PINGREQ: [u8; 2] = [0xc0, 0];
pub(crate) const DISCONNECT: [u8; 2] = [0xe0, 0];
pub(crate) const PUBACK: u8 = 0x40;
pub(crate) const PUBREC: u8 = 0x50;
pub(crate) const PUBREL: u8 = 0x62;
pub(crate) const PUBCOMP: u8 = 0x70;
pub(crate) const SUBACK: u8 = 0x90;
pub(crate) const UNSUBACK: u8 = 0xb0;

/// Nobody has to send a PINGREQ in less than 18 hours.
const KEEP_ALIVE_S: u16 = u16::MAX;
/// How long a server keeps a session that nobody comes back to.
const SESSION_EXPIRY_S: u32 = 3600;

/// What becomes of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// It ends with the connection.
    Clean,
    /// An earlier one is discarded; the new one outlives the connection.
    Kept,
    /// The server must have it already.
    Resumed,
}

pub(crate) fn connect(version: Version, url: &Url, client_id: &str, session: Session) -> Vec<u8> {
    let mut properties = PropertiesBuf::new();
    if version.is_v5() && session != Session::Clean {
        properties.push(Property::SessionExpiryInterval(SESSION_EXPIRY_S));
    }
    // Before 5.0 a clean session ends with its connection, so the first one that is kept cannot be clean.
    let clean_start = session == Session::Clean || (version.is_v5() && session == Session::Kept);
    let connect = Connect {
        version,
        bridge: false,
        clean_start,
        keep_alive: KEEP_ALIVE_S,
        properties: properties.as_properties(),
        client_id,
        will: None,
        user_name: url.user_name.as_deref(),
        password: url.password.as_deref(),
    };
    let mut bytes = Vec::new();
    Packet::Connect(connect).encode(version, &mut bytes);
    bytes
}

/// SUBSCRIBE for `filters`, which the caller knows to be filters.
pub(crate) fn subscribe(version: Version, id: PacketId, filters: &[String], qos: QoSLevel) -> Vec<u8> {
    let mut list = FiltersBuf::new();
    for filter in filters {
        list.push(TopicFilter::from_checked(filter), SubscriptionOptions::qos(qos));
    }
    let subscribe =
        Subscribe { packet_id: id, properties: Properties::NONE, filters: list.as_filters(version) };
    let mut bytes = Vec::new();
    Packet::Subscribe(subscribe).encode(version, &mut bytes);
    bytes
}

/// UNSUBSCRIBE for `filter`, which the caller knows to be one.
pub(crate) fn unsubscribe(version: Version, id: PacketId, filter: &str) -> Vec<u8> {
    let mut list = TopicFiltersBuf::new();
    list.push(TopicFilter::from_checked(filter));
    let unsubscribe = Unsubscribe { packet_id: id, properties: Properties::NONE, filters: list.as_filters() };
    let mut bytes = Vec::new();
    Packet::Unsubscribe(unsubscribe).encode(version, &mut bytes);
    bytes
}

/// The reason code of an acknowledgement of one filter; before 5.0 UNSUBACK has none.
pub(crate) fn only_reason(body: &[u8]) -> Option<u8> {
    body.get(2..).and_then(<[u8]>::last).copied()
}

/// An acknowledgement without reason code, in any version.
#[inline]
pub(crate) fn ack(first: u8, [high, low]: [u8; 2]) -> [u8; 4] {
    [first, 2, high, low]
}

/// Whether an acknowledgement's body tells of a failure; before 5.0 it has no room for that.
#[inline]
pub(crate) fn is_failure(body: &[u8]) -> bool {
    body.get(2).is_some_and(|reason| *reason >= 0x80)
}

/// The packet id of a PUBLISH that has one, from behind its topic.
#[inline]
pub(crate) fn packet_id(body: &[u8]) -> [u8; 2] {
    let topic_len = body.first_chunk().map_or(0, |len| usize::from(u16::from_be_bytes(*len)));
    body.get(2 + topic_len..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default()
}

/// How many QoS 1 and 2 messages the server takes at once, from the properties of its CONNACK.
pub(crate) fn receive_maximum(properties: Properties<'_>) -> u64 {
    let mut values = properties.iter().filter_map(|property| match property {
        Property::ReceiveMaximum(maximum) => Some(u64::from(maximum)),
        _ => None,
    });
    values.next().unwrap_or(u64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use martlet_codec::{Split, split_frame};

    fn decode(bytes: &[u8], version: Version) -> Packet<'_> {
        let Ok(Split::Whole(frame, len)) = split_frame(bytes, 1 << 20) else { panic!("{bytes:?}") };
        assert_eq!(len, bytes.len());
        Packet::decode(frame, version).unwrap()
    }

    #[test]
    fn connect_says_what_becomes_of_the_session() {
        let url: Url = "mqtt://me:secret@h".parse().unwrap();
        let check = |version, session, clean: bool, properties: usize| {
            let bytes = connect(version, &url, "c", session);
            let Packet::Connect(connect) = decode(&bytes, version) else { panic!() };
            assert_eq!((connect.clean_start, connect.properties.iter().count()), (clean, properties));
            assert_eq!((connect.user_name, connect.password), (Some("me"), Some(&b"secret"[..])));
        };
        check(Version::V311, Session::Clean, true, 0);
        check(Version::V311, Session::Kept, false, 0);
        check(Version::V5, Session::Clean, true, 0);
        check(Version::V5, Session::Kept, true, 1);
        check(Version::V5, Session::Resumed, false, 1);
    }

    #[test]
    fn acknowledgements_are_packets() {
        for (first, name) in
            [(PUBACK, "PubAck"), (PUBREC, "PubRec"), (PUBREL, "PubRel"), (PUBCOMP, "PubComp")]
        {
            for version in [Version::V311, Version::V5] {
                let bytes = ack(first, [1, 2]);
                let Packet::Ack(ack) = decode(&bytes, version) else { panic!() };
                assert_eq!((format!("{:?}", ack.kind), ack.packet_id.get()), (name.to_owned(), 0x102));
            }
        }
        assert!(is_failure(&[0, 1, 0x97]) && !is_failure(&[0, 1, 0x10]) && !is_failure(&[0, 1]));
    }
}
