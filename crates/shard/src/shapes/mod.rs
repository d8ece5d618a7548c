//! What wildcard filters cost whoever publishes, charged to the sessions that subscribe.
//!
//! The *shape* of a filter says of each level whether it is `+` or literal. Of the filters' prefixes that match a topic
//! name, no two have the same shape, because their literal levels are the topic's own. So a walk through the index
//! visits at most one node per prefix of a shape, whatever the topic and however many filters there are. This file
//! counts these prefixes and refuses filters that would bring too many. Thus a walk has a bound and needs no other one,
//! and no subscriber misses a message because of the filters of somebody else.
//!
//! Prefixes of few levels are free, so ordinary filters are never refused. It knows no filter's text and no subscription.

#[cfg(test)]
mod tests;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;
use martlet_codec::TopicFilter;

use crate::config::Config;
use crate::index::LEVELS_MAX;
use crate::session::SessionRef;
use crate::slab::{Id, Slab};

/// One prefix of a shape.
#[derive(Debug)]
struct Node {
    parent: Id,
    /// With a literal level more, and with a `+` more.
    children: [Option<Id>; 2],
    /// Sessions that are charged for it; none for a free one.
    sessions: u32,
}

impl Node {
    fn new(parent: Id) -> Self {
        Node { parent, children: [None; 2], sessions: 0 }
    }

    fn is_unused(&self) -> bool {
        self.children == [None; 2] && self.sessions == 0
    }
}

/// The prefixes of shapes that the filters of this shard have. Only filters of more than `free_levels` levels with a `+`
/// are entered.
#[derive(Debug)]
pub(crate) struct Shapes {
    free_levels: usize,
    session_max: u32,
    max: u32,
    nodes: Slab<Node>,
    root: Id,
    /// Filters of one session with one prefix.
    uses: HashMap<(SessionRef, Id), u32, SeedableRandomState>,
    /// Prefixes that each session is charged for.
    charged: HashMap<SessionRef, u32, SeedableRandomState>,
    /// Prefixes that some session is charged for.
    len: u32,
    /// Bytes of memory, about: asked for after every input, and seldom changed.
    memory: usize,
}

impl Shapes {
    pub(crate) fn new(config: &Config, hasher: SeedableRandomState) -> Self {
        let mut nodes = Slab::new();
        let root = nodes.insert(Node::new(Id::FIRST));
        Shapes {
            free_levels: config.shape_free_levels,
            session_max: config.session_shapes_max,
            max: config.shapes_max,
            nodes,
            root,
            uses: HashMap::with_hasher(hasher.clone()),
            charged: HashMap::with_hasher(hasher),
            len: 0,
            memory: 0,
        }
    }

    /// Charges a session for a filter that it subscribes to; `false`, and nothing is charged, if that is too much.
    #[must_use]
    pub(crate) fn charge(&mut self, session: SessionRef, filter: TopicFilter<'_>) -> bool {
        if self.is_free(filter) {
            return true;
        }
        let (own, new) = self.missing(session, filter);
        let charged = self.charged.get(&session).copied().unwrap_or(0);
        if (own > 0 && charged + own > self.session_max) || (new > 0 && self.len + new > self.max) {
            return false;
        }
        let mut at = self.root;
        for step in self.steps(filter) {
            at = self.below(at, step.is_plus);
            if step.is_charged {
                let uses = self.uses.entry((session, at)).or_insert(0);
                *uses += 1;
                self.nodes[at].sessions += u32::from(*uses == 1);
            }
        }
        self.len += new;
        if own > 0 {
            *self.charged.entry(session).or_insert(0) += own;
        }
        self.weigh();
        true
    }

    /// A session has a filter no longer that it was charged for.
    pub(crate) fn release(&mut self, session: SessionRef, filter: TopicFilter<'_>) {
        if self.len == 0 || self.is_free(filter) {
            return;
        }
        let (mut at, mut given_up) = (self.root, 0);
        for step in self.steps(filter) {
            let Some(below) = self.nodes[at].children[usize::from(step.is_plus)] else {
                debug_assert!(false, "only what was charged is released");
                return;
            };
            at = below;
            given_up += u32::from(step.is_charged && self.give_up(session, at));
        }
        while at != self.root && self.nodes[at].is_unused() {
            at = self.detach(at);
        }
        if given_up > 0
            && let Some(charged) = self.charged.get_mut(&session)
        {
            *charged -= given_up;
            if *charged == 0 {
                self.charged.remove(&session);
            }
        }
        shrink(&mut self.uses);
        shrink(&mut self.charged);
        self.weigh();
    }

