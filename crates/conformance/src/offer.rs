//! What a server offers: the properties of its CONNACK that say less than everything (section 3.2.2.3).
//!
//! A test that needs more than that has nothing to test; instead, the refusal has a test of its own. Servers of 3.1.1 have
//! no way to say it, so what they say in 5.0 counts there, too.

/// The properties by their words in a script, and the greatest value that each has.
#[rustfmt::skip]
pub(super) const OFFERS: [(&str, &str); 9] = [
    ("rm", "Receive Maximum"), ("maxqos", "Maximum QoS"), ("retain", "Retain Available"), ("max", "Maximum Packet Size"),
    ("aliasmax", "Topic Alias Maximum"), ("wildcards", "Wildcard Subscription Available"),
    ("subids", "Subscription Identifiers Available"), ("shared", "Shared Subscription Available"),
    ("keep", "Server Keep Alive"),
];

/// The properties of a CONNACK, as [`super::describe`] says it.
#[derive(Clone, Debug, Default)]
pub(super) struct Offer {
    connack: String,
}

impl Offer {
    pub(super) fn new(connack: &str) -> Self {
        Offer { connack: connack.to_owned() }
    }

    /// What is left of it in 3.1.1, where a client keeps its own Keep Alive.
    pub(super) fn of_311(&self) -> Self {
        let words = self.connack.split(' ').filter(|word| !word.starts_with("keep="));
        Offer { connack: words.collect::<Vec<_>>().join(" ") }
    }

    /// Whether the CONNACK has this: `X=?`, `X=5`, `X<5`, or `!` before one of them; `|` is either.
    pub(super) fn has(&self, wanted: &str) -> bool {
        wanted.split(" | ").any(|one| match one.strip_prefix('!') {
            Some(one) => !self.has_one(one),
            None => self.has_one(one),
        })
    }
    fn has_one(&self, wanted: &str) -> bool {
        if let Some((key, below)) = wanted.split_once('<') {
            return self
                .value(key)
                .zip(below.parse().ok())
                .is_some_and(|(value, below): (u32, u32)| value < below);
        }
        let (key, wanted) = wanted.split_once('=').unwrap_or((wanted, "?"));
        self.value(key).is_some_and(|value| wanted == "?" || value.to_string() == wanted)
    }

    pub(super) fn value(&self, key: &str) -> Option<u32> {
        let value = |word: &str| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok();
        self.connack.split(' ').find_map(value)
    }

    pub(super) fn receive_maximum(&self) -> u32 {
        self.value("rm").unwrap_or(u16::MAX.into())
    }

    /// The property because of which a client must not send these words, which are `len` bytes.
    pub(super) fn declines(&self, words: &str, len: usize) -> Option<&'static str> {
        let key = self.declines_size(len).or_else(|| {
            let mut words = words.split_whitespace();
            match words.next()? {
                "connect" => words.find_map(|word| self.declines_will(word)),
                "publish" => words.skip(2).find_map(|word| self.declines_message(word)),
                "subscribe" => words.skip(1).find_map(|word| self.declines_filter(word)),
                _ => None,
            }
        })?;
        Some(property(key))
    }
    fn declines_size(&self, len: usize) -> Option<&'static str> {
        self.value("max").filter(|max| len as u64 > u64::from(*max)).map(|_| "max")
    }
    fn declines_will(&self, word: &str) -> Option<&'static str> {
        let mut will = word.strip_prefix("will=")?.split(',').skip(2);
        let qos = will.next().and_then(|qos| self.declines_qos(qos));
        qos.or_else(|| will.next().and_then(|retain| self.declines_message(retain)))
    }
    fn declines_message(&self, word: &str) -> Option<&'static str> {
        match (word.split_once('#'), word.strip_prefix("alias=")) {
            (Some((qos, _)), _) => self.declines_qos(qos),
            (_, Some(alias)) => {
                let alias: u32 = alias.parse().ok()?;
                (alias > self.value("aliasmax").unwrap_or(0)).then_some("aliasmax")
            }
            _ => (word == "retain" && self.value("retain") == Some(0)).then_some("retain"),
        }
    }
    fn declines_filter(&self, word: &str) -> Option<&'static str> {
        let (filter, options) = word.split_once('@').unwrap_or((word, "0"));
        let lacks =
            |key: &'static str, is_needed: bool| (is_needed && self.value(key) == Some(0)).then_some(key);
        lacks("subids", word.starts_with("sub="))
            .or_else(|| lacks("shared", filter.starts_with("$share/")))
            .or_else(|| lacks("wildcards", filter.contains(['+', '#'])))
            .or_else(|| self.declines_qos(&options[..options.len().min(1)]))
    }
    fn declines_qos(&self, qos: &str) -> Option<&'static str> {
        let qos: u32 = qos.parse().ok()?;
        self.value("maxqos").filter(|max| qos > *max).map(|_| "maxqos")
    }
}

