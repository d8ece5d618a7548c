//! Timers: a hierarchical wheel in which inserting, cancelling and expiring cost constant time.
//! It reads no clock; whoever calls says what time it is and asks when to call again.
//! A key never expires before its deadline and at most one tick (16 ms) after it.

use crate::slab::reserve_quarter;
use alloc::boxed::Box;
use alloc::vec::Vec;

use martlet_protocol::Time;

/// A tick is 2^4 ms.
const TICK_BITS: u32 = 4;
/// A level has 2^6 slots; a slot of level n is 64^n ticks wide.
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// Five levels reach 64^5 ticks: 198 days. What lies beyond waits in the last slot and goes round again.
const LEVELS: usize = 5;
/// The list of nodes that are due, behind the slots of all levels.
const DUE: usize = LEVELS * SLOTS;
/// No node.
const NIL: u32 = u32::MAX;
/// The list of a vacant node.
const VACANT: u16 = u16::MAX;
/// Below this number of nodes no memory is given back.
const SHRINK_MIN: usize = 1024;

/// A timer that was inserted. It is void once the timer has expired or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimerId {
    node: u32,
    generation: u32,
}

/// A timer, linked into the circular list of its slot; or a vacant node, in the free list by `next`.
#[derive(Debug)]
struct Node<K> {
    key: K,
    /// In ticks, rounded up.
    deadline: u64,
    generation: u32,
    next: u32,
    previous: u32,
    list: u16,
}

/// Timers with a key each.
#[derive(Debug)]
pub(crate) struct Wheel<K> {
    nodes: Vec<Node<K>>,
    free: u32,
    len: usize,
    /// Timers removed since memory was last given back.
    removed: usize,
    generation: u32,
    /// The tick up to which slots have been emptied.
    now: u64,
    /// First node of each list; the first one's `previous` is the last one.
    heads: Box<[u32; DUE + 1]>,
    /// Per level, which slots are not empty.
    occupied: [u64; LEVELS],
}

impl<K: Copy> Default for Wheel<K> {
    fn default() -> Self {
        Wheel::new()
    }
}

impl<K: Copy> Wheel<K> {
    /// A wheel without timers.
    #[must_use]
    pub(crate) fn new() -> Self {
        Wheel {
            nodes: Vec::new(),
            free: NIL,
            len: 0,
            removed: 0,
            generation: 0,
            now: 0,
            heads: Box::new([NIL; DUE + 1]),
            occupied: [0; LEVELS],
        }
    }

    /// Number of timers.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a timer. A deadline in the past is due at once.
    pub(crate) fn insert(&mut self, deadline: Time, key: K) -> TimerId {
        self.generation = self.generation.wrapping_add(1);
        let node = Node {
            key,
            deadline: deadline.as_millis().div_ceil(1 << TICK_BITS),
            generation: self.generation,
            next: NIL,
            previous: NIL,
            list: VACANT,
        };
        let at = self.store(node);
        self.place(at);
        self.len += 1;
        TimerId { node: at, generation: self.generation }
    }

    /// Removes a timer; `false` if it has expired or was cancelled before.
    pub(crate) fn cancel(&mut self, timer: TimerId) -> bool {
        let live = self
            .nodes
            .get(timer.node as usize)
            .is_some_and(|node| node.list != VACANT && node.generation == timer.generation);
        if live {
            self.unlink(timer.node);
            self.release(timer.node);
        }
        live
    }

    /// Removes one timer that is due and returns its key. To be called until there is none.
    pub(crate) fn expire(&mut self, now: Time) -> Option<K> {
        let now = now.as_millis() >> TICK_BITS;
        while self.heads[DUE] == NIL {
            match self.next_slot() {
                Some((list, start)) if start <= now => {
                    self.now = self.now.max(start);
                    self.empty(list);
                }
                _ => {
                    self.now = self.now.max(now);
                    return None;
                }
            }
        }
        let at = self.heads[DUE];
        let key = self.nodes[at as usize].key;
        self.unlink(at);
        self.release(at);
        Some(key)
    }

    /// When to call [`Wheel::expire`] again: never after a timer is due, but it may be before,
    /// and then nothing expires. `None`: there is no timer.
    #[must_use]
    pub(crate) fn next(&self) -> Option<Time> {
        let tick = if self.heads[DUE] == NIL { self.next_slot()?.1 } else { self.now };
        Some(Time::from_millis(tick << TICK_BITS))
    }

