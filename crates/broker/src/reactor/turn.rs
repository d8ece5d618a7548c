//! A turn of the reactor: the order in which things happen.
//!
//! Mail is handed over before sockets are written: what another shard makes of our mail comes after it.

use super::{Life, Reactor, WAKER};
use crate::shared::{Control, LONG_TURN_MS};
use crate::trim;
use martlet_net::Fault;
use martlet_protocol::Time;
use martlet_shard::{Input, Loss};
use mio::Events;
use std::io::ErrorKind;
use std::time::Duration;

/// Batches that one sender's ring gives in one round: as many as it holds.
const BATCHES_PER_ROUND: usize = 64;
/// Rounds through all rings in one turn.
const MAIL_ROUNDS: usize = 4;
/// Milliseconds that a stop may take.
const STOP_MS: u64 = 5000;

impl Reactor {
    pub(super) fn turn(&mut self, events: &mut Events) -> Result<(), Fault> {
        self.wait(events)?;
        self.now = self.clock.now();
        self.turns += 1;
        self.receive_control();
        self.receive_mail();
        self.open_moved_in(); // moved connections bring packets: what was published before comes first
        self.note_events(events);
        self.accept();
        self.read_ready();
        self.run_timers();
        self.mailboxes.send(|to, empty| self.shard.take_mail(to, || empty.take()), &self.peers);
        if self.may_transmit() {
            self.transmit();
        }
        self.acknowledge_unanswered();
        self.peers.turn_took(self.id, self.clock.now().since(self.now));
        self.give_back_memory();
        self.end_if_done();
        Ok(())
    }

    fn give_back_memory(&mut self) {
        let held = self.shard.memory_bytes() + self.shard.spare_bytes();
        if self.trim.is_due(self.now, held, &self.peers.trim_earliest) {
            self.shard.drop_spare();
            self.mailboxes.drop_empty();
            trim::give_back();
        }
    }

    /// Polls: not at all if there is work left, else until the next timer.
    fn wait(&mut self, events: &mut Events) -> Result<(), Fault> {
        let has_work = !self.ready.is_empty()
            || (!self.dirty.is_empty() && self.may_transmit())
            || self.acceptors.has_work()
            || self.mail_left
            || self.mailboxes.can_send();
        let parking = &self.peers.list[usize::from(self.id.0)].parking;
        let sleeps = !has_work && parking.park(|| self.mailboxes.has_incoming());
        let limit = if sleeps { self.until_next_timer() } else { Some(Duration::ZERO) };
        let polled = self.poll.poll(events, limit);
        parking.awake();
        match polled {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(Fault::io("wait for sockets", error)),
            _ => Ok(()),
        }
    }

    /// While a ring is full, acknowledgements must not overtake the mail that does not fit: its receiver empties it
    /// whatever else happens, and wakes this thread. At the end nobody may be left to do so.
    fn may_transmit(&self) -> bool {
        !self.mailboxes.is_blocked() || self.life != Life::Running
    }

    fn until_next_timer(&self) -> Option<Duration> {
        let stop = if let Life::Stopping(until) = self.life { until } else { Time::NEVER };
        let shard = self.shard.poll_timeout().unwrap_or(Time::NEVER);
        let next = shard
            .min(self.linger.next())
            .min(self.acceptors.next())
            .min(self.trim.next(&self.peers.trim_earliest))
            .min(stop);
        (next != Time::NEVER).then(|| Duration::from_millis(next.since(self.clock.now())))
    }

    fn receive_control(&mut self) {
        while let Ok(message) = self.control.try_recv() {
            match message {
                Control::Adopt(adopted) => {
                    let until = self.turns + BATCHES_PER_ROUND as u64; // a turn receives at least one of each ring
                    self.moved_in.push_back((until, adopted));
                }
                Control::Stop => self.stop(),
                Control::Abort => self.life = Life::Ended,
            }
        }
    }

    fn open_moved_in(&mut self) {
        while let Some((_, adopted)) =
            self.moved_in.pop_front_if(|(until, _)| *until <= self.turns || !self.mail_left)
        {
            self.open(*adopted);
        }
    }

    fn stop(&mut self) {
        if self.life == Life::Running {
            self.life = Life::Stopping(self.now.saturating_add(STOP_MS));
            self.acceptors.close();
            self.input(Input::Stop);
        }
    }

    /// Everything that other shards have sent, one sender after the other, so that each one's order is kept.
    ///
    /// Only a round that finds nothing at all proves that nothing older than what was read is left: mail of one
    /// sender may follow from mail of another whose ring was looked at too early.
    fn receive_mail(&mut self) {
        self.mail_left = false;
        for _ in 0..MAIL_ROUNDS {
            let received: usize = (0..self.mailboxes.senders()).map(|sender| self.receive_from(sender)).sum();
            if received == 0 && self.shard.wants_mail() {
                return self.input(Input::MailDrained);
            }
            if self.is_long_turn() || !self.shard.wants_mail() {
                break;
            }
        }
        self.mail_left = true; // the shard waits for a round that finds nothing: no sleep before it
    }

    /// How many batches the sender's ring gave.
    fn receive_from(&mut self, sender: usize) -> usize {
        let mut received = 0;
        while received < BATCHES_PER_ROUND
            && self.shard.wants_mail()
            && !(received > 0 && self.is_long_turn())
            && let Some((from, batch)) = self.mailboxes.receive(sender)
        {
            received += 1;
            self.input(Input::Mail { from, batch });
            self.return_emptied();
        }
        if received > 0 {
            self.mailboxes.made_room(sender, &self.peers);
        }
        received
    }

    /// Gives the batch that was opened last back to its sender.
    fn return_emptied(&mut self) {
        if let Some((from, batch)) = self.shard.take_emptied() {
            self.mailboxes.give_back(from, batch);
        }
    }

    /// Whether this turn has taken so long that the rest waits for the next.
    fn is_long_turn(&self) -> bool {
        self.clock.now().since(self.now) >= LONG_TURN_MS
    }

    fn note_events(&mut self, events: &Events) {
        for event in events {
            let token = event.token();
            if token == WAKER || self.acceptors.note_event(token) {
                continue;
            }
            if let Some(connection) = self.connections.owner(token.0) {
                self.note_event(connection, event);
            }
        }
    }

    fn run_timers(&mut self) {
        if self.shard.poll_timeout().is_some_and(|due| due <= self.now) {
            self.input(Input::Timeout);
            self.return_emptied();
        }
        while let Some((until, id)) = self.linger.expired(self.now) {
            // The slot may have a new owner since, who has more time.
            if self.connections.get(id).and_then(|c| c.closing) == Some(until) {
                self.lose(id, Loss::Closed);
            }
        }
    }

    fn end_if_done(&mut self) {
        if let Life::Stopping(until) = self.life
            && (self.connections.is_empty() || until <= self.now)
        {
            self.life = Life::Ended;
        }
    }
}
