//! Taps: every frame that leaves or reaches an end goes by here, to the watchers of its exchange.

use crate::failure::{Checker, Failure, Verdict};
use crate::ledger::{Fate, Ledger, Published};
use crate::tamper::decode;
use crate::world::World;
use martlet_codec::{AckKind, Packet, Publish, ReasonCode};

impl World<'_> {
    /// The broker writes to a client.
    pub(crate) fn writes_down(&mut self, at: usize, bytes: &[u8]) -> Verdict {
        for frame in self.links[at].down.entering.feed(bytes)? {
            let at = self.misplaced_down(at, &frame);
            for frame in self.tamper_down(at, frame) {
                self.left_broker(at, &frame)?;
                if !self.links[at].cut {
                    self.links[at].down.bytes.extend(frame);
                }
            }
        }
        Ok(())
    }

    fn left_broker(&mut self, at: usize, frame: &[u8]) -> Verdict {
        let (client, version) = (self.links[at].client, self.links[at].version);
        let packet = decode(frame, version).map_err(no_packet)?;
        self.trace.say(|| format!("{:?} broker to {client}: {}", self.now, brief(&packet)));
        if let Packet::Ack(ack) = &packet {
            self.keeps_promise(at, ack)?;
        }
        let client = &mut self.clients[client];
        match packet {
            Packet::ConnAck(connack) if !connack.reason.is_failure() => {
                let window = if version.is_v5() { client.profile.receive_maximum } else { u16::MAX };
                client.down.connected(connack.session_present, u32::from(window));
                client.down_link = Some(at);
            }
            Packet::Publish(publish) if client.down_link == Some(at) => return client.down.sent(&publish),
            Packet::Ack(ack) if ack.kind == AckKind::PubRel && client.down_link == Some(at) => {
                return client.down.released(&ack);
            }
            _ => {}
        }
        Ok(())
    }

    /// The broker reads from a client.
    pub(crate) fn reads(&mut self, at: usize, bytes: &[u8]) -> Verdict {
        let (client, version) = (self.links[at].client, self.links[at].version);
        for frame in self.links[at].up.leaving.feed(bytes)? {
            let packet = decode(&frame, version).map_err(no_packet)?;
            self.promise(at, &packet);
            match packet {
                Packet::Publish(publish) => self.ledger.arrived(&publish),
                Packet::Disconnect(disconnect) if disconnect.reason == ReasonCode::Success => {
                    self.links[at].goodbye = true;
                }
                Packet::Ack(ack) if self.clients[client].down_link == Some(at) => {
                    self.clients[client].down.acknowledged(&ack);
                    if ack.kind == AckKind::PubComp {
                        self.tamper.completed(at, ack.packet_id);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A client writes to the broker.
    pub(crate) fn writes_up(&mut self, at: usize, bytes: &[u8]) -> Verdict {
        let (client, version) = (self.links[at].client, self.links[at].version);
        for frame in self.links[at].up.entering.feed(bytes)? {
            let frame = self.tamper_up(frame);
            let packet = decode(&frame, version).map_err(no_packet)?;
            self.trace.say(|| format!("{:?} {client} to broker: {}", self.now, brief(&packet)));
            match packet {
                Packet::Publish(publish) => self.clients[client].up.sent(&publish)?,
                Packet::Ack(ack) if ack.kind == AckKind::PubRel => self.clients[client].up.released(&ack)?,
                _ => {}
            }
            if !self.links[at].cut {
                self.links[at].up.bytes.extend(frame);
            }
        }
        Ok(())
    }

    /// A client reads from the broker.
    pub(crate) fn reads_down(&mut self, at: usize, bytes: &[u8]) -> Verdict {
        let (client, version) = (self.links[at].client, self.links[at].version);
        let window = if version.is_v5() { self.plan.limits.receive_maximum } else { u16::MAX };
        if self.clients[client].connection.is_closing() {
            return Ok(()); // it hears nothing any more
        }
        for frame in self.links[at].down.leaving.feed(bytes)? {
            match decode(&frame, version).map_err(no_packet)? {
                Packet::ConnAck(connack) => {
                    self.clients[client].up.connected(connack.session_present, u32::from(window));
                }
                Packet::Ack(ack) => self.clients[client].up.acknowledged(&ack),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// The broker's session of a client is gone, and with it what it knew of these.
    pub(crate) fn forget(&mut self, publisher: usize) {
        let open = |one: &&mut Published| one.publisher == publisher && one.fate == Fate::Open;
        self.published.iter_mut().filter(open).for_each(|one| one.forgotten = true);
    }

    /// The broker has read a PUBLISH.
    fn arrived(&mut self, publish: &Publish<'_>) {
        let text = std::str::from_utf8(publish.payload).unwrap_or_default();
        let number = text.split('.').next().and_then(|number| number.parse::<usize>().ok());
        if let Some(published) = number.and_then(|number| self.published.get_mut(number)) {
            published.arrivals += 1;
        }
    }
}

fn no_packet(malformed: martlet_codec::Malformed) -> Failure {
    Failure::new(Checker::Protocol, format!("no packet: {malformed}"))
}

fn brief(packet: &Packet<'_>) -> String {
    match packet {
        Packet::Publish(publish) => {
            let payload = String::from_utf8_lossy(&publish.payload[..publish.payload.len().min(12)]);
            let topic = publish.topic.map_or("(alias)", |topic| topic.as_str());
            format!(
                "PUBLISH {topic} {payload} {:?} dup {} retain {}",
                publish.qos, publish.dup, publish.retain
            )
        }
        Packet::Ack(ack) => format!("{:?} {} {:?}", ack.kind, ack.packet_id, ack.reason),
        Packet::ConnAck(connack) => {
            format!("CONNACK {:?} session {}", connack.reason, connack.session_present)
        }
        other => format!("{:?}", other.kind()),
    }
}
