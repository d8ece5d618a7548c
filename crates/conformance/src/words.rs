//! Packets of a client as words, encoded by hand, so that they can be wrong in every way that a test asks for.
//!
//! ```text
//! connect      clean=0 keep=10 id=x user=u pass=p will=TOPIC,PAYLOAD,1,retain expiry=100 will.delay=5 level=9 name=MQTT
//! publish      TOPIC PAYLOAD [QOS#ID] [dup] [retain] [alias=1 ...]
//! subscribe    ID FILTER[@OPTIONS]... [sub=7]       options: maximum QoS, n(o local), p(ublished), h1, h2; or x and a hex byte
//! unsubscribe  ID FILTER...
//! puback       ID [REASON]                          and pubrec, pubrel, pubcomp
//! disconnect   [REASON] [expiry=5]
//! auth         REASON method=m data=d
//! ping
//! hex          30 05 00 01 ...
//! ```
//! `-` is an empty text, `*100` a text of 100 bytes and `a*100` one of 101, `%00` a byte. Any packet may be bent: `first=36` (its first byte),
//! `at=9:03` (another one), `raw=2401` (more property bytes), `append=00` (more bytes of the body).

use martlet_codec::{Version, put_varint};

/// Longer than any test. Not 0, which some brokers refuse: that decides one test, and not all of them.
const KEEP_ALIVE_S: u16 = 60;

/// How a property's value is written.
#[derive(Clone, Copy)]
enum Form {
    Byte,
    Two,
    Four,
    Variable,
    Text,
    Pair,
}

/// Properties by their words, also those that only a server may send.
#[rustfmt::skip]
const PROPERTIES: [(&str, u8, Form); 27] = [
    ("format", 0x01, Form::Byte), ("mexp", 0x02, Form::Four), ("ctype", 0x03, Form::Text), ("resp", 0x08, Form::Text),
    ("corr", 0x09, Form::Text), ("sub", 0x0b, Form::Variable), ("expiry", 0x11, Form::Four), ("assigned", 0x12, Form::Text),
    ("serverkeep", 0x13, Form::Two), ("method", 0x15, Form::Text), ("data", 0x16, Form::Text), ("problem", 0x17, Form::Byte),
    ("delay", 0x18, Form::Four), ("respinfo", 0x19, Form::Byte), ("info", 0x1a, Form::Text), ("server", 0x1c, Form::Text),
    ("reason", 0x1f, Form::Text), ("rm", 0x21, Form::Two), ("aliasmax", 0x22, Form::Two), ("alias", 0x23, Form::Two),
    ("maxqos", 0x24, Form::Byte), ("retain", 0x25, Form::Byte), ("prop", 0x26, Form::Pair), ("max", 0x27, Form::Four),
    ("wildcards", 0x28, Form::Byte), ("subids", 0x29, Form::Byte), ("shared", 0x2a, Form::Byte),
];

/// What may be set beside properties.
const SETTINGS: [&str; 11] =
    ["clean", "keep", "id", "user", "pass", "will", "level", "name", "first", "at", "append"];

/// What a CONNECT says unless its words say otherwise.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) version: Version,
    pub(super) client_id: String,
    pub(super) user_name: Option<String>,
    pub(super) password: Option<Vec<u8>>,
}

/// The frame that `text` means; an error if it means none.
pub(super) fn frame(who: &Who, text: &str) -> Result<Vec<u8>, String> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    if verb == "hex" {
        return hex(rest);
    }
    let line = Line::read(rest)?;
    let (first, mut body) = line.packet(who, verb).ok_or_else(|| format!("no packet: {text}"))??;
    body.extend(hex(line.setting("append").unwrap_or(""))?);
    let mut frame = vec![line.setting("first").map_or(Ok(first), byte)?];
    put_varint(&mut frame, body.len() as u32);
    frame.extend(body);
    if let Some(bent) = line.setting("at") {
        let (at, value) = bent.split_once(':').ok_or("at=INDEX:BYTE")?;
        *frame.get_mut(number::<usize>(at)?).ok_or("at: beyond the end")? = byte(value)?;
    }
    Ok(frame)
}

/// Words, sorted by what they are.
#[derive(Default)]
struct Line<'a> {
    plain: Vec<&'a str>,
    settings: Vec<(&'a str, &'a str)>,
    properties: Vec<u8>,
    will_properties: Vec<u8>,
}

