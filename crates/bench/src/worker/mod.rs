//! One thread of the generator: its connections, one poll, one scratch buffer for whatever is read.
//!
//! It does what it is told ([`Command`]), counts what happens, and decides nothing about phases. System calls are one
//! read per readable connection and one write per connection with something to say.

mod alarm;
mod open;
mod receive;
mod schedule;
mod transmit;

use crate::BenchFault;
use crate::connection::{Connection, Role, Spec, Stage};
use crate::flow::Flow;
use crate::latency::{Latency, Recorded};
use crate::packets::{DISCONNECT, PINGREQ};
use crate::tally::{Counter, Counts, Tally};
use crate::target::Target;
use alarm::Alarm;
use mio::{Events, Poll, Token, Waker};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is read at once.
const SCRATCH_BYTES: usize = 256 * 1024;
const EVENTS_MAX: usize = 1024;
const WAKE: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);
/// How often stalled publishers are looked for.
const TICK: Duration = Duration::from_millis(250);

/// What the workers and whoever directs them share.
pub(crate) struct Shared {
    pub(crate) target: Target,
    pub(crate) nonce: u32,
    pub(crate) payload_len: usize,
    /// Connections of one worker that may be in their handshake at a time.
    pub(crate) handshakes_max: usize,
    /// When the run's clock was 0.
    pub(crate) epoch: Instant,
    pub(crate) tallies: Vec<Tally>,
    pub(crate) wakers: Vec<Waker>,
    /// The first thing that went wrong.
    pub(crate) fault: Mutex<Option<BenchFault>>,
}

impl Shared {
    pub(crate) fn wake(&self, worker: usize) {
        // A waker can only fail where its poll is gone, and then there is nobody to wake.
        let _ = self.wakers[worker].wake();
    }

    fn fail(&self, fault: BenchFault) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
    }
}

/// What a worker can be told.
pub(crate) enum Command {
    /// Open connections.
    Open(Vec<Spec>),
    /// All publishers publish from now on.
    Publish,
    /// No more.
    Stop,
    /// A PINGREQ on each connection, so many at a time.
    Ping { at_once: usize },
    /// Forget the latencies so far and record those that come.
    Record,
    /// Record no more, and hand over what was recorded.
    Recorded(Sender<Recorded>),
    /// Close the connections with these roles.
    Close { which: fn(&Role) -> bool, abruptly: bool },
    /// End.
    Quit,
}

pub(crate) struct Worker {
    index: usize,
    shared: Arc<Shared>,
    commands: Receiver<Command>,
    poll: Poll,
    connections: Vec<Option<Box<Connection>>>,
    free: Vec<usize>,
    to_open: VecDeque<Spec>,
    handshakes: usize,
    /// Connections so far.
    opened: usize,
    scratch: Vec<u8>,
    counts: Counts,
    is_publishing: bool,
    /// The connection that publishes a flow, by the flow's id.
    publishers: Vec<Option<usize>>,
    /// Flows of which something has moved, each once; `is_listed` by the flow's id.
    moved: Vec<u32>,
    /// Those among them whose publisher is another worker's.
    moved_elsewhere: Vec<Arc<Flow>>,
    is_listed: Vec<bool>,
    latency: Option<Latency>,
    /// How late it is itself, when it publishes by the clock.
    lateness: Option<Latency>,
    /// The next moment of each flow that is published by the clock.
    due: BinaryHeap<Reverse<(u64, u32)>>,
    alarm: Alarm,
    to_ping: VecDeque<usize>,
}

impl Worker {
    pub(crate) fn new(
        index: usize,
        shared: Arc<Shared>,
        poll: Poll,
        commands: Receiver<Command>,
    ) -> std::io::Result<Self> {
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        let scratch_len = SCRATCH_BYTES.max(2 * shared.payload_len + 4096);
        Ok(Worker {
            index,
            shared,
            commands,
            poll,
            connections: Vec::new(),
            free: Vec::new(),
            to_open: VecDeque::new(),
            handshakes: 0,
            opened: 0,
            scratch: vec![0; scratch_len],
            counts: Counts::default(),
            is_publishing: false,
            publishers: Vec::new(),
            moved: Vec::new(),
            moved_elsewhere: Vec::new(),
            is_listed: Vec::new(),
            latency: None,
            lateness: None,
            due: BinaryHeap::new(),
            alarm,
            to_ping: VecDeque::new(),
        })
    }

