//! The filters with a wildcard, as a trie keyed by (parent node, level).
//! Insertion and removal cost the filter's levels. A walk visits all nodes whose filter prefix
//! matches the topic's, and no others. It allocates nothing.

use core::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;
use martlet_codec::{TopicFilter, TopicName};

use super::LEVELS_MAX;
use super::level::Level;
use crate::slab::{Id, Slab, shrink};

/// One prefix of wildcard filters.
#[derive(Debug)]
struct Node {
    parent: Id,
    /// Children reached by a literal level; they are found through `Trie::edges`.
    literals: u32,
    /// The child reached by `+`.
    plus: Option<Id>,
    /// The filter that ends at this node.
    here: Option<Id>,
    /// The filter that ends with a `#` below this node.
    multi: Option<Id>,
    /// The literal level that leads here from the parent; `None` in the root and in a node reached by `+`.
    level: Option<Level>,
}

impl Node {
    fn new(parent: Id, level: Option<Level>) -> Self {
        Node { parent, literals: 0, plus: None, here: None, multi: None, level }
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
    nodes: Slab<Node>,
    /// Nodes that a literal level leads to.
    edges: HashTable<Id>,
    root: Id,
    /// Bytes of levels that are stored in allocations of their own.
    long_bytes: usize,
}

impl Trie {
    pub(super) fn new(hasher: SeedableRandomState) -> Self {
        let mut nodes = Slab::new();
        let root = nodes.insert(Node::new(Id::FIRST, None));
        Trie { hasher, nodes, edges: HashTable::new(), root, long_bytes: 0 }
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

    /// Visits every filter that matches the topic name, and returns the number of nodes visited.
    pub(super) fn walk(&self, topic: TopicName<'_>, visit: &mut impl FnMut(Id)) -> u32 {
        if self.nodes[self.root].is_unused() {
            return 0;
        }
        let mut walk = Walk::new(self, topic);
        walk.visit_from(self.root, 0, visit);
        walk.visits
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
        let hash = self.hash(text);
        if let Some(node) = self.edge(parent, hash, text) {
            return node;
        }
        let level = Level::new(text);
        self.long_bytes += level.long_bytes();
        let id = self.nodes.insert(Node::new(parent, Some(level)));
        self.nodes[parent].literals += 1;
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        self.edges.insert_unique(edge_hash(parent, hash), id, |&id| hash_of(nodes, hasher, id));
        id
    }

    fn hash(&self, level: &str) -> u32 {
        hash_level(&self.hasher, level.as_bytes())
    }

    /// The child of a node by a literal level, whose hash is known.
    fn edge(&self, parent: Id, hash: u32, level: &str) -> Option<Id> {
        let same = |&id: &Id| {
            let node = &self.nodes[id];
            node.parent == parent
                && node.level.as_ref().is_some_and(|known| known.bytes() == level.as_bytes())
        };
        self.edges.find(edge_hash(parent, hash), same).copied()
    }

    /// Removes an unused node and returns its parent.
    fn detach(&mut self, id: Id) -> Id {
        let Node { parent, level, .. } = self.nodes.remove(id);
        let Some(level) = level else {
            self.nodes[parent].plus = None;
            return parent;
        };
        self.nodes[parent].literals -= 1;
        self.long_bytes -= level.long_bytes();
        let hash = edge_hash(parent, hash_level(&self.hasher, level.bytes()));
        if let Ok(edge) = self.edges.find_entry(hash, |&other| other == id) {
            edge.remove();
        }
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        shrink(&mut self.edges, |&id| hash_of(nodes, hasher, id));
        parent
    }

    /// Bytes of memory, about.
    pub(super) fn memory(&self) -> usize {
        const NODE: usize = size_of::<Option<Node>>() + 8;
        self.nodes.len() * NODE + self.long_bytes
    }

    /// Number of nodes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.nodes.len()
    }
}

fn hash_level(hasher: &SeedableRandomState, level: &[u8]) -> u32 {
    hasher.hash_one(level) as u32
}

/// The hash of a level below a node. A topic's level is hashed once, however many nodes are asked for it.
fn edge_hash(parent: Id, level: u32) -> u64 {
    // Odd, so that the lowest bits, which choose the bucket, tell nodes apart, and levels too.
    const OF_NODE: u64 = 0x9e37_79b9_7f4a_7c15;
    const OF_LEVEL: u64 = 0xd1b5_4a32_d192_ed03;
    let hash = u64::from(parent.place()).wrapping_mul(OF_NODE) ^ u64::from(level).wrapping_mul(OF_LEVEL);
    hash ^ hash >> 32 // so that nodes whose numbers have a common divisor do not share their buckets
}

fn hash_of(nodes: &Slab<Node>, hasher: &SeedableRandomState, id: Id) -> u64 {
    let node = &nodes[id];
    let level = node.level.as_ref().map_or(&[][..], Level::bytes);
    edge_hash(node.parent, hash_level(hasher, level))
}

/// One walk: the topic is taken apart as the walk gets to its levels, and only once.
struct Walk<'a> {
    trie: &'a Trie,
    topic: &'a str,
    /// Levels whose ends are known.
    known: usize,
    /// A topic has at most 65,535 bytes.
    ends: [u16; LEVELS_MAX],
    /// 0: not known.
    hashes: [u32; LEVELS_MAX],
    reserved: bool,
    visits: u32,
}

