//! Packets as bytes: cut anywhere, several at once, of every length.

use super::{Test, test};

// With `T/` as 34 bytes, a PUBLISH of QoS 0 to `T/x` has 37 bytes before its payload, and 38 in 5.0.
#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("framing/in-parts", "MQTT-4.2-1, 3.1.1 MQTT-7.1.1-1", "
        b connect
        repeat 9
            a >{i} connect
            a < connack 00 new
            a >{i} subscribe 1 T/x@2 T/y@1
            a < suback 1 02 01
            b >{i} publish T/x hello 2#1
            b < pubrec 1 00
            b >{i} pubrel 1
            b < pubcomp 1 00
            a < publish T/x hello 2#$m{i}
            a >{i} pubrec $m{i}
            a < pubrel $m{i} 00
            a >{i} pubcomp $m{i}
            b >{i} publish T/y hello 1#2
            b < puback 2 00
            a < publish T/y hello 1#$n{i}
            a >{i} puback $n{i}
            a >{i} unsubscribe 2 T/x T/y
            a < unsuback 2 00 00 | unsuback 2
            a >{i} ping
            a < pingresp
            a >{i} disconnect
            a < closed 00
        end"),
    test("framing/properties-in-parts", "MQTT-4.2-1", "
        a connect
        a > subscribe 1 T/x sub=200
        a < suback 1 00
        repeat 9
            a >{i} publish T/x hello ctype=text/plain prop=a:b corr=%00 mexp=1000
            a < publish T/x hello ctype=text/plain prop=a:b corr=%00 mexp=1000 sub=200
        end"),
    test("framing/a-thousand-at-once", "MQTT-4.2-1, MQTT-3.12.4-1, 3.1.1 MQTT-7.1.1-1, 3.1.1 MQTT-3.12.4-1", "
        a connect
        repeat 1000 ahead 1000
            a > ping
            a < pingresp
        end"),
    test("framing/length-of-1-and-2-bytes", "MQTT-3.3.4-1, 3.1.1 MQTT-3.3.4-1", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x *88
        a < publish T/x *88
        a > publish T/x *89
        a < publish T/x *89
        a > publish T/x *90
        a < publish T/x *90
        a > publish T/x *91
        a < publish T/x *91
        a > publish T/x *200
        a < publish T/x *200"),
    test("framing/length-of-2-and-3-bytes", "MQTT-3.3.4-1, 3.1.1 MQTT-3.3.4-1", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x *16344
        a < publish T/x *16344
        a > publish T/x *16345
        a < publish T/x *16345
        a > publish T/x *16346
        a < publish T/x *16346
        a > publish T/x *16347
        a < publish T/x *16347"),
    test("framing/length-of-3-bytes", "MQTT-3.3.4-1, 3.1.1 MQTT-3.3.4-1", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x *1000000
        a <? publish T/x *1000000"),
    test("framing/length-of-3-and-4-bytes", "MQTT-3.3.4-1, 3.1.1 MQTT-3.3.4-1", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > publish T/x *2097113
        a <? publish T/x *2097113
        a > publish T/x *2097115
        a <? publish T/x *2097115"),
    // To write the fewest bytes binds the sender; a receiver may read what has more.
    test("framing/length-not-minimal", "MQTT-1.5.5-1", "
        a connect
        a > hex c0 80 00
        a < pingresp | disconnect 81,82 | closed"),
    test("framing/publish-without-room-for-an-id", "MQTT-4.13.1-1, 3.1.1 MQTT-4.8.0-1", "
        a connect
        a > hex 32 03 00 01 74
        a < closed 81,82"),
    test("framing/topic-beyond-the-packet", "MQTT-4.13.1-1, 3.1.1 MQTT-4.8.0-1", "
        a connect
        a > hex 30 04 00 09 74 74
        a < closed 81,82"),
    test("framing/client-id-beyond-the-packet", "MQTT-3.1.4-1, 3.1.1 MQTT-3.1.4-1", "
        a > connect id=- append=7878 at=13:ff
        a < closed 81,82"),
    test("framing/bytes-after-a-connect", "MQTT-3.1.4-1, 3.1.1 MQTT-3.1.4-1", "
        a > connect append=00
        a < closed 81,82"),
];
