//! The account against one that is counted anew after each step, and the walks of an index whose filters were charged for.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use martlet_codec::{SubscriptionOptions, TopicName};

use super::*;
use crate::index::{Index, SubscriberId, Subscription};
use crate::interface::ShardId;
use crate::random::Random;
use crate::session::SessionKey;

const SESSIONS: usize = 4;

fn session(number: usize) -> SessionRef {
    SessionRef::new(ShardId(3), 7, SessionKey(number as u32))
}

fn filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).unwrap()
}

fn shapes(shape_free_levels: usize, session_shapes_max: u32, shapes_max: u32) -> Shapes {
    let config = Config { shape_free_levels, session_shapes_max, shapes_max, ..Config::default() };
    Shapes::new(&config, SeedableRandomState::default())
}

/// The shapes of all prefixes of some filters.
fn prefixes<'a>(filters: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for text in filters {
        let levels = filter(text).levels().filter(|level| *level != "#");
        let mut shape = String::new();
        for level in levels {
            shape.push(if level == "+" { '+' } else { '.' });
            all.insert(shape.clone());
        }
    }
    all
}

/// A shard's filters, with those who have them.
struct Model {
    shapes: Shapes,
    index: Index,
    held: BTreeSet<(usize, String)>,
}

impl Model {
    fn of(&self, number: usize) -> impl Iterator<Item = &str> {
        self.held.iter().filter(move |(who, _)| *who == number).map(|(_, text)| text.as_str())
    }

    fn charged<'a>(&self, filters: impl IntoIterator<Item = &'a str>) -> u32 {
        let is_charged = |shape: &&String| shape.contains('+') && shape.len() > self.shapes.free_levels;
        prefixes(filters).iter().filter(is_charged).count() as u32
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.held.iter().map(|(_, text)| text.as_str())
    }

    /// Subscribes unless that is too much, and says whether it was.
    fn subscribe(&mut self, who: usize, text: &str) -> bool {
        let fits = self.charged(self.of(who).chain([text])) <= self.shapes.session_max
            && self.charged(self.all().chain([text])) <= self.shapes.max;
        assert_eq!(self.shapes.charge(session(who), filter(text)), fits, "{who} {text}");
        if fits {
            let subscription = Subscription { options: SubscriptionOptions::default(), id: None };
            self.index.subscribe(filter(text), SubscriberId(who as u32), subscription);
            self.held.insert((who, text.into()));
        }
        fits
    }

    fn unsubscribe(&mut self, who: usize, text: &str) {
        self.shapes.release(session(who), filter(text));
        self.index.unsubscribe(filter(text), SubscriberId(who as u32));
        self.held.remove(&(who, text.into()));
    }

    fn check_account(&self) {
        for who in 0..SESSIONS {
            let charged = self.shapes.charged.get(&session(who)).copied().unwrap_or(0);
            assert_eq!(charged, self.charged(self.of(who)), "{who}");
        }
        assert_eq!(self.shapes.len, self.charged(self.all()));
    }

    fn check_match(&self, name: &str) {
        let mut found = Vec::new();
        let name = TopicName::new(name).unwrap();
        let visits = self.index.matches(name, &mut |who, _| found.push(who.0 as usize));
        found.sort_unstable();
        let expected = self.held.iter().filter(|(_, text)| filter(text).matches(name));
        assert_eq!(found, expected.map(|(who, _)| *who).collect::<Vec<_>>(), "{name}");
        assert!(visits <= prefixes(self.all()).len() as u32 + 1, "{visits} nodes for {name}"); // and the root
        assert!(visits <= self.shapes.visits_max());
    }
}

/// Levels of two words and `+`, so that much matches.
fn random_filter(random: &mut Random) -> String {
    let levels: Vec<_> = (0..=random.below(9)).map(|_| ["+", "a", "a", "b"][random.below(4)]).collect();
    let text = levels.join("/");
    if random.below(4) == 0 { format!("{text}/#") } else { text }
}

