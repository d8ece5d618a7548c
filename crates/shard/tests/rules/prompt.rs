//! Who may be about to send more: its system may hold that back until ours acknowledges what came before.

use super::common::Rig;

/// After this many reads with nothing but acknowledgements a client that never published only listens.
const READS: usize = 8;
/// After this many, one that did.
const PUBLISHER_READS: usize = 250;

fn may_send_more(rig: &mut Rig, name: &str) -> bool {
    let (shard, id) = rig.client(name).at.unwrap();
    rig.shards[shard].may_send_more(id)
}

/// The client gets messages and acknowledges each, with a read of its own.
fn listen(rig: &mut Rig, name: &str, messages: usize) {
    for _ in 0..messages {
        rig.tell("p", "publish t a 1#1");
        rig.expect("p", "puback 1");
        let heard = rig.heard(name);
        let (_, packet_id) = heard[0].split_once('#').unwrap();
        rig.tell(name, &format!("puback {packet_id}"));
    }
}

fn rig() -> Rig {
    let mut rig = Rig::new(1);
    rig.connect("p", "v311");
    rig.connect("s", "v311");
    rig.subscribe("s", "t@1");
    rig
}

#[test]
fn a_client_that_only_acknowledges_is_not_waited_for() {
    let mut rig = rig();
    assert!(may_send_more(&mut rig, "s"));
    listen(&mut rig, "s", READS - 1);
    assert!(may_send_more(&mut rig, "s"));
    listen(&mut rig, "s", 1);
    assert!(!may_send_more(&mut rig, "s"));
    listen(&mut rig, "s", 300);
    assert!(!may_send_more(&mut rig, "s"), "the count does not begin again by itself");
    assert!(may_send_more(&mut rig, "p"));
    rig.finish();
}

#[test]
fn a_client_that_publishes_is_waited_for_longer() {
    let mut rig = rig();
    rig.tell("s", "publish u a");
    listen(&mut rig, "s", PUBLISHER_READS - 1);
    assert!(may_send_more(&mut rig, "s"));
    listen(&mut rig, "s", 1);
    assert!(!may_send_more(&mut rig, "s"));
    rig.finish();
}

#[test]
fn any_other_packet_counts_as_a_reason_to_expect_more() {
    let mut rig = rig();
    let packets = [
        ("publish u a", None),
        ("publish u a 1#1", Some("puback 1")),
        ("publish u a 2#2", Some("pubrec 2")),
        ("ping", Some("pingresp")),
        ("subscribe 3 u@0", Some("suback 3 00")),
        ("unsubscribe 4 u", Some("unsuback 4")),
    ];
    for (packet, answer) in packets {
        listen(&mut rig, "s", PUBLISHER_READS);
        assert!(!may_send_more(&mut rig, "s"));
        rig.tell("s", packet);
        answer.iter().for_each(|answer| rig.expect("s", answer));
        assert!(may_send_more(&mut rig, "s"), "{packet}");
    }
    rig.finish();
}

#[test]
fn messages_that_join_a_burst_count_too() {
    let mut rig = rig();
    listen(&mut rig, "s", READS);
    rig.tell_all("s", &["publish u a"; 3]);
    assert!(may_send_more(&mut rig, "s"));
    rig.finish();
}

#[test]
fn an_unfinished_packet_has_more_to_come() {
    let mut rig = rig();
    listen(&mut rig, "s", READS);
    rig.write("s", &[0x40, 2]);
    assert!(may_send_more(&mut rig, "s"));
    rig.write("s", &[0xff, 0xff]);
    assert!(!may_send_more(&mut rig, "s"));
    rig.finish();
}

#[test]
fn who_only_publishes_has_got_no_message() {
    let mut rig = rig();
    rig.connect("q", "v311");
    let only_publishes = |rig: &mut Rig, name: &str| {
        let (shard, id) = rig.client(name).at.unwrap();
        rig.shards[shard].only_publishes(id)
    };
    rig.tell("q", "publish u a");
    assert!(only_publishes(&mut rig, "q"));
    rig.write("q", &[0x30]); // more of this packet has to come, which its system may hold back
    assert!(!only_publishes(&mut rig, "q"));
    rig.write("q", &[3, 0, 1, b'u']);
    assert!(only_publishes(&mut rig, "q") && only_publishes(&mut rig, "s"));
    listen(&mut rig, "s", 1);
    rig.tell("s", "publish u a");
    assert!(!only_publishes(&mut rig, "s"));
    rig.finish();
}

#[test]
fn nothing_more_comes_from_a_connection_that_is_gone() {
    let mut rig = rig();
    let (shard, id) = rig.client("s").at.unwrap();
    rig.cut("s");
    assert!(!rig.shards[shard].may_send_more(id));
    rig.finish();
}
