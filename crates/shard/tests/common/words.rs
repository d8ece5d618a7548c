//! Packets of a client as lines of words, encoded by hand: what they mean is for the shard to find out.
//!
//! ```text
//! connect      v5 clean=0 keep=10 id=x user=u pass=p will=topic,payload,1,retain expiry=100 will.delay=5
//! publish      TOPIC PAYLOAD [QOS#ID] [dup] [retain] [alias=1 mexp=60 user=k:v ...]
//! subscribe    ID FILTER[@OPTIONS]... [sub=7]       options: maximum QoS, n(o local), (retain as) p(ublished), h1, h2
//! unsubscribe  ID FILTER...
//! puback       ID [REASON]                          and pubrec, pubrel, pubcomp
//! disconnect   [REASON] [expiry=5]
//! auth         REASON method=m data=d
//! ping
//! hex          30 05 00 01 ...
//! ```
//! `-` is an empty topic or payload, `*100` a payload of 100 bytes.

use martlet_codec::Version;

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

/// Properties by the words of these tests.
#[rustfmt::skip]
const PROPERTIES: [(&str, u8, Form); 18] = [
    ("format", 0x01, Form::Byte), ("mexp", 0x02, Form::Four), ("ctype", 0x03, Form::Text), ("resp", 0x08, Form::Text),
    ("corr", 0x09, Form::Text), ("sub", 0x0b, Form::Variable), ("expiry", 0x11, Form::Four), ("method", 0x15, Form::Text),
    ("data", 0x16, Form::Text), ("problem", 0x17, Form::Byte), ("delay", 0x18, Form::Four), ("respinfo", 0x19, Form::Byte),
    ("reason", 0x1f, Form::Text), ("rm", 0x21, Form::Two), ("aliasmax", 0x22, Form::Two), ("alias", 0x23, Form::Two),
    ("prop", 0x26, Form::Pair), ("max", 0x27, Form::Four),
];

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text);
}

fn put_varint(out: &mut Vec<u8>, mut n: usize) {
    loop {
        let byte = (n % 128) as u8;
        n /= 128;
        out.push(byte | if n > 0 { 0x80 } else { 0 });
        if n == 0 {
            return;
        }
    }
}

fn put_property(out: &mut Vec<u8>, (id, form): (u8, Form), value: &str) {
    out.push(id);
    let number = || value.parse::<u32>().unwrap();
    match form {
        Form::Byte => out.push(number() as u8),
        Form::Two => out.extend_from_slice(&(number() as u16).to_be_bytes()),
        Form::Four => out.extend_from_slice(&number().to_be_bytes()),
        Form::Variable => put_varint(out, number() as usize),
        Form::Text => put_text(out, value.as_bytes()),
        Form::Pair => {
            let (key, value) = value.split_once(':').unwrap();
            put_text(out, key.as_bytes());
            put_text(out, value.as_bytes());
        }
    }
}

/// A line, sorted by what its words are.
#[derive(Default)]
struct Line<'a> {
    plain: Vec<&'a str>,
    settings: Vec<(&'a str, &'a str)>,
    properties: Vec<u8>,
    will_properties: Vec<u8>,
}

impl<'a> Line<'a> {
    fn read(text: &'a str) -> Self {
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
                Some((_, id, form)) => put_property(block, (*id, *form), value),
                None => line.settings.push((key, value)),
            }
        }
        line
    }
    fn setting(&self, key: &str) -> Option<&'a str> {
        self.settings.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }
    fn has(&self, word: &str) -> bool {
        self.plain.contains(&word)
    }
    fn id(&self) -> [u8; 2] {
        self.plain[0].parse::<u16>().unwrap().to_be_bytes()
    }
}

fn put_properties(out: &mut Vec<u8>, version: Version, properties: &[u8]) {
    if version.is_v5() {
        put_varint(out, properties.len());
        out.extend_from_slice(properties);
    }
}

fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    put_varint(&mut out, body.len());
    out.extend_from_slice(body);
    out
}

/// The version that a line of `connect` asks for; 5.0 unless it says otherwise.
pub(crate) fn version(line: &str) -> Version {
    match line.split_whitespace().next() {
        Some("v31") => Version::V31,
        Some("v311") => Version::V311,
        _ => Version::V5,
    }
}

