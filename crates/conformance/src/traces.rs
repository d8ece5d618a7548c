//! What a test leaves at the broker, and how it is deleted: sessions, retained messages.

use super::peer::Peer;
use super::script::{PATIENCE_MIN, Target};
use super::words::{self, Who};
use std::collections::BTreeSet;
use std::time::Instant;

#[derive(Default)]
pub(super) struct Traces {
    sessions: BTreeSet<String>,
    retained: BTreeSet<String>,
}

impl Traces {
    /// Remembers what the packet of these words may leave.
    pub(super) fn note(&mut self, who: &Who, text: &str) {
        let mut words = text.split_whitespace();
        match (words.next(), words.next()) {
            (Some("connect"), _) => {
                if !self.sessions.contains(&who.client_id) {
                    self.sessions.insert(who.client_id.clone());
                }
                let will = text.split_whitespace().find_map(|word| word.strip_prefix("will="));
                let will =
                    will.filter(|will| will.ends_with(",retain")).and_then(|will| will.split(',').next());
                self.retained.extend(will.map(str::to_owned));
            }
            (Some("publish"), Some(topic)) if words.any(|word| word == "retain") => {
                self.retained.insert(topic.to_owned());
            }
            _ => {}
        }
    }

    /// `who` begins each client id.
    pub(super) fn clean_up(self, target: &Target, who: &Who) {
        for client_id in self.sessions {
            once(target, &Who { client_id, ..who.clone() }, &[]);
        }
        let clear: Vec<_> =
            self.retained.iter().map(|topic| format!("publish {topic} - 1#1 retain")).collect();
        if !clear.is_empty() {
            once(target, &Who { client_id: format!("{}z", who.client_id), ..who.clone() }, &clear);
        }
    }
}

/// A connection with a new session that says these things, hears as many answers, and leaves.
fn once(target: &Target, who: &Who, packets: &[String]) {
    let patience = target.patience.max(PATIENCE_MIN);
    let Ok(mut peer) = Peer::connect(&target.endpoint, patience) else { return };
    for words in std::iter::once("connect").chain(packets.iter().map(String::as_str)) {
        peer.send(&words::frame(who, words).unwrap_or_default());
        peer.next(Instant::now() + patience);
    }
    peer.send(&words::frame(who, "disconnect").unwrap_or_default());
    peer.next(Instant::now() + patience);
}
