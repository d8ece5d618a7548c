//! Packets of a server as words: what a client hears. The words are those of [`super::words`].
//!
//! Reason codes are always said, Reason Strings never: they are for people.

use super::peer::FRAME_MAX;
use martlet_codec::{Frame, Packet, Properties, Property, Split, Version, split_frame};
use std::fmt::Write;

/// The words of one whole frame; `malformed ...` where it is no packet.
pub(super) fn describe(version: Version, bytes: &[u8]) -> String {
    match split_frame(bytes, FRAME_MAX) {
        Ok(Split::Whole(frame, _)) => packet(version, frame, bytes),
        Ok(Split::Partial(_)) => "malformed: no whole packet".to_owned(),
        Err(malformed) => format!("malformed: {malformed}"),
    }
}

fn packet(version: Version, frame: Frame<'_>, bytes: &[u8]) -> String {
    let packet = match Packet::decode(frame, version) {
        Ok(packet) => packet,
        Err(malformed) => {
            let refusal = refusal(bytes).filter(|said| !said.starts_with("connack 00"));
            return refusal.unwrap_or_else(|| format!("malformed: {malformed}"));
        }
    };
    let kind = packet.kind().name().to_lowercase();
    match &packet {
        Packet::ConnAck(_) if !version.is_v5() => refusal(bytes).unwrap_or(kind),
        Packet::ConnAck(connack) => {
            let session = if connack.session_present { "present" } else { "new" };
            format!("connack {:02x} {session}{}", connack.reason as u8, properties(connack.properties))
        }
        Packet::Publish(publish) => {
            let topic = publish.topic.map_or("-".to_owned(), |topic| text(topic.as_str().as_bytes()));
            let quality = publish
                .qos
                .packet_id()
                .map_or(String::new(), |id| format!(" {}#{}", publish.qos.level() as u8, id.get()));
            let dup = if publish.dup { " dup" } else { "" };
            let retain = if publish.retain { " retain" } else { "" };
            let tail = properties(publish.properties);
            format!("publish {topic} {}{quality}{dup}{retain}{tail}", text(publish.payload))
        }
        Packet::Ack(ack) => {
            format!("{kind} {} {:02x}{}", ack.packet_id.get(), ack.reason as u8, properties(ack.properties))
        }
        Packet::SubAck(ack) => format!("{kind} {}{}", ack.packet_id.get(), reasons(ack.reasons.as_bytes())),
        Packet::UnsubAck(ack) => format!("{kind} {}{}", ack.packet_id.get(), reasons(ack.reasons.as_bytes())),
        Packet::Disconnect(disconnect) => {
            format!("{kind} {:02x}{}", disconnect.reason as u8, properties(disconnect.properties))
        }
        Packet::Auth(auth) => format!("{kind} {:02x}{}", auth.reason as u8, properties(auth.properties)),
        _ => kind,
    }
}

/// A CONNACK by its first bytes, which are the same in every version: who asks for a version that does not exist may
/// be answered in the form of another one.
fn refusal(bytes: &[u8]) -> Option<String> {
    let session = |flags: u8| if flags == 0 { "new" } else { "present" };
    match *bytes {
        [0x20, len, flags, code, ..] if len < 128 => Some(format!("connack {code:02x} {}", session(flags))),
        _ => None,
    }
}

/// A word for any bytes, as [`super::words`] reads it.
fn text(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".to_owned();
    }
    let filler = bytes.iter().rev().take_while(|byte| **byte == b'x').count();
    let (mut left, filler) =
        if filler > 20 { bytes.split_at(bytes.len() - filler) } else { (bytes, &[][..]) };
    let mut out = String::new();
    while let [byte, rest @ ..] = left {
        left = rest;
        if byte.is_ascii_graphic() && !b"%=,|&*".contains(byte) {
            out.push(char::from(*byte));
        } else {
            put(&mut out, format_args!("%{byte:02X}"));
        }
    }
    if !filler.is_empty() {
        put(&mut out, format_args!("*{}", filler.len()));
    }
    out
}

