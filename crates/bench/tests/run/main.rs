//! The generator against the relay, through a proxy that misbehaves, and against servers that are none.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

mod proxy;

use martlet_bench::{
    Background, BenchFault, Extent, Ingredient, Mix, Observer, Options, Relay, RelayHandle, Replay, Report,
    Scenario, Traffic, run,
};
use martlet_codec::{QoSLevel, Version};
use martlet_net::Url;
use proxy::{Fault, proxy};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A relay in a thread, which ends with it.
struct Running {
    url: Url,
    handle: RelayHandle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn new() -> Self {
        let relay = Relay::bind(&"mqtt://127.0.0.1:0".parse().unwrap()).unwrap();
        let url = relay.endpoints()[0].to_string().parse().unwrap();
        let handle = relay.handle();
        Running { url, handle, thread: Some(thread::spawn(|| relay.run().unwrap())) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

struct Silent;

impl Observer for Silent {
    fn say(&mut self, _: &str) {}
    fn progress(&mut self, _: &str, _: &str) {}
}

fn options(url: &Url) -> Options {
    Options {
        url: url.clone(),
        version: Version::V311,
        qos: QoSLevel::AtMostOnce,
        payload_len: 64,
        window: None,
        rate: None,
        extent: Extent::Messages(1000),
        threads: 1,
        pid: None,
        patience: Duration::from_secs(20),
    }
}

fn alone(traffic: Traffic) -> Scenario {
    Scenario::Traffic(traffic, Background::default())
}

fn measure(options: &Options, traffic: Traffic) -> Report {
    run(options, &alone(traffic), &mut Silent).unwrap()
}

#[test]
fn traffic_of_every_kind_arrives() {
    let relay = Running::new();
    let all = [
        Traffic::Pairs { pairs: 3 },
        Traffic::RoundTrips { pairs: 3 },
        Traffic::FanIn { publishers: 7, subscribers: 2 },
        Traffic::FanOut { publishers: 2, subscribers: 5 },
        Traffic::FanOut { publishers: 1, subscribers: 1 },
    ];
    for (version, level, threads) in [
        (Version::V311, 0, 1),
        (Version::V5, 0, 2),
        (Version::V311, 1, 2),
        (Version::V5, 1, 1),
        (Version::V311, 2, 1),
        (Version::V5, 2, 2),
    ] {
        let qos = QoSLevel::try_from(level).unwrap();
        let options = Options { version, qos, threads, ..options(&relay.url) };
        for traffic in all {
            let report = measure(&options, traffic);
            assert_eq!(report.failures, Vec::<String>::new(), "{traffic:?} {version} {level}");
            let deliveries = if let Traffic::FanOut { subscribers, .. } = traffic { subscribers } else { 1 };
            assert_eq!(report.figure("expected"), Some(1000.0 * deliveries as f64), "{traffic:?}");
        }
    }
}

#[test]
fn a_run_by_the_clock_ends() {
    let relay = Running::new();
    let extent = Extent::Time(Duration::from_millis(200));
    let options = Options { extent, pid: Some(std::process::id()), ..options(&relay.url) };
    let report = measure(&options, Traffic::RoundTrips { pairs: 2 });
    assert_eq!(report.failures, Vec::<String>::new());
    for name in ["delivered_per_s", "server_cpu_s_per_million", "latency_p50_us"] {
        assert!(report.figure(name).unwrap() > 0.0, "{name}");
    }
}

#[test]
fn an_open_loop_keeps_its_rate() {
    let relay = Running::new();
    let extent = Extent::Messages(400);
    for (level, threads) in [(0, 1), (1, 2)] {
        let qos = QoSLevel::try_from(level).unwrap();
        let options = Options { rate: Some(1000.0), qos, threads, extent, ..options(&relay.url) };
        let begun = std::time::Instant::now();
        let report = measure(&options, Traffic::Pairs { pairs: 4 });
        assert_eq!(report.failures, Vec::<String>::new());
        assert!(begun.elapsed() >= Duration::from_millis(399), "{:?}", begun.elapsed());
        assert_eq!(report.figure("expected"), Some(400.0));
        for name in ["latency_p50_us", "latency_p90_us", "generator_late_p99_us"] {
            assert!(report.figure(name).unwrap() > 0.0, "{name}");
        }
    }
}

#[test]
fn in_an_open_loop_a_loss_stops_nothing() {
    let relay = Running::new();
    let url = proxy(&relay.url, Fault::Drops);
    let report = measure(
        &Options { rate: Some(5000.0), window: Some(1), ..options(&url) },
        Traffic::Pairs { pairs: 1 },
    );
    assert_eq!((report.figure("lost"), report.figure("expected")), (Some(1.0), Some(1000.0)));
}

fn mix(told_every: Option<Duration>) -> Mix {
    let one =
        |traffic, level: u8, weight| Ingredient { traffic, qos: QoSLevel::try_from(level).unwrap(), weight };
    let ingredients = vec![
        one(Traffic::Pairs { pairs: 2 }, 0, 2.0),
        one(Traffic::FanIn { publishers: 2, subscribers: 1 }, 1, 1.0),
        one(Traffic::FanOut { publishers: 1, subscribers: 3 }, 2, 1.0),
    ];
    Mix { ingredients, told_every }
}

#[test]
fn a_mix_is_divided_by_weights() {
    let relay = Running::new();
    for threads in [1, 2] {
        let options = Options { rate: Some(4000.0), threads, ..options(&relay.url) };
        let report = run(&options, &Scenario::Mix(mix(None)), &mut Silent).unwrap();
        assert_eq!(report.failures, Vec::<String>::new());
        assert_eq!(report.figure("expected"), Some(500.0 + 250.0 + 3.0 * 250.0));
    }
}

/// Remembers what must be known.
#[derive(Default)]
struct Lines(Vec<String>);

impl Observer for Lines {
    fn say(&mut self, line: &str) {
        self.0.push(line.to_owned());
    }
    fn progress(&mut self, _: &str, _: &str) {}
}

#[test]
fn a_soak_tells_how_it_goes() {
    let relay = Running::new();
    let scenario = Scenario::Mix(mix(Some(Duration::from_millis(100))));
    let extent = Extent::Time(Duration::from_millis(350));
    let good = Options { rate: Some(2000.0), extent, pid: Some(std::process::id()), ..options(&relay.url) };
    let mut lines = Lines::default();
    let report = run(&good, &scenario, &mut lines).unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    assert!(report.figure("resident_end_percent").unwrap() > 0.0);
    assert!((3..=4).contains(&lines.0.len()), "{:?}", lines.0);
    for part in ["0:00:00  ", " messages/s", "  cpu ", "  rss ", "  lost 0  twice 0  out of order 0"] {
        assert!(lines.0.iter().all(|line| line.contains(part)), "{part}: {:?}", lines.0);
    }
    // A fault shows while it goes on, not only in the end.
    let mut lines = Lines::default();
    let url = proxy(&relay.url, Fault::Drops);
    let report = run(&Options { url, ..good.clone() }, &scenario, &mut lines).unwrap();
    assert!(report.figure("lost").unwrap() > 0.0);
    assert!(!lines.0.last().unwrap().contains("  lost 0 "), "{:?}", lines.0);
    for bad in [Options { rate: None, ..good.clone() }, Options { extent: Extent::Messages(9), ..good }] {
        assert!(matches!(run(&bad, &scenario, &mut Silent), Err(BenchFault::Usage(_))));
    }
}

#[test]
fn long_payloads_come_in_parts() {
    let relay = Running::new();
    let extent = Extent::Messages(40);
    let options = Options { payload_len: 700_000, extent, window: Some(4), ..options(&relay.url) };
    assert_eq!(measure(&options, Traffic::Pairs { pairs: 2 }).failures, Vec::<String>::new());
}

#[test]
fn what_a_server_does_wrong_is_reported() {
    let relay = Running::new();
    for (fault, name) in [(Fault::Drops, "lost"), (Fault::Doubles, "duplicated"), (Fault::Swaps, "reordered")]
    {
        for level in [0, 1] {
            let qos = QoSLevel::try_from(level).unwrap();
            let options = Options { qos, ..options(&proxy(&relay.url, fault)) };
            let report = measure(&options, Traffic::Pairs { pairs: 1 });
            for figure in ["lost", "duplicated", "reordered"] {
                let expected = if figure == name { 1.0 } else { 0.0 };
                assert_eq!(report.figure(figure), Some(expected), "{fault:?} {level} {figure}");
            }
            assert_eq!(report.failures.len(), 1, "{fault:?}: {:?}", report.failures);
        }
    }
}

#[test]
fn a_server_that_drops_what_a_window_waits_for_does_not_stop_the_run() {
    let relay = Running::new();
    let options = Options { window: Some(1), ..options(&proxy(&relay.url, Fault::Drops)) };
    let report = measure(&options, Traffic::Pairs { pairs: 1 });
    assert_eq!(report.figure("lost"), Some(1.0));
    assert!(report.remarks.iter().any(|remark| remark.contains("went on")), "{:?}", report.remarks);
}

/// A server that answers each read with `answer`.
fn server(answer: &'static [u8]) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap()).parse().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                while stream.read(&mut [0; 1000]).is_ok_and(|count| count > 0) {
                    let _ = stream.write_all(answer);
                }
            });
        }
    });
    url
}

