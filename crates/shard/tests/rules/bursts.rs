//! Messages of one topic that arrive together are delivered together: nobody can tell from what is received.

use super::common::Rig;
use super::common::random::Random;
use std::collections::BTreeMap;

/// Clients and what they subscribe to: each a reason to be treated in another way.
const RECEIVERS: [(&str, &str, &[&str]); 12] = [
    ("zero", "v311", &["t/a@0"]),
    ("one", "v311", &["t/a@1"]),
    ("two", "v311", &["t/+@2"]),
    ("old", "v31", &["#@1"]),
    ("five", "v5", &["t/a@1"]),
    ("published", "v5", &["t/#@2p"]),
    ("identified", "v5", &["t/a@1 sub=7"]),
    ("overlapping", "v5", &["t/a@0 sub=3", "t/#@1 sub=4", "#@2"]),
    ("aliases", "v5 aliasmax=2", &["t/#@1"]),
    ("narrow", "v5 rm=3", &["t/a@2"]),
    ("small", "v5 max=60", &["t/a@1"]),
    ("offline", "v5 clean=0 expiry=100", &["t/a@1"]),
];

fn rig(shards: u8) -> Rig {
    let mut rig = Rig::with(shards, |config| config.limits.packet_id_max = 40);
    for (name, line, filters) in RECEIVERS {
        rig.connect(name, line);
        filters.iter().for_each(|filter| rig.subscribe(name, filter));
    }
    rig.connect("p", "v5");
    rig.connect("q", "v311");
    rig.subscribe("q", "t/b@1");
    rig.connect("r", "v5");
    rig.subscribe("r", "t/a@1n");
    rig.cut("offline");
    rig
}

/// What a publisher says next, mostly of one topic, mostly plain.
fn lines(random: &mut Random, publisher: &str, next_id: &mut u16) -> Vec<String> {
    let topic = ["t/a", "t/a", "t/a", "t/b", "u"][random.below(5)];
    let level = random.below(3);
    let mut one = || {
        *next_id = *next_id % 1000 + 1;
        let topic = if random.below(10) == 0 { "t/b" } else { topic };
        let level = if random.below(8) == 0 { random.below(3) } else { level };
        let payload = ["x", "x", "-", "*10", "*40", "*100", "*5000"][random.below(7)];
        let qos = if level > 0 { format!(" {level}#{next_id}") } else { String::new() };
        let v5 = ["prop=k:v", "mexp=60", "alias=1", "ctype=text"];
        let property = if publisher != "q" && random.below(6) == 0 { v5[random.below(4)] } else { "" };
        let retain = if random.below(12) == 0 { "retain" } else { "" };
        format!("publish {topic} {payload}{qos} {retain} {property}")
    };
    (0..12).map(|_| one()).collect()
}

/// Acknowledges what a client heard.
fn answers(heard: &[String]) -> Vec<String> {
    let answer = |line: &String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let flow = words.iter().find_map(|word| word.split_once('#').filter(|(qos, _)| qos.len() == 1));
        match (words[0], flow) {
            ("publish", Some(("1", id))) => Some(format!("puback {id}")),
            ("publish", Some(("2", id))) => Some(format!("pubrec {id}")),
            ("pubrel", _) => Some(format!("pubcomp {}", words[1])),
            ("pubrec", _) => Some(format!("pubrel {}", words[1])),
            _ => None,
        }
    };
    heard.iter().filter_map(answer).collect()
}

/// What everybody hears of one story; `together`: what a publisher says is read at once, else packet by packet.
fn tell(seed: u64, shards: u8, together: bool) -> BTreeMap<String, Vec<String>> {
    let mut random = Random::new(seed);
    let mut rig = rig(shards);
    let mut heard: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut next_id = 0;
    let names: Vec<String> = rig.clients.keys().cloned().collect();
    for _ in 0..12 {
        let publisher = ["p", "q", "r"][random.below(3)];
        let lines = lines(&mut random, publisher, &mut next_id);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        match together {
            true => rig.tell_all(publisher, &lines),
            false => lines.iter().for_each(|line| rig.tell(publisher, line)),
        }
        // Who acknowledges: not everybody each time, so that windows and queues fill.
        for name in &names {
            let acknowledges = random.below(3) > 0;
            while rig.is_open(name) {
                let now = rig.heard(name);
                let answers = answers(&now);
                heard.entry(name.clone()).or_default().extend(now);
                if answers.is_empty() || !acknowledges {
                    break;
                }
                answers.iter().for_each(|answer| rig.tell(name, answer));
            }
        }
    }
    rig.connect("offline", "v5 clean=0 expiry=100");
    let last = rig.heard("offline");
    heard.entry("offline".to_owned()).or_default().extend(last);
    names.iter().for_each(|name| rig.ignore(name));
    rig.finish();
    heard
}