    /// The first slot that is not empty, and the tick at which it starts. A lower level lies
    /// within the current slot of the level above, so the lowest occupied level is the first.
    fn next_slot(&self) -> Option<(usize, u64)> {
        let level = self.occupied.iter().position(|&slots| slots != 0)?;
        let shift = SLOT_BITS * level as u32;
        let current = self.now >> shift;
        let ahead = self.occupied[level].rotate_right(current as u32 % SLOTS as u32).trailing_zeros();
        let start = current + u64::from(ahead);
        Some((level * SLOTS + start as usize % SLOTS, start << shift))
    }

    /// Links a node into the list for its deadline, as seen from the present tick.
    fn place(&mut self, at: u32) {
        let deadline = self.nodes[at as usize].deadline;
        if deadline <= self.now {
            return self.link(at, DUE);
        }
        let differing_bits = u64::BITS - (deadline ^ self.now).leading_zeros();
        let level = ((differing_bits - 1) / SLOT_BITS) as usize;
        let (level, slot) = if level < LEVELS - 1 {
            (level, deadline >> (SLOT_BITS * level as u32))
        } else {
            let top = SLOT_BITS * (LEVELS as u32 - 1);
            (LEVELS - 1, (deadline >> top).min((self.now >> top) + SLOTS as u64 - 1))
        };
        let slot = slot as usize % SLOTS;
        self.occupied[level] |= 1 << slot;
        self.link(at, level * SLOTS + slot);
    }

    /// Moves the nodes of a slot that has begun to lower levels, or to the due ones.
    fn empty(&mut self, list: usize) {
        let first = core::mem::replace(&mut self.heads[list], NIL);
        self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
        let mut at = first;
        loop {
            let next = self.nodes[at as usize].next;
            self.place(at);
            if next == first {
                break;
            }
            at = next;
        }
    }

    /// Appends a node to a list.
    fn link(&mut self, at: u32, list: usize) {
        let first = self.heads[list];
        let (previous, next) = if first == NIL {
            self.heads[list] = at;
            (at, at)
        } else {
            (self.nodes[first as usize].previous, first)
        };
        self.nodes[previous as usize].next = at;
        self.nodes[next as usize].previous = at;
        let node = &mut self.nodes[at as usize];
        (node.previous, node.next, node.list) = (previous, next, list as u16);
    }

    /// Takes a node out of its list.
    fn unlink(&mut self, at: u32) {
        let Node { next, previous, list, .. } = self.nodes[at as usize];
        let list = usize::from(list);
        if next == at {
            self.heads[list] = NIL;
            if list < DUE {
                self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
            }
            return;
        }
        self.nodes[previous as usize].next = next;
        self.nodes[next as usize].previous = previous;
        if self.heads[list] == at {
            self.heads[list] = next;
        }
    }

    /// Stores a node in a vacant place or a new one.
    fn store(&mut self, node: Node<K>) -> u32 {
        if self.free == NIL {
            reserve_quarter(&mut self.nodes);
            self.nodes.push(node);
            return u32::try_from(self.nodes.len() - 1).expect("four billion timers do not fit in memory");
        }
        let at = self.free;
        self.free = self.nodes[at as usize].next;
        self.nodes[at as usize] = node;
        at
    }

    /// Makes an unlinked node vacant.
    fn release(&mut self, at: u32) {
        let node = &mut self.nodes[at as usize];
        node.list = VACANT;
        node.next = self.free;
        self.free = at;
        self.len -= 1;
        self.removed += 1;
        let unused = self.len < self.nodes.len() / 4 && self.removed >= self.nodes.len() / 8;
        if self.nodes.len() >= SHRINK_MIN && (unused || self.len == 0) {
            self.shrink();
        }
    }

