//! One field of one message to its bytes.

use super::json::{self, NotJson, Style};
use super::terminal::{Lines, harmless};
use super::{Layout, Letter, Stamp, To};
use martlet_client::{Properties, Property, Received};
use std::borrow::Cow;
use std::fmt;

/// `%J` met a payload that is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PayloadNotJson {
    topic: String,
}

impl fmt::Display for PayloadNotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a payload on `{}` is no JSON, and %J prints it as it is; %j quotes it", self.topic)
    }
}

pub(super) fn field(
    letter: Letter,
    layout: Layout,
    received: &Received,
    stamp: Stamp,
    to: To,
    out: &mut Vec<u8>,
) -> Result<(), PayloadNotJson> {
    let message = received.publication.message();
    let topic = message.topic.as_str();
    let text = |text: String| Cow::Owned(text.into_bytes());
    let number = |number: u64| Cow::Owned(number.to_string().into_bytes());
    let value: Cow<'_, [u8]> = match letter {
        Letter::Topic => topic.as_bytes().into(),
        Letter::Payload => message.payload.into(),
        Letter::PayloadLen => number(message.payload.len() as u64),
        Letter::HexLower => text(hex(message.payload, b"0123456789abcdef")),
        Letter::HexUpper => text(hex(message.payload, b"0123456789ABCDEF")),
        Letter::QoS => number(received.qos.level() as u64),
        Letter::Retain => number(u64::from(received.retain)),
        Letter::PacketId => received.qos.packet_id().map_or_else(|| number(0), |id| number(id.get().into())),
        Letter::IsoTime => text(stamp.iso()),
        Letter::UnixTime => text(stamp.unix()),
        Letter::TopicAlias => received.topic_alias.map_or_else(Cow::default, |alias| number(alias.into())),
        Letter::MessageExpiry => received.expiry_s.map_or_else(Cow::default, |s| number(s.into())),
        Letter::SubscriptionIds => text(joined(received.subscription_ids.as_slice())),
        Letter::Json => return json(Style::Mosquitto, received, stamp, to, out),
        Letter::JsonRaw => return json(Style::MosquittoRaw, received, stamp, to, out),
        _ => property(letter, Properties::from_checked_bytes(message.properties)),
    };
    let lines = if letter == Letter::Payload { Lines::Many } else { Lines::One };
    match to {
        To::Terminal => put(letter, layout, &harmless(&value, lines), out),
        To::Pipe => put(letter, layout, &value, out),
    }
    Ok(())
}

/// JSON escapes by itself what a publisher chose, but for a payload that is JSON and stays as it is.
pub(super) fn json(
    style: Style,
    received: &Received,
    stamp: Stamp,
    to: To,
    out: &mut Vec<u8>,
) -> Result<(), PayloadNotJson> {
    let topic = || received.publication.message().topic.as_str().to_owned();
    let start = out.len();
    json::message(received, stamp, style, out).map_err(|NotJson| PayloadNotJson { topic: topic() })?;
    if to == To::Terminal {
        json::escape_harmful(out, start);
    }
    Ok(())
}

/// A property's value; nothing if it is not there.
fn property<'a>(letter: Letter, properties: Properties<'a>) -> Cow<'a, [u8]> {
    if letter == Letter::UserProperties {
        let pairs: Vec<String> =
            properties.user_properties().map(|(key, value)| format!("{key}:{value}")).collect();
        return pairs.join(" ").into_bytes().into();
    }
    let value = properties.iter().find_map(|property| match (letter, property) {
        (Letter::ContentType, Property::ContentType(text)) => Some(Cow::Borrowed(text.as_bytes())),
        (Letter::ResponseTopic, Property::ResponseTopic(text)) => Some(text.as_bytes().into()),
        (Letter::CorrelationData, Property::CorrelationData(data)) => Some(data.into()),
        (Letter::PayloadFormat, Property::PayloadFormatIndicator(n)) => Some(vec![b'0' + n].into()),
        _ => None,
    });
    value.unwrap_or_default()
}

fn put(letter: Letter, layout: Layout, value: &[u8], out: &mut Vec<u8>) {
    let cuttable =
        matches!(letter, Letter::ContentType | Letter::IsoTime | Letter::ResponseTopic | Letter::Topic);
    let zeroable = matches!(
        letter,
        Letter::TopicAlias
            | Letter::MessageExpiry
            | Letter::PayloadFormat
            | Letter::PayloadLen
            | Letter::PacketId
            | Letter::SubscriptionIds
            | Letter::HexLower
            | Letter::HexUpper
    );
    let value = match layout.maximum.filter(|_| cuttable) {
        Some(maximum) => cut(value, maximum),
        None => value,
    };
    let wide = std::str::from_utf8(value).map_or(value.len(), |text| text.chars().count());
    let padding = layout.width.saturating_sub(wide);
    if layout.left {
        out.extend_from_slice(value);
        out.resize(out.len() + padding, b' ');
    } else {
        let fill = if layout.zero && zeroable { b'0' } else { b' ' };
        out.resize(out.len() + padding, fill);
        out.extend_from_slice(value);
    }
}

