//! When a Will Message must be published, from what the shards say of their connections: [`Effect::Connected`] and
//! [`Effect::Ended`](martlet_shard::Effect). A will whose moment and whose client come at the same time may go either way.

use crate::plan::Profile;
use martlet_protocol::{NEVER_EXPIRES, Time};
use std::collections::BTreeMap;

/// How often the will of a client must have been published at least, and may have been at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) least: u32,
    pub(crate) most: u32,
}

/// The wills of all clients, by client id.
#[derive(Debug, Default)]
pub(crate) struct Wills {
    /// When a will is due, and since when its session was offline.
    due: BTreeMap<String, (usize, Time)>,
    counts: BTreeMap<usize, Count>,
}

impl Wills {
    /// A client got in.
    pub(crate) fn connected(&mut self, now: Time, client_id: &str, clean_start: bool) {
        let Some((client, due)) = self.due.remove(client_id) else { return };
        let count = self.counts.entry(client).or_default();
        if clean_start {
            count.least += 1; // the session ended [MQTT-3.1.2-8]
            count.most += 1;
        } else if due <= now {
            count.most += 1;
        }
    }

    /// A client that had got in is gone; with a goodbye if the broker read its DISCONNECT.
    pub(crate) fn ended(&mut self, now: Time, client: usize, profile: &Profile, goodbye: bool) {
        let Some(will) = profile.will else { return };
        if goodbye {
            return; // [MQTT-3.1.2-10]
        }
        let delay_s =
            if profile.expiry_s == NEVER_EXPIRES { will.delay_s } else { will.delay_s.min(profile.expiry_s) };
        if delay_s == 0 {
            let count = self.counts.entry(client).or_default();
            count.least += 1;
            count.most += 1;
            return;
        }
        self.due.insert(profile.id.clone(), (client, now.after_s(delay_s)));
    }

    /// Timers ran until now; wills that are due since `before` are out.
    pub(crate) fn settle(&mut self, now: Time) -> bool {
        self.due.retain(|_, (client, due)| {
            let out = due.saturating_add(100) <= now;
            let count = self.counts.entry(*client).or_default();
            count.least += u32::from(out);
            count.most += u32::from(out);
            !out
        });
        self.due.is_empty()
    }

    pub(crate) fn count(&self, client: usize) -> Count {
        self.counts.get(&client).copied().unwrap_or_default()
    }
}
