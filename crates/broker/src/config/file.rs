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
                        let known = NUMBERS.iter().map(|number| number.name).chain([LISTENERS, LISTENER]);
                        match like_listeners(name, value) {
                            Some(option) => self.fault(key.span(), did_you_mean(name, option)),
                            None => self.unknown(key.span(), name, known),
                        }
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
            None => {
                let Number { name, min, max, unit, .. } = number;
                self.fault(
                    value.span(),
                    format!("`{name}` is a whole number from {min} to {max}, in {unit}"),
                );
            }
        }
    }

    fn urls(&mut self, value: &Value<'_>) {
        let Some(list) = self.list(value, "`listeners` is a list of URLs: [\"mqtt://127.0.0.1:1883\"]")
        else {
            return;
        };
        let has_tables = list.iter().any(|item| item.get_ref().as_table().is_some());
        if has_tables {
            let what = "`listeners` is a list of URLs; a listener with options is a table: [[listener]]";
            return self.fault(value.span(), what.to_owned());
        }
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
        let (mut listener, mut has_url, mut allow_anonymous, mut mode) = (None, false, None, None);
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
                name => self.unknown(key.span(), name, OF_LISTENER.into_iter()),
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
        let text = value.get_ref().as_str().filter(|text| (3..=4).contains(&text.len()));
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

    fn unknown(&mut self, span: Range<usize>, name: &str, known: impl Iterator<Item = &'static str> + Clone) {
        let nearest = known.clone().min_by_key(|option| distance(name, option));
        let what = match nearest.filter(|option| distance(name, option) <= 3 && name.len() > 3) {
            Some(option) => did_you_mean(name, option),
            None => {
                format!("`{name}` is unknown; valid options: {}", known.collect::<Vec<_>>().join(", "))
            }
        };
        self.fault(span, what);
    }
}

fn did_you_mean(name: &str, option: &str) -> String {
    format!("`{name}` is unknown; did you mean `{option}`?")
}

fn is_global(name: &str) -> bool {
    NUMBERS.iter().any(|number| number.name == name)
}

/// A fault of the syntax, in words for whoever does not know TOML's own.
fn syntax_fault(text: &str, error: &toml::de::Error) -> (Range<usize>, String) {
    let place = error.span().unwrap_or(0..0);
    let start =
        text.get(..place.start).map_or(0, |before| before.rfind('\n').map_or(0, |newline| newline + 1));
    let line = text[start..].lines().next().unwrap_or_default().trim();
    let what = match line.split_once(':') {
        Some((name, _)) if !line.contains('=') && is_global(name.trim()) => {
            format!("options are written with `=`: {} = ...", name.trim())
        }
        _ => format!("invalid TOML: {}", error.message()),
    };
    (place, what)
}

/// Which of the two ways to write listeners is meant: they differ by one letter, and by what follows.
fn like_listeners(name: &str, value: &Value<'_>) -> Option<&'static str> {
    let is_near = distance(name, LISTENER).min(distance(name, LISTENERS)) <= 3 && name.len() > 3;
    let has_tables = match value.get_ref() {
        DeValue::Array(list) => list.iter().any(|item| item.get_ref().as_table().is_some()),
        value => value.as_table().is_some(),
    };
    is_near.then_some(if has_tables { LISTENER } else { LISTENERS })
}

/// Where the first option stands, if all are written as Mosquitto writes them: a name, a space, a value.
fn mosquitto_option(text: &str) -> Option<Range<usize>> {
    let is_option = |line: &str| {
        line.split_once(' ').is_some_and(|(name, value)| {
            let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            is_name && !value.trim_start().starts_with('=')
        })
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.clone().next()?;
    let start = first.as_ptr().addr() - text.as_ptr().addr();
    lines.all(is_option).then_some(start..start + first.len())
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
