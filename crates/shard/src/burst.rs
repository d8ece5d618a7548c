//! Messages that arrived together, for one session: all at once, where nothing is in the way of that. What they come to is
//! what [`Clients::deliver`] would have done with each.

use crate::clients::Clients;
use crate::interface::ConnectionId;
use crate::session::SessionKey;
use martlet_codec::QoSLevel;
use martlet_protocol::Burst;

impl Clients {
    /// Delivers all messages of a burst to one session with this QoS; `false`, and nothing has happened, if there is no
    /// room for all, or they have to be sent one by one.
    pub(crate) fn deliver_burst(&mut self, to: SessionKey, qos: QoSLevel, burst: &mut Burst) -> bool {
        let is_queued = qos != QoSLevel::AtMostOnce;
        let done = match self.sessions[to].connection {
            _ if is_queued && !self.may_queue(to, burst) => false,
            Some(_) if self.config.is_recorded && qos == QoSLevel::ExactlyOnce => false,
            Some(id) => self.send_burst(id, to, qos, burst),
            None => is_queued && self.queue_burst(to, qos, burst),
        };
        if done {
            let count = burst.len() as u64;
            self.counters.routed += count;
            match qos {
                QoSLevel::AtMostOnce => self.counters.delivered += count,
                _ => self.counters.queued += count,
            }
        }
        done
    }

    fn may_queue(&self, to: SessionKey, burst: &Burst) -> bool {
        self.sessions[to].session.outgoing.bytes() + burst.queue_bytes() <= self.config.queue_bytes_max
    }

    fn send_burst(&mut self, id: ConnectionId, to: SessionKey, qos: QoSLevel, burst: &mut Burst) -> bool {
        let room = match qos {
            QoSLevel::AtMostOnce => self.output_max(),
            _ => self.config.limits.output_low_bytes,
        };
        let fits = self.connections[id].output.len() + burst.frames_bytes_max() <= room;
        if !fits || !self.with_link(id, to, |protocol, link| protocol.send_burst(burst, qos, link)) {
            self.give_back(id);
            return false;
        }
        self.sent(id, burst.len() as u64, burst.payload_bytes());
        true
    }

    /// They wait for the client to come back.
    fn queue_burst(&mut self, to: SessionKey, qos: QoSLevel, burst: &mut Burst) -> bool {
        self.with_queue(to, |clients| {
            burst.queue(qos, &mut clients.sessions[to].session.outgoing, &mut clients.publications);
        });
        true
    }
}
