//! A shard with what a reactor has round it: slots for streams, mailboxes, and the order of a turn.

use crate::failure::{Checker, Verdict, check};
use crate::faults::Fault;
use crate::link::Server;
use crate::promises::Recordings;
use crate::questions::Questions;
use crate::world::World;
use martlet_protocol::{NEVER_EXPIRES, Time};
use martlet_shard::{
    Batch, Config, ConnectionId, Effect, EndReason, Input, Interest, Life, Listener, Loss, Origin, Peer,
    Shard, ShardId,
};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// A stream on its way to this shard, with the bytes that another shard has read of it.
struct Arriving {
    link: usize,
    origin: Origin,
    bytes: Vec<u8>,
}

/// One shard and its surroundings.
pub(crate) struct Host {
    pub(crate) shard: Shard,
    /// The owner of each slot, and its link.
    slots: Vec<Option<(ConnectionId, usize)>>,
    free: Vec<u32>,
    opened: u32,
    listener: Arc<Listener>,
    dirty: BTreeSet<ConnectionId>,
    arriving: VecDeque<Arriving>,
    /// Mail that waits here, by sender.
    mailboxes: Vec<VecDeque<Batch>>,
    unsent: u64,
    pub(crate) recordings: Recordings,
    pub(crate) questions: Questions,
}

impl Host {
    pub(crate) fn new(config: Config, interest: &Arc<Interest>, listener: Arc<Listener>) -> Self {
        let shards = usize::from(config.shards);
        Host {
            shard: Shard::new(config, Arc::clone(interest)),
            slots: Vec::new(),
            free: Vec::new(),
            opened: 0,
            listener,
            dirty: BTreeSet::new(),
            arriving: VecDeque::new(),
            mailboxes: (0..shards).map(|_| VecDeque::new()).collect(),
            unsent: 0,
            recordings: Recordings::default(),
            questions: Questions::default(),
        }
    }

    /// A stream was accepted.
    pub(crate) fn accept(&mut self, link: usize, now: Time) {
        let listener = Arc::clone(&self.listener);
        let origin = Origin { listener, peer: Peer::Unix, opened_at: now };
        self.arriving.push_back(Arriving { link, origin, bytes: Vec::new() });
    }

    fn has_mail(&self) -> bool {
        !self.shard.wants_mail() || self.mailboxes.iter().any(|mailbox| !mailbox.is_empty())
    }

    pub(crate) fn is_quiet(&self, now: Time) -> bool {
        let due = self.shard.poll_timeout().is_some_and(|at| at <= now);
        !due && self.dirty.is_empty()
            && self.arriving.is_empty()
            && !self.has_mail()
            && self.unsent == 0
            && self.recordings.is_quiet()
            && self.questions.is_quiet()
            && self.shard.counters().queued == 0
    }

    pub(crate) fn why_busy(&self) -> String {
        let mail: Vec<_> = self.mailboxes.iter().map(VecDeque::len).collect();
        let timeout = self.shard.poll_timeout();
        let (dirty, arriving, counters) = (&self.dirty, self.arriving.len(), self.shard.counters());
        format!("dirty {dirty:?}, arriving {arriving}, mail {mail:?}, timeout {timeout:?}, {counters:?}")
    }

    fn open(&mut self, link: usize) -> ConnectionId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.opened += 1;
        let connection = ConnectionId { slot, generation: self.opened };
        self.slots[slot as usize] = Some((connection, link));
        connection
    }

    fn release(&mut self, connection: ConnectionId) {
        self.slots[connection.slot as usize] = None;
        self.dirty.remove(&connection);
        self.free.push(connection.slot);
    }

    fn connections(&self) -> Vec<(ConnectionId, usize)> {
        self.slots.iter().copied().flatten().collect()
    }

    /// Who has a slot now.
    pub(crate) fn owner(&self, slot: u32) -> Option<ConnectionId> {
        self.slots[slot as usize].map(|(owner, _)| owner)
    }

    /// The link of a connection, if it is still there.
    fn link_of(&self, connection: ConnectionId) -> Option<usize> {
        self.slots[connection.slot as usize].filter(|(owner, _)| *owner == connection).map(|(_, link)| link)
    }
}

