//! Whether a QoS 1 or 2 message comes in: decided before it is accepted, by what this shard holds and what the others say
//! that they hold. What came in is not dropped for lack of memory any more, on any shard; a fan-out that was larger than
//! it could be foreseen overdraws the account, and keeps the next message out.
//!
//! With room to spare it costs a comparison. Only near the bound are the receivers looked for twice: once to count what
//! they would keep, once to deliver. It answers nobody: see `publish.rs` and, for clients that cannot be told, `waiting.rs`.

use crate::counters::Dropped;
use crate::fanout::Terms;
use crate::interface::{Effect, ShardId, Shortage};
use crate::levels::UnderWay;
use crate::memory::{GROUP_ENTRY_BYTES, RETAINED_ENTRY_BYTES};
use crate::shard::Shard;
use crate::waiting::Waiting;
use martlet_codec::QoSLevel;
use martlet_protocol::{Entry, Message, Publications, Time};

/// The part of the bound that messages from other shards do not fill: for what they turn out to be there, and for what
/// the numbers of the other shards do not say yet. A session is weighed at more than sixteen times what it costs it to
/// queue one message, so one message for all sessions is less.
const RESERVE_PART: u64 = 16;
/// Milliseconds between two warnings that memory is short.
const WARNING_MS: u64 = 10_000;

/// What a shard remembers between two decisions.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Bytes that the fullest other shard can take, as far as was asked, less what was admitted since.
    pub(crate) remote_room: u64,
    /// Bytes that one message may take there besides its own.
    pub(crate) remote_fan_out: u64,
    /// Whether that was asked in this input.
    pub(crate) is_fresh: bool,
    /// What the other shards were last told that this one holds.
    told: (u64, u64),
    pub(crate) waiting: Waiting,
    /// The shard that had no room, the last time that one had none.
    lacked: ShardId,
    next_warning: Time,
    /// Messages refused and dropped of which a warning has told.
    warned_of: (u64, u64),
}

impl Admission {
    pub(crate) fn new(shard: ShardId) -> Self {
        Admission {
            remote_room: 0,
            remote_fan_out: 0,
            is_fresh: false,
            told: (0, 0),
            waiting: Waiting::default(),
            lacked: shard,
            next_warning: Time::default(),
            warned_of: (0, 0),
        }
    }
}

/// Why a message does not come in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Denied {
    /// There is no room for it.
    Lack(Lack),
    /// So much is under way to a shard that nobody knows whether there is: it opens its mail in a moment.
    Unknown,
}

/// Room that is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lack {
    pub(crate) on: ShardId,
    pub(crate) bytes: u64,
}

impl Shard {
    /// Whether a message of a client with QoS 1 or 2 comes in; if not, what is missing.
    pub(crate) fn admit(&mut self, now: Time, message: &Message<'_>, terms: Terms) -> Result<(), Denied> {
        let bytes = Publications::memory_of(message.size());
        if !self.admission.is_fresh {
            self.refresh_remote_room();
        }
        let remote_bytes = bytes + self.admission.remote_fan_out;
        let fits_here = match self.room_of_waiting() {
            Some(room) => remote_bytes <= room,
            None => bytes <= self.room_here(),
        };
        if fits_here && remote_bytes <= self.admission.remote_room {
            self.admission.remote_room -= remote_bytes;
            return Ok(());
        }
        self.find_room(now, message, terms, 0)
    }

    /// The same for the will of a client, which nobody is told about: it may take an eighth more, as sessions do.
    pub(crate) fn admit_will(&mut self, now: Time, message: &Message<'_>, terms: Terms) -> bool {
        let spare = self.clients.config.memory_bytes_max / 8;
        let fits = terms.qos == QoSLevel::AtMostOnce
            || !matches!(self.find_room(now, message, terms, spare), Err(Denied::Lack(_)));
        if !fits {
            self.clients.counters.routed += 1;
            self.clients.counters.dropped.count(Dropped::Memory, 1);
        }
        fits
    }

    /// Bytes that this shard holds less than it may, but for the reserve.
    pub(crate) fn room_here(&self) -> u64 {
        (self.clients.config.memory_bytes_max - self.reserve()).saturating_sub(self.clients.memory())
    }

    fn reserve(&self) -> u64 {
        self.clients.config.memory_bytes_max / RESERVE_PART
    }

    /// Looks who would keep the message, and whether there is room for that. `spare`: bytes above the bound.
    #[cold]
    fn find_room(
        &mut self,
        now: Time,
        message: &Message<'_>,
        terms: Terms,
        spare: u64,
    ) -> Result<(), Denied> {
        self.flush(now); // what waits to be delivered is on the account then
        let own = self.clients.config.shard;
        let stored = Publications::memory_of(message.size());
        let (entries, shards_of_members) = self.queued_bytes(message, terms.qos);
        let queued = entries.map_or(0, |entries| stored + entries);
        let mut others = shards_of_members;
        if self.clients.config.shards > 1 {
            others |= self.interest.keeping(message.topic);
        }
        let mut here = queued;
        if terms.retain && !message.payload.is_empty() {
            let home = self.home_of_topic(message.topic);
            if home != own {
                others |= 1 << home.0;
            } else if queued == 0 {
                here = self.growth_of_retained(message, stored);
            }
        }
        others &= !(1 << own.0);
        self.refresh_remote_room();
        if here > 0 && !self.has_room(own, here, spare) {
            return Err(self.lack(own, here));
        }
        let mut is_known = true;
        while others != 0 {
            let shard = ShardId(others.trailing_zeros() as u8);
            others &= others - 1;
            let bytes = stored + size_of::<Entry>() as u64;
            if !self.has_room(shard, bytes, spare) {
                return Err(self.lack(shard, bytes));
            }
            is_known &= self.may_send(shard, stored, spare);
        }
        if !is_known {
            return Err(Denied::Unknown);
        }
        let taken = stored + self.admission.remote_fan_out;
        self.admission.remote_room = self.admission.remote_room.saturating_sub(taken);
        Ok(())
    }

