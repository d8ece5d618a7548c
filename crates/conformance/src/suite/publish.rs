//! PUBLISH: topics, flags, order, DUP and RETAIN on the way out.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("publish/qos0", "MQTT-3.3.2-3, MQTT-3.3.1-2, MQTT-2.2.1-2, 3.1.1 MQTT-3.3.2-3, 3.1.1 MQTT-3.3.1-2, 3.1.1 MQTT-2.3.1-5", "
        a connect
        a > subscribe 1 T/x@2
        a < suback 1 02
        a > publish T/x hello
        a < publish T/x hello"),
    test("publish/dup-is-not-passed-on", "MQTT-3.3.1-3, 3.1.1 MQTT-3.3.1-3", "
        a connect
        a > subscribe 1 T/x@1
        a < suback 1 01
        a > publish T/x hello 1#9 dup
        a < puback 9 00 & publish T/x hello 1#$m
        a > puback $m
        a quiet"),
    test("publish/wildcard-plus", "MQTT-3.3.2-2, MQTT-4.7.0-1, 3.1.1 MQTT-3.3.2-2, 3.1.1 MQTT-4.7.1-1", "
        a connect
        a > publish T/+/x hello
        a < closed 81,82,90"),
    test("publish/wildcard-hash", "MQTT-3.3.2-2, MQTT-4.7.0-1, 3.1.1 MQTT-3.3.2-2, 3.1.1 MQTT-4.7.1-1", "
        a connect
        a > publish T/# hello
        a < closed 81,82,90"),
    test("publish/empty-topic", "MQTT-4.7.3-1, 3.1.1 MQTT-4.7.3-1", "
        a connect
        a > publish - hello
        a < closed 81,82,90"),
    test("publish/empty-payload", "MQTT-3.3.4-1, 3.1.1 MQTT-3.3.4-1", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x -
        a < publish T/x -"),
    test("publish/spaces-and-case", "MQTT-4.7.3-4, 3.1.1 MQTT-4.7.3-4", "
        a connect
        a > subscribe 1 T/a%20b T//c T/D
        a < suback 1 00 00 00
        a >+ publish T/ab 1
        a >+ publish T/c 2
        a >+ publish T/d 3
        a >+ publish T/a%20b 4
        a >+ publish T//c 5
        a > publish T/D 6
        a < publish T/a%20b 4
        a < publish T//c 5
        a < publish T/D 6"),
    test("publish/byte-order-mark", "MQTT-1.5.4-3, 3.1.1 MQTT-1.5.3-3", "
        a connect
        a > subscribe 1 T/%EF%BB%BFx T/x
        a < suback 1 00 00
        a > publish T/%EF%BB%BFx hello
        a < publish T/%EF%BB%BFx hello
        a quiet"),
    test("publish/order", "MQTT-4.6.0-5, MQTT-4.6.0-6, 3.1.1 MQTT-4.6.0-5, 3.1.1 MQTT-4.6.0-6", "
        a connect
        b connect
        a > subscribe 1 T/x@1
        a < suback 1 01
        b >+ publish T/x 1 1#1
        b >+ publish T/x 2 1#2
        b >+ publish T/x 3 1#3
        b > publish T/x 4 1#4
        b < puback 1 00
        b < puback 2 00
        b < puback 3 00
        b < puback 4 00
        a < publish T/x 1 1#$a
        a < publish T/x 2 1#$b
        a < publish T/x 3 1#$c
        a < publish T/x 4 1#$d"),
    test("publish/long-topic", "MQTT-4.7.3-3, 3.1.1 MQTT-4.7.3-3", "
        a connect
        a > publish *65535 hello 1#1
        a < puback 1 00,10,80,83,87,90,97 | closed"),
    test("publish/large-payload", "MQTT-3.3.4-1, 3.1.1 MQTT-3.3.4-1", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x *20000
        a < publish T/x *20000"),
    test("publish/long-topic-delivered", "MQTT-4.7.3-3, 3.1.1 MQTT-4.7.3-3", "
        a connect
        a > subscribe 1 T/*65501
        a <? suback 1 00
        a > publish T/*65501 hello
        a <? publish T/*65501 hello"),
];
