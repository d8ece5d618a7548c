//! Sessions: kept, resumed, dropped, expired; what is sent again.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("session/kept-311", "3.1.1 MQTT-3.1.2-4, 3.1.1 MQTT-3.2.2-2, 3.1.1 MQTT-3.2.2-3, 3.1.1 MQTT-3.1.2-5, 3.1.1 MQTT-4.5.0-1", "
        a > connect clean=0
        a < connack 00 new
        a > subscribe 1 T/x@1
        a < suback 1 01
        a leave
        b connect
        b > publish T/x queued 1#1
        b < puback 1 00
        a > connect clean=0
        a < connack 00 present
        a < publish T/x queued 1#$m"),
    test("session/kept", "MQTT-3.1.2-5, MQTT-3.1.2-6, MQTT-3.1.2-23, MQTT-3.2.2-3, MQTT-4.5.0-1", "
        a > connect clean=0 expiry=60
        a < connack 00 new
        a > subscribe 1 T/x@1
        a < suback 1 01
        a leave
        b connect
        b > publish T/x queued 1#1
        b < puback 1 00
        a > connect clean=0 expiry=60
        a < connack 00 present
        a < publish T/x queued 1#$m"),
    test("session/clean", "MQTT-3.1.2-4, MQTT-3.2.2-2, MQTT-3.1.4-4, 3.1.1 MQTT-3.1.2-6, 3.1.1 MQTT-3.2.2-1", "
        a connect clean=0 expiry=60
        a > subscribe 1 T/x@1
        a < suback 1 01
        a leave
        a > connect
        a < connack 00 new
        a > publish T/x hello 1#1
        a < puback 1 00,10
        a quiet"),
    test("session/ends-with-connection", "MQTT-4.1.0-2", "
        a connect clean=0
        a leave
        a > connect clean=0
        a < connack 00 new"),
    test("session/expires", "MQTT-4.1.0-2", "
        a connect clean=0 expiry=1
        a leave
        wait 2.5
        a > connect clean=0
        a < connack 00 new"),
    test("session/dropped-by-disconnect", "MQTT-4.1.0-2", "
        a connect clean=0 expiry=60
        a > disconnect 00 expiry=0
        a < closed 00
        a > connect clean=0
        a < connack 00 new"),
    test("session/publish-again", "MQTT-4.4.0-1, MQTT-3.3.1-1, MQTT-4.3.2-3, 3.1.1 MQTT-4.4.0-1, 3.1.1 MQTT-3.3.1-1", "
        a connect clean=0 expiry=60
        a > subscribe 1 T/x@1
        a < suback 1 01
        a > publish T/x hello 1#1
        a < puback 1 00 & publish T/x hello 1#$m
        a drop
        a > connect clean=0 expiry=60
        a < connack 00 present
        a < publish T/x hello 1#$m dup
        a > puback $m
        a quiet"),
    test("session/pubrel-again", "MQTT-4.4.0-1, MQTT-4.3.3-5, 3.1.1 MQTT-4.4.0-1, 3.1.1 MQTT-4.3.3-1", "
        b connect
        a connect clean=0 expiry=60
        a > subscribe 1 T/x@2
        a < suback 1 02
        b > publish T/x hello 2#1
        b < pubrec 1 00
        b > pubrel 1
        b < pubcomp 1 00
        a < publish T/x hello 2#$m
        a > pubrec $m
        a < pubrel $m 00
        a drop
        a > connect clean=0 expiry=60
        a < connack 00 present
        a < pubrel $m 00
        a > pubcomp $m
        a quiet"),
    test("session/received-is-remembered", "MQTT-4.3.3-10, 3.1.1 MQTT-4.3.3-2, 3.1.1 MQTT-4.1.0-1", "
        b connect
        b > subscribe 1 T/x
        b < suback 1 00
        a connect clean=0 expiry=60
        a > publish T/x hello 2#5
        a < pubrec 5 00
        a drop
        a > connect clean=0 expiry=60
        a < connack 00 present
        a > publish T/x hello 2#5 dup
        a < pubrec 5 00,10
        a > pubrel 5
        a < pubcomp 5 00
        b < publish T/x hello
        wait 0.2
        b quiet"),
    test("session/queued-in-order", "MQTT-4.6.0-5, 3.1.1 MQTT-4.6.0-6", "
        a connect clean=0 expiry=60
        a > subscribe 1 T/x@1
        a < suback 1 01
        a leave
        b connect
        b > publish T/x one 1#1
        b < puback 1 00
        b > publish T/x two 1#2
        b < puback 2 00
        a connect clean=0 expiry=60
        a < publish T/x one 1#$m
        a < publish T/x two 1#$n"),
    test("session/queued-expires", "MQTT-3.3.2-5, MQTT-3.3.2-6", "
        a connect clean=0 expiry=60
        a > subscribe 1 T/+@1
        a < suback 1 01
        a leave
        b connect
        b > publish T/x gone 1#1 mexp=1
        b < puback 1 00
        b > publish T/y kept 1#2 mexp=100
        b < puback 2 00
        wait 2.1
        a connect clean=0 expiry=60
        a < publish T/y kept 1#$m mexp=98 | publish T/y kept 1#$m mexp=97"),
    test("session/expiry-lowered-at-disconnect", "MQTT-4.1.0-2", "
        a connect clean=0 expiry=60
        a > disconnect 00 expiry=1
        a < closed 00
        wait 2.5
        a > connect clean=0
        a < connack 00 new"),
    test("session/expiry-raised-at-disconnect", "MQTT-3.1.2-23, MQTT-3.1.2-5", "
        a connect clean=0 expiry=1
        a > disconnect 00 expiry=60
        a < closed 00
        wait 2.5
        a > connect clean=0
        a < connack 00 present"),
    test("session/expiry-of-the-last-connect", "MQTT-4.1.0-2, MQTT-3.1.2-5, MQTT-3.2.2-3", "
        a connect clean=0 expiry=60
        a leave
        a > connect clean=0
        a < connack 00 present
        a leave
        a > connect clean=0
        a < connack 00 new"),
    test("session/resumed-by-takeover", "MQTT-3.1.4-3, MQTT-3.1.2-5, 3.1.1 MQTT-3.1.4-2, 3.1.1 MQTT-3.1.2-4", "
        b connect
        a connect clean=0 expiry=60
        a > subscribe 1 T/x@1
        a < suback 1 01
        a2 > connect clean=0 expiry=60
        a2 < connack 00 present
        a < closed 8e
        b > publish T/x hello 1#1
        b < puback 1 00
        a2 < publish T/x hello 1#$m"),
    test("session/dropped-by-takeover", "MQTT-3.1.4-3, MQTT-3.1.2-4, 3.1.1 MQTT-3.1.4-2, 3.1.1 MQTT-3.1.2-6", "
        b connect
        a connect clean=0 expiry=60
        a > subscribe 1 T/x@1
        a < suback 1 01
        a2 > connect
        a2 < connack 00 new
        a < closed 8e
        b > publish T/x hello 1#1
        b < puback 1 00,10
        a2 quiet"),
    test("session/resent-in-order", "MQTT-4.4.0-1, MQTT-4.6.0-1, MQTT-4.6.0-5, 3.1.1 MQTT-4.4.0-1, 3.1.1 MQTT-4.6.0-1, 3.1.1 MQTT-4.6.0-6", "
        b connect
        a connect clean=0 expiry=60
        a > subscribe 1 T/x@1
        a < suback 1 01
        repeat 4
            b > publish T/x {i} 1#{i}
            b < puback {i} 00
        end
        a < publish T/x 1 1#$a
        a < publish T/x 2 1#$b
        a < publish T/x 3 1#$c
        a < publish T/x 4 1#$d
        a > puback $b
        a quiet
        a drop
        a > connect clean=0 expiry=60
        a < connack 00 present
        a < publish T/x 1 1#$a dup
        a < publish T/x 3 1#$c dup
        a < publish T/x 4 1#$d dup
        a quiet"),
    test("session/nothing-again-while-connected", "MQTT-4.4.0-1", "
        a connect
        a > subscribe 1 T/x@1
        a < suback 1 01
        a > publish T/x hello 1#1
        a < puback 1 00 & publish T/x hello 1#$m
        wait 2
        a quiet"),
    test("session/refused-is-not-sent-again", "MQTT-4.4.0-2", "
        a connect clean=0 expiry=60
        a > subscribe 1 T/x@1
        a < suback 1 01
        a > publish T/x hello 1#1
        a < puback 1 00 & publish T/x hello 1#$m
        a > puback $m 80
        a quiet
        a drop
        a > connect clean=0 expiry=60
        a < connack 00 present
        a quiet"),
];
