//! Batches between shards: one bounded ring per ordered pair, first in, first out.
//!
//! A full ring never makes a shard wait: what does not fit stays in the shard, which then reads its publishers
//! no further. The receiver wakes a sender that found the ring full. Nothing here looks into a batch.

use crate::shared::Peers;
use martlet_shard::{Batch, Shard, ShardId};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Batches that one ring holds.
const RING_BATCHES: usize = 64;

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
    /// The sender waits for room.
    waits: Arc<AtomicBool>,
}

struct Incoming {
    from: ShardId,
    ring: Consumer<Batch>,
    waits: Arc<AtomicBool>,
}

/// The mailboxes of `shards` shards, in their order.
pub(crate) fn between(shards: u8) -> Vec<Mailboxes> {
    let empty = || Mailboxes { outgoing: Vec::new(), incoming: Vec::new(), unsent: 0, blocked: 0 };
    let mut all: Vec<Mailboxes> = (0..shards).map(|_| empty()).collect();
    for from in 0..shards {
        for to in 0..shards {
            let outgoing = (from != to).then(|| {
                let (producer, consumer) = RingBuffer::new(RING_BATCHES);
                let waits = Arc::new(AtomicBool::new(false));
                let incoming = Incoming { from: ShardId(from), ring: consumer, waits: Arc::clone(&waits) };
                all[usize::from(to)].incoming.push(incoming);
                Outgoing { ring: producer, waits }
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

    /// Hands over what fits.
    pub(crate) fn send(&mut self, shard: &mut Shard, peers: &Peers) {
        self.blocked = 0;
        let mut left = self.unsent;
        while left != 0 {
            let to = ShardId(u8::try_from(left.trailing_zeros()).expect("a bit of 64 has a number below 64"));
            let bit = 1 << to.0;
            left &= !bit;
            match self.send_to(to, shard, peers) {
                Sent::All => self.unsent &= !bit,
                Sent::RingFull => self.blocked |= bit,
            }
        }
    }

    fn send_to(&mut self, to: ShardId, shard: &mut Shard, peers: &Peers) -> Sent {
        let Some(outgoing) = self.outgoing.get_mut(usize::from(to.0)).and_then(Option::as_mut) else {
            debug_assert!(false, "mail to shard {}, which is this one or none", to.0);
            return Sent::All;
        };
        let mut pushed = false;
        let sent = loop {
            if outgoing.is_full() {
                break Sent::RingFull;
            }
            let Some(batch) = shard.take_mail(to) else { break Sent::All };
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
