//! System calls for each delivery, as `strace -c` counts them, of our broker with one shard.
//!
//! Tracing makes each call slow, so more messages are gathered behind it than usual: a lower bound under full load,
//! and the exact number where one message is in flight.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::brokers::{Broker, Ports};
use super::rows::Row;
use super::table::number;
use crate::server::Server;
use crate::{bounded, process};

/// Messages that are published; fewer where each has many receivers or is on its own.
const DELIVERIES: u64 = 100_000;
const DELIVERIES_ALONE: u64 = 10_000;
/// How long a run may take.
const RUN_MAX: Duration = Duration::from_secs(60);
const END_MAX: Duration = Duration::from_secs(10);

/// The table, or why there is none.
pub(super) fn table(martlet: &Path, broker: &Broker, rows: &[&Row], ports: &mut Ports) -> String {
    let rows: Vec<_> = rows.iter().filter(|row| row.counts_calls).collect();
    if rows.is_empty() {
        return "Of these rows none was traced.\n".into();
    }
    if !process::is_installed("strace") {
        return "strace is not installed, so calls were not counted.\n".into();
    }
    let mut text =
        "| Martlet, 1 shard | deliveries | calls per delivery | of these |\n|---|---:|---:|---|\n".to_owned();
    for row in rows {
        eprintln!("bench: {}: counting system calls", row.name);
        match count(martlet, broker, row, ports) {
            Ok((deliveries, calls)) => text += &line(row.name, deliveries, &calls),
            Err(why) => text += &format!("| {} | | | {} |\n", row.name, crate::marks::cell(&why)),
        }
    }
    text
}

fn line(name: &str, deliveries: f64, calls: &[(String, u64)]) -> String {
    let per = |count: u64| count as f64 / deliveries;
    let all: u64 = calls.iter().map(|(_, count)| count).sum();
    let noted = calls.iter().filter(|(_, count)| *count * 100 >= all);
    let each: Vec<_> = noted.map(|(name, count)| format!("{name} {}", number(per(*count)))).collect();
    format!("| {name} | {} | {} | {} |\n", number(deliveries), number(per(all)), each.join(", "))
}

/// How many deliveries there were, and the calls by name, most first.
fn count(
    martlet: &Path,
    broker: &Broker,
    row: &Row,
    ports: &mut Ports,
) -> Result<(f64, Vec<(String, u64)>), String> {
    let running = broker.start(row.is_v5(), ports)?;
    let file = std::env::temp_dir().join(format!("martlet-calls-{}", running.server.id()));
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-p", &running.server.id().to_string(), "-o"]).arg(&file);
    let mut strace = Server::start("strace", &mut command)?;
    strace.says("attached")?;
    let counted = deliveries(martlet, &running.url, row);
    // It writes its table when there is nothing more to trace.
    drop(running);
    let has_ended = strace.ends(END_MAX);
    let summary = std::fs::read_to_string(&file);
    // Where it was not written, there is nothing to remove.
    let _ = std::fs::remove_file(&file);
    if !has_ended {
        return Err("strace does not end".into());
    }
    let calls = parse(&summary.map_err(|fault| format!("no table of strace: {fault}"))?);
    Ok((counted?, calls))
}

fn deliveries(martlet: &Path, url: &str, row: &Row) -> Result<f64, String> {
    let mut arguments = row.arguments(true);
    // Instead of a time: the last two are `--seconds N`.
    arguments.truncate(arguments.len() - 2);
    let count = match arguments[0].as_str() {
        "rr" => DELIVERIES_ALONE,
        "fan-out" => DELIVERIES / 100,
        _ => DELIVERIES,
    };
    let mut command = Command::new(martlet);
    command.arg("bench").args(arguments).args([
        "--broker",
        url,
        "--messages",
        &count.to_string(),
        "--json",
        "-",
    ]);
    let ran = bounded::run(&mut command, RUN_MAX)?;
    let report: serde_json::Value =
        serde_json::from_str(&ran.stdout).map_err(|_| ran.stderr.lines().collect::<Vec<_>>().join(" "))?;
    report["figures"]["expected"].as_f64().ok_or_else(|| "no count of deliveries".into())
}

/// The lines of `strace -c`: share, seconds, µs per call, calls, errors if there were any, name.
fn parse(summary: &str) -> Vec<(String, u64)> {
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let name = words.last().filter(|name| **name != "total")?;
        let count = words.get(3).filter(|_| words.len() >= 5)?.parse().ok()?;
        Some(((*name).to_owned(), count))
    };
    let mut calls: Vec<_> = summary.lines().filter_map(line).collect();
    calls.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_with_and_without_errors() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.00    0.020000          10      2000           write
 30.00    0.010000           9      1000       10 read
  9.00    0.000300           3       300           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.030300           9      3300        10 total
";
        let expected = [("write", 2000), ("read", 1000), ("epoll_wait", 300)];
        assert_eq!(parse(summary), expected.map(|(name, count)| (name.to_owned(), count)));
        let expected = "| x | 1,000 | 3.30 | write 2.00, read 1.00, epoll_wait 0.300 |\n";
        assert_eq!(line("x", 1000.0, &parse(summary)), expected);
    }
}