#[test]
fn a_run_that_cannot_be_says_why() {
    let fails = |url: &Url| {
        let options = Options { patience: Duration::from_millis(300), ..options(url) };
        run(&options, &alone(Traffic::Pairs { pairs: 1 }), &mut Silent).unwrap_err()
    };
    assert!(matches!(fails(&server(b"\x20\x02\x00\x05")), BenchFault::ConnectRefused(_)));
    assert!(matches!(fails(&server(b"")), BenchFault::TimedOut { .. }));
    assert!(matches!(fails(&server(b"\xf0\x00")), BenchFault::ConnectionLost(_)));
    assert!(matches!(
        fails(&server(b"\x20\x02\x00\x00\x90\x03\x00\x01\x80")),
        BenchFault::SubscribeRefused(_)
    ));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(fails(&format!("mqtt://{nobody}").parse().unwrap()), BenchFault::Net(_)));
}

#[test]
fn options_that_cannot_be_are_refused() {
    let relay = Running::new();
    let refuses = |options: Options, traffic| {
        let fault = run(&options, &alone(traffic), &mut Silent).unwrap_err();
        assert!(matches!(fault, BenchFault::Usage(_)), "{fault}");
    };
    let good = options(&relay.url);
    refuses(Options { payload_len: 23, ..good.clone() }, Traffic::Pairs { pairs: 1 });
    refuses(Options { rate: Some(0.0), ..good.clone() }, Traffic::Pairs { pairs: 1 });
    refuses(Options { threads: 0, ..good.clone() }, Traffic::Pairs { pairs: 1 });
    for extent in [Extent::Messages(0), Extent::Time(Duration::ZERO)] {
        refuses(Options { extent, ..good.clone() }, Traffic::Pairs { pairs: 1 });
    }
    refuses(good.clone(), Traffic::Pairs { pairs: 0 });
    refuses(good, Traffic::FanIn { publishers: 1, subscribers: 2 });
}

