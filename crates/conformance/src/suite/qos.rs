//! The exchanges of QoS 1 and QoS 2, both ways.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("qos/1-to-server", "MQTT-4.3.2-4, MQTT-2.2.1-5, MQTT-3.4.2-1, 3.1.1 MQTT-4.3.2-2, 3.1.1 MQTT-2.3.1-6", "
        a connect
        a > publish T/x hello 1#65535
        a < puback 65535 00,10"),
    test("qos/1-id-again", "MQTT-4.3.2-5, 3.1.1 MQTT-4.3.2-2", "
        b connect
        b > subscribe 1 T/x
        b < suback 1 00
        a connect
        a > publish T/x one 1#7
        a < puback 7 00
        a > publish T/x two 1#7
        a < puback 7 00
        b < publish T/x one
        b < publish T/x two"),
    test("qos/2-to-server", "MQTT-4.3.3-8, MQTT-4.3.3-11, 3.1.1 MQTT-4.3.3-2", "
        a connect
        a > publish T/x hello 2#7
        a < pubrec 7 00,10
        a > pubrel 7
        a < pubcomp 7 00"),
    test("qos/2-duplicate", "MQTT-4.3.3-10, 3.1.1 MQTT-4.3.3-2", "
        b connect
        b > subscribe 1 T/x
        b < suback 1 00
        a connect
        a > publish T/x hello 2#7
        a < pubrec 7 00
        a > publish T/x hello 2#7 dup
        a < pubrec 7 00,10
        a > pubrel 7
        a < pubcomp 7 00
        b < publish T/x hello
        wait 0.2
        b quiet"),
    test("qos/2-id-again", "MQTT-4.3.3-12, 3.1.1 MQTT-4.3.3-2", "
        b connect
        b > subscribe 1 T/x
        b < suback 1 00
        a connect
        a > publish T/x one 2#7
        a < pubrec 7 00
        a > pubrel 7
        a < pubcomp 7 00
        a > publish T/x two 2#7
        a < pubrec 7 00
        a > pubrel 7
        a < pubcomp 7 00
        b < publish T/x one
        b < publish T/x two"),
    test("qos/2-pubrel-again", "MQTT-4.3.3-11, 3.1.1 MQTT-4.3.3-2", "
        a connect
        a > publish T/x hello 2#7
        a < pubrec 7 00,10
        a > pubrel 7
        a < pubcomp 7 00
        a > pubrel 7
        a < pubcomp 7 00,92"),
    test("qos/pubrel-unknown", "MQTT-4.3.3-11, MQTT-3.7.2-1", "
        a connect
        a > pubrel 99
        a < pubcomp 99 92,00"),
    test("qos/1-to-client", "MQTT-4.3.2-1, MQTT-4.3.2-2, MQTT-2.2.1-4, 3.1.1 MQTT-4.3.2-1, 3.1.1 MQTT-2.3.1-4", "
        a connect
        a > subscribe 1 T/x@1
        a < suback 1 01
        a > publish T/x hello 1#1
        a < puback 1 00 & publish T/x hello 1#$m
        a > puback $m
        a quiet"),
    test("qos/2-to-client", "MQTT-4.3.3-2, MQTT-4.3.3-4, MQTT-4.3.3-6, 3.1.1 MQTT-4.3.3-1", "
        b connect
        a connect
        a > subscribe 1 T/x@2
        a < suback 1 02
        b > publish T/x hello 2#1
        b < pubrec 1 00
        b > pubrel 1
        b < pubcomp 1 00
        a < publish T/x hello 2#$m
        a > pubrec $m
        a < pubrel $m 00
        a > pubcomp $m
        a quiet"),
    test("qos/2-refused-by-client", "MQTT-4.4.0-2, MQTT-4.3.3-4", "
        b connect
        a connect
        a > subscribe 1 T/x@2
        a < suback 1 02
        b > publish T/x hello 2#1
        b < pubrec 1 00
        b > pubrel 1
        b < pubcomp 1 00
        a < publish T/x hello 2#$m
        a > pubrec $m 87
        a quiet"),
    test("qos/puback-order", "MQTT-4.6.0-2, 3.1.1 MQTT-4.6.0-2", "
        a connect
        a >+ publish T/x 1 1#3
        a >+ publish T/x 2 1#1
        a > publish T/x 3 1#2
        a < puback 3 00,10
        a < puback 1 00,10
        a < puback 2 00,10"),
    test("qos/pubrec-order", "MQTT-4.6.0-3, 3.1.1 MQTT-4.6.0-3", "
        a connect
        a >+ publish T/x 1 2#3
        a >+ publish T/x 2 2#1
        a > publish T/x 3 2#2
        a < pubrec 3 00,10
        a < pubrec 1 00,10
        a < pubrec 2 00,10"),
    test("qos/minimum", "MQTT-3.8.4-8, 3.1.1 MQTT-3.8.4-6", "
        b connect
        a connect
        a > subscribe 1 T/x@1
        a < suback 1 01
        b > publish T/x zero
        b > publish T/x two 2#1
        b < pubrec 1 00
        b > pubrel 1
        b < pubcomp 1 00
        a < publish T/x zero
        a < publish T/x two 1#$m"),
    test("qos/receive-maximum-of-client", "MQTT-3.3.4-9, MQTT-4.9.0-1, MQTT-4.9.0-2, MQTT-4.9.0-3, MQTT-3.3.4-10", "
        b connect
        a connect rm=1
        a > subscribe 1 T/x@1
        a < suback 1 01
        b > publish T/x one 1#1
        b < puback 1 00
        b > publish T/x two 1#2
        b < puback 2 00
        a < publish T/x one 1#$m
        a quiet
        a > puback $m
        a < publish T/x two 1#$n"),
    test("qos/begun-before-unsubscribe", "MQTT-3.10.4-3, 3.1.1 MQTT-3.10.4-3", "
        b connect
        a connect
        a > subscribe 1 T/x@2
        a < suback 1 02
        b > publish T/x hello 2#1
        b < pubrec 1 00
        b > pubrel 1
        b < pubcomp 1 00
        a < publish T/x hello 2#$m
        a > unsubscribe 2 T/x
        a < unsuback 2 00 | unsuback 2
        a > pubrec $m
        a < pubrel $m 00
        a > pubcomp $m
        a quiet"),
    test("qos/2-same-id-both-ways", "MQTT-2.2.1-5, 3.1.1 MQTT-2.3.1-6", "
        a connect
        a > subscribe 1 T/x@2
        a < suback 1 02
        a > publish T/x hello 2#1
        a < pubrec 1 00 & ~publish T/x hello 2#$m
        a > pubrel 1
        a < pubcomp 1 00 & ~publish T/x hello 2#$m"),
    test("qos/pubrel-order", "MQTT-4.6.0-4, 3.1.1 MQTT-4.6.0-4", "
        b connect
        a connect
        a > subscribe 1 T/x@2
        a < suback 1 02
        repeat 3
            b > publish T/x {i} 2#{i}
            b < pubrec {i} 00
            b > pubrel {i}
            b < pubcomp {i} 00
        end
        a < publish T/x 1 2#$a
        a < publish T/x 2 2#$b
        a < publish T/x 3 2#$c
        a >+ pubrec $a
        a >+ pubrec $b
        a > pubrec $c
        a < pubrel $a 00
        a < pubrel $b 00
        a < pubrel $c 00"),
    test("qos/2-refused-frees-the-quota", "MQTT-4.9.0-2, MQTT-4.4.0-2, MQTT-3.3.4-9", "
        b connect
        a connect rm=1
        a > subscribe 1 T/x@2
        a < suback 1 02
        repeat 2
            b > publish T/x {i} 2#{i}
            b < pubrec {i} 00
            b > pubrel {i}
            b < pubcomp {i} 00
        end
        a < publish T/x 1 2#$m
        a quiet
        a > pubrec $m 87
        a < publish T/x 2 2#$n"),
    test("qos/2-occupies-the-quota-until-pubcomp", "MQTT-4.9.0-2, MQTT-3.3.4-9", "
        b connect
        a connect rm=1
        a > subscribe 1 T/x@2
        a < suback 1 02
        repeat 2
            b > publish T/x {i} 2#{i}
            b < pubrec {i} 00
            b > pubrel {i}
            b < pubcomp {i} 00
        end
        a < publish T/x 1 2#$m
        a > pubrec $m
        a < pubrel $m 00
        a quiet
        a > pubcomp $m
        a < publish T/x 2 2#$n"),
    // In 5.0, only a new connection lets a client send again [MQTT-4.4.0-1].
    test("qos/2-sent-three-times", "MQTT-4.3.3-10, MQTT-4.3.3-12, 3.1.1 MQTT-4.3.3-2", "
        b connect
        b > subscribe 1 T/x@1
        b < suback 1 01
        a connect clean=0 expiry=60
        a > publish T/x hello 2#7
        a < pubrec 7 00
        a drop
        a connect clean=0 expiry=60
        a > publish T/x hello 2#7 dup
        a < pubrec 7 00,10
        a drop
        a connect clean=0 expiry=60
        a > publish T/x hello 2#7 dup
        a < pubrec 7 00,10
        a > pubrel 7
        a < pubcomp 7 00
        a > publish T/x again 2#7
        a < pubrec 7 00
        a > pubrel 7
        a < pubcomp 7 00
        b < publish T/x hello 1#$m
        b > puback $m
        b < publish T/x again 1#$n"),
];
