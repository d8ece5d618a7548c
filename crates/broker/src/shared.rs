//! What the threads of a broker share: how to reach each other, how many connections are open.

use crate::parking::Parking;
use crate::reactor::Adopted;
use crate::trim::Earliest;
use martlet_shard::ShardId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

/// Bytes that are read in one turn, give or take the last read: well below an output's high watermark, or a
/// turn without a write in it would drop what a quick subscriber would have taken.
pub(crate) const READ_QUOTA_MAX: usize = 256 * 1024;
/// The same when every packet is so much work that even these take long.
const READ_QUOTA_MIN: usize = 2 * 1024;
/// A turn of so many milliseconds is felt by everybody else on the shard.
pub(crate) const LONG_TURN_MS: u64 = 10;

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
    pub(crate) trim_earliest: Earliest,
}

/// How to reach one shard's thread.
pub(crate) struct Peer {
    pub(crate) parking: Parking,
    pub(crate) control: Sender<Control>,
    /// Bytes that may be read in one turn for this shard's sake: less after turns that took it long.
    pub(crate) read_quota: AtomicUsize,
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
    /// Bytes that any shard may read in one turn: what the slowest can take, for what one reads another delivers.
    pub(crate) fn read_quota(&self) -> usize {
        self.list.iter().map(|peer| peer.read_quota.load(Ordering::Relaxed)).min().unwrap_or(READ_QUOTA_MAX)
    }
    /// A turn of this shard took so many milliseconds.
    pub(crate) fn turn_took(&self, shard: ShardId, ms: u64) {
        let quota = &self.list[usize::from(shard.0)].read_quota;
        let now = quota.load(Ordering::Relaxed);
        let next = match ms {
            0..LONG_TURN_MS => (now * 2).min(READ_QUOTA_MAX),
            _ => (now / 2).max(READ_QUOTA_MIN),
        };
        if next != now {
            quota.store(next, Ordering::Relaxed); // only the shard's own thread stores
        }
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
    fn long_turns_make_reads_smaller_and_short_ones_larger() -> std::io::Result<()> {
        let poll = mio::Poll::new()?;
        let peer = |number| {
            let waker = mio::Waker::new(poll.registry(), mio::Token(number))?;
            let read_quota = AtomicUsize::new(READ_QUOTA_MAX);
            Ok(Peer { parking: Parking::new(waker), control: std::sync::mpsc::channel().0, read_quota })
        };
        let list: std::io::Result<_> = [0].into_iter().map(peer).collect();
        let peers = Peers { list: list?, trim_earliest: Earliest::default() };
        peers.turn_took(ShardId(0), LONG_TURN_MS);
        assert_eq!(peers.read_quota(), READ_QUOTA_MAX / 2);
        (0..20).for_each(|_| peers.turn_took(ShardId(0), LONG_TURN_MS));
        assert_eq!(peers.read_quota(), READ_QUOTA_MIN);
        (0..20).for_each(|_| peers.turn_took(ShardId(0), 0));
        assert_eq!(peers.read_quota(), READ_QUOTA_MAX);
        Ok(())
    }

    #[test]
    fn a_seat_is_free_again_when_dropped() {
        let seats = Seats::new(1);
        let seat = seats.take().expect("the only one");
        assert!(seats.take().is_none());
        drop(seat);
        assert!(seats.take().is_some());
    }
}
