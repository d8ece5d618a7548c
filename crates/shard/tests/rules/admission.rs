//! A message with QoS 1 or 2 that cannot be kept is refused before it is accepted; what was acknowledged with success
//! is kept until it is delivered.

use super::common::words;
use super::common::*;
use martlet_shard::Config;

/// Bytes that a shard holds at most in these stories.
const MAX: u64 = 64 * 1024;

fn tight(config: &mut Config) {
    config.memory_bytes_max = MAX;
}

/// Publishes messages of a thousand bytes and as many more as their number says, and waits for each answer: the numbers of
/// those that were acknowledged with success, and how many were refused.
fn publish_all(rig: &mut Rig, topic: &str, qos: u8, numbers: std::ops::Range<u16>) -> (Vec<u16>, usize) {
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for number in numbers {
        rig.tell("p", &format!("publish {topic} *{} {qos}#{number}", 1000 + number));
        let answer = rig.heard("p");
        let [answer] = &answer[..] else { panic!("{answer:?}") };
        match &answer.split_whitespace().collect::<Vec<_>>()[..] {
            ["puback" | "pubrec", _] => accepted.push(number),
            ["puback" | "pubrec", _, "97"] => refused += 1,
            _ => panic!("{answer}"),
        }
        if qos == 2 && accepted.last() == Some(&number) {
            rig.tell("p", &format!("pubrel {number}"));
            rig.expect("p", &format!("pubcomp {number}"));
        }
    }
    (accepted, refused)
}

/// The numbers of the messages that a client has heard; it acknowledges each.
fn take_all(rig: &mut Rig, name: &str) -> Vec<u16> {
    let mut numbers = Vec::new();
    loop {
        let heard = rig.heard(name);
        if heard.is_empty() {
            return numbers;
        }
        for line in heard {
            let words: Vec<_> = line.split_whitespace().collect();
            if words[0] == "pubrel" {
                rig.tell(name, &format!("pubcomp {}", words[1]));
                continue;
            }
            assert_eq!(words[0], "publish", "{line}");
            let number = words[2].strip_prefix('*').unwrap().parse::<u16>().unwrap() - 1000;
            let (qos, id) = words[3].split_once('#').unwrap();
            numbers.push(number);
            let ack = if qos == "1" { "puback" } else { "pubrec" };
            rig.tell(name, &format!("{ack} {id}"));
        }
    }
}

#[test]
fn queued_messages_that_were_acknowledged_arrive_and_no_others() {
    for qos in [1, 2] {
        everywhere_with(tight, |rig| {
            rig.connect("s", "v5 expiry=600");
            rig.subscribe("s", "t/#@2");
            rig.cut("s");
            rig.connect("p", "v5");
            let (accepted, refused) = publish_all(rig, "t/a", qos, 1..101);
            assert!(accepted.len() > 30 && refused > 30, "{accepted:?}, {refused} refused");
            assert_eq!((rig.dropped(Dropped::Memory), rig.counters().publishes_refused), (0, refused as u64));
            assert!(rig.counters().routed == accepted.len() as u64, "what is refused is not routed");
            rig.connect("s", "v5 clean=0 expiry=600 rm=10");
            assert_eq!(take_all(rig, "s"), accepted);
            let (accepted, refused) = publish_all(rig, "t/a", qos, 101..102);
            assert_eq!((accepted.len(), refused), (1, 0), "there is room again");
            assert_eq!(take_all(rig, "s"), [101]);
        });
    }
}

