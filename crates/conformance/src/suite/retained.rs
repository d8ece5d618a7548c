//! Retained messages: stored, replaced, cleared, replayed.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("retained/stored", "MQTT-3.3.1-5, MQTT-3.3.1-9, 3.1.1 MQTT-3.3.1-5, 3.1.1 MQTT-3.3.1-6, 3.1.1 MQTT-3.3.1-8", "
        a connect
        a > publish T/x hello 1#1 retain
        a < puback 1 00,10
        a > subscribe 2 T/x@1
        a < suback 2 01 & publish T/x hello 1#$m retain"),
    test("retained/replaced", "MQTT-3.3.1-5, 3.1.1 MQTT-3.3.1-5", "
        a connect
        a > publish T/x one 1#1 retain
        a < puback 1 00,10
        a > publish T/x two 1#2 retain
        a < puback 2 00,10
        a > subscribe 3 T/x
        a < suback 3 00 & publish T/x two retain
        a quiet"),
    test("retained/replaced-by-qos0", "3.1.1 MQTT-3.3.1-7", "
        a connect
        a > publish T/x one 1#1 retain
        a < puback 1 00
        a > publish T/x two retain
        a quiet
        a > subscribe 3 T/x@1
        a < suback 3 01 & publish T/x two retain"),
    test("retained/cleared", "MQTT-3.3.1-6, MQTT-3.3.1-7, 3.1.1 MQTT-3.3.1-10, 3.1.1 MQTT-3.3.1-11", "
        a connect
        a > publish T/x one 1#1 retain
        a < puback 1 00,10
        a > publish T/x - 1#2 retain
        a < puback 2 00,10
        a > subscribe 3 T/x
        a < suback 3 00
        a quiet"),
    test("retained/empty-is-forwarded", "3.1.1 MQTT-3.3.1-10", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x - retain
        a < publish T/x -"),
    test("retained/not-without-the-flag", "MQTT-3.3.1-8, 3.1.1 MQTT-3.3.1-12", "
        a connect
        a > publish T/x one 1#1 retain
        a < puback 1 00,10
        a > publish T/x two 1#2
        a < puback 2 00,10
        a > publish T/x - 1#3
        a < puback 3 00,10
        a > subscribe 4 T/x
        a < suback 4 00 & publish T/x one retain"),
    test("retained/live-without-the-flag", "MQTT-3.3.1-12, 3.1.1 MQTT-3.3.1-9", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x hello retain
        a < publish T/x hello"),
    test("retained/as-published", "MQTT-3.3.1-13", "
        a connect
        a > subscribe 1 T/x@0p
        a < suback 1 00
        a > publish T/x one retain
        a < publish T/x one retain
        a > publish T/x two
        a < publish T/x two"),
    test("retained/handling-1", "MQTT-3.3.1-10", "
        a connect
        a > publish T/x hello 1#1 retain
        a < puback 1 00,10
        a > subscribe 2 T/x@0h1
        a < suback 2 00 & publish T/x hello retain
        a > subscribe 3 T/x@0h1
        a < suback 3 00
        a quiet"),
    test("retained/handling-2", "MQTT-3.3.1-11", "
        a connect
        a > publish T/x hello 1#1 retain
        a < puback 1 00,10
        a > subscribe 2 T/x@0h2
        a < suback 2 00
        a quiet"),
    test("retained/handling-0-again", "MQTT-3.8.4-4, 3.1.1 MQTT-3.8.4-3", "
        a connect
        a > publish T/x hello 1#1 retain
        a < puback 1 00,10
        a > subscribe 2 T/x
        a < suback 2 00 & publish T/x hello retain
        a > subscribe 3 T/x
        a < suback 3 00 & publish T/x hello retain"),
    test("retained/wildcards", "MQTT-3.3.1-9, 3.1.1 MQTT-3.3.1-6", "
        a connect
        a > publish T/a/x one 1#1 retain
        a < puback 1 00,10
        a > publish T/b two 1#2 retain
        a < puback 2 00,10
        a > subscribe 3 T/#
        a < suback 3 00 & publish T/a/x one retain & publish T/b two retain
        a > subscribe 4 T/+
        a < suback 4 00 & publish T/b two retain"),
    test("retained/outlives-the-session", "3.1.1 MQTT-3.1.2-7", "
        a connect
        a > publish T/x hello 1#1 retain
        a < puback 1 00
        a leave
        b connect
        b > subscribe 1 T/x
        b < suback 1 00 & publish T/x hello retain"),
    test("retained/expiry", "MQTT-3.3.2-5, MQTT-3.3.2-6", "
        a connect
        a >+ publish T/x gone 1#1 retain mexp=1
        a > publish T/y kept 1#2 retain mexp=100
        a < puback 1 00,10
        a < puback 2 00,10
        wait 2.1
        a > subscribe 3 T/+
        a < suback 3 00 & publish T/y kept retain mexp=98 | publish T/y kept retain mexp=97
        a quiet"),
];
