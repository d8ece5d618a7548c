//! Plants one of the [`Fault`]s: decides when, and changes frames on their way. Its chance is its own, so that a run
//! is the same up to the moment at which the fault strikes.

use crate::faults::Fault;
use crate::plan::SHARED;
use crate::random::Random;
use crate::world::World;
use martlet_codec::{Frame, Packet, PacketId, Properties, Publish, QoS, Split, Version, split_frame};
use martlet_shard::Loss;
use std::collections::BTreeMap;

/// What is planted.
#[derive(Debug)]
pub(crate) struct Tamper {
    fault: Option<Fault>,
    random: Random,
    /// For `DeliveredAgain`: a QoS 2 PUBLISH by link, and whether it was settled.
    sent: BTreeMap<usize, (PacketId, Vec<u8>, bool)>,
    /// For `AnswersSwapped`: a PUBACK or PUBREC by link, until the next.
    kept_back: BTreeMap<usize, Vec<u8>>,
}

impl Tamper {
    pub(crate) fn new(fault: Option<Fault>, seed: u64) -> Self {
        Tamper {
            fault,
            random: Random::new(seed ^ 0xfa17),
            sent: BTreeMap::new(),
            kept_back: BTreeMap::new(),
        }
    }
    /// Whether this fault is planted, and it is its moment.
    pub(crate) fn strikes(&mut self, fault: Fault, percent: usize) -> bool {
        self.fault == Some(fault) && self.random.chance(percent)
    }
    /// Whether this fault is planted.
    pub(crate) fn plants(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
    /// PUBCOMP came from a client.
    pub(crate) fn completed(&mut self, link: usize, id: PacketId) {
        if let Some((sent, _, settled)) = self.sent.get_mut(&link) {
            *settled |= *sent == id;
        }
    }
    fn settled(&mut self, link: usize) -> Option<Vec<u8>> {
        if !self.sent.get(&link)?.2 {
            return None;
        }
        self.sent.remove(&link).map(|(_, frame, _)| frame)
    }
    pub(crate) fn is_planted(&self) -> bool {
        self.fault.is_some()
    }
}

/// The one packet in these bytes.
pub(crate) fn decode(frame: &[u8], version: Version) -> martlet_codec::Result<Packet<'_>> {
    match split_frame(frame, u32::MAX)? {
        Split::Whole(Frame { first, body }, _) => Packet::decode(Frame { first, body }, version),
        Split::Partial(_) => Err(martlet_codec::Malformed::Truncated),
    }
}

fn encode(packet: &Packet<'_>, version: Version) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.encode(version, &mut bytes);
    bytes
}

