//! Topic Aliases (3.3.2.3.4), in both directions. They live as long as the connection. [MQTT-3.3.2-7]

use alloc::boxed::Box;
use alloc::vec::Vec;
use martlet_codec::TopicName;

/// Bytes of all topics that have an alias in one direction: aliases are for topics that come again and again, and
/// those are few.
pub(crate) const ALIAS_BYTES_MAX: usize = 64 * 1024;

/// The aliases that the other side set.
#[derive(Debug, Default)]
pub(crate) struct IncomingAliases {
    topics: Vec<Option<Box<str>>>,
    bytes: usize,
}

impl IncomingAliases {
    /// Sets or re-maps an alias; false if that would be more than [`ALIAS_BYTES_MAX`]. The caller has checked that
    /// `alias` is 1 to the maximum it announced.
    pub(crate) fn set(&mut self, alias: u16, topic: TopicName<'_>) -> bool {
        let index = usize::from(alias) - 1;
        if self.topics.len() <= index {
            self.topics.resize_with(index + 1, || None);
        }
        let old = self.topics[index].as_deref();
        if old == Some(topic.as_str()) {
            return true;
        }
        let bytes = self.bytes - old.map_or(0, str::len) + topic.as_str().len();
        if bytes > ALIAS_BYTES_MAX {
            return false;
        }
        self.bytes = bytes;
        self.topics[index] = Some(topic.as_str().into());
        true
    }
    /// The topic of an alias, if it was set.
    pub(crate) fn get(&self, alias: u16) -> Option<TopicName<'_>> {
        let topic = self.topics.get(usize::from(alias).checked_sub(1)?)?.as_deref()?;
        Some(TopicName::from_checked(topic))
    }
}

/// The aliases that this side set, first come, first served: a topic keeps its alias.
#[derive(Debug, Default)]
pub(crate) struct OutgoingAliases {
    topics: Vec<Box<[u8]>>,
    bytes: usize,
}

/// What a PUBLISH says instead of, or beside, its Topic Name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alias {
    /// No alias.
    None,
    /// Topic Name and alias: the other side learns it.
    New(u16),
    /// The alias alone.
    Known(u16),
}

impl OutgoingAliases {
    /// The alias for a topic, within `maximum`. Short topics get none: an alias alone costs three bytes.
    pub(crate) fn assign(&self, topic: &[u8], maximum: u16) -> Alias {
        if maximum == 0 || topic.len() <= 3 {
            return Alias::None;
        }
        match self.topics.iter().position(|known| **known == *topic) {
            Some(index) => Alias::Known(index as u16 + 1),
            None if self.topics.len() >= usize::from(maximum) => Alias::None,
            None if self.bytes + topic.len() > ALIAS_BYTES_MAX => Alias::None,
            None => Alias::New(self.topics.len() as u16 + 1),
        }
    }
    /// The other side was told of a [`Alias::New`].
    pub(crate) fn learn(&mut self, topic: &[u8]) {
        self.bytes += topic.len();
        self.topics.push(topic.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_set_and_mapped_anew() {
        let mut aliases = IncomingAliases::default();
        assert_eq!(aliases.get(0), None);
        assert_eq!(aliases.get(2), None);
        assert!(aliases.set(2, TopicName::new("a").unwrap()));
        assert!(aliases.set(2, TopicName::new("b").unwrap()));
        assert_eq!(aliases.get(2).unwrap().as_str(), "b");
        assert_eq!(aliases.get(1), None);
    }

    #[test]
    fn outgoing_aliases_stay_within_the_maximum() {
        let mut aliases = OutgoingAliases::default();
        assert_eq!(aliases.assign(b"long/topic", 0), Alias::None); // [MQTT-3.1.2-27]
        assert_eq!(aliases.assign(b"long/topic", 1), Alias::New(1));
        assert_eq!(aliases.assign(b"long/topic", 1), Alias::New(1), "not sent, so not known");
        aliases.learn(b"long/topic");
        assert_eq!(aliases.assign(b"long/topic", 1), Alias::Known(1));
        assert_eq!(aliases.assign(b"other/topic", 1), Alias::None); // [MQTT-3.1.2-26]
    }

    #[test]
    fn a_topic_as_short_as_its_alias_has_none() {
        let aliases = OutgoingAliases::default();
        assert_eq!(aliases.assign(b"a/b", 1), Alias::None);
        assert_eq!(aliases.assign(b"a/bc", 1), Alias::New(1));
    }

    #[test]
    fn aliases_have_a_bound_in_bytes() {
        let long = "x".repeat(64 * 1024 - 8);
        let mut incoming = IncomingAliases::default();
        assert!(incoming.set(1, TopicName::new(&long).unwrap()));
        assert!(incoming.set(2, TopicName::new("12345678").unwrap()));
        assert!(!incoming.set(3, TopicName::new("1").unwrap()));
        assert!(
            incoming.set(1, TopicName::new("short").unwrap()),
            "what is mapped anew is not counted twice"
        );
        assert!(incoming.set(3, TopicName::new("1").unwrap()));

        let mut outgoing = OutgoingAliases::default();
        outgoing.learn(long.as_bytes());
        assert_eq!(outgoing.assign(b"12345678", 9), Alias::New(2));
        assert_eq!(outgoing.assign(b"123456789", 9), Alias::None);
        assert_eq!(outgoing.assign(long.as_bytes(), 9), Alias::Known(1));
    }
}