#[test]
fn retained_messages_that_were_acknowledged_are_retained() {
    for shards in [1, 2] {
        let rig = &mut Rig::with(shards, |config| config.memory_bytes_max = 1_000_000);
        rig.connect("p", "v5");
        rig.connect("s", "v5");
        let mut accepted = 0;
        for number in 1..=40 {
            rig.tell("p", &format!("publish r/{number} *100000 1#{number} retain"));
            let heard = rig.heard("p");
            accepted += u64::from(heard == [format!("puback {number} 10")]);
            assert!(heard[0].starts_with(&format!("puback {number} ")), "{heard:?}");
            assert!(heard[0].ends_with(" 10") || heard[0].ends_with(&format!("{number} 97")), "{heard:?}");
            assert_eq!(rig.counters().retained, accepted);
        }
        let shards = rig.shards.len() as u64;
        assert!((8 * shards..10 * shards).contains(&accepted), "{accepted} of 100,000 bytes each");
        assert_eq!(rig.dropped(Dropped::Memory), 0);
        rig.subscribe("s", "r/#@0");
        assert_eq!(rig.heard("s").len() as u64, accepted);
    }
}

#[test]
fn what_takes_no_room_is_never_refused() {
    everywhere_with(tight, |rig| {
        rig.connect("s", "v5 expiry=600");
        rig.subscribe("s", "t@1");
        rig.cut("s");
        rig.connect("live", "v311");
        rig.subscribe("live", "victim/#@0");
        rig.connect("p", "v5");
        rig.tell("p", &format!("publish r {} 1#1 retain", "y".repeat(100)));
        rig.expect("p", "puback 1 10");
        publish_all(rig, "t", 1, 1..90);
        rig.tell("p", &format!("publish r2 {} 1#2 retain", "y".repeat(2000)));
        if rig.shards.len() == 1 {
            rig.expect("p", "puback 2 97");
            rig.tell("p", "publish r *99 1#3 retain");
            rig.expect("p", "puback 3 10"); // it takes the place of one as large
            rig.tell("live", "subscribe 9 r@0");
            rig.expect_all("live", &["suback 9 00", "publish r *99 retain"]);
            rig.tell("live", "unsubscribe 9 r");
            rig.heard("live");
        }
        rig.heard("p");
        for (number, qos) in [(10, 1), (11, 2)] {
            rig.tell("p", &format!("publish victim/x hello {qos}#{number}"));
            rig.expect("p", &format!("{} {number}", if qos == 1 { "puback" } else { "pubrec" }));
            rig.expect("live", "publish victim/x hello");
        }
        rig.tell("p", "publish nobody/here x 1#12");
        rig.expect("p", "puback 12 10");
        rig.tell("p", "publish r - 1#13 retain"); // [MQTT-3.3.1-6]
        rig.expect("p", "puback 13 10");
        rig.tell("live", "subscribe 9 r@0");
        rig.expect("live", "suback 9 00");
        assert_eq!(rig.dropped(Dropped::Memory), 0);
    });
}

/// Another shard may be full and have subscribers that keep nothing.
#[test]
fn what_takes_no_room_on_another_shard_is_never_refused() {
    let mut rig = Rig::with(2, tight);
    for (name, shard) in [("s", 0), ("live", 0), ("filler", 0), ("p", 1)] {
        let id = rig.id_on(shard, name);
        rig.connect(name, &format!("v5 expiry=600 id={id}"));
        rig.ignore(name);
    }
    rig.subscribe("s", "t@1");
    rig.subscribe("live", "victim/#@0");
    rig.cut("s");
    (1..=100).for_each(|id| rig.tell("filler", &format!("publish t *1000 1#{id}")));
    rig.heard("p");
    rig.tell("p", "publish t x 1#1");
    rig.expect("p", "puback 1 97");
    rig.tell("p", "publish victim/x hello 1#2");
    rig.expect("p", "puback 2");
    rig.expect("live", "publish victim/x hello");
}