impl<'a> Line<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        let mut line = Line::default();
        for word in text.split_whitespace() {
            let Some((key, value)) = word.split_once('=') else {
                line.plain.push(word);
                continue;
            };
            let (key, block) = match key.strip_prefix("will.") {
                Some(key) => (key, &mut line.will_properties),
                None => (key, &mut line.properties),
            };
            match PROPERTIES.iter().find(|(name, ..)| *name == key) {
                Some((_, id, form)) => put_property(block, *id, *form, value)?,
                None if key == "raw" => block.extend(hex(value)?),
                None if SETTINGS.contains(&key) => line.settings.push((key, value)),
                None => return Err(format!("no such setting: {word}")),
            }
        }
        Ok(line)
    }
    fn setting(&self, key: &str) -> Option<&'a str> {
        self.settings.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }
    fn has(&self, word: &str) -> bool {
        self.plain.contains(&word)
    }
    fn word(&self, at: usize) -> Result<&'a str, String> {
        self.plain.get(at).copied().ok_or_else(|| format!("word {at} is missing"))
    }
    fn id(&self) -> Result<Vec<u8>, String> {
        Ok(number::<u16>(self.word(0)?)?.to_be_bytes().to_vec())
    }

    /// The first byte and the body.
    fn packet(&self, who: &Who, verb: &str) -> Option<Result<(u8, Vec<u8>), String>> {
        let version = who.version;
        let with = |first: u8, body: Result<Vec<u8>, String>| Some(body.map(|body| (first, body)));
        match verb {
            "connect" => with(0x10, self.connect(who)),
            "publish" => Some(self.publish(version)),
            "puback" => with(0x40, self.id().and_then(|id| self.tail(version, id, 1))),
            "pubrec" => with(0x50, self.id().and_then(|id| self.tail(version, id, 1))),
            "pubrel" => with(0x62, self.id().and_then(|id| self.tail(version, id, 1))),
            "pubcomp" => with(0x70, self.id().and_then(|id| self.tail(version, id, 1))),
            "subscribe" => with(0x82, self.subscribe(version)),
            "unsubscribe" => with(0xa2, self.unsubscribe(version)),
            "ping" => with(0xc0, Ok(Vec::new())),
            "disconnect" => with(0xe0, self.tail(version, Vec::new(), 0)),
            "auth" => with(0xf0, self.tail(version, Vec::new(), 0)),
            _ => None,
        }
    }

    fn connect(&self, who: &Who) -> Result<Vec<u8>, String> {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let will: Option<Vec<&str>> = self.setting("will").map(|will| will.split(',').collect());
        let user = self.setting("user").map(text).transpose()?;
        let user = user.or_else(|| who.user_name.clone().map(String::into_bytes));
        let pass = self.setting("pass").map(text).transpose()?.or_else(|| who.password.clone());
        let will_flags = match &will {
            Some(will) => {
                0x04 | byte(will.get(2).unwrap_or(&"0"))? << 3 | bit(will.get(3) == Some(&"retain"), 0x20)
            }
            None => 0,
        };
        let is_clean = self.setting("clean") != Some("0");
        let mut body = Vec::new();
        put_text(&mut body, self.setting("name").unwrap_or(who.version.protocol_name()).as_bytes());
        body.push(self.setting("level").map_or(Ok(who.version as u8), number)?);
        body.push(bit(is_clean, 0x02) | bit(user.is_some(), 0x80) | bit(pass.is_some(), 0x40) | will_flags);
        body.extend(self.setting("keep").map_or(Ok(KEEP_ALIVE_S), number::<u16>)?.to_be_bytes());
        put_properties(&mut body, who.version, &self.properties);
        put_text(&mut body, &text(self.setting("id").unwrap_or(&who.client_id))?);
        if let Some(will) = will {
            put_properties(&mut body, who.version, &self.will_properties);
            put_text(&mut body, &text(will[0])?);
            put_text(&mut body, &text(will.get(1).ok_or("will=TOPIC,PAYLOAD")?)?);
        }
        user.iter().chain(&pass).for_each(|value| put_text(&mut body, value));
        Ok(body)
    }

    fn publish(&self, version: Version) -> Result<(u8, Vec<u8>), String> {
        let quality = self.plain.iter().skip(2).find_map(|word| word.split_once('#'));
        let qos = quality.map_or(Ok(0), |(qos, _)| number::<u8>(qos))?;
        let mut body = Vec::new();
        put_text(&mut body, &text(self.word(0)?)?);
        if let Some((_, id)) = quality {
            body.extend(number::<u16>(id)?.to_be_bytes());
        }
        put_properties(&mut body, version, &self.properties);
        body.extend(text(self.word(1)?)?);
        Ok((0x30 | u8::from(self.has("dup")) << 3 | qos << 1 | u8::from(self.has("retain")), body))
    }

    fn subscribe(&self, version: Version) -> Result<Vec<u8>, String> {
        let mut body = self.id()?;
        put_properties(&mut body, version, &self.properties);
        for word in &self.plain[1..] {
            let (filter, options) = word.split_once('@').unwrap_or((word, "0"));
            put_text(&mut body, &text(filter)?);
            body.push(match options.strip_prefix('x') {
                Some(raw) => byte(raw)?,
                None => [("n", 0x04), ("p", 0x08), ("h1", 0x10), ("h2", 0x20)]
                    .iter()
                    .filter(|(word, _)| options.contains(word))
                    .fold(byte(&options[..1])?, |all, (_, bits)| all | bits),
            });
        }
        Ok(body)
    }

    fn unsubscribe(&self, version: Version) -> Result<Vec<u8>, String> {
        let mut body = self.id()?;
        put_properties(&mut body, version, &self.properties);
        for filter in &self.plain[1..] {
            put_text(&mut body, &text(filter)?);
        }
        Ok(body)
    }

    /// A reason code and properties, left out where they say nothing.
    fn tail(&self, version: Version, mut body: Vec<u8>, at: usize) -> Result<Vec<u8>, String> {
        let reason = self.plain.get(at).map(|reason| byte(reason)).transpose()?;
        if version.is_v5() && (reason.is_some() || !self.properties.is_empty()) {
            body.push(reason.unwrap_or(0));
            if !self.properties.is_empty() {
                put_properties(&mut body, version, &self.properties);
            }
        }
        Ok(body)
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text);
}

