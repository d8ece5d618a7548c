//! What clients are owed: nothing below the shard writes an acknowledgement, and nothing else of the shard does.

use crate::clients::Clients;
use crate::connection::Connection;
use crate::interface::ConnectionId;
use crate::session::SessionKey;
use martlet_protocol::Owed;
use martlet_protocol::server::Connection as Protocol;

impl Clients {
    /// A client is owed an acknowledgement.
    pub(crate) fn owe(&mut self, id: ConnectionId, owed: Owed) {
        let Connection { protocol, output, .. } = &mut self.connections[id];
        output.give_buffer(|| self.pool.take());
        protocol.write(owed, output);
        self.counters.packets_sent += 1;
    }

    /// A client has come back to a session that owes it something already. [MQTT-4.4.0-1]
    pub(crate) fn owe_again(&mut self, id: ConnectionId, key: SessionKey) {
        let owed: alloc::vec::Vec<_> = Protocol::owed_again(&self.sessions[key].session).collect();
        owed.into_iter().for_each(|owed| self.owe(id, owed));
    }

    /// PINGREQ is answered at once, whatever waits.
    pub(crate) fn pingresp(&mut self, id: ConnectionId) {
        let Connection { protocol, output, .. } = &mut self.connections[id];
        output.give_buffer(|| self.pool.take());
        protocol.pingresp(output);
        self.counters.packets_sent += 1;
    }
}
