//! Messages to a connected client: at once, or from the session's queue while the window is open.

use super::{Connection, Link};
use crate::Time;
use crate::burst::Burst;
use crate::output::Output;
use crate::publications::Publications;
use crate::session::GroupRef;
use crate::transmit::{Delivery, Encodings, Source, TooLarge};
use martlet_codec::{QoS, QoSLevel, Version};

/// What became of the next message of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was written.
    Sent {
        /// Bytes of its payload.
        payload_bytes: usize,
    },
    /// Its Message Expiry Interval had passed: it was deleted. [MQTT-3.3.2-5]
    Expired(GroupRef),
    /// It is larger than the client accepts: it was deleted as if it had been sent. [MQTT-3.1.2-25]
    TooLarge(GroupRef),
    /// There is none, or the window is closed.
    Blocked,
}

impl Connection {
    /// The version of a connected client.
    pub fn version(&self) -> Version {
        self.connected().transmitter.version()
    }
    /// The keep-alive of a connected client, in seconds.
    pub fn keep_alive_s(&self) -> u16 {
        self.connected().keep_alive.interval_s()
    }
    /// How many QoS 1 and 2 messages may be in flight to a connected client.
    pub fn window(&self) -> u16 {
        self.connected().window
    }

    /// Writes a message that needs no acknowledgement: a [`Delivery::at_most_once`].
    pub fn send(
        &mut self,
        now: Time,
        source: Source<'_>,
        delivery: Delivery<'_>,
        encodings: &mut Encodings,
        publications: &mut Publications,
        output: &mut Output,
    ) -> Result<(), TooLarge> {
        let transmitter = &mut self.connected_mut().transmitter;
        transmitter.publish(now, source, delivery, Some(encodings), publications, output)
    }

    /// Writes all messages of a burst with this QoS, which the caller has found to be within its bounds. `false`, and
    /// nothing has happened, if they are to be sent one by one: the window is too small, one is too large, or the
    /// client has Topic Aliases.
    pub fn send_burst(&mut self, burst: &mut Burst, qos: QoSLevel, link: &mut Link<'_>) -> bool {
        let connected = self.connected();
        let (version, has_id) = (connected.transmitter.version(), qos != QoSLevel::AtMostOnce);
        if (has_id && !link.session.outgoing.has_room_for(burst.len(), connected.window))
            || !connected.transmitter.takes_burst(burst, has_id)
        {
            return false;
        }
        if has_id {
            let (bytes, stored) = (burst.bytes(), burst.hold(link.publications));
            let ids = link.session.outgoing.push_sent(stored, qos, bytes);
            burst.append_with_ids(version, qos, ids, link.output);
        } else {
            burst.append(version, link.output);
        }
        true
    }

    /// Writes the next message of the session's queue, if the window is open. `encodings` are those of exactly
    /// this message, if the caller has them. QoS 2 messages from the sequence number `held_from` on must wait, and
    /// whatever is behind them.
    pub fn send_next(
        &mut self,
        now: Time,
        encodings: Option<&mut Encodings>,
        held_from: u64,
        link: &mut Link<'_>,
    ) -> Step {
        let connected = self.connected_mut();
        let Some(next) = link.session.outgoing.next(connected.window) else { return Step::Blocked };
        let (entry, packet_id, dup) = (next.entry, next.packet_id, next.dup);
        if entry.qos == QoSLevel::ExactlyOnce && next.sequence >= held_from {
            return Step::Blocked;
        }
        let group = entry.group;
        let message = link.publications.parts(entry.publication());
        let payload_bytes = message.payload.len();
        // What was begun is never dropped for its age: [MQTT-4.3.3-7].
        if !dup && message.is_expired(now) {
            link.session.outgoing.skip(link.publications);
            return Step::Expired(group); // [MQTT-3.3.2-5]
        }
        let qos = QoS::new(entry.qos, packet_id);
        let delivery =
            Delivery { qos, dup, retain: entry.retain, subscription_ids: entry.subscription_ids.as_slice() };
        let source = Source::Stored(entry.publication());
        match connected.transmitter.publish(now, source, delivery, encodings, link.publications, link.output)
        {
            Ok(()) => {
                link.session.outgoing.mark_sent();
                Step::Sent { payload_bytes }
            }
            Err(TooLarge) => {
                link.session.outgoing.skip(link.publications);
                Step::TooLarge(group)
            }
        }
    }
}
