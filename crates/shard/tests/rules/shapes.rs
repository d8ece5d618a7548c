//! Wildcard filters that would make matching long: whoever has them is refused, and nobody else misses a message.

use crate::common::*;

/// Filters of so many levels that all match the topic `a/a/...`: the bits say where there is a `+`.
fn filter(levels: usize, bits: usize) -> String {
    let levels =
        (0..levels).map(|level| if bits.checked_shr(level as u32).unwrap_or(0) & 1 == 1 { "+" } else { "a" });
    levels.collect::<Vec<_>>().join("/")
}

fn topic(levels: usize) -> String {
    vec!["a"; levels].join("/")
}

/// SUBSCRIBE with some filters at a time; the reasons in all the answers.
fn subscribe_all(rig: &mut Rig, name: &str, filters: &[String]) -> Vec<String> {
    let mut reasons = Vec::new();
    for some in filters.chunks(64) {
        rig.tell(name, &format!("subscribe 1 {}", some.join(" ")));
        let heard = rig.heard(name);
        assert_eq!(heard.len(), 1, "{heard:?}");
        reasons.extend(heard[0].split_whitespace().skip(2).map(str::to_owned));
    }
    assert_eq!(reasons.len(), filters.len());
    reasons
}

/// A topic is published to with each QoS, and a subscriber to `+/#` and one to all topics get every message.
fn everybody_else_hears(rig: &mut Rig, topic: &str) {
    rig.connect("victim", "v5");
    rig.subscribe("victim", "+/#@1");
    rig.connect("other", "v311");
    rig.subscribe("other", "#@1");
    rig.connect("p", "v5");
    for (line, acknowledged) in [("1#1", true), ("", false), ("1#2", true)] {
        rig.tell("p", &format!("publish {topic} x {line}"));
        for name in ["victim", "other"] {
            let heard = rig.heard(name);
            assert_eq!(heard.len(), 1, "{name}: {heard:?}");
            assert!(heard[0].starts_with(&format!("publish {topic} x")), "{name}");
        }
        assert_eq!(rig.heard("p").iter().any(|line| line.starts_with("puback")), acknowledged);
    }
    assert_eq!(rig.counters().dropped.total(), 0);
}

#[test]
fn thousands_of_filters_that_all_match_hide_no_message() {
    for shards in [1, 2] {
        let mut rig = Rig::new(shards);
        rig.connect("crowd", "v5");
        rig.ignore("crowd");
        let filters: Vec<_> = (0..1 << 13).map(|bits| filter(14, bits << 1)).collect();
        let mut refused = 0;
        for some in filters.chunks(64) {
            rig.tell("crowd", &format!("subscribe 1 {}", some.join(" ")));
            refused = rig.counters().subscriptions_refused;
        }
        // It has 1,024 shapes of 13 and 14 levels, two for each filter. The one without `+` is free.
        assert_eq!((refused, rig.counters().subscriptions), (8191 - 512, 513));
        everybody_else_hears(&mut rig, &topic(14));
    }
}

#[test]
fn a_few_filters_of_very_many_levels_hide_no_message() {
    for shards in [1, 2] {
        let mut rig = Rig::new(shards);
        rig.connect("crowd", "v311");
        let filters = (0..150).map(|plus| {
            let level = |level| if level == plus { "+" } else { "a" };
            (0..150).map(level).collect::<Vec<_>>().join("/")
        });
        let filters: Vec<_> = filters.collect();
        let reasons = subscribe_all(&mut rig, "crowd", &filters);
        // The first have 138 deep prefixes each; of those whose `+` comes late few are deep.
        let refused = reasons.iter().filter(|reason| *reason == "80").count();
        assert!((100..145).contains(&refused), "{refused} of 150"); // [3.1.1 MQTT-3.9.3-2]
        rig.ignore("crowd");
        everybody_else_hears(&mut rig, &topic(150));
    }
}

