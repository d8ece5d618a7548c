//! One shared subscription (section 4.8.2): its members and the messages that wait for one of them.
//! Messages wait here, not with a member, so that none is stuck behind a slow member. Only with a
//! sticky strategy a message waits for the member that its topic or publisher belongs to. Messages
//! of one topic, or of one publisher, leave in the order in which they came.
//!
//! Order of calls: after anything that gives credit or takes a member away (`join`, `set_credit`,
//! `add_credit`, `pause`, `leave`, `give_back`), [`Group::poll_assignment`] until it has nothing.
//! The group sends nothing and counts no drops; it says what is to be done.

mod pick;
#[cfg(test)]
mod tests;

pub use self::pick::Strategy;

use alloc::collections::{BTreeSet, VecDeque};
use core::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use self::pick::{Picker, Standing};
use crate::index::Subscription;
use crate::slab::{Id, Slab};

/// A message on its way to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item<M> {
    /// The caller's handle.
    pub(crate) message: M,
    /// What it counts for in the queue.
    pub(crate) bytes: u32,
    /// A hash of its topic name, for [`Strategy::StickyByTopic`].
    pub(crate) topic: u64,
    /// A number of its publisher, for [`Strategy::StickyByPublisher`].
    pub(crate) publisher: u64,
}

/// What became of an offered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer<I> {
    /// It goes to this member, under its subscription.
    Assign(I, Subscription),
    /// It waits for a member with credit.
    Queued,
    /// The queue is full: the message is dropped.
    DroppedFull,
}

/// A message that waited, and the member that it goes to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Assignment<M, I> {
    /// The message.
    pub(crate) message: M,
    /// Who gets it.
    pub(crate) member: I,
    /// Under which subscription.
    pub(crate) subscription: Subscription,
}

/// A session that subscribes.
#[derive(Debug)]
struct Member<M, I> {
    id: I,
    subscription: Subscription,
    connected: bool,
    credit: u16,
    in_flight: u32,
    turn: u64,
    /// What waits for this member and no other; only with a sticky strategy.
    own: VecDeque<Item<M>>,
}

impl<M, I: Hash> Member<M, I> {
    fn standing(&self) -> Standing {
        Standing { without_credit: self.credit == 0, in_flight: self.in_flight, turn: self.turn }
    }

    fn hash(&self) -> u64 {
        FixedState::default().hash_one(&self.id)
    }
}

/// The queue and the members of one shared subscription.
#[derive(Debug)]
pub(crate) struct Group<M, I> {
    strategy: Strategy,
    picker: Picker,
    members: Slab<Member<M, I>>,
    by_id: HashMap<I, Id, FixedState>,
    queue: VecDeque<Item<M>>,
    /// Members with credit and something in their own queue.
    runnable: BTreeSet<Id>,
    queued: usize,
    queued_bytes: usize,
    queue_bytes_max: usize,
}

impl<M: Copy, I: Copy + Eq + Hash> Group<M, I> {
    /// A group without members, whose queue holds at most so many bytes.
    #[must_use]
    pub(crate) fn new(strategy: Strategy, queue_bytes_max: usize) -> Self {
        Group {
            strategy,
            picker: Picker::new(strategy),
            members: Slab::new(),
            by_id: HashMap::default(),
            queue: VecDeque::new(),
            runnable: BTreeSet::new(),
            queued: 0,
            queued_bytes: 0,
            queue_bytes_max,
        }
    }

    /// Number of members, connected or not.
    #[must_use]
    pub(crate) fn members(&self) -> usize {
        self.members.len()
    }

    /// Number of messages that wait.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Bytes of the messages that wait.
    #[cfg(test)]
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Whether a session is a member.
    #[must_use]
    pub(crate) fn has(&self, member: I) -> bool {
        self.by_id.contains_key(&member)
    }

    /// A connected session subscribes, or subscribes again; it can take `credit` messages now.
    pub(crate) fn join(&mut self, member: I, subscription: Subscription, credit: u16) {
        if let Some(&id) = self.by_id.get(&member) {
            self.members[id].subscription = subscription;
        } else {
            let turn = self.picker.next_turn();
            let own = VecDeque::new();
            let id = self.members.insert(Member {
                id: member,
                subscription,
                connected: false,
                credit: 0,
                in_flight: 0,
                turn,
                own,
            });
            self.by_id.insert(member, id);
        }
        self.set_credit(member, credit);
    }

    /// A session unsubscribes or ends. What waited for it alone waits for the others now.
    /// What it was assigned and has not acknowledged may be given back.
    pub(crate) fn leave(&mut self, member: I) {
        self.pause(member);
        if let Some(id) = self.by_id.remove(&member) {
            self.members.remove(id);
        }
    }

    /// A member is connected and can take so many messages now, whatever it could before.
    pub(crate) fn set_credit(&mut self, member: I, credit: u16) {
        let Some(&id) = self.by_id.get(&member) else { return };
        let known = &mut self.members[id];
        if known.connected {
            return self.update(id, |member| member.credit = credit);
        }
        (known.connected, known.credit) = (true, credit);
        let (standing, hash) = (known.standing(), known.hash());
        self.picker.insert(id, standing, hash);
        if self.strategy.is_sticky() && self.queued > 0 {
            self.unsettle();
        }
    }

    /// A member has finished so many messages, and can take as many more.
    pub(crate) fn add_credit(&mut self, member: I, number: u16) {
        let Some(&id) = self.by_id.get(&member) else { return };
        self.update(id, |member| {
            member.in_flight = member.in_flight.saturating_sub(u32::from(number));
            if member.connected {
                member.credit = member.credit.saturating_add(number);
            }
        });
    }

