//! When the owner of a socket is told that there is output: once, until it says that it wrote.

use super::common::words::{self, hex};
use martlet_codec::Version;
use martlet_protocol::Time;
use martlet_shard::{Config, ConnectionId, Effect, Input, Interest, Listener, Origin, Peer, Shard};
use std::sync::Arc;

const ID: ConnectionId = ConnectionId { slot: 0, generation: 0 };
const NOW: Time = Time::from_millis(1000);

/// How often it is told so after this.
fn told(shard: &mut Shard, input: Input<'_>) -> usize {
    shard.handle(NOW, input);
    let effects: Vec<Effect> = std::iter::from_fn(|| shard.poll_effect()).collect();
    effects.iter().filter(|effect| matches!(effect, Effect::Transmit(_))).count()
}

#[test]
fn the_owner_of_a_socket_is_told_once() {
    let config = Config { sys_interval_ms: 0, ..Config::default() };
    let mut shard = Shard::new(config, Interest::new().into());
    let received = |bytes| Input::Received { connection: ID, bytes };
    let (connect, ping) = (words::connect("c", "v311"), hex("c000"));
    let publish = words::packet(Version::V311, "publish nobody x");
    told(
        &mut shard,
        Input::Opened {
            connection: ID,
            origin: Origin { listener: Arc::new(Listener::open("test")), peer: Peer::Unix, opened_at: NOW },
        },
    );
    assert_eq!(told(&mut shard, received(&connect)), 1);
    assert_eq!(told(&mut shard, received(&ping)), 0, "it knows");
    assert_eq!(told(&mut shard, Input::Transmitted { connection: ID, bytes: 5 }), 0);
    assert_eq!(told(&mut shard, received(&ping)), 0, "a byte was left, so it writes on by itself");
    assert_eq!(told(&mut shard, Input::Transmitted { connection: ID, bytes: 3 }), 0);
    assert!(!shard.has_output(ID));
    assert_eq!(told(&mut shard, received(&publish)), 0, "there is nothing to say");
    assert_eq!(told(&mut shard, received(&ping)), 1);
}
