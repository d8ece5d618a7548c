//! Rules of the sending half, one by one; the simulation checks them together.

use super::*;
use crate::publication::Message;
use alloc::vec::Vec;
use martlet_codec::TopicName;

fn id(id: u16) -> PacketId {
    PacketId::new(id).unwrap()
}

struct Rig {
    store: Publications,
    outgoing: Outgoing,
}

impl Rig {
    fn new(packet_id_max: u16) -> Self {
        Rig { store: Publications::new(), outgoing: Outgoing::new(packet_id_max) }
    }
    fn push(&mut self, qos: QoSLevel) {
        let topic = TopicName::new("t").unwrap();
        let message = Message { topic, properties: &[], payload: b"x", expires_at: None, publisher: 0 };
        let publication = self.store.insert(&message);
        self.outgoing.push(Entry::new(publication, qos), &self.store);
    }
    /// Sends all that the window allows: (identifier, dup) of each.
    fn send(&mut self, receive_maximum: u16) -> Vec<(u16, bool)> {
        let mut sent = Vec::new();
        while let Some(next) = self.outgoing.next(receive_maximum) {
            sent.push((next.packet_id.get(), next.dup));
            self.outgoing.mark_sent();
        }
        sent
    }
    fn ack(&mut self, kind: AckKind, packet_id: u16) -> Acknowledged {
        self.outgoing.acknowledge(kind, id(packet_id), false, &mut self.store)
    }
}

const SETTLED: Acknowledged = Acknowledged::Settled(None);
use martlet_codec::QoSLevel::{AtLeastOnce, ExactlyOnce};

#[test]
fn an_entry_takes_32_bytes() {
    assert_eq!(size_of::<Entry>(), 32);
}

#[test]
fn the_window_holds_and_opens() {
    let mut rig = Rig::new(65_535);
    (0..5).for_each(|_| rig.push(AtLeastOnce));
    assert_eq!(rig.send(2), [(1, false), (2, false)]); // [MQTT-3.3.4-9]
    assert_eq!(rig.ack(AckKind::PubAck, 2), SETTLED);
    assert_eq!(rig.send(2), [(3, false)]);
    assert_eq!(rig.ack(AckKind::PubAck, 2), Acknowledged::Unknown);
    assert_eq!(rig.ack(AckKind::PubAck, 1), SETTLED);
    assert_eq!(rig.send(2), [(4, false)]);
    assert_eq!((rig.outgoing.queued(), rig.outgoing.in_flight()), (1, 2));
}

#[test]
fn identifiers_wrap_and_never_stand_for_two_messages() {
    let mut rig = Rig::new(3);
    (0..4).for_each(|_| rig.push(AtLeastOnce));
    assert_eq!(rig.send(100), [(1, false), (2, false), (3, false)]); // [MQTT-2.2.1-4]
    rig.ack(AckKind::PubAck, 2);
    assert_eq!(rig.send(100), [], "1 is still in flight");
    rig.ack(AckKind::PubAck, 1);
    assert_eq!(rig.send(100), [(1, false)]);
    rig.push(AtLeastOnce);
    assert_eq!(rig.send(100), [(2, false)]);
}

#[test]
fn after_a_resume_all_is_sent_again_in_order() {
    let mut rig = Rig::new(65_535);
    [AtLeastOnce, ExactlyOnce, ExactlyOnce, AtLeastOnce].into_iter().for_each(|qos| rig.push(qos));
    assert_eq!(rig.send(3).len(), 3);
    assert_eq!(rig.ack(AckKind::PubRec, 2), Acknowledged::Release);
    rig.outgoing.resume();
    assert_eq!(rig.outgoing.unreleased().map(PacketId::get).collect::<Vec<_>>(), [2]);
    assert_eq!(rig.send(3), [(1, true), (3, true)], "the PUBREL takes one place of three"); // [MQTT-4.6.0-1]
    assert_eq!(rig.ack(AckKind::PubComp, 2), SETTLED);
    assert_eq!(rig.send(3), [(4, false)]);
    for (kind, packet_id) in [(AckKind::PubAck, 1), (AckKind::PubAck, 4)] {
        assert_eq!(rig.ack(kind, packet_id), SETTLED);
    }
    assert_eq!(rig.ack(AckKind::PubRec, 3), Acknowledged::Release);
    assert_eq!(rig.ack(AckKind::PubRec, 3), Acknowledged::Release, "asked again, told again");
    assert_eq!(rig.ack(AckKind::PubComp, 3), SETTLED);
    assert!(rig.outgoing.is_empty() && rig.store.is_empty());
    assert_eq!(rig.outgoing.bytes(), 0);
}

