//! What one receiver has seen of one flow: in order, late, twice, or not at all.
//!
//! The usual case, the next number, is one comparison.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Gaps that are remembered; what falls into an older one is taken for a duplicate.
const GAPS_MAX: usize = 4096;

/// What a sequence number is to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The next one.
    First,
    /// The first behind a gap of so many.
    Ahead(u64),
    /// It was missing, and comes after younger ones.
    Late,
    /// It was here already.
    Again,
}

/// Numbers that should come in order.
#[derive(Debug, Default)]
pub(crate) struct Ordered {
    next: u64,
    gaps: Vec<Range<u64>>,
}

/// Numbers below a bound that may come in any order, each once: retained messages.
#[derive(Debug)]
pub(crate) struct Unordered {
    seen: Vec<u64>,
    count: u64,
}

/// Numbers that come to any member of a group, each to one of them.
#[derive(Debug, Default)]
pub(crate) struct Group {
    ordered: Ordered,
    count: u64,
}

impl Group {
    pub(crate) fn new() -> Arc<Mutex<Self>> {
        Arc::default()
    }
}

/// What a member has seen of what its group has.
#[derive(Debug)]
pub(crate) struct Member {
    group: Arc<Mutex<Group>>,
    /// The least number that would be in order for this member.
    next: u64,
    /// How many the group had then.
    count: u64,
}

#[derive(Debug)]
pub(crate) enum Tracker {
    Ordered(Ordered),
    Unordered(Unordered),
    Shared(Member),
}

impl Tracker {
    pub(crate) fn ordered() -> Self {
        Self::Ordered(Ordered::default())
    }

    pub(crate) fn unordered(bound: u64) -> Self {
        let words = usize::try_from(bound.div_ceil(64)).unwrap_or(usize::MAX);
        Self::Unordered(Unordered { seen: vec![0; words], count: 0 })
    }

    /// Of a member of `group`, in which others may get what comes between.
    pub(crate) fn shared(group: Arc<Mutex<Group>>) -> Self {
        Self::Shared(Member { group, next: 0, count: 0 })
    }

    #[inline]
    pub(crate) fn see(&mut self, sequence: u64) -> Seen {
        match self {
            Self::Ordered(ordered) => ordered.see(sequence),
            Self::Unordered(unordered) => unordered.see(sequence),
            Self::Shared(member) => member.see(sequence),
        }
    }

    /// How far the receiver has come: what is below this is not awaited any more.
    #[inline]
    pub(crate) fn passed(&self) -> u64 {
        match self {
            Self::Ordered(ordered) => ordered.next,
            Self::Unordered(unordered) => unordered.count,
            Self::Shared(member) => member.count,
        }
    }
}

impl Ordered {
    #[inline]
    fn see(&mut self, sequence: u64) -> Seen {
        if sequence == self.next {
            self.next += 1;
            return Seen::First;
        }
        self.see_irregular(sequence)
    }

    #[cold]
    fn see_irregular(&mut self, sequence: u64) -> Seen {
        if sequence > self.next {
            if self.gaps.len() == GAPS_MAX {
                self.gaps.remove(0);
            }
            let gap = self.next..sequence;
            let skipped = gap.end - gap.start;
            self.gaps.push(gap);
            self.next = sequence + 1;
            return Seen::Ahead(skipped);
        }
        let Some(at) = self.gaps.iter().position(|gap| gap.contains(&sequence)) else { return Seen::Again };
        let gap = self.gaps.remove(at);
        let rest = [gap.start..sequence, sequence + 1..gap.end];
        self.gaps.splice(at..at, rest.into_iter().filter(|part| !part.is_empty()));
        Seen::Late
    }
}

impl Member {
    /// What another member got in between is no gap, and what it got before is not late.
    fn see(&mut self, sequence: u64) -> Seen {
        let mut group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        if group.ordered.see(sequence) == Seen::Again {
            return Seen::Again;
        }
        group.count += 1;
        self.count = group.count;
        let is_in_order = sequence >= self.next;
        self.next = self.next.max(sequence + 1);
        if is_in_order { Seen::First } else { Seen::Late }
    }
}

impl Unordered {
    fn see(&mut self, sequence: u64) -> Seen {
        let word = usize::try_from(sequence / 64).unwrap_or(usize::MAX);
        let Some(word) = self.seen.get_mut(word) else { return Seen::Again };
        let bit = 1 << (sequence % 64);
        if *word & bit != 0 {
            return Seen::Again;
        }
        *word |= bit;
        self.count += 1;
        Seen::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Seen::{Again, Ahead, First, Late};

    fn check(mut tracker: Tracker, numbers: &[u64], expected: &[Seen]) {
        let seen: Vec<_> = numbers.iter().map(|number| tracker.see(*number)).collect();
        assert_eq!(seen, expected, "{numbers:?}");
    }

    #[test]
    fn what_comes_in_order_comes_for_the_first_time() {
        check(Tracker::ordered(), &[0, 1, 2], &[First; 3]);
    }

    #[test]
    fn a_gap_that_is_filled_was_no_loss() {
        check(Tracker::ordered(), &[0, 3, 1, 2, 4], &[First, Ahead(2), Late, Late, First]);
        check(Tracker::ordered(), &[9, 4, 5, 0, 8], &[Ahead(9), Late, Late, Late, Late]);
        check(Tracker::ordered(), &[9, 4, 4, 9, 8, 8], &[Ahead(9), Late, Again, Again, Late, Again]);
    }

    #[test]
    fn twice_is_twice() {
        check(Tracker::ordered(), &[0, 0, 1, 0], &[First, Again, First, Again]);
        check(Tracker::unordered(70), &[69, 3, 69, 3], &[First, First, Again, Again]);
        check(Tracker::unordered(70), &[128], &[Again]);
    }

    #[test]
    fn a_group_gets_each_once_and_a_member_in_order() {
        let group = Group::new();
        let [mut a, mut b] = [(); 2].map(|()| Tracker::shared(Arc::clone(&group)));
        assert_eq!([a.see(1), b.see(0), b.see(2)], [First; 3]);
        assert_eq!((a.see(2), b.see(0)), (Again, Again));
        assert_eq!((b.see(5), b.see(4), a.see(3)), (First, Late, First));
        assert_eq!((a.passed(), b.passed()), (6, 5));
    }

    #[test]
    fn gaps_are_bounded() {
        let mut tracker = Tracker::ordered();
        for number in 0..10_000 {
            tracker.see(number * 2 + 1);
        }
        let Tracker::Ordered(ordered) = &tracker else { panic!() };
        assert_eq!(ordered.gaps.len(), GAPS_MAX);
        assert_eq!((tracker.see(0), tracker.see(19_998)), (Again, Late));
    }
}
