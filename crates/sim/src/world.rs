//! A run: shards, clients, links and a clock, in one thread, from one seed. This file has the world's state and
//! the order of its days; what happens in it is in the files beside.

use crate::client::Client;
use crate::failure::{Checker, Failure, Verdict, check};
use crate::faults::Fault;
use crate::host::Host;
use crate::ledger::Ledger;
use crate::link::{Link, Server};
use crate::plan::{Plan, Profile};
use crate::random::Random;
use crate::tamper::Tamper;
use crate::trace::Trace;
use crate::wills::Wills;
use martlet_protocol::Time;
use martlet_shard::{Batch, Counters, Interest};
use std::sync::Arc;

/// Passes over everything within which a world without accidents settles.
const PASSES_MAX: usize = 5000;

/// Everything that a run consists of.
pub(crate) struct World<'t> {
    pub(crate) plan: Plan,
    pub(crate) random: Random,
    pub(crate) trace: &'t mut Trace,
    pub(crate) now: Time,
    pub(crate) step: u64,
    pub(crate) hosts: Vec<Host>,
    /// Batches for mail to come, whoever had them before.
    pub(crate) emptied: Vec<Batch>,
    pub(crate) links: Vec<Link>,
    pub(crate) clients: Vec<Client>,
    pub(crate) ledger: Ledger,
    pub(crate) wills: Wills,
    pub(crate) tamper: Tamper,
    /// The first publication of this round.
    pub(crate) round_begins: usize,
    /// A shard that is in the middle of its turn while others have theirs.
    pub(crate) busy: Option<usize>,
    /// No more accidents: everybody reconnects, everything is delivered at once.
    pub(crate) settling: bool,
}

impl<'t> World<'t> {
    fn new(seed: u64, fault: Option<Fault>, trace: &'t mut Trace) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::new(&mut random);
        let interest = Arc::new(Interest::with_seed(plan.seed));
        let listener = Arc::new(plan.listener());
        let host = |shard| Host::new(plan.config(shard), &interest, Arc::clone(&listener));
        let hosts = (0..plan.shards).map(host).collect();
        let clients = plan.profiles.iter().enumerate();
        let mut clients: Vec<_> =
            clients.map(|(index, profile)| Client::new(index, profile.clone())).collect();
        if plan.crowd {
            clients.push(Client::new(clients.len(), Profile::crowd(&plan.profiles[0])));
        }
        trace.say(|| format!("{plan:?}"));
        World {
            tamper: Tamper::new(fault, seed),
            plan,
            random,
            trace,
            now: Time::from_millis(1),
            step: 0,
            hosts,
            emptied: Vec::new(),
            links: Vec::new(),
            clients,
            ledger: Ledger::default(),
            wills: Wills::default(),
            round_begins: 0,
            busy: None,
            settling: false,
        }
    }

    fn run(&mut self) -> Verdict {
        self.settle()?; // the observer subscribes before anybody speaks
        for _ in 0..self.plan.rounds {
            self.chaos()?;
            self.settle()?;
            self.check_round()?;
        }
        self.check_end()
    }

    /// Clients act, links break, time passes.
    fn chaos(&mut self) -> Verdict {
        self.settling = false;
        let steps = self.plan.actions * 8;
        for _ in 0..steps {
            self.tick(6);
            match self.random.below(16) {
                0 | 1 => self.act()?,
                2..=7 => {
                    let host = self.random.below(self.hosts.len());
                    self.turn(host)?;
                }
                _ => {
                    let client = self.random.below(self.clients.len());
                    self.client_turn(client)?;
                }
            }
            self.conserved()?;
        }
        Ok(())
    }

    /// Everybody comes back, nothing is delayed, until nothing is left to do.
    pub(crate) fn settle(&mut self) -> Verdict {
        self.settling = true;
        let mut quiet = 0;
        for _ in 0..PASSES_MAX {
            self.tick(10);
            self.notice_dead_links();
            for host in 0..self.hosts.len() {
                self.turn(host)?;
            }
            for client in 0..self.clients.len() {
                self.client_turn(client)?;
            }
            self.conserved()?;
            quiet = if self.is_quiet() { quiet + 1 } else { 0 };
            if quiet > 5 {
                return Ok(());
            }
        }
        Err(Failure::new(Checker::Liveness, self.why_busy()))
    }

    pub(crate) fn tick(&mut self, ms_max: usize) {
        self.now = self.now.saturating_add(self.random.below(ms_max + 1) as u64);
        self.step = self.trace.step();
    }

    /// Ends that nobody noticed are noticed.
    fn notice_dead_links(&mut self) {
        for link in &mut self.links {
            if link.server == Server::Gone && link.client_open {
                link.down_end = true;
            }
            if !link.client_open && link.up_end.is_none() {
                link.up_end = Some(martlet_shard::Loss::Failed);
            }
        }
        self.clients.iter_mut().for_each(Client::wake);
    }

    fn is_quiet(&mut self) -> bool {
        let wills_are_out = self.wills.settle(self.now);
        wills_are_out
            && self.links.iter().all(Link::is_quiet)
            && self.hosts.iter().all(|host| host.is_quiet(self.now))
            && self.clients.iter().all(Client::is_quiet)
    }

    fn why_busy(&self) -> String {
        let links = self.links.iter().filter(|link| !link.is_quiet());
        let links: Vec<_> = links
            .map(|link| {
                (
                    link.client,
                    link.server,
                    link.client_open,
                    link.up.bytes.len(),
                    link.down.bytes.len(),
                    link.paused,
                )
            })
            .collect();
        let hosts = self.hosts.iter().enumerate().filter(|(_, host)| !host.is_quiet(self.now));
        let hosts: Vec<_> =
            hosts.map(|(index, host)| format!("shard {index}: {}", host.why_busy())).collect();
        let clients = self.clients.iter().filter(|client| !client.is_quiet());
        let clients: Vec<_> =
            clients.map(|client| format!("{}: {}", client.profile.id, client.why_busy())).collect();
        format!("not settled: links {links:?}, {hosts:?}, {clients:?}")
    }

    fn conserved(&self) -> Verdict {
        for (index, host) in self.hosts.iter().enumerate() {
            let counters = host.shard.counters();
            check(counters.is_conserved(), Checker::Conservation, || format!("shard {index}: {counters:?}"))?;
        }
        Ok(())
    }

    /// The sum of the shards.
    pub(crate) fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        self.hosts.iter().for_each(|host| sum.add(&host.shard.counters()));
        sum
    }
}

/// Runs one seed, with a planted fault perhaps. The trace tells its hash, and its end in words if it was made so.
///
/// # Errors
/// What a checker found.
pub fn run(seed: u64, fault: Option<Fault>, trace: &mut Trace) -> Result<(), Failure> {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let ended = catch_unwind(AssertUnwindSafe(|| World::new(seed, fault, trace).run()));
    ended.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
        Err(Failure::new(Checker::Panic, text))
    })
}
