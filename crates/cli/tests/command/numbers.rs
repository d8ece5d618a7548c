//! Numbers that make no sense are wrong usage that names the option and what would be right; all others work.

use crate::rig::{Rig, martlet, stderr};

/// Wrong usage, told of this option with these words.
fn is_refused(line: &str, option: &str, words: &str) {
    let output = martlet(line).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{line}: {said}");
    assert!(said.contains(option) && said.contains(words), "{line}: {said}");
}

#[test]
fn whole_numbers_have_their_range() {
    let values = ["-1", "1.5", "x", "nan", "99999999999999999999"];
    for (line, option, words, more) in [
        ("sub a -n", "--count", "of 1 or more", "0"),
        ("sub a -k", "--keep-alive", "from 0 to 65535", "65536"),
        ("sub a --session-expiry", "--session-expiry", "from 0 to 4294967295", "4294967296"),
        ("sub a --topic-alias-maximum", "--topic-alias-maximum", "from 0 to 65535", "65536"),
        ("sub a --subscription-id", "--subscription-id", "from 1 to 268435455", "0"),
        ("sub a --will-topic w --will-delay", "--will-delay", "from 0 to 4294967295", "4294967296"),
        ("pub a m --repeat", "--repeat", "of 1 or more", "0"),
        ("pub a m --message-expiry", "--message-expiry", "from 0 to 4294967295", "4294967296"),
        ("serve --shards", "--shards", "from 1 to 64", "65"),
        ("bench pairs --pairs", "--pairs", "from 1 to 1000000", "0"),
        ("bench fan-in --publishers", "--publishers", "from 1 to 1000000", "99999999999"),
        ("bench fan-out --subscribers", "--subscribers", "from 1 to 1000000", "0"),
        ("bench share --groups", "--groups", "from 1 to 1000000", "18446744073709551615"),
        ("bench share --members", "--members", "from 1 to 1000000", "0"),
        ("bench conn --connections", "--connections", "from 1 to 1000000", "18446744073709551615"),
        ("bench conn --storms", "--storms", "from 0 to 1000000", "18446744073709551615"),
        ("bench subs --subscriptions", "--subscriptions", "from 1 to 100000000", "18446744073709551615"),
        ("bench retained --topics", "--topics", "from 1 to 100000000", "18446744073709551615"),
        ("bench persist --sessions", "--sessions", "from 1 to 1000000", "18446744073709551615"),
        ("bench persist --queued", "--queued", "from 1 to 100000000", "18446744073709551615"),
        ("bench crowd --sessions", "--sessions", "from 1 to 1000000", "18446744073709551615"),
        ("bench replay --retained", "--retained", "from 1 to 100000000", "0"),
        ("bench replay --reads", "--reads", "from 1 to 1000000", "0"),
        ("bench pairs --window", "--window", "from 1 to 1000000", "0"),
        ("bench pairs --messages", "--messages", "from 1 to 1000000000000", "0"),
        ("bench pairs --threads", "--threads", "from 1 to 64", "65"),
        ("bench pairs --pid", "--pid", "from 1 to 4294967295", "0"),
        ("bench pairs --idle", "--idle", "from 0 to 100000000", "100000001"),
        ("bench patterns --rounds", "--rounds", "from 1 to 6000", "0"),
    ] {
        for value in values.into_iter().chain([more]) {
            is_refused(&format!("{line} {value}"), option, words);
        }
    }
    is_refused("sub a -q 3", "--qos", "write 0, 1 or 2");
    is_refused("sub a -q -1", "--qos", "write 0, 1 or 2");
    is_refused("pub a m --will-topic w --will-qos 3", "--will-qos", "write 0, 1 or 2");
}

#[test]
fn times_are_ones_that_a_clock_can_hold() {
    for (line, option) in [
        ("sub a -W", "--timeout"),
        ("sub a --connect-timeout", "--connect-timeout"),
        ("pub a m --interval", "--interval"),
        ("bench pairs --seconds", "--seconds"),
        ("bench pairs --timeout", "--timeout"),
        ("bench conn --hold", "--hold"),
        ("bench soak --every", "--every"),
        ("conformance --patience", "--patience"),
    ] {
        for value in ["-1", "-0.5", "nan", "inf", "1e19", "1e300", "x"] {
            is_refused(&format!("{line} {value}"), option, "write a number of seconds");
        }
    }
    for line in ["sub a -W 0", "sub a --timeout 0.0", "sub a --connect-timeout 0", "bench pairs --timeout 0"]
    {
        is_refused(line, "timeout", "above 0");
    }
    is_refused("bench pairs --rate -1 -b mqtt://127.0.0.1:1", "--rate", "from 0.001 to");
    is_refused("bench pairs --tolerance -1", "--tolerance", "10% or 0.1");
}

#[test]
fn the_ends_of_the_ranges_work() {
    let rig = Rig::new();
    rig.good("pub -r --repeat 1 --interval 1e9 --message-expiry 4294967295 -k 0 a m");
    assert_eq!(
        rig.good("sub -n 1 -W 1e9 --connect-timeout 1e9 -k 65535 --session-expiry 4294967295 a"),
        "m\n"
    );
    assert_eq!(rig.good("sub -n 1 -W 60 --subscription-id 268435455 --topic-alias-maximum 65535 a"), "m\n");
    let bench = rig.bench("pairs --pairs 1 --messages 10 --window 1 --timeout 1e9");
    assert!(bench.status.success(), "{}", stderr(&bench));
    let bench = rig.bench("share --groups 1000000 --members 1000000");
    assert_eq!(bench.status.code(), Some(2), "{}", stderr(&bench));
    assert!(stderr(&bench).contains("1000000 connections at most"), "{}", stderr(&bench));
}