/// Many messages that come in one read join one burst: that does not let them in.
#[test]
fn a_burst_ends_where_memory_does() {
    for receivers in [1, 20] {
        everywhere_with(tight, |rig| {
            for n in 0..receivers {
                let name = format!("s{n}");
                rig.connect(&name, "v5 expiry=600");
                rig.subscribe(&name, "t@1");
                rig.cut(&name);
            }
            rig.connect("p", "v5");
            let lines: Vec<_> = (1..=1500).map(|id| format!("publish t *20 1#{id}")).collect();
            rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>());
            let heard = rig.heard("p");
            let accepted = heard.iter().filter(|line| line.split_whitespace().count() == 2).count();
            let refused = heard.iter().filter(|line| line.split_whitespace().nth(2) == Some("97")).count();
            assert!(accepted > 20 && refused > 300 && accepted + refused == 1500, "{accepted}, {refused}");
            assert_eq!(rig.dropped(Dropped::Memory), 0);
            assert_eq!(rig.counters().queued, (accepted * receivers) as u64);
            let held = rig.shards.iter().map(martlet_shard::Shard::memory_bytes).max().unwrap();
            assert!(
                held <= MAX,
                "{held} bytes held {:?} {accepted} {receivers}",
                rig.shards.iter().map(martlet_shard::Shard::memory_bytes).collect::<Vec<_>>()
            );
        });
    }
}

#[test]
fn a_group_is_no_way_round() {
    everywhere_with(tight, |rig| {
        rig.connect("s", "v5 expiry=600");
        rig.subscribe("s", "$share/g/t@1");
        rig.cut("s");
        rig.connect("p", "v5");
        let (accepted, refused) = publish_all(rig, "t", 1, 1..101);
        assert!(accepted.len() > 30 && refused > 30, "{accepted:?}, {refused} refused");
        assert_eq!(rig.dropped(Dropped::Memory), 0);
        rig.connect("s", "v5 clean=0 expiry=600");
        assert_eq!(take_all(rig, "s"), accepted);
    });
}

#[test]
fn a_refused_identifier_means_a_new_message() {
    everywhere_with(tight, |rig| {
        rig.connect("s", "v5 expiry=600");
        rig.subscribe("s", "t@2");
        rig.cut("s");
        rig.connect("p", "v5");
        rig.tell("p", "publish t first 2#500");
        rig.expect("p", "pubrec 500");
        let (accepted, refused) = publish_all(rig, "t", 1, 1..101);
        assert!(refused > 30);
        rig.tell("p", "publish t *1207 2#7");
        rig.expect("p", "pubrec 7 97");
        rig.tell("p", "publish t *1207 2#7 dup");
        rig.expect("p", "pubrec 7 97");
        rig.tell("p", "publish t first 2#500 dup"); // what was accepted stays so [MQTT-4.3.3-10]
        rig.expect("p", "pubrec 500");
        rig.connect("s", "v5 clean=0 expiry=600");
        rig.expect("s", "publish t first 2#1");
        rig.tell("s", "pubrec 1");
        rig.tell("s", "pubcomp 1");
        assert_eq!(take_all(rig, "s"), accepted);
        rig.tell("p", "publish t *1207 2#7 dup"); // [MQTT-4.3.3-9]
        rig.expect("p", "pubrec 7");
        rig.tell("p", "pubrel 7");
        rig.expect("p", "pubcomp 7");
        assert_eq!(take_all(rig, "s"), [207]);
    });
}

/// Receive Maximum counts what is not acknowledged, and what is refused is.
#[test]
fn refusals_take_no_place_in_the_window_and_leave_aliases_as_they_are() {
    everywhere_with(
        |config| (config.limits.receive_maximum, config.memory_bytes_max) = (2, MAX),
        |rig| {
            rig.connect("s", "v5 expiry=600");
            rig.subscribe("s", "t@2");
            rig.cut("s");
            rig.connect("p", "v5");
            publish_all(rig, "t", 1, 1..101);
            for id in 1..=5 {
                rig.tell("p", &format!("publish t *1200 2#{id} alias=1"));
                rig.expect("p", &format!("pubrec {id} 97"));
            }
            rig.connect("s", "v5 clean=0 expiry=600");
            take_all(rig, "s");
            rig.tell("p", "publish - *1008 2#8 alias=1"); // the alias was set by what was refused
            rig.expect("p", "pubrec 8");
            assert_eq!(take_all(rig, "s"), [8]);
        },
    );
}

