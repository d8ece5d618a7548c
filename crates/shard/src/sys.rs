//! What the broker says about itself under `$SYS/broker/`, with Mosquitto's topic names and formats,
//! and the drops by reason, which Mosquitto does not have. It turns counters into topics and values;
//! it counts nothing, publishes nothing and has no clock.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{Arguments, Write};

use martlet_protocol::Time;

use crate::counters::{Counters, Dropped};

/// A number and what it is taken from.
type Number = (&'static str, fn(&Counters) -> u64);

/// Topics below `$SYS/broker/` whose value is a plain number.
#[rustfmt::skip]
const NUMBERS: [Number; 25] = [
    ("clients/total",               Counters::clients),
    ("clients/inactive",            |c| c.clients_disconnected),
    ("clients/disconnected",        |c| c.clients_disconnected),
    ("clients/active",              |c| c.clients_connected),
    ("clients/connected",           |c| c.clients_connected),
    ("clients/expired",             |c| c.clients_expired),
    ("bytes/received",              |c| c.bytes_received),
    ("bytes/sent",                  |c| c.bytes_sent),
    ("messages/received",           |c| c.packets_received),
    ("messages/sent",               |c| c.packets_sent),
    ("messages/inflight",           |c| c.in_flight),
    ("messages/stored",             |c| c.stored_messages),
    ("store/messages/count",        |c| c.stored_messages),
    ("store/messages/bytes",        |c| c.stored_bytes),
    ("retained messages/count",     |c| c.retained),
    ("subscriptions/count",         |c| c.subscriptions),
    ("subscriptions/refused",       |c| c.subscriptions_refused),
    ("shared_subscriptions/count",  |c| c.shared_subscriptions),
    ("publish/messages/received",   |c| c.publishes_received),
    ("publish/messages/sent",       |c| c.publishes_sent),
    ("publish/messages/dropped",    |c| c.dropped.by_limits()),
    ("publish/bytes/received",      |c| c.publish_bytes_received),
    ("publish/bytes/sent",          |c| c.publish_bytes_sent),
    ("sockets/count",               |c| c.connections),
    ("connections/refused",         |c| c.refused.total()),
];

/// Topics below `$SYS/broker/load/`: how much per minute.
#[rustfmt::skip]
const LOADS: [Number; 9] = [
    ("messages/received", |c| c.packets_received),
    ("messages/sent",     |c| c.packets_sent),
    ("publish/dropped",   |c| c.dropped.by_limits()),
    ("publish/received",  |c| c.publishes_received),
    ("publish/sent",      |c| c.publishes_sent),
    ("bytes/received",    |c| c.bytes_received),
    ("bytes/sent",        |c| c.bytes_sent),
    ("sockets",           |c| c.connections_opened),
    ("connections",       |c| c.connects_received),
];

/// The intervals over which loads are averaged, in minutes.
const MINUTES: [u32; 3] = [1, 5, 15];

/// A load: the total at the last tick, and its moving averages per minute.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    total: u64,
    averages: [f64; MINUTES.len()],
}

/// What was said last, to say only what has changed.
#[derive(Debug)]
pub(crate) struct Sys {
    version: String,
    started_at: Time,
    last_tick: Time,
    clients_maximum: u64,
    loads: [Load; LOADS.len()],
    said: Said,
}

impl Sys {
    /// Nothing said so far. `version` is the text for `$SYS/broker/version`.
    #[must_use]
    pub(crate) fn new(version: &str, started_at: Time) -> Self {
        Sys {
            version: version.into(),
            started_at,
            last_tick: started_at,
            clients_maximum: 0,
            loads: [Load::default(); LOADS.len()],
            said: Said::default(),
        }
    }

