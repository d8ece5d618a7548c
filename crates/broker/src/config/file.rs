//! TOML to [`Config`], by walking the document: every fault is found, each with its place.

use super::fault::{BadConfig, ConfigFault};
use super::options::{NUMBERS, Number};
use super::{Config, ListenerConfig};
use martlet_net::{Address, Endpoint};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

const LISTENERS: &str = "listeners";
const LISTENER: &str = "listener";
const URL: &str = "url";
const ALLOW_ANONYMOUS: &str = "allow_anonymous";
const ALLOW_CONTROL_CHARACTERS: &str = "allow_control_characters";
const MODE: &str = "mode";
/// The options of a [[listener]].
const OF_LISTENER: [&str; 4] = [URL, ALLOW_ANONYMOUS, ALLOW_CONTROL_CHARACTERS, MODE];

const MOSQUITTO: &str = "this is no TOML: it looks like a mosquitto.conf, which this version does not read; \
                         write for example listeners = [\"mqtt://127.0.0.1:1883\"]";

type Value<'t> = Spanned<DeValue<'t>>;

pub(super) fn read(text: &str, file: &str) -> Result<Config, BadConfig> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader =
        Reader { file, text, config: Config::default(), listeners: Vec::new(), faults: Vec::new() };
    if !errors.is_empty()
        && let Some(place) = mosquitto_option(text)
    {
        reader.fault(place, MOSQUITTO.to_owned());
        return reader.finish();
    }
    // What follows the first of them is mostly its consequence.
    if let Some(error) = errors.first() {
        let (place, what) = syntax_fault(text, error);
        reader.fault(place, what);
    }
    if reader.faults.is_empty() {
        reader.document(document.get_ref());
        reader.relations(document.get_ref());
    }
    reader.finish()
}

struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    config: Config,
    listeners: Vec<ListenerConfig>,
    faults: Vec<ConfigFault>,
}