#[test]
fn how_a_stream_is_cut_changes_nothing() {
    let mut messages = 0;
    for shards in [1, 2] {
        for seed in 1..=30 {
            let (together, alone) = (tell(seed, shards, true), tell(seed, shards, false));
            for (name, heard) in &together {
                assert_eq!(heard, &alone[name], "seed {seed}, {shards} shards, {name}");
                messages += heard.len();
            }
        }
    }
    assert!(messages > 10_000, "{messages}");
}

#[test]
fn a_subscription_between_two_messages_counts_for_the_second() {
    let mut rig = Rig::new(1);
    rig.connect("p", "v5");
    rig.connect("s", "v311");
    rig.subscribe("s", "+@1");
    let lines = ["publish t a", "publish t b", "subscribe 1 t@0", "publish t c", "ping", "publish t d"];
    rig.tell_all("p", &lines);
    rig.expect_all("p", &["suback 1 00", "publish t c", "pingresp", "publish t d"]);
    rig.expect_all("s", &["publish t a", "publish t b", "publish t c", "publish t d"]);
    rig.tell_all("p", &["publish t e", "unsubscribe 2 t", "publish t f", "publish t g"]);
    rig.expect_all("p", &["publish t e", "unsuback 2 00"]);
    rig.expect_all("s", &["publish t e", "publish t f", "publish t g"]);
    rig.finish();
}

/// Connects a client whose home is this shard.
fn connect_at(rig: &mut Rig, shard: usize, kind: &str) -> String {
    let name = (0..).map(|n| format!("{kind}{n}")).find(|name| {
        rig.connect(name, "v5");
        let is_home = rig.shard_of(name) == shard;
        if !is_home {
            rig.cut(name);
        }
        is_home
    });
    name.expect("every other name is at home there")
}

#[test]
fn a_group_that_another_shard_joins_between_two_messages_gets_the_second() {
    let mut rig = Rig::new(2);
    let publisher = connect_at(&mut rig, 0, "p");
    let subscriber = connect_at(&mut rig, 1, "s");
    let member = connect_at(&mut rig, 0, "m");
    rig.subscribe(&subscriber, "t@0");
    rig.ring_full = true;
    rig.tell(&publisher, "publish t a");
    for group in 0..8 {
        rig.tell(&member, &format!("subscribe {} $share/g{group}/t@0", group + 1));
    }
    rig.tell(&publisher, "publish t b");
    rig.ring_full = false;
    rig.tell(&publisher, "publish t c");
    rig.expect_all(&subscriber, &["publish t a", "publish t b", "publish t c"]);
    let heard = rig.heard(&member);
    let count = |line: &str| heard.iter().filter(|heard| *heard == line).count();
    assert_eq!(["publish t a", "publish t b", "publish t c"].map(count), [0, 8, 8], "{heard:?}");
    rig.ignore(&member);
    rig.finish();
}

#[test]
fn a_publisher_whose_messages_another_shard_does_not_take_is_not_read() {
    let mut rig = Rig::with(2, |config| config.outbox_bytes_max = 2000);
    let publisher = connect_at(&mut rig, 0, "p");
    let subscriber = connect_at(&mut rig, 1, "s");
    rig.subscribe(&subscriber, "t@0");
    rig.ignore(&subscriber);
    rig.ring_full = true;
    rig.tell_all(&publisher, &["publish t *100"; 30]);
    assert!(rig.client(&publisher).paused);
    rig.ring_full = false;
    rig.pass_ms(1);
    assert!(!rig.client(&publisher).paused);
    rig.finish();
}

#[test]
fn a_client_that_only_acknowledges_is_alive() {
    let mut rig = Rig::new(1);
    rig.connect("p", "v311");
    rig.connect("s", "v311 keep=10");
    rig.subscribe("s", "t@1");
    for id in 1..=6 {
        rig.tell_all("p", &["publish t a"; 2]);
        rig.tell("p", &format!("publish t x 1#{id}"));
        rig.expect_all("p", &[&format!("puback {id}")]);
        rig.expect_all("s", &["publish t a", "publish t a", &format!("publish t x 1#{id}")]);
        rig.tell("s", &format!("puback {id}"));
        rig.pass(8);
    }
    assert!(rig.is_open("s"));
    rig.pass(8);
    rig.ignore("s");
    assert!(!rig.is_open("s"));
    rig.finish();
}