/// Hostile clients have spent what deep filters may cost in all. What most clients ask for is not affected.
#[test]
fn ordinary_filters_are_accepted_when_nothing_is_left_for_deep_ones() {
    everywhere_with(
        |config| (config.session_shapes_max, config.shapes_max) = (6, 8),
        |rig| {
            let deep = |bits| filter(14, bits);
            for (name, bits) in [("one", 1..20), ("two", 20..40)] {
                let on_one_shard = rig.id_on(0, name);
                rig.connect(&on_one_shard, "v5");
                rig.ignore(&on_one_shard);
                let all: Vec<_> = bits.map(deep).collect();
                rig.tell(&on_one_shard, &format!("subscribe 1 {}", all.join(" ")));
            }
            assert_eq!(rig.counters().subscriptions, 3 + 1, "two shapes each");
            let honest = rig.id_on(0, "honest");
            rig.connect(&honest, "v5");
            let twelve = filter(12, 0b1010_1010_1010);
            let reasons = subscribe_all(
                rig,
                &honest,
                &[
                    deep(1 << 12),
                    deep(1),
                    twelve.clone(),
                    format!("{twelve}/#"),
                    "a/+/b".into(),
                    format!("{}/#", topic(14)),
                ],
            );
            assert_eq!(reasons, ["97", "00", "00", "00", "00", "00"]); // [MQTT-3.9.3-1]
        },
    );
}

#[test]
fn a_refused_filter_changes_nothing_and_room_comes_back() {
    everywhere_with(
        |config| (config.session_shapes_max, config.shapes_max) = (4, 4),
        |rig| {
            rig.connect("s", "v5 expiry=60");
            rig.tell("s", &format!("subscribe 1 {}@1 {} {}", filter(14, 1), filter(14, 2), filter(14, 4)));
            rig.expect("s", "suback 1 01 00 97");
            rig.tell("s", &format!("subscribe 2 {}@0 {}", filter(14, 1), filter(14, 4)));
            rig.expect("s", "suback 2 00 97"); // what it has, it may ask for again
            assert_eq!((rig.counters().subscriptions, rig.counters().subscriptions_refused), (2, 2));
            rig.tell("s", &format!("unsubscribe 3 {} {}", filter(14, 4), filter(14, 2)));
            rig.expect("s", "unsuback 3 11 00");
            rig.subscribe("s", &filter(14, 4));
            rig.tell("s", &format!("publish {} x", filter(14, 0)));
            rig.expect_all("s", &[&*format!("publish {} x", filter(14, 0))]);
            rig.cut("s");
            rig.connect("s", "v5 expiry=60"); // Clean Start ends the session, and what it had
            rig.subscribe("s", &format!("{} {}", filter(14, 8), filter(14, 16)));
            rig.cut("s");
            rig.pass(61);
            rig.connect("s", "v5");
            rig.subscribe("s", &format!("{} {}", filter(14, 32), filter(14, 64)));
            assert_eq!((rig.counters().subscriptions, rig.counters().subscriptions_refused), (2, 2));
        },
    );
}

/// Groups on any shard; each is charged to its members.
#[test]
fn shared_subscriptions_are_charged_to_their_members() {
    everywhere_with(
        |config| (config.session_shapes_max, config.shapes_max) = (2, 2),
        |rig| {
            rig.connect("m", "v5 expiry=60");
            let shared = |group: usize, bits| format!("$share/group{group}/{}", filter(14, bits));
            let all: Vec<_> = (0..40).map(|group| shared(group, 1 << (group % 10))).collect();
            let reasons = subscribe_all(rig, "m", &all);
            let granted = reasons.iter().filter(|reason| *reason == "00").count();
            // One shape for all groups of a shard.
            assert!(granted >= 4 * rig.shards.len().min(2) - 4 && granted <= 8, "{reasons:?}");
            let counters = rig.counters();
            assert_eq!(counters.shared_subscriptions, granted as u64);
            assert_eq!(
                (counters.subscriptions, counters.subscriptions_refused),
                (granted as u64, 40 - granted as u64)
            );
            // Only the groups that it is in give it the message, once each.
            rig.connect("p", "v5");
            rig.tell("p", &format!("publish {} x", topic(14)));
            assert_eq!(rig.heard("m").len(), granted);
            for (filter, reason) in all.iter().zip(&reasons) {
                rig.tell("m", &format!("unsubscribe 1 {filter}"));
                rig.expect("m", if reason == "00" { "unsuback 1 00" } else { "unsuback 1 11" });
            }
            let counters = rig.counters();
            assert_eq!((counters.subscriptions, counters.shared_subscriptions), (0, 0));
            rig.subscribe("m", &shared(99, 1 << 11));
            rig.subscribe("m", &shared(99, 1 << 11)); // the same again
            rig.cut("m");
            rig.pass(61);
            rig.connect("n", "v5");
            rig.subscribe("n", &shared(98, 1 << 9));
        },
    );
}

