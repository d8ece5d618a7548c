//! Patterns: how long a client waits for its answers, by the way in which it writes its packets.
//!
//! Latencies of an idle machine, so no bar: what shows is 40 ms and more where a client and a broker wait for each other.

use std::collections::BTreeMap;
use std::path::Path;

use super::Kind;
use super::brokers::{Broker, Ports};
use super::rows::{Row, Whose};
use super::samples::{Outcome, measure};
use super::table::number;
use crate::marks::cell;

const ROW: Row = Row {
    name: "patterns",
    line: "patterns --rounds {40|10}",
    whose: Whose::Brokers,
    figures: &[],
    counts_calls: false,
};

const KINDS: [Kind; 3] = [Kind::Martlet, Kind::MartletTwo, Kind::Mosquitto];

/// Keys of the figures, without what is measured of them, and words.
const PATTERNS: [(&str, &str); 16] = [
    ("ack_publish", "PUBACK, then PUBLISH"),
    ("publish_ack", "PUBLISH, then PUBACK"),
    ("ack_ping", "PUBACK, then PINGREQ"),
    ("ack_subscribe", "PUBACK, then SUBSCRIBE"),
    ("acks_apart", "ten PUBACKs, a write each, then PINGREQ"),
    ("split", "header and payload apart"),
    ("bytewise", "one byte at a time"),
    ("qos_2", "QoS 2 in both directions"),
    ("two_qos_0", "two QoS 0, of which one comes back"),
    ("several", "ten QoS 1 without waiting"),
    ("subscribe_publish", "SUBSCRIBE, then PUBLISH"),
    ("subscribe_with_publish", "SUBSCRIBE and PUBLISH in one write"),
    ("request_qos_0", "request and response, QoS 0"),
    ("request_qos_1", "request and response, QoS 1"),
    ("brief_qos_0", "connect, PUBLISH, leave, QoS 0"),
    ("brief_qos_1", "connect, PUBLISH, leave, QoS 1"),
];

/// Whether they are run.
pub(super) fn is_wanted(pattern: Option<&str>) -> bool {
    pattern.is_none_or(|pattern| ROW.name.contains(pattern))
}

/// Runs them, each broker once.
pub(super) fn run(martlet: &Path, brokers: &[Broker], quick: bool, ports: &mut Ports) -> String {
    let mut columns = Vec::new();
    for broker in brokers.iter().filter(|broker| KINDS.contains(&broker.kind)) {
        eprintln!("bench: {}, {}", ROW.name, broker.name);
        columns.push((broker.name, measure(martlet, broker, &ROW, quick, ports)));
    }
    table(&columns)
}

/// A line for each pattern: median and 99 %, with Nagle's algorithm and without.
fn table(columns: &[(&str, Outcome)]) -> String {
    let mut text = "| µs, median / 99 % |".to_owned();
    for nagle in ["with Nagle", "without"] {
        columns.iter().for_each(|(name, _)| text += &format!(" {name}, {nagle} |"));
    }
    text += "\n|---|";
    text += &"---:|".repeat(columns.len() * 2);
    text.push('\n');
    for (key, words) in PATTERNS {
        text += &format!("| {words} |");
        for nagle in ["_nagle", ""] {
            columns.iter().for_each(|(_, outcome)| text += &format!(" {} |", shown(outcome, key, nagle)));
        }
        text.push('\n');
    }
    text
}

fn shown(outcome: &Outcome, key: &str, nagle: &str) -> String {
    let both = |figures: &BTreeMap<String, f64>| {
        let figure = |name: &str| figures.get(&format!("{key}{nagle}_{name}_us")).copied();
        Some(format!("{} / {}", whole(figure("p50")?), whole(figure("p99")?)))
    };
    match outcome {
        Outcome::Words(words) => cell(words),
        Outcome::Figures(figures) => both(figures).unwrap_or_default(),
    }
}

fn whole(us: f64) -> String {
    if us < 999.5 { format!("{us:.0}") } else { number(us) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_has_a_line_and_each_broker_two_columns() {
        let figures = [("split_nagle_p50_us", 44_007.3), ("split_nagle_p99_us", 48_000.0)];
        let figures = figures.map(|(name, value)| (name.to_owned(), value)).into();
        let columns = [("A", Outcome::Figures(figures)), ("B", Outcome::Words("no end".into()))];
        let table = table(&columns);
        assert_eq!(table.lines().count(), PATTERNS.len() + 2);
        assert!(table.lines().all(|line| line.matches('|').count() == 6), "{table}");
        assert!(
            table.contains("| header and payload apart | 44,007 / 48,000 | no end |  | no end |"),
            "{table}"
        );
        assert!(is_wanted(None) && is_wanted(Some("patterns")) && !is_wanted(Some("pairs")));
    }
}
