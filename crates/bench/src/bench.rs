//! Directs a run: starts the workers, tells them what to do, waits until it is done, and measures meanwhile.
//!
//! A scenario is a straight line of calls of this. Every wait ends: when it is over, when nothing happens any more, or
//! when something went wrong.

use crate::connection::{Role, Spec};
use crate::latency::Recorded;
use crate::measure::{Measured, Snapshot};
use crate::options::{Extent, Options};
use crate::tally::{Counter, Counts, Tally};
use crate::target::Target;
use crate::usage::resident_bytes;
use crate::worker::{Command, Shared, Worker};
use crate::{BenchFault, Observer};
use mio::{Poll, Token, Waker};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// How often a wait looks.
const LOOK: Duration = Duration::from_millis(2);
/// How often it shows what it sees.
const SHOW: Duration = Duration::from_millis(250);
/// Handshakes at a time, of all workers: servers have short queues for those that they have not accepted.
const HANDSHAKES_MAX: usize = 64;
/// How long memory must not change, and how long that may take.
const SETTLE: Duration = Duration::from_millis(250);
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// No phase is longer than this, however lively.
const PHASE_MAX: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    observer: &'a mut dyn Observer,
    shared: Arc<Shared>,
    senders: Vec<Sender<Command>>,
    threads: Vec<JoinHandle<()>>,
    /// What was counted before the run proper.
    forgotten: Counts,
    /// It was ended early; whatever follows, which is little, runs to its end.
    interrupted: bool,
}

impl<'a> Bench<'a> {
    /// Finds the server and starts the workers, which do nothing yet.
    pub(crate) fn start(options: &'a Options, observer: &'a mut dyn Observer) -> Result<Self, BenchFault> {
        options.check()?;
        let target = Target::find(&options.url, options.version, options.patience)?;
        if let Some(address) = target.elsewhere() {
            observer.say(&format!("this loads another machine: {address}"));
        }
        let fault = |error| BenchFault::from(martlet_net::Fault::io("start a thread", error));
        let polls: Vec<Poll> =
            (0..options.threads).map(|_| Poll::new()).collect::<Result<_, _>>().map_err(fault)?;
        let wakers = polls.iter().map(|poll| Waker::new(poll.registry(), Token(usize::MAX)));
        let shared = Arc::new(Shared {
            target,
            nonce: nonce(),
            payload_len: options.payload_len,
            handshakes_max: (HANDSHAKES_MAX / options.threads).max(1),
            epoch: Instant::now(),
            tallies: (0..options.threads).map(|_| Tally::default()).collect(),
            wakers: wakers.collect::<Result<_, _>>().map_err(fault)?,
            fault: Mutex::new(None),
        });
        let mut bench = Bench {
            options,
            observer,
            shared,
            senders: Vec::new(),
            threads: Vec::new(),
            forgotten: Counts::default(),
            interrupted: false,
        };
        for (index, poll) in polls.into_iter().enumerate() {
            let (sender, commands) = mpsc::channel();
            let worker = Worker::new(index, Arc::clone(&bench.shared), poll, commands).map_err(fault)?;
            bench.senders.push(sender);
            let thread = thread::Builder::new().name(format!("bench-{index}"));
            bench.threads.push(thread.spawn(move || worker.run()).map_err(fault)?);
        }
        Ok(bench)
    }

    /// Something that must be known.
    pub(crate) fn say(&mut self, text: &str) {
        self.observer.say(text);
    }

    /// What is being done, and how far it has come.
    pub(crate) fn progress(&mut self, doing: &str, so_far: &str) {
        self.observer.progress(doing, so_far);
    }

    pub(crate) fn nonce(&self) -> u32 {
        self.shared.nonce
    }

    /// The worker that number `index` of something belongs to.
    pub(crate) fn worker(&self, index: usize) -> usize {
        index % self.options.threads
    }

    pub(crate) fn tell(&self, worker: usize, command: Command) {
        // A worker that has ended has left its fault behind, and the next wait finds it.
        let _ = self.senders[worker].send(command);
        self.shared.wake(worker);
    }

    pub(crate) fn tell_all(&self, command: impl Fn() -> Command) {
        (0..self.senders.len()).for_each(|worker| self.tell(worker, command()));
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.shared.tallies.iter().for_each(|tally| sum.add(&tally.counts()));
        sum.since(&self.forgotten)
    }

