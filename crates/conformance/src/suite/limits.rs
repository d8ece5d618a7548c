//! What a client has announced, and what the server has: packet sizes, aliases, quotas.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("limits/maximum-packet-size", "MQTT-3.1.2-24, MQTT-3.1.2-25", "
        a connect max=100
        b connect
        a > subscribe 1 T/x@1
        a < suback 1 01
        b > publish T/x *200 1#1
        b < puback 1 00
        b > publish T/x small 1#2
        b < puback 2 00
        a < publish T/x small 1#$m
        a > puback $m
        a quiet"),
    test("limits/no-aliases-to-client", "MQTT-3.1.2-26, MQTT-3.1.2-27", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a >+ publish T/x one
        a > publish T/x two
        a < publish T/x one
        a < publish T/x two"),
    test("limits/alias-0", "MQTT-3.3.2-8", "
        a connect
        a > publish T/x hello alias=0
        a < closed 94,81,82"),
    test("limits/alias-unknown", "MQTT-3.3.2-9, MQTT-4.13.1-1", "
        a connect
        a >! publish - hello alias=1
        a < closed 94,81,82"),
    test("limits/no-topic-and-no-alias", "MQTT-4.13.1-1", "
        a connect
        a > publish - hello
        a < closed 81,82,90"),
    test("limits/alias", "MQTT-3.3.2-12", "
        a connect
        a needs aliasmax=?
        a > subscribe 1 T/+
        a < suback 1 00
        a >+ publish T/x one alias=1
        a >+ publish - two alias=1
        a >+ publish T/y three alias=1
        a > publish - four alias=1
        a < publish T/x one
        a < publish T/x two
        a < publish T/y three
        a < publish T/y four"),
    test("limits/alias-ends-with-connection", "MQTT-3.3.2-7", "
        a connect clean=0 expiry=60
        a needs aliasmax=?
        a > publish T/x hello 1#1 alias=1
        a < puback 1 00,10
        a leave
        a > connect clean=0 expiry=60
        a < connack 00 present
        a >! publish - hello alias=1
        a < closed 94,81,82"),
    test("limits/aliases-are-each-clients-own", "MQTT-3.3.2-7", "
        a connect
        b connect
        a needs aliasmax=?
        a > publish T/x hello 1#1 alias=1
        a < puback 1 00,10
        b > publish - hello alias=1
        b < closed 94,81,82
        a > publish - hello 1#2 alias=1
        a < puback 2 00,10"),
    test("limits/packet-too-large-for-client-qos0", "MQTT-3.1.2-24", "
        a connect max=60
        b connect
        a > subscribe 1 T/+
        a < suback 1 00
        b >+ publish T/x *100
        b > publish T/y y
        a < publish T/y y"),
    test("limits/alias-at-the-maximum", "MQTT-3.3.2-12", "
        a connect
        a needs aliasmax=?
        a needs !aliasmax<1
        a > publish T/x hello 1#1 alias=$aliasmax
        a < puback 1 00,10
        a > publish - hello 1#2 alias=$aliasmax
        a < puback 2 00,10"),
    test("limits/receive-maximum-reached", "MQTT-3.3.4-8, MQTT-4.9.0-3", "
        a connect
        a needs rm<65535
        a > subscribe 1 T/y
        a < suback 1 00
        repeat $rm ahead 255
            a > publish T/x - 2#{i}
            a < pubrec {i} 00,10
        end
        a quiet
        a > publish T/y hello
        a < publish T/y hello
        a > pubrel 1
        a < pubcomp 1 00
        a > publish T/x - 1#1
        a < puback 1 00,10"),
    // 24 bytes are enough for all that an answer must have, and for no Reason String.
    test("limits/connack-fits", "MQTT-3.2.2-19, MQTT-3.2.2-20, MQTT-3.1.2-24", "
        a > connect max=24 method=martlet-nothing
        a < closed 8c,87"),
    test("limits/connack-of-a-wrong-connect-fits", "MQTT-3.2.2-19, MQTT-3.2.2-20, MQTT-3.1.2-24", "
        a > connect max=24 will=T/#,x
        a < closed 81,82,90"),
    test("limits/disconnect-fits", "MQTT-3.14.2-3, MQTT-3.14.2-4, MQTT-3.1.2-24", "
        a > connect max=24
        a <? connack 00 new
        a > subscribe 1
        a < closed 81,82"),
    test("limits/takeover-fits", "MQTT-3.14.2-3, MQTT-3.14.2-4, MQTT-3.1.2-24", "
        a > connect max=24
        a <? connack 00 new
        a2 connect
        a < closed 8e"),
    test("limits/acknowledgements-fit", "MQTT-3.4.2-2, MQTT-3.4.2-3, MQTT-3.5.2-2, MQTT-3.5.2-3, MQTT-3.7.2-2, MQTT-3.7.2-3, MQTT-3.1.2-24", "
        a > connect max=24
        a <? connack 00 new
        a > publish T/x hello 1#1
        a < puback 1 00,10
        a > publish T/x hello 2#2
        a < pubrec 2 00,10
        a > pubrel 2
        a < pubcomp 2 00
        a > pubrel 3
        a < pubcomp 3 92,00"),
    test("limits/suback-fits", "MQTT-3.9.2-1, MQTT-3.9.2-2, MQTT-3.1.2-24", "
        a > connect max=24
        a <? connack 00 new
        a > subscribe 1 T/x
        a < suback 1 00
        a > subscribe 2 T/#/x
        a < suback 2 8f,80 | disconnect ? | closed"),
    test("limits/unsuback-fits", "MQTT-3.11.2-1, MQTT-3.11.2-2, MQTT-3.1.2-24", "
        a > connect max=24
        a <? connack 00 new
        a > unsubscribe 1 T/x
        a < unsuback 1 11"),
];