#[test]
fn a_background_is_no_part_of_the_load() {
    let relay = Running::new();
    let background = Background { idle: 30, subscriptions: 1001, retained: 0 };
    for (version, threads) in [(Version::V311, 1), (Version::V5, 2)] {
        let options = Options { version, threads, ..options(&relay.url) };
        for traffic in [Traffic::Pairs { pairs: 3 }, Traffic::FanIn { publishers: 7, subscribers: 2 }] {
            let report = run(&options, &Scenario::Traffic(traffic, background), &mut Silent).unwrap();
            assert_eq!(report.failures, Vec::<String>::new());
            assert_eq!(report.figure("expected"), Some(1000.0), "{traffic:?}");
            for setting in [("idle", "30"), ("with_subscriptions", "1001"), ("with_retained", "0")] {
                assert!(report.settings.contains(&(setting.0, setting.1.to_owned())), "{setting:?}");
            }
        }
    }
}

#[test]
fn a_background_that_cannot_be_is_refused() {
    let relay = Running::new();
    let options = Options { patience: Duration::from_millis(300), ..options(&relay.url) };
    let fails = |scenario: &Scenario, words: &str| {
        let fault = run(&options, scenario, &mut Silent).unwrap_err();
        assert!(matches!(fault, BenchFault::Usage(_)) && fault.to_string().contains(words), "{fault}");
    };
    let none = Background::default();
    for (background, words) in [
        (Background { idle: usize::MAX, ..none }, "ulimit -n"),
        (Background { subscriptions: 100_000_001, ..none }, "--with-subscriptions"),
        (Background { retained: 100_000_001, ..none }, "--with-retained"),
        // The relay says PUBACK to what it does not keep.
        (Background { retained: 5, ..none }, "keeps none"),
    ] {
        fails(&Scenario::Traffic(Traffic::Pairs { pairs: 1 }, background), words);
    }
    fails(&Scenario::Replay(Replay { retained: 5, reads: 1 }), "--threads");
}