    fn lack(&mut self, on: ShardId, bytes: u64) -> Denied {
        self.admission.lacked = on;
        Denied::Lack(Lack { on, bytes })
    }

    /// By how much the retained messages grow: what takes the place of something as large needs no room.
    fn growth_of_retained(&self, message: &Message<'_>, stored: u64) -> u64 {
        let publications = &self.clients.publications;
        match self.retained.get(publications, message.topic) {
            Some(old) => stored.saturating_sub(Publications::memory_of(publications.size(old.publication))),
            None => stored + RETAINED_ENTRY_BYTES,
        }
    }

    /// Whether a shard can take so many bytes more, with all that is on its way there.
    pub(crate) fn has_room(&self, on: ShardId, bytes: u64, spare: u64) -> bool {
        let max = self.clients.config.memory_bytes_max.saturating_add(spare);
        if on == self.clients.config.shard {
            return self.held_here().saturating_add(bytes) <= max;
        }
        self.held_there(on).saturating_add(bytes) <= max - self.reserve()
    }

    fn held_here(&self) -> u64 {
        self.clients.memory() + self.interest.levels.under_way(self.clients.config.shard).bytes
    }

    fn held_there(&self, on: ShardId) -> u64 {
        let under_way = self.under_way(on);
        self.interest.levels.held(on).saturating_add(under_way.bytes)
    }

    /// What no shard but the receiver will know more of.
    fn under_way(&self, to: ShardId) -> UnderWay {
        let mut under_way = self.interest.levels.under_way(to);
        under_way += self.outboxes[usize::from(to.0)].batch.under_way();
        under_way
    }

    /// Bytes that another shard can take, if each message under way is for everybody there.
    fn room_there(&self, on: ShardId, spare: u64) -> u64 {
        let under_way = self.under_way(on);
        let (held, fan_out) = (self.interest.levels.held(on), self.interest.levels.fan_out(on));
        let most = under_way.messages.saturating_mul(fan_out).saturating_add(under_way.bytes);
        let max = self.clients.config.memory_bytes_max.saturating_add(spare);
        max.saturating_sub(held).saturating_sub(most)
    }

    /// Whether a message for which a shard seems to have room may go there now, whoever it is for there. The reserve
    /// is enough for one.
    fn may_send(&self, to: ShardId, stored: u64, spare: u64) -> bool {
        let fan_out = self.interest.levels.fan_out(to);
        let least = stored + fan_out + self.reserve() / 8; // what a shard holds is told with as little delay as that
        least <= self.room_there(to, spare) || self.under_way(to).messages == 0
    }

    /// Asks what the other shards can take.
    pub(crate) fn refresh_remote_room(&mut self) {
        let reserve = self.reserve();
        let (mut room, mut fan_out) = (u64::MAX, 0);
        for other in (0..self.clients.config.shards).map(ShardId).filter(|other| *other != self.id()) {
            room = room.min(self.room_there(other, 0).saturating_sub(reserve));
            fan_out = fan_out.max(self.interest.levels.fan_out(other));
        }
        (self.admission.remote_room, self.admission.remote_fan_out) = (room, fan_out);
        self.admission.is_fresh = true;
    }

    /// Tells the other shards what this one holds, if that has changed by more than a little or is near the bound.
    pub(crate) fn tell_level(&mut self) {
        if self.clients.config.shards == 1 {
            return;
        }
        let (held, max) = (self.clients.memory(), self.clients.config.memory_bytes_max);
        let all = self.clients.sessions.len() * size_of::<Entry>() + self.groups.len() * GROUP_ENTRY_BYTES;
        let changed = held.abs_diff(self.admission.told.0);
        let is_near = changed > 0 && held >= max - max / 8;
        if changed > max / 256 || is_near || all as u64 != self.admission.told.1 {
            self.admission.told = (held, all as u64);
            self.interest.levels.tell(self.clients.config.shard, held, all as u64);
        }
    }

    /// Memory is short: a line for the log, but not for each message.
    pub(crate) fn warn_of_shortage(&mut self, now: Time) {
        if now < self.admission.next_warning {
            return;
        }
        let counters = &self.clients.counters;
        let so_far = (counters.publishes_refused, counters.dropped.get(Dropped::Memory));
        let (refused, dropped) =
            (so_far.0 - self.admission.warned_of.0, so_far.1 - self.admission.warned_of.1);
        let waiting = self.admission.waiting.len() as u64;
        if refused + dropped + waiting == 0 {
            return;
        }
        self.admission.warned_of = so_far;
        self.admission.next_warning = now.saturating_add(WARNING_MS);
        let on = self.admission.lacked;
        let held = if on == self.id() { self.held_here() } else { self.held_there(on) };
        let shortage =
            Shortage { on, held, max: self.clients.config.memory_bytes_max, refused, waiting, dropped };
        self.clients.effects.push_back(Effect::MemoryShort(alloc::boxed::Box::new(shortage)));
    }
}