    /// Counts from 0 again: what has happened so far is no part of the run.
    pub(crate) fn forget(&mut self) {
        let so_far = self.counts();
        self.forgotten.add(&so_far);
    }

    /// Waits until `is_done`; an error when nothing has changed for as long as the options say.
    pub(crate) fn wait(
        &mut self,
        doing: &str,
        mut is_done: impl FnMut(&Counts) -> bool,
    ) -> Result<Counts, BenchFault> {
        let patience = self.options.patience;
        if self.wait_still(doing, patience, &mut is_done)? {
            Ok(self.counts())
        } else {
            Err(BenchFault::TimedOut { doing: doing.to_owned(), after: patience })
        }
    }

    /// As [`Self::wait`], but false when nothing has changed for `still`.
    pub(crate) fn wait_still(
        &mut self,
        doing: &str,
        still: Duration,
        is_done: impl FnMut(&Counts) -> bool,
    ) -> Result<bool, BenchFault> {
        match self.watch(doing, still, is_done)? {
            Watched::Done => Ok(true),
            Watched::Still => Ok(false),
            Watched::Interrupted => {
                self.interrupted = true;
                Err(BenchFault::Interrupted)
            }
        }
    }

    /// As [`Self::wait_still`], for the measurement itself: it may be ended early, and has its figures then, too.
    pub(crate) fn measure_while(
        &mut self,
        doing: &str,
        still: Duration,
        is_done: impl FnMut(&Counts) -> bool,
    ) -> Result<(), BenchFault> {
        self.interrupted |= self.watch(doing, still, is_done)? == Watched::Interrupted;
        Ok(())
    }

    /// Whether it was ended early.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// The same, with a look at the observer: for who does not wait for counters.
    pub(crate) fn look_for_interruption(&mut self) -> bool {
        self.interrupted |= self.observer.is_interrupted();
        self.interrupted
    }

    /// Where a run was ended early, closes its connections and removes what it has left at the server.
    pub(crate) fn clean_up_after(
        &mut self,
        outcome: Result<(), BenchFault>,
        clean_up: impl FnOnce(&mut Self) -> Result<(), BenchFault>,
    ) -> Result<(), BenchFault> {
        if matches!(outcome, Err(BenchFault::Interrupted)) {
            self.tell_all(|| Command::Stop);
            self.tell_all(|| Command::Close { which: |_| true, abruptly: false });
            clean_up(self)?;
        }
        outcome
    }

