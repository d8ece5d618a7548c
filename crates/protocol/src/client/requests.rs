//! SUBSCRIBE and UNSUBSCRIBE that wait for their answers.
//!
//! They share the packet identifiers with PUBLISH. Those of PUBLISH follow from the session's sequence, so the
//! range is parted: PUBLISH has 1 to `packet_id_max`, requests have the [`REQUESTS_MAX`] identifiers above it, and
//! no identifier can stand for both. [MQTT-2.2.1-3]

use super::event::Token;
use alloc::vec::Vec;
use martlet_codec::PacketId;

/// Requests that may wait for an answer at the same time.
pub const REQUESTS_MAX: u16 = 64;

/// The largest identifier that is left for PUBLISH.
pub(super) const PUBLISH_ID_MAX: u16 = u16::MAX - REQUESTS_MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Subscribe,
    Unsubscribe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) token: Token,
    pub(super) kind: Kind,
    /// How many filters it has, and so how many reason codes the answer has.
    pub(super) filters: usize,
}

#[derive(Debug)]
pub(super) struct Requests {
    packet_id_max: u16,
    waiting: Vec<(PacketId, Request)>,
}

impl Requests {
    /// Identifiers above `packet_id_max`, which is at most [`PUBLISH_ID_MAX`].
    pub(super) fn new(packet_id_max: u16) -> Self {
        assert!(packet_id_max <= PUBLISH_ID_MAX);
        Requests { packet_id_max, waiting: Vec::new() }
    }
    /// An identifier that nothing uses; `None` if all are in use.
    pub(super) fn free_id(&self) -> Option<PacketId> {
        let ids = self.packet_id_max + 1..=self.packet_id_max + REQUESTS_MAX;
        ids.filter_map(PacketId::new).find(|id| self.waiting.iter().all(|(used, _)| used != id))
    }
    pub(super) fn insert(&mut self, id: PacketId, request: Request) {
        debug_assert!(self.waiting.iter().all(|(used, _)| *used != id));
        self.waiting.push((id, request));
    }
    /// The answer came.
    pub(super) fn remove(&mut self, id: PacketId) -> Option<Request> {
        let place = self.waiting.iter().position(|(used, _)| *used == id)?;
        Some(self.waiting.swap_remove(place).1)
    }
    pub(super) fn clear(&mut self) {
        self.waiting = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroU32;

    #[test]
    fn identifiers_are_above_those_of_publish_and_never_in_use_twice() {
        let mut requests = Requests::new(PUBLISH_ID_MAX);
        let request = Request { token: Token(NonZeroU32::MIN), kind: Kind::Subscribe, filters: 1 };
        let mut ids = Vec::new();
        while let Some(id) = requests.free_id() {
            assert!(id.get() > PUBLISH_ID_MAX && !ids.contains(&id)); // [MQTT-2.2.1-3]
            requests.insert(id, request);
            ids.push(id);
        }
        assert_eq!(ids.len(), usize::from(REQUESTS_MAX));
        assert_eq!(requests.remove(ids[7]), Some(request));
        assert_eq!(requests.remove(ids[7]), None);
        assert_eq!(requests.free_id(), Some(ids[7]));
    }
}
