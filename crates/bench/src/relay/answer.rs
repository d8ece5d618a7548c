//! What the relay says to each packet: always yes, without looking further than it must.

use super::{FRAME_BYTES_MAX, Relay};
use crate::packets::{PUBACK, PUBCOMP, PUBREC, PUBREL, ack, packet_id};
use martlet_codec::{Frame, Packet, Split, Version, split_frame};

impl Relay {
    /// Handles whole frames; how many bytes they are, or `None` where the connection must end.
    pub(super) fn handle_bytes(&mut self, token: usize, bytes: &[u8]) -> Option<usize> {
        // Where a row of PUBLISH began, and its first frame.
        let mut run: Option<(usize, Frame<'_>)> = None;
        let mut used = 0;
        loop {
            let next = split_frame(&bytes[used..], FRAME_BYTES_MAX);
            let Split::Whole(frame, len) = next.ok()? else { break };
            if frame.first & 0xf0 == 0x30 {
                run.get_or_insert((used, frame));
                if frame.first & 0b110 != 0 {
                    self.acknowledge(token, frame);
                }
            } else {
                if let Some((begun, first)) = run.take() {
                    self.forward(token, &bytes[begun..used], first);
                }
                self.answer(token, frame)?;
            }
            used += len;
        }
        if let Some((begun, first)) = run {
            self.forward(token, &bytes[begun..used], first);
        }
        Some(used)
    }

    fn acknowledge(&mut self, token: usize, frame: Frame<'_>) {
        let first = if frame.first & 0b110 == 0b010 { PUBACK } else { PUBREC };
        if let Some(Some(peer)) = self.peers.get_mut(token) {
            peer.out.extend_from_slice(&ack(first, packet_id(frame.body)));
        }
    }

    fn answer(&mut self, token: usize, frame: Frame<'_>) -> Option<()> {
        let id = frame.body.first_chunk().copied().unwrap_or_default();
        let peer = self.peers.get_mut(token)?.as_mut()?;
        match frame.first & 0xf0 {
            0x10 => {
                // The protocol level stands behind the protocol's name.
                let name_len = usize::from(u16::from_be_bytes(id));
                peer.is_v5 = frame.body.get(2 + name_len) == Some(&5);
                let connack: &[u8] = if peer.is_v5 { b"\x20\x03\x00\x00\x00" } else { b"\x20\x02\x00\x00" };
                peer.out.extend_from_slice(connack);
            }
            0x50 => peer.out.extend_from_slice(&ack(PUBREL, id)),
            0x60 => peer.out.extend_from_slice(&ack(PUBCOMP, id)),
            0x80 => return self.subscribe(token, frame),
            0xc0 => peer.out.extend_from_slice(b"\xd0\x00"),
            PUBACK | PUBCOMP => {}
            _ => return None,
        }
        Some(())
    }

    fn subscribe(&mut self, token: usize, frame: Frame<'_>) -> Option<()> {
        let peer = self.peers.get_mut(token)?.as_mut()?;
        let version = if peer.is_v5 { Version::V5 } else { Version::V311 };
        let Ok(Packet::Subscribe(subscribe)) = Packet::decode(frame, version) else { return None };
        let mut granted = subscribe.packet_id.get().to_be_bytes().to_vec();
        if peer.is_v5 {
            granted.push(0);
        }
        for subscription in subscribe.filters {
            peer.filters.push(subscription.filter.as_str().into());
            granted.push(subscription.options.maximum_qos as u8);
        }
        peer.out.push(0x90);
        martlet_codec::put_varint(&mut peer.out, granted.len() as u32);
        peer.out.extend_from_slice(&granted);
        self.generation += 1;
        Some(())
    }
}
