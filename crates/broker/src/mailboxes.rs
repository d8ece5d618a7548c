//! Batches between shards: one bounded ring per ordered pair, first in, first out.
//!
//! A full ring never makes a shard wait: what does not fit stays in the shard, which then reads its publishers
//! no further. The receiver wakes a sender that found the ring full. Nothing here looks into a batch.
//!
//! Beside each ring there is a small one in the other direction, for batches that were emptied: the sender writes into
//! them again. It wakes nobody, and what does not fit is freed.

use crate::shared::Peers;
use martlet_shard::{Batch, ShardId};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Batches that one ring holds.
const RING_BATCHES: usize = 64;

/// Emptied batches that wait to go back to one sender: fewer where there are many pairs of shards.
fn empty_batches(shards: u8) -> usize {
    (16 / usize::from(shards)).clamp(1, 8)
}

/// One shard's ends of all its rings.
pub(crate) struct Mailboxes {
    /// By shard number; `None` is the owner.
    outgoing: Vec<Option<Outgoing>>,
    incoming: Vec<Incoming>,
    /// One bit per shard that there is mail for.
    unsent: u64,
    /// Those of them whose ring was full at the last try.
    blocked: u64,
}

struct Outgoing {
    ring: Producer<Batch>,
    empty: Empty,
    /// The sender waits for room.
    waits: Arc<AtomicBool>,
}

struct Incoming {
    from: ShardId,
    ring: Consumer<Batch>,
    empty: Producer<Batch>,
    waits: Arc<AtomicBool>,
}

/// Batches that came back from one receiver.
pub(crate) struct Empty(Consumer<Batch>);

/// The mailboxes of `shards` shards, in their order.
pub(crate) fn between(shards: u8) -> Vec<Mailboxes> {
    let empty = || Mailboxes { outgoing: Vec::new(), incoming: Vec::new(), unsent: 0, blocked: 0 };
    let mut all: Vec<Mailboxes> = (0..shards).map(|_| empty()).collect();
    for from in 0..shards {
        for to in 0..shards {
            let outgoing = (from != to).then(|| {
                let (producer, consumer) = RingBuffer::new(RING_BATCHES);
                let (gives, takes) = RingBuffer::new(empty_batches(shards));
                let waits = Arc::new(AtomicBool::new(false));
                let from = ShardId(from);
                let incoming = Incoming { from, ring: consumer, empty: gives, waits: Arc::clone(&waits) };
                all[usize::from(to)].incoming.push(incoming);
                Outgoing { ring: producer, empty: Empty(takes), waits }
            });
            all[usize::from(from)].outgoing.push(outgoing);
        }
    }
    all
}

impl Mailboxes {
    /// The shard has mail for `to`.
    pub(crate) fn mark(&mut self, to: ShardId) {
        self.unsent |= 1 << to.0;
    }

    /// Whether there is mail that may fit.
    pub(crate) fn can_send(&self) -> bool {
        self.unsent & !self.blocked != 0
    }

    /// Whether mail did not fit at the last try.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked != 0
    }

    /// Whether a batch waits to be received.
    pub(crate) fn has_incoming(&self) -> bool {
        self.incoming.iter().any(|incoming| !incoming.ring.is_empty())
    }

    /// How many shards send to this one: the range of [`Self::receive`]'s argument.
    pub(crate) fn senders(&self) -> usize {
        self.incoming.len()
    }

    /// The next batch from the sender number `index`.
    pub(crate) fn receive(&mut self, index: usize) -> Option<(ShardId, Batch)> {
        let incoming = &mut self.incoming[index];
        incoming.ring.pop().ok().map(|batch| (incoming.from, batch))
    }

    /// Batches were received from sender number `index`: wake it if it waits for that.
    pub(crate) fn made_room(&self, index: usize, peers: &Peers) {
        let incoming = &self.incoming[index];
        fence(Ordering::SeqCst); // the other half is in `Outgoing::is_full`
        if incoming.waits.load(Ordering::SeqCst) && incoming.waits.swap(false, Ordering::SeqCst) {
            peers.wake(incoming.from);
        }
    }

    /// Gives a batch that was emptied back to its sender, or frees it if enough of them wait there.
    pub(crate) fn give_back(&mut self, to: ShardId, batch: Batch) {
        if let Some(incoming) = self.incoming.iter_mut().find(|incoming| incoming.from == to) {
            drop(incoming.empty.push(batch));
        }
    }

    /// Frees the batches that came back.
    pub(crate) fn drop_empty(&mut self) {
        for outgoing in self.outgoing.iter_mut().flatten() {
            while outgoing.empty.0.pop().is_ok() {}
        }
    }

    /// Hands over what fits of what `take` gives: the next batch for a shard, until there is none. `take` may use
    /// batches that came back from there.
    pub(crate) fn send(&mut self, mut take: impl FnMut(ShardId, &mut Empty) -> Option<Batch>, peers: &Peers) {
        self.blocked = 0;
        let mut left = self.unsent;
        while left != 0 {
            let to = ShardId(u8::try_from(left.trailing_zeros()).expect("a bit of 64 has a number below 64"));
            let bit = 1 << to.0;
            left &= !bit;
            match self.send_to(to, &mut take, peers) {
                Sent::All => self.unsent &= !bit,
                Sent::RingFull => self.blocked |= bit,
            }
        }
    }

    fn send_to(
        &mut self,
        to: ShardId,
        take: &mut impl FnMut(ShardId, &mut Empty) -> Option<Batch>,
        peers: &Peers,
    ) -> Sent {
        let Some(outgoing) = self.outgoing.get_mut(usize::from(to.0)).and_then(Option::as_mut) else {
            debug_assert!(false, "mail to shard {}, which is this one or none", to.0);
            return Sent::All;
        };
        let mut pushed = false;
        let sent = loop {
            if outgoing.is_full() {
                break Sent::RingFull;
            }
            let Some(batch) = take(to, &mut outgoing.empty) else { break Sent::All };
            let full = outgoing.ring.push(batch).is_err();
            debug_assert!(!full, "only this thread pushes, and there was room");
            pushed = true;
        };
        if pushed {
            peers.notify(to);
        }
        sent
    }
}

