//! A message as one line of JSON. Builds no tree.

use super::date::Stamp;
use super::terminal::is_harmful;
use martlet_client::{Properties, Property, Received};
use serde::de::IgnoredAny;

/// The payload is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotJson;

/// Whether the bytes are one JSON value (RFC 8259), nested 128 times at most.
fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `--json`: what may repeat is a list, and a payload that is no UTF-8 is base64.
    Line,
    /// `%j`: as mosquitto_sub has it, where a name may stand twice.
    Mosquitto,
    /// `%J`: the same with the payload as it is.
    MosquittoRaw,
}

/// Appends the message.
pub(super) fn message(
    received: &Received,
    stamp: Stamp,
    style: Style,
    out: &mut Vec<u8>,
) -> Result<(), NotJson> {
    let message = received.publication.message();
    let raw = style == Style::MosquittoRaw;
    if raw && !is_json(message.payload) {
        return Err(NotJson);
    }
    put(out, &format!("{{\"tst\":\"{}\",\"topic\":", stamp.iso_us()));
    string(message.topic.as_str(), out);
    let (qos, retain) = (received.qos.level(), u8::from(received.retain));
    put(out, &format!(",\"qos\":{qos},\"retain\":{retain},\"payloadlen\":{}", message.payload.len()));
    if let Some(id) = received.qos.packet_id() {
        put(out, &format!(",\"mid\":{id}"));
    }
    properties(received, style, out);
    match std::str::from_utf8(message.payload) {
        _ if raw => {
            put(out, ",\"payload\":");
            out.extend_from_slice(message.payload);
        }
        Ok(text) => {
            put(out, ",\"payload\":");
            string(text, out);
        }
        Err(_) => put(out, &format!(",\"payload_base64\":\"{}\"", base64(message.payload))),
    }
    out.push(b'}');
    Ok(())
}

fn properties(received: &Received, style: Style, out: &mut Vec<u8>) {
    let message = received.publication.message();
    let mut fields = Vec::new();
    for property in Properties::from_checked_bytes(message.properties) {
        match property {
            Property::PayloadFormatIndicator(n) => {
                field("payload-format-indicator", &n.to_string(), &mut fields);
            }
            Property::ContentType(text) => field("content-type", &quoted(text), &mut fields),
            Property::ResponseTopic(text) => field("response-topic", &quoted(text), &mut fields),
            Property::CorrelationData(data) => {
                let data = std::str::from_utf8(data).map_or_else(|_| base64(data), str::to_owned);
                field("correlation-data", &quoted(&data), &mut fields);
            }
            _ => {}
        }
    }
    if let Some(s) = received.expiry_s {
        field("message-expiry-interval", &s.to_string(), &mut fields);
    }
    if let Some(alias) = received.topic_alias {
        field("topic-alias", &alias.to_string(), &mut fields);
    }
    match style {
        Style::Line => lists(received, &mut fields),
        Style::Mosquitto | Style::MosquittoRaw => repeated(received, &mut fields),
    }
    if !fields.is_empty() {
        put(out, &format!(",\"properties\":{{{}}}", fields.join(",")));
    }
}

/// Subscription Identifiers and User Properties as lists.
fn lists(received: &Received, fields: &mut Vec<String>) {
    let ids: Vec<String> = received.subscription_ids.as_slice().iter().map(u32::to_string).collect();
    if !ids.is_empty() {
        field("subscription-identifiers", &format!("[{}]", ids.join(",")), fields);
    }
    let pairs: Vec<String> =
        user_properties(received).map(|(key, value)| format!("[{key},{value}]")).collect();
    if !pairs.is_empty() {
        field("user-properties", &format!("[{}]", pairs.join(",")), fields);
    }
}

/// The same with a name for each.
fn repeated(received: &Received, fields: &mut Vec<String>) {
    for id in received.subscription_ids.as_slice() {
        field("subscription-identifier", &id.to_string(), fields);
    }
    let pairs: Vec<String> = user_properties(received).map(|(key, value)| format!("{key}:{value}")).collect();
    if !pairs.is_empty() {
        field("user-properties", &format!("{{{}}}", pairs.join(",")), fields);
    }
}

fn user_properties(received: &Received) -> impl Iterator<Item = (String, String)> {
    let properties = Properties::from_checked_bytes(received.publication.message().properties);
    properties.user_properties().map(|(key, value)| (quoted(key), quoted(value)))
}

fn field(name: &str, value: &str, fields: &mut Vec<String>) {
    fields.push(format!("\"{name}\":{value}"));
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends a JSON string: printable on any terminal, and the same to whoever reads it as JSON.
fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for char in text.chars() {
        match char {
            '"' => put(out, "\\\""),
            '\\' => put(out, "\\\\"),
            '\n' => put(out, "\\n"),
            '\r' => put(out, "\\r"),
            '\t' => put(out, "\\t"),
            _ if is_harmful(char) => put(out, &escape(char)),
            _ => put(out, char.encode_utf8(&mut [0; 4])),
        }
    }
    out.push(b'"');
}