    /// Gives back the vacant nodes at the end, and lets new timers fill the lowest places first,
    /// so that the end becomes vacant in time.
    fn shrink(&mut self) {
        while self.nodes.last().is_some_and(|node| node.list == VACANT) {
            self.nodes.pop();
        }
        self.nodes.shrink_to_fit();
        self.free = NIL;
        for (at, node) in self.nodes.iter_mut().enumerate().rev() {
            if node.list == VACANT {
                node.next = self.free;
                self.free = at as u32;
            }
        }
        self.removed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use alloc::collections::BTreeMap;

    const TICK_MS: u64 = 1 << TICK_BITS;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn a_key_expires_at_its_deadline_and_once() {
        for deadline in [0, 1, 15, 16, 17, 1023, 1024, 65_537, 1 << 22, 1 << 34, 1 << 36, u64::MAX >> 8] {
            let mut wheel = Wheel::new();
            wheel.insert(at(deadline), 'k');
            if deadline > 0 {
                assert_eq!(wheel.expire(at(deadline - 1)), None, "{deadline}");
            }
            assert_eq!(wheel.expire(at(deadline + TICK_MS)), Some('k'), "{deadline}");
            assert_eq!(wheel.expire(at(deadline + TICK_MS)), None);
            assert_eq!((wheel.len(), wheel.next()), (0, None));
        }
    }

    #[test]
    fn a_cancelled_timer_is_void_even_when_its_node_is_used_again() {
        let mut wheel = Wheel::new();
        let old = wheel.insert(at(100), 1);
        assert!(wheel.cancel(old));
        let new = wheel.insert(at(200), 2);
        assert_eq!(old.node, new.node);
        assert!(!wheel.cancel(old));
        assert_eq!(wheel.expire(at(300)), Some(2));
        assert!(!wheel.cancel(new));
    }

    #[test]
    fn memory_is_given_back_as_timers_come_and_go() {
        let mut wheel = Wheel::new();
        let mut timers: Vec<_> = (0..10_000).map(|key| wheel.insert(at(key), key)).collect();
        for timer in timers.drain(..9_990) {
            assert!(wheel.cancel(timer));
        }
        for key in 0..20_000 {
            timers.push(wheel.insert(at(key), key));
            assert!(wheel.cancel(timers.remove(0)));
        }
        assert_eq!(wheel.len(), 10);
        assert!(wheel.nodes.capacity() < 2 * SHRINK_MIN, "{}", wheel.nodes.capacity());
    }

    /// Spans that reach every level, and beyond the last.
    fn span(random: &mut Random) -> u64 {
        let bits = random.below(38) as u32;
        random.next_u64() >> (63 - bits)
    }

    #[test]
    fn behaves_like_a_sorted_map() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut wheel = Wheel::new();
            let mut model: BTreeMap<u64, (Time, TimerId)> = BTreeMap::new();
            let mut now = random.next_u64() >> (20 + random.below(30));
            for key in 0..400 {
                match random.below(4) {
                    0 | 1 => {
                        let deadline = at(now + span(&mut random));
                        model.insert(key, (deadline, wheel.insert(deadline, key)));
                    }
                    2 => {
                        let some = model
                            .range(random.below(400) as u64..)
                            .next()
                            .map(|(key, entry)| (*key, entry.1));
                        if let Some((key, timer)) = some {
                            assert!(wheel.cancel(timer), "seed {seed}");
                            model.remove(&key);
                        }
                    }
                    _ => {
                        let far = now + span(&mut random);
                        now = if random.below(2) == 0 {
                            far
                        } else {
                            wheel.next().map_or(far, Time::as_millis).max(now)
                        };
                        while let Some(key) = wheel.expire(at(now)) {
                            let (deadline, _) = model.remove(&key).unwrap();
                            assert!(deadline <= at(now), "seed {seed}: early");
                        }
                        let late = model.values().any(|(deadline, _)| at(now).since(*deadline) >= TICK_MS);
                        assert!(!late, "seed {seed}: late");
                    }
                }
                let first = model.values().map(|(deadline, _)| *deadline).min();
                let latest = first.map(|first| first.max(at(now)).saturating_add(TICK_MS));
                assert!(wheel.next() <= latest, "seed {seed}: {:?} is after {latest:?}", wheel.next());
                assert_eq!(
                    (wheel.len(), wheel.next().is_some()),
                    (model.len(), first.is_some()),
                    "seed {seed}"
                );
            }
        }
    }

    #[test]
    fn waking_when_told_expires_in_time_and_soon() {
        let mut wheel = Wheel::new();
        for deadline in [3, 900, 70_000, 5_000_000, 1 << 33, 1 << 35] {
            wheel.insert(at(deadline), deadline);
            let mut wakes = 0;
            loop {
                let now = wheel.next().unwrap();
                wakes += 1;
                if let Some(key) = wheel.expire(now) {
                    assert_eq!(key, deadline);
                    assert!(now >= at(deadline) && now.since(at(deadline)) < TICK_MS, "{deadline}");
                    break;
                }
            }
            assert!(wakes <= LEVELS + 2, "{deadline}: {wakes} wakes");
        }
    }
}
