//! What other shards have sent a session of their replays and there was no room for: it waits here, in order, and is
//! no more than they may send ahead.

use super::kib;
use super::target::ReplayTerms;
use crate::clients::Parcelled;
use crate::interface::ShardId;
use crate::session::SessionKey;
use crate::shard::Shard;
use martlet_protocol::{PublicationId, Time};

/// One thing that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parked {
    /// A message, with a reference to it.
    Message { publication: PublicationId, terms: ReplayTerms },
    /// The end of a replay.
    Done { from: ShardId, replay: u64 },
}

impl Shard {
    /// Hands over what waits for a session, as far as there is room for it.
    pub(super) fn resume_parked(&mut self, now: Time, key: SessionKey) {
        while let Some(rare) = &mut self.clients.sessions[key].rare
            && let Some(&first) = rare.parked.front()
        {
            match first {
                Parked::Message { publication, terms } => {
                    if !self.take_replayed(now, key, &mut Parcelled::stored(publication), &terms) {
                        return;
                    }
                    self.unpark(key);
                    let credit = kib(&self.clients.publications.get(publication));
                    self.owe_credit(key, credit, &terms);
                    self.clients.publications.release(publication);
                }
                Parked::Done { from, replay } => {
                    self.unpark(key);
                    self.finish_remote(key, from, replay);
                }
            }
        }
    }

    fn unpark(&mut self, key: SessionKey) {
        let parked = &mut self.clients.sessions[key].rare().parked;
        parked.pop_front();
        if parked.is_empty() {
            *parked = Default::default();
        }
    }

    /// The session ends: what waits for it is let go, and the shards that sent it are owed an answer.
    pub(super) fn drop_parked(&mut self, key: SessionKey) {
        let Some(rare) = &mut self.clients.sessions[key].rare else { return };
        for parked in core::mem::take(&mut rare.parked) {
            match parked {
                Parked::Message { publication, terms } => {
                    rare.owed.entry((terms.from, terms.replay)).or_default();
                    self.clients.publications.release(publication);
                }
                Parked::Done { from, replay } => {
                    rare.owed.remove(&(from, replay)); // it waits for nothing
                }
            }
        }
    }
}
