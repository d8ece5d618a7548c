//! The turns of a [`Rig`]: what a reactor does for its shards, in its order, until nothing moves any more.

use super::client::Client;
use super::rig::Rig;
use martlet_shard::{ConnectionId, Effect, Input, Loss, ShardId};

/// Turns without an end are a fault of the shards.
const TURNS_MAX: usize = 200_000;

impl Rig {
    /// Runs until nothing moves any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            let mut moved = false;
            for index in 0..self.shards.len() {
                moved |= self.turn(index);
            }
            if !moved {
                return;
            }
        }
        panic!("{TURNS_MAX} turns, and still something moves");
    }

    /// One turn of a shard, in the order of a reactor; whether anything happened.
    fn turn(&mut self, index: usize) -> bool {
        let mut moved = self.deliver_mail(index);
        moved |= self.read(index);
        if self.shards[index].poll_timeout().is_some_and(|at| at <= self.now) {
            self.shards[index].handle(self.now, Input::Timeout);
            moved |= !self.hold_mail; // what waits for mail would wait for ever
        }
        moved |= self.carry_out_all(index);
        moved |= self.take_mail();
        moved |= self.flush(index);
        let counters = self.shards[index].counters();
        assert!(counters.is_conserved(), "{counters:?}");
        moved
    }

    fn deliver_mail(&mut self, index: usize) -> bool {
        if self.shards.len() == 1 || self.hold_mail {
            return false;
        }
        let mut moved = false;
        for (from, to, batch) in std::mem::take(&mut self.mail) {
            if usize::from(to.0) == index {
                self.open_all_mail(index);
                self.shards[index].handle(self.now, Input::Mail { from, batch });
                self.emptied.extend(self.shards[index].take_emptied().map(|(_, batch)| batch));
                moved = true;
            } else {
                self.mail.push_back((from, to, batch));
            }
        }
        self.open_all_mail(index);
        self.shards[index].handle(self.now, Input::MailDrained);
        moved
    }

    /// A shard opens what it was handed before it wants more.
    fn open_all_mail(&mut self, index: usize) {
        while !self.shards[index].wants_mail() {
            self.shards[index].handle(self.now, Input::Timeout);
        }
    }

    fn read(&mut self, index: usize) -> bool {
        let mut moved = false;
        for client in self.clients.values_mut() {
            let Some((shard, connection)) = client.at else { continue };
            if shard != index || client.paused || client.to_server.is_empty() {
                continue;
            }
            let len = client.to_server.len().min(self.chunk);
            let bytes: Vec<u8> = client.to_server.drain(..len).collect();
            self.shards[index].handle(self.now, Input::Received { connection, bytes: &bytes });
            moved = true;
        }
        moved
    }

    fn flush(&mut self, index: usize) -> bool {
        let mut moved = false;
        let mut done = Vec::new();
        let shard = &mut self.shards[index];
        for client in self.clients.values_mut() {
            let Some((_, connection)) = client.at.filter(|(at, _)| *at == index) else { continue };
            if client.dirty {
                let bytes = client.take(shard.output(connection), self.lenient);
                if bytes > 0 {
                    shard.handle(self.now, Input::Transmitted { connection, bytes });
                    moved = true;
                }
                client.dirty = shard.has_output(connection);
            }
            if client.closing && !shard.has_output(connection) {
                done.push(connection);
            }
        }
        moved |= !done.is_empty();
        done.into_iter().for_each(|connection| self.lose(index, connection, Loss::Closed));
        moved
    }

    /// A stream is gone; its slot is free once everything was said about it.
    pub(super) fn lose(&mut self, index: usize, connection: ConnectionId, cause: Loss) {
        self.shards[index].handle(self.now, Input::Lost { connection, cause });
        self.carry_out_all(index);
        let name = self.slots[index][connection.slot as usize].take().expect("the slot is taken");
        self.client(&name).at = None;
    }

    /// Empties the outboxes, if there is room for what is in them.
    fn take_mail(&mut self) -> bool {
        if self.ring_full {
            return false;
        }
        let waiting = std::mem::take(&mut self.waiting_mail);
        for (from, to) in &waiting {
            let empty = || self.emptied.pop().unwrap_or_default();
            if let Some(batch) = self.shards[*from].take_mail(*to, empty) {
                self.mail.push_back((ShardId(*from as u8), *to, batch));
            }
        }
        !waiting.is_empty()
    }

    fn carry_out_all(&mut self, index: usize) -> bool {
        let mut moved = false;
        while let Some(effect) = self.shards[index].poll_effect() {
            self.carry_out(index, effect);
            moved = true;
        }
        moved
    }

    fn carry_out(&mut self, index: usize, effect: Effect) {
        match effect {
            Effect::Transmit(id) => self.at(index, id).dirty = true,
            Effect::Close(id) => self.at(index, id).closing = true,
            Effect::PauseReading(id) => {
                let client = self.at(index, id);
                assert!(!std::mem::replace(&mut client.paused, true), "paused twice");
                client.pauses += 1;
            }
            Effect::ResumeReading(id) => {
                assert!(std::mem::replace(&mut self.at(index, id).paused, false), "resumed twice");
            }
            Effect::Authenticate(id, credentials) => self.at(index, id).asked.push_back(*credentials),
            Effect::Record(ticket) => self.recordings.push_back((index, ticket)),
            Effect::Mail(to) => self.waiting_mail.push((index, to)),
            Effect::Connected(..) => {}
            Effect::MemoryShort(shortage) => self.shortages.push(*shortage),
            Effect::Ended(id, life, why) => {
                let before = self.at(index, id).ended.replace((*life, why));
                assert!(before.is_none(), "it ended twice");
            }
            Effect::Move { connection, to, bytes, origin } => {
                let name = self.slots[index][connection.slot as usize].take().expect("the slot is taken");
                let client = self.client(&name);
                assert_eq!(client.origin, *origin);
                self.place(&name, usize::from(to.0));
                let (shard, connection) = self.client(&name).at.expect("it was just placed");
                self.shards[shard].handle(self.now, Input::Received { connection, bytes: &bytes });
            }
        }
    }

    /// Gives a stream to a shard.
    pub(super) fn place(&mut self, name: &str, shard: usize) {
        let slots = &mut self.slots[shard];
        let free = slots.iter().position(Option::is_none).unwrap_or_else(|| {
            slots.push(None);
            slots.len() - 1
        });
        slots[free] = Some(name.to_owned());
        self.placed += 1;
        let (now, connection) = (self.now, ConnectionId { slot: free as u32, generation: self.placed });
        let client = self.client(name);
        client.at = Some((shard, connection));
        let opened = Input::Opened { connection, origin: client.origin.clone() };
        self.shards[shard].handle(now, opened);
    }

    fn at(&mut self, shard: usize, id: ConnectionId) -> &mut Client {
        let name = self.slots[shard].get(id.slot as usize).cloned().flatten();
        let name = name.unwrap_or_else(|| panic!("slot {id:?} of shard {shard} is free"));
        self.client(&name)
    }
}
