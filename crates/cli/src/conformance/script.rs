//! A test's script and how it is run: one line after the other, each said in the transcript.
//!
//! ```text
//! a connect clean=0     connects, and is welcomed
//! a > publish T/x hi    sends a packet; `>+` keeps it back until the next is sent, `>1` sends it byte by byte
//! a < pingresp          the next packet; `X & Y` are two in any order, `~X` need not come; `<5` waits five seconds longer
//! a < closed 82,81      the broker closes; in 5.0 it may say so before, with one of these reasons (or any error)
//! a quiet               nothing has come: PINGREQ, and the next packet is its answer
//! a leave               DISCONNECT, and the broker closes
//! a drop                closes without a word
//! a needs aliasmax      the test ends here, passed, unless the last CONNACK had this property: a server's choice
//! wait 1.5              seconds
//! ```
//! `T/` begins a topic of this test alone. `a2` is another connection with the client id of `a`.

use super::describe::describe;
use super::pattern::{Names, matches, resolve};
use super::peer::{Came, Peer};
use super::words::{self, Who};
use martlet_codec::Version;
use martlet_net::Endpoint;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes of a packet a transcript shows.
const SHOWN_MAX: usize = 48;

/// The least time for a connection to be made, and for what is cleaned up to be gone.
const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// Where the broker is, and who speaks to it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) user_name: Option<String>,
    pub(super) password: Option<Vec<u8>>,
    /// How long each expectation may take.
    pub(super) patience: Duration,
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
    kept_back: Vec<u8>,
    names: Names,
    /// The last CONNACK.
    welcome: String,
    pub(super) transcript: String,
    used: BTreeSet<String>,
    retained: BTreeSet<String>,
}

impl<'a> Run<'a> {
    /// `name` tells this run from all others: letters and digits, 16 at most.
    pub(super) fn new(target: &'a Target, version: Version, name: String) -> Self {
        Run {
            target,
            version,
            prefix: format!("martlet-conformance/{name}/"),
            name,
            peers: BTreeMap::new(),
            kept_back: Vec::new(),
            names: Names::new(),
            welcome: String::new(),
            transcript: String::new(),
            used: BTreeSet::new(),
            retained: BTreeSet::new(),
        }
    }

    /// Runs all lines; the first that is not as expected ends it, with what was expected and what came.
    pub(super) fn script(&mut self, script: &str) -> Result<(), String> {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once(" needs ") {
                Some((_, property)) if !self.welcome.contains(&format!(" {property}=")) => return Ok(()),
                Some(_) => {}
                None => self.line(line)?,
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (peer, rest) = line.split_once(' ').ok_or_else(|| format!("no such line: {line}"))?;
        if peer == "wait" {
            let seconds = rest.parse().map_err(|_| format!("no such line: {line}"))?;
            thread::sleep(Duration::from_secs_f64(seconds));
            self.say(line, &[]);
            return Ok(());
        }
        let (verb, words) = rest.split_once(' ').unwrap_or((rest, ""));
        match verb {
            "connect" => {
                self.send(peer, ">", rest)?;
                self.expect(peer, Duration::ZERO, "connack 00 ?")
            }
            ">" | ">+" | ">1" => self.send(peer, verb, words),
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
                self.say(line, &[]);
                Ok(())
            }
            _ => {
                let longer = verb.strip_prefix('<').ok_or_else(|| format!("no such line: {line}"))?;
                let longer =
                    if longer.is_empty() { 0 } else { longer.parse().map_err(|_| line.to_owned())? };
                self.expect(peer, Duration::from_secs(longer), words)
            }
        }
    }

