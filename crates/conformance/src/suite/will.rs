//! Wills: published, dropped, retained, delayed.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("will/published", "MQTT-3.1.2-7, MQTT-3.1.2-8, MQTT-3.1.2-14, 3.1.1 MQTT-3.1.2-8, 3.1.1 MQTT-3.1.2-16", "
        b connect
        b > subscribe 1 T/w@2
        b < suback 1 02
        a connect will=T/w,gone,1
        a drop
        b <2 publish T/w gone 1#$m"),
    test("will/dropped-by-disconnect", "MQTT-3.14.4-3, MQTT-3.1.2-10, 3.1.1 MQTT-3.14.4-3, 3.1.1 MQTT-3.1.2-10", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone
        a leave
        wait 0.5
        b quiet"),
    test("will/disconnect-with-will", "MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone
        a > disconnect 04
        a < closed 00
        b <2 publish T/w gone"),
    test("will/after-an-error", "MQTT-3.1.2-8, 3.1.1 MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone
        a > connect
        a < closed
        b <2 publish T/w gone"),
    test("will/retained", "MQTT-3.1.2-15, 3.1.1 MQTT-3.1.2-17", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone,0,retain
        a drop
        b <2 publish T/w gone
        c connect
        c > subscribe 1 T/w
        c < suback 1 00 & publish T/w gone retain"),
    test("will/on-takeover", "MQTT-3.1.2-8, 3.1.1 MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone
        a2 connect
        b <2 publish T/w gone"),
    test("will/reconnect-within-delay", "MQTT-3.1.3-9", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect clean=0 expiry=60 will=T/w,gone will.delay=2
        a drop
        wait 0.3
        a > connect clean=0 expiry=60
        a < connack 00 present
        wait 2.7
        b quiet"),
    test("will/delayed", "MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect clean=0 expiry=60 will=T/w,gone will.delay=1
        a drop
        wait 0.5
        b quiet
        b <2 publish T/w gone"),
    test("will/session-ends-before-delay", "MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect expiry=0 will=T/w,gone will.delay=60
        a drop
        b <2 publish T/w gone"),
    test("will/properties", "MQTT-3.1.3-10, MQTT-3.3.2-17", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone will.prop=b:1 will.prop=a:2 will.ctype=x/y will.format=1
        a drop
        b <2 publish T/w gone prop=b:1 prop=a:2 ctype=x/y format=1"),
    test("will/after-silence", "MQTT-3.1.2-8, MQTT-3.1.2-22, 3.1.1 MQTT-3.1.2-8, 3.1.1 MQTT-3.1.2-24", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect keep=1 will=T/w,gone
        a needs !keep | keep=1
        wait 0.5
        b quiet
        b <5 publish T/w gone"),
    test("will/disconnect-with-an-error", "MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone
        a > disconnect 80
        a < closed
        b <2 publish T/w gone"),
    // Only a DISCONNECT takes the will away, and these are none.
    test("will/malformed-disconnect", "MQTT-3.1.2-8, MQTT-4.13.1-1", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone
        a > disconnect 00 alias=1
        a < closed 81,82
        b <2 publish T/w gone"),
    test("will/disconnect-flags", "MQTT-3.14.1-1, MQTT-3.1.2-8, 3.1.1 MQTT-3.14.1-1, 3.1.1 MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect will=T/w,gone
        a > disconnect first=e1
        a < closed 81,82
        b <2 publish T/w gone"),
    test("will/delay-and-takeover", "MQTT-3.1.3-9", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect clean=0 expiry=60 will=T/w,gone will.delay=1
        a2 > connect clean=0 expiry=60
        a2 < connack 00 present
        wait 2.2
        b quiet"),
    test("will/takeover-ends-the-session", "MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect clean=0 expiry=60 will=T/w,gone will.delay=60
        a2 > connect
        a2 < connack 00 new
        b <2 publish T/w gone"),
    test("will/clean-start-within-the-delay", "MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect clean=0 expiry=60 will=T/w,gone will.delay=60
        a drop
        wait 0.3
        a > connect
        a < connack 00 new
        b <2 publish T/w gone"),
    test("will/session-expires-within-the-delay", "MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect clean=0 expiry=2 will=T/w,gone will.delay=60
        a drop
        wait 0.4
        b quiet
        b <4 publish T/w gone"),
    test("will/disconnect-ends-the-session", "MQTT-3.1.2-8", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect clean=0 expiry=60 will=T/w,gone will.delay=60
        a > disconnect 04 expiry=0
        a < closed
        b <2 publish T/w gone"),
    test("will/of-the-last-connect", "MQTT-3.1.2-10, 3.1.1 MQTT-3.1.2-10, 3.1.1 MQTT-3.1.2-12", "
        b connect
        b > subscribe 1 T/w
        b < suback 1 00
        a connect clean=0 expiry=60 will=T/w,gone
        a leave
        a connect clean=0 expiry=60
        a drop
        wait 0.5
        b quiet"),
];