/// A refusal that was on its way while the client asked again, or gave up and asked again, is not for the later request.
#[test]
fn a_late_refusal_of_a_shared_subscription_is_for_one_request() {
    let mut rig = Rig::with(2, |config| config.session_shapes_max = 2);
    let [m, other] = [0, 1].map(|shard| rig.id_on(shard, "m"));
    rig.connect(&m, "v5");
    rig.connect(&other, "v5");
    // Groups that are at home on the other shard: for them the answer comes by mail.
    let by_mail = |rig: &mut Rig, bits: usize| {
        let mut elsewhere = Vec::new();
        for number in 0..30 {
            let text = format!("$share/g{bits}-{number}/{}", filter(14, bits));
            rig.hold_mail = true;
            rig.tell(&m, &format!("subscribe 1 {text}"));
            if rig.heard(&m).is_empty() {
                elsewhere.push(text.clone());
            }
            rig.hold_mail = false;
            rig.tell(&m, &format!("unsubscribe 2 {text}"));
            rig.heard(&m);
        }
        assert!(elsewhere.len() > 3, "half of them");
        elsewhere
    };
    let (first, second) = (by_mail(&mut rig, 1)[0].clone(), by_mail(&mut rig, 2)[0].clone());
    assert_eq!(rig.counters().subscriptions, 0);
    rig.subscribe(&m, &first);
    let refused_before = rig.counters().subscriptions_refused;

    // It asks for too much, takes both back, and asks again while none of that is answered.
    rig.hold_mail = true;
    rig.tell(&m, &format!("subscribe 3 {second}"));
    rig.tell(&m, &format!("unsubscribe 4 {second}"));
    rig.tell(&m, &format!("unsubscribe 5 {first}"));
    rig.tell(&m, &format!("subscribe 6 t {second} a/+"));
    rig.hold_mail = false;
    rig.tell(&m, "ping");
    let mut heard = rig.heard(&m);
    heard.sort_unstable();
    assert_eq!(heard, ["pingresp", "suback 3 97", "suback 6 00 00 00", "unsuback 4 00", "unsuback 5 00"]);
    let counters = rig.counters();
    assert_eq!((counters.subscriptions, counters.shared_subscriptions), (3, 1));
    assert_eq!(counters.subscriptions_refused - refused_before, 1);
    rig.connect("p", "v5");
    rig.tell("p", &format!("publish {} x", topic(14)));
    assert_eq!(rig.heard(&m).len(), 1);

    // The same filter twice, and the first alone is too much.
    rig.hold_mail = true;
    rig.tell(&m, &format!("subscribe 7 {first}"));
    rig.tell(&m, &format!("unsubscribe 8 {second}"));
    rig.tell(&m, &format!("subscribe 9 {first}"));
    rig.hold_mail = false;
    rig.tell(&m, "ping");
    rig.heard(&m);
    assert_eq!(rig.counters().shared_subscriptions, 1);
    rig.tell("p", &format!("publish {} x", topic(14)));
    assert_eq!(rig.heard(&m).len(), 1, "it is a member, here and there");

    // It goes before it is refused.
    rig.hold_mail = true;
    rig.tell(&m, &format!("subscribe 7 {second}"));
    rig.hold_mail = false;
    rig.cut(&m);
    assert_eq!(rig.counters().subscriptions, 0);
    rig.finish();
}
