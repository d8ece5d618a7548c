//! Who published what, who subscribed to what, and who received what: the oracle of the checkers. It is told by the
//! clients' side only and never looks into a shard.

use crate::failure::{Checker, Verdict, check};
use crate::plan::SHARED;
use martlet_codec::{QoSLevel, TopicFilter, TopicName};
use std::collections::{BTreeMap, BTreeSet};

/// A message that a client has published.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) publisher: usize,
    pub(crate) topic: &'static str,
    pub(crate) qos: QoSLevel,
    pub(crate) retain: bool,
    /// An empty payload with RETAIN: nothing to receive, and the retained message goes.
    pub(crate) clear: bool,
    pub(crate) expires: bool,
    /// When, in steps of the run.
    pub(crate) step: u64,
    /// The publisher's connection of that moment, if it had one.
    pub(crate) connection: Option<u32>,
    pub(crate) fate: Fate,
    /// PUBLISH packets that the broker has read for it.
    pub(crate) arrivals: u32,
    /// The broker's session of the publisher ended before it was settled, and the publisher may not know: then it
    /// sends again what the broker has forgotten.
    pub(crate) forgotten: bool,
}

/// What the publisher knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Not settled; QoS 0 never is.
    Open,
    /// The broker has it.
    Accepted,
    /// The broker may have it.
    Unknown,
    /// The broker said that it has no room for it.
    Refused,
}

/// A subscription of a session, as its client sees it.
#[derive(Clone, Debug)]
pub(crate) struct Subscribed {
    pub(crate) filter: &'static str,
    pub(crate) qos: QoSLevel,
    pub(crate) no_local: bool,
    pub(crate) id: Option<u32>,
    /// When SUBSCRIBE was sent.
    pub(crate) asked: u64,
    /// When SUBACK came.
    pub(crate) acked: Option<u64>,
    /// UNSUBSCRIBE was sent, or another SUBSCRIBE for the filter: it may work on for a while.
    pub(crate) ending: bool,
    /// The broker has confirmed that it works no more.
    pub(crate) over: bool,
}

impl Subscribed {
    pub(crate) fn is_shared(&self) -> bool {
        self.filter.starts_with("$share/")
    }
    pub(crate) fn matches(&self, topic: &str) -> bool {
        TopicFilter::from_checked(self.filter).unshared().matches(TopicName::from_checked(topic))
    }
}

/// What one session has received of one message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receipts {
    /// Copies without RETAIN, DUP or not.
    pub(crate) live: u32,
    /// Of those, copies without DUP.
    pub(crate) first: u32,
    /// Of those with QoS 2.
    pub(crate) exactly_once: u32,
    /// Copies with RETAIN.
    pub(crate) retained: u32,
}

/// A client's session: the client, and how many sessions it had before.
pub(crate) type SessionId = (usize, u32);

/// A message as a client got it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Got<'a> {
    pub(crate) topic: &'a str,
    pub(crate) qos: QoSLevel,
    pub(crate) dup: bool,
    pub(crate) retain: bool,
    pub(crate) ids: &'a [u32],
}

/// Messages in a row, heard in one step, that may each be older than the one before: as often as members ended.
const DESCENTS_MAX: u32 = 3;

