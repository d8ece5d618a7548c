//! Configuration files as data: what they mean, and every fault with its place.

use super::*;

#[track_caller]
fn accepts(text: &str) -> Config {
    Config::from_toml(text, "t.toml").unwrap_or_else(|bad| panic!("{bad}"))
}

#[track_caller]
fn rejects(text: &str, faults: &[&str]) {
    let bad = Config::from_toml(text, "t.toml").expect_err("it must be refused");
    assert_eq!(bad.to_string().lines().collect::<Vec<_>>(), faults);
}

#[test]
fn an_empty_file_is_the_default() {
    let config = accepts("# nothing\n");
    assert_eq!(config.listeners, Config::default().listeners);
    assert!((1..=SHARDS_MAX).contains(&config.shard_count()));
}

#[test]
fn options_are_set() {
    let config =
        accepts("shards = 3\nconnect_timeout_s = 7\nreceive_maximum = 0x10\nmax_connections = 1_000");
    assert_eq!((config.shard_count(), config.max_connections), (3, Some(1000)));
    assert_eq!(config.shard.limits.connect_timeout_ms, 7000);
    assert_eq!(config.shard.limits.receive_maximum, 16);
}

#[test]
fn every_number_in_the_table_takes_its_limits() {
    for number in options::NUMBERS.iter().filter(|number| !number.name.starts_with("output_")) {
        accepts(&format!("{} = {}", number.name, number.min));
        accepts(&format!("{} = {}", number.name, number.max));
        assert!(Config::from_toml(&format!("{} = {}", number.name, number.max + 1), "").is_err());
        assert!(Config::from_toml(&format!("{} = -1", number.name), "").is_err());
    }
}

#[test]
fn listeners_are_urls_or_tables() {
    let config = accepts(
        "listeners = ['mqtt://0.0.0.0', 'unix:///run/m.sock']\n[[listener]]\nurl = '[::]:1884'\nallow_anonymous = true",
    );
    let urls: Vec<String> = config.listeners.iter().map(|listener| listener.endpoint.to_string()).collect();
    assert_eq!(urls.len(), 3);
    let open = config.listeners.iter().find(|listener| listener.allow_anonymous == Some(true));
    assert_eq!(open.map(|listener| listener.endpoint.to_string()).as_deref(), Some("mqtt://[::]:1884"));
}

#[test]
fn every_fault_has_its_place() {
    rejects(
        "recieve_maximum = 1\nshards = 65\n  connect_timeout_s = \"x\"\nlisteners = [\"tcp://h\"]\n",
        &[
            "t.toml:1:1: `recieve_maximum` is unknown; did you mean `receive_maximum`?",
            "t.toml:2:10: `shards` is a whole number from 1 to 64, in threads",
            "t.toml:3:23: `connect_timeout_s` is a whole number from 1 to 3600, in seconds",
            "t.toml:4:14: `tcp://` is unknown; write mqtt://",
        ],
    );
    rejects(
        "[[listener]]\nurll = 'mqtt://h'\n",
        &[
            "t.toml:1:1: a listener needs `url`: url = \"mqtt://127.0.0.1:1883\"",
            "t.toml:2:1: `urll` is unknown; did you mean `url`?",
        ],
    );
    rejects(
        "[[listener]]\nurl = 'h'\nallow_anonymous = 1",
        &["t.toml:3:19: `allow_anonymous` is true or false"],
    );
    rejects("listeners = []", &["t.toml:1:13: `listeners` is a list of URLs: [\"mqtt://127.0.0.1:1883\"]"]);
    rejects(
        "output_high_bytes = 2048\noutput_low_bytes = 2048",
        &["t.toml:2:20: `output_low_bytes` (2048) must be below `output_high_bytes` (2048)"],
    );
}

#[test]
fn what_is_no_toml_has_a_place_too() {
    let bad = Config::from_toml("shards = 1\nshards == 2\n", "t.toml").expect_err("it is no TOML");
    assert!(bad.0.iter().all(|fault| fault.line == 2), "{bad}");
    let gone = Config::load(Path::new("/nonexistent/martlet.toml")).expect_err("there is no such file");
    assert!(
        gone.to_string().starts_with("cannot read the configuration /nonexistent/martlet.toml: "),
        "{gone}"
    );
}

#[test]
fn listeners_that_could_not_be_opened() {
    rejects(
        "listeners = ['mqtts://h', 'ws://h', 'h', 'mqtt://h:1883', 'h:0', 'h:0']",
        &[
            "t.toml:1:14: mqtts:// is not in this version; write mqtt:// or unix://",
            "t.toml:1:27: ws:// is not in this version; write mqtt:// or unix://",
            "t.toml:1:42: mqtt://h:1883 is a listener already",
        ],
    );
}

#[test]
fn a_mosquitto_conf_is_recognised() {
    let bad =
        Config::from_toml("# mine\n\nlistener 1883\nallow_anonymous true\n", "m.conf").expect_err("no TOML");
    assert!(
        bad.to_string().starts_with("m.conf:3:1: this is no TOML: it looks like a mosquitto.conf"),
        "{bad}"
    );
    assert_eq!(bad.0.len(), 1);
    let toml = Config::from_toml("shards = 1\nx y\n", "t.toml").expect_err("no TOML");
    assert!(!toml.to_string().contains("mosquitto"), "{toml}");
}

#[test]
fn the_example_is_the_default_and_names_every_option() {
    let example = include_str!("../../../../docs/martlet.toml");
    let mut config = accepts(example);
    config.listeners.iter_mut().for_each(|listener| listener.optional = false);
    let mut default = Config::default();
    default.listeners.iter_mut().for_each(|listener| listener.optional = false);
    assert_eq!(format!("{config:?}"), format!("{default:?}"));
    for number in options::NUMBERS {
        assert!(
            example.contains(&format!("\n{} = ", number.name))
                || example.contains(&format!("\n# {} = ", number.name)),
            "{}",
            number.name
        );
    }
}