#[test]
fn publishers_of_another_shard_are_refused_as_well() {
    let mut rig = Rig::with(2, tight);
    let (subscriber, publisher) = (rig.id_on(0, "s"), rig.id_on(1, "p"));
    rig.connect("s", &format!("v5 expiry=600 id={subscriber}"));
    rig.subscribe("s", "t@1");
    rig.cut("s");
    rig.connect("p", &format!("v5 id={publisher}"));
    let (accepted, refused) = publish_all(&mut rig, "t", 1, 1..101);
    assert!(accepted.len() > 30 && refused > 30);
    let held = rig.shards[0].memory_bytes();
    assert!(held <= MAX, "{held} bytes held");
    // What is on its way counts too: none of it is opened, and none of it is lost.
    rig.connect("s", &format!("v5 clean=0 expiry=600 id={subscriber}"));
    assert_eq!(take_all(&mut rig, "s"), accepted);
    rig.cut("s");
    rig.hold_mail = true;
    for first in (1..200).step_by(20) {
        let lines: Vec<_> = (first..first + 20).map(|id| format!("publish t *1000 1#{id}")).collect();
        rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>()); // a batch each
    }
    let accepted = rig.heard("p").iter().filter(|line| line.split_whitespace().count() == 2).count();
    assert!((30..62).contains(&accepted), "{accepted} of 1,000 bytes for 64 KiB");
    rig.hold_mail = false;
    rig.settle();
    assert_eq!((rig.counters().queued, rig.dropped(Dropped::Memory)), (accepted as u64, 0));
    // Once it has arrived, it is not on its way any more.
    let (more, _) = publish_all(&mut rig, "t", 1, 301..302);
    assert_eq!(more.len(), 0);
    rig.ignore("s");
    rig.connect("s", &format!("v5 expiry=600 id={subscriber}"));
    rig.subscribe("s", "t@1");
    rig.cut("s");
    let (accepted, _) = publish_all(&mut rig, "t", 1, 1..101);
    assert!(accepted.len() > 30, "{accepted:?}");
}

