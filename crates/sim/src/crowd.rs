//! A client with many filters of many levels that all match one topic: matching a message of that topic would visit
//! thousands of nodes. It is refused most of them, and nobody else misses a message because of it. It behaves otherwise.

use crate::client::Request;
use crate::failure::{Checker, Verdict, check};
use crate::ledger::Subscribed;
use crate::plan::Profile;
use crate::world::World;
use martlet_codec::{FiltersBuf, Properties, QoSLevel, ReasonCode, SubscriptionOptions, TopicFilter};
use std::sync::LazyLock;

const LEVELS: usize = 150;
/// Those of a group each, so that the home of some is another shard.
const SHARED: usize = 12;

/// The topic that its filters match.
pub(crate) static TOPIC: LazyLock<String> = LazyLock::new(|| vec!["d"; LEVELS].join("/"));
/// Filters of others that match it. What they lead to in the index lies behind what the crowd's do.
pub(crate) const FILTERS: [&str; 4] = ["+/d/#", "+/+/d/#", "d/+/#", "d/#"];

/// One `+` each, at another place, which makes 11,475 nodes; and groups for another topic, which nobody publishes to.
static CROWD: LazyLock<Vec<String>> = LazyLock::new(|| {
    let plus = |word: &str, plus: usize| {
        (0..LEVELS).map(|level| if level == plus { "+" } else { word }).collect::<Vec<_>>().join("/")
    };
    let plain = (0..LEVELS).map(|level| plus("d", level));
    let shared = (0..SHARED).map(|group| format!("$share/crowd{group}/{}", plus("e", group)));
    plain.chain(shared).collect()
});

impl Profile {
    /// Nothing happens to it but that it is refused.
    pub(crate) fn crowd(observer: &Profile) -> Self {
        Profile { id: "crowd".into(), ..observer.clone() }
    }
}

impl World<'_> {
    /// One SUBSCRIBE with all filters.
    pub(crate) fn crowd_subscribes(&mut self, at: usize) {
        let (asked, qos) = (self.step, QoSLevel::AtLeastOnce);
        let mut filters = FiltersBuf::new();
        for filter in CROWD.iter() {
            filters.push(TopicFilter::from_checked(filter), SubscriptionOptions::qos(qos));
        }
        let client = &mut self.clients[at];
        let Ok(token) = client.connection.subscribe(&filters, Properties::NONE) else { return };
        client.subscriptions.extend(CROWD.iter().map(|filter| Subscribed {
            filter,
            qos,
            no_local: false,
            id: None,
            asked,
            acked: None,
            ending: false,
            over: false,
        }));
        client.requests.push((token, Request::Crowd));
    }

    /// Each filter is granted, or is too much.
    pub(crate) fn crowd_subscribed(&mut self, at: usize, reasons: &[ReasonCode]) -> Verdict {
        let client = &mut self.clients[at];
        check(reasons.len() == CROWD.len(), Checker::Protocol, || format!("{} reasons", reasons.len()))?; // [MQTT-3.8.4-6]
        for (subscription, reason) in client.subscriptions.iter_mut().zip(reasons) {
            let refused = *reason == ReasonCode::QuotaExceeded;
            let granted = *reason as u8 == subscription.qos as u8;
            check(granted || refused, Checker::Matching, || format!("granted {reason:?}"))?; // [MQTT-3.8.4-7]
            subscription.acked = Some(self.step);
            subscription.over = refused;
        }
        client.subscriptions.retain(|one| !one.over);
        Ok(())
    }
}
