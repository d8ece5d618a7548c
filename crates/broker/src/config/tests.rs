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
        "[[listener]]\nallow_anonymus = true\n",
        &[
            "t.toml:1:1: a listener needs `url`: url = \"mqtt://127.0.0.1:1883\"",
            "t.toml:2:1: `allow_anonymus` is unknown; did you mean `allow_anonymous`?",
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

/// What newcomers write: one fault each, with its place and what would be right.
#[test]
fn hints_lead_to_what_works() {
    let hint = |text: &str, place: &str, words: &str| {
        let bad = Config::from_toml(text, "t").expect_err(text).to_string();
        assert!(bad.starts_with(&format!("t:{place}: ")) && bad.contains(words), "{text:?}: {bad}");
        assert_eq!(bad.lines().count(), 1, "{text:?}: {bad}");
    };
    hint("listner = ['mqtt://h']", "1:1", "did you mean `listeners`?");
    hint("listner = 'mqtt://h'", "1:1", "did you mean `listeners`?");
    hint("listen = ['mqtt://h']", "1:1", "did you mean `listeners`?");
    hint("[[listner]]\nurl = 'mqtt://h'", "1:3", "did you mean `listener`?");
    hint("[[listeners]]\nurl = 'mqtt://h'", "1:1", "a listener with options is a table: [[listener]]");
    hint("[listener]\nurl = 'mqtt://h'", "1:1", "[[listener]]");
    hint("listener = ['mqtt://h']", "1:13", "[[listener]]");
    hint("listeners = ['mqtt//host']", "1:14", "write mqtt://host");
    hint("listeners = ['mqtt:/host:1884']", "1:14", "write mqtt://host:1884");
    hint("listeners = ['mqtts//me:secret@host']", "1:14", "write mqtts://host");
    hint("allow_anonymous = true", "1:1", "write it below [[listener]]");
    hint("url = 'mqtt://h'", "1:1", "write it below [[listener]]");
    hint("[[listener]]\nurl = 'mqtt://h'\nshards = 2", "3:1", "move it above the first [[listener]]");
    hint("[[listener]]\nurl = 'mqtt://h'\nmode = '660'", "3:8", "is for Unix sockets");
    hint("[[listener]]\nurl = 'unix:///s'\nmode = 660", "3:8", "octal digits in quotes");
    hint("[[listener]]\nurl = 'unix:///s'\nmode = '888'", "3:8", "octal digits in quotes");
    hint("shards: 4", "1:9", "options are written with `=`: shards = ...");
    hint("shards = 2\nshards = 3", "2:1", "duplicate key");
    hint("shards = -2", "1:10", "a whole number from 1 to 64");
    hint("memory_bytes_max = \"2 GiB\"", "1:20", "a whole number");
    hint("memory_bytes_max = 2GiB", "1:20", "invalid TOML");
    hint("colour = 1", "1:1", "valid options: shards");
    hint("SHARDS = 1", "1:1", "did you mean `shards`?");
    hint("max_packet_size = 1000", "1:1", "did you mean `maximum_packet_size`?");
    hint("memory_bytes = 1", "1:1", "did you mean `memory_bytes_max`?");
    hint("shards = two", "1:10", "a whole number from 1 to 64");
    hint("shards = 2;", "1:10", "a whole number from 1 to 64");
    hint("shards =", "1:9", "a whole number from 1 to 64");
    hint("shards == 2", "1:9", "extra `=`");
    hint("shards 2", "1:8", "options are written with `=`: shards = ...");
    hint("[limits]\nshards = 2", "1:2", "no section [limits]: write its options at the top");
    hint("allow_anonymus = true", "1:1", "did you mean `allow_anonymous`? Write it below [[listener]]");
    hint("[listeners]\nallow_anonymous = true", "1:1", "a listener with options is a table: [[listener]]");
    for options in ["urll = 'mqtt://h'", "URL = 'mqtt://h'"] {
        hint(&format!("[[listener]]\n{options}"), "2:1", "did you mean `url`?");
    }
    for options in ["port = 1883", "address = 'mqtt://h'"] {
        hint(&format!("[[listener]]\n{options}"), "2:1", "valid options: url,");
    }
    hint("[[listener]]\nurl = 'h'\nallow_anonymous = yes", "3:19", "`allow_anonymous` is true or false");
    hint("[[listener]]\nurl = 'h'\nallow_anonymous true", "3:17", "options are written with `=`");
    hint("[[listener]]\nurl = 'h'\nshard = 2", "3:1", "`shards`? Move it above the first [[listener]]");
    hint("[[listener]]\nurl = 'h'\nlisteners = ['g']", "3:1", "move it above the first [[listener]]");
    hint("[[listener]]\nurl = 'unix:///s'\nmode = '+66'", "3:8", "octal digits in quotes");
    hint("listeners = ['tcp//host:1884']", "1:14", "write mqtt://host:1884");
    hint("listeners = ['unix//run/m.sock']", "1:14", "write unix:///run/m.sock");
    hint("listener\t1883", "1:1", "mosquitto.conf");
}

#[test]
fn a_missing_bracket_or_quote_is_one_fault() {
    for text in [
        "listeners = [\"mqtt://127.0.0.1:1883\"\nshards = 2\nsys_interval_s = 10\n\nreceive_maximum = 10\n",
        "listeners = [\"mqtt://127.0.0.1:1883\", \"mqtt://[::1]:1883\"\nshards = 2\n",
        "[[listener]\nurl = \"mqtt://h\"\nallow_anonymous = true\n",
        "[[listener]]\nurl = \"mqtt://h\nallow_anonymous = true\nshards = 1\n",
        "shards = 2 sys_interval_s = 10\nreceive_maximum = 10\n",
    ] {
        let bad = Config::from_toml(text, "t").expect_err(text);
        assert_eq!(bad.0.len(), 1, "{bad}");
        assert!(bad.0[0].line <= 3, "{bad}");
    }
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    assert_eq!(accepts("\u{feff}shards = 2\r\nsys_interval_s = 5\r\n").shards, Some(2));
    assert_eq!(accepts("\t shards = 2 # two\n").shards, Some(2));
}

#[test]
fn control_characters_are_allowed_unless_a_listener_says_otherwise() {
    let allows = |text: &str| accepts(text).listeners[0].allow_control_characters;
    assert!(allows("listeners = ['mqtt://h']"));
    assert!(allows("[[listener]]\nurl = 'mqtt://h'\nallow_control_characters = true"));
    assert!(!allows("[[listener]]\nurl = 'mqtt://h'\nallow_control_characters = false"));
    let text = "[[listener]]\nurl = 'mqtt://h'\nallow_control_characters = 'no'";
    rejects(text, &["t.toml:3:28: `allow_control_characters` is true or false"]);
    rejects(
        "allow_control_characters = false",
        &["t.toml:1:1: `allow_control_characters` is an option of a listener: write it below [[listener]]"],
    );
}

#[test]
fn a_unix_socket_has_permissions() {
    let mode = |text: &str| accepts(text).listeners[0].mode;
    assert_eq!(mode("[[listener]]\nurl = 'unix:///s'\nmode = '0600'"), 0o600);
    assert_eq!(mode("listeners = ['unix:///s']"), 0o660);
}
