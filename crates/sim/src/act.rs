//! What clients do, and what happens to their streams, drawn at random.

use crate::client::{Client, Owed, Request};
use crate::crowd;
use crate::failure::Verdict;
use crate::ledger::{Fate, Published, Subscribed};
use crate::plan::{FILTERS, RETAINED, SHARED, TOPICS};
use crate::world::World;
use martlet_codec::{QoSLevel, ReasonCode, TopicFilter, TopicFiltersBuf, TopicName};
use martlet_protocol::Message;
use martlet_shard::Loss;

const LEVELS: [QoSLevel; 3] = [QoSLevel::AtMostOnce, QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce];

impl World<'_> {
    /// One client does one thing, or one thing happens to it.
    pub(crate) fn act(&mut self) -> Verdict {
        let at = self.random.below(self.clients.len());
        if self.clients[at].retired || self.clients[at].profile.steady {
            return Ok(());
        }
        if self.random.chance(self.plan.cuts) {
            return self.hurt(at);
        }
        match self.random.below(100) {
            0..62 => self.publish_something(at),
            62..85 => self.subscribe_something(at),
            85..91 => self.unsubscribe_something(at),
            91..93 => self.disconnect(at),
            93 => return self.read_slowly(),
            94 => return self.leave_backlog(),
            _ => self.clients[at].stalled_until = self.step + self.random.below(200) as u64,
        }
        Ok(())
    }

    fn publish_something(&mut self, at: usize) {
        let qos = *self.random.pick(&LEVELS);
        if self.plan.crowd && self.random.chance(15) {
            return self.publish(at, &crowd::TOPIC, qos, false, false);
        }
        match self.random.below(10) {
            0..6 => {
                let topic = *self.random.pick(&TOPICS);
                self.publish(at, topic, qos, false, false);
            }
            6..8 => {
                let (.., topic) = *self.random.pick(&SHARED);
                self.publish(at, topic, qos, false, false);
            }
            _ => {
                let others = self.plan.profiles.len() - 1;
                let owner = self.owner(at) % others;
                let own: Vec<_> = (0..RETAINED.len()).filter(|index| index % others == owner).collect();
                if own.is_empty() {
                    return;
                }
                let (topic, qos) = RETAINED[*self.random.pick(&own)];
                let clear = self.random.chance(15);
                self.publish(at, topic, qos, true, clear);
            }
        }
    }

    /// The number of the client that first had this client id.
    fn owner(&self, at: usize) -> usize {
        let id = &self.clients[at].profile.id;
        self.plan.profiles.iter().position(|profile| profile.id == *id).unwrap_or(at)
    }

    pub(crate) fn publish(
        &mut self,
        at: usize,
        topic: &'static str,
        qos: QoSLevel,
        retain: bool,
        clear: bool,
    ) {
        let number = self.ledger.published.len();
        let client = &mut self.clients[at];
        let mut payload = if clear { String::new() } else { format!("{number}.") };
        if !clear {
            // A retained message that no queue has room for is dropped: nothing can be said of it.
            let (percent, large) = self.plan.large;
            let fits = !retain || self.plan.queue_bytes_max > 2 * large;
            let size = if self.random.chance(percent) && fits { large } else { self.random.below(40) };
            payload.extend(std::iter::repeat_n('x', size));
        }
        let expires = client.profile.version.is_v5() && !clear && self.random.chance(8);
        let expires_at = expires.then(|| self.now.after_s(self.random.between(1, 3) as u32));
        let message = Message {
            topic: TopicName::from_checked(topic),
            properties: &[],
            payload: payload.as_bytes(),
            expires_at,
            publisher: 0,
        };
        let connection = client.connection.is_connected().then_some(client.connections);
        let Ok(token) = client.connection.publish(self.now, &message, qos, retain) else { return };
        if qos != QoSLevel::AtMostOnce {
            client.tokens.push((token, number));
        }
        self.ledger.publish(Published {
            publisher: at,
            topic,
            qos,
            retain,
            clear,
            expires,
            step: self.step,
            connection,
            fate: Fate::Open,
            arrivals: 0,
            forgotten: false,
        });
        self.trace.say(|| {
            format!("{:?} {at} publishes {number} to {topic} {qos} retain {retain} clear {clear}", self.now)
        });
    }

    fn subscribe_something(&mut self, at: usize) {
        if self.clients[at].requests.len() > 3 {
            return;
        }
        let id = self.random.chance(50).then(|| self.random.between(1, 1000) as u32);
        if self.plan.crowd && self.random.chance(30) {
            let (filter, qos) = (*self.random.pick(&crowd::FILTERS), *self.random.pick(&LEVELS));
            return self.subscribe(at, filter, qos, false, id);
        }
        if self.random.chance(25) {
            let (filter, qos, _) = *self.random.pick(&SHARED);
            return self.subscribe(at, filter, qos, false, id);
        }
        let (filter, qos) = (*self.random.pick(&FILTERS), *self.random.pick(&LEVELS));
        let no_local = self.random.chance(20);
        self.subscribe(at, filter, qos, no_local, id);
    }

    /// Somebody subscribes the moment that a retained message was acknowledged.
    pub(crate) fn subscribe_at_once(&mut self) {
        let at = self.random.below(self.clients.len());
        let client = &self.clients[at];
        if client.connection.is_connected() && !client.profile.steady && !client.retired {
            let filter = *self.random.pick(&["r/#", "r/+"]);
            self.subscribe(at, filter, QoSLevel::ExactlyOnce, false, None);
        }
    }

    fn unsubscribe_something(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let here: Vec<_> =
            client.subscriptions.iter().filter(|one| !one.ending).map(|one| one.filter).collect();
        if here.is_empty() {
            return;
        }
        let filter = *self.random.pick(&here);
        let mut filters = TopicFiltersBuf::new();
        filters.push(TopicFilter::from_checked(filter));
        let Ok(token) = client.connection.unsubscribe(&filters, martlet_codec::Properties::NONE) else {
            return;
        };
        client.requests.push((token, Request::Unsubscribe { filter, asked: self.step }));
        client.owed.retain(|owed| owed.filter != filter);
        client.subscriptions.iter_mut().filter(|one| one.filter == filter).for_each(|one| one.ending = true);
        self.trace.say(|| format!("{:?} {at} unsubscribes from {filter}", self.now));
    }

    fn disconnect(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let with_will = client.profile.version.is_v5() && self.random.chance(30);
        let reason = if with_will { ReasonCode::DisconnectWithWill } else { ReasonCode::Success };
        if client.connection.is_connected() && client.connection.disconnect(reason, None).is_ok() {
            self.trace.say(|| format!("{:?} {at} disconnects: {reason}", self.now));
        }
    }

    /// Something happens to a client's stream.
    fn hurt(&mut self, at: usize) -> Verdict {
        let Some(index) = self.clients[at].link else { return Ok(()) };
        let kind = self.random.below(8);
        self.trace.say(|| format!("{:?} link {index} of {at} is hurt: {kind}", self.now));
        let link = &mut self.links[index];
        let (up, down) =
            (self.random.below(link.up.bytes.len() + 1), self.random.below(link.down.bytes.len() + 1));
        link.cut |= kind < 7;
        match kind {
            0..4 => {
                link.up.bytes.truncate(up);
                link.down.bytes.truncate(down);
                link.up_end = Some(Loss::Failed);
                link.down_end = true;
            }
            4 | 5 => {
                link.up.bytes.truncate(up);
                return self.vanish(at);
            }
            6 => {
                link.up.bytes.truncate(up);
                link.up_end = Some(Loss::Failed);
                link.down.bytes.truncate(down);
            }
            _ => return self.usurp(at),
        }
        Ok(())
    }

    /// Another program comes with the same client id, and starts anew.
    fn usurp(&mut self, at: usize) -> Verdict {
        if !self.clients[at].connection.is_connected() || self.clients[at].connections == 0 {
            return Ok(());
        }
        let index = self.clients.len();
        let mut profile = self.clients[at].profile.clone();
        profile.clean_start = true;
        if profile.expiry_s > 0 && !profile.version.is_v5() {
            profile.expiry_s = 0; // Clean Session says both
        }
        self.clients[at].retired = true;
        for subscription in &mut self.clients[at].subscriptions {
            self.ledger.member_ends(subscription);
            subscription.ending = true; // it may still be told what is on its way
        }
        self.trace.say(|| format!("{:?} {index} usurps the client id of {at}", self.now));
        self.clients.push(Client::new(index, profile));
        Ok(())
    }

    /// The retained messages that a subscription made now must bring.
    pub(crate) fn owed_by(&self, at: usize, subscription: &Subscribed) -> Vec<Owed> {
        let mut owed = Vec::new();
        if subscription.is_shared() {
            return owed;
        }
        let client = &self.clients[at];
        let connection = (subscription.qos == QoSLevel::AtMostOnce).then_some(client.connections);
        for (topic, _) in RETAINED.into_iter().filter(|(topic, _)| subscription.matches(topic)) {
            let all = self.ledger.published.iter().enumerate();
            let mut retained = all.filter(|(_, one)| one.retain && one.topic == topic);
            let last = retained.rfind(|(_, one)| one.fate == Fate::Accepted);
            let Some((number, last)) = last else { continue };
            let own = subscription.no_local
                && self.clients[last.publisher].profile.id == self.clients[at].profile.id;
            if !last.clear && !last.expires && !own {
                let (filter, since, session) = (subscription.filter, self.step, self.clients[at].sessions);
                owed.push(Owed { topic, number, filter, since, session, connection });
            }
        }
        owed
    }
}
