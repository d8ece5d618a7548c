//! `martlet bench` against Martlet: small counts of everything, and its exit codes.

use crate::rig::{Rig, Running, martlet, server, stderr};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::Stdio;

/// Of the report in JSON: the figure of that name.
fn figure(report: &str, name: &str) -> Option<f64> {
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    report["figures"][name].as_f64()
}

#[test]
fn every_scenario_arrives_in_both_versions() {
    let rig = Rig::new();
    let pid = std::process::id();
    for (scenario, expected) in [
        ("pairs --pairs 3 -q 0 --messages 300", 300.0),
        ("pairs --pairs 3 -q 2 --messages 300", 300.0),
        ("fan-in --publishers 5 --subscribers 2 -q 1 --messages 300", 300.0),
        ("fan-out --subscribers 7 -q 1 --messages 50", 350.0),
        ("rr --pairs 2 -q 1 --messages 100", 100.0),
        ("subs --subscriptions 120 --connections 3 --messages 250", 250.0),
        ("retained --topics 100 --publishers 2", 100.0),
        ("persist --sessions 3 --queued 20", 60.0),
        ("share --publishers 3 --groups 2 --members 3 -q 0 --messages 300", 600.0),
        ("share --publishers 3 --groups 2 --members 3 -q 2 --messages 300", 600.0),
        ("mix --messages 240 --rate 2000", 640.0),
    ] {
        for protocol in ["3.1.1", "5"] {
            let (name, options) = scenario.split_once(' ').unwrap();
            let line = format!("{name} {options} --protocol {protocol} --pid {pid} --threads 2 --json -");
            let report = rig.bench(&line);
            assert!(report.status.success(), "{line}: {}", stderr(&report));
            let report = String::from_utf8(report.stdout).unwrap();
            assert_eq!(figure(&report, "expected"), Some(expected), "{line}");
            for name in ["lost", "duplicated", "reordered", "refused"] {
                assert_eq!(figure(&report, name), Some(0.0), "{line}: {name}");
            }
        }
    }
}

/// What the broker says that it holds, with the client that asks.
fn held(rig: &Rig) -> BTreeMap<String, String> {
    let said = rig.run("sub -v -W 0.5 $SYS/broker/+/count $SYS/broker/clients/total").stdout;
    let said = String::from_utf8(said).unwrap();
    // The last one of each topic counts.
    let pairs = said.lines().filter_map(|line| line.rsplit_once(' '));
    let held: BTreeMap<_, _> = pairs.map(|(topic, value)| (topic.to_owned(), value.to_owned())).collect();
    assert!(held.contains_key("$SYS/broker/subscriptions/count"), "{held:?}");
    held
}

/// The broker holds what it held; it says so now and then, and one shard may be behind the other.
fn is_as_before(rig: &Rig, before: &BTreeMap<String, String>, line: &str) {
    let mut now = held(rig);
    for _ in 0..40 {
        if now == *before {
            return;
        }
        now = held(rig);
    }
    assert_eq!(now, *before, "{line}");
}

