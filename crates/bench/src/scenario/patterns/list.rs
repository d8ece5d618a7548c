//! The patterns: one exchange each, written as clients in the field write it.

use super::Scene;
use super::client::Client;
use crate::BenchFault;
use crate::packets::{DISCONNECT, PINGREQ, PUBACK, PUBCOMP, PUBREC, PUBREL, ack};
use martlet_codec::PacketType::{self, PingResp, PubAck, PubComp, PubRec, PubRel, SubAck};
use martlet_codec::QoSLevel::{self, AtLeastOnce, AtMostOnce, ExactlyOnce};

type Done = Result<(), BenchFault>;

/// Messages of the patterns that send several before they wait.
const SEVERAL: u16 = 10;

pub(super) struct Pattern {
    pub(super) words: &'static str,
    /// With Nagle's algorithm and without: median, 99 %, longest.
    pub(super) figures: [[&'static str; 3]; 2],
    /// Before the first round.
    pub(super) begin: fn(&mut Scene<'_>) -> Done,
    /// What is measured.
    pub(super) round: fn(&mut Scene<'_>, u16) -> Done,
}

macro_rules! pattern {
    ($key:literal, $words:literal, $begin:expr, $round:expr) => {
        Pattern {
            words: $words,
            figures: [
                [
                    concat!($key, "_nagle_p50_us"),
                    concat!($key, "_nagle_p99_us"),
                    concat!($key, "_nagle_max_us"),
                ],
                [concat!($key, "_p50_us"), concat!($key, "_p99_us"), concat!($key, "_max_us")],
            ],
            begin: $begin,
            round: $round,
        }
    };
}

pub(super) const PATTERNS: &[Pattern] = &[
    pattern!("ack_publish", "PUBACK, then PUBLISH", own(AtLeastOnce), ack_then_publish),
    pattern!("publish_ack", "PUBLISH, then PUBACK", own(AtLeastOnce), publish_then_ack),
    pattern!("ack_ping", "PUBACK, then PINGREQ", own(AtLeastOnce), ack_then_ping),
    pattern!("ack_subscribe", "PUBACK, then SUBSCRIBE", own(AtLeastOnce), ack_then_subscribe),
    pattern!("acks_apart", "ten PUBACKs, a write each", own(AtLeastOnce), acks_apart),
    pattern!("split", "header and payload apart", nothing, split),
    pattern!("bytewise", "one byte at a time", nothing, bytewise),
    pattern!("qos_2", "QoS 2 in both directions", own(ExactlyOnce), exactly_once),
    pattern!("two_qos_0", "two QoS 0 and an own copy", own(AtMostOnce), two_without_acknowledgement),
    pattern!("several", "ten QoS 1 without waiting", nothing, several),
    pattern!("subscribe_publish", "SUBSCRIBE, then PUBLISH", nothing, subscribe_then_publish),
    pattern!("subscribe_with_publish", "SUBSCRIBE and PUBLISH in one", nothing, subscribe_with_publish),
    pattern!("request_qos_0", "request and response, QoS 0", served(AtMostOnce), request_0),
    pattern!("request_qos_1", "request and response, QoS 1", served(AtLeastOnce), request_1),
    pattern!("brief_qos_0", "connect, PUBLISH, leave, QoS 0", nothing, brief_0),
    pattern!("brief_qos_1", "connect, PUBLISH, leave, QoS 1", nothing, brief_1),
];

fn nothing(_: &mut Scene<'_>) -> Done {
    Ok(())
}

/// The client hears its own messages.
macro_rules! begin_own {
    ($level:expr) => {
        |scene| scene.client.subscribe(&scene.topic, $level, 1)
    };
}

const fn own(level: QoSLevel) -> fn(&mut Scene<'_>) -> Done {
    match level {
        AtMostOnce => begin_own!(AtMostOnce),
        AtLeastOnce => begin_own!(AtLeastOnce),
        ExactlyOnce => begin_own!(ExactlyOnce),
    }
}

/// The client asks, the other one answers.
macro_rules! begin_served {
    ($level:expr) => {
        |scene| {
            scene.client.subscribe(&scene.below("response"), $level, 1)?;
            scene.other.subscribe(&scene.below("request"), $level, 1)
        }
    };
}

const fn served(level: QoSLevel) -> fn(&mut Scene<'_>) -> Done {
    match level {
        AtMostOnce => begin_served!(AtMostOnce),
        AtLeastOnce => begin_served!(AtLeastOnce),
        ExactlyOnce => begin_served!(ExactlyOnce),
    }
}

impl Scene<'_> {
    fn below(&self, name: &str) -> String {
        format!("{}/{name}", self.topic)
    }

    /// The client publishes to itself, and gets the answer and its copy; the copy's packet id.
    fn publish_to_self(&mut self, id: u16) -> Result<[u8; 2], BenchFault> {
        let message = self.client.message(&self.topic, AtLeastOnce, id);
        self.client.write(&message)?;
        self.client.wait(PubAck)?;
        self.client.wait(PacketType::Publish)
    }
}

fn ack_then_publish(scene: &mut Scene<'_>, round: u16) -> Done {
    let id = scene.publish_to_self(round)?;
    scene.client.write(&ack(PUBACK, id))
}

fn publish_then_ack(scene: &mut Scene<'_>, round: u16) -> Done {
    let message = scene.client.message(&scene.topic, AtLeastOnce, round);
    scene.client.write(&message)?;
    if let Some(id) = scene.unacknowledged.take() {
        scene.client.write(&ack(PUBACK, id))?;
    }
    scene.client.wait(PubAck)?;
    scene.unacknowledged = Some(scene.client.wait(PacketType::Publish)?);
    Ok(())
}

fn ack_then_ping(scene: &mut Scene<'_>, round: u16) -> Done {
    let id = scene.publish_to_self(round)?;
    scene.client.write(&ack(PUBACK, id))?;
    scene.client.write(&PINGREQ)?;
    scene.client.wait(PingResp).map(drop)
}

/// The message comes from the other one.
fn ack_then_subscribe(scene: &mut Scene<'_>, round: u16) -> Done {
    let message = scene.other.message(&scene.topic, AtLeastOnce, round);
    scene.other.write(&message)?;
    scene.other.wait(PubAck)?;
    let id = scene.client.wait(PacketType::Publish)?;
    scene.client.write(&ack(PUBACK, id))?;
    scene.client.subscribe(&scene.below("more"), AtMostOnce, round + 1)
}

fn acks_apart(scene: &mut Scene<'_>, round: u16) -> Done {
    let ids = (round - 1) * SEVERAL + 1..=round * SEVERAL;
    let messages: Vec<u8> = ids.flat_map(|id| scene.other.message(&scene.topic, AtLeastOnce, id)).collect();
    scene.other.write(&messages)?;
    let mut heard = Vec::new();
    for _ in 0..SEVERAL {
        scene.other.wait(PubAck)?;
        heard.push(scene.client.wait(PacketType::Publish)?);
    }
    for id in heard {
        scene.client.write(&ack(PUBACK, id))?;
    }
    scene.client.write(&PINGREQ)?;
    scene.client.wait(PingResp).map(drop)
}

fn split(scene: &mut Scene<'_>, round: u16) -> Done {
    let message = scene.client.message(&scene.topic, AtLeastOnce, round);
    let (header, payload) = message.split_at(message.len() - scene.options.payload_len);
    scene.client.write(header)?;
    scene.client.write(payload)?;
    scene.client.wait(PubAck).map(drop)
}

fn bytewise(scene: &mut Scene<'_>, round: u16) -> Done {
    let message = scene.client.message("t", AtLeastOnce, round);
    for byte in message {
        scene.client.write(&[byte])?;
    }
    scene.client.wait(PubAck).map(drop)
}

/// Some servers deliver when the message is complete, some when it is released.
fn exactly_once(scene: &mut Scene<'_>, round: u16) -> Done {
    let message = scene.client.message(&scene.topic, ExactlyOnce, round);
    scene.client.write(&message)?;
    scene.client.wait(PubRec)?;
    scene.client.write(&ack(PUBREL, round.to_be_bytes()))?;
    let id = scene.client.wait(PacketType::Publish)?;
    scene.client.write(&ack(PUBREC, id))?;
    scene.client.wait(PubRel)?;
    scene.client.write(&ack(PUBCOMP, id))?;
    scene.client.wait(PubComp).map(drop)
}

fn two_without_acknowledgement(scene: &mut Scene<'_>, round: u16) -> Done {
    let elsewhere = scene.client.message(&scene.below("elsewhere"), AtMostOnce, round);
    let message = scene.client.message(&scene.topic, AtMostOnce, round);
    scene.client.write(&elsewhere)?;
    scene.client.write(&message)?;
    scene.client.wait(PacketType::Publish).map(drop)
}

fn several(scene: &mut Scene<'_>, round: u16) -> Done {
    for id in (round - 1) * SEVERAL + 1..=round * SEVERAL {
        let message = scene.client.message(&scene.topic, AtLeastOnce, id);
        scene.client.write(&message)?;
    }
    (0..SEVERAL).try_for_each(|_| scene.client.wait(PubAck).map(drop))
}

fn subscribe_then_publish(scene: &mut Scene<'_>, round: u16) -> Done {
    let topic = scene.below(&round.to_string());
    scene.client.subscribe(&topic, AtLeastOnce, round)?;
    let message = scene.client.message(&topic, AtLeastOnce, round);
    scene.client.write(&message)?;
    scene.client.wait(PubAck)?;
    let id = scene.client.wait(PacketType::Publish)?;
    scene.client.write(&ack(PUBACK, id))
}

fn subscribe_with_publish(scene: &mut Scene<'_>, round: u16) -> Done {
    let topic = scene.below(&round.to_string());
    let mut both = scene.client.subscription(&topic, AtLeastOnce, round);
    both.extend(scene.client.message(&topic, AtLeastOnce, round));
    scene.client.write(&both)?;
    scene.client.wait(SubAck)?;
    scene.client.wait(PubAck)?;
    let id = scene.client.wait(PacketType::Publish)?;
    scene.client.write(&ack(PUBACK, id))
}

fn request_0(scene: &mut Scene<'_>, round: u16) -> Done {
    let request = scene.client.message(&scene.below("request"), AtMostOnce, round);
    let response = scene.other.message(&scene.below("response"), AtMostOnce, round);
    scene.client.write(&request)?;
    scene.other.wait(PacketType::Publish)?;
    scene.other.write(&response)?;
    scene.client.wait(PacketType::Publish).map(drop)
}

/// Whoever gets a message acknowledges it before anything else.
fn request_1(scene: &mut Scene<'_>, round: u16) -> Done {
    let request = scene.client.message(&scene.below("request"), AtLeastOnce, round);
    let response = scene.other.message(&scene.below("response"), AtLeastOnce, round);
    scene.client.write(&request)?;
    let id = scene.other.wait(PacketType::Publish)?;
    scene.other.write(&ack(PUBACK, id))?;
    scene.other.write(&response)?;
    scene.other.wait(PubAck)?;
    scene.client.wait(PubAck)?;
    let id = scene.client.wait(PacketType::Publish)?;
    scene.client.write(&ack(PUBACK, id))
}

fn brief_0(scene: &mut Scene<'_>, _: u16) -> Done {
    let mut client = connect(scene)?;
    let message = client.message(&scene.topic, AtMostOnce, 1);
    client.write(&message)?;
    client.write(&DISCONNECT)?;
    client.wait_for_end()
}

fn brief_1(scene: &mut Scene<'_>, _: u16) -> Done {
    let mut client = connect(scene)?;
    let message = client.message(&scene.topic, AtLeastOnce, 1);
    client.write(&message)?;
    client.wait(PubAck)?;
    client.write(&DISCONNECT)?;
    client.wait_for_end()
}

fn connect(scene: &Scene<'_>) -> Result<Client, BenchFault> {
    Client::connect(scene.options, &scene.below("brief"), scene.has_nagle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_patterns_share_a_name() {
        let figures: BTreeSet<_> = PATTERNS.iter().flat_map(|pattern| pattern.figures.concat()).collect();
        let words: BTreeSet<_> = PATTERNS.iter().map(|pattern| pattern.words).collect();
        assert_eq!((figures.len(), words.len()), (PATTERNS.len() * 6, PATTERNS.len()));
    }
}
