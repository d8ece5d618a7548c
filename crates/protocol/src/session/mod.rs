//! Session State (4.1): exactly what outlives a Network Connection, but for the subscriptions, which lie in the
//! index that matches them. It holds no socket, no timer and no packet of the wire.

mod incoming;
mod outgoing;
mod packet_ids;

pub use incoming::Incoming;
pub use outgoing::{Acknowledged, Entry, GroupRef, Next, Outgoing, SubscriptionIds};
pub use packet_ids::PacketIdSet;

use crate::publications::{PublicationId, Publications};
use alloc::boxed::Box;
use martlet_codec::QoSLevel;

/// A Session Expiry Interval that never ends (3.1.2.11.2).
pub const NEVER_EXPIRES: u32 = u32::MAX;

/// What a server or a client keeps for the other side between Network Connections.
#[derive(Debug)]
pub struct Session {
    /// The key of the session. [MQTT-3.1.3-2] [3.1.1 MQTT-3.1.3-2]
    pub client_id: Box<str>,
    /// Seconds that the session outlives its connection; [`NEVER_EXPIRES`] is for ever.
    pub expiry_s: u32,
    /// QoS 1 and 2 messages to the other side.
    pub outgoing: Outgoing,
    /// QoS 2 messages from the other side.
    pub incoming: Incoming,
    /// What to publish if the client goes without a word. [MQTT-3.1.2-7]
    pub will: Option<Box<Will>>,
}

/// A Will Message, kept with the session. [MQTT-3.1.2-7]
#[derive(Debug)]
pub struct Will {
    /// The message.
    pub publication: PublicationId,
    /// Its QoS.
    pub qos: QoSLevel,
    /// Whether it is published as retained.
    pub retain: bool,
    /// Will Delay Interval, in seconds.
    pub delay_s: u32,
    /// Message Expiry Interval in seconds, counted from its publication.
    pub expiry_s: Option<u32>,
}

impl Session {
    /// A new session. `packet_id_max` is 65,535 but where a test wants ids to wrap early.
    pub fn new(client_id: Box<str>, packet_id_max: u16) -> Self {
        Session {
            client_id,
            expiry_s: 0,
            outgoing: Outgoing::new(packet_id_max),
            incoming: Incoming::default(),
            will: None,
        }
    }
    /// Lets go of everything that it holds in the store.
    pub fn release(&mut self, publications: &mut Publications) {
        self.outgoing.clear(publications);
        if let Some(will) = self.will.take() {
            publications.release(will.publication);
        }
    }
}
