//! A message as one line of JSON, and a check whether a payload is JSON. Builds no tree.

use super::date::Stamp;
use martlet_client::{Properties, Property, Received};

/// JSON nested deeper is taken for no JSON.
const DEPTH_MAX: usize = 128;

/// The payload is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotJson;

/// Appends the message: with `quoted` its payload is a string, or base64 where it is no UTF-8; otherwise it stands
/// as it is.
pub(super) fn message(
    received: &Received,
    stamp: Stamp,
    quoted: bool,
    out: &mut Vec<u8>,
) -> Result<(), NotJson> {
    let message = received.publication.message();
    if !quoted && !is_json(message.payload) {
        return Err(NotJson);
    }
    put(out, &format!("{{\"tst\":\"{}\",\"topic\":", stamp.iso_us()));
    string(message.topic.as_str(), out);
    let (qos, retain) = (received.qos.level(), u8::from(received.retain));
    put(out, &format!(",\"qos\":{qos},\"retain\":{retain},\"payloadlen\":{}", message.payload.len()));
    if let Some(id) = received.qos.packet_id() {
        put(out, &format!(",\"mid\":{id}"));
    }
    properties(received, out);
    match std::str::from_utf8(message.payload) {
        _ if !quoted => {
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

fn properties(received: &Received, out: &mut Vec<u8>) {
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
    let ids = received.subscription_ids.as_slice();
    if !ids.is_empty() {
        let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
        field("subscription-identifiers", &format!("[{}]", ids.join(",")), &mut fields);
    }
    let pairs = Properties::from_checked_bytes(message.properties).user_properties();
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("[{},{}]", quoted(key), quoted(value))).collect();
    if !pairs.is_empty() {
        field("user-properties", &format!("[{}]", pairs.join(",")), &mut fields);
    }
    if !fields.is_empty() {
        put(out, &format!(",\"properties\":{{{}}}", fields.join(",")));
    }
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

/// Appends a JSON string.
fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => put(out, "\\\""),
            b'\\' => put(out, "\\\\"),
            b'\n' => put(out, "\\n"),
            b'\r' => put(out, "\\r"),
            b'\t' => put(out, "\\t"),
            0..0x20 | 0x7f => put(out, &format!("\\u{byte:04x}")),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
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

/// Whether the bytes are one JSON value (RFC 8259).
fn is_json(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut scan = Scan(text.as_bytes());
    scan.value(DEPTH_MAX).is_some() && scan.blank().0.is_empty()
}

/// What is left of a JSON text. Each method takes what it names, or gives `None`.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn blank(&mut self) -> &mut Self {
        self.0 = self.0.trim_ascii_start();
        self
    }
    fn take(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.blank().0.first()? {
            b'{' | b'[' if depth == 0 => None,
            b'{' => self.list(b"{", b"}", |scan| {
                scan.blank().string()?;
                scan.blank().take(b":")?;
                scan.value(depth - 1)
            }),
            b'[' => self.list(b"[", b"]", |scan| scan.value(depth - 1)),
            b'"' => self.string(),
            b't' => self.take(b"true"),
            b'f' => self.take(b"false"),
            b'n' => self.take(b"null"),
            _ => self.number(),
        }
    }
    fn list(
        &mut self,
        open: &[u8],
        close: &[u8],
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        if self.blank().take(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.blank().take(close).is_some() {
                return Some(());
            }
            self.take(b",")?;
        }
    }
    fn string(&mut self) -> Option<()> {
        self.take(b"\"")?;
        loop {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            match first {
                b'"' => return Some(()),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    match escaped {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let (digits, rest) = self.0.split_at_checked(4)?;
                            self.0 = digits.iter().all(u8::is_ascii_hexdigit).then_some(rest)?;
                        }
                        _ => return None,
                    }
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }
    fn number(&mut self) -> Option<()> {
        let _ = self.take(b"-");
        if self.take(b"0").is_none() {
            self.digits()?;
        }
        if self.take(b".").is_some() {
            self.digits()?;
        }
        if self.take(b"e").or_else(|| self.take(b"E")).is_some() {
            let _ = self.take(b"+").or_else(|| self.take(b"-"));
            self.digits()?;
        }
        Some(())
    }
    fn digits(&mut self) -> Option<()> {
        let len = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &self.0[len..];
        (len > 0).then_some(())
    }
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
        message(&received(b"a\"\n\x01"), STAMP, true, &mut out).unwrap();
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
    fn bytes_are_base64() {
        let mut out = Vec::new();
        message(&received(b"\xff"), STAMP, true, &mut out).unwrap();
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
