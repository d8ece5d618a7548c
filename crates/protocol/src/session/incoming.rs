//! The receiving half of QoS 2 (4.3.3) and the other side's use of our Receive Maximum.

use super::PacketIdSet;
use alloc::boxed::Box;
use martlet_codec::PacketId;

/// QoS 2 identifiers received and not yet released. Most sessions never receive one, and hold a pointer.
#[derive(Debug, Default)]
pub struct Incoming(Option<Box<Sets>>);

#[derive(Debug, Default)]
struct Sets {
    /// Received on this connection: they count against our Receive Maximum.
    current: PacketIdSet,
    /// Left over from earlier connections: known, but the other side's quota began anew without them.
    carried: PacketIdSet,
}

impl Incoming {
    /// A connection resumed the session.
    pub fn resume(&mut self) {
        if let Some(sets) = &mut self.0 {
            sets.carried.absorb(&mut sets.current);
        }
    }
    /// A QoS 2 PUBLISH came: true if it is new and must be delivered on, false if it is a duplicate of one that
    /// was. [MQTT-4.3.3-10]
    pub fn receive(&mut self, id: PacketId) -> bool {
        let Sets { current, carried } = &mut **self.0.get_or_insert_default();
        if carried.remove(id) {
            current.insert(id);
            return false;
        }
        current.insert(id)
    }
    /// PUBREL came, or the PUBLISH was refused by PUBREC: the identifier means a new message from now on.
    /// False if it was not known. [MQTT-4.3.3-12] [MQTT-4.3.3-9]
    pub fn release(&mut self, id: PacketId) -> bool {
        self.0.as_mut().is_some_and(|sets| sets.current.remove(id) || sets.carried.remove(id))
    }
    /// Whether this identifier was received and not released.
    pub fn contains(&self, id: PacketId) -> bool {
        self.0.as_ref().is_some_and(|sets| sets.current.contains(id) || sets.carried.contains(id))
    }
    /// Messages of this connection that count against our Receive Maximum.
    pub fn in_flight(&self) -> u32 {
        self.0.as_ref().map_or(0, |sets| sets.current.len())
    }
    /// All identifiers held, of earlier connections too.
    pub fn len(&self) -> u32 {
        self.0.as_ref().map_or(0, |sets| sets.current.len() + sets.carried.len())
    }
    /// Whether no identifier is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The connection is gone: unused memory is given back.
    pub fn shrink(&mut self) {
        if self.is_empty() {
            self.0 = None;
        } else if let Some(sets) = &mut self.0 {
            sets.current.shrink();
            sets.carried.shrink();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_identifier_is_a_duplicate_that_counts_only_when_sent_again() {
        let [one, two] = [1, 2].map(|id| PacketId::new(id).unwrap());
        let mut incoming = Incoming::default();
        assert!(incoming.receive(one));
        assert!(!incoming.receive(one)); // [MQTT-4.3.3-10]
        incoming.resume();
        assert_eq!((incoming.in_flight(), incoming.len()), (0, 1));
        assert!(!incoming.receive(one));
        assert!(incoming.receive(two));
        assert_eq!(incoming.in_flight(), 2);
        assert!(incoming.release(one));
        assert!(!incoming.release(one));
        assert!(incoming.receive(one), "after PUBREL the identifier means a new message"); // [MQTT-4.3.3-12]
    }
}
