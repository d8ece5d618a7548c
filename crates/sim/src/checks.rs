//! What must hold once everything has settled: every promise that was made is kept, and nothing is left over.

use crate::client::Client;
use crate::failure::{Checker, Verdict, check};
use crate::ledger::{Fate, Published, Subscribed};
use crate::plan::{Plan, Profile, RETAINED, SHARED};
use crate::wills::Count;
use crate::world::World;
use martlet_codec::{QoSLevel, Version};
use martlet_shard::Dropped;
use std::collections::BTreeSet;

impl World<'_> {
    /// The end of a round.
    pub(crate) fn check_round(&mut self) -> Verdict {
        let drops = self.counters().dropped;
        let dropped = drops.by_limits() > 0;
        // Wills and retained messages on their way may be dropped for lack of memory; what was acknowledged never is.
        if drops.get(Dropped::QueueFull) == 0 {
            self.everything_arrived(drops.get(Dropped::OutputFull) > 0)?;
        }
        self.nothing_that_was_refused_arrived()?;
        if !dropped {
            self.newest_was_seen_last()?;
            self.wills_were_published()?;
        }
        self.retained_came_with_subscriptions()?;
        self.shared_arrived(drops.by_limits() > drops.get(Dropped::Memory))?;
        self.retained_is_the_last(dropped)?;
        for client in &mut self.clients {
            client.subscriptions.retain(|one| !one.over);
            client.owed.clear();
        }
        self.ledger.disturbed.clear();
        self.round_begins = self.ledger.published.len();
        Ok(())
    }

    fn this_round(&self) -> impl Iterator<Item = (usize, &Published)> {
        self.ledger.published.iter().enumerate().skip(self.round_begins)
    }

    /// What the broker refused it has not routed, unless it was sent once more than the client knows.
    fn nothing_that_was_refused_arrived(&self) -> Verdict {
        for (number, published) in self.this_round().filter(|(_, one)| one.fate == Fate::Refused) {
            let copies = self.ledger.receipts.iter().filter(|((_, n), _)| *n == number);
            let came = copies.map(|(_, one)| one.live + one.retained).sum::<u32>();
            check(came == 0 || published.arrivals > 1, Checker::Refusal, || {
                format!("message {number} was refused, and came {came} times: {published:?}") // [MQTT-4.3.3-9]
            })?;
        }
        Ok(())
    }

    /// Every message reached every session that was subscribed before it was published and still is.
    fn everything_arrived(&self, output_was_full: bool) -> Verdict {
        for (number, published) in self.this_round().filter(|(_, one)| !one.clear && !one.expires) {
            if SHARED.iter().any(|(.., topic)| *topic == published.topic) {
                continue;
            }
            for client in self.clients.iter().filter(|client| !client.retired && !client.muddled) {
                let promised =
                    |one: &Subscribed| !output_was_full || published.qos.min(one.qos) != QoSLevel::AtMostOnce;
                let must = client
                    .subscriptions
                    .iter()
                    .any(|one| promised(one) && self.must_reach(client, one, published));
                let live = self.ledger.receipts(client.session(), number).live;
                check(!must || live > 0, Checker::Delivery, || {
                    format!("message {number} never reached {}: {published:?}", client.profile.id) // [MQTT-4.5.0-1]
                })?;
            }
        }
        Ok(())
    }

    fn must_reach(&self, client: &Client, subscription: &Subscribed, published: &Published) -> bool {
        let before = subscription.acked.is_some_and(|step| step < published.step);
        let own = self.clients[published.publisher].profile.id == client.profile.id;
        if !before
            || published.fate == Fate::Refused
            || subscription.ending
            || !subscription.matches(published.topic)
            || (own && subscription.no_local)
        {
            return false;
        }
        match published.qos.min(subscription.qos) {
            QoSLevel::AtMostOnce => {
                let publisher = &self.clients[published.publisher];
                let here =
                    publisher.connected_at.is_some() && published.connection == Some(publisher.connections);
                let there = client.connected_at.is_some_and(|step| step < published.step);
                here && there && !publisher.retired
            }
            _ => published.fate == Fate::Accepted,
        }
    }

    /// Each message of a shared subscription went to one member.
    fn shared_arrived(&self, dropped: bool) -> Verdict {
        for (number, published) in self.this_round() {
            let Some((filter, granted, _)) = SHARED.iter().find(|(.., topic)| *topic == published.topic)
            else {
                continue;
            };
            let members = self.clients.iter().filter(|client| client.profile.id != "observer");
            let copies: u32 = members
                .map(|client| {
                    (0..=client.sessions)
                        .map(|one| self.ledger.receipts((client.index, one), number).live)
                        .sum::<u32>()
                })
                .sum();
            let qos = published.qos.min(*granted);
            let what = || format!("{copies} copies of message {number} for {filter}: {published:?}");
            let once = qos == published.qos && qos != QoSLevel::AtLeastOnce && !published.forgotten;
            check(copies <= 1 || !once, Checker::Shared, what)?; // [MQTT-4.8.2-4]
            let stays = |one: &Subscribed| {
                one.filter == *filter && !one.ending && one.acked.is_some_and(|step| step < published.step)
            };
            let member = self
                .clients
                .iter()
                .any(|client| !client.retired && !client.muddled && client.subscriptions.iter().any(stays));
            // QoS 2 that a member had begun ends with its session; everything else goes back to the group.
            let undisturbed = qos == QoSLevel::AtLeastOnce || !self.ledger.disturbed.contains(filter);
            let accepted =
                published.fate == Fate::Accepted && !published.expires && qos != QoSLevel::AtMostOnce;
            check(copies > 0 || !(member && undisturbed && accepted) || dropped, Checker::Shared, what)?; // [MQTT-4.8.2-4]
        }
        Ok(())
    }

    fn wills_were_published(&self) -> Verdict {
        let observer = &self.clients[0];
        if observer.subscriptions.iter().all(|one| one.acked.is_none() || one.ending) {
            return Ok(()); // refused for lack of room: it hears nothing
        }
        for client in self.clients.iter().filter(|client| client.profile.will.is_some()) {
            let Count { least, most } = self.wills.count(client.index);
            let came = observer.wills.get(&client.index).copied().unwrap_or(0);
            check((least..=most).contains(&came), Checker::Will, || {
                format!("the will of {} came {came} times, not {least} to {most}", client.index) // [MQTT-3.1.2-8]
            })?;
        }
        Ok(())
    }

    /// A new subscriber gets exactly the last retained message of each topic.
    fn retained_is_the_last(&mut self, dropped: bool) -> Verdict {
        let probe = self.clients.len();
        self.clients.push(Client::new(probe, visitor(&self.plan, probe, "probe")));
        self.settle()?;
        self.subscribe(probe, "r/#", QoSLevel::ExactlyOnce, false, None);
        self.settle()?;
        if self.clients[probe].subscriptions.iter().any(|one| one.over) {
            self.leave(probe); // there was no room for its subscription
            return self.settle();
        }
        let (session, dropped) =
            (self.clients[probe].session(), dropped || self.counters().dropped.by_limits() > 0);
        for (topic, _) in RETAINED {
            let all =
                self.ledger.published.iter().enumerate().filter(|(_, one)| one.retain && one.topic == topic);
            let mut expected: BTreeSet<Option<usize>> = BTreeSet::from([None]);
            for (number, one) in all.clone().filter(|(_, one)| one.fate != Fate::Refused || one.arrivals > 1)
            {
                if one.fate == Fate::Accepted {
                    expected.clear();
                }
                expected.insert(Some(number).filter(|_| !one.clear));
                expected.extend(one.expires.then_some(None));
            }
            let copies = all.map(|(number, _)| (number, self.ledger.receipts(session, number)));
            let got: Vec<_> = copies.filter(|(_, copies)| copies.retained + copies.live > 0).collect();
            let once =
                got.iter().all(|(_, copies)| (copies.retained, copies.live) == (1, 0)) && got.len() <= 1;
            let right = once && expected.contains(&got.first().map(|(number, _)| *number));
            check(right || dropped, Checker::Retained, || {
                format!("{topic} is {got:?}, not one of {expected:?}") // [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-8]
            })?;
        }
        self.leave(probe);
        self.settle()
    }

    fn leave(&mut self, at: usize) {
        let client = &mut self.clients[at];
        client.retired = true;
        client.subscriptions.clear();
        let left = client.connection.disconnect(martlet_codec::ReasonCode::Success, None);
        debug_assert!(left.is_ok(), "it is connected");
    }

    /// Every session ends and every retained message is cleared: nothing may be left.
    pub(crate) fn check_end(&mut self) -> Verdict {
        let ids: BTreeSet<String> = self.clients.iter().map(|client| client.profile.id.clone()).collect();
        self.clients.iter_mut().for_each(|client| client.retired = true);
        for id in ids {
            let index = self.clients.len();
            let mut leaver = Client::new(index, visitor(&self.plan, index, &id));
            leaver.leaves = true;
            self.clients.push(leaver);
        }
        self.settle()?;
        let janitor = self.clients.len();
        self.clients.push(Client::new(janitor, visitor(&self.plan, janitor, "janitor")));
        self.settle()?;
        for (topic, _) in RETAINED {
            self.publish(janitor, topic, QoSLevel::AtLeastOnce, true, true);
        }
        self.settle()?;
        self.leave(janitor);
        self.settle()?;
        let counters = self.counters();
        let left = counters.stored_messages
            + counters.stored_bytes
            + counters.retained
            + counters.connections
            + counters.clients()
            + counters.subscriptions
            + counters.shared_subscriptions
            + counters.in_flight
            + counters.queued;
        check(left == 0, Checker::Leak, || format!("left over: {counters:?}"))
    }
}

/// A client without accidents that leaves nothing behind.
fn visitor(plan: &Plan, number: usize, id: &str) -> Profile {
    let id = if id == "probe" || id == "janitor" { format!("{id}-{number}") } else { id.to_owned() };
    Profile {
        id,
        version: Version::V5,
        expiry_s: 0,
        clean_start: true,
        will: None,
        ..plan.profiles[0].clone()
    }
}
