//! What a seed makes of a run before it begins: how many shards and clients, with which limits, which topics there
//! are. Limits are drawn small, so that identifiers wrap and queues fill.

use crate::questions::TIMEOUT_MS;
use crate::random::Random;
use martlet_codec::{QoSLevel, TopicName, Version};
use martlet_protocol::client::{ConnectOptions, WillRequest};
use martlet_protocol::{Limits, Message, NEVER_EXPIRES};
use martlet_shard::{Admission, Config, ControlCharacters, Listener, ShardId};

/// Topics that anybody publishes to, without RETAIN.
pub(crate) const TOPICS: [&str; 6] = ["a", "a/b", "a/c", "b/b", "b/c/d", "c"];
/// Topics with a retained message, each published by one client, always with the same QoS.
pub(crate) const RETAINED: [(&str, QoSLevel); 4] = [
    ("r/0", QoSLevel::AtLeastOnce),
    ("r/1", QoSLevel::AtLeastOnce),
    ("r/x/2", QoSLevel::ExactlyOnce),
    ("r/x/3", QoSLevel::ExactlyOnce),
];
/// Shared subscriptions: filter, the QoS that members ask for, and the one topic that it is about.
pub(crate) const SHARED: [(&str, QoSLevel, &str); 2] =
    [("$share/g/s0/#", QoSLevel::ExactlyOnce, "s0/x"), ("$share/h/s1/+", QoSLevel::AtLeastOnce, "s1/y")];
/// Filters that are not shared.
pub(crate) const FILTERS: [&str; 11] =
    ["a", "a/b", "a/+", "a/#", "+/b", "b/#", "b/c/d", "c", "r/#", "r/+", "r/x/2"];

/// Bytes of a payload that is shared between receivers and not copied.
const LARGE: usize = 17 * 1024;

/// A Will Message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WillPlan {
    pub(crate) delay_s: u32,
    pub(crate) qos: QoSLevel,
}

/// What one client is like.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) id: String,
    pub(crate) version: Version,
    /// Session Expiry Interval; in 3.x 0 or for ever.
    pub(crate) expiry_s: u32,
    pub(crate) clean_start: bool,
    pub(crate) keep_alive_s: u16,
    pub(crate) receive_maximum: u16,
    pub(crate) aliases: u16,
    pub(crate) packet_id_max: u16,
    pub(crate) will: Option<WillPlan>,
    /// Nothing ever happens to its connection.
    pub(crate) steady: bool,
    /// Bytes on their way down at most.
    pub(crate) capacity: usize,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) shards: u8,
    pub(crate) limits: Limits,
    pub(crate) queue_bytes_max: usize,
    pub(crate) group_bytes_max: usize,
    /// Small in some runs: then messages are refused.
    pub(crate) memory_bytes_max: u64,
    pub(crate) memory_wait_ms: u64,
    /// Percent of the messages that are large, and the bytes of their payloads.
    pub(crate) large: (usize, usize),
    pub(crate) work_max: u32,
    pub(crate) seed: u64,
    /// Rounds of chaos, each with a settling after it.
    pub(crate) rounds: usize,
    /// Actions of clients per round.
    pub(crate) actions: usize,
    /// Percent of the actions that hurt a connection.
    pub(crate) cuts: usize,
    /// Percent of the steps in which a shard is busy with its mail.
    pub(crate) mail_delay: usize,
    pub(crate) profiles: Vec<Profile>,
    /// There is a client with very many filters beside them.
    pub(crate) crowd: bool,
    /// Little is free, and few shapes of filters may be charged for.
    pub(crate) few_shapes: bool,
    /// Answers wait until what they promise is recorded.
    pub(crate) is_recorded: bool,
    /// Nobody is let in before an authenticator has answered.
    pub(crate) asks: bool,
}

impl Plan {
    pub(crate) fn new(random: &mut Random) -> Self {
        let tight = random.chance(20);
        let clients = random.between(3, 7);
        let cuts = *random.pick(&[0, 2, 6, 12]);
        let mut profiles = vec![observer()];
        profiles.extend((1..=clients).map(|number| profile(random, number)));
        let (shards, mut limits) = (*random.pick(&[1, 2, 3, 4]), limits(random, tight));
        let queue_bytes_max = if tight { random.between(300, 5000) } else { 16 << 20 };
        let group_bytes_max = if tight { random.between(100, 3000) } else { 16 << 20 };
        let seed = random.next();
        let short = (seed / 4).is_multiple_of(8);
        let asks = (seed >> 24).is_multiple_of(4);
        limits.connect_timeout_ms = if asks { TIMEOUT_MS } else { limits.connect_timeout_ms };
        Plan {
            shards,
            limits,
            queue_bytes_max,
            group_bytes_max,
            memory_bytes_max: if short { 48_000 + seed / 128 % 48_000 } else { 1 << 30 },
            memory_wait_ms: [0, 300, 2000][(seed / 32 % 3) as usize],
            large: if short { (35, 2500) } else { (1, LARGE) },
            work_max: [1, 3, 20_000][seed as usize % 3],
            seed,
            rounds: random.between(1, 3),
            actions: random.between(60, 200),
            cuts,
            mail_delay: *random.pick(&[0, 30, 70]),
            profiles,
            crowd: (seed >> 8).is_multiple_of(8),
            few_shapes: (seed >> 16).is_multiple_of(2),
            is_recorded: (seed >> 20).is_multiple_of(2),
            asks,
        }
    }

