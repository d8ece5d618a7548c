//! What a storm of connections leaves behind. A thousand clients are there before it, and stay.

use super::rig::{ClientId, Rig, held};
use martlet_shard::Loss;

const BEFORE: usize = 1000;
const STORM: usize = 19_000;

/// A shard with its clients, and their bytes.
fn calm() -> (Rig, i64) {
    let mut rig = Rig::new(1);
    let bytes = held(|| {
        for n in 0..BEFORE {
            let client = rig.connect("v5");
            rig.tell(client, &format!("subscribe 1 calm/{n}/+@1"));
        }
    });
    (rig, bytes)
}

fn come(rig: &mut Rig, n: usize) -> ClientId {
    let client = rig.connect("v5");
    rig.tell(client, &format!("subscribe 1 storm/{n}/+@1"));
    rig.tell(client, &format!("publish storm/{n}/x *100 1#1"));
    client
}

fn go(rig: &mut Rig, n: usize, client: ClientId) {
    match n % 2 {
        0 => rig.tell(client, "disconnect"),
        _ => rig.lose(client, Loss::Failed),
    }
}

#[test]
fn one_after_the_other() {
    let (mut rig, before) = calm();
    let left = held(|| {
        for n in 0..STORM {
            let client = come(&mut rig, n);
            go(&mut rig, n, client);
        }
        rig.pass_ms(1000);
    });
    println!("{before} bytes before, {left} more after");
    assert!(left * 100 <= before * 20);
}

#[test]
fn all_at_once() {
    let (mut rig, before) = calm();
    let mut all = Vec::with_capacity(STORM);
    let mut left = 0;
    for round in 0..3 {
        left += held(|| {
            all.extend((0..STORM).map(|n| come(&mut rig, n)));
            all.drain(..).enumerate().for_each(|(n, client)| go(&mut rig, n, client));
            rig.pass_ms(1000);
        });
        println!("{before} bytes before, {left} more after storm {round}");
        assert!(left * 100 <= before * 20, "{left}");
    }
}
