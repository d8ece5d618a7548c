//! From a socket to a connection that is ready: CONNECT, CONNACK, SUBSCRIBE, SUBACK.

use super::Worker;
use crate::BenchFault;
use crate::connection::{Connection, Role, Spec, Stage};
use crate::packets;
use crate::socket::Socket;
use crate::tally::Counter;
use martlet_codec::{Disconnect, Frame, Packet, PacketId, ReasonCode, SubAck};
use mio::{Interest, Token};

impl Worker {
    /// Begins as many handshakes as may run at a time.
    pub(super) fn open_some(&mut self) {
        while self.handshakes < self.shared.handshakes_max {
            let Some(spec) = self.to_open.pop_front() else { return };
            if let Err(error) = self.open(spec) {
                let doing = format!("connect to {}", self.shared.target.url);
                return self.shared.fail(martlet_net::Fault::io(doing, error).into());
            }
        }
    }

    fn open(&mut self, spec: Spec) -> std::io::Result<()> {
        let token = self.free.pop().unwrap_or(self.connections.len());
        let mut socket = Socket::connect(&self.shared.target.place, self.opened)?;
        self.opened += 1;
        let interests = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket, Token(token), interests)?;
        if let Role::Publisher(publisher) = &spec.role {
            let flow = publisher.flow.id as usize;
            self.publishers.resize(self.publishers.len().max(flow + 1), None);
            self.publishers[flow] = Some(token);
        }
        if token == self.connections.len() {
            self.connections.push(None);
        }
        self.connections[token] = Some(Box::new(Connection::new(socket, spec)));
        self.handshakes += 1;
        Ok(())
    }

    /// Sends CONNECT if the system has connected; whether it has.
    pub(super) fn greet(&mut self, connection: &mut Connection) -> Result<bool, BenchFault> {
        let target = &self.shared.target;
        let connected = connection.socket.is_connected();
        let fault = |error| martlet_net::Fault::io(format!("connect to {}", target.url), error);
        if !connected.map_err(fault)? {
            return Ok(false);
        }
        let Spec { client_id, session, .. } = &connection.spec;
        connection.out = packets::connect(target.version, &target.url, client_id, *session);
        connection.stage = Stage::Greeting;
        Ok(true)
    }

    /// A packet that is neither PUBLISH nor an acknowledgement of one.
    #[cold]
    pub(super) fn rare(&mut self, connection: &mut Connection, frame: Frame<'_>) -> Result<(), BenchFault> {
        let packet = Packet::decode(frame, self.shared.target.version).map_err(|bad| {
            BenchFault::ConnectionLost(format!("the server sent what is no packet: {bad:?}"))
        })?;
        match (packet, connection.stage) {
            (Packet::ConnAck(connack), Stage::Greeting) => {
                if connack.reason.is_failure() {
                    return Err(BenchFault::ConnectRefused(connack.reason.to_string()));
                }
                let is_resumed = connection.spec.session == packets::Session::Resumed;
                if is_resumed && !connack.session_present {
                    let why = "it does not have the session any more that it should have kept";
                    return Err(BenchFault::ConnectionLost(why.to_owned()));
                }
                if let Role::Publisher(publisher) = &mut connection.spec.role {
                    publisher.limit(packets::receive_maximum(connack.properties));
                }
                self.subscribe(connection, 0)
            }
            (Packet::SubAck(suback), Stage::Subscribing(done)) => {
                self.subscribed(connection, &suback)?;
                self.subscribe(connection, done)
            }
            (Packet::PingResp, _) => {
                self.counts[Counter::Ponged] += 1;
                let now_ns = self.now_ns();
                if let Some(latency) = &mut self.latency {
                    latency.record(now_ns.saturating_sub(connection.pinged_ns));
                }
                self.ping_next();
                Ok(())
            }
            (Packet::Disconnect(Disconnect { reason, .. }), _) => {
                Err(BenchFault::ConnectionLost(format!("the server said DISCONNECT: {reason}")))
            }
            (packet, stage) => {
                let kind = packet.kind();
                Err(BenchFault::ConnectionLost(format!("the server sent {kind:?} in the stage {stage:?}")))
            }
        }
    }

    fn subscribed(&mut self, connection: &Connection, suback: &SubAck<'_>) -> Result<(), BenchFault> {
        if let Some(reason) = suback.reasons.iter().find(|reason| ReasonCode::is_failure(*reason)) {
            let client_id = &connection.spec.client_id;
            return Err(BenchFault::SubscribeRefused(format!("{reason} (client {client_id})")));
        }
        self.counts[Counter::Subscribed] += suback.reasons.len() as u64;
        Ok(())
    }

    /// SUBACK or UNSUBACK to a connection that goes on subscribing and unsubscribing.
    pub(super) fn answered(
        &mut self,
        connection: &mut Connection,
        frame: Frame<'_>,
    ) -> Result<(), BenchFault> {
        if let Some(reason) = packets::only_reason(frame.body).filter(|reason| *reason >= 0x80) {
            let client_id = &connection.spec.client_id;
            return Err(BenchFault::SubscribeRefused(format!("{reason:#04x} (client {client_id})")));
        }
        self.counts[Counter::Unsubscribed] += u64::from(frame.first == packets::UNSUBACK);
        if let Role::Fickle(fickle) = &mut connection.spec.role
            && fickle.is_answered()
        {
            connection.out.extend_from_slice(fickle.next_block());
        }
        Ok(())
    }

    /// Sends the next SUBSCRIBE, where filters are left behind `done`; else the connection is ready.
    fn subscribe(&mut self, connection: &mut Connection, done: usize) -> Result<(), BenchFault> {
        let filters = &connection.spec.filters;
        let end = filters.all.len().min(done + filters.per_packet);
        if done == end {
            connection.stage = Stage::Ready;
            self.handshakes -= 1;
            self.counts[Counter::Ready] += 1;
            self.list_publisher(connection);
            if let Role::Fickle(fickle) = &mut connection.spec.role {
                connection.out.extend_from_slice(fickle.next_block());
            }
            return Ok(());
        }
        let version = self.shared.target.version;
        let packet = packets::subscribe(version, PacketId::MIN, &filters.all[done..end], filters.qos);
        connection.out.extend_from_slice(&packet);
        connection.stage = Stage::Subscribing(end);
        Ok(())
    }
}