    fn send(&mut self, peer: &str, how: &str, words: &str) -> Result<(), String> {
        let text = resolve(words, &self.names).replace("T/", &self.prefix);
        let who = self.who(peer);
        self.note(&who, &text);
        let bytes = words::frame(&who, &text)?;
        self.say(&format!("{peer} {how} {words}"), &bytes);
        self.kept_back.extend_from_slice(&bytes);
        if how == ">+" {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.kept_back);
        let step = if how == ">1" { 1 } else { bytes.len() };
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

    /// Remembers what is to be cleaned up.
    fn note(&mut self, who: &Who, text: &str) {
        let words: Vec<_> = text.split_whitespace().collect();
        match words[..] {
            ["connect", ..] => {
                self.used.insert(who.client_id.clone());
                let will = words.iter().find_map(|word| word.strip_prefix("will="));
                let will =
                    will.filter(|will| will.ends_with(",retain")).and_then(|will| will.split(',').next());
                self.retained.extend(will.map(str::to_owned));
            }
            ["publish", topic, ..] if words.contains(&"retain") => {
                self.retained.insert(topic.to_owned());
            }
            _ => {}
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

    fn expect(&mut self, peer: &str, longer: Duration, pattern: &str) -> Result<(), String> {
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

    /// One refusal may come before the end: CONNACK, or DISCONNECT in 5.0.
    fn expect_closed(
        &mut self,
        peer: &str,
        longer: Duration,
        pattern: &str,
        reasons: &str,
    ) -> Result<(), String> {
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

    fn next(&mut self, peer: &str, longer: Duration) -> Result<(Came, String), String> {
        let until = Instant::now() + self.target.patience + longer;
        let came = self.peer(peer)?.next(until);
        let said = match &came {
            Came::Frame(bytes) => {
                let said = describe(self.version, bytes).replace(&self.prefix, "T/");
                self.say(&format!("{peer} < {said}"), bytes);
                if said.starts_with("connack ") {
                    self.welcome.clone_from(&said);
                }
                return Ok((came, said));
            }
            Came::Closed => "closed",
            Came::Silence => "nothing",
        };
        self.say(&format!("{peer} < {said}"), &[]);
        Ok((came, said.to_owned()))
    }

    fn differs(&self, peer: &str, expected: &str, came: &str) -> String {
        format!("expected  {peer} < {}\n  came      {peer} < {came}", resolve(expected, &self.names))
    }

    fn say(&mut self, words: &str, bytes: &[u8]) {
        let mut hex = String::new();
        for byte in bytes.iter().take(SHOWN_MAX) {
            write!(hex, " {byte:02x}").expect("a String takes all that is written");
        }
        let more = if bytes.len() > SHOWN_MAX { " ..." } else { "" };
        let line = format!("{words:<50} {hex}{more}");
        self.transcript.push_str(line.trim_end());
        self.transcript.push('\n');
    }

    /// Ends the sessions and deletes the retained messages that this run has left.
    pub(super) fn clean_up(mut self) {
        let who = Who { version: self.version, ..self.who("") };
        let goodbye = words::frame(&who, "disconnect").unwrap_or_default();
        for peer in self.peers.values_mut() {
            peer.send(&goodbye);
        }
        self.peers.clear();
        for client_id in std::mem::take(&mut self.used) {
            self.once(&Who { client_id, ..who.clone() }, &[]);
        }
        let clear: Vec<_> =
            self.retained.iter().map(|topic| format!("publish {topic} - 1#1 retain")).collect();
        if !clear.is_empty() {
            self.once(&Who { client_id: format!("{}z", self.name), ..who }, &clear);
        }
    }

    /// A connection with a new session that says these things, hears as many answers, and leaves.
    fn once(&self, who: &Who, packets: &[String]) {
        let patience = self.target.patience.max(PATIENCE_MIN);
        let Ok(mut peer) = Peer::connect(&self.target.endpoint, patience) else { return };
        for words in std::iter::once("connect").chain(packets.iter().map(String::as_str)) {
            peer.send(&words::frame(who, words).unwrap_or_default());
            peer.next(Instant::now() + patience);
        }
        peer.send(&words::frame(who, "disconnect").unwrap_or_default());
        peer.next(Instant::now() + patience);
    }
}