/// At most `maximum` characters of a text.
fn cut(value: &[u8], maximum: usize) -> &[u8] {
    let Ok(text) = std::str::from_utf8(value) else { return value };
    let end = text.char_indices().nth(maximum).map_or(value.len(), |(at, _)| at);
    &value[..end]
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> String {
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    pairs.map(|nibble| char::from(digits[usize::from(nibble)])).collect()
}

fn joined(ids: &[u32]) -> String {
    ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{Format, To};
    use super::*;
    use crate::format::json::tests::{STAMP, received};
    use martlet_client::{Message, PropertiesBuf, TopicName};

    fn check(format: &str, expected: &str) {
        let mut out = Vec::new();
        Format::parse(format).unwrap().render(&received(b"{\"a\":1}"), STAMP, To::Pipe, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{format}");
    }

    #[test]
    fn every_letter() {
        for (format, expected) in [
            ("%t|%p|%l|%q|%r|%m", "nest/é|{\"a\":1}|7|1|1|9"),
            ("%x %X", "7b2261223a317d 7B2261223A317D"),
            ("%A|%C|%D|%E|%F|%P|%R|%S", "3|text/plain|c|60|1|k:v k:w|re/ply|7 8"),
            ("%I|%U", "2020-05-06T22:12:07+0000|1588803127.000042000"),
            ("@Y-@m-@d @H:@M:@S.@N", "2020-05-06 22:12:07.000042000"),
        ] {
            check(format, expected);
        }
    }

    #[test]
    fn layouts() {
        for (format, expected) in [
            ("%8t|", "  nest/é|"),
            ("%-8t|", "nest/é  |"),
            ("%.4t|", "nest|"),
            ("%6.2t|", "    ne|"),
            ("%04l %4q %-4l|", "0007    1 7   |"),
            ("%08t", "  nest/é"),
        ] {
            check(format, expected);
        }
    }

    /// A message whose every text would do something to a terminal.
    fn hostile() -> Received {
        let bad = "a\u{1b}[2J\n\u{9b}\u{202e}";
        let mut properties = PropertiesBuf::new();
        for property in [
            Property::ContentType(bad),
            Property::ResponseTopic(bad),
            Property::CorrelationData(b"\x1b\xff\n"),
            Property::UserProperty((bad, bad)),
        ] {
            properties.push(property);
        }
        let (topic, properties) = (TopicName::new(bad).unwrap(), properties.as_bytes());
        let payload = "[\r\n \"\u{7f}\u{9b}\u{202e}\"]".as_bytes();
        let message = Message { topic, properties, payload, expires_at: None, publisher: 0 };
        Received { publication: message.to_publication(), ..received(b"") }
    }

    #[test]
    fn a_terminal_gets_nothing_that_it_acts_on() {
        let shown = |format: &str, to: To| {
            let mut out = Vec::new();
            Format::parse(format).unwrap().render(&hostile(), STAMP, to, &mut out).unwrap();
            out
        };
        for letter in ["t", "C", "R", "D", "P", "p", "j", "J", "20t", ".3t"] {
            let out = String::from_utf8(shown(&format!("%{letter}"), To::Terminal)).unwrap();
            let has = |char: char| char.is_control() && !(char == '\n' && matches!(letter, "p" | "J"));
            assert!(!out.contains(|char| has(char) || char == '\u{202e}'), "{letter}: {out:?}");
        }
        let topic = r"a\x1b[2J\x0a\xc2\x9b\xe2\x80\xae";
        assert_eq!(
            shown("\u{1b}[1m%t\u{1b}[0m", To::Terminal),
            format!("\u{1b}[1m{topic}\u{1b}[0m").into_bytes()
        );
        assert_eq!(shown("%t", To::Pipe), "a\u{1b}[2J\n\u{9b}\u{202e}".as_bytes());
        assert_eq!(
            shown("%D%p", To::Pipe),
            [b"\x1b\xff\n", hostile().publication.message().payload].concat()
        );
        let json: serde_json::Value = serde_json::from_slice(&shown("%J", To::Terminal)).unwrap();
        assert_eq!(json["payload"][0], "\u{7f}\u{9b}\u{202e}");
        assert_eq!(json["topic"], "a\u{1b}[2J\n\u{9b}\u{202e}");
    }

    #[test]
    fn a_payload_that_is_no_json_is_told() {
        let format = Format::parse("%J").unwrap();
        let failed = format.render(&received(b"{a}"), STAMP, To::Pipe, &mut Vec::new());
        assert!(failed.unwrap_err().to_string().contains("nest/é"));
        assert!(format.render(&received(b" [1, \"x\", null] "), STAMP, To::Pipe, &mut Vec::new()).is_ok());
    }
}
