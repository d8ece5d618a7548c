//! Where a client's last message went is remembered for the next one of the same topic, until anything changes.

use super::common::everywhere;

#[test]
fn a_subscription_that_comes_or_goes_counts_at_once() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        for name in ["a", "b"] {
            rig.connect(name, "v5");
        }
        let publish = |rig: &mut super::common::Rig, payload: &str| {
            rig.tell_all("p", &[&format!("publish t {payload}"), &format!("publish t {payload}")]);
        };
        publish(rig, "nobody");
        rig.subscribe("a", "t@0");
        publish(rig, "a");
        rig.expect_all("a", &["publish t a", "publish t a"]);
        rig.subscribe("b", "+@0");
        publish(rig, "both");
        rig.expect_all("a", &["publish t both", "publish t both"]);
        rig.expect_all("b", &["publish t both", "publish t both"]);
        rig.tell("a", "unsubscribe 1 t");
        rig.heard("a");
        publish(rig, "b");
        rig.silent("a");
        rig.expect_all("b", &["publish t b", "publish t b"]);
        rig.cut("b");
        publish(rig, "nobody");
        rig.connect("c", "v5"); // may get what was kept for b
        publish(rig, "nobody");
        rig.silent("c");
    });
}

#[test]
fn a_subscription_that_is_replaced_counts_at_once() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.connect("s", "v5");
        rig.subscribe("s", "t@0 sub=1");
        rig.tell_all("p", &["publish t a", "publish t a"]);
        rig.expect_all("s", &["publish t a sub=1", "publish t a sub=1"]);
        rig.subscribe("s", "t@1 sub=2");
        rig.tell_all("p", &["publish t b 1#1", "publish t b 1#2"]);
        rig.expect_all("s", &["publish t b 1#1 sub=2", "publish t b 1#2 sub=2"]);
        rig.expect_all("p", &["puback 1", "puback 2"]);
        rig.subscribe("s", "#@1 sub=3"); // a second one that matches
        rig.tell_all("p", &["publish t c", "publish t c"]);
        let both = "publish t c sub=2 sub=3";
        for heard in rig.heard("s") {
            assert!(heard == both || heard == "publish t c sub=3 sub=2", "{heard}");
        }
    });
}

#[test]
fn a_session_that_comes_back_is_found_on_its_new_connection() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.connect("s", "v5 clean=0 expiry=60");
        rig.subscribe("s", "t@1");
        rig.tell_all("p", &["publish t a", "publish t a"]);
        rig.expect_all("s", &["publish t a", "publish t a"]);
        rig.cut("s");
        rig.tell_all("p", &["publish t b 1#1", "publish t b"]);
        rig.expect_all("p", &["puback 1"]);
        rig.connect("s", "v5 clean=0 expiry=60");
        rig.expect_all("s", &["publish t b 1#1"]);
        rig.tell("p", "publish t c");
        rig.expect_all("s", &["publish t c"]);
    });
}

#[test]
fn topics_are_compared_whole() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.connect("s", "v5");
        rig.subscribe("s", "a/b@0");
        rig.tell_all(
            "p",
            &["publish a/b 1", "publish a/b 2", "publish a/bc no", "publish a/b 3", "publish a no"],
        );
        rig.tell_all(
            "p",
            &["publish a/b 4", "publish a/c no", "publish a/c no", "publish a/b 5", "publish a/b 6"],
        );
        let all: Vec<_> = (1..=6).map(|n| format!("publish a/b {n}")).collect();
        rig.expect_all("s", &all.iter().map(String::as_str).collect::<Vec<_>>());
    });
}

#[test]
fn an_alias_stands_for_the_topic_that_was_said_last() {
    everywhere(|rig| {
        rig.connect("p", "v5");
        rig.connect("s", "v5");
        rig.subscribe("s", "+@0");
        let first =
            ["publish a 1 alias=1", "publish a 2 alias=2", "publish - 3 alias=1", "publish b 4 alias=1"];
        rig.tell_all("p", &first);
        let then = ["publish - 5 alias=1", "publish - 6 alias=2", "publish - 7 alias=2", "publish a 8"];
        rig.tell_all("p", &then);
        rig.tell_all(
            "p",
            &["publish a 9 alias=3", "publish - 10 alias=3", "publish b 11", "publish - 12 alias=3"],
        );
        let topics = ["a", "a", "a", "b", "b", "a", "a", "a", "a", "a", "b", "a"];
        let all: Vec<_> = topics.iter().zip(1..).map(|(topic, n)| format!("publish {topic} {n}")).collect();
        rig.expect_all("s", &all.iter().map(String::as_str).collect::<Vec<_>>());
    });
}

#[test]
fn a_shared_subscription_beside_others() {
    everywhere(|rig| {
        for name in ["p", "s", "g"] {
            rig.connect(name, "v5");
        }
        rig.subscribe("s", "t@0");
        rig.tell_all("p", &["publish t a", "publish t a"]);
        rig.subscribe("g", "$share/g/t@0");
        rig.tell_all("p", &["publish t b", "publish t b"]);
        rig.expect_all("s", &["publish t a", "publish t a", "publish t b", "publish t b"]);
        rig.expect_all("g", &["publish t b", "publish t b"]);
        rig.tell("g", "unsubscribe 1 $share/g/t");
        rig.heard("g");
        rig.tell_all("p", &["publish t c", "publish t c"]);
        rig.expect_all("s", &["publish t c", "publish t c"]);
        rig.silent("g");
    });
}