#[test]
fn a_background_is_there_and_gone_afterwards() {
    let rig = Rig::telling_of_itself();
    let before = held(&rig);
    for (scenario, expected) in [
        ("pairs --pairs 3 -q 1", 300.0),
        ("fan-in --publishers 5 --subscribers 2", 300.0),
        ("fan-out --subscribers 7 --threads 2", 2100.0),
        ("rr --pairs 2 --protocol 5 -q 2", 300.0),
    ] {
        let line = format!(
            "{scenario} --messages 300 --idle 20 --with-subscriptions 1502 --with-retained 1001 --json -"
        );
        let report = rig.bench(&line);
        assert!(report.status.success(), "{line}: {}", stderr(&report));
        let report = String::from_utf8(report.stdout).unwrap();
        assert_eq!(figure(&report, "expected"), Some(expected), "{line}");
        assert!(
            report.contains(r#""idle":"20","with_subscriptions":"1502","with_retained":"1001""#),
            "{report}"
        );
        is_as_before(&rig, &before, &line);
    }
}

#[test]
fn what_grows_leaves_nothing_behind() {
    let rig = Rig::telling_of_itself();
    let before = held(&rig);
    let pid = std::process::id();
    for (line, figures) in [
        ("crowd --sessions 700", ["alone_us", "server_cpu_us_crowded", "crowded_by_alone"]),
        ("crowd --sessions 1 --protocol 5 -q 1", ["crowded_us", "server_cpu_us_alone", "crowded_by_alone"]),
        ("replay --retained 2000", ["reading_latency_max_ms", "quiet_latency_max_ms", "expected"]),
        ("replay --retained 3 --reads 1 --protocol 5 -q 1", ["latency_p50_us", "latency_max_us", "expected"]),
    ] {
        let report = rig.bench(&format!("{line} --pid {pid} --json -"));
        assert!(report.status.success(), "{line}: {}", stderr(&report));
        let report = String::from_utf8(report.stdout).unwrap();
        for name in figures {
            assert!(figure(&report, name).unwrap() > 0.0, "{line}: {name}");
        }
        is_as_before(&rig, &before, line);
    }
}

#[test]
fn each_pattern_is_measured_with_nagle_and_without() {
    let rig = Rig::telling_of_itself();
    let before = held(&rig);
    for protocol in ["3.1", "3.1.1", "5"] {
        let line = format!("patterns --rounds 2 --protocol {protocol}");
        let report = rig.bench(&format!("{line} --json -"));
        assert!(report.status.success(), "{line}: {}", stderr(&report));
        let report = String::from_utf8(report.stdout).unwrap();
        for name in ["ack_publish_nagle_p50_us", "bytewise_p99_us", "brief_qos_1_nagle_max_us"] {
            assert!(figure(&report, name).unwrap() > 0.0, "{line}: {name}");
        }
        is_as_before(&rig, &before, &line);
    }
    let readable = String::from_utf8(rig.bench("patterns --rounds 1").stdout).unwrap();
    let line = readable.lines().find(|line| line.starts_with("one byte at a time")).unwrap();
    assert_eq!(line.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).count(), 6, "{readable}");
}

#[test]
fn connections_come_back() {
    let rig = Rig::new();
    let pid = std::process::id();
    let report =
        rig.bench(&format!("conn --connections 50 --hold 0 --subscribe --storms 2 --pid {pid} --json -"));
    assert!(report.status.success(), "{}", stderr(&report));
    let report = String::from_utf8(report.stdout).unwrap();
    for name in ["connects_per_s", "reconnects_per_s", "latency_p50_us", "resident_after_storm_percent"] {
        assert!(figure(&report, name).unwrap() > 0.0, "{name}");
    }
}

#[test]
fn the_report_is_for_people_and_for_programs() {
    let rig = Rig::new();
    let file = std::env::temp_dir().join(format!("martlet-bench-{}.json", std::process::id()));
    let report = rig.bench(&format!("pairs --pairs 1 --messages 10 --json {}", file.display()));
    assert!(report.status.success(), "{}", stderr(&report));
    let text = String::from_utf8_lossy(&report.stdout);
    assert!(text.starts_with("pairs ") && text.contains("  messages lost\n"), "{text}");
    assert_eq!(stderr(&report), "", "progress is for terminals");
    assert_eq!(figure(&fs::read_to_string(&file).unwrap(), "lost"), Some(0.0));
    fs::remove_file(file).unwrap();
}

#[test]
fn an_open_loop_has_latencies_and_a_log() {
    let rig = Rig::new();
    let file = std::env::temp_dir().join(format!("martlet-bench-{}.hlog", std::process::id()));
    for (load, expected) in [
        ("pairs --pairs 2 -q 1", 200.0),
        ("fan-in --publishers 3", 200.0),
        ("fan-out --subscribers 3 --threads 2", 600.0),
        ("subs --subscriptions 30 --connections 3 --publishers 2", 200.0),
    ] {
        let report =
            rig.bench(&format!("{load} --rate 2000 --messages 200 --hlog {} --json -", file.display()));
        assert!(report.status.success(), "{load}: {}", stderr(&report));
        let report = String::from_utf8(report.stdout).unwrap();
        assert_eq!(figure(&report, "expected"), Some(expected), "{load}");
        for name in ["latency_p50_us", "latency_p90_us", "latency_p999_us", "generator_late_p99_us"] {
            assert!(figure(&report, name).unwrap() > 0.0, "{load}: {name}");
        }
        let log = fs::read_to_string(&file).unwrap();
        assert!(log.starts_with('#') && log.contains("HIST"), "{log}");
    }
    fs::remove_file(file).unwrap();
}