    /// Calls `visit(topic, value)` for each topic whose value has changed since the last tick; the
    /// first tick visits all. `total` is the sum over all shards. The loads are right for any
    /// interval between ticks, and smooth when it is well below a minute.
    pub(crate) fn tick(&mut self, now: Time, total: &Counters, visit: &mut impl FnMut(&str, &str)) {
        self.update_loads(now, total);
        self.clients_maximum = self.clients_maximum.max(total.clients_connected);
        self.last_tick = now;
        let mut said = self.said.round();
        said.say(format_args!("version"), 0, format_args!("{}", self.version), visit);
        let uptime_s = now.since(self.started_at) / 1000;
        said.say(format_args!("uptime"), uptime_s, format_args!("{uptime_s} seconds"), visit);
        let maximum = self.clients_maximum;
        said.say(format_args!("clients/maximum"), maximum, format_args!("{maximum}"), visit);
        for (topic, number) in NUMBERS {
            let number = number(total);
            said.say(format_args!("{topic}"), number, format_args!("{number}"), visit);
        }
        for &reason in Dropped::ALL {
            let number = total.dropped.get(reason);
            said.say(format_args!("dropped/{}", reason.name()), number, format_args!("{number}"), visit);
        }
        for ((topic, _), load) in LOADS.iter().zip(&self.loads) {
            for (minutes, average) in MINUTES.iter().zip(load.averages) {
                let hundredths = (average * 100.0 + 0.5) as u64;
                let value = format_args!("{}.{:02}", hundredths / 100, hundredths % 100);
                said.say(format_args!("load/{topic}/{minutes}min"), hundredths, value, visit);
            }
        }
    }

    /// Moves the averages towards the rate since the last tick, by as much as the time that passed.
    fn update_loads(&mut self, now: Time, total: &Counters) {
        let passed_min = now.since(self.last_tick) as f64 / 60_000.0;
        if passed_min == 0.0 {
            return;
        }
        let kept = MINUTES.map(|minutes| decay(passed_min / f64::from(minutes)));
        for ((_, number), load) in LOADS.iter().zip(&mut self.loads) {
            let number = number(total);
            let per_minute = number.saturating_sub(load.total) as f64 / passed_min;
            load.total = number;
            for (average, kept) in load.averages.iter_mut().zip(kept) {
                *average = *average * kept + per_minute * (1.0 - kept);
            }
        }
    }
}

/// The values that were said, in the order of the topics, and buffers to write the next ones.
#[derive(Debug, Default)]
struct Said {
    values: Vec<u64>,
    topic: String,
    value: String,
}

impl Said {
    /// Begins a tick, which says all topics in the same order as the one before.
    fn round(&mut self) -> Round<'_> {
        Round { said: self, next: 0 }
    }
}

/// One tick.
struct Round<'a> {
    said: &'a mut Said,
    next: usize,
}

impl Round<'_> {
    /// Says a topic if `number`, of which its value is made, has changed.
    fn say(
        &mut self,
        topic: Arguments<'_>,
        number: u64,
        value: Arguments<'_>,
        visit: &mut impl FnMut(&str, &str),
    ) {
        let at = self.next;
        self.next += 1;
        match self.said.values.get_mut(at) {
            Some(last) if *last == number => return,
            Some(last) => *last = number,
            None => self.said.values.push(number),
        }
        let Said { topic: topic_text, value: value_text, .. } = &mut *self.said;
        topic_text.clear();
        value_text.clear();
        let written = write!(topic_text, "$SYS/broker/{topic}").and_then(|()| write!(value_text, "{value}"));
        written.expect("a string takes all that is written to it");
        visit(topic_text, value_text);
    }
}

