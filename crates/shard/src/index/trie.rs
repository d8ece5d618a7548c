//! The filters with a wildcard, as a trie keyed by (parent node, level).
//! Insertion and removal cost the filter's levels. A walk visits only nodes whose filter prefix
//! matches the topic's, and no more than a given number of them. It allocates nothing.

use core::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;
use martlet_codec::{TopicFilter, TopicName};

use super::levels::Levels;
use super::{LEVELS_MAX, Matched, VISITS_MAX};
use crate::slab::{Id, Slab, shrink};

/// One prefix of wildcard filters.
#[derive(Debug)]
struct Node {
    parent: Id,
    /// `None` in the root and in a node reached by `+`.
    level: Option<Id>,
    /// Children reached by a literal level; they are found through `Trie::edges`.
    literals: u32,
    /// The child reached by `+`.
    plus: Option<Id>,
    /// The filter that ends at this node.
    here: Option<Id>,
    /// The filter that ends with a `#` below this node.
    multi: Option<Id>,
}

impl Node {
    fn new(parent: Id, level: Option<Id>) -> Self {
        Node { parent, level, literals: 0, plus: None, here: None, multi: None }
    }

    fn is_unused(&self) -> bool {
        self.literals == 0 && self.plus.is_none() && self.here.is_none() && self.multi.is_none()
    }
}

/// Where a filter stands in the trie: the key to take it out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(Id);

/// Wildcard filters, named by the ids that the caller gave them.
#[derive(Debug)]
pub(super) struct Trie {
    hasher: SeedableRandomState,
    levels: Levels,
    nodes: Slab<Node>,
    edges: HashTable<Id>,
    root: Id,
}

impl Trie {
    pub(super) fn new(hasher: SeedableRandomState) -> Self {
        let mut nodes = Slab::new();
        let root = nodes.insert(Node::new(Id::FIRST, None));
        Trie { levels: Levels::new(hasher.clone()), hasher, nodes, edges: HashTable::new(), root }
    }

    /// Inserts a filter that is not in the trie.
    pub(super) fn insert(&mut self, filter: TopicFilter<'_>, id: Id) -> Place {
        let mut at = self.root;
        for level in filter.as_str().split('/') {
            at = match level {
                "#" => {
                    self.nodes[at].multi = Some(id);
                    return Place(at);
                }
                "+" => self.plus_below(at),
                literal => self.literal_below(at, literal),
            };
        }
        self.nodes[at].here = Some(id);
        Place(at)
    }

    /// Takes a filter out, and the nodes that only it needed.
    pub(super) fn remove(&mut self, place: Place, id: Id) {
        let mut at = place.0;
        let node = &mut self.nodes[at];
        if node.multi == Some(id) {
            node.multi = None;
        } else {
            node.here = None;
        }
        while at != self.root && self.nodes[at].is_unused() {
            at = self.detach(at);
        }
    }

    /// Visits every filter that matches the topic name.
    pub(super) fn walk(&self, topic: TopicName<'_>, visit: &mut impl FnMut(Id)) -> Matched {
        if self.nodes[self.root].is_unused() {
            return Matched { visits: 0, is_whole: true };
        }
        let mut walk = Walk::new(self, topic);
        walk.visit_from(self.root, 0, visit);
        Matched { visits: VISITS_MAX - walk.visits_left, is_whole: !walk.cut_off }
    }

    fn plus_below(&mut self, parent: Id) -> Id {
        if let Some(plus) = self.nodes[parent].plus {
            return plus;
        }
        let plus = self.nodes.insert(Node::new(parent, None));
        self.nodes[parent].plus = Some(plus);
        plus
    }

    fn literal_below(&mut self, parent: Id, text: &str) -> Id {
        if let Some(node) = self.levels.get(text).and_then(|level| self.edge(parent, level)) {
            return node;
        }
        let level = self.levels.acquire(text);
        let id = self.nodes.insert(Node::new(parent, Some(level)));
        self.nodes[parent].literals += 1;
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        let hash = |&id: &Id| hasher.hash_one((nodes[id].parent, nodes[id].level));
        self.edges.insert_unique(hash(&id), id, hash);
        id
    }