impl<'a> Walk<'a> {
    fn new(trie: &'a Trie, topic: TopicName<'a>) -> Self {
        Walk {
            trie,
            topic: topic.as_str(),
            known: 0,
            ends: [0; LEVELS_MAX],
            hashes: [0; LEVELS_MAX],
            reserved: topic.is_reserved(),
            visits: 0,
        }
    }

    /// Visits the filters of `at` and below; `depth` levels of the topic led here. The recursion
    /// is as deep as the deepest filter, at most [`LEVELS_MAX`].
    fn visit_from(&mut self, at: Id, depth: usize, visit: &mut impl FnMut(Id)) {
        self.visits += 1;
        let node = &self.trie.nodes[at];
        let wildcards = depth > 0 || !self.reserved; // [MQTT-4.7.2-1] [3.1.1 MQTT-4.7.2-1]
        if wildcards && let Some(multi) = node.multi {
            visit(multi);
        }
        let Some(start) = self.start_of(depth) else {
            if let Some(here) = node.here {
                visit(here);
            }
            return;
        };
        if depth == LEVELS_MAX {
            return;
        }
        self.find_end(depth, start);
        if node.literals > 0
            && let Some(child) = self.literal(at, depth, start)
        {
            self.visit_from(child, depth + 1, visit);
        }
        if wildcards && let Some(plus) = node.plus {
            self.visit_from(plus, depth + 1, visit);
        }
    }

    /// Where this level of the topic begins; `None` if it has no such level. The levels before it are known.
    fn start_of(&self, depth: usize) -> Option<usize> {
        let start = depth.checked_sub(1).map_or(0, |before| usize::from(self.ends[before]) + 1);
        (start <= self.topic.len()).then_some(start)
    }

    fn find_end(&mut self, depth: usize, start: usize) {
        if depth == self.known {
            // Levels are short: looking at each byte beats a search that is made for long texts.
            let rest = &self.topic.as_bytes()[start..];
            let len = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            self.ends[depth] = (start + len) as u16;
            self.known += 1;
        }
    }

    /// The child of a node by this level of the topic.
    fn literal(&mut self, at: Id, depth: usize, start: usize) -> Option<Id> {
        let level = &self.topic[start..usize::from(self.ends[depth])];
        if self.hashes[depth] == 0 {
            self.hashes[depth] = self.trie.hash(level);
        }
        self.trie.edge(at, self.hashes[depth], level)
    }
}
