//! Clean Session and the session state of 3.1.1 (3.1.2.4, 4.1): kept, resumed, dropped, and what never is part of it.

use crate::common::*;

#[test]
fn a_session_without_clean_session_is_kept_with_all_its_state() {
    everywhere(|rig| {
        rig.connect("p", "v311");
        rig.connect("c", "v311 clean=0");
        rig.subscribe("c", "t@2");
        rig.tell("p", "publish t begun 2#1");
        rig.expect("c", "publish t begun 2#1");
        rig.tell("c", "pubrec 1");
        rig.expect("c", "pubrel 1");
        rig.tell("c", "publish o mine 2#9");
        rig.expect("c", "pubrec 9");
        rig.tell("p", "publish t sent 1#2");
        rig.expect("c", "publish t sent 1#2");
        rig.tell("c", "disconnect");
        rig.pass(1000);
        rig.tell("p", "publish t queued 1#3");
        rig.tell("p", "publish t gone");
        rig.heard("p");
        rig.connect("watch", "v311");
        rig.subscribe("watch", "o@2");
        rig.dial("c", "v311 clean=0");
        // [3.1.1 MQTT-3.1.2-4] [3.1.1 MQTT-3.1.2-5] [3.1.1 MQTT-4.1.0-1] [3.1.1 MQTT-4.4.0-1]
        rig.expect_all(
            "c",
            &["connack 00 present", "pubrel 1", "publish t sent 1#2 dup", "publish t queued 1#3"],
        );
        rig.tell("c", "publish o mine 2#9 dup");
        rig.expect("c", "pubrec 9");
        rig.silent("watch"); // it was delivered on before the stream broke
    });
}

#[test]
fn clean_session_begins_and_ends_with_nothing() {
    everywhere(|rig| {
        rig.connect("p", "v311");
        rig.connect("c", "v311 clean=0");
        rig.subscribe("c", "t@1");
        rig.cut("c");
        rig.tell("p", "publish t queued 1#1");
        rig.dial("c", "v311 clean=1");
        rig.expect_all("c", &["connack 00"]); // [3.1.1 MQTT-3.1.2-6] [3.1.1 MQTT-3.1.4-3] [3.1.1 MQTT-3.2.2-1]
        rig.tell("p", "publish t now 1#2");
        rig.silent("c");
        rig.subscribe("c", "t@1");
        rig.cut("c");
        rig.tell("p", "publish t later 1#3");
        rig.dial("c", "v311 clean=0");
        rig.expect_all("c", &["connack 00"]); // [3.1.1 MQTT-3.1.2-6] [3.1.1 MQTT-3.2.2-3]
        rig.tell("p", "publish t last 1#4");
        rig.silent("c");
        rig.ignore("p");
    });
}

#[test]
fn retained_messages_are_no_session_state() {
    everywhere(|rig| {
        rig.connect("c", "v311 clean=1");
        rig.tell("c", "publish t kept retain");
        rig.tell("c", "disconnect");
        rig.connect("c", "v311 clean=1");
        rig.subscribe("c", "t@0");
        rig.expect("c", "publish t kept retain"); // [3.1.1 MQTT-3.1.2-7]
    });
}

#[test]
fn a_session_lasts_as_long_as_its_connection() {
    everywhere(|rig| {
        rig.connect("c", "v5 expiry=60");
        rig.subscribe("c", "t@1");
        rig.cut("c");
        rig.pass(30);
        rig.connect("c", "v311 clean=0");
        rig.pass(1000);
        rig.connect("p", "v311");
        rig.tell("p", "publish t hi 1#1");
        rig.expect("p", "puback 1");
        rig.expect("c", "publish t hi 1#1"); // [3.1.1 MQTT-4.1.0-2]
    });
}

#[test]
fn the_same_client_id_again() {
    everywhere(|rig| {
        rig.connect("old", "v311 id=c clean=0");
        rig.subscribe("old", "t@0");
        rig.dial("new", "v311 id=c clean=0");
        rig.closed("old", EndReason::TakenOver); // [3.1.1 MQTT-3.1.4-2]
        rig.expect("new", "connack 00 present");
        rig.tell("new", "publish t hi");
        rig.expect("new", "publish t hi"); // [3.1.1 MQTT-3.1.3-2]
    });
}
