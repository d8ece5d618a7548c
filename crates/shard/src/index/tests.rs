//! The index against the reference matcher, its two halves against each other, and its bounds.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::{format, vec};

use martlet_codec::{QoSLevel, RetainHandling};

use super::*;
use crate::random::Random;

fn filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).unwrap()
}

fn topic(text: &str) -> TopicName<'_> {
    TopicName::new(text).unwrap()
}

/// A subscription that can be told from others by its identifier.
fn subscription(id: u32) -> Subscription {
    let options = SubscriptionOptions {
        maximum_qos: QoSLevel::AtLeastOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::default(),
    };
    Subscription { options, id: NonZeroU32::new(id) }
}

fn index() -> Index {
    Index::new(SeedableRandomState::default())
}

fn matched(index: &Index, name: &str) -> Vec<(u32, Subscription)> {
    let mut found = Vec::new();
    index.matches(topic(name), &mut |who, subscription| found.push((who.0, subscription)));
    found.sort_by_key(|(who, subscription)| (*who, subscription.id));
    found
}

impl Index {
    /// Both halves of each subscription name each other, and the trie has no superfluous node.
    fn check(&self) {
        let mut halves = 0;
        let [even, odd] = &self.subscribers;
        let of = |parity: usize| move |(at, holdings)| (at << 1 | parity, holdings);
        let even = even.iter().enumerate().map(of(0));
        for (who, holdings) in even.chain(odd.iter().enumerate().map(of(1))) {
            let holdings: &Holdings = holdings;
            for (at, holding) in holdings.as_slice().iter().enumerate() {
                let entry = self.filters[holding.filter].subscribers.as_slice()[holding.entry as usize];
                assert_eq!((entry.who.0 as usize, entry.holding as usize), (who, at));
                assert_eq!(holdings.find(holding.filter, &self.hasher), Some(list::position(at)));
                halves += 1;
            }
        }
        assert_eq!((self.len, self.by_text.len()), (halves, self.filters.len()));
        let wildcards =
            self.by_text.iter().map(|&id| filter(&self.filters[id].text)).filter(|f| f.has_wildcard());
        let mut prefixes = BTreeSet::from([String::new()]);
        for text in wildcards.map(TopicFilter::as_str) {
            let mut prefix = String::new();
            for level in text.split('/').filter(|&level| level != "#") {
                prefix = format!("{prefix}{level}/");
                prefixes.insert(prefix.clone());
            }
        }
        assert_eq!(self.trie.size(), prefixes.len());
    }
}

fn random_topic(random: &mut Random) -> String {
    const LEVELS: [&str; 6] = ["a", "b", "", "$x", "c", "a longer level, on the heap"];
    let levels: Vec<_> = (0..=random.below(4)).map(|_| LEVELS[random.below(LEVELS.len())]).collect();
    match levels.join("/") {
        empty if empty.is_empty() => "a".to_string(),
        topic => topic,
    }
}

fn random_filter(random: &mut Random) -> String {
    let topic = random_topic(random);
    let mut levels: Vec<_> =
        topic.split('/').map(|level| if random.below(3) == 0 { "+" } else { level }).collect();
    match random.below(6) {
        0 => levels.push("#"),
        1 => *levels.last_mut().unwrap() = "#",
        _ => {}
    }
    levels.join("/")
}

#[test]
fn agrees_with_the_reference_matcher() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let (mut index, mut model) = (index(), BTreeMap::new());
        for step in 1..400 {
            let (text, who) = (random_filter(&mut random), random.below(7) as u32);
            let last = |model: &BTreeMap<(String, u32), _>| !model.keys().any(|(other, _)| *other == text);
            match random.below(8) {
                0..5 => {
                    let first_of_filter = last(&model);
                    let previous = model.insert((text.clone(), who), subscription(step));
                    let got = index.subscribe(filter(&text), SubscriberId(who), subscription(step));
                    assert_eq!(got, Subscribed { previous, first_of_filter }, "seed {seed}");
                }
                5..7 => {
                    let expected = model.remove(&(text.clone(), who));
                    let expected = expected
                        .map(|subscription| Unsubscribed { subscription, last_of_filter: last(&model) });
                    assert_eq!(index.unsubscribe(filter(&text), SubscriberId(who)), expected, "seed {seed}");
                }
                _ if random.below(8) == 0 => remove_all(&mut index, &mut model, who),
                _ => {}
            }
            check_match(&index, &model, &random_topic(&mut random));
        }
        index.check();
        (0..7).for_each(|who| remove_all(&mut index, &mut model, who));
        assert_eq!((index.len(), index.filters(), index.trie.size()), (0, 0, 1));
    }
}

fn check_match(index: &Index, model: &BTreeMap<(String, u32), Subscription>, name: &str) {
    let matching = model.iter().filter(|((text, _), _)| filter(text).matches(topic(name)));
    let mut expected: Vec<_> = matching.map(|((_, who), subscription)| (*who, *subscription)).collect();
    expected.sort_by_key(|(who, subscription)| (*who, subscription.id));
    assert_eq!(matched(index, name), expected, "{name}");
}

