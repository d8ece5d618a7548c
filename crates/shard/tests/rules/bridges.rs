//! What a bridge of Mosquitto's tells of itself: `$SYS/broker/connection/NAME/state`, and nothing else below `$SYS`.

use crate::common::words;
use crate::common::*;

const PREFIX: &str = "$SYS/broker/connection";

/// Connects a client that says that it is a bridge.
fn bridge(rig: &mut Rig, name: &str, line: &str) {
    let mut connect = words::connect(name, line);
    let level = if line.starts_with("v31 ") || line == "v31" { 10 } else { 8 };
    connect[level] |= 0x80;
    rig.open(name, line);
    rig.write(name, &connect);
    rig.expect(name, "connack 00");
}

#[test]
fn a_bridge_tells_its_state() {
    everywhere(|rig| {
        for version in ["v31", "v311"] {
            rig.connect("w", "v5");
            rig.subscribe("w", &format!("{PREFIX}/#@2"));
            let topic = format!("{PREFIX}/far.away/state");
            bridge(rig, "b", &format!("{version} will={topic},0,1,retain"));
            rig.tell("b", &format!("publish {topic} 1 1#1 retain"));
            rig.expect("b", "puback 1");
            rig.expect("w", &format!("publish {topic} 1 1#1"));
            rig.connect("late", "v311");
            rig.subscribe("late", &format!("{PREFIX}/+/state"));
            rig.expect("late", &format!("publish {topic} 1 retain"));
            rig.cut("b");
            rig.expect("w", &format!("publish {topic} 0 1#2")); // its will
            rig.expect("late", &format!("publish {topic} 0"));
            bridge(rig, "b", version);
            rig.tell("b", &format!("publish {topic} - 1#1 retain")); // it cleans up
            rig.expect("b", "puback 1");
            rig.expect("w", &format!("publish {topic} - 1#3"));
            rig.expect("late", &format!("publish {topic} -"));
            rig.connect("later", "v311");
            rig.subscribe("later", &format!("{PREFIX}/#"));
            rig.silent("later");
            for name in ["w", "late", "later", "b"] {
                rig.tell(name, "disconnect");
            }
        }
    });
}

#[test]
fn a_bridge_publishes_nothing_else_of_the_brokers_own() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "$SYS/#@2");
        bridge(rig, "b", "v311");
        for topic in [
            "$SYS",
            "$SYS/broker/connection/state",
            "$SYS/broker/connection//state",
            "$SYS/broker/connection/a/b/state",
            "$SYS/broker/connection/a/state/",
            "$SYS/broker/connection/a/states",
            "$SYS/broker/connection/a/State",
            "$SYS/broker/connection/a",
            "$SYS/broker/connections/a/state",
            "$SYS/broker/uptime",
            "$SYS//broker/connection/a/state",
        ] {
            for flags in ["1#1", "1#1 retain", "2#2 retain"] {
                rig.tell("b", &format!("publish {topic} x {flags}"));
                let heard = rig.heard("b");
                assert_eq!(heard.len(), 1, "{topic}: 3.x cannot be told");
                rig.tell("b", "pubrel 2");
                rig.expect("b", "pubcomp 2");
            }
            bridge(rig, "will", &format!("v311 will={topic},x,1,retain"));
            rig.cut("will");
        }
        rig.silent("w");
        assert_eq!(rig.counters().retained, 0);
    });
}

#[test]
fn a_connection_tells_of_one_bridge() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "$SYS/#");
        bridge(rig, "b", "v311");
        for round in 0..3 {
            for name in ["one", "two", "three"] {
                rig.tell("b", &format!("publish {PREFIX}/{name}/state {round} 1#1 retain"));
                rig.expect("b", "puback 1");
            }
            rig.expect_all("w", &[&format!("publish {PREFIX}/one/state {round}")]);
        }
        assert_eq!(rig.counters().retained, 1);
        rig.cut("b");
        bridge(rig, "b", &format!("v311 will={PREFIX}/two/state,0"));
        rig.tell("b", &format!("publish {PREFIX}/three/state 1 1#1 retain"));
        rig.expect("b", "puback 1");
        rig.silent("w");
        rig.cut("b");
        rig.expect("w", &format!("publish {PREFIX}/two/state 0"));
    });
}

/// In 5.0 a bridge has no way to say that it is one; nor does one of 3.x that is not private. All of them are called by
/// their client id.
#[test]
fn any_client_tells_its_own_state_and_nobody_elses() {
    everywhere(|rig| {
        rig.connect("w", "v5");
        rig.subscribe("w", "$SYS/#");
        for (name, version) in [("x", "v31"), ("y", "v311"), ("z", "v5")] {
            let (own, other) = (format!("{PREFIX}/{name}/state"), format!("{PREFIX}/w/state"));
            rig.connect(name, &format!("{version} will={own},0"));
            rig.tell(name, &format!("publish {own} 1 1#1"));
            rig.expect(name, "puback 1");
            rig.tell(name, &format!("publish {other} 0 1#2"));
            rig.expect(name, if version == "v5" { "puback 2 87" } else { "puback 2" });
            rig.cut(name);
            rig.expect_all("w", &[&format!("publish {own} 1"), &format!("publish {own} 0")]);
            rig.connect(name, &format!("{version} will={other},0"));
            rig.cut(name);
            rig.silent("w");
        }
    });
}
