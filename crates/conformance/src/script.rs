//! A test's script and how it is run: one line after the other, each said in the transcript.
//!
//! ```text
//! a connect clean=0     connects, and is welcomed
//! a > publish T/x hi    sends a packet; `>+` keeps it back until the next is sent, `>3` sends it in parts of three bytes,
//!                       `>!` sends it also if the server has declined it
//! a < pingresp          the next packet; `X & Y` are two in any order, `~X` need not come; `<5` waits five seconds longer
//! a <? suback 1 00      as `<`; if the server refuses instead, the test is skipped
//! a <* pingresp         reads on until this comes; after `unless` what must not come before: the first words of a packet,
//!                       of which `x?` is any that begins with `x`. If the server refuses, the test is skipped
//! a < closed 82,81      the broker closes; in 5.0 it may say so before, with one of these reasons (or any error)
//! a quiet               nothing has come: PINGREQ, and the next packet is its answer
//! a leave               DISCONNECT, and the broker closes
//! a drop                closes without a word
//! a needs aliasmax=?    the test is skipped unless the last CONNACK has this property; also `X=5`, `X<5`, `!X`, and `|`
//!                       between them. From then on `$aliasmax` is its value
//! wait 1.5              seconds
//! repeat 9 ahead 3      the lines until `end` nine times, `{i}` is 1 to 9. The first line, which sends, runs three rounds ahead,
//!   ...                 but never more than the server's Receive Maximum. A name that is new in a round (`$m{i}`) ends with
//! end                   the round
//! ```
//! `T/` begins a topic of this test alone. `a2` is another connection with the client id of `a`. `T/` stands for
//! 34 bytes, in each test. No packet may be longer than the client has announced by `max`.
//!
//! A test is also skipped where it would send what the server has declined in its CONNACK: see [`super::offer`].

use super::describe::describe;
use super::offer::{Offer, missing};
use super::pattern::{Names, begins, is_refusal, matches, resolve};
use super::peer::{Came, Peer};
use super::traces::Traces;
use super::transcript::{Transcript, cut};
use super::words::{self, Who};
use crate::Watch;
use martlet_codec::Version;
use martlet_net::Endpoint;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The least time for a connection to be made, and for what is cleaned up to be gone.
pub(super) const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// All rounds of a `repeat` may take so many times as long as one answer.
const ROUNDS_PATIENCE: u32 = 50;

/// Where the broker is, and who speaks to it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) user_name: Option<String>,
    pub(super) password: Option<Vec<u8>>,
    /// How long each expectation may take.
    pub(super) patience: Duration,
    /// Begins each client id of this process: nine letters and digits.
    pub(super) name: String,
    /// A signal has come: no script goes on.
    pub(super) watch: Option<Arc<dyn Watch>>,
}

impl Target {
    pub(super) fn is_stopped(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_stopped())
    }
}

/// Why a script ended before its last line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// What was expected, and what came.
    Differs(String),
    /// Why there is nothing to test.
    Skipped(String),
    /// A signal has come.
    Interrupted,
}

impl From<String> for Stop {
    fn from(differs: String) -> Self {
        Stop::Differs(differs)
    }
}

/// One run of one script.
pub(super) struct Run<'a> {
    target: &'a Target,
    version: Version,
    /// Begins each client id.
    name: String,
    /// Begins each topic.
    prefix: String,
    peers: BTreeMap<String, Peer>,
    /// The Maximum Packet Size that a connection has announced.
    sizes: BTreeMap<String, usize>,
    kept_back: Vec<u8>,
    names: Names,
    /// What the last CONNACK said; before the first one, what any test has been told.
    offer: Offer,
    transcript: Transcript,
    traces: Traces,
}

impl<'a> Run<'a> {
    /// `name` tells this run from all others: 13 letters and digits.
    pub(super) fn new(target: &'a Target, version: Version, name: String, offer: Offer) -> Self {
        Run {
            target,
            version,
            prefix: format!("martlet-conformance/{name}/"),
            name,
            peers: BTreeMap::new(),
            sizes: BTreeMap::new(),
            kept_back: Vec::new(),
            names: Names::new(),
            offer,
            transcript: Transcript::default(),
            traces: Traces::default(),
        }
    }

    /// Runs all lines; the first that is not as expected ends it.
    pub(super) fn script(&mut self, script: &str) -> Result<(), Stop> {
        let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
        while let Some(line) = lines.next() {
            match line.strip_prefix("repeat ") {
                Some(how) => {
                    let block: Vec<_> = lines.by_ref().take_while(|line| *line != "end").collect();
                    self.repeat(how, &block)?;
                }
                None => self.line(line)?,
            }
        }
        Ok(())
    }