    /// Some keys belong to another member now: whatever waits for one member is to be dealt out
    /// again, so that no message overtakes an older one of its key.
    fn unsettle(&mut self) {
        for &id in self.by_id.values() {
            let own = core::mem::take(&mut self.members[id].own);
            own.into_iter().rev().for_each(|item| self.queue.push_front(item));
        }
        self.runnable.clear();
    }

    /// A member is no longer connected: nothing is assigned to it until [`Group::set_credit`].
    pub(crate) fn pause(&mut self, member: I) {
        let Some(&id) = self.by_id.get(&member) else { return };
        let member = &mut self.members[id];
        if !core::mem::replace(&mut member.connected, false) {
            return;
        }
        let (standing, hash) = (member.standing(), member.hash());
        member.credit = 0;
        let own = core::mem::take(&mut member.own);
        self.picker.remove(id, standing, hash);
        self.runnable.remove(&id);
        for item in own.into_iter().rev() {
            self.queue.push_front(item);
        }
    }

    /// A message with QoS > 0 arrives. An assigned one uses up a credit, until [`Group::add_credit`];
    /// if the member's subscription makes it QoS 0, the caller gives the credit back at once.
    pub(crate) fn offer(&mut self, item: Item<M>) -> Offer<I> {
        let chosen = if self.queue.is_empty() { self.pick(&item) } else { None };
        if let Some(id) = chosen.filter(|&id| self.is_ready(id)) {
            let (member, subscription) = self.assign(id);
            return Offer::Assign(member, subscription);
        }
        if self.queued_bytes + item.bytes as usize > self.queue_bytes_max {
            return Offer::DroppedFull;
        }
        self.queued += 1;
        self.queued_bytes += item.bytes as usize;
        match chosen.filter(|_| self.strategy.is_sticky()) {
            Some(id) => self.wait_for(id, item),
            None => self.queue.push_back(item),
        }
        Offer::Queued
    }

    /// A message with QoS 0 arrives: the connected member that it goes to, with credit or without. It never waits.
    pub(crate) fn offer_at_most_once(&mut self, topic: u64, publisher: u64) -> Option<(I, Subscription)> {
        let id = self.picker.pick(self.key(topic, publisher))?;
        let turn = self.picker.next_turn();
        self.update(id, |member| member.turn = turn);
        Some((self.members[id].id, self.members[id].subscription))
    }

    /// A message that was assigned and not acknowledged goes to the front of the queue, whether or
    /// not the queue is full: it was accepted before. The last one assigned is given back first.
    pub(crate) fn give_back(&mut self, item: Item<M>) {
        self.queued += 1;
        self.queued_bytes += item.bytes as usize;
        self.queue.push_front(item);
    }

    /// A message that waited and the member that has credit for it.
    pub(crate) fn poll_assignment(&mut self) -> Option<Assignment<M, I>> {
        while let Some(&item) = self.queue.front() {
            let Some(id) = self.pick(&item) else { break };
            if self.is_ready(id) {
                pop_front(&mut self.queue);
                return Some(self.assign_waiting(id, item));
            }
            if !self.strategy.is_sticky() {
                break;
            }
            pop_front(&mut self.queue);
            self.wait_for(id, item);
        }
        let &id = self.runnable.first()?;
        let item = pop_front(&mut self.members[id].own)?;
        Some(self.assign_waiting(id, item))
    }

    /// Takes the waiting messages out for which `keep` is false, such as expired ones.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(M) -> bool) {
        let (mut queued, mut bytes) = (0, 0);
        let mut count = |item: &Item<M>| {
            let kept = keep(item.message);
            queued += usize::from(kept);
            bytes += if kept { item.bytes as usize } else { 0 };
            kept
        };
        self.queue.retain(&mut count);
        for &id in self.by_id.values() {
            self.members[id].own.retain(&mut count);
        }
        (self.queued, self.queued_bytes) = (queued, bytes);
        let members = &self.members;
        self.runnable.retain(|&id| !members[id].own.is_empty());
    }

    fn key(&self, topic: u64, publisher: u64) -> u64 {
        if self.strategy == Strategy::StickyByPublisher { publisher } else { topic }
    }

    fn pick(&mut self, item: &Item<M>) -> Option<Id> {
        self.picker.pick(self.key(item.topic, item.publisher))
    }

    /// Whether a connected member may have a message at once.
    fn is_ready(&self, id: Id) -> bool {
        self.members[id].credit > 0 && self.members[id].own.is_empty()
    }

    fn wait_for(&mut self, id: Id, item: Item<M>) {
        self.members[id].own.push_back(item);
        self.update(id, |_| {});
    }

    fn assign_waiting(&mut self, id: Id, item: Item<M>) -> Assignment<M, I> {
        self.queued -= 1;
        self.queued_bytes -= item.bytes as usize;
        let (member, subscription) = self.assign(id);
        Assignment { message: item.message, member, subscription }
    }

    fn assign(&mut self, id: Id) -> (I, Subscription) {
        let turn = self.picker.next_turn();
        self.update(id, |member| {
            member.credit -= 1;
            member.in_flight += 1;
            member.turn = turn;
        });
        (self.members[id].id, self.members[id].subscription)
    }

    /// Changes a member, and with it its place among the others.
    fn update(&mut self, id: Id, change: impl FnOnce(&mut Member<M, I>)) {
        let member = &mut self.members[id];
        let before = member.standing();
        change(member);
        if member.connected {
            self.picker.update(id, before, member.standing());
        }
        if member.credit > 0 && !member.own.is_empty() {
            self.runnable.insert(id);
        } else {
            self.runnable.remove(&id);
        }
    }
}

/// Takes the first one out, and gives memory back when three quarters of it are unused.
fn pop_front<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.len() < queue.capacity() / 4 && queue.capacity() > 64 {
        queue.shrink_to(queue.len() * 2);
    }
    first
}
