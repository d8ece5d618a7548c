//! CONNECT, CONNACK, DISCONNECT, PINGREQ and keep alive.

use super::{Test, test};

/// Bridges of some brokers set the highest bit of a level that exists: 0x83, 0x84 and 0x85 are no levels to test.
macro_rules! unknown_level {
    ($level:literal) => {
        test(
            concat!("connect/level-", $level),
            "MQTT-3.1.2-2, MQTT-3.2.2-6, MQTT-3.2.2-7, 3.1.1 MQTT-3.1.2-2, 3.1.1 MQTT-3.2.2-4, 3.1.1 MQTT-3.2.2-5",
            concat!("a > connect level=", $level, "\n a < closed 01,84"),
        )
    };
}

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("connect/welcome", "MQTT-3.1.4-5, MQTT-3.2.0-1, MQTT-3.2.2-1, MQTT-3.2.2-2, 3.1.1 MQTT-3.1.4-4, 3.1.1 MQTT-3.2.0-1, 3.1.1 MQTT-3.2.2-1", "
        a > connect
        a < connack 00 new
        a leave"),
    test("connect/second-connect", "MQTT-3.1.0-2, MQTT-3.2.0-2, 3.1.1 MQTT-3.1.0-2", "
        a connect
        a > connect
        a < closed 82"),
    test("connect/connect-first", "MQTT-3.1.0-1, MQTT-3.14.0-1, 3.1.1 MQTT-3.1.0-1", "
        a > ping
        a < closed"),
    test("connect/publish-first", "MQTT-3.1.0-1, 3.1.1 MQTT-3.1.0-1", "
        b connect
        b > subscribe 1 T/x
        b < suback 1 00
        a > publish T/x early
        a < closed
        wait 0.2
        b quiet"),
    test("connect/protocol-name", "MQTT-3.1.2-1, 3.1.1 MQTT-3.1.2-1", "
        a > connect name=MQTX
        a < closed 84,01"),
    test("connect/level-refused", "3.1.1 MQTT-3.1.2-2, 3.1.1 MQTT-3.2.2-4, 3.1.1 MQTT-3.2.2-5", "
        a > connect level=6
        a < closed 01,84"),
    test("connect/level-refused-5", "MQTT-3.1.2-2, MQTT-3.2.2-6, MQTT-3.2.2-7", "
        a > connect level=6
        a < closed 84,01"),
    unknown_level!("0"),
    unknown_level!("1"),
    unknown_level!("2"),
    unknown_level!("127"),
    test("connect/nothing-after-refusal", "MQTT-3.1.4-6, 3.1.1 MQTT-3.1.4-5", "
        b connect
        b > subscribe 1 T/x
        b < suback 1 00
        a >+ connect level=6
        a > publish T/x late
        a < closed 01,84
        wait 0.2
        b quiet"),
    test("connect/long-client-id", "MQTT-3.1.3-4, MQTT-3.1.3-8, 3.1.1 MQTT-3.1.3-4, 3.1.1 MQTT-3.1.3-9", "
        a > connect id=*65535
        a < connack 00 new | connack 02,85 new | closed"),
    test("connect/reserved-flag", "MQTT-3.1.2-3, MQTT-3.1.4-1, 3.1.1 MQTT-3.1.2-3", "
        a > connect at=9:03
        a < closed 81,82"),
    test("connect/will-qos-3", "MQTT-3.1.2-12, 3.1.1 MQTT-3.1.2-14", "
        a > connect will=T/w,x,3
        a < closed 81,82"),
    test("connect/will-qos-without-will", "MQTT-3.1.2-11, 3.1.1 MQTT-3.1.2-13", "
        a > connect at=9:0a
        a < closed 81,82"),
    test("connect/will-retain-without-will", "MQTT-3.1.2-13, 3.1.1 MQTT-3.1.2-15", "
        a > connect at=9:22
        a < closed 81,82"),
    test("connect/password-alone", "3.1.1 MQTT-3.1.2-22", "
        a > hex 10 11 00 04 4d 51 54 54 04 42 00 00 00 02 7a 7a 00 01 70
        a < closed"),
    test("connect/no-client-id-field", "MQTT-3.1.3-3, 3.1.1 MQTT-3.1.3-3, 3.1.1 MQTT-3.1.4-1", "
        a > connect at=1:0a
        a < closed 81,82"),
    test("connect/empty-id", "3.1.1 MQTT-3.1.3-6", "
        a > connect id=-
        a < connack 00,02 new"),
    test("connect/empty-id-kept", "3.1.1 MQTT-3.1.3-7, 3.1.1 MQTT-3.1.3-8", "
        a > connect id=- clean=0
        a < connack 02 new
        a < closed"),
    test("connect/assigned-id", "MQTT-3.1.3-6, MQTT-3.1.3-7, MQTT-3.2.2-16", "
        a > connect id=-
        a < connack 00 new assigned=? | connack 85 new"),
    test("connect/no-assigned-id", "MQTT-3.1.3-5, 3.1.1 MQTT-3.1.3-5", "
        a > connect
        a < connack 00 new !assigned"),
    test("connect/takeover", "MQTT-3.1.4-3, MQTT-3.1.3-2", "
        a > connect
        a < connack 00 new
        a2 > connect
        a2 < connack 00 new
        a < disconnect 8e
        a < closed"),
    test("connect/takeover-311", "3.1.1 MQTT-3.1.4-2, 3.1.1 MQTT-3.1.3-2", "
        a > connect
        a < connack 00 new
        a2 > connect
        a2 < connack 00 new
        a < closed"),
    test("connect/ping", "MQTT-3.12.4-1, 3.1.1 MQTT-3.12.4-1", "
        a connect
        a > ping
        a < pingresp"),
    test("connect/keep-alive", "MQTT-3.1.2-22, MQTT-3.2.2-22, 3.1.1 MQTT-3.1.2-24", "
        a connect keep=1
        a needs !keep | keep=1
        wait 1
        a quiet
        a <6 closed 8d"),
    test("connect/keep-alive-0", "MQTT-3.1.2-22, 3.1.1 MQTT-3.1.2-24", "
        a > connect keep=0
        a <? connack 00 ?
        wait 3
        a quiet"),
    test("connect/after-disconnect", "MQTT-3.14.4-1, 3.1.1 MQTT-3.14.4-2", "
        b connect
        b > subscribe 1 T/x
        b < suback 1 00
        a connect
        a >+ disconnect
        a > publish T/x late
        a < closed
        wait 0.2
        b quiet"),
    test("connect/disconnect-flags", "MQTT-3.14.1-1, 3.1.1 MQTT-3.14.1-1", "
        a connect
        a > disconnect first=e1
        a < closed 81,82"),
    test("connect/expiry-raised-at-disconnect", "MQTT-4.13.1-1", "
        a connect
        a > disconnect 00 expiry=5
        a < closed 82"),
    test("connect/byte-by-byte", "MQTT-4.2-1, 3.1.1 MQTT-7.1.1-1", "
        a >1 connect
        a < connack 00 new
        a >1 subscribe 1 T/x@1
        a < suback 1 01
        a >1 publish T/x hello 1#2
        a < puback 2 00 & publish T/x hello 1#$m
        a >1 puback $m
        a quiet"),
    test("connect/many-in-one", "MQTT-4.2-1, 3.1.1 MQTT-7.1.1-1", "
        a >+ connect
        a >+ subscribe 1 T/x
        a >+ ping
        a > publish T/x hello
        a < connack 00 new
        a < suback 1 00 & pingresp & publish T/x hello"),
    test("connect/response-information", "MQTT-3.1.2-28", "
        a > connect respinfo=0
        a < connack 00 new !ResponseInformation"),
];