    fn repeat(&mut self, how: &str, block: &[&str]) -> Result<(), Stop> {
        let how = resolve(how, &self.names);
        let (rounds, ahead) = how.split_once(" ahead ").unwrap_or((&how, "1"));
        let (rounds, ahead): (u32, u32) = (number(rounds)?, number(ahead)?);
        let ahead = ahead.min(self.offer.receive_maximum()).clamp(1, rounds);
        let (first, others) = block.split_first().ok_or_else(|| "a repeat without lines".to_owned())?;
        let time = self.target.patience * ROUNDS_PATIENCE;
        let until = Instant::now() + time;
        self.transcript.begin();
        for round in 1..ahead {
            self.line(&first.replace("{i}", &round.to_string()).replacen(" > ", " >+ ", 1))?;
        }
        for round in 1..=rounds {
            if Instant::now() > until {
                return Err(format!("expected  {rounds} rounds\n  came      {round} in {time:?}").into());
            }
            let names = self.names.clone();
            if round + ahead <= rounds + 1 {
                self.line(&first.replace("{i}", &(round + ahead - 1).to_string()))?;
            }
            for line in others {
                self.line(&line.replace("{i}", &round.to_string()))?;
            }
            self.names = names;
        }
        self.transcript.end();
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), Stop> {
        if self.target.is_stopped() {
            return Err(Stop::Interrupted);
        }
        let (peer, rest) = line.split_once(' ').ok_or_else(|| format!("no such line: {line}"))?;
        if peer == "wait" {
            thread::sleep(Duration::from_secs_f64(number(rest)?));
            self.transcript.say(line, &[]);
            return Ok(());
        }
        let (verb, words) = rest.split_once(' ').unwrap_or((rest, ""));
        match verb {
            "connect" => {
                self.send(peer, ">", rest)?;
                self.expect(peer, Duration::ZERO, "connack 00 ?")
            }
            "quiet" => {
                self.send(peer, ">", "ping")?;
                self.expect(peer, Duration::ZERO, "pingresp")
            }
            "leave" => {
                self.send(peer, ">", "disconnect")?;
                self.expect(peer, Duration::ZERO, "closed 00")
            }
            "drop" => {
                self.peers.remove(peer);
                self.transcript.say(line, &[]);
                Ok(())
            }
            "needs" => self.needs(words),
            "<?" => self.expect_or_skip(peer, words),
            "<*" => self.expect_at_last(peer, words),
            "<" => self.expect(peer, Duration::ZERO, words),
            _ => match verb.strip_prefix('<') {
                Some(longer) => self.expect(peer, Duration::from_secs(number(longer)?), words),
                None => self.send(peer, verb, words),
            },
        }
    }

    fn send(&mut self, peer: &str, how: &str, words: &str) -> Result<(), Stop> {
        let how_far = how.strip_prefix('>').ok_or_else(|| format!("no such line: {peer} {how} {words}"))?;
        let text = resolve(words, &self.names).replace("T/", &self.prefix);
        let who = self.who(peer);
        let bytes = words::frame(&who, &text)?;
        if let Some(property) = self.offer.declines(&text, bytes.len()).filter(|_| how_far != "!") {
            return Err(Stop::Skipped(format!("declined: {property}")));
        }
        self.traces.note(&who, &text);
        if text.starts_with("connect") {
            let max = text.split(' ').find_map(|word| word.strip_prefix("max=")?.parse().ok());
            let max = max.filter(|max| *max > 0);
            self.sizes.insert(peer.to_owned(), max.unwrap_or(usize::MAX));
        }
        // Transcripts end up in reports that others read.
        let password = who.password.filter(|password| !password.is_empty() && text.starts_with("connect"));
        let secret = password.and_then(|it| bytes.windows(it.len()).rposition(|part| part == it));
        let line = format!("{peer} {how} {words}");
        self.transcript.say_all_but(&line, &bytes, secret.unwrap_or(bytes.len()));
        self.kept_back.extend_from_slice(&bytes);
        if how_far == "+" {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.kept_back);
        let step = if matches!(how_far, "" | "!") { bytes.len() } else { number(how_far)? };
        let connection = self.peer(peer)?;
        bytes.chunks(step.max(1)).for_each(|part| connection.send(part));
        Ok(())
    }

    fn who(&self, peer: &str) -> Who {
        Who {
            version: self.version,
            client_id: format!("{}{}", self.name, peer.trim_end_matches(|c: char| c.is_ascii_digit())),
            user_name: self.target.user_name.clone(),
            password: self.target.password.clone(),
        }
    }

    fn peer(&mut self, name: &str) -> Result<&mut Peer, String> {
        if !self.peers.contains_key(name) {
            let patience = self.target.patience.max(PATIENCE_MIN);
            let peer = Peer::connect(&self.target.endpoint, patience).map_err(|fault| fault.to_string())?;
            self.peers.insert(name.to_owned(), peer);
        }
        self.peers.get_mut(name).ok_or_else(|| format!("{name} is not connected"))
    }

    fn needs(&mut self, wanted: &str) -> Result<(), Stop> {
        if !self.offer.has(wanted) {
            return Err(Stop::Skipped(missing(wanted)));
        }
        let key: String = wanted.chars().take_while(char::is_ascii_alphabetic).collect();
        self.names.extend(self.offer.value(&key).map(|value| (key, value.to_string())));
        Ok(())
    }

