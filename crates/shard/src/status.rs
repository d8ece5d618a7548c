//! `$SYS/broker/...`: the counters of all shards, gathered by the first one and published as retained messages.

use crate::counters::Counters;
use crate::fanout::Terms;
use crate::interface::ShardId;
use crate::mail::Mail;
use crate::shard::Shard;
use crate::sys::Sys;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use martlet_codec::{QoSLevel, TopicName};
use martlet_protocol::{Message, Time};

/// What the publishing shard remembers between two rounds.
#[derive(Debug)]
pub(crate) struct Status {
    version: &'static str,
    sys: Option<Box<Sys>>,
}

impl Status {
    pub(crate) fn new(version: &'static str) -> Self {
        Status { version, sys: None }
    }
}

impl Shard {
    /// The first shard publishes; the others tell it what they counted.
    pub(crate) fn publish_status(&mut self, now: Time) {
        let own = self.counters();
        if self.id() != ShardId(0) {
            self.outbox(ShardId(0)).push(Mail::Counters(Box::new(own)));
            return;
        }
        let mut total: Counters = own;
        self.others.iter().for_each(|other| total.add(other));
        let version = self.status.version;
        let sys = self.status.sys.get_or_insert_with(|| Box::new(Sys::new(version, now)));
        let mut changed: Vec<(String, String)> = Vec::new();
        sys.tick(now, &total, &mut |topic, value| changed.push((topic.into(), value.into())));
        for (topic, value) in changed {
            let topic = TopicName::from_checked(&topic);
            let payload = value.as_bytes();
            let message = Message { topic, properties: &[], payload, expires_at: None, publisher: 0 };
            let terms = Terms { qos: QoSLevel::AtMostOnce, retain: true, may_wait: false };
            self.route(now, &message, terms, None);
        }
    }
}