#[test]
fn a_soak_has_a_line_for_each_interval() {
    let rig = Rig::new();
    let report = rig.bench(&format!(
        "soak --seconds 0.6 --every 0.2 --rate 2000 --part pairs@1=1 --part share@0=1 --pid {} --json -",
        std::process::id()
    ));
    let lines = stderr(&report);
    assert!(report.status.success(), "{lines}");
    assert!(lines.lines().filter(|line| line.contains("  lost 0  twice 0")).count() >= 3, "{lines}");
    let report = String::from_utf8(report.stdout).unwrap();
    assert!(figure(&report, "resident_end_percent").unwrap() > 0.0);
    assert_eq!(figure(&report, "lost"), Some(0.0));
    assert_eq!(rig.bench("soak --messages 10").status.code(), Some(2));
    for bad in ["mix --part rr@0=1", "mix --qos 1", "soak --window 5", "soak --every 0"] {
        assert_eq!(rig.bench(bad).status.code(), Some(2), "{bad}");
    }
}

#[test]
fn a_report_is_compared_with_an_earlier_one() {
    let rig = Rig::new();
    let file = std::env::temp_dir().join(format!("martlet-bench-{}-old.json", std::process::id()));
    let compare = |figures: &str| {
        let json = format!(r#"{{"scenario":"pairs","settings":{{"qos":"1"}},"figures":{{{figures}}}}}"#);
        fs::write(&file, json).unwrap();
        rig.bench(&format!("pairs --pairs 1 --messages 10 --compare {} --tolerance 50%", file.display()))
    };
    let good = compare(r#""delivered_per_s":0.001,"lost":0,"measured_s":1e-9"#);
    assert!(good.status.success(), "{}", stderr(&good));
    assert!(stderr(&good).contains("qos was 1 and is 0"), "{}", stderr(&good));
    let worse = compare(r#""delivered_per_s":1e300,"lost":0"#);
    assert_eq!(worse.status.code(), Some(1));
    assert!(stderr(&worse).contains("delivered_per_s: was"), "{}", stderr(&worse));
    fs::write(&file, "{}").unwrap();
    let ends = |line: &str| rig.bench(line).status.code();
    assert_eq!(ends(&format!("pairs --messages 10 --compare {}", file.display())), Some(3));
    assert_eq!(ends("pairs --messages 10 --compare /nowhere/at/all"), Some(3));
    assert_eq!(ends("rr --rate 5"), Some(2));
    assert_eq!(ends("pairs --hlog /nowhere/at/all"), Some(2));
    assert_eq!(ends("pairs --rate 0"), Some(2));
    assert_eq!(ends("pairs --tolerance -1"), Some(2));
    fs::remove_file(file).unwrap();
}

#[test]
fn exit_codes() {
    let ends = |line: &str| martlet(line).output().unwrap().status.code();
    assert_eq!(ends("bench pairs --payload 3 -b mqtt://127.0.0.1:1"), Some(2));
    assert_eq!(ends("bench pairs --messages 0 -b mqtt://127.0.0.1:1"), Some(2));
    assert_eq!(ends("bench pairs --seconds 0 -b mqtt://127.0.0.1:1"), Some(2));
    assert_eq!(ends("bench relay --idle 1"), Some(2));
    assert_eq!(ends("bench pairs -b mqtt://127.0.0.1:1"), Some(21));
    assert_eq!(ends("bench persist --qos 0 -b mqtt://127.0.0.1:1"), Some(21));
    let refuses = server(|_| Some(b"\x20\x02\x00\x05".to_vec()));
    assert_eq!(ends(&format!("bench pairs -b {refuses}")), Some(23));
    let silent = server(|_| Some(Vec::new()));
    assert_eq!(ends(&format!("bench pairs --timeout 0.2 -b {silent}")), Some(27));
    let rig = Rig::new();
    assert_eq!(rig.bench("pairs --pid 4294967295").status.code(), Some(3));
    for bad in [
        "persist --qos 0",
        "pairs --idle 100000000",
        "replay --threads 1",
        "replay --messages 5",
        "patterns --rounds 0",
        "patterns --messages 5",
        "patterns --qos 1",
        "patterns --rate 5",
    ] {
        assert_eq!(rig.bench(bad).status.code(), Some(2), "{bad}");
    }
}

/// A run that a signal ends once messages of it are seen: its report, what it said, its exit code.
fn interrupted(rig: &Rig, line: &str, topics: &str) -> (String, String, Option<i32>) {
    let mut seen = rig.spawn(&format!("sub -n 1 -F seen {topics}"));
    let mut command = martlet("bench");
    command.args(line.split(' ')).args(["-b", &rig.url]).stderr(Stdio::piped());
    let mut bench = Running::new(&mut command);
    assert_eq!(seen.line(), "seen", "{line}");
    bench.signal("-INT");
    let (report, code) = bench.end();
    let mut said = String::new();
    bench.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (report, said, code)
}

#[test]
fn an_interrupted_run_reports_what_it_has() {
    let rig = Rig::new();
    for line in [
        "pairs --pairs 2 --seconds 1000",
        "pairs --pairs 2 -q 2 --messages 1000000000",
        "fan-out --subscribers 2 --seconds 1000 --rate 500",
        "rr --pairs 2 --seconds 1000",
        "share --seconds 1000",
        "subs --subscriptions 100 --connections 2 --seconds 1000",
        "mix --seconds 1000",
        "soak --seconds 1000 --every 500",
    ] {
        let (report, said, code) = interrupted(&rig, &format!("{line} --json -"), "bench/#");
        assert_eq!(code, Some(130), "{line}: {said}");
        assert!(said.contains("interrupted: the report is of what had happened by then"), "{line}: {said}");
        assert!(figure(&report, "published_per_s").unwrap() > 0.0, "{line}: {report}");
        assert_eq!(figure(&report, "lost"), Some(0.0), "{line}: {report}");
    }
}

#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    let rig = Rig::telling_of_itself();
    let before = held(&rig);
    for line in [
        "retained --topics 1000000",
        "persist --sessions 20 --queued 1000000",
        "pairs --pairs 2 --seconds 1000 --with-retained 1000 --idle 3 --with-subscriptions 100",
        "replay --retained 20000 --reads 100000",
    ] {
        let (_, said, code) = interrupted(&rig, line, "bench/#");
        assert_eq!(code, Some(130), "{line}: {said}");
        is_as_before(&rig, &before, line);
    }
}

#[test]
fn a_run_that_is_interrupted_while_it_connects_leaves_nothing_behind() {
    let rig = Rig::telling_of_itself();
    let before = held(&rig);
    for line in ["crowd --sessions 100000", "conn --connections 100000", "subs --subscriptions 10000000"] {
        let mut seen = rig.spawn("sub $SYS/broker/subscriptions/count $SYS/broker/clients/total");
        let mut command = martlet("bench");
        command.args(line.split(' ')).args(["-b", &rig.url]).stderr(Stdio::piped());
        let mut bench = Running::new(&mut command);
        while seen.line().parse::<u64>().unwrap() < 300 {}
        drop(seen);
        bench.signal("-INT");
        let (_, code) = bench.end();
        assert_eq!(code, Some(130), "{line}");
        is_as_before(&rig, &before, line);
    }
}

#[test]
fn storms_end_with_the_signal() {
    let rig = Rig::new();
    let mut command = martlet("bench conn --connections 5 --hold 0 --storms 1000000 --json - -b");
    let mut bench = Running::new(command.arg(&rig.url).stderr(Stdio::piped()));
    let mut seen = rig.spawn("sub -n 1 -F seen $SYS/broker/clients/total");
    assert_eq!(seen.line(), "seen");
    bench.signal("-INT");
    let (report, code) = bench.end();
    assert_eq!(code, Some(130));
    assert!(report.is_empty() || figure(&report, "connects_per_s").is_some(), "{report}");
}