    /// Works until it is told to quit.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut next_tick = Instant::now() + TICK;
        while self.obey() {
            self.open_some();
            let sleep = match self.look_at_clock() {
                Ok(sleep) => sleep,
                Err(fault) => return self.shared.fail(fault),
            };
            self.serve_moved();
            self.shared.tallies[self.index].publish(&self.counts);
            match self.poll.poll(&mut events, Some(sleep)) {
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                    let doing = "wait for sockets";
                    return self.shared.fail(martlet_net::Fault::io(doing, error).into());
                }
                _ => {}
            }
            for event in &events {
                match event.token() {
                    WAKE => self.list_all(),
                    ALARM => {}
                    Token(token) => self.handle_event(token, event.is_readable(), event.is_writable()),
                }
            }
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                self.tick();
            }
        }
    }

    /// Carries out what it was told; false at the end.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Open(specs)) => self.to_open.extend(specs),
                Ok(Command::Publish) => {
                    self.is_publishing = true;
                    self.begin_schedule();
                    self.list_all();
                }
                Ok(Command::Stop) => self.is_publishing = false,
                Ok(Command::Ping { at_once }) => self.begin_pings(at_once),
                Ok(Command::Record) => {
                    self.latency = Some(Latency::new());
                    self.lateness = Some(Latency::new());
                }
                Ok(Command::Recorded(to)) => {
                    let latency = self.latency.take().unwrap_or_default();
                    let lateness = self.lateness.take().unwrap_or_default();
                    // Whoever asked may have given up.
                    let _ = to.send(Recorded { latency, lateness });
                }
                Ok(Command::Close { which, abruptly }) => self.close(which, abruptly),
                Err(TryRecvError::Empty) => return true,
                Ok(Command::Quit) | Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn handle_event(&mut self, token: usize, is_readable: bool, is_writable: bool) {
        self.with(token, |worker, connection| {
            if is_writable {
                connection.is_writable = true;
                if connection.stage == Stage::Opening && !worker.greet(connection)? {
                    return Ok(());
                }
                connection.flush().map_err(BenchFault::ConnectionLost)?;
                worker.list_publisher(connection);
            }
            if is_readable && connection.stage != Stage::Opening { worker.read(connection) } else { Ok(()) }
        });
    }

    /// Does something with a connection; a fault ends the run.
    fn with(&mut self, token: usize, act: impl FnOnce(&mut Self, &mut Connection) -> Result<(), BenchFault>) {
        let Some(mut connection) = self.connections.get_mut(token).and_then(Option::take) else { return };
        if let Err(fault) = act(self, &mut connection) {
            self.shared.fail(fault);
        }
        self.connections[token] = Some(connection);
    }

    /// Something has moved in a flow: its publisher is looked at before the next poll.
    #[inline]
    fn list(&mut self, flow: u32) {
        if self.mark(flow) {
            self.moved.push(flow);
        }
    }

    /// Whether a flow was not listed so far.
    #[inline]
    fn mark(&mut self, flow: u32) -> bool {
        let index = flow as usize;
        if self.is_listed.len() <= index {
            self.is_listed.resize(index + 1, false);
        }
        !std::mem::replace(&mut self.is_listed[index], true)
    }

    fn list_publisher(&mut self, connection: &Connection) {
        if let Role::Publisher(publisher) = &connection.spec.role {
            self.list(publisher.flow.id);
        }
    }

    fn list_all(&mut self) {
        for flow in 0..self.publishers.len() {
            if self.publishers[flow].is_some() {
                self.list(flow as u32);
            }
        }
    }

    /// Finds publishers that wait for deliveries that do not come.
    fn tick(&mut self) {
        if !self.is_publishing {
            return;
        }
        for token in self.publishers.iter().flatten() {
            let Some(Some(connection)) = self.connections.get_mut(*token) else { continue };
            let Role::Publisher(publisher) = &mut connection.spec.role else { continue };
            self.counts[Counter::Stalled] += u64::from(publisher.tick());
        }
        self.list_all();
    }

    fn begin_pings(&mut self, at_once: usize) {
        let all = self.connections.iter().enumerate().filter_map(|(token, one)| one.as_ref().map(|_| token));
        self.to_ping = all.collect();
        for _ in 0..at_once.min(self.to_ping.len()) {
            self.ping_next();
        }
    }

    fn ping_next(&mut self) {
        let Some(token) = self.to_ping.pop_front() else { return };
        let now_ns = self.now_ns();
        self.with(token, |_, connection| {
            connection.pinged_ns = now_ns;
            connection.out.extend_from_slice(&PINGREQ);
            connection.flush().map(drop).map_err(BenchFault::ConnectionLost)
        });
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.shared.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn close(&mut self, which: fn(&Role) -> bool, abruptly: bool) {
        self.to_open.retain(|spec| !which(&spec.role));
        for token in 0..self.connections.len() {
            let Some(mut connection) = self.connections[token].take_if(|one| which(&one.spec.role)) else {
                continue;
            };
            if abruptly {
                connection.socket.end_abruptly();
            } else if connection.stage != Stage::Opening {
                // The server may have gone before us; then there is nobody to take leave of.
                connection.out.extend_from_slice(&DISCONNECT);
                let _ = connection.flush();
            }
            if let Role::Publisher(publisher) = &connection.spec.role {
                self.publishers[publisher.flow.id as usize] = None;
            }
            if connection.stage != Stage::Ready {
                self.handshakes -= 1; // others may begin theirs
            }
            self.free.push(token);
            self.counts[Counter::Closed] += 1;
        }
    }
}