/// Why a test is skipped whose script needs this of a CONNACK.
pub(super) fn missing(wanted: &str) -> String {
    let key: String = wanted.trim_start_matches('!').chars().take_while(char::is_ascii_alphabetic).collect();
    let name = property(&key);
    match wanted.split_once('<') {
        _ if wanted.starts_with('!') => format!("announced: {name}"),
        Some((_, below)) => format!("not declined: no {name} below {below}"),
        None if wanted.ends_with("=?") => format!("declined: {name}"),
        None => format!("not declined: {name}"),
    }
}

fn property(key: &str) -> &'static str {
    OFFERS.iter().find(|(word, _)| *word == key).map_or("a property of CONNACK", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declined() {
        let offer =
            Offer::new("connack 00 new maxqos=1 retain=0 wildcards=0 shared=0 subids=0 aliasmax=3 max=99");
        let declined = |words: &str| offer.declines(words, 9);
        assert_eq!(declined("publish t p 2#1"), Some("Maximum QoS"));
        assert_eq!(declined("publish t p 1#1 dup alias=3"), None);
        assert_eq!(declined("publish t p alias=4"), Some("Topic Alias Maximum"));
        assert_eq!(declined("publish t p retain"), Some("Retain Available"));
        assert_eq!(declined("publish retain 2#1"), None);
        assert_eq!(declined("connect will=t,p,2"), Some("Maximum QoS"));
        assert_eq!(declined("connect will=t,p,1,retain"), Some("Retain Available"));
        assert_eq!(declined("subscribe 1 a b/+@1"), Some("Wildcard Subscription Available"));
        assert_eq!(declined("subscribe 1 $share/g/a"), Some("Shared Subscription Available"));
        assert_eq!(declined("subscribe 1 a sub=7"), Some("Subscription Identifiers Available"));
        assert_eq!(declined("subscribe 1 a@2"), Some("Maximum QoS"));
        assert_eq!(offer.declines("ping", 100), Some("Maximum Packet Size"));
        let everything = Offer::new("connack 00 new");
        assert_eq!(everything.declines("subscribe 1 $share/g/#@2 sub=1", 100), None);
        assert_eq!(everything.declines("publish t p 2#1 retain", 100), None);
        assert_eq!(everything.declines("publish t p alias=1", 100), Some("Topic Alias Maximum"));
    }

    #[test]
    fn what_a_script_needs() {
        let offer = Offer::new("connack 00 new aliasmax=10 retain=0");
        assert!(offer.has("aliasmax=?") && offer.has("aliasmax<11") && offer.has("retain=0"));
        assert!(!offer.has("aliasmax<10") && !offer.has("max=?") && !offer.has("!retain"));
        assert!(offer.has("!max") && offer.has("aliasmax<5 | !max"));
        assert_eq!(missing("aliasmax=?"), "declined: Topic Alias Maximum");
        assert_eq!(missing("retain=0"), "not declined: Retain Available");
        assert_eq!(missing("rm<65535"), "not declined: no Receive Maximum below 65535");
    }
}
