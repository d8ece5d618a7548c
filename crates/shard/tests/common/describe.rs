//! Packets of a server as lines of words: what a client hears. The words are those of [`super::words`].

use martlet_codec::{Frame, MAXIMUM_FRAME_LEN, Packet, Properties, Property, Split, Version, split_frame};
use std::fmt::Write;

/// What every CONNACK of the test shards says, unless a test has changed it.
const USUAL: [&str; 3] = [" max=2097152", " rm=1024", " aliasmax=32"];

/// Takes the whole frames from the front of `bytes`, described.
pub(crate) fn take_frames(version: Version, bytes: &mut Vec<u8>) -> Vec<String> {
    let mut all = Vec::new();
    let mut used = 0;
    loop {
        match split_frame(&bytes[used..], MAXIMUM_FRAME_LEN as u32) {
            Ok(Split::Whole(frame, len)) => {
                all.push(describe(version, frame));
                used += len;
            }
            Ok(Split::Partial(_)) => break,
            Err(malformed) => panic!("the server wrote {malformed}: {:02x?}", &bytes[used..]),
        }
    }
    bytes.drain(..used);
    all
}

fn describe(version: Version, frame: Frame<'_>) -> String {
    let packet = Packet::decode(frame, version);
    let packet = packet.unwrap_or_else(|malformed| panic!("the server wrote {malformed}: {frame:02x?}"));
    let kind = packet.kind().name().to_lowercase();
    let mut line = String::new();
    match &packet {
        Packet::ConnAck(connack) => {
            let present = if connack.session_present { " present" } else { "" };
            write!(line, "connack {:02x}{present}", connack.reason as u8).unwrap();
            put_properties(&mut line, connack.properties);
            for usual in USUAL {
                line = line.replacen(usual, "", 1);
            }
        }
        Packet::Publish(publish) => {
            let topic = publish.topic.map_or("-", |topic| topic.as_str());
            write!(line, "publish {topic} {}", payload(publish.payload)).unwrap();
            if let Some(id) = publish.qos.packet_id() {
                write!(line, " {}#{}", publish.qos.level() as u8, id.get()).unwrap();
            }
            line.push_str(if publish.dup { " dup" } else { "" });
            line.push_str(if publish.retain { " retain" } else { "" });
            put_properties(&mut line, publish.properties);
        }
        Packet::Ack(ack) => {
            write!(line, "{kind} {}", ack.packet_id.get()).unwrap();
            if ack.reason as u8 != 0 {
                write!(line, " {:02x}", ack.reason as u8).unwrap();
            }
            put_properties(&mut line, ack.properties);
        }
        Packet::SubAck(suback) => {
            put_reasons(&mut line, &kind, suback.packet_id.get(), suback.reasons.as_bytes());
        }
        Packet::UnsubAck(unsuback) => {
            put_reasons(&mut line, &kind, unsuback.packet_id.get(), unsuback.reasons.as_bytes());
        }
        Packet::Disconnect(disconnect) => {
            write!(line, "disconnect {:02x}", disconnect.reason as u8).unwrap();
            put_properties(&mut line, disconnect.properties);
        }
        Packet::Auth(auth) => {
            write!(line, "auth {:02x}", auth.reason as u8).unwrap();
            put_properties(&mut line, auth.properties);
        }
        Packet::PingResp => line.push_str("pingresp"),
        other => panic!("a server never sends {other:?}"),
    }
    line
}

fn payload(bytes: &[u8]) -> String {
    match bytes.len() {
        0 => "-".to_owned(),
        1..=60 => String::from_utf8_lossy(bytes).into_owned(),
        len => format!("*{len}"),
    }
}

fn put_reasons(line: &mut String, kind: &str, id: u16, reasons: &[u8]) {
    write!(line, "{kind} {id}").unwrap();
    for reason in reasons {
        write!(line, " {reason:02x}").unwrap();
    }
}

/// All properties but Reason Strings, which are for people.
fn put_properties(line: &mut String, properties: Properties<'_>) {
    for property in properties.iter() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (key, value) = match property {
            Property::ReasonString(_) => continue,
            Property::AssignedClientIdentifier(_) => ("assigned", "?".to_owned()),
            Property::SessionExpiryInterval(n) => ("expiry", n.to_string()),
            Property::ServerKeepAlive(n) => ("keep", n.to_string()),
            Property::ReceiveMaximum(n) => ("rm", n.to_string()),
            Property::MaximumPacketSize(n) => ("max", n.to_string()),
            Property::TopicAliasMaximum(n) => ("aliasmax", n.to_string()),
            Property::TopicAlias(n) => ("alias", n.to_string()),
            Property::MessageExpiryInterval(n) => ("mexp", n.to_string()),
            Property::SubscriptionIdentifier(n) => ("sub", n.to_string()),
            Property::PayloadFormatIndicator(n) => ("format", n.to_string()),
            Property::ContentType(value) => ("ctype", value.to_owned()),
            Property::ResponseTopic(value) => ("resp", value.to_owned()),
            Property::CorrelationData(value) => ("corr", text(value)),
            Property::AuthenticationMethod(value) => ("method", value.to_owned()),
            Property::AuthenticationData(value) => ("data", text(value)),
            Property::UserProperty((key, value)) => ("prop", format!("{key}:{value}")),
            other => (other.name(), "?".to_owned()),
        };
        write!(line, " {key}={value}").unwrap();
    }
}