/// The CONNECT of a client that is called `name` unless the line has an `id`.
pub(crate) fn connect(name: &str, text: &str) -> Vec<u8> {
    let (version, line) = (version(text), Line::read(text));
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    let will: Option<Vec<&str>> = line.setting("will").map(|will| will.split(',').collect());
    let will_flags = will.as_ref().map_or(0, |will| {
        let qos = will.get(2).map_or(0, |qos| qos.parse::<u8>().unwrap());
        0x04 | qos << 3 | bit(will.get(3) == Some(&"retain"), 0x20)
    });
    let (user, pass) = (line.setting("user"), line.setting("pass"));
    let flags = bit(line.setting("clean") != Some("0"), 0x02)
        | bit(user.is_some(), 0x80)
        | bit(pass.is_some(), 0x40)
        | will_flags;
    let mut body = Vec::new();
    put_text(&mut body, version.protocol_name().as_bytes());
    body.extend_from_slice(&[version as u8, flags]);
    let keep_alive = line.setting("keep").map_or(0, |s| s.parse::<u16>().unwrap());
    body.extend_from_slice(&keep_alive.to_be_bytes());
    put_properties(&mut body, version, &line.properties);
    put_text(&mut body, line.setting("id").unwrap_or(name).as_bytes());
    if let Some(will) = will {
        put_properties(&mut body, version, &line.will_properties);
        put_text(&mut body, will[0].as_bytes());
        put_text(&mut body, &payload(will[1]));
    }
    for text in [user, pass].into_iter().flatten() {
        put_text(&mut body, text.as_bytes());
    }
    frame(0x10, &body)
}

/// Any other packet.
pub(crate) fn packet(version: Version, text: &str) -> Vec<u8> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let line = Line::read(rest);
    match verb {
        "publish" => publish(version, &line),
        "subscribe" => subscribe(version, &line),
        "unsubscribe" => {
            let mut body = line.id().to_vec();
            put_properties(&mut body, version, &line.properties);
            line.plain[1..].iter().for_each(|filter| put_text(&mut body, filter.as_bytes()));
            frame(0xa2, &body)
        }
        "puback" => acknowledge(0x40, version, &line),
        "pubrec" => acknowledge(0x50, version, &line),
        "pubrel" => acknowledge(0x62, version, &line),
        "pubcomp" => acknowledge(0x70, version, &line),
        "disconnect" => tail(0xe0, version, Vec::new(), line.plain.first(), &line.properties),
        "auth" => tail(0xf0, version, Vec::new(), line.plain.first(), &line.properties),
        "ping" => frame(0xc0, &[]),
        "hex" => hex(rest),
        _ => panic!("{text}: no such packet"),
    }
}

/// The bytes that hexadecimal digits say.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn payload(word: &str) -> Vec<u8> {
    match word.strip_prefix('*') {
        _ if word == "-" => Vec::new(),
        Some(len) => vec![b'x'; len.parse().unwrap()],
        None => word.as_bytes().to_vec(),
    }
}

fn publish(version: Version, line: &Line<'_>) -> Vec<u8> {
    let quality = line.plain[2..].iter().find_map(|word| word.split_once('#'));
    let qos = quality.map_or(0, |(qos, _)| qos.parse::<u8>().unwrap());
    let mut body = Vec::new();
    put_text(&mut body, &payload(line.plain[0]));
    if let Some((_, id)) = quality {
        body.extend_from_slice(&id.parse::<u16>().unwrap().to_be_bytes());
    }
    put_properties(&mut body, version, &line.properties);
    body.extend_from_slice(&payload(line.plain[1]));
    let flags = u8::from(line.has("dup")) << 3 | qos << 1 | u8::from(line.has("retain"));
    frame(0x30 | flags, &body)
}

fn subscribe(version: Version, line: &Line<'_>) -> Vec<u8> {
    let mut body = line.id().to_vec();
    put_properties(&mut body, version, &line.properties);
    for word in &line.plain[1..] {
        let (filter, options) = word.split_once('@').unwrap_or((word, "0"));
        put_text(&mut body, filter.as_bytes());
        let mut byte = options.as_bytes()[0] - b'0';
        for (word, bits) in [("n", 0x04), ("p", 0x08), ("h1", 0x10), ("h2", 0x20)] {
            byte |= if options.contains(word) { bits } else { 0 };
        }
        body.push(byte);
    }
    frame(0x82, &body)
}

fn acknowledge(first: u8, version: Version, line: &Line<'_>) -> Vec<u8> {
    tail(first, version, line.id().to_vec(), line.plain.get(1), &line.properties)
}

/// A reason code and properties, left out where they say nothing.
fn tail(first: u8, version: Version, mut body: Vec<u8>, reason: Option<&&str>, properties: &[u8]) -> Vec<u8> {
    if version.is_v5() && (reason.is_some() || !properties.is_empty()) {
        body.push(reason.map_or(0, |reason| u8::from_str_radix(reason, 16).unwrap()));
        if !properties.is_empty() {
            put_properties(&mut body, version, properties);
        }
    }
    frame(first, &body)
}
