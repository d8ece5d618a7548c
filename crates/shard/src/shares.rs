//! The shared subscriptions of one session, as its own shard sees them: where each group is at home, and how many
//! of its messages this session holds. A part stays after UNSUBSCRIBE while messages are open: they are the group's
//! until they are settled. The group itself is in [`crate::groups`].

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
    /// The session is not subscribed any more.
    pub(crate) has_left: bool,
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
    /// Adds a subscription that is not there; whether it is a part of its own, and not one that the session had left.
    pub(crate) fn add(&mut self, filter: &str, home: ShardId) -> bool {
        if let Some(former) = self.all.iter_mut().find(|share| *share.filter == *filter) {
            former.has_left = false;
            return false;
        }
        self.last = self.last.wrapping_add(1).max(1);
        let number = NonZeroU32::new(self.last).expect("at least 1");
        self.all.push(Share {
            number,
            filter: filter.into(),
            home,
            outstanding: 0,
            asked: 0,
            has_left: false,
        });
        true
    }
    /// The subscription whose last SUBSCRIBE has this token.
    pub(crate) fn asked(&mut self, token: u64) -> Option<&mut Share> {
        self.all.iter_mut().find(|share| share.asked == token && !share.has_left)
    }
    pub(crate) fn find(&mut self, filter: &str) -> Option<&mut Share> {
        self.all.iter_mut().find(|share| *share.filter == *filter && !share.has_left)
    }
    /// Takes out a part that the session has left, once nothing of it is open.
    pub(crate) fn remove_settled(&mut self, number: NonZeroU32) -> Option<Share> {
        let is_over = |share: &Share| share.number == number && share.has_left && share.outstanding == 0;
        let index = self.all.iter().position(is_over)?;
        Some(self.all.swap_remove(index))
    }
    /// Takes out all parts.
    pub(crate) fn take_all(&mut self) -> Vec<Share> {
        core::mem::take(&mut self.all)
    }
    pub(crate) fn numbered(&mut self, number: NonZeroU32) -> Option<&mut Share> {
        self.all.iter_mut().find(|share| share.number == number)
    }
    /// The subscriptions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Share> {
        self.all.iter().filter(|share| !share.has_left)
    }
}
