//! The rows: what `martlet bench` is told, which of its figures count, and how good they have to be.
//!
//! The bar was set on one machine, with a relay and a Mosquitto measured beside it. What is compared with it is
//! therefore the ratio to these, where there is one.

use super::Kind;

/// A load.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Arguments of `martlet bench`; `{full|quick}` is one of the two.
    pub(super) line: &'static str,
    pub(super) whose: Whose,
    pub(super) figures: &'static [Wanted],
    /// Whether system calls are counted under it.
    pub(super) counts_calls: bool,
}

/// Which brokers get a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// All, and the relay.
    All,
    /// All that keep something.
    Brokers,
    /// Ours with one shard, which is compared with itself.
    OneShard,
}

/// A figure of its report.
pub(super) struct Wanted {
    /// Its name in the report.
    pub(super) key: &'static str,
    /// Its words, after the name of the row.
    pub(super) label: &'static str,
    pub(super) better: Better,
    pub(super) bar: Option<Bar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    Low,
    High,
}

/// How good a figure has to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    pub(super) reach: f64,
    pub(super) aim: f64,
    /// What the relay had where the bar was set.
    relay: Option<f64>,
    /// What Debian's Mosquitto had there.
    mosquitto: Option<f64>,
}

impl Bar {
    /// The bar as multiples of the relay.
    pub(super) fn of_relay(&self) -> Option<[f64; 2]> {
        self.relay.map(|relay| [self.reach / relay, self.aim / relay])
    }

    /// How many times better than Mosquitto.
    pub(super) fn than_mosquitto(&self) -> Option<[f64; 2]> {
        self.mosquitto.map(|theirs| [theirs / self.reach, theirs / self.aim])
    }

    pub(super) fn is_absolute(&self) -> bool {
        self.relay.is_none() && self.mosquitto.is_none()
    }
}

impl Row {
    pub(super) fn is_for(&self, kind: Kind) -> bool {
        match self.whose {
            Whose::All => true,
            Whose::Brokers => kind != Kind::Relay,
            Whose::OneShard => kind == Kind::Martlet,
        }
    }

    pub(super) fn is_v5(&self) -> bool {
        self.line.contains("--protocol 5")
    }

    /// The arguments of `martlet bench`.
    pub(super) fn arguments(&self, quick: bool) -> Vec<String> {
        let word = |word: &str| match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
            Some(both) => {
                let (full, short) = both.split_once('|').unwrap_or((both, both));
                if quick { short } else { full }.to_owned()
            }
            None => word.to_owned(),
        };
        self.line.split(' ').map(word).collect()
    }
}

const fn bar(relay: f64, mosquitto: f64, reach: f64, aim: f64) -> Option<Bar> {
    Some(Bar { reach, aim, relay: Some(relay), mosquitto: Some(mosquitto) })
}

const fn bar_of_relay(relay: f64, reach: f64, aim: f64) -> Option<Bar> {
    Some(Bar { reach, aim, relay: Some(relay), mosquitto: None })
}

const fn bar_of_mosquitto(mosquitto: f64, reach: f64, aim: f64) -> Option<Bar> {
    Some(Bar { reach, aim, relay: None, mosquitto: Some(mosquitto) })
}

/// For what is the same on every machine, or was never measured beside relay and Mosquitto.
const fn absolute(reach: f64, aim: f64) -> Option<Bar> {
    Some(Bar { reach, aim, relay: None, mosquitto: None })
}

pub(super) const fn low(key: &'static str, label: &'static str, bar: Option<Bar>) -> Wanted {
    Wanted { key, label, better: Better::Low, bar }
}

const fn high(key: &'static str, label: &'static str, bar: Option<Bar>) -> Wanted {
    Wanted { key, label, better: Better::High, bar }
}

pub(super) const COST: &str = "server_cpu_s_per_million";