/// e^-x for x >= 0, the same on every platform: halved until the series converges at once, then squared.
fn decay(x: f64) -> f64 {
    let mut halvings = 0;
    let mut x = x.min(700.0);
    while x > 1.0 / 64.0 {
        x /= 2.0;
        halvings += 1;
    }
    let mut power = 1.0 - x * (1.0 - x / 2.0 * (1.0 - x / 3.0 * (1.0 - x / 4.0)));
    for _ in 0..halvings {
        power *= power;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::ToString;

    fn tick(sys: &mut Sys, at_s: u64, total: &Counters) -> BTreeMap<String, String> {
        let mut said = BTreeMap::new();
        sys.tick(Time::from_millis(at_s * 1000), total, &mut |topic, value| {
            assert_eq!(said.insert(topic.to_string(), value.to_string()), None, "{topic} twice");
        });
        said
    }

    /// What Mosquitto 2.0 publishes, without its heap; and what its manual names beside.
    const MOSQUITTO: &str = "bytes/received bytes/sent clients/active clients/connected clients/disconnected \
        clients/expired clients/inactive clients/maximum clients/total messages/received messages/sent \
        messages/inflight messages/stored publish/bytes/received publish/bytes/sent publish/messages/dropped \
        publish/messages/received publish/messages/sent shared_subscriptions/count store/messages/bytes \
        store/messages/count subscriptions/count uptime version";
    const MOSQUITTO_LOADS: &str = "bytes/received bytes/sent connections messages/received messages/sent \
        publish/dropped publish/received publish/sent sockets";

    #[test]
    fn says_all_that_mosquitto_says() {
        let said = tick(&mut Sys::new("v", Time::default()), 10, &Counters::default());
        for topic in MOSQUITTO.split_whitespace().chain(["retained messages/count"]) {
            assert!(said.contains_key(&format!("$SYS/broker/{topic}")), "{topic}");
        }
        for (load, minutes) in MOSQUITTO_LOADS.split_whitespace().flat_map(|load| MINUTES.map(|m| (load, m)))
        {
            assert_eq!(said[&format!("$SYS/broker/load/{load}/{minutes}min")], "0.00");
        }
        assert_eq!(said["$SYS/broker/uptime"], "10 seconds");
        assert_eq!(said["$SYS/broker/version"], "v");
    }

    #[test]
    fn says_again_only_what_changed() {
        let mut sys = Sys::new("v", Time::default());
        let mut total = Counters { clients_connected: 2, ..Counters::default() };
        tick(&mut sys, 10, &total);
        total.clients_connected = 1;
        total.clients_disconnected = 1;
        total.dropped.count(Dropped::Expired, 3);
        let said: Vec<_> = tick(&mut sys, 20, &total).into_iter().collect();
        let expected = [
            ("clients/active", "1"),
            ("clients/connected", "1"),
            ("clients/disconnected", "1"),
            ("clients/inactive", "1"),
            ("dropped/expired", "3"),
            ("uptime", "20 seconds"),
        ];
        let expected = expected.map(|(topic, value)| (format!("$SYS/broker/{topic}"), value.to_string()));
        assert_eq!(said, expected);
    }

    #[test]
    fn loads_approach_the_rate_per_minute() {
        let mut sys = Sys::new("v", Time::default());
        let mut total = Counters { publishes_sent: 100, ..Counters::default() };
        let said = tick(&mut sys, 10, &total);
        // 600 a minute for a sixth of a minute: 600 * (1 - e^(-1/6)), and so on
        assert_eq!(said["$SYS/broker/load/publish/sent/1min"], "92.11");
        assert_eq!(said["$SYS/broker/load/publish/sent/5min"], "19.67");
        assert_eq!(said["$SYS/broker/load/publish/sent/15min"], "6.63");
        for turn in 2..1000 {
            total.publishes_sent += 100;
            tick(&mut sys, turn * 10, &total);
        }
        let averages = sys.loads[4].averages;
        assert!(averages.iter().all(|average| (average - 600.0).abs() < 0.1), "{averages:?}");
        assert_eq!(tick(&mut sys, 100_000, &total)["$SYS/broker/load/publish/sent/15min"], "0.00");
    }

    #[test]
    fn decay_is_the_exponential_function() {
        for x in [0.0, 0.001, 0.01, 1.0 / 6.0, 1.0, 3.7, 100.0, 1e9] {
            let expected = f64::exp(-x);
            assert!((decay(x) - expected).abs() < 1e-9, "{x}: {} {expected}", decay(x));
        }
    }
}
