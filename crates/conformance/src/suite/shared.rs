//! Shared subscriptions of 5.0.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("shared/granted-qos", "MQTT-4.8.2-3", "
        a connect
        b connect
        a > subscribe 1 $share/g/T/x@0
        a < suback 1 00
        b > publish T/x hello 1#1
        b < puback 1 00
        a < publish T/x hello"),
    test("shared/no-local", "MQTT-3.8.3-4", "
        a connect
        a > subscribe 1 $share/g/T/x@0n
        a < closed 81,82"),
    test("shared/empty-name", "MQTT-4.8.2-1", "
        a connect
        a > subscribe 1 $share//T/x
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("shared/wildcard-in-name", "MQTT-4.8.2-2", "
        a connect
        a > subscribe 1 $share/g+/T/x
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("shared/no-filter", "MQTT-4.8.2-2", "
        a connect
        a > subscribe 1 $share/g
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("shared/refused-by-client", "MQTT-4.8.2-6", "
        a connect
        b connect
        c connect
        a > subscribe 1 $share/g/T/x@1
        a < suback 1 01
        b > publish T/x one 1#1
        b < puback 1 00
        a < publish T/x one 1#$m
        c > subscribe 1 $share/g/T/x@1
        c < suback 1 01
        a > puback $m 80
        a quiet
        c quiet"),
    test("shared/one-of-the-group", "MQTT-4.8.2-1", "
        a connect
        b connect
        a > subscribe 1 $share/g/T/x@1
        a < suback 1 01
        a > subscribe 2 T/end@1
        a < suback 2 01
        b > publish T/x hello 1#1
        b < puback 1 00
        a < publish T/x hello 1#$m
        a > puback $m
        b > publish T/end end 1#2
        b < puback 2 00
        a < publish T/end end 1#$n"),
    test("shared/unsubscribe", "MQTT-3.10.4-1", "
        a connect
        b connect
        a > subscribe 1 $share/g/T/x T/y
        a < suback 1 00 00
        a > unsubscribe 2 $share/g/T/x
        a < unsuback 2 00
        b > publish T/x hidden
        b > publish T/y seen
        a < publish T/y seen"),
    test("shared/empty-filter", "MQTT-4.8.2-2, MQTT-4.7.3-1", "
        a connect
        a > subscribe 1 $share/g/
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("shared/hash-in-name", "MQTT-4.8.2-2", "
        a connect
        a > subscribe 1 $share/g#/T/x
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("shared/name-is-a-wildcard", "MQTT-4.8.2-2", "
        a connect
        a > subscribe 1 $share/+/T/x
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("shared/malformed-filter", "MQTT-4.8.2-2, MQTT-4.7.1-1", "
        a connect
        a > subscribe 1 $share/g/T/#/x
        a < suback 1 8f,80 | disconnect ? | closed"),
];
