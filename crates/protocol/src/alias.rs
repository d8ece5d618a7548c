//! Topic Aliases (3.3.2.3.4), in both directions. They live as long as the connection. [MQTT-3.3.2-7]

use alloc::boxed::Box;
use alloc::vec::Vec;
use martlet_codec::TopicName;

/// The aliases that the other side set.
#[derive(Debug, Default)]
pub(crate) struct IncomingAliases {
    topics: Vec<Option<Box<str>>>,
}

impl IncomingAliases {
    /// Sets or re-maps an alias. The caller has checked that `alias` is 1 to the maximum it announced.
    pub(crate) fn set(&mut self, alias: u16, topic: TopicName<'_>) {
        let index = usize::from(alias) - 1;
        if self.topics.len() <= index {
            self.topics.resize_with(index + 1, || None);
        }
        if self.topics[index].as_deref() != Some(topic.as_str()) {
            self.topics[index] = Some(topic.as_str().into());
        }
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
    topics: Vec<Box<str>>,
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
    pub(crate) fn assign(&self, topic: &str, maximum: u16) -> Alias {
        if maximum == 0 || topic.len() <= 3 {
            return Alias::None;
        }
        match self.topics.iter().position(|known| **known == *topic) {
            Some(index) => Alias::Known(index as u16 + 1),
            None if self.topics.len() < usize::from(maximum) => Alias::New(self.topics.len() as u16 + 1),
            None => Alias::None,
        }
    }
    /// The other side was told of a [`Alias::New`].
    pub(crate) fn learn(&mut self, topic: &str) {
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
        aliases.set(2, TopicName::new("a").unwrap());
        aliases.set(2, TopicName::new("b").unwrap());
        assert_eq!(aliases.get(2).unwrap().as_str(), "b");
        assert_eq!(aliases.get(1), None);
    }

    #[test]
    fn outgoing_aliases_stay_within_the_maximum() {
        let mut aliases = OutgoingAliases::default();
        assert_eq!(aliases.assign("long/topic", 0), Alias::None); // [MQTT-3.1.2-27]
        assert_eq!(aliases.assign("long/topic", 1), Alias::New(1));
        assert_eq!(aliases.assign("long/topic", 1), Alias::New(1), "not sent, so not known");
        aliases.learn("long/topic");
        assert_eq!(aliases.assign("long/topic", 1), Alias::Known(1));
        assert_eq!(aliases.assign("other/topic", 1), Alias::None); // [MQTT-3.1.2-26]
    }
}
