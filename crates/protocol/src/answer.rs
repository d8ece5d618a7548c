//! Packets that either side writes besides PUBLISH, within what the other side accepts: a Reason String or User
//! Property is left out where it is unwelcome or would make the packet too large.

use crate::limits::PeerLimits;
use crate::output::Output;
use martlet_codec::{
    Ack, AckKind, Disconnect, Packet, PacketId, Place, Properties, PropertiesBuf, Property, ReasonCode,
    Version,
};

/// An acknowledgement that one side owes the other: what happened is known, when it may be told is the caller's to say.
/// Acknowledgements of one kind are told in the order in which they became owed. [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.6.0-4]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Which of the four.
    pub kind: AckKind,
    /// That of the packet which it answers. [MQTT-2.2.1-5] [3.1.1 MQTT-2.3.1-6]
    pub packet_id: PacketId,
    /// What came of it; 3.x is not told.
    pub reason: ReasonCode,
}

impl Owed {
    /// That all went well.
    pub fn success(kind: AckKind, packet_id: PacketId) -> Self {
        Owed { kind, packet_id, reason: ReasonCode::Success }
    }

    /// Appends it.
    #[inline]
    pub(crate) fn write(self, version: Version, output: &mut Output) {
        let Owed { kind, packet_id, reason } = self;
        // 3.x has no reason codes here: what was refused is acknowledged all the same (3.1.1, 3.3.5).
        if reason == ReasonCode::Success || !version.is_v5() {
            return output.buffer().extend_from_slice(&Ack::success_frame(kind, packet_id));
        }
        let ack = Ack { kind, packet_id, reason, properties: Properties::NONE };
        Packet::Ack(ack).encode(version, output.buffer());
    }
}

/// Appends DISCONNECT, with a reason string where it is welcome and fits. 5.0 only; 3.x servers just close.
pub(crate) fn disconnect(reason: ReasonCode, text: Option<&str>, peer: &PeerLimits, output: &mut Output) {
    // A malformed CONNECT where none belongs has a code of CONNACK's.
    let reason = if reason.allowed_in(Place::Disconnect) { reason } else { ReasonCode::ProtocolError }; // [MQTT-3.14.2-1]
    let mut properties = PropertiesBuf::new();
    if let Some(text) = text {
        properties.push(Property::ReasonString(text));
    }
    let full = Packet::Disconnect(Disconnect { reason, properties: properties.as_properties() });
    let bare = Packet::Disconnect(Disconnect { reason, properties: Properties::NONE });
    encode_within(&[full, bare], peer, output); // [MQTT-3.14.2-3]
}

/// Appends the first packet that the other side takes; none if all are too large.
pub(crate) fn encode_within(packets: &[Packet<'_>], peer: &PeerLimits, output: &mut Output) -> bool {
    let fits = |packet: &&Packet<'_>| packet.encoded_len(Version::V5) <= peer.maximum_packet_size as usize;
    match packets.iter().find(fits) {
        Some(packet) => {
            packet.encode(Version::V5, output.buffer());
            true
        }
        None => false,
    }
}
