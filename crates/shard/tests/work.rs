//! The bound on the work of one turn: a heap of small packets is dealt with in portions, in order, and nobody has to
//! wait for all of it.

use martlet_protocol::Time;
use martlet_shard::{
    Batch, Config, ConnectionId, Effect, Input, Interest, Listener, Origin, Peer, Shard, ShardId,
};
use std::sync::Arc;

const CLIENT: ConnectionId = ConnectionId { slot: 0, generation: 0 };
const MESSAGES: u8 = 100;
const WORK_MAX: u32 = 7;

#[test]
fn what_is_too_much_for_one_turn_waits_for_the_next() {
    let config = Config { work_max: WORK_MAX, sys_interval_ms: 0, ..Config::default() };
    let mut shard = Shard::new(config, Arc::new(Interest::new()));
    let now = Time::from_millis(1);
    let opened = Input::Opened { connection: CLIENT, origin: origin(now) };
    shard.handle(now, opened);
    let mut bytes = b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01c\x82\x06\0\x01\0\x01t\0".to_vec();
    (0..MESSAGES).for_each(|number| bytes.extend([0x30, 4, 0, 1, b't', number]));
    shard.handle(now, Input::Received { connection: CLIENT, bytes: &bytes });

    let mut turns = 0;
    loop {
        turns += 1;
        let delivered = shard.counters().delivered;
        assert!(delivered <= turns * u64::from(WORK_MAX), "{delivered} after {turns} turns");
        let effects: Vec<Effect> = std::iter::from_fn(|| shard.poll_effect()).collect();
        let pauses = effects.iter().filter(|effect| matches!(effect, Effect::PauseReading(_))).count();
        if delivered == u64::from(MESSAGES) {
            break;
        }
        assert_eq!(pauses, 1, "its reading waits too");
        assert_eq!(shard.poll_timeout(), Some(Time::default()), "it goes on at once");
        shard.handle(now, Input::Timeout);
    }
    assert!(turns > u64::from(MESSAGES) / u64::from(WORK_MAX));
    let output: Vec<u8> = shard.output(CLIENT).flatten().copied().collect();
    let numbers: Vec<u8> = output.split_at(4 + 5).1.chunks(6).map(|publish| publish[5]).collect();
    assert_eq!(numbers, (0..MESSAGES).collect::<Vec<_>>());
}

fn origin(opened_at: Time) -> Origin {
    Origin { listener: Arc::new(Listener::open("test")), peer: Peer::Unix, opened_at }
}

