//! What new subscriptions are promised of retained messages, however slowly their clients read, however full their
//! outputs and queues are, and whatever is published in the meantime.

use crate::client::{Client, Owed};
use crate::failure::{Checker, Verdict, check};
use crate::ledger::{Fate, Subscribed};
use crate::plan::RETAINED;
use crate::world::World;
use martlet_codec::QoSLevel;

impl World<'_> {
    /// Every topic that was retained when a subscription was made came with RETAIN. No limit excuses a replay: it waits.
    pub(crate) fn retained_came_with_subscriptions(&self) -> Verdict {
        for client in self.clients.iter().filter(|client| !client.retired && !client.muddled) {
            for owed in client.owed.iter().filter(|owed| owed.session == client.sessions) {
                check(self.came(client, owed), Checker::Retained, || {
                    format!("{} subscribed and did not get the retained message: {owed:?}", client.profile.id) // [MQTT-3.3.1-9]
                })?;
            }
        }
        Ok(())
    }

    /// Whether the topic came with RETAIN, or nothing can be said: it was taken away in between, or the connection was.
    fn came(&self, client: &Client, owed: &Owed) -> bool {
        let here = |one: &&Subscribed| one.filter == owed.filter && !one.ending && one.acked.is_some();
        let lost = owed.connection.is_some_and(|connection| connection != client.connections);
        if lost || !client.subscriptions.iter().any(|one| here(&one)) {
            return true;
        }
        let got_at = client.retained_at.get(&(client.sessions, owed.topic));
        let later = self.ledger.published.iter().skip(owed.number);
        got_at.is_some_and(|step| *step > owed.since)
            || later.filter(|one| one.retain && one.topic == owed.topic).any(|one| one.clear || one.expires)
    }

    /// What a subscriber saw last of a topic is what is retained now.
    pub(crate) fn newest_was_seen_last(&self) -> Verdict {
        for client in self.clients.iter().filter(|client| !client.retired && !client.muddled) {
            for (topic, _) in RETAINED {
                let sees = |one: &Subscribed| {
                    let is_certain = one.acked.is_some() && !one.ending && !one.no_local && !one.is_shared();
                    is_certain && one.qos != QoSLevel::AtMostOnce && one.matches(topic)
                };
                let all = || self.ledger.published.iter().filter(|one| one.retain && one.topic == topic);
                let is_settled = all().all(|one| one.fate == Fate::Accepted && !one.expires);
                let Some(newest) =
                    self.ledger.published.iter().rposition(|one| one.retain && one.topic == topic)
                else {
                    continue;
                };
                let seen = self.ledger.seen.get(&(client.session(), topic));
                let must = is_settled
                    && !self.ledger.published[newest].clear
                    && client.subscriptions.iter().any(sees);
                check(!must || seen == Some(&newest), Checker::Retained, || {
                    format!("{} saw {seen:?} last of {topic}, and {newest} is retained", client.profile.id)
                })?;
            }
        }
        Ok(())
    }
}
