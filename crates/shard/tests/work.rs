//! The bound on the work of one turn: a heap of small packets is dealt with in portions, in order, and nobody has to
//! wait for all of it.

use martlet_protocol::Time;
use martlet_shard::{Admission, Config, ConnectionId, Effect, Input, Interest, Shard};
use std::sync::Arc;

const CLIENT: ConnectionId = ConnectionId(0);
const MESSAGES: u8 = 100;
const WORK_MAX: u32 = 7;

#[test]
fn what_is_too_much_for_one_turn_waits_for_the_next() {
    let config = Config { work_max: WORK_MAX, sys_interval_ms: 0, ..Config::default() };
    let mut shard = Shard::new(config, Arc::new(Interest::new()));
    let now = Time::from_millis(1);
    let opened = Input::Opened { connection: CLIENT, opened_at: now, admission: Admission::Anyone };
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
