//! A reader that takes nothing while it is sent retained messages: its output is full when a topic gets its first one, which
//! is dropped as a live message. It must come with the replay, which has not come to it yet.

use crate::client::Client;
use crate::failure::{Checker, Verdict, check};
use crate::ledger::Fate;
use crate::world::World;
use martlet_codec::QoSLevel;

/// More than the reader's output and its link take; each is more than [`FRAME_BYTES_MIN`].
#[rustfmt::skip]
const KEPT: [&str; 40] = [
    "slow/00", "slow/01", "slow/02", "slow/03", "slow/04", "slow/05", "slow/06", "slow/07", "slow/08",
    "slow/09", "slow/10", "slow/11", "slow/12", "slow/13", "slow/14", "slow/15", "slow/16", "slow/17",
    "slow/18", "slow/19", "slow/20", "slow/21", "slow/22", "slow/23", "slow/24", "slow/25", "slow/26",
    "slow/27", "slow/28", "slow/29", "slow/30", "slow/31", "slow/32", "slow/33", "slow/34", "slow/35",
    "slow/36", "slow/37", "slow/38", "slow/39",
];
const FRAME_BYTES_MIN: usize = 13;
const ALL: &str = "slow/#";
/// Behind all of them.
const BORN: &str = "slow/z";
/// Without RETAIN, to fill the output.
const FILL: &str = "slow/f";
/// Whoever publishes: the observer, to whom nothing happens.
const PUBLISHER: usize = 0;
const PASSES: usize = 60;

impl World<'_> {
    /// Time stands still while it happens, and nobody does anything else.
    pub(crate) fn read_slowly(&mut self) -> Verdict {
        let limits = &self.plan.limits;
        let room = limits.output_low_bytes + limits.output_high_bytes;
        let stays_behind = |client: &Client| room + client.profile.capacity < KEPT.len() * FRAME_BYTES_MIN;
        let may_read = |client: &&Client| {
            let is_new = client.subscriptions.iter().all(|one| one.filter != ALL);
            client.connection.is_connected()
                && !client.retired
                && !client.muddled
                && is_new
                && stays_behind(client)
        };
        let Some(reader) = self.clients.iter().skip(1).find(may_read).map(|client| client.index) else {
            return Ok(());
        };
        let speaks = self.clients[PUBLISHER].connection.is_connected();
        // Another shard sends so little ahead at once: its replay is over before the topic is born.
        if self.plan.shards > 1 || self.plan.is_short_of_memory() || !speaks {
            return Ok(());
        }
        let settling = std::mem::replace(&mut self.settling, true);
        self.clients.iter_mut().for_each(Client::wake);
        let outcome = self.fill_and_read(reader);
        KEPT.into_iter().chain([BORN]).for_each(|topic| self.retain(topic, true));
        self.settling = settling;
        outcome
    }

    fn retain(&mut self, topic: &'static str, clear: bool) {
        self.publish(PUBLISHER, topic, QoSLevel::AtLeastOnce, true, clear);
    }

    fn fill_and_read(&mut self, reader: usize) -> Verdict {
        self.retain(BORN, true);
        KEPT.into_iter().for_each(|topic| self.retain(topic, false));
        self.pass(PASSES, Some(reader))?;
        let (session, connections) = (self.clients[reader].session(), self.clients[reader].connections);
        self.subscribe(reader, ALL, QoSLevel::AtMostOnce, false, None);
        self.client_turn(reader)?;
        self.pass(PASSES, Some(reader))?;
        (0..KEPT.len()).for_each(|_| self.publish(PUBLISHER, FILL, QoSLevel::AtMostOnce, false, false));
        self.pass(PASSES, Some(reader))?;
        let born = self.ledger.published.len();
        self.retain(BORN, false);
        self.pass(PASSES, Some(reader))?;
        self.pass(2 * PASSES, None)?;
        let client = &self.clients[reader];
        let is_same = client.session() == session && client.connections == connections;
        let is_granted = client.subscriptions.iter().any(|one| one.filter == ALL && one.acked.is_some());
        let is_kept = self.ledger.published.get(born).is_some_and(|one| one.fate == Fate::Accepted);
        if !is_same || !is_granted || !is_kept || !client.connection.is_connected() {
            return Ok(());
        }
        let seen = self.ledger.seen.get(&(session, BORN));
        check(seen == Some(&born), Checker::Retained, || {
            format!("{} saw {seen:?} of {BORN}, where {born} is retained", client.profile.id) // [MQTT-3.3.1-9]
        })
    }

    /// Everybody but one, or everybody.
    pub(crate) fn pass(&mut self, passes: usize, without: Option<usize>) -> Verdict {
        for _ in 0..passes {
            for host in 0..self.hosts.len() {
                self.turn(host)?;
            }
            for at in (0..self.clients.len()).filter(|at| Some(*at) != without) {
                self.client_turn(at)?;
            }
        }
        Ok(())
    }
}