#[test]
fn what_is_charged_is_what_walks_cost() {
    let (mut refused, mut accepted) = (0, 0);
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let max = random.below(80) as u32;
        let mut model = Model {
            shapes: shapes(random.below(5), random.below(30) as u32, max),
            index: Index::new(SeedableRandomState::default()),
            held: BTreeSet::new(),
        };
        for _ in 0..150 {
            let who = random.below(SESSIONS);
            let held: Vec<String> = model.of(who).map(String::from).collect();
            if !held.is_empty() && random.below(3) == 0 {
                model.unsubscribe(who, &held[random.below(held.len())]);
            } else {
                let text = random_filter(&mut random);
                if !held.contains(&text) {
                    let fits = model.subscribe(who, &text);
                    (accepted, refused) = (accepted + u32::from(fits), refused + u32::from(!fits));
                }
            }
            model.check_account();
            let levels: Vec<_> = (0..=random.below(11)).map(|_| ["a", "b"][random.below(2)]).collect();
            model.check_match(&levels.join("/"));
        }
        let held: Vec<_> = model.held.iter().cloned().collect();
        held.iter().for_each(|(who, text)| model.unsubscribe(*who, text));
        let Shapes { nodes, uses, charged, len, memory, .. } = &model.shapes;
        let left = (nodes.len(), uses.len(), charged.len(), *len, *memory);
        assert_eq!(left, (1, 0, 0, 0, 0), "seed {seed}");
    }
    assert!(refused > 500 && accepted > 500, "{refused} refused, {accepted} accepted");
}

/// All filters of as many levels as are free, each of its own client, and nobody is charged anything.
#[test]
fn filters_of_few_levels_are_free() {
    let config = Config::default();
    let mut shapes = Shapes::new(&config, SeedableRandomState::default());
    for bits in 0..1_usize << config.shape_free_levels {
        let text: Vec<_> = (0..config.shape_free_levels)
            .map(|level| if bits >> level & 1 == 0 { "+" } else { "a" })
            .collect();
        assert!(shapes.charge(session(bits), filter(&text.join("/"))));
        assert!(shapes.charge(session(bits), filter(&format!("$share/g/{}/#", text.join("/")))));
    }
    let deep = format!("{}#", "a/".repeat(LEVELS_MAX - 1));
    assert!(shapes.charge(session(0), filter(&deep)), "it has no +");
    assert_eq!((shapes.len, shapes.nodes.len(), shapes.memory()), (0, 1, 0));
}

/// A million devices have a topic each, and whoever subscribes to all of them has one shape.
#[test]
fn filters_of_one_shape_are_charged_once() {
    let mut shapes = shapes(12, 2, 2);
    for number in 0..100_000 {
        let text = format!("plant/1/hall/2/line/3/device/{number}/part/4/+/of/it/+");
        assert!(shapes.charge(session(0), filter(&text)));
    }
    assert_eq!((shapes.len, shapes.charged[&session(0)]), (2, 2));
    assert!(!shapes.charge(session(0), filter("plant/1/hall/2/line/3/device/+/part/4/x/of/it/+")));
}

#[test]
fn no_session_is_charged_for_what_another_one_has() {
    let deep = |plus: usize| {
        let mut levels = vec!["a"; 14];
        levels[plus] = "+";
        levels.join("/")
    };
    let mut shapes = shapes(12, 4, 6);
    assert!(shapes.charge(session(0), filter(&deep(0))) && shapes.charge(session(0), filter(&deep(1))));
    assert!(!shapes.charge(session(0), filter(&deep(2))), "it has four, which is its own bound");
    assert!(shapes.charge(session(1), filter(&deep(0))), "what is there costs the shard nothing");
    assert!(shapes.charge(session(1), filter(&deep(2))));
    assert!(!shapes.charge(session(2), filter(&deep(3))), "the shard has six");
    assert!(shapes.charge(session(2), filter(&deep(1))));
    // Who has gone is charged for nothing, even if others have the same filters.
    shapes.release(session(0), filter(&deep(0)));
    shapes.release(session(0), filter(&deep(1)));
    assert!(!shapes.charged.contains_key(&session(0)));
    assert_eq!(shapes.len, 6);
    let left: BTreeMap<_, _> = shapes.charged.iter().map(|(who, count)| (*who, *count)).collect();
    assert_eq!(left, BTreeMap::from([(session(1), 4), (session(2), 2)]));
}

/// What the default bounds let all clients together do to one message.
#[test]
fn the_longest_walk_is_about_a_millisecond() {
    let config = Config::default();
    let mut shapes = Shapes::new(&config, SeedableRandomState::default());
    shapes.len = config.shapes_max;
    assert!(shapes.visits_max() <= 16_500, "{}", shapes.visits_max());
    assert!(shapes.visits_max() < config.work_max);
}
