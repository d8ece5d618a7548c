//! A connection's life in the log: one line when the client is accepted, one when the connection ends.
//!
//! What a client chose is never written as it came: it cannot begin a line, move a cursor, or fill the disk.

use super::Reactor;
use martlet_codec::Version;
use martlet_shard::{EndReason, Life, Shortage};
use std::fmt::{self, Write};
use tracing::field::{Value, display};

/// Characters of a client's text that a line shows.
const SHOWN_MAX: usize = 128;

/// A value, or a dash.
struct OrDash<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrDash<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// A text that a client chose: control and direction characters are escaped, and a long one is cut.
struct Foreign<'a>(&'a str);

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shown, character) in self.0.chars().enumerate() {
            match character {
                _ if shown == SHOWN_MAX => return f.write_str("..."),
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    write!(f, "{}", character.escape_unicode())?;
                }
                _ if character.is_control() => write!(f, "{}", character.escape_default())?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// A client id or a user name, a dash where there is none. A text with a space, `=` or `"` is a string to the
/// log's formatter, which quotes it where that matters; any other stands as it is.
fn foreign(text: Option<&str>) -> Box<dyn Value> {
    let text = text.filter(|text| !text.is_empty());
    let shown = OrDash(text.map(Foreign)).to_string();
    if shown.contains([' ', '=', '"']) { Box::new(shown) } else { Box::new(display(shown)) }
}

/// Messages find no room: which limit, how much is held, and what became of them.
pub(super) fn log_shortage(shortage: &Shortage) {
    tracing::warn!(
        refused = shortage.refused,
        waiting = shortage.waiting,
        dropped = shortage.dropped,
        held_bytes = shortage.held,
        max_bytes = shortage.max,
        shard = shortage.on.0,
        "memory_bytes_max is reached (max_bytes is the part of one shard): messages are refused"
    );
}

impl Reactor {
    pub(super) fn log_connected(&self, life: &Life) {
        tracing::info!(
            client = foreign(life.client_id.as_deref()),
            user = life.user_name.as_deref().map(|user| foreign(Some(user))),
            address = %life.origin.peer,
            version = %OrDash::<Version>(life.version),
            keep_alive_s = life.keep_alive_s,
            clean_start = life.clean_start,
            shard = self.id.0,
            "client connected"
        );
    }

    /// There are no accounts: whoever is accepted with a user name or a password was not asked for it.
    pub(super) fn warn_of_unchecked(&self, life: &Life) {
        let has_credentials = life.user_name.is_some() || life.has_password;
        let listener = &life.origin.listener;
        let warning = self.unchecked.get(usize::from(listener.number)).filter(|_| has_credentials);
        let Some(count) = warning.and_then(|warning| warning.count(self.now)) else { return };
        tracing::warn!(
            listener = %listener.name,
            count,
            client = foreign(life.client_id.as_deref()),
            user = life.user_name.as_deref().map(|user| foreign(Some(user))),
            address = %life.origin.peer,
            "user names and passwords are not checked: no accounts are configured, any client is accepted"
        );
    }

    pub(super) fn log_ended(&self, life: &Life, reason: EndReason) {
        tracing::info!(
            client = foreign(life.client_id.as_deref()),
            user = life.user_name.as_deref().map(|user| foreign(Some(user))),
            address = %life.origin.peer,
            version = %OrDash::<Version>(life.version),
            reason = %reason,
            packet_bytes = life.oversized.as_ref().map(|packet| packet.size),
            packet_bytes_max = life.oversized.as_ref().map(|packet| packet.limit),
            topic = life.oversized.as_ref().and_then(|packet| Some(foreign(Some(packet.topic.as_deref()?)))),
            duration_ms = self.now.since(life.origin.opened_at),
            packets_received = life.packets_received,
            messages_received = life.messages.0,
            messages_sent = life.messages.1,
            bytes_received = life.bytes.0,
            bytes_sent = life.bytes.1,
            shard = self.id.0,
            "connection ended"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_writes_no_line_of_its_own() {
        let shown = |text: &str| Foreign(text).to_string();
        assert_eq!(shown("pump/7 \u{e9}"), "pump/7 \u{e9}");
        assert_eq!(shown("a\n2026 INFO b\u{1b}[31m"), r"a\n2026 INFO b\u{1b}[31m");
        assert_eq!(shown("\u{9b}1m\u{7f}\u{202e}x"), r"\u{9b}1m\u{7f}\u{202e}x");
        assert_eq!(shown(&"y".repeat(65_535)).len(), SHOWN_MAX + 3);
    }
}