/// How many a message is for on another shard is known only there: until it has said so, not many more are sent.
#[test]
fn a_fan_out_on_another_shard_is_foreseen() {
    for version in ["v5", "v311"] {
        let mut rig = Rig::with(2, |config| config.memory_bytes_max = 8 * MAX);
        for n in 0..100 {
            let (name, id) = (format!("s{n}"), rig.id_on(0, &format!("s{n}-")));
            rig.connect(&name, &format!("v5 expiry=600 id={id}"));
            rig.subscribe(&name, "t@1");
            rig.cut(&name);
        }
        let publisher = rig.id_on(1, "p");
        rig.connect("p", &format!("{version} id={publisher}"));
        let lines: Vec<_> = (1..=3000).map(|id| format!("publish t *10 1#{id}")).collect();
        rig.tell_all("p", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        let heard = rig.heard("p");
        let accepted = heard.iter().filter(|line| line.split_whitespace().count() == 2).count();
        assert!(accepted > 80 && accepted < 160, "{accepted} accepted");
        assert_eq!((rig.counters().queued, rig.dropped(Dropped::Memory)), (accepted as u64 * 100, 0));
        let held = rig.shards[0].memory_bytes();
        assert!(held <= 8 * MAX, "{held} bytes held, {accepted} {version} {:?}", rig.shards[0].counters());
        assert_eq!(heard.len(), if version == "v5" { 3000 } else { accepted });
        rig.pass(31);
        assert_eq!(rig.is_open("p"), version == "v5");
    }
}

#[test]
fn a_will_has_an_eighth_more_and_is_dropped_by_name_beyond_it() {
    let mut rig = Rig::with(2, tight);
    let (subscriber, publisher) = (rig.id_on(0, "s"), rig.id_on(0, "p"));
    rig.connect("s", &format!("v5 expiry=600 id={subscriber}"));
    rig.subscribe("s", "#@1");
    rig.cut("s");
    rig.connect("p", &format!("v5 id={publisher}"));
    publish_all(&mut rig, "t", 1, 1..101);
    let queued = rig.counters().queued;
    let mut dying = 0;
    for number in 0..60 {
        let (name, will) = (format!("d{number}"), "w".repeat(500));
        rig.dial(&name, &format!("v5 will=d/{number},{will},1"));
        rig.ignore(&name);
        if rig.is_open(&name) && rig.shard_of(&name) == 1 {
            dying += 1;
            rig.cut(&name);
        }
    }
    let (more, held) = (rig.counters().queued - queued, rig.shards[0].memory_bytes());
    assert_eq!(more + rig.dropped(Dropped::Memory), dying);
    assert!(more > 1 && more < dying && held <= MAX * 9 / 8, "{more} of {dying} wills, {held} bytes");
}

#[test]
fn one_line_of_the_log_for_many_refusals() {
    everywhere_with(tight, |rig| {
        rig.connect("s", "v5 expiry=600");
        rig.subscribe("s", "t@1");
        rig.cut("s");
        rig.connect("p", "v5");
        let (_, refused) = publish_all(rig, "t", 1, 1..101);
        assert_eq!(rig.shortages.len(), 1);
        let first = rig.shortages[0];
        assert_eq!((first.refused, first.max), (1, MAX));
        assert!(first.held > MAX - MAX / 8, "{first:?}");
        rig.pass(9);
        assert_eq!(rig.shortages.len(), 1);
        rig.pass(3);
        assert_eq!(rig.shortages.len(), 2);
        assert_eq!(rig.shortages[1].refused, refused as u64 - 1);
        rig.pass(60);
        assert_eq!(rig.shortages.len(), 2, "nothing new, nothing said");
    });
}

#[test]
fn refusals_are_counted_by_reason() {
    everywhere_with(
        |config| (config.sys_interval_ms, config.memory_bytes_max) = (1000, MAX),
        |rig| {
            rig.connect("s", "v5 expiry=600");
            rig.subscribe("s", "t@1");
            rig.cut("s");
            rig.connect("p", "v5");
            rig.tell("p", "publish $SYS/x y 1#1");
            rig.expect("p", "puback 1 87");
            let (_, refused) = publish_all(rig, "t", 1, 1..101);
            rig.pass(3);
            rig.connect("o", "v311");
            for (topic, value) in [
                ("publish/messages/refused", refused + 1),
                ("refused/memory", refused),
                ("refused/not-authorized", 1),
            ] {
                rig.subscribe("o", &format!("$SYS/broker/{topic}@0"));
                rig.expect("o", &format!("publish $SYS/broker/{topic} {value} retain"));
            }
            rig.ignore("o");
        },
    );
}

/// A frame is decoded, and decided about, wherever the stream is cut.
#[test]
fn refusals_do_not_depend_on_how_a_stream_is_cut() {
    let answers = |chunk: usize| {
        let mut rig = Rig::with(1, tight);
        rig.connect("s", "v5 expiry=600");
        rig.subscribe("s", "t@1");
        rig.cut("s");
        rig.connect("p", "v5");
        rig.chunk = chunk;
        let mut bytes = Vec::new();
        for id in 1..=300 {
            bytes.extend(words::packet(
                martlet_codec::Version::V5,
                &format!("publish t *{} 1#{id}", id % 700),
            ));
        }
        rig.write("p", &bytes);
        rig.heard("p")
    };
    let whole = answers(usize::MAX);
    assert!(whole.iter().any(|line| line.ends_with(" 97")));
    for chunk in [1, 7, 4096] {
        let accepted = |lines: &[String]| lines.iter().filter(|line| !line.ends_with(" 97")).count();
        let found = answers(chunk);
        assert!(
            accepted(&found).abs_diff(accepted(&whole)) < 8,
            "bytes of the stream itself are on the account"
        );
    }
}