    /// The child of a node by a literal level.
    fn edge(&self, parent: Id, level: Id) -> Option<Id> {
        let same = |&id: &Id| self.nodes[id].parent == parent && self.nodes[id].level == Some(level);
        self.edges.find(self.hasher.hash_one((parent, Some(level))), same).copied()
    }

    /// Removes an unused node and returns its parent.
    fn detach(&mut self, id: Id) -> Id {
        let Node { parent, level, .. } = self.nodes.remove(id);
        let Some(level) = level else {
            self.nodes[parent].plus = None;
            return parent;
        };
        self.nodes[parent].literals -= 1;
        self.levels.release(level);
        let hash = self.hasher.hash_one((parent, Some(level)));
        if let Ok(edge) = self.edges.find_entry(hash, |&other| other == id) {
            edge.remove();
        }
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        shrink(&mut self.edges, |&id| hasher.hash_one((nodes[id].parent, nodes[id].level)));
        parent
    }

    /// Bytes of memory, about.
    pub(super) fn memory(&self) -> usize {
        const NODE: usize = size_of::<Option<Node>>() + 8;
        self.nodes.len() * NODE + self.levels.memory()
    }

    /// Number of nodes and of distinct levels.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.nodes.len(), self.levels.len())
    }
}

/// One walk: the topic's levels are looked up as the walk gets to them, and only once.
struct Walk<'a> {
    trie: &'a Trie,
    rest: Option<&'a str>,
    known: usize,
    ids: [Option<Id>; LEVELS_MAX],
    reserved: bool,
    visits_left: u32,
    cut_off: bool,
}

impl<'a> Walk<'a> {
    fn new(trie: &'a Trie, topic: TopicName<'a>) -> Self {
        Walk {
            trie,
            rest: Some(topic.as_str()),
            known: 0,
            ids: [None; LEVELS_MAX],
            reserved: topic.is_reserved(),
            visits_left: VISITS_MAX,
            cut_off: false,
        }
    }

    /// Visits the filters of `at` and below; `depth` levels of the topic led here. The recursion
    /// is as deep as the deepest filter, at most [`LEVELS_MAX`].
    fn visit_from(&mut self, at: Id, depth: usize, visit: &mut impl FnMut(Id)) {
        if self.visits_left == 0 {
            self.cut_off = true;
            return;
        }
        self.visits_left -= 1;
        let node = &self.trie.nodes[at];
        let wildcards = depth > 0 || !self.reserved; // [MQTT-4.7.2-1] [3.1.1 MQTT-4.7.2-1]
        if wildcards && let Some(multi) = node.multi {
            visit(multi);
        }
        if !self.has_level(depth) {
            if let Some(here) = node.here {
                visit(here);
            }
            return;
        }
        if depth == LEVELS_MAX {
            return;
        }
        if node.literals > 0
            && let Some(level) = self.ids[depth]
            && let Some(child) = self.trie.edge(at, level)
        {
            self.visit_from(child, depth + 1, visit);
        }
        if wildcards && let Some(plus) = node.plus {
            self.visit_from(plus, depth + 1, visit);
        }
    }

    /// Whether the topic has a level of this index; looks its id up on the first call.
    fn has_level(&mut self, index: usize) -> bool {
        if index < self.known {
            return true;
        }
        let Some(rest) = self.rest else { return false };
        if index == LEVELS_MAX {
            return true;
        }
        // Levels are short: looking at each byte beats a search that is made for long texts.
        let end = rest.bytes().position(|byte| byte == b'/');
        let (level, rest) = end.map_or((rest, None), |end| (&rest[..end], Some(&rest[end + 1..])));
        self.ids[index] = self.trie.levels.get(level);
        self.known += 1;
        self.rest = rest;
        true
    }
}
