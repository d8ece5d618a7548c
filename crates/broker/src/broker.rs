//! A running broker: everything is opened first, then one thread per shard starts.

use crate::clock::Clock;
use crate::config::Config;
use crate::parking::Parking;
use crate::reactor::{Acceptor, Parts, Reactor, WAKER};
use crate::shared::{Control, Peer, Peers, READ_QUOTA_MAX, Seats};
use crate::trim::Earliest;
use crate::warning::Warning;
use crate::{bind, descriptors, mailboxes};
use martlet_net::{Endpoint, Fault};
use martlet_shard::{Interest, Shard, ShardId};
use mio::{Poll, Waker};
use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

/// A broker whose threads run. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Broker {
    endpoints: Vec<Endpoint>,
    room: String,
    threads: Vec<JoinHandle<Result<(), Failure>>>,
    handle: Handle,
}

/// Stops a broker, from any thread.
#[derive(Clone)]
pub struct Handle {
    peers: Arc<Peers>,
}

/// Why a broker ended by itself. What is known of it is in the log.
#[derive(Debug)]
pub enum Failure {
    /// We are wrong: a shard's thread panicked, and the broker stopped.
    Panicked {
        /// Which shard.
        shard: u8,
        /// What it said.
        message: String,
    },
    /// The system refused something that a shard cannot do without.
    Fault(Fault),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked { shard, message } => write!(f, "internal error in shard {shard}: {message}"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl Handle {
    /// Stops in order: no new connections, every client is told, output is flushed; at most five seconds.
    pub fn stop(&self) {
        self.peers.control_all(|| Control::Stop);
    }
    /// Ends at once; clients see their connections closed.
    pub fn abort(&self) {
        self.peers.control_all(|| Control::Abort);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("shards", &self.peers.count()).finish()
    }
}

impl Broker {
    /// Binds all listeners and starts the threads.
    ///
    /// Raises this process's limit of open files to what the system allows.
    ///
    /// # Errors
    /// A listener that cannot be bound, or no resources for polls and threads. Nothing runs then.
    pub fn start(config: Config) -> Result<Self, Fault> {
        let shards = config.shard_count();
        let open_files = descriptors::raise_limit();
        descriptors::check(open_files, shards, config.listeners.len())?;
        let bound = bind::all(&config.listeners, usize::from(shards))?;
        let most = descriptors::connections_max(open_files, shards);
        let most = config.max_connections.map_or(most, |configured| configured.min(most));
        let room = descriptors::room(open_files, shards, config.max_connections, most);
        let seats = Seats::new(most);
        let (handle, parts) = open_parts(shards, bound.acceptors, &seats)?;
        let mut broker = Broker { endpoints: bound.endpoints, room, threads: Vec::new(), handle };
        let shared = ShardSeed {
            config,
            interest: Arc::new(Interest::with_seed(random_seed())),
            seed: random_seed(),
            shards,
        };
        for parts in parts {
            broker.spawn(parts, shared.clone())?; // on a fault `broker` is dropped, which stops the others
        }
        Ok(broker)
    }

    /// Where it listens, with the ports that it got.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// How many connections there is room for, and why no more, for a log.
    pub fn room(&self) -> &str {
        &self.room
    }

    /// The TCP addresses among [`Self::endpoints`], ready to connect to.
    pub fn local_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.endpoints.iter().filter_map(|endpoint| match &endpoint.address {
            martlet_net::Address::Tcp { host, port } => Some(SocketAddr::new(host.parse().ok()?, *port)),
            martlet_net::Address::Unix(_) => None,
        })
    }

    /// What stops it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// The first thread that failed, if one did.
    pub fn join(mut self) -> Result<(), Failure> {
        let threads = std::mem::take(&mut self.threads);
        let mut outcome = Ok(());
        for (number, thread) in threads.into_iter().enumerate() {
            let shard = u8::try_from(number).unwrap_or(u8::MAX);
            let ended = thread.join().unwrap_or_else(|panic| Err(panicked(shard, panic.as_ref())));
            outcome = outcome.and(ended);
        }
        outcome
    }

    fn spawn(&mut self, parts: Parts, seed: ShardSeed) -> Result<(), Fault> {
        let handle = self.handle();
        let number = parts.id.0;
        let body = move || {
            let run = || Reactor::new(parts, seed.shard(number)).run();
            let ended = match catch_unwind(AssertUnwindSafe(run)) {
                Ok(ended) => ended.map_err(Failure::Fault),
                Err(panic) => Err(panicked(number, panic.as_ref())),
            };
            if let Err(failure) = &ended {
                tracing::error!(shard = number, %failure, "a shard failed; the broker stops");
                handle.stop();
            }
            ended
        };
        let spawned = thread::Builder::new().name(format!("shard-{number}")).spawn(body);
        self.threads.push(spawned.map_err(|e| Fault::io("start a thread", e))?);
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.handle.stop();
        }
    }
}

/// What every shard is made from.
#[derive(Clone)]
struct ShardSeed {
    config: Config,
    interest: Arc<Interest>,
    seed: u64,
    shards: u8,
}

impl ShardSeed {
    fn shard(self, number: u8) -> Shard {
        let config = self.config.shard(ShardId(number), self.shards, self.seed);
        Shard::new(config, self.interest)
    }
}

/// Opens each shard's poll and ties them together.
fn open_parts(
    shards: u8,
    acceptors: Vec<Vec<Acceptor>>,
    seats: &Arc<Seats>,
) -> Result<(Handle, Vec<Parts>), Fault> {
    let (mut peers, mut polls) = (Vec::new(), Vec::new());
    for _ in 0..shards {
        let (peer, poll, control) = open_poll().map_err(|e| Fault::io("open a poll", e))?;
        peers.push(peer);
        polls.push((poll, control));
    }
    let peers = Arc::new(Peers { list: peers.into_boxed_slice(), trim_earliest: Earliest::default() });
    let clock = Clock::start();
    let listeners = acceptors.first().map_or(0, Vec::len); // the first shard has all of them
    let unchecked: Arc<[Warning]> = (0..listeners).map(|_| Warning::default()).collect();
    let each = polls.into_iter().zip(acceptors).zip(mailboxes::between(shards)).zip(0..);
    let mut parts = Vec::new();
    for ((((poll, control), mut acceptors), mailboxes), number) in each {
        for (index, acceptor) in acceptors.iter_mut().enumerate() {
            acceptor.register(poll.registry(), index).map_err(|e| Fault::io("watch a listener", e))?;
        }
        let (peers, seats, id) = (Arc::clone(&peers), Arc::clone(seats), ShardId(number));
        let unchecked = Arc::clone(&unchecked);
        parts.push(Parts { id, poll, clock, acceptors, mailboxes, control, peers, seats, unchecked });
    }
    Ok((Handle { peers }, parts))
}

fn open_poll() -> std::io::Result<(Peer, Poll, Receiver<Control>)> {
    let poll = Poll::new()?;
    let parking = Parking::new(Waker::new(poll.registry(), WAKER)?);
    let (sender, control) = channel();
    Ok((Peer { parking, control: sender, read_quota: AtomicUsize::new(READ_QUOTA_MAX) }, poll, control))
}

/// From the system's random source, by way of the standard library's hash maps.
fn random_seed() -> u64 {
    RandomState::new().hash_one(0)
}

fn panicked(shard: u8, panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Failure::Panicked { shard, message: text.unwrap_or("no message").to_owned() }
}
