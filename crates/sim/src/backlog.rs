//! A member of a shared subscription that takes messages, acknowledges none, and goes for good: another one gets them, in
//! their order. So much at once is rare among random actions, so it is an action of its own.

use crate::client::Client;
use crate::failure::Verdict;
use crate::plan::SHARED;
use crate::world::World;
use martlet_codec::QoSLevel;
use martlet_shard::Loss;

/// Messages that are published in one go.
const MESSAGES: usize = 12;
/// Passes over everything that moves in which all of them arrive.
const PASSES: usize = 12;

impl World<'_> {
    /// Time stands still while it happens, and nobody does anything else.
    pub(crate) fn leave_backlog(&mut self) -> Verdict {
        let (filter, _, topic) = *self.random.pick(&SHARED);
        let is_member = |client: &&Client| {
            let certain = client.subscriptions.iter().any(|one| {
                one.filter == filter && one.acked.is_some() && !one.ending && one.qos != QoSLevel::AtMostOnce
            });
            certain && client.connection.is_connected() && !client.retired && !client.profile.steady
        };
        let members: Vec<_> = self.clients.iter().filter(is_member).map(|client| client.index).collect();
        let leaves = members.iter().copied().find(|at| self.clients[*at].profile.expiry_s == 0);
        let (Some(leaver), Some(link)) = (leaves, leaves.and_then(|at| self.clients[at].link)) else {
            return Ok(());
        };
        let speaks = |at: &usize| self.clients[*at].connection.is_connected();
        let Some(publisher) = (0..self.clients.len()).filter(speaks).find(|at| !members.contains(at)) else {
            return Ok(());
        };
        if members.len() < 2 {
            return Ok(());
        }
        let settling = std::mem::replace(&mut self.settling, true);
        (0..MESSAGES).for_each(|_| self.publish(publisher, topic, QoSLevel::AtLeastOnce, false, false));
        self.pass(PASSES, Some(leaver))?;
        self.trace.say(|| format!("{:?} {leaver} leaves with what it has of {filter}", self.now));
        let link = &mut self.links[link];
        (link.cut, link.up_end, link.down_end) = (true, Some(Loss::Failed), true);
        link.up.bytes.clear();
        let outcome = self.pass(PASSES, Some(leaver));
        self.settling = settling;
        outcome
    }
}
