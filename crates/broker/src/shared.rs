//! What the threads of a broker share: how to reach each other, how many connections are open.

use crate::parking::Parking;
use crate::reactor::Adopted;
use martlet_shard::ShardId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

/// A rare message to a shard's thread, beside the mail of the shards themselves.
pub(crate) enum Control {
    /// Own this socket from now on.
    Adopt(Box<Adopted>),
    /// Tell every client, flush, end.
    Stop,
    /// End at once.
    Abort,
}

/// All shards of a broker, as one of them or a [`Handle`](crate::Handle) sees them.
pub(crate) struct Peers {
    pub(crate) list: Box<[Peer]>,
}

/// How to reach one shard's thread.
pub(crate) struct Peer {
    pub(crate) parking: Parking,
    pub(crate) control: Sender<Control>,
}

impl Peers {
    /// Sends to one shard. A thread that has ended drops the message, and with it the socket in it.
    pub(crate) fn control(&self, to: ShardId, message: Control) {
        let peer = &self.list[usize::from(to.0)];
        if peer.control.send(message).is_ok() {
            peer.parking.wake();
        }
    }
    /// Sends to all.
    pub(crate) fn control_all(&self, message: impl Fn() -> Control) {
        for number in 0..self.count() {
            self.control(ShardId(number), message());
        }
    }
    /// There is something in a ring of this shard.
    pub(crate) fn notify(&self, shard: ShardId) {
        self.list[usize::from(shard.0)].parking.notify();
    }
    /// This shard waits for something that it does not look for before it sleeps.
    pub(crate) fn wake(&self, shard: ShardId) {
        self.list[usize::from(shard.0)].parking.wake();
    }
    pub(crate) fn count(&self) -> u8 {
        u8::try_from(self.list.len()).expect("a broker has at most 64 shards")
    }
}

/// The places for connections, over all shards.
#[derive(Debug)]
pub(crate) struct Seats {
    taken: AtomicUsize,
    max: usize,
}

/// A place that one connection holds, wherever it moves; free again when dropped.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Seats>);

impl Seats {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Seats { taken: AtomicUsize::new(0), max })
    }
    pub(crate) fn max(&self) -> usize {
        self.max
    }
    /// `None` when all are taken.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Seat> {
        let below_max = |taken: usize| (taken < self.max).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below_max);
        taken.is_ok().then(|| Seat(Arc::clone(self)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_dropped() {
        let seats = Seats::new(1);
        let seat = seats.take().expect("the only one");
        assert!(seats.take().is_none());
        drop(seat);
        assert!(seats.take().is_some());
    }
}
