//! Any bytes against shards: a script of bytes drives several clients, time, authenticators and losses.
//!
//! What holds whatever comes: nothing panics, what the server writes are packets of its role, output and what is
//! kept of unfinished frames are bounded, and no delivery is lost or counted twice (the rig checks that after
//! every step). The fuzz target `server_connection` and the test of the same name share this.

use super::rig::Rig;
use super::words;
use martlet_codec::ReasonCode;
use martlet_shard::{Config, Verdict};

/// Clients of a script.
const CLIENTS: usize = 3;
/// Output above which something is wrong: the high watermark, and what one read may add to it.
const OUTPUT_MAX: usize = 256 * 1024;
/// Bytes of a script that are looked at.
const SCRIPT_MAX: usize = 64 * 1024;

/// Limits so small that scripts reach them.
fn configure(config: &mut Config) {
    let limits = &mut config.limits;
    (limits.maximum_packet_size, limits.receive_maximum, limits.topic_alias_maximum) = (4096, 4, 3);
    (limits.in_flight_max, limits.packet_id_max) = (5, 7);
    (limits.output_high_bytes, limits.output_low_bytes) = (8 * 1024, 2 * 1024);
    (config.queue_bytes_max, config.group_bytes_max) = (16 * 1024, 16 * 1024);
    (config.memory_bytes_max, config.outbox_bytes_max) = (64 * 1024, 16 * 1024);
    (config.subscriptions_max, config.sessions_max) = (16, 8);
    config.work_max = 40;
    config.sys_interval_ms = 10_000;
}

/// What to say so that most of a script happens after CONNACK.
const OPENINGS: [&str; 6] = [
    "v31",
    "v311 clean=0",
    "v5 expiry=30 rm=2 aliasmax=2",
    "v5 method=m",
    "v5 max=60 keep=5 will=t,bye,1,retain",
    "v311",
];

/// Lines that valid sessions are made of; mutations start from them.
pub(crate) const LINES: [&str; 24] = [
    "publish t a",
    "publish t/a b 1#1 retain",
    "publish t/b c 2#2",
    "publish t - retain",
    "publish t/a *2000 1#3",
    "publish t/long d alias=1",
    "publish - e alias=1",
    "publish u f 1#4 mexp=3 prop=k:v",
    "pubrel 2",
    "puback 1",
    "puback 2",
    "pubrec 1",
    "pubrec 2",
    "pubcomp 1",
    "pubcomp 2",
    "subscribe 5 t/#@1",
    "subscribe 6 #@2p t@0n",
    "subscribe 7 $share/g/t/+@1 sub=9",
    "subscribe 8 $SYS/#@0h1",
    "unsubscribe 9 t/# $share/g/t/+",
    "ping",
    "auth 19 method=m data=d",
    "auth 18 method=m data=d",
    "disconnect 04",
];

/// A script, read from the front.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (front, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        front
    }
}

/// Plays a script.
pub(crate) fn server_connection(script: &[u8]) {
    let mut script = Script(&script[..script.len().min(SCRIPT_MAX)]);
    let first = script.byte().unwrap_or(0);
    let mut rig = Rig::with(1 + (first & 1), configure);
    rig.lenient = true;
    if first & 2 != 0 {
        rig.chunk = 1 + usize::from(first >> 2);
    }
    while let Some(verb) = script.byte() {
        let name = ["a", "b", "c"][usize::from(verb >> 4) % CLIENTS];
        let argument = script.byte().unwrap_or(0);
        step(&mut rig, name, verb & 15, usize::from(argument), &mut script);
        check(&mut rig);
    }
    rig.hold_mail = false;
    for name in ["a", "b", "c"] {
        if rig.clients.contains_key(name) {
            rig.cut(name);
        }
    }
    rig.pass(40);
    let counters = rig.counters();
    assert_eq!((counters.connections, counters.clients_connected), (0, 0), "{counters:?}");
}

fn step(rig: &mut Rig, name: &str, verb: u8, argument: usize, script: &mut Script<'_>) {
    let is_open = rig.clients.contains_key(name) && rig.is_open(name);
    match verb {
        _ if !is_open && verb < 12 => {
            let opening = OPENINGS[argument % OPENINGS.len()];
            let ask = if argument & 0x40 != 0 { " ask" } else { "" };
            rig.open(name, &format!("{opening}{ask}"));
            if argument & 0x80 == 0 {
                rig.write(
                    name,
                    &words::connect(name, &format!("{opening} id={}", ["x", "y"][argument >> 4 & 1])),
                );
            }
        }
        0..=3 => rig.write(name, script.take(argument)),
        4..=8 => {
            let version = rig.client(name).version;
            let mut packet = words::packet(version, LINES[argument % LINES.len()]);
            mutate(&mut packet, argument, script);
            rig.write(name, &packet);
        }
        9 => rig.limit_reading(name, argument * 16),
        10 => rig.limit_reading(name, usize::MAX),
        11 => rig.cut(name),
        12 => {
            rig.hold_mail = false;
            rig.pass_ms((argument * argument) as u64);
        }
        13 => rig.hold_mail = !rig.hold_mail,
        14 if argument == 255 => rig.stop(),
        _ => answer(rig, name, argument),
    }
}

/// Sometimes bends a packet.
fn mutate(packet: &mut Vec<u8>, argument: usize, script: &mut Script<'_>) {
    if argument < 128 {
        return;
    }
    let (at, by) = (usize::from(script.byte().unwrap_or(0)), script.byte().unwrap_or(0));
    let at = at % packet.len();
    match by % 8 {
        0 => packet.truncate(at + 1),
        1 => packet.insert(at, by),
        _ => packet[at] ^= by,
    }
}

fn answer(rig: &mut Rig, name: &str, argument: usize) {
    if rig.clients.get(name).is_none_or(|client| client.at.is_none() || client.asked.is_empty()) {
        return;
    }
    let method = rig.asked(name).method.is_some(); // only then there are challenges
    let data: Box<[u8]> = Box::from(&b"data"[..]);
    rig.answer(
        name,
        match argument % 4 {
            0 => Verdict::Refuse(ReasonCode::NotAuthorized),
            1 if method => Verdict::Continue { data },
            2 if method => Verdict::Accept { data: Some(data) },
            _ => Verdict::Accept { data: None },
        },
    );
}

fn check(rig: &mut Rig) {
    for name in ["a", "b", "c"] {
        if rig.clients.contains_key(name) {
            rig.client(name).heard.clear();
            if rig.is_open(name) {
                let waits = rig.waiting(name);
                assert!(waits < OUTPUT_MAX, "{waits} bytes of output");
            }
        }
    }
    for shard in &rig.shards {
        let counters = shard.counters();
        assert!(counters.stored_bytes < 512 * 1024, "{counters:?}");
    }
}