#[test]
fn the_message_of_qos_2_is_let_go_at_pubrec() {
    let mut rig = Rig::new(65_535);
    rig.push(ExactlyOnce);
    rig.send(10);
    rig.ack(AckKind::PubRec, 1);
    assert!(rig.store.is_empty()); // never sent again after PUBREL [MQTT-4.3.3-6]
    assert_eq!(rig.outgoing.len(), 1);
}

#[test]
fn a_refusing_pubrec_settles() {
    let mut rig = Rig::new(65_535);
    rig.push(ExactlyOnce);
    rig.send(10);
    assert_eq!(rig.outgoing.acknowledge(AckKind::PubRec, id(1), true, &mut rig.store), SETTLED); // [MQTT-4.4.0-2]
    assert!(rig.outgoing.is_empty() && rig.store.is_empty());
}

#[test]
fn an_acknowledgement_of_the_wrong_kind_is_told() {
    let mut rig = Rig::new(65_535);
    rig.push(AtLeastOnce);
    rig.push(ExactlyOnce);
    rig.send(10);
    assert_eq!(rig.ack(AckKind::PubRec, 1), Acknowledged::WrongKind);
    assert_eq!(rig.ack(AckKind::PubComp, 1), Acknowledged::WrongKind);
    assert_eq!(rig.ack(AckKind::PubAck, 2), Acknowledged::WrongKind);
    assert_eq!(rig.ack(AckKind::PubComp, 2), Acknowledged::Unknown);
}

#[test]
fn an_acknowledgement_before_the_second_transmission_counts() {
    let mut rig = Rig::new(65_535);
    rig.push(AtLeastOnce);
    rig.push(ExactlyOnce);
    rig.send(10);
    rig.outgoing.resume();
    assert_eq!(rig.ack(AckKind::PubAck, 1), SETTLED);
    assert_eq!(rig.ack(AckKind::PubRec, 2), Acknowledged::Release);
    assert_eq!(rig.outgoing.in_flight(), 1);
    assert_eq!(rig.ack(AckKind::PubComp, 2), SETTLED);
    assert_eq!(rig.outgoing.in_flight(), 0);
    assert!(rig.send(10).is_empty() && rig.store.is_empty());
}

#[test]
fn a_skipped_message_leaves_a_gap_in_the_identifiers_only() {
    let mut rig = Rig::new(65_535);
    (0..3).for_each(|_| rig.push(AtLeastOnce));
    assert!(rig.outgoing.next(10).is_some());
    rig.outgoing.skip(&mut rig.store);
    assert_eq!(rig.send(10), [(2, false), (3, false)]);
    assert_eq!(rig.store.len(), 2);
}

#[test]
fn several_are_sent_at_once_only_if_nothing_waits_and_all_fit() {
    let mut rig = Rig::new(3);
    rig.push(AtLeastOnce);
    assert!(!rig.outgoing.has_room_for(1, 10), "one is before it");
    assert_eq!(rig.send(10), [(1, false)]);
    assert!(rig.outgoing.has_room_for(2, 3) && !rig.outgoing.has_room_for(2, 2), "the window");
    assert!(!rig.outgoing.has_room_for(3, 10), "identifiers");

    rig.push(AtLeastOnce);
    rig.send(10);
    assert_eq!(rig.ack(AckKind::PubAck, 1), SETTLED);
    let message = Message {
        topic: TopicName::new("t").unwrap(),
        properties: &[],
        payload: b"x",
        expires_at: None,
        publisher: 0,
    };
    let ids: Vec<_> = (0..2).map(|_| rig.store.insert(&message)).collect();
    let sent: Vec<u16> = rig.outgoing.push_sent(&ids, ExactlyOnce, 4).take(2).map(PacketId::get).collect();
    assert_eq!(sent, [3, 1]);
    assert_eq!((rig.outgoing.in_flight(), rig.outgoing.queued(), rig.outgoing.len()), (3, 0, 3));
    assert!(!rig.outgoing.has_room_for(1, 10));
    for id in [2, 3, 1] {
        let kind = if id == 2 { AckKind::PubAck } else { AckKind::PubRec };
        rig.ack(kind, id);
        rig.ack(AckKind::PubComp, id);
    }
    assert_eq!((rig.outgoing.bytes(), rig.outgoing.entry_bytes()), (0, 0));
    assert!(rig.outgoing.is_empty() && rig.store.is_empty());
}

#[test]
fn a_long_queue_that_has_become_short_keeps_little_room() {
    let mut rig = Rig::new(65_535);
    (0..5000).for_each(|_| rig.push(AtLeastOnce));
    assert_eq!(rig.send(65_535).len(), 5000);
    (1..5000).for_each(|id| assert_eq!(rig.ack(AckKind::PubAck, id), SETTLED));
    assert!(rig.outgoing.entries.capacity() <= KEPT_ENTRIES);
    assert_eq!(rig.ack(AckKind::PubAck, 5000), SETTLED);
}
