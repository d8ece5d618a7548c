//! Packet ids: all 65,535 of them, in use and free again, both ways.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("ids/every-id-from-client", "MQTT-2.2.1-3, MQTT-2.2.1-5, MQTT-4.3.2-4, MQTT-4.3.2-5, 3.1.1 MQTT-2.3.1-6, 3.1.1 MQTT-4.3.2-2", "
        a connect
        repeat 65535 ahead 100
            a > publish T/x - 1#{i}
            a < puback {i} 00,10
        end
        a > publish T/x - 1#1
        a < puback 1 00,10"),
    // With two ids in use, two are left after the rounds. No more than seven at a time, as some servers send no more before they hear
    // of the first. A server may also wait with the next message until an id is free that is its turn.
    test("ids/every-id-from-server", "MQTT-2.2.1-4, MQTT-4.3.2-1, MQTT-4.3.3-1, 3.1.1 MQTT-2.3.1-4, 3.1.1 MQTT-4.3.2-1", "
        a connect
        b connect
        a > subscribe 1 T/x@1 T/y@2
        a < suback 1 01 02
        b > publish T/x held 1#1
        b < puback 1 00
        a < publish T/x held 1#$held
        b > publish T/y held 2#1
        b < pubrec 1 00
        b > pubrel 1
        b < pubcomp 1 00
        a < publish T/y held 2#$released
        a > pubrec $released
        a < pubrel $released 00
        repeat 65531 ahead 7
            b > publish T/x {i} 1#{i}
            b < puback {i} 00
            a < publish T/x {i} 1#$m{i}/$held/$released
            a > puback $m{i}
        end
        repeat 5
            b > publish T/x more 1#{i}
            b < puback {i} 00
        end
        a > ping
        a <* pingresp unless publish T/x more 1#$held
        a >+ puback $held
        a > pubcomp $released
        b > publish T/x last 1#1
        b < puback 1 00
        a <* publish T/x last 1#$last"),
    test("ids/in-flight-at-the-same-time", "MQTT-2.2.1-4, MQTT-4.3.2-1, 3.1.1 MQTT-2.3.1-4, 3.1.1 MQTT-4.3.2-1", "
        a connect
        b connect
        a > subscribe 1 T/x@1
        a < suback 1 01
        b > publish T/x 1 1#1
        b < puback 1 00
        b > publish T/x 2 1#1
        b < puback 1 00
        b > publish T/x 3 1#1
        b < puback 1 00
        a < publish T/x 1 1#$a
        a < publish T/x 2 1#$b/$a
        a < publish T/x 3 1#$c/$a/$b
        a > puback $b
        b > publish T/x 4 1#1
        b < puback 1 00
        a < publish T/x 4 1#$d/$a/$c"),
    test("ids/kinds-of-requests", "MQTT-2.2.1-6, 3.1.1 MQTT-2.3.1-7", "
        a connect
        repeat 200 ahead 20
            a > subscribe {i} T/{i}
            a < suback {i} 00
        end
        repeat 200 ahead 20
            a > unsubscribe {i} T/{i}
            a < unsuback {i} 00 | unsuback {i}
        end"),
    test("ids/2-in-a-row", "MQTT-4.3.3-8, MQTT-4.3.3-11, 3.1.1 MQTT-4.3.3-2", "
        a connect
        repeat 500
            a > publish T/x - 2#{i}
            a < pubrec {i} 00,10
            a > pubrel {i}
            a < pubcomp {i} 00
        end"),
];
