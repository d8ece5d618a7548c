//! Control characters in what clients choose: refused, with the code of what has them, where the listener says so.
//! 5.0 lets a server treat such a packet as malformed (1.5.4), but has codes that say more. It looks at nothing where they
//! are accepted.

use crate::connection::Connection;
use crate::interface::ConnectionId;
use crate::origin::ControlCharacters;
use crate::shard::Shard;
use martlet_codec::{Properties, Property, Publish, TopicFilter, TopicName};
use martlet_protocol::server::Greeting;
use martlet_protocol::{ClientText, Violation};

/// U+0000, which no text of MQTT has, to U+001F, and U+007F to U+009F.
fn has_any(text: &str) -> bool {
    text.contains(char::is_control)
}

fn response_topic(properties: Properties<'_>) -> Option<&str> {
    properties.iter().find_map(|property| match property {
        Property::ResponseTopic(topic) => Some(topic),
        _ => None,
    })
}

impl Connection {
    fn refuses_control_characters(&self) -> bool {
        self.life.origin.listener.control_characters == ControlCharacters::Refuse
    }

    /// What CONNECT says of the client, and of its will.
    pub(crate) fn check_greeting(&self, greeting: &Greeting) -> Result<(), Violation> {
        if !self.refuses_control_characters() {
            return Ok(());
        }
        let will = greeting.will.as_ref().map(|will| will.publication.message());
        let will_topics = will.iter().flat_map(|will| {
            [Some(will.topic.as_str()), response_topic(Properties::from_checked_bytes(will.properties))]
        });
        let id = (ClientText::ClientId, Some(&*greeting.client_id));
        let user_name = (ClientText::UserName, greeting.user_name.as_deref());
        let mut texts =
            [id, user_name].into_iter().chain(will_topics.map(|topic| (ClientText::Topic, topic)));
        match texts.find(|(_, text)| text.is_some_and(has_any)) {
            Some((which, _)) => Err(Violation::ControlCharacter(which)),
            None => Ok(()),
        }
    }

    /// Whether a PUBLISH is refused for its Topic Name, which is only looked at if it is another one than before, or for
    /// its Response Topic.
    #[inline]
    pub(crate) fn refuses_topics(
        &mut self,
        publish: &Publish<'_>,
        topic: TopicName<'_>,
        is_again: bool,
    ) -> bool {
        if !self.refuses_control_characters() {
            return false;
        }
        if !is_again {
            self.has_bad_topic = has_any(topic.as_str());
        }
        self.has_bad_topic || response_topic(publish.properties).is_some_and(has_any)
    }
}

impl Shard {
    /// Whether a client may not subscribe to this.
    pub(crate) fn refuses_filter(&self, id: ConnectionId, filter: TopicFilter<'_>) -> bool {
        self.clients.connections[id].refuses_control_characters() && has_any(filter.as_str())
    }
}
