//! A connection that subscribes to a filter and unsubscribes again, over and over, many times with each write.

use crate::packets;
use martlet_codec::{PacketId, QoSLevel, Version};

/// Times in one write: so many that what they cost is not hidden by the system calls.
const TIMES_PER_BLOCK: u16 = 50;

/// What is left to be done, and what is not answered yet.
pub(crate) struct Fickle {
    block: Vec<u8>,
    blocks_left: u64,
    unanswered: u16,
}

impl Fickle {
    /// Subscribes and unsubscribes at least `times` times, and says how often.
    pub(crate) fn new(version: Version, filter: &str, qos: QoSLevel, times: u64) -> (Self, u64) {
        let filters = [filter.to_owned()];
        let mut block = Vec::new();
        for id in (1..=2 * TIMES_PER_BLOCK).filter_map(PacketId::new) {
            let packet = match id.get() % 2 {
                1 => packets::subscribe(version, id, &filters, qos),
                _ => packets::unsubscribe(version, id, filter),
            };
            block.extend_from_slice(&packet);
        }
        let blocks = times.div_ceil(TIMES_PER_BLOCK.into());
        (Fickle { block, blocks_left: blocks, unanswered: 0 }, blocks * u64::from(TIMES_PER_BLOCK))
    }

    /// What has to be written next; nothing in the end.
    pub(crate) fn next_block(&mut self) -> &[u8] {
        if self.blocks_left == 0 {
            return &[];
        }
        self.blocks_left -= 1;
        self.unanswered = 2 * TIMES_PER_BLOCK;
        &self.block
    }

    /// An answer came. Whether it was the last one of its block.
    pub(crate) fn is_answered(&mut self) -> bool {
        self.unanswered = self.unanswered.saturating_sub(1);
        self.unanswered == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use martlet_codec::{Packet, Split, split_frame};

    #[test]
    fn a_block_is_packets_with_an_id_each() {
        for version in [Version::V311, Version::V5] {
            let (mut fickle, times) = Fickle::new(version, "a/b", QoSLevel::AtLeastOnce, 51);
            assert_eq!(times, 100);
            let mut bytes = fickle.next_block();
            let mut ids = Vec::new();
            while let Ok(Split::Whole(frame, len)) = split_frame(bytes, 1 << 20) {
                ids.push(match Packet::decode(frame, version).unwrap() {
                    Packet::Subscribe(subscribe) => (true, subscribe.packet_id.get()),
                    Packet::Unsubscribe(unsubscribe) => (false, unsubscribe.packet_id.get()),
                    packet => panic!("{:?}", packet.kind()),
                });
                bytes = &bytes[len..];
            }
            assert_eq!(ids, (1..=100).map(|id| (id % 2 == 1, id)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_next_block_waits_for_all_answers() {
        let (mut fickle, _) = Fickle::new(Version::V5, "a", QoSLevel::AtMostOnce, 100);
        for is_left in [true, true, false] {
            assert_eq!(!fickle.next_block().is_empty(), is_left);
            if is_left {
                let answers: Vec<_> = (0..100).map(|_| fickle.is_answered()).collect();
                assert_eq!(answers.iter().position(|is_last| *is_last), Some(99));
            }
        }
    }
}