macro_rules! traffic {
    ($name:literal, $line:literal, $bar:expr) => {
        Row {
            name: $name,
            line: concat!($line, " --seconds {2|1}"),
            whose: Whose::All,
            figures: const { &[low(COST, "", $bar)] },
            counts_calls: false,
        }
    };
    ($name:literal, $line:literal, $bar:expr, calls) => {
        Row { counts_calls: true, ..traffic!($name, $line, $bar) }
    };
}

pub(super) const ROWS: &[Row] = &[
    traffic!("pairs 1x1, QoS 0", "pairs --pairs 1 --qos 0 --window 1024", bar(0.045, 10.8, 0.20, 0.13)),
    traffic!(
        "pairs 10x10, QoS 0",
        "pairs --pairs 10 --qos 0 --window 1024",
        bar(0.032, 9.7, 0.18, 0.12),
        calls
    ),
    traffic!("pairs 100x100, QoS 0", "pairs --pairs 100 --qos 0 --window 256", bar(0.068, 10.1, 0.25, 0.18)),
    traffic!(
        "pairs 10x10, QoS 1",
        "pairs --pairs 10 --qos 1 --window 128",
        bar(0.123, 18.3, 0.40, 0.30),
        calls
    ),
    traffic!(
        "pairs 10x10, QoS 1, MQTT 5",
        "pairs --pairs 10 --qos 1 --window 128 --protocol 5",
        bar(0.122, 18.3, 0.40, 0.30)
    ),
    traffic!("pairs 100x100, QoS 1", "pairs --pairs 100 --qos 1 --window 32", None),
    traffic!(
        "pairs 10x10, QoS 2",
        "pairs --pairs 10 --qos 2 --window 128",
        bar_of_mosquitto(37.7, 0.75, 0.55),
        calls
    ),
    traffic!(
        "fan-in 50 -> 1, QoS 1",
        "fan-in --publishers 50 --subscribers 1 --qos 1 --window 12",
        bar(0.51, 17.1, 0.75, 0.62),
        calls
    ),
    traffic!(
        "fan-out 1 -> 100, QoS 0",
        "fan-out --subscribers 100 --qos 0 --window 128",
        bar(0.050, 7.2, 0.11, 0.08),
        calls
    ),
    traffic!(
        "fan-out 1 -> 100, QoS 1",
        "fan-out --subscribers 100 --qos 1 --window 128",
        bar(0.065, 9.2, 0.17, 0.12)
    ),
    traffic!(
        "fan-out 1 -> 1000, QoS 0",
        "fan-out --subscribers 1000 --qos 0 --window 128",
        bar(0.069, 9.8, 0.16, 0.11)
    ),
    traffic!(
        "fan-out 1 -> 1000, QoS 1",
        "fan-out --subscribers 1000 --qos 1 --window 128",
        bar_of_relay(0.095, 0.24, 0.16)
    ),
    traffic!(
        "pairs 4x4, QoS 0, 16 KiB",
        "pairs --pairs 4 --qos 0 --payload 16384 --window 16",
        bar_of_relay(1.0, 1.35, 1.15)
    ),
    traffic!("one in flight, QoS 0", "rr --pairs 100 --qos 0", bar_of_relay(1.0, 1.15, 1.07), calls),
    traffic!("one in flight, QoS 1", "rr --pairs 100 --qos 1", bar_of_relay(1.0, 1.15, 1.07), calls),
    Row {
        name: "pairs 20x20, QoS 0, 20,000 messages/s",
        line: "pairs --pairs 20 --qos 0 --rate 20000 --seconds {3|1}",
        whose: Whose::All,
        figures: &[
            low("latency_p50_us", ": latency, µs, median", bar_of_relay(1.0, 1.2, 1.05)),
            low("latency_p99_us", ": latency, µs, 99 % below", bar_of_relay(1.0, 1.2, 1.05)),
            low(COST, "", None),
        ],
        counts_calls: false,
    },
    Row {
        name: "subscriptions",
        line: "subs --subscriptions {200000|20000} --connections 100 --publishers 4 --seconds {2|1}",
        whose: Whose::Brokers,
        figures: &[
            low(COST, ": match and deliver", bar_of_mosquitto(15.5, 0.8, 0.4)),
            low("server_cpu_us_per_subscription", ": CPU each, µs", None),
            low("resident_bytes_per_subscription", ": resident bytes each", None),
        ],
        counts_calls: false,
    },
    Row {
        name: "retained",
        line: "retained --topics {1000000|100000} --publishers 4",
        whose: Whose::Brokers,
        figures: &[
            // 500,000 and 800,000 for each second of a core; 1.5 and 3 million to read.
            low("store_cpu_s_per_million", ": store", absolute(2.0, 1.25)),
            low("read_cpu_s_per_million", ": wildcard read", absolute(1.0 / 1.5, 1.0 / 3.0)),
            low(
                "resident_bytes_per_message",
                ": resident bytes each, with 64 of payload and 25 of topic",
                None,
            ),
        ],
        counts_calls: false,
    },
    Row {
        name: "offline queues",
        line: "persist --sessions 100 --queued {10000|1000} --qos 1",
        whose: Whose::Brokers,
        figures: &[
            low("queue_cpu_s_per_million", ": fill", absolute(0.7, 0.5)),
            low("drain_cpu_s_per_million", ": drain", None),
            high("drained_per_s", ": drained each second", absolute(2e6, 3e6)),
            low("resident_bytes_per_message", ": resident bytes each, with 64 of payload", None),
        ],
        counts_calls: false,
    },
    Row {
        name: "connections",
        line: "conn --connections {10000|1000} --hold 0 --storms 1",
        whose: Whose::All,
        figures: &[
            low("server_cpu_us_per_connect", ": CPU of the first connects, µs", bar(16.0, 28.0, 20.8, 17.9)),
            low("server_cpu_us_per_reconnect", ": CPU when all come back, µs", None),
            low("server_cpu_us_per_ping", ": CPU of a PINGREQ, µs", None),
        ],
        counts_calls: false,
    },
    Row {
        name: "connections with a subscription",
        line: "conn --connections {10000|1000} --hold 1 --storms 1 --subscribe",
        whose: Whose::All,
        figures: &[
            low("resident_bytes_per_connection", ": resident bytes each, idle", absolute(1024.0, 512.0)),
            low("resident_after_storm_percent", ": after a storm, % of before", absolute(120.0, 100.0)),
        ],
        counts_calls: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_figures_too() {
        let mut seen = std::collections::BTreeSet::new();
        for row in ROWS {
            for figure in row.figures {
                assert!(seen.insert(format!("{}{}", row.name, figure.label)), "{}{}", row.name, figure.label);
                let Some(bar) = figure.bar else { continue };
                let is_harder = bar.aim < bar.reach;
                assert_eq!(is_harder, figure.better == Better::Low, "{}{}", row.name, figure.label);
            }
        }
    }

    #[test]
    fn a_line_is_full_or_quick() {
        let row = &Row { line: "a --b {10|1} --protocol 5", ..traffic!("", "", None) };
        assert!(row.is_v5());
        assert_eq!(row.arguments(false), ["a", "--b", "10", "--protocol", "5"]);
        assert_eq!(row.arguments(true), ["a", "--b", "1", "--protocol", "5"]);
        for row in ROWS {
            assert!(!row.arguments(true).concat().contains(['{', '}', '|']), "{}", row.name);
        }
    }

    #[test]
    fn a_bar_is_a_ratio_where_it_can() {
        let bar = bar(0.5, 10.0, 2.0, 1.0).unwrap();
        assert_eq!((bar.of_relay(), bar.than_mosquitto()), (Some([4.0, 2.0]), Some([5.0, 10.0])));
        let absolute = absolute(2.0, 1.0).unwrap();
        assert!(
            absolute.is_absolute() && absolute.of_relay().is_none() && absolute.than_mosquitto().is_none()
        );
    }
}
