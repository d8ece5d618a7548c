//! Where a publisher's bytes go: learnt from its first PUBLISH, and learnt anew when somebody subscribes or goes.

use super::{Relay, UNSENT_BYTES_MAX};
use martlet_codec::{Frame, TopicFilter, TopicName};

pub(super) struct Route {
    topic: Box<str>,
    generation: u64,
    receivers: Vec<usize>,
}

impl Relay {
    /// Copies whole PUBLISH frames to the receivers of `token`.
    pub(super) fn forward(&mut self, token: usize, bytes: &[u8], first: Frame<'_>) {
        let Some(route) = self.take_route(token, first) else { return };
        for receiver in &route.receivers {
            let Some(Some(peer)) = self.peers.get_mut(*receiver) else { continue };
            if peer.sources == 1 {
                if peer.send(bytes).is_err() {
                    self.end(*receiver);
                }
            } else {
                // Several publishers: what they send in this turn goes out in one write.
                peer.out.extend_from_slice(bytes);
                self.mark_dirty(*receiver);
            }
        }
        if let Some(Some(peer)) = self.peers.get_mut(token) {
            peer.route = Some(route);
        }
    }

    fn take_route(&mut self, token: usize, first: Frame<'_>) -> Option<Box<Route>> {
        let route = self.peers.get_mut(token)?.as_mut()?.route.take();
        match route {
            Some(route) if route.generation == self.generation => Some(route),
            Some(route) => {
                self.unlearn(&route);
                Some(self.learn(route.topic))
            }
            None => topic(first).map(|topic| self.learn(topic)),
        }
    }

    pub(super) fn unlearn(&mut self, route: &Route) {
        for receiver in &route.receivers {
            if let Some(Some(peer)) = self.peers.get_mut(*receiver) {
                peer.sources = peer.sources.saturating_sub(1);
            }
        }
    }

    fn learn(&mut self, topic: Box<str>) -> Box<Route> {
        let name = TopicName::from_checked(&topic);
        let mut receivers = Vec::new();
        for (token, peer) in self.peers.iter_mut().enumerate() {
            let Some(peer) = peer else { continue };
            if peer.filters.iter().any(|filter| TopicFilter::from_checked(filter).matches(name)) {
                peer.sources += 1;
                receivers.push(token);
            }
        }
        Box::new(Route { topic, generation: self.generation, receivers })
    }

    /// Whether a receiver of `token` has too much that it has not taken.
    pub(super) fn is_held_back(&self, token: usize) -> bool {
        let Some(Some(peer)) = self.peers.get(token) else { return false };
        let Some(route) = &peer.route else { return false };
        route.receivers.iter().any(|receiver| {
            let receiver = self.peers.get(*receiver).and_then(Option::as_ref);
            receiver.is_some_and(|receiver| receiver.out.len() > UNSENT_BYTES_MAX)
        })
    }
}

/// The topic of a PUBLISH, if it is one.
fn topic(frame: Frame<'_>) -> Option<Box<str>> {
    let len = usize::from(u16::from_be_bytes(*frame.body.first_chunk()?));
    let text = std::str::from_utf8(frame.body.get(2..2 + len)?).ok()?;
    TopicName::new(text).ok().map(|name| name.as_str().into())
}
