//! Topics that belong to the broker: `$SYS` and all below it. Clients publish to one kind of them, the state of a bridge
//! of Mosquitto's making, each about one bridge.

use crate::interface::ConnectionId;
use crate::session::SessionKey;
use crate::shard::Shard;
use martlet_codec::TopicName;

/// Whether a topic is one that the broker publishes to itself.
fn is_brokers_own(topic: TopicName<'_>) -> bool {
    topic.as_str().strip_prefix("$SYS").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The bridge whose state is published to this topic: one level that is not empty.
fn bridge_of(topic: TopicName<'_>) -> Option<&str> {
    let name = topic.as_str().strip_prefix("$SYS/broker/connection/")?.strip_suffix("/state")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

impl Shard {
    /// Whether a client may publish to this topic. A client may tell of a bridge that is called as its client id, which
    /// is Mosquitto's default; one that says that it is a bridge, of one with another name, always the same.
    #[inline]
    pub(crate) fn may_publish(&mut self, id: ConnectionId, key: SessionKey, topic: TopicName<'_>) -> bool {
        !is_brokers_own(topic) || self.may_tell_of_bridge(id, key, topic)
    }

    fn may_tell_of_bridge(&mut self, id: ConnectionId, key: SessionKey, topic: TopicName<'_>) -> bool {
        let Some(name) = bridge_of(topic) else { return false };
        if name == &*self.clients.sessions[key].session.client_id {
            return true;
        }
        let Some(bridge) = &mut self.clients.connections[id].bridge else { return false };
        **bridge.name.get_or_insert_with(|| name.into()) == *name
    }
}