/// Publisher, topic, QoS published, QoS delivered, of one receiver.
type Stream = (SessionId, usize, &'static str, QoSLevel, QoSLevel);

/// The books.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) published: Vec<Published>,
    pub(crate) receipts: BTreeMap<(SessionId, usize), Receipts>,
    last: BTreeMap<Stream, usize>,
    /// The last publication of a topic that a session got, with RETAIN or without.
    pub(crate) seen: BTreeMap<(SessionId, &'static str), usize>,
    /// The newest retained publication that a session got as a live message, per topic and QoS delivered.
    newest: BTreeMap<(SessionId, &'static str, QoSLevel), usize>,
    /// Shared subscriptions of which a member's session has ended in this round: what it had begun may be lost.
    pub(crate) disturbed: BTreeSet<&'static str>,
    /// The step at which clients hear what they hear.
    pub(crate) step: u64,
    /// Of each receiver's messages of one publisher and group: when the last came, which it was, how many before it in
    /// the same step came in descending order.
    descents: BTreeMap<(SessionId, usize, &'static str), (u64, usize, u32)>,
}

impl Ledger {
    pub(crate) fn publish(&mut self, published: Published) -> usize {
        self.published.push(published);
        self.published.len() - 1
    }

    pub(crate) fn receipts(&self, session: SessionId, number: usize) -> Receipts {
        self.receipts.get(&(session, number)).copied().unwrap_or_default()
    }

    /// The session of a member of a shared subscription ends.
    pub(crate) fn member_ends(&mut self, subscription: &Subscribed) {
        if subscription.is_shared() {
            self.disturbed.insert(subscription.filter);
        }
    }

    /// A client got message `number`; `subscriptions` are all that may still work for its session.
    pub(crate) fn receive(
        &mut self,
        session: SessionId,
        subscriptions: &[Subscribed],
        number: usize,
        got: &Got<'_>,
    ) -> Verdict {
        let Some(published) = self.published.get(number) else {
            return check(false, Checker::Matching, || format!("message {number} was never published"));
        };
        let published = published.clone();
        matching(session, subscriptions, &published, got)
            .map_err(|failure| failure.about(number, session))?;
        let shared = SHARED.iter().any(|(.., topic)| *topic == published.topic);
        self.seen.insert((session, published.topic), number);
        if shared {
            self.not_reversed(session, number, &published, got)?;
        } else {
            self.in_order(session, number, &published, got)?;
        }
        self.count(session, number, &published, got, shared)
    }

    fn count(
        &mut self,
        session: SessionId,
        number: usize,
        published: &Published,
        got: &Got<'_>,
        shared: bool,
    ) -> Verdict {
        let receipts = self.receipts.entry((session, number)).or_default();
        if got.retain {
            receipts.retained += 1;
            return Ok(());
        }
        receipts.live += 1;
        receipts.first += u32::from(!got.dup);
        receipts.exactly_once += u32::from(got.qos == QoSLevel::ExactlyOnce);
        let receipts = *receipts;
        let what = || format!("message {number} for {session:?}: {receipts:?} of {published:?}");
        if published.qos != QoSLevel::AtLeastOnce && !published.forgotten {
            if got.qos != QoSLevel::AtLeastOnce {
                check(receipts.live <= 1, Checker::Once, what)?; // [MQTT-4.3.3-10] [MQTT-4.3.1-1]
            }
            return check(receipts.first <= 1 || shared, Checker::Once, what); // [MQTT-3.3.1-1]
        }
        check(receipts.first <= published.arrivals || shared, Checker::Once, what)
    }

    /// What members of a group give back may come after what is newer, but not backwards: each time that somebody gives
    /// back makes one step down at most.
    fn not_reversed(
        &mut self,
        session: SessionId,
        number: usize,
        published: &Published,
        got: &Got<'_>,
    ) -> Verdict {
        if got.dup || published.arrivals > 1 || got.qos == QoSLevel::AtMostOnce {
            return Ok(());
        }
        let key = (session, published.publisher, published.topic);
        let (step, last, down) = self.descents.get(&key).copied().unwrap_or_default();
        let down = if step == self.step && number < last { down + 1 } else { 0 };
        self.descents.insert(key, (self.step, number, down));
        check(down < DESCENTS_MAX, Checker::Shared, || {
            format!("{session:?} got message {number} of a group after {last}, backwards: {published:?}")
        })
    }

    /// First deliveries of one publisher, topic and QoS keep their order. [MQTT-4.6.0-6]
    fn in_order(
        &mut self,
        session: SessionId,
        number: usize,
        published: &Published,
        got: &Got<'_>,
    ) -> Verdict {
        let receipts = self.receipts(session, number);
        let resent = published.arrivals > 1;
        let newest = (session, published.topic, got.qos);
        if got.retain {
            let newer = self.newest.get(&newest).filter(|newest| **newest > number);
            let stale = newer.is_some() && !got.dup && !resent && receipts.retained == 0;
            return check(!stale, Checker::Retained, || {
                format!("{session:?} got retained message {number} after the newer {newer:?}")
            });
        }
        if published.retain {
            let last = self.newest.entry(newest).or_default();
            *last = number.max(*last);
        }
        if receipts.live > 0 {
            return Ok(());
        }
        let stream = (session, published.publisher, published.topic, published.qos, got.qos);
        let last = self.last.insert(stream, number).unwrap_or(0);
        check(last <= number || resent, Checker::Order, || {
            format!("{session:?} got message {number} after {last}: {published:?}")
        })
    }
}

/// Whether the session may get this at all.
fn matching(
    session: SessionId,
    subscriptions: &[Subscribed],
    published: &Published,
    got: &Got<'_>,
) -> Verdict {
    let rule = Checker::Matching;
    check(got.topic == published.topic, rule, || format!("topic {} of {published:?}", got.topic))?;
    let own = published.publisher == session.0;
    let matching = || subscriptions.iter().filter(|one| one.matches(published.topic));
    let allowing = || matching().filter(|one| !(own && one.no_local));
    check(allowing().next().is_some(), rule, || format!("no subscription for {published:?}"))?; // [MQTT-3.8.3-3]
    let most = allowing().map(|one| one.qos).max().unwrap_or_default().min(published.qos);
    check(got.qos <= most, rule, || format!("QoS {} of {published:?}", got.qos))?; // [MQTT-3.8.4-8]
    let known = |id: &u32| allowing().any(|one| one.id == Some(*id));
    check(got.ids.iter().all(known), rule, || format!("subscription ids {:?}", got.ids))?; // [MQTT-3.3.4-3]
    let all_have = allowing().all(|one| one.id.is_some());
    check(!all_have || !got.ids.is_empty(), rule, || "no subscription id".into()) // [MQTT-3.3.4-3]
}

impl crate::failure::Failure {
    fn about(mut self, number: usize, session: SessionId) -> Self {
        self.what = format!("message {number} for {session:?}: {}", self.what);
        self
    }
}
