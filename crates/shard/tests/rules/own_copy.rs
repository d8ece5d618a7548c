//! A client that is its own subscriber hears the acknowledgement first, then its own copy: PUBACK and PUBREC are
//! answers to what it sent, and nothing that the broker sends by itself comes between.

use super::common::*;

#[test]
fn acknowledgement_precedes_the_own_copy() {
    for version in ["v31", "v311", "v5"] {
        everywhere(|rig| {
            rig.connect("c", version);
            rig.subscribe("c", "t@2");
            rig.tell("c", "publish t a 1#1");
            rig.expect_all("c", &["puback 1", "publish t a 1#1"]);
            rig.tell("c", "publish t b 2#2");
            rig.expect_all("c", &["pubrec 2", "publish t b 2#2"]);
            rig.tell("c", "pubrec 2");
            rig.tell("c", "pubrel 2");
            rig.expect_all("c", &["pubrel 2", "pubcomp 2"]);
            rig.tell("c", "publish t c");
            rig.expect("c", "publish t c");
        });
    }
}

#[test]
fn lower_granted_qos_does_not_change_the_order() {
    everywhere(|rig| {
        rig.connect("c", "v5");
        rig.subscribe("c", "t@0");
        rig.tell("c", "publish t a 1#1");
        rig.expect_all("c", &["puback 1", "publish t a"]);
        rig.tell("c", "publish t b 2#2");
        rig.expect_all("c", &["pubrec 2", "publish t b"]);
    });
}

#[test]
fn order_holds_for_several_messages_of_one_read() {
    everywhere(|rig| {
        rig.connect("c", "v5");
        rig.subscribe("c", "t@1");
        rig.tell_all("c", &["publish t a 1#1", "publish t b 1#2", "publish t c 2#3", "publish u d 1#4"]);
        rig.expect_all(
            "c",
            &[
                "puback 1",
                "publish t a 1#1",
                "puback 2",
                "publish t b 1#2",
                "pubrec 3",
                "publish t c 1#3",
                "puback 4 10",
            ],
        );
    });
}

#[test]
fn order_holds_for_what_no_burst_takes() {
    everywhere(|rig| {
        rig.connect("c", "v5");
        rig.subscribe("c", "t@1 sub=7");
        rig.tell("c", "publish t a 1#1 retain");
        rig.expect_all("c", &["puback 1", "publish t a 1#1 sub=7"]);
        rig.tell("c", "publish t *20000 1#2 mexp=60");
        let heard = rig.heard("c");
        assert_eq!(heard[0], "puback 2");
        assert!(heard.len() == 2 && heard[1].starts_with("publish t *20000"), "{heard:?}");
    });
}

#[test]
fn acknowledgement_precedes_what_a_group_hands_its_publisher() {
    everywhere(|rig| {
        rig.connect("c", "v5");
        rig.subscribe("c", "$share/g/t@1");
        for id in 1..=3 {
            rig.tell("c", &format!("publish t a 1#{id}"));
            rig.expect_all("c", &[&format!("puback {id}"), &format!("publish t a 1#{id}")]);
            rig.tell("c", &format!("puback {id}"));
        }
    });
}

#[test]
fn queued_own_copy_follows_its_acknowledgement() {
    everywhere(|rig| {
        rig.connect("c", "v5 rm=1");
        rig.subscribe("c", "t@2");
        rig.tell("c", "publish t a 1#1");
        rig.expect_all("c", &["puback 1", "publish t a 1#1"]);
        rig.tell("c", "publish t b 2#2"); // the window is closed
        rig.expect("c", "pubrec 2");
        rig.tell("c", "publish t c 1#3");
        rig.expect("c", "puback 3");
        rig.tell("c", "puback 1");
        rig.expect("c", "publish t b 2#2");
        rig.tell("c", "pubrel 2");
        rig.tell("c", "pubrec 2");
        rig.expect_all("c", &["pubcomp 2", "pubrel 2"]);
        rig.tell("c", "pubcomp 2");
        rig.expect("c", "publish t c 1#3");
    });
}

#[test]
fn subscription_in_the_same_read_counts() {
    everywhere(|rig| {
        rig.connect("c", "v311");
        rig.tell_all("c", &["subscribe 1 t@1", "publish t a 1#2", "publish t b 2#3"]);
        rig.expect_all("c", &["suback 1 01", "puback 2", "publish t a 1#1", "pubrec 3", "publish t b 1#2"]);
    });
}