fn put_properties(out: &mut Vec<u8>, version: Version, properties: &[u8]) {
    if version.is_v5() {
        put_varint(out, properties.len() as u32);
        out.extend_from_slice(properties);
    }
}

fn put_property(out: &mut Vec<u8>, id: u8, form: Form, value: &str) -> Result<(), String> {
    out.push(id);
    match form {
        Form::Byte => out.push(number(value)?),
        Form::Two => out.extend_from_slice(&number::<u16>(value)?.to_be_bytes()),
        Form::Four => out.extend_from_slice(&number::<u32>(value)?.to_be_bytes()),
        Form::Variable => put_varint(out, number(value)?),
        Form::Text => put_text(out, &text(value)?),
        Form::Pair => {
            let (key, value) = value.split_once(':').ok_or("prop=KEY:VALUE")?;
            put_text(out, &text(key)?);
            put_text(out, &text(value)?);
        }
    }
    Ok(())
}

fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("no number: {word}"))
}

fn byte(word: &str) -> Result<u8, String> {
    u8::from_str_radix(word, 16).map_err(|_| format!("no hexadecimal byte: {word}"))
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| byte(&pair.iter().collect::<String>())).collect()
}

/// The bytes that a word of text stands for.
fn text(word: &str) -> Result<Vec<u8>, String> {
    if word == "-" {
        return Ok(Vec::new());
    }
    if let Some((start, len)) = word.rsplit_once('*') {
        let start = if start.is_empty() { Vec::new() } else { text(start)? };
        return Ok([start, vec![b'x'; number(len)?]].concat());
    }
    let mut parts = word.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).ok_or_else(|| format!("two digits after each %: {word}"))?;
        out.push(byte(digits)?);
        out.extend_from_slice(&part.as_bytes()[2..]);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_and_bent_ones() {
        let who = Who { version: Version::V311, client_id: "i".to_owned(), user_name: None, password: None };
        let bytes = |text: &str| frame(&who, text).unwrap();
        assert_eq!(bytes("publish t/%00 hi 1#2"), b"\x32\x09\x00\x03t/\0\0\x02hi");
        assert_eq!(bytes("ping first=c1 append=07"), b"\xc1\x01\x07");
        assert_eq!(bytes("connect at=9:03")[9], 3);
        assert_eq!(bytes("subscribe 1 a@2 -@xff"), b"\x82\x09\0\x01\0\x01a\x02\0\0\xff");
        assert_eq!(bytes("publish t/*3 -"), b"\x30\x07\x00\x05t/xxx");
        assert!(frame(&who, "publish t").is_err());
        assert!(frame(&who, "publish t p qso=1").is_err());
        assert!(frame(&who, "sing").is_err());
    }
}