impl Reader<'_> {
    fn fault(&mut self, span: Range<usize>, what: String) {
        self.faults.push(ConfigFault::at(self.file, self.text, span, what));
    }

    fn finish(mut self) -> Result<Config, BadConfig> {
        if !self.faults.is_empty() {
            self.faults.sort_by_key(|fault| (fault.line, fault.column));
            return Err(BadConfig(self.faults));
        }
        if !self.listeners.is_empty() {
            self.config.listeners = self.listeners;
        }
        Ok(self.config)
    }

    fn document(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                LISTENERS => self.urls(value),
                LISTENER => self.listener_tables(value),
                name => match NUMBERS.iter().find(|number| number.name == name) {
                    Some(number) => self.number(number, value),
                    None if OF_LISTENER.contains(&name) => {
                        let what =
                            format!("`{name}` is an option of a listener: write it below [[listener]]");
                        self.fault(key.span(), what);
                    }
                    None => {
                        let what = unknown_here(name, value);
                        self.fault(key.span(), what);
                    }
                },
            }
        }
    }

    fn number(&mut self, number: &Number, value: &Value<'_>) {
        let found = value.get_ref().as_integer();
        let found = found.and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        match found.filter(|n| (number.min..=number.max).contains(n)) {
            Some(n) => (number.set)(&mut self.config, n),
            None => self.fault(value.span(), number.takes()),
        }
    }

    fn urls(&mut self, value: &Value<'_>) {
        if has_tables(value) {
            let what = "`listeners` is a list of URLs; a listener with options is a table: [[listener]]";
            return self.fault(value.span(), what.to_owned());
        }
        let Some(list) = self.list(value, "`listeners` is a list of URLs: [\"mqtt://127.0.0.1:1883\"]")
        else {
            return;
        };
        for item in list.iter() {
            if let Some(listener) = self.url(item) {
                self.listeners.push(listener);
            }
        }
    }

    fn listener_tables(&mut self, value: &Value<'_>) {
        let what = "write each listener as a table: [[listener]]";
        let Some(list) = self.list(value, what) else { return };
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(table) => self.listener(item.span(), table),
                None => self.fault(item.span(), what.to_owned()),
            }
        }
    }

    fn listener(&mut self, span: Range<usize>, table: &DeTable<'_>) {
        let (mut listener, mut allow_anonymous, mut mode) = (None, None, None);
        let mut has_url = false; // or what may have been meant as one
        let mut allow_control_characters = true;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                URL => {
                    has_url = true;
                    listener = self.url(value);
                }
                ALLOW_ANONYMOUS => allow_anonymous = self.boolean(ALLOW_ANONYMOUS, value),
                ALLOW_CONTROL_CHARACTERS => {
                    allow_control_characters = self.boolean(ALLOW_CONTROL_CHARACTERS, value).unwrap_or(true);
                }
                MODE => mode = self.mode(value).map(|mode| (value.span(), mode)),
                name if is_global(name) => {
                    let what = format!(
                        "`{name}` is not an option of a listener: move it above the first [[listener]]"
                    );
                    self.fault(key.span(), what);
                }
                name => {
                    has_url |= nearest(name, OF_LISTENER.into_iter()).is_none_or(|option| option == URL)
                        && nearest(name, globals()).is_none();
                    let what = unknown_in_listener(name);
                    self.fault(key.span(), what);
                }
            }
        }
        if !has_url {
            self.fault(span, "a listener needs `url`: url = \"mqtt://127.0.0.1:1883\"".to_owned());
        }
        let Some(mut listener) = listener else { return };
        if let Some((span, mode)) = mode {
            if matches!(listener.endpoint.address, Address::Tcp { .. }) {
                self.fault(span, format!("`{MODE}` is for Unix sockets: {} has no file", listener.endpoint));
            }
            listener.mode = mode;
        }
        self.listeners.push(ListenerConfig { allow_anonymous, allow_control_characters, ..listener });
    }

    fn boolean(&mut self, name: &str, value: &Value<'_>) -> Option<bool> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.fault(value.span(), format!("`{name}` is true or false"));
        }
        found
    }

    /// Permissions, as `chmod` takes them.
    fn mode(&mut self, value: &Value<'_>) -> Option<u32> {
        let is_octal = |text: &&str| text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let text = value.get_ref().as_str().filter(|text| (3..=4).contains(&text.len())).filter(is_octal);
        let mode = text.and_then(|text| u32::from_str_radix(text, 8).ok()).filter(|mode| *mode <= 0o777);
        if mode.is_none() {
            self.fault(
                value.span(),
                format!("`{MODE}` is three octal digits in quotes, as for chmod: \"660\""),
            );
        }
        mode
    }

    fn url(&mut self, value: &Value<'_>) -> Option<ListenerConfig> {
        let Some(text) = value.get_ref().as_str() else {
            self.fault(value.span(), "a listener is a URL in quotes: \"mqtt://127.0.0.1:1883\"".to_owned());
            return None;
        };
        let fault = match text.parse::<Endpoint>() {
            Ok(endpoint) if endpoint.scheme.is_tls() || endpoint.scheme.is_websocket() => {
                format!("{}:// is not in this version; write mqtt:// or unix://", endpoint.scheme.name())
            }
            Ok(endpoint) if self.is_taken(&endpoint) => format!("{endpoint} is a listener already"),
            Ok(endpoint) => return Some(ListenerConfig::new(endpoint)),
            Err(bad) => bad.to_string(),
        };
        self.fault(value.span(), fault);
        None
    }

    /// Port 0 is another port each time.
    fn is_taken(&self, endpoint: &Endpoint) -> bool {
        let is_any_port = matches!(endpoint.address, Address::Tcp { port: 0, .. });
        !is_any_port && self.listeners.iter().any(|listener| listener.endpoint == *endpoint)
    }

    fn list<'v>(&mut self, value: &'v Value<'v>, what: &str) -> Option<&'v DeArray<'v>> {
        let list = value.get_ref().as_array();
        if list.is_none_or(|list| list.is_empty()) {
            self.fault(value.span(), what.to_owned());
        }
        list
    }

    /// What holds between options, once each is right by itself.
    fn relations(&mut self, table: &DeTable<'_>) {
        let limits = &self.config.shard.limits;
        if limits.output_low_bytes < limits.output_high_bytes {
            return;
        }
        let what = format!(
            "`output_low_bytes` ({}) must be below `output_high_bytes` ({})",
            limits.output_low_bytes, limits.output_high_bytes
        );
        let named = ["output_low_bytes", "output_high_bytes"].iter().find_map(|name| table.get(*name));
        self.fault(named.map_or(0..0, Spanned::span), what);
    }
}

fn did_you_mean(name: &str, option: &str) -> String {
    format!("`{name}` is unknown; did you mean `{option}`?")
}