    /// The most nodes of the index that a walk may visit now.
    pub(crate) fn visits_max(&self) -> u32 {
        let free = 1_u32 << (self.free_levels + 1); // the root included
        free + LEVELS_MAX as u32 + self.len
    }

    /// Bytes of memory, about.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    fn weigh(&mut self) {
        const NODE: usize = size_of::<Option<Node>>() + 4;
        const USE: usize = size_of::<((SessionRef, Id), u32)>() + 8;
        const SESSION: usize = size_of::<(SessionRef, u32)>() + 8;
        let nodes = self.nodes.len() - 1; // an index without deep filters has the root, too
        self.memory = nodes * NODE + self.uses.len() * USE + self.charged.len() * SESSION;
    }

    /// Whether all prefixes of the filter's shape are free.
    fn is_free(&self, filter: TopicFilter<'_>) -> bool {
        filter.levels().nth(self.free_levels).is_none() || self.steps(filter).all(|step| !step.is_charged)
    }

    /// The way to the node of a filter. What leads there is charged for beyond `free_levels`, unless all levels are literal:
    /// such prefixes all have one shape.
    fn steps<'a>(&self, filter: TopicFilter<'a>) -> impl Iterator<Item = Step> + use<'a> {
        let free_levels = self.free_levels;
        let levels = filter.levels().filter(|level| *level != "#").enumerate();
        levels.scan(false, move |has_plus, (before, level)| {
            let is_plus = level == "+";
            *has_plus |= is_plus;
            Some(Step { is_plus, is_charged: *has_plus && before >= free_levels })
        })
    }

    /// Prefixes of the filter's shape that the session is not charged for, and those of them that nobody is charged for.
    fn missing(&self, session: SessionRef, filter: TopicFilter<'_>) -> (u32, u32) {
        let (mut own, mut new) = (0, 0);
        let mut at = Some(self.root);
        for step in self.steps(filter) {
            at = at.and_then(|at| self.nodes[at].children[usize::from(step.is_plus)]);
            if step.is_charged {
                own += u32::from(at.is_none_or(|at| !self.uses.contains_key(&(session, at))));
                new += u32::from(at.is_none_or(|at| self.nodes[at].sessions == 0));
            }
        }
        (own, new)
    }

    fn below(&mut self, parent: Id, is_plus: bool) -> Id {
        let branch = usize::from(is_plus);
        if let Some(child) = self.nodes[parent].children[branch] {
            return child;
        }
        let child = self.nodes.insert(Node::new(parent));
        self.nodes[parent].children[branch] = Some(child);
        child
    }

    /// One filter less of the session has this prefix; whether it was the last one.
    fn give_up(&mut self, session: SessionRef, at: Id) -> bool {
        let Some(uses) = self.uses.get_mut(&(session, at)) else {
            debug_assert!(false, "only what was charged is released");
            return false;
        };
        *uses -= 1;
        if *uses > 0 {
            return false;
        }
        self.uses.remove(&(session, at));
        self.nodes[at].sessions -= 1;
        self.len -= u32::from(self.nodes[at].sessions == 0);
        true
    }

    /// Removes an unused node and returns its parent.
    fn detach(&mut self, at: Id) -> Id {
        let Node { parent, .. } = self.nodes.remove(at);
        for child in &mut self.nodes[parent].children {
            child.take_if(|child| *child == at);
        }
        parent
    }
}

/// One level of a filter.
struct Step {
    is_plus: bool,
    is_charged: bool,
}

fn shrink<K: Eq + core::hash::Hash, V>(map: &mut HashMap<K, V, SeedableRandomState>) {
    if map.capacity() > 64 && map.len() < map.capacity() / 4 {
        map.shrink_to(map.len() * 5 / 4);
    }
}
