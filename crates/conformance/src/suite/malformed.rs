//! Bytes that are no packets, or none that a client may send.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("malformed/publish-qos-3", "MQTT-3.3.1-4, 3.1.1 MQTT-3.3.1-4", "
        a connect
        a > publish T/x hello 1#1 first=36
        a < closed 81,82"),
    test("malformed/pubrel-flags", "MQTT-3.6.1-1, 3.1.1 MQTT-3.6.1-1", "
        a connect
        a > pubrel 1 first=60
        a < closed 81,82"),
    test("malformed/pingreq-flags", "MQTT-2.1.3-1, 3.1.1 MQTT-2.2.2-1, 3.1.1 MQTT-2.2.2-2", "
        a connect
        a > ping first=c1
        a < closed 81,82"),
    test("malformed/puback-flags", "MQTT-2.1.3-1, 3.1.1 MQTT-2.2.2-1, 3.1.1 MQTT-2.2.2-2", "
        a connect
        a > puback 1 first=42
        a < closed 81,82"),
    test("malformed/connect-flags", "MQTT-2.1.3-1, 3.1.1 MQTT-2.2.2-1, 3.1.1 MQTT-2.2.2-2", "
        a > connect first=11
        a < closed 81,82"),
    test("malformed/auth-flags", "MQTT-3.15.1-1", "
        a connect
        a > auth 19 first=f1
        a < closed 81,82"),
    test("malformed/reserved-type-0", "MQTT-4.13.1-1, 3.1.1 MQTT-4.8.0-1", "
        a connect
        a > hex 00 00
        a < closed 81,82"),
    test("malformed/type-15-of-311", "3.1.1 MQTT-4.8.0-1", "
        a connect
        a > hex f0 00
        a < closed"),
    test("malformed/remaining-length-of-5", "MQTT-1.5.5-1, 3.1.1 MQTT-4.8.0-1", "
        a connect
        a > hex c0 80 80 80 80 01
        a < closed 81,82"),
    test("malformed/connack-from-client", "MQTT-4.13.1-1, 3.1.1 MQTT-4.8.0-1", "
        a connect
        a > hex 20 02 00 00
        a < closed 81,82"),
    test("malformed/topic-surrogate", "MQTT-1.5.4-1, MQTT-3.3.2-1, 3.1.1 MQTT-1.5.3-1, 3.1.1 MQTT-3.3.2-1", "
        a connect
        a > publish T/%ED%A0%80 hello
        a < closed 81,82,90"),
    test("malformed/topic-over-long", "MQTT-1.5.4-1, 3.1.1 MQTT-1.5.3-1", "
        a connect
        a > publish T/%C1%81 hello
        a < closed 81,82,90"),
    test("malformed/topic-null", "MQTT-1.5.4-2, MQTT-4.7.3-2, 3.1.1 MQTT-1.5.3-2, 3.1.1 MQTT-4.7.3-2", "
        a connect
        a > publish T/%00 hello
        a < closed 81,82,90"),
    test("malformed/filter-not-utf8", "MQTT-3.8.3-1, 3.1.1 MQTT-3.8.3-1", "
        a connect
        a > subscribe 1 T/%FF
        a < closed 81,82,8f"),
    test("malformed/filter-null", "MQTT-4.7.3-2, 3.1.1 MQTT-4.7.3-2", "
        a connect
        a > subscribe 1 T/%00
        a < closed 81,82,8f"),
    test("malformed/unsubscribe-not-utf8", "MQTT-3.10.3-1, 3.1.1 MQTT-3.10.3-1", "
        a connect
        a > unsubscribe 1 T/%FF
        a < closed 81,82,8f"),
    test("malformed/client-id-not-utf8", "MQTT-3.1.3-4, 3.1.1 MQTT-3.1.3-4", "
        a > connect id=a%FF
        a < closed"),
    test("malformed/user-name-not-utf8", "MQTT-3.1.3-12, 3.1.1 MQTT-3.1.3-11", "
        a > connect user=a%FF
        a < closed"),
    test("malformed/will-topic-not-utf8", "MQTT-3.1.3-11, 3.1.1 MQTT-3.1.3-10", "
        a > connect will=T/%FF,x
        a < closed"),
    test("malformed/publish-id-0", "MQTT-2.2.1-3, 3.1.1 MQTT-2.3.1-1", "
        a connect
        a > publish T/x hello 1#0
        a < closed 81,82"),
    test("malformed/unsubscribe-id-0", "MQTT-2.2.1-3, 3.1.1 MQTT-2.3.1-1", "
        a connect
        a > unsubscribe 0 T/x
        a < closed 81,82"),
    test("malformed/disconnect-reason", "MQTT-3.14.2-1", "
        a connect
        a > disconnect 01
        a < closed 81,82"),
    test("malformed/puback-reason", "MQTT-3.4.2-1", "
        a connect
        a > subscribe 1 T/x@1
        a < suback 1 01
        a > publish T/x hello 1#1
        a < puback 1 00 & publish T/x hello 1#$m
        a > puback $m 01
        a < closed 81,82"),
];