    fn watch(
        &mut self,
        doing: &str,
        still: Duration,
        mut is_done: impl FnMut(&Counts) -> bool,
    ) -> Result<Watched, BenchFault> {
        let begun = Instant::now();
        let (mut last, mut changed, mut shown) = (self.counts(), begun, begun);
        loop {
            if let Some(fault) = self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(fault);
            }
            let counts = self.counts();
            if is_done(&counts) {
                return Ok(Watched::Done);
            }
            if !self.interrupted && self.observer.is_interrupted() {
                return Ok(Watched::Interrupted);
            }
            let now = Instant::now();
            if counts != last {
                (last, changed) = (counts, now);
            } else if now - changed > still {
                return Ok(Watched::Still);
            }
            if now - begun > PHASE_MAX {
                return Err(BenchFault::TimedOut { doing: doing.to_owned(), after: PHASE_MAX });
            }
            if now - shown > SHOW {
                shown = now;
                self.observer.progress(doing, &show(&counts));
            }
            thread::sleep(LOOK);
        }
    }

    /// Lets time pass while things happen.
    pub(crate) fn pass(&mut self, doing: &str, time: Duration) -> Result<(), BenchFault> {
        let end = Instant::now() + time;
        self.wait_still(doing, time.max(self.options.patience), |_| Instant::now() >= end).map(drop)
    }

    /// As [`Self::pass`], for the measurement itself: it may be ended early.
    pub(crate) fn measure(&mut self, doing: &str, time: Duration) -> Result<(), BenchFault> {
        let end = Instant::now() + time;
        self.measure_while(doing, time.max(self.options.patience), |_| Instant::now() >= end)
    }

    /// Opens connections and waits until they are ready; `specs` has the worker of each.
    pub(crate) fn open(&mut self, specs: Vec<(usize, Spec)>) -> Result<(), BenchFault> {
        self.open_while("connecting", specs)
    }

    /// As [`Self::open`], with words for what is being done.
    pub(crate) fn open_while(&mut self, doing: &str, specs: Vec<(usize, Spec)>) -> Result<(), BenchFault> {
        let ready = self.counts()[Counter::Ready] + specs.len() as u64;
        let mut of_workers: Vec<Vec<Spec>> = self.senders.iter().map(|_| Vec::new()).collect();
        specs.into_iter().for_each(|(worker, spec)| of_workers[worker].push(spec));
        for (worker, specs) in of_workers.into_iter().enumerate() {
            self.tell(worker, Command::Open(specs));
        }
        self.wait(doing, |counts| counts[Counter::Ready] >= ready).map(drop)
    }

    pub(crate) fn close(
        &mut self,
        which: fn(&Role) -> bool,
        abruptly: bool,
        count: usize,
    ) -> Result<(), BenchFault> {
        let closed = self.counts()[Counter::Closed] + count as u64;
        self.tell_all(|| Command::Close { which, abruptly });
        self.wait("closing connections", |counts| counts[Counter::Closed] >= closed).map(drop)
    }

    /// Publishers stop; waits until everything that was published has come, or nothing comes any more.
    pub(crate) fn drain(&mut self) -> Result<(), BenchFault> {
        if let Extent::Messages(all) = self.options.extent
            && !self.interrupted
        {
            let patience = self.options.patience;
            self.measure_while("publishing", patience, |counts| counts[Counter::Published] >= all)?;
        }
        self.tell_all(|| Command::Stop);
        let still = self.options.patience.min(Duration::from_secs(2));
        let is_done = |counts: &Counts| {
            let delivered = counts[Counter::Delivered] - counts[Counter::Duplicated];
            delivered >= counts[Counter::Expected] && counts[Counter::Acknowledged] >= counts[Counter::Owed]
        };
        if self.wait_still("waiting for the last messages", still, is_done)? {
            // Whatever comes twice may come right behind.
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Takes what was recorded since [`Command::Record`].
    pub(crate) fn take_recorded(&mut self) -> Recorded {
        let (sender, receiver) = mpsc::channel();
        self.tell_all(|| Command::Recorded(sender.clone()));
        drop(sender);
        let mut sum = Recorded::new();
        receiver.iter().for_each(|recorded| sum.add(&recorded));
        sum
    }

    /// The server's resident memory, once it does not change any more; nothing without its process.
    pub(crate) fn resident(&mut self) -> Result<Option<u64>, BenchFault> {
        let Some(pid) = self.options.pid else { return Ok(None) };
        let end = Instant::now() + SETTLE_MAX;
        let mut last = resident_bytes(pid)?;
        loop {
            self.pass("waiting for the server's memory to settle", SETTLE)?;
            let now = resident_bytes(pid)?;
            if now.abs_diff(last) <= now / 1000 || Instant::now() >= end {
                return Ok(Some(now));
            }
            last = now;
        }
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot, BenchFault> {
        Snapshot::take(self.options.pid, self.counts())
    }

    pub(crate) fn since(&self, earlier: &Snapshot) -> Result<Measured, BenchFault> {
        Ok(self.snapshot()?.since(earlier, self.options.threads))
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    Done,
    /// Nothing happened any more.
    Still,
    Interrupted,
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        self.tell_all(|| Command::Quit);
        for thread in self.threads.drain(..) {
            // A panic has been printed where it happened.
            let _ = thread.join();
        }
    }
}

/// A number that no other run of the last hours has.
fn nonce() -> u32 {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (time.as_micros() as u32) ^ std::process::id().rotate_left(20)
}

/// What has happened so far, for a line that is written over.
fn show(counts: &Counts) -> String {
    let mut parts = Vec::new();
    for (counter, name) in [
        (Counter::Ready, "connected"),
        (Counter::Subscribed, "subscribed"),
        (Counter::Published, "published"),
        (Counter::Delivered, "delivered"),
        (Counter::Ponged, "pinged"),
        (Counter::Unsubscribed, "unsubscribed"),
        (Counter::Read, "read"),
    ] {
        if counts[counter] > 0 {
            parts.push(format!("{} {name}", counts[counter]));
        }
    }
    parts.join(", ")
}