impl World<'_> {
    /// A frame from the broker to a client: what leaves in its place.
    pub(crate) fn tamper_down(&mut self, link: usize, frame: Vec<u8>) -> Vec<Vec<u8>> {
        let version = self.links[link].version;
        if !self.tamper.is_planted() {
            return vec![frame];
        }
        match decode(&frame, version) {
            Ok(Packet::Publish(publish)) => self.tamper_publish(link, &frame, &publish),
            Ok(Packet::ConnAck(connack)) if connack.session_present => {
                let mut connack = connack;
                connack.session_present = !self.tamper.strikes(Fault::SessionForgotten, 50);
                vec![encode(&Packet::ConnAck(connack), version)]
            }
            _ if frame[0] == 0x40 && self.tamper.strikes(Fault::PubAckSwallowed, 10) => vec![],
            _ if matches!(frame[0], 0x40 | 0x50) && self.tamper.plants(Fault::AnswersSwapped) => {
                match self.tamper.kept_back.remove(&link) {
                    Some(other) => vec![frame, other],
                    None if self.tamper.strikes(Fault::AnswersSwapped, 20) => {
                        self.tamper.kept_back.insert(link, frame);
                        vec![]
                    }
                    None => vec![frame],
                }
            }
            _ if frame[0] == 0x62 && self.tamper.strikes(Fault::PubRelSwallowed, 20) => vec![],
            _ if frame[0] == 0x50 && self.tamper.strikes(Fault::PubRecForgotten, 30) => {
                let link = &mut self.links[link];
                link.up.bytes.extend([0x62, 2, frame[2], frame[3]]);
                (link.cut, link.down_end, link.up_end) = (true, true, Some(Loss::Failed));
                vec![]
            }
            _ => match self.tamper.settled(link) {
                Some(again) => vec![frame, again],
                None => vec![frame],
            },
        }
    }

    /// The link on which a frame leaves: another one, for `AnswerMisplaced`.
    pub(crate) fn misplaced_down(&mut self, link: usize, frame: &[u8]) -> usize {
        if frame[0] != 0x40 || !self.tamper.strikes(Fault::AnswerMisplaced, 30) {
            return link;
        }
        let links = self
            .clients
            .iter()
            .filter_map(|client| client.link.filter(|link| client.down_link == Some(*link)));
        links.into_iter().find(|other| *other != link).unwrap_or(link)
    }

    fn tamper_publish(&mut self, link: usize, frame: &[u8], publish: &Publish<'_>) -> Vec<Vec<u8>> {
        self.give_to_another(link, publish);
        let version = self.links[link].version;
        let Some(id) = publish.qos.packet_id() else { return vec![frame.to_vec()] };
        let exactly_once = matches!(publish.qos, QoS::ExactlyOnce(_));
        let with = |id: u16, dup: bool| {
            let id = PacketId::new(id).unwrap_or(id_min());
            let qos = if exactly_once { QoS::ExactlyOnce(id) } else { QoS::AtLeastOnce(id) };
            encode(&Packet::Publish(Publish { qos, dup, ..*publish }), version)
        };
        if publish.dup && self.tamper.strikes(Fault::ResumeLost, 30) {
            let kind = if exactly_once { 0x50 } else { 0x40 };
            self.links[link].up.bytes.extend([kind, 2, (id.get() >> 8) as u8, id.get() as u8]);
            return vec![];
        }
        if self.tamper.strikes(Fault::PublishTwice, 10) {
            return vec![frame.to_vec(), frame.to_vec()];
        }
        if self.tamper.strikes(Fault::IdRewritten, 10) {
            return vec![with(id.get() - 1, publish.dup)];
        }
        if publish.dup && self.tamper.strikes(Fault::DupCleared, 50) {
            return vec![with(id.get(), false)];
        }
        let window = self.clients[self.links[link].client].profile.receive_maximum;
        if version.is_v5() && self.tamper.strikes(Fault::WindowExceeded, 5) {
            let more = (0..window).map(|extra| with(60_000 + extra, false));
            return std::iter::once(frame.to_vec()).chain(more).collect();
        }
        if exactly_once && self.tamper.strikes(Fault::DeliveredAgain, 30) {
            self.tamper.sent.insert(link, (id, with(id.get(), false), false));
        }
        vec![frame.to_vec()]
    }

    /// For `WrongSubscriber` and `GroupTwice`: a copy with QoS 0 for another client.
    fn give_to_another(&mut self, link: usize, publish: &Publish<'_>) {
        let Some(topic) = publish.topic else { return };
        let shared = SHARED.iter().any(|(.., name)| *name == topic.as_str());
        let strikes = self.tamper.strikes(Fault::WrongSubscriber, 5)
            || (shared && self.tamper.strikes(Fault::GroupTwice, 30));
        let own = self.links[link].client;
        let others = self.clients.iter().filter(|client| client.index != own && !client.profile.steady);
        let Some(other) = others
            .filter(|_| strikes)
            .find_map(|client| client.down_link.filter(|link| client.link == Some(*link)))
        else {
            return;
        };
        let copy = Publish {
            qos: QoS::AtMostOnce,
            dup: false,
            retain: false,
            properties: Properties::NONE,
            ..*publish
        };
        let bytes = encode(&Packet::Publish(copy), self.links[other].version);
        self.links[other].down.bytes.extend(bytes);
    }

    /// A frame from a client to the broker: what leaves in its place.
    pub(crate) fn tamper_up(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        if frame[0] >> 4 == 3 && frame[0] & 1 == 1 && self.tamper.strikes(Fault::RetainForgotten, 30) {
            frame[0] &= !1;
        }
        frame
    }
}

fn id_min() -> PacketId {
    PacketId::MAX
}