/// What is wrong with an unknown name at the top of the file, or with a section.
fn unknown_here(name: &str, value: &Value<'_>) -> String {
    if let Some(option) = like_listeners(name, value).or_else(|| nearest(name, globals())) {
        return did_you_mean(name, option);
    }
    match nearest(name, OF_LISTENER.into_iter()) {
        Some(option) => format!("{} Write it below [[listener]]", did_you_mean(name, option)),
        None if value.get_ref().as_table().is_some() => {
            format!("there is no section [{name}]: write its options at the top of the file")
        }
        None => not_one_of(name, globals()),
    }
}

/// The same for one in a listener.
fn unknown_in_listener(name: &str) -> String {
    let of_listener = OF_LISTENER.into_iter();
    match (nearest(name, of_listener.clone()), nearest(name, globals())) {
        (Some(option), _) => did_you_mean(name, option),
        (None, Some(option)) => {
            format!("{} Move it above the first [[listener]]", did_you_mean(name, option))
        }
        (None, None) => not_one_of(name, of_listener),
    }
}

fn not_one_of(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    format!("`{name}` is unknown; valid options: {}", known.collect::<Vec<_>>().join(", "))
}

/// The option that a misspelt name is for: a few letters are wrong, or the end is missing.
fn nearest(name: &str, mut known: impl Iterator<Item = &'static str> + Clone) -> Option<&'static str> {
    let name = &*name.to_ascii_lowercase();
    let most = (name.len() / 3).max(3).min(name.len() / 2);
    let near = known.clone().min_by_key(|option| distance(name, option));
    let near = near.filter(|option| distance(name, option) <= most);
    near.or_else(|| known.find(|option| name.len() > 3 && option.starts_with(name)))
}

/// What stands at the top of the file.
fn globals() -> impl Iterator<Item = &'static str> + Clone {
    NUMBERS.iter().map(|number| number.name).chain([LISTENERS, LISTENER])
}

fn is_global(name: &str) -> bool {
    globals().any(|option| option == name)
}

/// A fault of the syntax, in words for whoever does not know TOML's own.
fn syntax_fault(text: &str, error: &toml::de::Error) -> (Range<usize>, String) {
    let place = error.span().unwrap_or(0..0);
    let start =
        text.get(..place.start).map_or(0, |before| before.rfind('\n').map_or(0, |newline| newline + 1));
    let line = text[start..].lines().next().unwrap_or_default().trim();
    let name_end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let message = error.message();
    let what = match value_of(name) {
        Some(_) if !line.contains('=') && !rest.is_empty() => {
            format!("options are written with `=`: {name} = ...")
        }
        // The parser takes it for a text without quotes, or for the beginning of `true`.
        Some(value) if message.contains("must be quoted") || message.contains("boolean") => {
            format!("invalid TOML: {value}")
        }
        _ => format!("invalid TOML: {message}"),
    };
    (place, what)
}

/// What an option that is no URL takes.
fn value_of(name: &str) -> Option<String> {
    let is_switch = [ALLOW_ANONYMOUS, ALLOW_CONTROL_CHARACTERS].contains(&name);
    let number = NUMBERS.iter().find(|number| number.name == name).map(Number::takes);
    number.or_else(|| is_switch.then(|| format!("`{name}` is true or false")))
}

/// Which of the two ways to write listeners is meant: they differ by one letter, and by what follows.
fn like_listeners(name: &str, value: &Value<'_>) -> Option<&'static str> {
    let distance_to = |option| distance(&name.to_ascii_lowercase(), option);
    let is_near = distance_to(LISTENER).min(distance_to(LISTENERS)) <= 3 && name.len() > 3;
    is_near.then_some(if has_tables(value) { LISTENER } else { LISTENERS })
}

fn has_tables(value: &Value<'_>) -> bool {
    match value.get_ref() {
        DeValue::Array(list) => list.iter().any(|item| item.get_ref().as_table().is_some()),
        value => value.as_table().is_some(),
    }
}

/// Where the first option stands, if all are written as Mosquitto writes them: a name, a space, a value.
fn mosquitto_option(text: &str) -> Option<Range<usize>> {
    let is_option = |line: &str| {
        line.split_once([' ', '\t']).is_some_and(|(name, value)| {
            let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            is_name && !value.trim_start().starts_with('=')
        })
    };
    let is_ours =
        |line: &str| NUMBERS.iter().any(|number| line.split([' ', '\t']).next() == Some(number.name));
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.clone().next()?;
    let start = first.as_ptr().addr() - text.as_ptr().addr();
    (!is_ours(first) && lines.all(is_option)).then_some(start..start + first.len())
}

/// Letters to insert, delete or replace to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