fn reasons(bytes: &[u8]) -> String {
    let mut out = String::new();
    bytes.iter().for_each(|reason| put(&mut out, format_args!(" {reason:02x}")));
    out
}

fn properties(properties: Properties<'_>) -> String {
    let mut out = String::new();
    for property in properties.iter() {
        let (key, value) = match property {
            Property::ReasonString(_) => continue,
            Property::MaximumQoS(n) => ("maxqos", n.to_string()),
            Property::RetainAvailable(n) => ("retain", n.to_string()),
            Property::WildcardSubscriptionAvailable(n) => ("wildcards", n.to_string()),
            Property::SubscriptionIdentifierAvailable(n) => ("subids", n.to_string()),
            Property::SharedSubscriptionAvailable(n) => ("shared", n.to_string()),
            Property::ResponseInformation(value) => ("info", text(value.as_bytes())),
            Property::ServerReference(value) => ("server", text(value.as_bytes())),
            Property::AssignedClientIdentifier(id) => ("assigned", text(id.as_bytes())),
            Property::SessionExpiryInterval(n) => ("expiry", n.to_string()),
            Property::ServerKeepAlive(n) => ("keep", n.to_string()),
            Property::ReceiveMaximum(n) => ("rm", n.to_string()),
            Property::MaximumPacketSize(n) => ("max", n.to_string()),
            Property::TopicAliasMaximum(n) => ("aliasmax", n.to_string()),
            Property::TopicAlias(n) => ("alias", n.to_string()),
            Property::MessageExpiryInterval(n) => ("mexp", n.to_string()),
            Property::SubscriptionIdentifier(n) => ("sub", n.to_string()),
            Property::PayloadFormatIndicator(n) => ("format", n.to_string()),
            Property::ContentType(value) => ("ctype", text(value.as_bytes())),
            Property::ResponseTopic(value) => ("resp", text(value.as_bytes())),
            Property::CorrelationData(value) => ("corr", text(value)),
            Property::AuthenticationMethod(value) => ("method", text(value.as_bytes())),
            Property::AuthenticationData(value) => ("data", text(value)),
            Property::UserProperty((key, value)) => {
                ("prop", format!("{}:{}", text(key.as_bytes()), text(value.as_bytes())))
            }
            other => (other.name(), "?".to_owned()),
        };
        put(&mut out, format_args!(" {key}={value}"));
    }
    out
}

fn put(out: &mut String, words: std::fmt::Arguments<'_>) {
    out.write_fmt(words).expect("a String takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says() {
        let said = |bytes: &[u8]| describe(Version::V5, bytes);
        assert_eq!(said(b"\x20\x06\x01\x00\x03\x21\x00\x09"), "connack 00 present rm=9");
        assert_eq!(said(b"\x32\x09\x00\x01t\x00\x07\x00a b"), "publish t a%20b 1#7");
        assert_eq!(said(b"\x30\x1a\x00\x01t\x00/xxxxxxxxxxxxxxxxxxxxx"), "publish t /*21");
        assert_eq!(said(b"\x20\x07\x00\x00\x04\x24\x01\x25\x00"), "connack 00 new maxqos=1 retain=0");
        assert_eq!(said(b"\x40\x02\x00\x01"), "puback 1 00");
        assert!(said(b"\x90\x02\x00\x00").starts_with("malformed"));
        assert_eq!(said(b"\x20\x02\x00\x01"), "connack 01 new");
        assert!(said(b"\x20\x06\x00\x00\x03\x21\x00\x00").starts_with("malformed"), "Receive Maximum 0");
        assert!(said(b"\x20\x02\x00\x00").starts_with("malformed"), "no properties");
        assert!(said(b"\x30\xff\xff\xff\x7f\x00").starts_with("malformed"), "too long for any test");
    }
}