    fn expect(&mut self, peer: &str, longer: Duration, pattern: &str) -> Result<(), Stop> {
        if let Some(reasons) = pattern.strip_prefix("closed") {
            return self.expect_closed(peer, longer, pattern, reasons.trim());
        }
        let mut open: Vec<&str> = pattern.split(" & ").collect();
        while open.iter().any(|one| !one.starts_with('~')) {
            let (came, said) = self.next(peer, longer)?;
            let found = match came {
                Came::Frame(_) => self.position(&open, &said),
                Came::Closed if open.iter().any(|one| one.ends_with("| closed")) => return Ok(()),
                _ => None,
            };
            match found {
                Some(at) => drop(open.remove(at)),
                None => return Err(self.differs(peer, &open.join(" & "), &said)),
            }
        }
        Ok(())
    }

    /// Which of the patterns `said` matches.
    fn position(&mut self, open: &[&str], said: &str) -> Option<usize> {
        open.iter().position(|one| {
            let pattern = resolve(one.trim_start_matches('~'), &self.names);
            matches(&pattern, said, &mut self.names)
        })
    }

    fn expect_or_skip(&mut self, peer: &str, pattern: &str) -> Result<(), Stop> {
        let (came, said) = self.next(peer, Duration::ZERO)?;
        if matches!(came, Came::Frame(_)) && self.position(&[pattern], &said).is_some() {
            return Ok(());
        }
        if came == Came::Closed || is_refusal(&said) {
            return Err(Stop::Skipped(format!("declined: {}", cut(&said))));
        }
        Err(self.differs(peer, pattern, &said))
    }

    fn expect_at_last(&mut self, peer: &str, words: &str) -> Result<(), Stop> {
        let resolved = resolve(words, &self.names);
        let (pattern, unwanted) = resolved.split_once(" unless ").unwrap_or((&resolved, "closed"));
        let until = Instant::now() + self.target.patience;
        self.transcript.begin();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (came, said) = self.next_within(peer, left)?;
            if is_refusal(&said) {
                return Err(Stop::Skipped(format!("declined: {}", cut(&said))));
            }
            if !matches!(came, Came::Frame(_)) || begins(&said, unwanted) {
                return Err(self.differs(peer, words, &said));
            }
            if self.position(&[pattern], &said).is_some() {
                self.transcript.end();
                return Ok(());
            }
        }
    }

    /// One refusal may come before the end: CONNACK, or DISCONNECT in 5.0.
    fn expect_closed(
        &mut self,
        peer: &str,
        longer: Duration,
        pattern: &str,
        reasons: &str,
    ) -> Result<(), Stop> {
        let (mut came, mut said) = self.next(peer, longer)?;
        if matches!(came, Came::Frame(_)) {
            let mut words = said.split(' ');
            let kind = words.next().unwrap_or_default();
            let is_refusal = kind == "connack" || kind == "disconnect" && self.version.is_v5();
            let reason = words.next().unwrap_or_default().to_owned();
            let is_allowed = if reasons.is_empty() { reason != "00" } else { reasons.contains(&reason) };
            if !is_refusal || !is_allowed {
                return Err(self.differs(peer, pattern, &said));
            }
            (came, said) = self.next(peer, longer)?;
        }
        if came != Came::Closed {
            return Err(self.differs(peer, pattern, &said));
        }
        self.peers.remove(peer);
        Ok(())
    }

    fn next(&mut self, peer: &str, longer: Duration) -> Result<(Came, String), Stop> {
        self.next_within(peer, self.target.patience + longer)
    }

    fn next_within(&mut self, peer: &str, time: Duration) -> Result<(Came, String), Stop> {
        let came = self.peer(peer)?.next(Instant::now() + time);
        let said = match &came {
            Came::Frame(bytes) => {
                let said = describe(self.version, bytes).replace(&self.prefix, "T/");
                self.transcript.say(&format!("{peer} < {said}"), bytes);
                let max = self.sizes.get(peer).copied().unwrap_or(usize::MAX);
                if bytes.len() > max {
                    let wanted = format!("at most {max} bytes");
                    return Err(self.differs(peer, &wanted, &format!("{} bytes", bytes.len())));
                }
                if said.starts_with("connack 00") && self.version.is_v5() {
                    self.offer = Offer::new(&said);
                }
                return Ok((came, said));
            }
            Came::Closed => "closed",
            Came::Silence => "nothing",
        };
        self.transcript.say(&format!("{peer} < {said}"), &[]);
        Ok((came, said.to_owned()))
    }

    fn differs(&self, peer: &str, expected: &str, came: &str) -> Stop {
        let (expected, came) = (resolve(expected, &self.names), cut(came));
        Stop::Differs(format!("expected  {peer} < {expected}\n  came      {peer} < {came}"))
    }

    /// Ends the sessions and deletes the retained messages that this run has left; what was said.
    pub(super) fn clean_up(mut self) -> String {
        let who = self.who("");
        let goodbye = words::frame(&who, "disconnect").unwrap_or_default();
        self.peers.values_mut().for_each(|peer| peer.send(&goodbye));
        self.peers.clear();
        self.traces.clean_up(self.target, &who);
        self.transcript.into_text()
    }
}

fn number<N: FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("no number: {word}"))
}
