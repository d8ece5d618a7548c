//! Topic names and topic filters (sections 4.7 and 4.8): text that was checked once and is compared
//! byte by byte, never normalised. [`TopicFilter::matches`] is the reference that faster matchers are
//! tested against; it keeps no index.
use crate::error::{Malformed, Result};
use crate::wire::{check_string, contains_any};
use core::fmt;

/// A topic name: what a message is published to. Not empty, no wildcards, at most 65,535 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName<'a>(&'a str);

impl<'a> TopicName<'a> {
    /// Checks `text`.
    ///
    /// # Errors
    /// `StringTooLong`, `NullCharacter`, `TopicNameEmpty`, `TopicNameWildcard`.
    pub fn new(text: &'a str) -> Result<Self> {
        check_string(text)?; // [MQTT-4.7.3-2] [MQTT-4.7.3-3]
        Self::from_string(text)
    }

    /// For text that came out of a topic name, or was checked to be one.
    pub fn from_checked(text: &'a str) -> Self {
        debug_assert!(Self::new(text).is_ok(), "the caller checked it once");
        TopicName(text)
    }

    /// For text that is already known to be a UTF-8 Encoded String.
    pub(crate) fn from_string(text: &'a str) -> Result<Self> {
        if text.is_empty() {
            return Err(Malformed::TopicNameEmpty); // [MQTT-4.7.3-1] [3.1.1 MQTT-4.7.3-1]
        }
        if contains_any(text.as_bytes(), [b'+', b'#']) {
            return Err(Malformed::TopicNameWildcard); // [MQTT-3.3.2-2] [MQTT-4.7.0-1] [3.1.1 MQTT-3.3.2-2] [3.1.1 MQTT-4.7.1-1]
        }
        Ok(TopicName(text))
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether the name starts with `$`: a filter that starts with a wildcard does not match it.
    pub fn is_reserved(self) -> bool {
        self.0.starts_with('$')
    }

    /// The levels between the slashes. A level may be empty.
    pub fn levels(self) -> core::str::Split<'a, char> {
        self.0.split('/')
    }
}

impl fmt::Display for TopicName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A topic filter: what a subscription asks for, with `+`, `#` and `$share/name/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter<'a>(&'a str);

/// A shared subscription's filter in its two parts (section 4.8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share<'a> {
    /// The share name: not empty, without `/`, `+` and `#`.
    pub name: &'a str,
    /// The filter proper. It is not shared itself.
    pub filter: TopicFilter<'a>,
}

const SHARE: &str = "$share/";

impl<'a> TopicFilter<'a> {
    /// For text that came out of a topic filter, or was checked to be one.
    pub fn from_checked(text: &'a str) -> Self {
        debug_assert!(Self::new(text).is_ok(), "the caller checked it once");
        TopicFilter(text)
    }

    /// Checks `text`.
    ///
    /// # Errors
    /// `StringTooLong`, `NullCharacter`, `TopicFilterEmpty`, `MultiLevelWildcardNotLast`,
    /// `SingleLevelWildcardNotAlone`, `ShareName...`, `ShareFilterMissing`, `ShareNested`.
    pub fn new(text: &'a str) -> Result<Self> {
        check_string(text)?; // [MQTT-4.7.3-2] [MQTT-4.7.3-3]
        Self::from_string(text)
    }

    /// For text that is already known to be a UTF-8 Encoded String.
    pub(crate) fn from_string(text: &'a str) -> Result<Self> {
        let Some(shared) = text.strip_prefix(SHARE) else {
            check_levels(text)?;
            return Ok(TopicFilter(text));
        };
        let (name, filter) = shared.split_once('/').unwrap_or((shared, ""));
        if name.is_empty() {
            return Err(Malformed::ShareNameEmpty); // [MQTT-4.8.2-1]
        }
        if name.contains(['+', '#']) {
            return Err(Malformed::ShareNameWildcard); // [MQTT-4.8.2-2]
        }
        if filter.is_empty() {
            return Err(Malformed::ShareFilterMissing); // [MQTT-4.8.2-2]
        }
        if filter.starts_with(SHARE) {
            return Err(Malformed::ShareNested);
        }
        check_levels(filter)?;
        Ok(TopicFilter(text))
    }

    /// The text, as the client wrote it.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// The share name and the filter proper, if this is a shared subscription's filter.
    pub fn share(self) -> Option<Share<'a>> {
        let (name, filter) = self.0.strip_prefix(SHARE)?.split_once('/')?;
        Some(Share { name, filter: TopicFilter(filter) })
    }

    /// The filter without its `$share/name/`.
    pub fn unshared(self) -> TopicFilter<'a> {
        self.share().map_or(self, |share| share.filter)
    }

    /// Whether there is a `+` or a `#` in it.
    pub fn has_wildcard(self) -> bool {
        contains_any(self.0.as_bytes(), [b'+', b'#'])
    }

    /// The levels between the slashes, of the filter proper. A level may be empty.
    pub fn levels(self) -> core::str::Split<'a, char> {
        self.unshared().0.split('/')
    }

    /// The levels before the first wildcard: what every matching topic name starts with.
    pub fn literal_levels(self) -> impl Iterator<Item = &'a str> + Clone {
        self.levels().take_while(|level| !matches!(*level, "+" | "#"))
    }

    /// Whether a message published to `name` is for this filter.
    pub fn matches(self, name: TopicName<'_>) -> bool {
        let (mut filter, mut name_levels) = (self.levels(), name.levels());
        if name.is_reserved() && matches!(filter.clone().next(), Some("+" | "#")) {
            return false; // [MQTT-4.7.2-1] [3.1.1 MQTT-4.7.2-1]
        }
        loop {
            match (filter.next(), name_levels.next()) {
                (Some("#"), _) | (None, None) => return true, // "sport/#" is also "sport"
                (Some("+"), Some(_)) => {}
                (Some(wanted), Some(level)) if wanted == level => {} // [MQTT-4.7.3-4] [3.1.1 MQTT-4.7.3-4]
                _ => return false,
            }
        }
    }
}

impl fmt::Display for TopicFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Wildcards fill their level, and `#` is the last one.
fn check_levels(filter: &str) -> Result<()> {
    if filter.is_empty() {
        return Err(Malformed::TopicFilterEmpty); // [MQTT-4.7.3-1] [3.1.1 MQTT-4.7.3-1]
    }
    let mut levels = filter.split('/');
    while let Some(level) = levels.next() {
        if level.contains('#') && (level != "#" || levels.next().is_some()) {
            return Err(Malformed::MultiLevelWildcardNotLast); // [MQTT-4.7.1-1] [3.1.1 MQTT-4.7.1-2]
        }
        if level.contains('+') && level != "+" {
            return Err(Malformed::SingleLevelWildcardNotAlone); // [MQTT-4.7.1-2] [3.1.1 MQTT-4.7.1-3]
        }
    }
    Ok(())
}