/// A turn, in the order that the reactor has: mail, what was recorded, reading, timers, mail out, writing.
impl World<'_> {
    pub(crate) fn turn(&mut self, host: usize) -> Verdict {
        self.receive_mail(host)?;
        let by = if self.settling { Time::NEVER } else { self.now };
        while let Some(ticket) = self.hosts[host].recordings.next(by) {
            self.input(host, Input::Recorded(ticket))?;
        }
        while let Some(Arriving { link, origin, bytes }) = self.hosts[host].arriving.pop_front() {
            self.open(host, link, origin, &bytes)?;
        }
        self.answer_questions(host)?;
        for (connection, link) in self.hosts[host].connections() {
            if self.settling || self.random.chance(60) {
                self.read(host, connection, link)?;
            }
        }
        if self.hosts[host].shard.poll_timeout().is_some_and(|at| at <= self.now) {
            self.input(host, Input::Timeout)?;
        }
        self.send_mail(host);
        for _ in 0..if self.settling { 4 } else { 1 } {
            for connection in std::mem::take(&mut self.hosts[host].dirty) {
                self.write(host, connection)?;
            }
        }
        Ok(())
    }

    /// Something happens to a shard, and what it wants done is done.
    pub(crate) fn input(&mut self, host: usize, input: Input<'_>) -> Verdict {
        self.hosts[host].shard.handle(self.now, input);
        self.emptied.extend(self.hosts[host].shard.take_emptied().map(|(_, batch)| batch));
        while let Some(effect) = self.hosts[host].shard.poll_effect() {
            self.effect(host, effect)?;
        }
        Ok(())
    }

    fn receive_mail(&mut self, host: usize) -> Verdict {
        let mut all_empty = true;
        for from in 0..self.hosts.len() {
            while !self.hosts[host].mailboxes[from].is_empty() && self.hosts[host].shard.wants_mail() {
                if !self.settling && self.random.chance(self.plan.mail_delay) {
                    break;
                }
                let newest = self.tamper.strikes(Fault::MailReordered, 30);
                let mailbox = &mut self.hosts[host].mailboxes[from];
                let batch = if newest { mailbox.pop_back() } else { mailbox.pop_front() };
                if self.tamper.strikes(Fault::MailDropped, 10) {
                    continue;
                }
                self.trace.number(0x100 + from as u64);
                self.trace.say(|| format!("{:?} shard {host} opens mail of {from}", self.now));
                if let Some(batch) = batch {
                    self.input(host, Input::Mail { from: ShardId(from as u8), batch })?;
                }
            }
            all_empty &= self.hosts[host].mailboxes[from].is_empty();
            self.meanwhile(host)?;
        }
        let in_passing = all_empty && self.tamper.strikes(Fault::DrainedInPassing, 100);
        if !self.hosts[host].has_mail() || in_passing || self.tamper.strikes(Fault::DrainedTooEarly, 100) {
            self.input(host, Input::MailDrained)?;
        }
        Ok(())
    }

    /// A shard goes through its mailboxes one by one; the others do not wait for that.
    fn meanwhile(&mut self, host: usize) -> Verdict {
        // A rare race, but for the fault that needs it.
        let (often, steps) = if self.tamper.plants(Fault::DrainedInPassing) { (12, 150) } else { (2, 30) };
        let alone = self.hosts.len() < 3 || self.busy.is_some() || self.settling;
        if alone || !self.random.chance(often) {
            return Ok(());
        }
        self.busy = Some(host);
        for _ in 0..self.random.below(steps) {
            self.tick(1);
            let other = self.random.below(self.hosts.len());
            if other != host {
                self.turn(other)?;
            }
            let client = self.random.below(self.clients.len());
            self.client_turn(client)?;
        }
        self.busy = None;
        Ok(())
    }

    fn send_mail(&mut self, host: usize) {
        let mut left = std::mem::take(&mut self.hosts[host].unsent);
        while left != 0 {
            let to = left.trailing_zeros();
            left &= left - 1;
            let mut empty = || self.emptied.pop().unwrap_or_default();
            while let Some(batch) = self.hosts[host].shard.take_mail(ShardId(to as u8), &mut empty) {
                self.trace.number(0x200 + batch.size() as u64);
                self.hosts[to as usize].mailboxes[host].push_back(batch);
            }
        }
    }

    fn open(&mut self, host: usize, link: usize, origin: Origin, bytes: &[u8]) -> Verdict {
        let connection = self.hosts[host].open(link);
        self.links[link].server = Server::Open { shard: host, connection, closing: false };
        self.links[link].paused = false;
        self.input(host, Input::Opened { connection, origin })?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.input(host, Input::Received { connection, bytes })
    }

    fn read(&mut self, host: usize, connection: ConnectionId, at: usize) -> Verdict {
        let link = &self.links[at];
        let Server::Open { closing, .. } = link.server else { return Ok(()) };
        let waiting = link.up.bytes.len();
        if waiting > 0 && (closing || !link.paused) {
            let count = if self.settling { waiting } else { self.random.between(1, waiting) };
            let mut bytes = self.links[at].up.take(count);
            self.trace.bytes(&bytes);
            if !closing {
                self.reads(at, &bytes)?;
                if bytes.ends_with(b"\xe0\x00") && self.tamper.strikes(Fault::WillAlways, 50) {
                    bytes.truncate(bytes.len() - 2);
                }
                let before = self.hosts[host].recordings.last;
                self.input(host, Input::Received { connection, bytes: &bytes })?;
                self.promises_made(host, at, before);
            }
        }
        let link = &self.links[at];
        let still_here = self.hosts[host].link_of(connection) == Some(at);
        // Who does not read does not notice the end either. A shard that has work left reads on by itself.
        let has_work = self.hosts[host].shard.poll_timeout() == Some(Time::default());
        let noticed = if link.paused { self.settling && !has_work } else { link.up.bytes.is_empty() };
        let ended = link.up_end.filter(|_| noticed);
        match ended {
            Some(loss) if still_here => self.lose(host, connection, at, loss),
            _ => Ok(()),
        }
    }

    fn lose(&mut self, host: usize, connection: ConnectionId, link: usize, cause: Loss) -> Verdict {
        self.trace.say(|| format!("{:?} shard {host} loses link {link}: {cause:?}", self.now));
        let closing = matches!(self.links[link].server, Server::Open { closing: true, .. });
        let whole = self.links[link].up.leaving.is_empty();
        if !closing && whole && self.tamper.strikes(Fault::WillForgotten, 50) {
            self.input(host, Input::Received { connection, bytes: b"\xe0\x00" })?;
        }
        self.links[link].server = Server::Gone;
        self.input(host, Input::Lost { connection, cause })?;
        self.hosts[host].release(connection);
        Ok(())
    }

    fn write(&mut self, host: usize, connection: ConnectionId) -> Verdict {
        let Some(at) = self.hosts[host].link_of(connection) else { return Ok(()) };
        let output: Vec<u8> = self.hosts[host].shard.output(connection).flatten().copied().collect();
        let link = &self.links[at];
        let room = link.capacity.saturating_sub(link.down.bytes.len());
        let mut count = output.len().min(room);
        if !self.settling && count > 0 && self.random.chance(40) {
            count = self.random.between(1, count);
        }
        if count > 0 {
            self.trace.bytes(&output[..count]);
            if link.client_open {
                self.writes_down(at, &output[..count])?;
            } else {
                self.links[at].down.bytes.extend(&output[..count]); // nobody will read it
            }
            if !self.tamper.strikes(Fault::TransmittedLost, 2) {
                self.input(host, Input::Transmitted { connection, bytes: count })?;
            }
        }
        let has_output = self.hosts[host].shard.has_output(connection);
        if has_output {
            self.hosts[host].dirty.insert(connection);
        }
        let Server::Open { closing: true, .. } = self.links[at].server else { return Ok(()) };
        if !has_output {
            self.links[at].down_end = true;
        }
        if !self.links[at].client_open && (self.settling || !has_output) {
            return self.lose(host, connection, at, Loss::Closed);
        }
        Ok(())
    }

    fn effect(&mut self, host: usize, effect: Effect) -> Verdict {
        match effect {
            Effect::Transmit(connection) => {
                self.hosts[host].dirty.insert(connection);
            }
            Effect::Close(connection) => {
                let Some(link) = self.hosts[host].link_of(connection) else { return Ok(()) };
                self.links[link].server = Server::Open { shard: host, connection, closing: true };
                self.hosts[host].dirty.insert(connection);
            }
            Effect::Move { connection, to, bytes, origin } => {
                let link = self.hosts[host].link_of(connection);
                self.hosts[host].release(connection);
                let Some(link) = link else { return Ok(()) };
                self.links[link].server = Server::Waiting;
                let arriving = Arriving { link, origin: *origin, bytes };
                self.hosts[usize::from(to.0)].arriving.push_back(arriving);
            }
            Effect::PauseReading(connection) => self.set_paused(host, connection, true),
            Effect::ResumeReading(connection) => self.set_paused(host, connection, false),
            Effect::Authenticate(connection, _) => self.is_asked(host, connection),
            Effect::Record(ticket) => {
                let due = self.now.saturating_add(self.random.below(40) as u64);
                self.hosts[host].recordings.ask(ticket, due);
                if self.tamper.strikes(Fault::AnsweredTooEarly, 30) {
                    self.input(host, Input::Recorded(ticket))?;
                }
            }
            Effect::Mail(to) => self.hosts[host].unsent |= 1 << to.0,
            Effect::MemoryShort(shortage) => {
                self.trace.say(|| format!("{:?} shard {host}: {shortage:?}", self.now));
            }
            Effect::Connected(connection, life) => {
                self.was_answered(host, connection)?;
                self.connected(host, connection, &life);
            }
            Effect::Ended(connection, life, why) => self.ended(host, connection, &life, why)?,
        }
        Ok(())
    }

    fn set_paused(&mut self, host: usize, connection: ConnectionId, paused: bool) {
        if let Some(link) = self.hosts[host].link_of(connection) {
            self.links[link].paused = paused;
        }
    }

    fn connected(&mut self, host: usize, connection: ConnectionId, life: &Life) {
        let Some(link) = self.hosts[host].link_of(connection) else { return };
        let id = life.client_id.as_deref().unwrap_or_default();
        self.trace.say(|| format!("{:?} shard {host} accepts {id} on link {link}", self.now));
        self.wills.connected(self.now, id, life.clean_start);
        self.links[link].accepted = true;
        let at = self.links[link].client;
        let client = &mut self.clients[at];
        let may_expire = client.profile.expiry_s != NEVER_EXPIRES;
        if std::mem::replace(&mut client.accepted, true) && may_expire {
            client.unheard = true;
            client.down.forget();
            self.ledger.forget(at);
        }
    }

    fn ended(&mut self, host: usize, connection: ConnectionId, life: &Life, why: EndReason) -> Verdict {
        let Some(at) = self.hosts[host].link_of(connection) else { return Ok(()) };
        let link = &self.links[at];
        self.trace
            .say(|| format!("{:?} shard {host} ends {:?} on link {at}: {why}", self.now, life.client_id));
        let short = self.plan.is_short_of_memory();
        let unlawful = match why {
            EndReason::Malformed(_) | EndReason::Violation(_) => true,
            EndReason::Refused(_) => !short,
            EndReason::NoRoom { .. } => !short || link.version.is_v5(), // who can be told is not closed
            _ => false,
        };
        check(!unlawful, Checker::Protocol, || format!("the broker says of {:?}: {why}", life.client_id))?;
        if link.accepted {
            self.wills.ended(self.now, link.client, &self.clients[link.client].profile, link.goodbye);
        }
        Ok(())
    }
}