enum Sent {
    All,
    RingFull,
}

impl Empty {
    /// A batch that came back, or a new one.
    pub(crate) fn take(&mut self) -> Batch {
        self.0.pop().unwrap_or_default()
    }
}

impl Outgoing {
    /// Whether there is no room. After `true` the receiver wakes this thread once it has made some.
    fn is_full(&mut self) -> bool {
        if !self.ring.is_full() {
            return false;
        }
        self.waits.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.ring.is_full() // room that was made before the store is seen here
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::parking::Parking;
    use crate::shared::Peer;
    use mio::{Events, Poll, Token, Waker};
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const COUNT: usize = 50_000;

    fn peers(count: usize) -> (Arc<Peers>, Vec<Poll>) {
        let polls: Vec<Poll> = (0..count).map(|_| Poll::new().unwrap()).collect();
        let peer = |poll: &Poll| {
            let waker = Waker::new(poll.registry(), Token(0)).unwrap();
            Peer { parking: Parking::new(waker), control: channel().0, read_quota: AtomicUsize::new(0) }
        };
        let list = polls.iter().map(peer).collect();
        (Arc::new(Peers { list, trim_earliest: Default::default() }), polls)
    }

    /// Sleeps until woken; a lost wake-up is a panic after a while.
    fn sleep(mailboxes: &Mailboxes, peers: &Peers, own: usize, poll: &mut Poll) {
        let mut events = Events::with_capacity(4);
        let parking = &peers.list[own].parking;
        if parking.park(|| mailboxes.has_incoming()) {
            poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            parking.awake();
            assert!(!events.is_empty(), "thread {own} was not woken");
        }
    }

    /// The sender sleeps whenever the ring is full, the receiver whenever it is empty; neither has a timer.
    #[test]
    fn a_full_ring_stops_the_sender_until_there_is_room() {
        let (peers, mut polls) = peers(2);
        let mut both = between(2);
        let (mut receiver, mut sender) = (both.pop().unwrap(), both.pop().unwrap());
        let (mut receiver_poll, mut sender_poll) = (polls.pop().unwrap(), polls.pop().unwrap());
        let sender_peers = Arc::clone(&peers);
        let sending = std::thread::spawn(move || {
            let mut left = COUNT;
            sender.mark(ShardId(1));
            while left > 0 || sender.unsent != 0 {
                let take =
                    |_, _: &mut Empty| left.checked_sub(1).map(|less| left = less).map(|()| Batch::default());
                sender.send(take, &sender_peers);
                if sender.unsent != 0 {
                    assert!(!sender.can_send(), "what is left did not fit");
                    sleep(&sender, &sender_peers, 0, &mut sender_poll);
                }
            }
        });
        let mut received = 0;
        while received < COUNT {
            sleep(&receiver, &peers, 1, &mut receiver_poll);
            while receiver.receive(0).is_some() {
                received += 1;
            }
            receiver.made_room(0, &peers);
        }
        sending.join().unwrap();
    }

    #[test]
    fn each_pair_has_its_ring() {
        let (peers, _polls) = peers(3);
        let mut all = between(3);
        all[2].mark(ShardId(0));
        let mut once = Some(Batch::default());
        all[2].send(|to, _| once.take_if(|_| to == ShardId(0)), &peers);
        assert_eq!(all.iter().map(Mailboxes::has_incoming).collect::<Vec<_>>(), [true, false, false]);
        let from: Vec<_> = (0..all[0].senders()).filter_map(|sender| all[0].receive(sender)).collect();
        assert_eq!(from.iter().map(|(from, _)| *from).collect::<Vec<_>>(), [ShardId(2)]);
        assert!(!all[2].can_send());
    }

    #[test]
    fn emptied_batches_come_back_to_their_sender_and_to_no_other() {
        let mut all = between(3);
        let back = |all: &mut [Mailboxes]| {
            let mut rings = |from: usize| {
                let outgoing = all[from].outgoing.iter_mut().flatten();
                outgoing.map(|outgoing| std::iter::from_fn(|| outgoing.empty.0.pop().ok()).count()).collect()
            };
            [0, 1, 2].map(&mut rings) as [Vec<usize>; 3]
        };
        all[0].give_back(ShardId(2), Batch::default());
        all[0].give_back(ShardId(2), Batch::default());
        all[1].give_back(ShardId(0), Batch::default());
        assert_eq!(back(&mut all), [vec![1, 0], vec![0, 0], vec![2, 0]]);
        (0..20).for_each(|_| all[1].give_back(ShardId(2), Batch::default()));
        assert_eq!(back(&mut all), [vec![0, 0], vec![0, 0], vec![0, empty_batches(3)]]);
        all[1].give_back(ShardId(2), Batch::default());
        all[2].drop_empty();
        assert_eq!(back(&mut all), [vec![0, 0], vec![0, 0], vec![0, 0]]);
    }
}