/// Connects the first client `a`, `b`, ... whose home is this shard.
fn connect_at_home(shard: &mut Shard, now: Time) {
    for name in b'a'..=b'z' {
        let opened = Input::Opened { connection: CLIENT, origin: origin(now) };
        shard.handle(now, opened);
        let connect = [b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01", &[name][..]].concat();
        shard.handle(now, Input::Received { connection: CLIENT, bytes: &connect });
        let mut effects = std::iter::from_fn(|| shard.poll_effect());
        if !effects.any(|effect| matches!(effect, Effect::Move { .. })) {
            return;
        }
    }
    unreachable!("half of the names are at home");
}

/// Two shards, with a client each, that do little in a turn.
fn two_with_little_work(now: Time) -> [Shard; 2] {
    let interest = Arc::new(Interest::new());
    [0, 1].map(|number| {
        let (shard, work_max) = (ShardId(number), WORK_MAX);
        let config = Config { shard, shards: 2, work_max, sys_interval_ms: 0, ..Config::default() };
        let mut shard = Shard::new(config, Arc::clone(&interest));
        connect_at_home(&mut shard, now);
        shard
    })
}

#[test]
fn mail_that_is_no_message_is_work_too() {
    let now = Time::from_millis(1);
    let [mut from, mut to] = two_with_little_work(now);
    // Half of the groups are at home on the other shard, and joined by mail.
    let subscribe = |group: u8| [b"\x82\x0f\0\x01\0\x0a$share/", &[group][..], b"/t\0"].concat();
    let subscribes: Vec<u8> = (b'A'..=b'z').flat_map(subscribe).collect();
    from.handle(now, Input::Received { connection: CLIENT, bytes: &subscribes });
    let batch = from.take_mail(ShardId(1), Batch::default).unwrap();
    to.handle(now, Input::Mail { from: ShardId(0), batch });
    assert!(!to.wants_mail(), "a rest waits for the next turn");
    (0..100).for_each(|_| to.handle(now, Input::Timeout));
    assert!(to.wants_mail());
}

#[test]
fn a_batch_that_is_too_much_for_one_turn_is_opened_in_several() {
    let now = Time::from_millis(1);
    let [mut from, mut to] = two_with_little_work(now);
    to.handle(now, Input::Received { connection: CLIENT, bytes: b"\x82\x06\0\x01\0\x01t\0" });
    let publishes: Vec<u8> = (0..MESSAGES).flat_map(|number| [0x30, 4, 0, 1, b't', number]).collect();
    from.handle(now, Input::Received { connection: CLIENT, bytes: &publishes });
    let batch = from.take_mail(ShardId(1), Batch::default).unwrap();
    let size = batch.size() / usize::from(MESSAGES);
    assert!((50..200).contains(&size), "{size} bytes for two of a message, and what says where it is to go");

    to.handle(now, Input::Mail { from: ShardId(0), batch });
    let mut turns = 1;
    while !to.wants_mail() {
        assert!(to.counters().delivered <= turns * u64::from(WORK_MAX));
        assert_eq!(to.poll_timeout(), Some(Time::default()), "it goes on at once");
        to.handle(now, Input::Timeout);
        turns += 1;
    }
    assert!(turns > u64::from(MESSAGES) / u64::from(WORK_MAX));
    let output: Vec<u8> = to.output(CLIENT).flatten().copied().collect();
    let numbers: Vec<u8> = output.split_at(4 + 5).1.chunks(6).map(|publish| publish[5]).collect();
    assert_eq!(numbers, (0..MESSAGES).collect::<Vec<_>>());
}

#[test]
fn a_batch_is_empty_when_it_is_used_again() {
    let interest = Arc::new(Interest::new());
    let mut shards = [0, 1].map(|number| {
        let config = Config { shard: ShardId(number), shards: 2, sys_interval_ms: 0, ..Config::default() };
        Shard::new(config, Arc::clone(&interest))
    });
    let now = Time::from_millis(1);
    for (shard, subscribe) in shards.iter_mut().zip([b"\x82\x06\0\x01\0\x01t\0", b"\x82\x06\0\x01\0\x01u\0"])
    {
        connect_at_home(shard, now);
        shard.handle(now, Input::Received { connection: CLIENT, bytes: subscribe });
    }
    let (mut sizes, mut emptied) = (Vec::new(), None);
    for round in 0..6 {
        for (from, topic) in [(0, b'u'), (1, b't')] {
            let publishes: Vec<u8> =
                (0..MESSAGES).flat_map(|number| [0x30, 4, 0, 1, topic, number]).collect();
            shards[from].handle(now, Input::Received { connection: CLIENT, bytes: &publishes });
            let empty = || emptied.take().unwrap_or_default();
            let batch = shards[from].take_mail(ShardId(1 - from as u8), empty).unwrap();
            if round > 1 {
                sizes.push(batch.size()); // whoever begins asks for retained messages, too
            }
            shards[1 - from].handle(now, Input::Mail { from: ShardId(from as u8), batch });
            assert!(shards[1 - from].wants_mail());
            let (sender, batch) = shards[1 - from].take_emptied().unwrap();
            assert!(sender == ShardId(from as u8) && batch.is_empty());
            emptied = Some(batch);
            shards[1 - from].handle(now, Input::MailDrained);
        }
    }
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
}

#[test]
fn a_search_among_retained_messages_takes_several_turns() {
    const TOPICS: u32 = 10_000;
    let mut shard = Shard::new(Config { sys_interval_ms: 0, ..Config::default() }, Arc::new(Interest::new()));
    let now = Time::from_millis(1);
    connect_at_home(&mut shard, now);
    for number in 0..TOPICS {
        let publish = [b"\x31\x08\0\x05", format!("{number:05}x").as_bytes()].concat();
        shard.handle(now, Input::Received { connection: CLIENT, bytes: &publish });
    }
    while shard.poll_timeout() == Some(Time::default()) {
        shard.handle(now, Input::Timeout);
    }
    assert_eq!(shard.counters().retained, u64::from(TOPICS));
    shard.handle(now, Input::Received { connection: CLIENT, bytes: b"\x82\x08\0\x01\0\x03+/x\0" });
    let mut turns = 0;
    while shard.poll_timeout() == Some(Time::default()) {
        shard.handle(now, Input::Timeout);
        turns += 1;
    }
    assert!((2..100).contains(&turns), "{turns}");
}

/// The topic of 12 levels that visits as many nodes as there can be, and one subscriber: nodes are work, too.
#[test]
fn messages_that_visit_many_nodes_are_few_in_a_turn() {
    const LEVELS: usize = 12;
    const VISITS: u64 = (1 << (LEVELS + 1)) - 1;
    let config = Config { sys_interval_ms: 0, ..Config::default() };
    let most = u64::from(config.work_max) / VISITS + 1;
    let mut shard = Shard::new(config, Arc::new(Interest::new()));
    let now = Time::from_millis(1);
    connect_at_home(&mut shard, now);
    for bits in 0..(1_u32 << LEVELS) {
        let levels: Vec<_> =
            (0..LEVELS).map(|level| if bits >> level & 1 == 0 { "+" } else { "a" }).collect();
        let subscribe = [&b"\x82\x1c\0\x01\0\x17"[..], levels.join("/").as_bytes(), &[0]].concat();
        shard.handle(now, Input::Received { connection: CLIENT, bytes: &subscribe });
    }
    // Each has another topic, so that no route is remembered: the last level is different.
    let topics =
        (0..MESSAGES).map(|n| format!("{}{}", "a/".repeat(LEVELS - 1), if n % 2 == 0 { "a" } else { "b" }));
    let publishes: Vec<u8> =
        topics.flat_map(|topic| [&b"\x30\x19\0\x17"[..], topic.as_bytes()].concat()).collect();
    let (mut before, mut turns) = (0, 0);
    shard.handle(Time::from_millis(2), Input::Received { connection: CLIENT, bytes: &publishes });
    while before < u64::from(MESSAGES) {
        let received = shard.counters().publishes_received;
        assert!(received - before <= most + 1, "{} messages in turn {turns}", received - before);
        (before, turns) = (received, turns + 1);
        shard.handle(Time::from_millis(3), Input::Timeout);
    }
    assert!(turns as u64 >= u64::from(MESSAGES) / (most + 1), "{turns}");
    assert_eq!(shard.counters().subscriptions_refused, 0);
}

/// Messages that all replays together send in one turn: 8 steps of 256 keys, and as many again at its time-out.
const REPLAYED_MAX: u64 = 2 * 8 * 256;
/// Messages that others publish in each turn.
const LIVE: u64 = 10;

#[test]
fn a_replay_of_all_retained_messages_lets_others_in_between() {
    const TOPICS: u32 = 20_000;
    let mut shard = Shard::new(Config { sys_interval_ms: 0, ..Config::default() }, Arc::new(Interest::new()));
    let mut now = Time::from_millis(1);
    connect_at_home(&mut shard, now);
    for number in 0..TOPICS {
        now = now.saturating_add(1);
        let publish = [b"\x31\x09\0\x06", format!("r{number:05}x").as_bytes()].concat();
        shard.handle(now, Input::Received { connection: CLIENT, bytes: &publish });
    }
    assert_eq!(shard.counters().retained, u64::from(TOPICS));
    let subscribe = b"\x82\x06\0\x01\0\x01#\0";
    let (mut delivered, mut turns, mut said) = (0, 0, 0);
    shard.handle(now, Input::Received { connection: CLIENT, bytes: subscribe });
    loop {
        let grown = shard.counters().delivered - delivered;
        assert!(grown <= REPLAYED_MAX + LIVE, "{grown} messages in turn {turns}");
        (delivered, turns) = (delivered + grown, turns + 1);
        if delivered - said == u64::from(TOPICS) {
            break;
        }
        now = now.saturating_add(1);
        // What is published meanwhile is delivered in the same turn, and does not hurry the replay.
        for _ in 0..LIVE {
            let live = shard.counters().delivered;
            shard.handle(now, Input::Received { connection: CLIENT, bytes: b"\x30\x05\0\x03now" });
            assert!(shard.counters().delivered > live, "turn {turns}");
        }
        said += LIVE;
        let bytes = shard.output(CLIENT).map(<[u8]>::len).sum();
        shard.handle(now, Input::Transmitted { connection: CLIENT, bytes });
        shard.handle(now, Input::Timeout);
    }
    assert!(turns as u64 >= u64::from(TOPICS) / REPLAYED_MAX, "{turns}");
}

#[test]
fn what_is_little_work_is_done_in_one_turn() {
    let mut shard = Shard::new(Config { sys_interval_ms: 0, ..Config::default() }, Arc::new(Interest::new()));
    let now = Time::from_millis(1);
    connect_at_home(&mut shard, now);
    shard.handle(now, Input::Received { connection: CLIENT, bytes: b"\x82\x08\0\x01\0\x03+/x\0" });
    let publishes: Vec<u8> =
        (0..MESSAGES).flat_map(|number| [0x30, 6, 0, 3, b't', b'/', b'x', number]).collect();
    shard.handle(now, Input::Received { connection: CLIENT, bytes: &publishes });
    assert_eq!(shard.counters().delivered, u64::from(MESSAGES));
    assert_ne!(shard.poll_timeout(), Some(Time::default()), "nothing is left to do");
}