fn remove_all(index: &mut Index, model: &mut BTreeMap<(String, u32), Subscription>, who: u32) {
    let held = |model: &BTreeMap<(String, u32), Subscription>| -> BTreeMap<String, Subscription> {
        model.iter().filter(|(key, _)| key.1 == who).map(|(key, value)| (key.0.clone(), *value)).collect()
    };
    let expected = held(model);
    let listed = index.subscriptions_of(SubscriberId(who)).map(|(text, value)| (text.to_string(), value));
    assert_eq!(listed.collect::<BTreeMap<_, _>>(), expected);
    model.retain(|key, _| key.1 != who);
    let mut removed = BTreeSet::new();
    index.remove_subscriber(SubscriberId(who), |text, last| {
        assert_eq!(last, !model.keys().any(|(other, _)| other == text), "{text}");
        removed.insert(text.to_string());
    });
    assert!(removed.iter().eq(expected.keys()));
    index.check();
}

#[test]
fn wildcards_at_the_start_do_not_match_reserved_topics() {
    let mut index = index();
    for (who, text) in ["#", "+/x", "$SYS/#", "$SYS/+"].into_iter().enumerate() {
        index.subscribe(filter(text), SubscriberId(who as u32), subscription(1));
    }
    let who: Vec<_> = matched(&index, "$SYS/x").into_iter().map(|(who, _)| who).collect();
    assert_eq!(who, [2, 3]); // [MQTT-4.7.2-1]
}

#[test]
fn many_filters_of_one_subscriber_and_many_subscribers_of_one_filter() {
    let mut index = index();
    let one = SubscriberId(0);
    for number in 0..20_000 {
        index.subscribe(filter(&format!("a/{number}/+")), one, subscription(number + 1));
        index.subscribe(filter("all"), SubscriberId(number), subscription(number + 1));
    }
    index.check();
    assert_eq!((index.len(), index.filters()), (40_000, 20_001));
    for number in (0..20_000).filter(|number| number % 1000 != 0) {
        assert!(index.unsubscribe(filter(&format!("a/{number}/+")), one).is_some());
        assert!(index.unsubscribe(filter("all"), SubscriberId(number)).is_some());
    }
    index.check();
    assert!(index.by_text.capacity() < 1000, "{}", index.by_text.capacity());
    assert_eq!(matched(&index, "a/3000/x"), vec![(0, subscription(3001))]);
    assert_eq!(matched(&index, "all").len(), 20);
}

#[test]
fn deep_filters_and_topics_do_no_harm() {
    let mut index = index();
    let at_limit = vec!["+"; LEVELS_MAX].join("/");
    let below_limit = format!("{at_limit}/#");
    let too_deep = vec!["+"; LEVELS_MAX + 1].join("/");
    for (who, text) in [&at_limit, &below_limit, &too_deep].into_iter().enumerate() {
        index.subscribe(filter(text), SubscriberId(who as u32), subscription(1));
    }
    let who =
        |index: &Index, name: &str| matched(index, name).iter().map(|(who, _)| *who).collect::<Vec<_>>();
    assert_eq!(who(&index, &vec!["x"; LEVELS_MAX].join("/")), [0, 1]);
    assert_eq!(who(&index, &"/".repeat(65_535)), [1]);
    assert_eq!(who(&index, &"x".repeat(65_535)), Vec::<u32>::new());
    for who in 0..3 {
        index.remove_subscriber(SubscriberId(who), |_, _| {});
    }
    index.check();
}

/// All filters of literals and `+`, each also cut short by `#`: the most that can match a topic of so many levels.
#[test]
fn a_topic_of_12_levels_is_matched_whole_whoever_subscribes() {
    const LEVELS: usize = 12;
    let mut index = index();
    for levels in 0..=LEVELS {
        for bits in 0..(1_u32 << levels) {
            let mut text: Vec<_> =
                (0..levels).map(|level| if bits >> level & 1 == 0 { "+" } else { "a" }).collect();
            text.push("#");
            index.subscribe(filter(&text.join("/")), SubscriberId(0), subscription(1));
            text.pop();
            if levels == LEVELS {
                index.subscribe(filter(&text.join("/")), SubscriberId(1), subscription(1));
            }
        }
    }
    let mut found = [0, 0];
    let name = ["a"; LEVELS].join("/");
    let visits = index.matches(topic(&name), &mut |who, _| found[who.0 as usize] += 1);
    assert_eq!(found, [(1 << (LEVELS + 1)) - 1, 1 << LEVELS]);
    assert_eq!(visits, (1 << (LEVELS + 1)) - 1);
}

/// What lies deeper than filters may be is not even looked at.
#[test]
fn a_topic_of_32768_levels_takes_as_many_steps_as_a_filter_has() {
    let mut index = index();
    for (who, last) in ["+", "a", "#"].into_iter().enumerate() {
        let text = format!("{}{last}", "+/".repeat(LEVELS_MAX - 1));
        index.subscribe(filter(&text), SubscriberId(who as u32), subscription(1));
    }
    let longest = "a/".repeat(32_767) + "a";
    assert_eq!(longest.len(), 65_535);
    let visits = index.matches(topic(&longest), &mut |who, _| assert_eq!(who, SubscriberId(2)));
    assert_eq!(visits, LEVELS_MAX as u32 + 2);
}

#[test]
fn the_halves_of_a_subscription_are_small() {
    assert_eq!(size_of::<Subscription>(), 8);
    assert_eq!((size_of::<Entry>(), size_of::<List<Entry>>()), (16, 16));
    assert_eq!((size_of::<Holding>(), size_of::<Holdings>()), (8, 16));
    assert!(size_of::<Option<Filter>>() <= 40);
}