    /// Whether messages may be refused, and sessions and subscriptions too.
    pub(crate) fn is_short_of_memory(&self) -> bool {
        self.memory_bytes_max < 1 << 30
    }

    pub(crate) fn listener(&self) -> Listener {
        let admission = if self.asks { Admission::Ask } else { Admission::Anyone };
        let control_characters = ControlCharacters::Accept;
        Listener { number: 0, name: "simulated".into(), admission, control_characters }
    }

    pub(crate) fn config(&self, shard: u8) -> Config {
        let default = Config::default();
        let (few, free_levels) = if self.few_shapes { (8, 1) } else { (1, default.shape_free_levels) };
        Config {
            shape_free_levels: free_levels,
            session_shapes_max: default.session_shapes_max / few,
            shapes_max: default.shapes_max / few,
            shard: ShardId(shard),
            shards: self.shards,
            seed: self.seed,
            limits: self.limits.clone(),
            queue_bytes_max: self.queue_bytes_max,
            group_bytes_max: self.group_bytes_max,
            memory_bytes_max: self.memory_bytes_max,
            memory_wait_ms: self.memory_wait_ms,
            work_max: self.work_max,
            sys_interval_ms: 0,
            is_recorded: self.is_recorded,
            ..default
        }
    }
}

fn limits(random: &mut Random, tight: bool) -> Limits {
    let low = if tight { random.between(30, 400) } else { *random.pick(&[100, 1000, 64 * 1024]) };
    Limits {
        receive_maximum: *random.pick(&[1, 2, 5, 1024]),
        topic_alias_maximum: *random.pick(&[0, 2, 32]),
        topic_alias_outgoing_max: *random.pick(&[0, 2, 32]),
        in_flight_max: *random.pick(&[1, 3, 10, 1024]),
        packet_id_max: *random.pick(&[7, 11, 20, 65_535]),
        output_low_bytes: low,
        output_high_bytes: if tight { low * 2 } else { 1 << 20 },
        connect_timeout_ms: 60_000,
        ..Limits::default()
    }
}

/// Sees everything, and nothing happens to it.
fn observer() -> Profile {
    Profile {
        id: "observer".into(),
        version: Version::V5,
        expiry_s: NEVER_EXPIRES,
        clean_start: true,
        keep_alive_s: 0,
        receive_maximum: 100,
        aliases: 8,
        packet_id_max: 100,
        will: None,
        steady: true,
        capacity: 1 << 20,
    }
}

fn profile(random: &mut Random, number: usize) -> Profile {
    let version = *random.pick(&[Version::V311, Version::V5, Version::V5]);
    let expiry_s = match version {
        Version::V5 => *random.pick(&[0, 1, 4, NEVER_EXPIRES, NEVER_EXPIRES]),
        _ => *random.pick(&[0, NEVER_EXPIRES]),
    };
    let will = random.chance(50).then(|| WillPlan {
        delay_s: if version.is_v5() { *random.pick(&[0, 0, 1, 3]) } else { 0 },
        qos: *random.pick(&[QoSLevel::AtLeastOnce, QoSLevel::ExactlyOnce]),
    });
    Profile {
        id: format!("client-{number}-{}", random.below(1000)),
        version,
        expiry_s,
        clean_start: if version.is_v5() { random.chance(50) } else { expiry_s == 0 },
        keep_alive_s: *random.pick(&[0, 0, 1, 5]),
        receive_maximum: *random.pick(&[1, 2, 3, 10, 100]),
        aliases: *random.pick(&[0, 1, 3]),
        packet_id_max: random.between(7, 20) as u16,
        will,
        steady: false,
        capacity: *random.pick(&[64, 300, 2000, 1 << 20]),
    }
}

impl Profile {
    /// What its connection is told.
    pub(crate) fn options(&self, client: usize) -> ConnectOptions {
        let mut options = ConnectOptions::new(self.version, &self.id);
        options.clean_start = self.clean_start;
        options.keep_alive_s = self.keep_alive_s;
        options.session_expiry_s = if self.version.is_v5() { self.expiry_s } else { 0 };
        options.limits = Limits {
            receive_maximum: self.receive_maximum,
            topic_alias_maximum: self.aliases,
            topic_alias_outgoing_max: self.aliases,
            packet_id_max: self.packet_id_max,
            connect_timeout_ms: 20_000,
            ..Limits::default()
        };
        options.ping_timeout_ms = 2_000;
        options.will = self.will.map(|will| {
            let topic = format!("will/{client}");
            let payload = format!("w{client}");
            let message = Message {
                topic: TopicName::from_checked(&topic),
                properties: &[],
                payload: payload.as_bytes(),
                expires_at: None,
                publisher: 0,
            };
            let publication = message.to_publication();
            WillRequest { publication, qos: will.qos, retain: false, delay_s: will.delay_s, expiry_s: None }
        });
        options
    }
}
