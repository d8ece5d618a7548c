//! The shared subscriptions of one session, as its own shard sees them: where each group is at home, and how many
//! of its messages this session holds. The group itself is in [`crate::groups`].

use crate::interface::ShardId;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// A session's part in one group.
#[derive(Debug)]
pub(crate) struct Share {
    /// What the session's queue entries call it.
    pub(crate) number: NonZeroU32,
    /// `$share/name/filter`.
    pub(crate) filter: Box<str>,
    /// The shard that keeps the group.
    pub(crate) home: ShardId,
    /// Messages of the group that this session holds and has not settled.
    pub(crate) outstanding: u16,
    /// The token of the last SUBSCRIBE for it: only the refusal of that one ends it.
    pub(crate) asked: u64,
}

/// All shared subscriptions of one session.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    last: u32,
    all: Vec<Share>,
}

impl Shares {
    /// Most shared subscriptions of one session: each costs a look at every settled message.
    pub(crate) const MAX: usize = 1024;

    /// Whether there never was one: no number was given that might still be in a queue.
    pub(crate) fn is_unused(&self) -> bool {
        self.last == 0
    }
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
    /// Adds a subscription that is not there.
    pub(crate) fn add(&mut self, filter: &str, home: ShardId) {
        self.last = self.last.wrapping_add(1).max(1);
        let number = NonZeroU32::new(self.last).expect("at least 1");
        self.all.push(Share { number, filter: filter.into(), home, outstanding: 0, asked: 0 });
    }
    pub(crate) fn remove(&mut self, filter: &str) -> Option<Share> {
        let index = self.all.iter().position(|share| *share.filter == *filter)?;
        Some(self.all.swap_remove(index))
    }
    /// Takes out the one whose last SUBSCRIBE has this token.
    pub(crate) fn remove_asked(&mut self, token: u64) -> Option<Share> {
        let index = self.all.iter().position(|share| share.asked == token)?;
        Some(self.all.swap_remove(index))
    }
    pub(crate) fn find(&mut self, filter: &str) -> Option<&mut Share> {
        self.all.iter_mut().find(|share| *share.filter == *filter)
    }
    pub(crate) fn numbered(&mut self, number: NonZeroU32) -> Option<&mut Share> {
        self.all.iter_mut().find(|share| share.number == number)
    }
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Share> {
        self.all.iter()
    }
}
