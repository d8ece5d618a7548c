//! Properties of 5.0: passed on unaltered, refused where they do not belong.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("properties/passed-on", "MQTT-3.3.2-4, MQTT-3.3.2-15, MQTT-3.3.2-16, MQTT-3.3.2-20", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x hello format=1 resp=T/re corr=%00%01 ctype=text/plain
        a < publish T/x hello format=1 resp=T/re corr=%00%01 ctype=text/plain"),
    test("properties/user-properties-in-order", "MQTT-3.3.2-17, MQTT-3.3.2-18", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x hello prop=b:1 prop=a:2 prop=b:1
        a < publish T/x hello prop=b:1 prop=a:2 prop=b:1"),
    test("properties/subscription-id", "MQTT-3.3.4-3", "
        a connect
        a > subscribe 1 T/x sub=268435455
        a < suback 1 00
        a > publish T/x hello
        a < publish T/x hello sub=268435455"),
    test("properties/subscription-ids-of-overlaps", "MQTT-3.3.4-3, MQTT-3.3.4-4, MQTT-3.3.4-5", "
        a connect
        a > subscribe 1 T/x sub=1
        a < suback 1 00
        a > subscribe 2 T/+ sub=2
        a < suback 2 00
        a > publish T/x hello
        a < publish T/x hello sub=1 sub=2 | publish T/x hello sub=1 | publish T/x hello sub=2"),
    test("properties/subscription-id-0", "MQTT-4.13.1-1", "
        a connect
        a > subscribe 1 T/x sub=0
        a < closed 81,82"),
    test("properties/subscription-id-from-client", "MQTT-3.3.4-6", "
        a connect
        a > publish T/x hello sub=1
        a < closed 81,82"),
    test("properties/twice", "MQTT-4.13.1-1", "
        a connect
        a > publish T/x hello ctype=a ctype=b
        a < closed 81,82"),
    test("properties/unknown", "MQTT-4.13.1-1", "
        a connect
        a > publish T/x hello raw=7f00
        a < closed 81,82"),
    test("properties/wrong-packet", "MQTT-4.13.1-1", "
        a connect
        a > publish T/x hello expiry=5
        a < closed 81,82"),
    test("properties/out-of-range", "MQTT-4.13.1-1", "
        a > connect respinfo=2
        a < closed 81,82"),
    test("properties/receive-maximum-0", "MQTT-4.13.1-1", "
        a > connect rm=0
        a < closed 81,82"),
    test("properties/maximum-packet-size-0", "MQTT-4.13.1-1", "
        a > connect max=0
        a < closed 81,82"),
    test("properties/request-problem-2", "MQTT-4.13.1-1", "
        a > connect problem=2
        a < closed 81,82"),
    test("properties/auth-data-without-method", "MQTT-4.13.1-1", "
        a > connect data=x
        a < closed 81,82"),
    test("properties/response-topic-wildcard", "MQTT-3.3.2-14", "
        a connect
        a > publish T/x hello resp=T/#
        a < closed 81,82,90"),
    test("properties/response-topic-not-utf8", "MQTT-3.3.2-13", "
        a connect
        a > publish T/x hello resp=%FF
        a < closed 81,82,90"),
    test("properties/content-type-not-utf8", "MQTT-3.3.2-19", "
        a connect
        a > publish T/x hello ctype=%FF
        a < closed 81,82"),
    test("properties/user-property-not-utf8", "MQTT-1.5.7-1", "
        a connect
        a > publish T/x hello prop=a:%FF
        a < closed 81,82"),
    test("properties/no-problem-information", "MQTT-3.1.2-29", "
        a connect problem=0
        a > subscribe 1 T/x
        a < suback 1 00 !prop
        a > publish T/y hello 1#2
        a < puback 2 00,10 !prop"),
    test("properties/length-beyond-the-packet", "MQTT-4.13.1-1", "
        a > connect at=12:7f
        a < closed 81,82"),
    test("properties/length-into-the-payload", "MQTT-4.13.1-1", "
        a > connect at=12:02
        a < closed 81,82"),
    test("properties/value-cut-off", "MQTT-4.13.1-1", "
        a > connect raw=11000000
        a < closed 81,82"),
    test("properties/identifier-0", "MQTT-4.13.1-1", "
        a connect
        a > publish T/x hello raw=0000
        a < closed 81,82"),
    test("properties/subscription-id-of-5-bytes", "MQTT-4.13.1-1", "
        a connect
        a > subscribe 1 T/x raw=0b8080808001
        a < closed 81,82"),
    test("properties/reason-string-not-utf8", "MQTT-1.5.4-1", "
        a connect
        a > pubrel 9 92 reason=%FF
        a < closed 81,82"),
];