/// None of the characters that need it is beyond U+FFFF.
fn escape(char: char) -> String {
    format!("\\u{:04x}", u32::from(char))
}

/// Escapes in `out[from..]`, which is JSON, what a terminal might act on: it stands in strings, or is a carriage return
/// between two values.
pub(super) fn escape_harmful(out: &mut Vec<u8>, from: usize) {
    let is_bad = |char: char| is_harmful(char) && !matches!(char, '\n' | '\t');
    let Ok(text) = std::str::from_utf8(&out[from..]) else { return };
    if !text.contains(is_bad) {
        return;
    }
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\r' => shown.push(' '),
            _ if is_bad(char) => shown.push_str(&escape(char)),
            _ => shown.push(char),
        }
    }
    out.truncate(from);
    out.extend_from_slice(shown.as_bytes());
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| chunk.get(at).copied().map_or(0, u32::from));
        let word = a << 16 | b << 8 | c;
        for digit in 0..4 {
            let value = word >> (18 - 6 * digit) & 0x3f;
            out.push(if digit > chunk.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use martlet_client::{Message, PropertiesBuf, TopicName};

    pub(in crate::format) const STAMP: Stamp = Stamp { s: 1_588_803_127, ns: 42_000 };

    /// QoS 1, retained, with every property.
    pub(in crate::format) fn received(payload: &[u8]) -> Received {
        let mut properties = PropertiesBuf::new();
        for property in [
            Property::PayloadFormatIndicator(1),
            Property::ContentType("text/plain"),
            Property::ResponseTopic("re/ply"),
            Property::CorrelationData(b"c"),
            Property::UserProperty(("k", "v")),
            Property::UserProperty(("k", "w")),
        ] {
            properties.push(property);
        }
        let (topic, properties) = (TopicName::new("nest/é").unwrap(), properties.as_bytes());
        let message = Message { topic, properties, payload, expires_at: None, publisher: 0 };
        Received {
            publication: message.to_publication(),
            qos: martlet_client::QoS::AtLeastOnce(martlet_client::PacketId::new(9).unwrap()),
            dup: false,
            retain: true,
            subscription_ids: martlet_client::SubscriptionIds::new(&[7, 8]),
            topic_alias: Some(3),
            expiry_s: Some(60),
        }
    }

    #[test]
    fn a_line() {
        let mut out = Vec::new();
        message(&received(b"a\"\n\x01"), STAMP, Style::Line, &mut out).unwrap();
        let expected = concat!(
            r#"{"tst":"2020-05-06T22:12:07.000042+0000","topic":"nest/é","qos":1,"retain":1,"payloadlen":4,"mid":9,"#,
            r#""properties":{"payload-format-indicator":1,"content-type":"text/plain","response-topic":"re/ply","#,
            r#""correlation-data":"c","message-expiry-interval":60,"topic-alias":3,"subscription-identifiers":[7,8],"#,
            r#""user-properties":[["k","v"],["k","w"]]},"payload":"a\"\n\u0001"}"#
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert!(is_json(expected.as_bytes()));
    }

    #[test]
    fn a_line_of_mosquittos() {
        let mut out = Vec::new();
        message(&received(b"[1]"), STAMP, Style::MosquittoRaw, &mut out).unwrap();
        let line = String::from_utf8(out).unwrap();
        let end = r#""subscription-identifier":7,"subscription-identifier":8,"user-properties":{"k":"v","k":"w"}},"payload":[1]}"#;
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn strings_have_nothing_that_a_terminal_acts_on() {
        let shown = |text: &str| quoted(text);
        assert_eq!(shown("a\u{1b}[2J\u{9b}m\u{7f}\u{85}"), r#""a\u001b[2J\u009bm\u007f\u0085""#);
        assert_eq!(shown("\u{202e}x\u{e9}\u{1f98a}"), "\"\\u202ex\u{e9}\u{1f98a}\"");
        let text = "\u{1}\u{9f}\u{2066}\u{e9}\n\"\\";
        assert_eq!(serde_json::from_str::<String>(&shown(text)).unwrap(), text);
    }

    #[test]
    fn bytes_are_base64() {
        let mut out = Vec::new();
        message(&received(b"\xff"), STAMP, Style::Line, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().ends_with(r#""payload_base64":"/w=="}"#));
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn what_is_json() {
        for good in ["0", "-1.5e+3", "\"\\u00e9\\n\"", "[]", "{}", " {\"a\" : [1, {\"b\":null}]} ", "true"] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "01",
            "1.",
            "-",
            "[1,]",
            "{a:1}",
            "{\"a\"}",
            "\"\\x\"",
            "\"\n\"",
            "1 2",
            "tru",
            "[",
            "\"\\u12\"",
        ] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
        assert!(!is_json(&[b'['; 100_000]), "no stack is deep enough");
        assert!(!is_json(b"\xff"));
    }
}
