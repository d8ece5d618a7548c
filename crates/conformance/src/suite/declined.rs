//! What a server has declined in its CONNACK, and what it does to a client that sends it all the same.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("declined/retain", "MQTT-3.2.2-14, MQTT-4.13.1-1", "
        a connect
        a needs retain=0
        a >! publish T/x hello 1#1 retain
        a < closed 9a,82"),
    test("declined/will-retain", "MQTT-3.2.2-13", "
        b connect
        b needs retain=0
        a >! connect will=T/w,x,0,retain
        a < closed 9a"),
    test("declined/retained-messages-on-subscribe", "MQTT-3.3.1-9", "
        a connect
        a needs retain=0
        a > subscribe 1 T/x@0h1
        a < suback 1 00
        a quiet"),
    test("declined/qos", "MQTT-3.2.2-11, MQTT-4.13.1-1", "
        a connect
        a needs maxqos<2
        a >! publish T/x hello 2#1
        a < closed 9b,82"),
    test("declined/qos-1", "MQTT-3.2.2-11, MQTT-4.13.1-1", "
        a connect
        a needs maxqos=0
        a >! publish T/x hello 1#1
        a < closed 9b,82"),
    test("declined/will-qos", "MQTT-3.2.2-12", "
        b connect
        b needs maxqos<2
        a >! connect will=T/w,x,2
        a < closed 9b"),
    test("declined/subscribe-at-any-qos", "MQTT-3.2.2-9, MQTT-3.2.2-10", "
        a connect
        a needs maxqos<2
        a >! subscribe 1 T/x@0 T/y@1 T/z@2
        a < suback 1 00 00,01 00,01"),
    test("declined/wildcards", "MQTT-4.13.1-1", "
        a connect
        a needs wildcards=0
        a >! subscribe 1 T/+
        a < suback 1 a2 | disconnect a2,82 | closed"),
    test("declined/subscription-identifiers", "MQTT-4.13.1-1", "
        a connect
        a needs subids=0
        a >! subscribe 1 T/x sub=1
        a < suback 1 a1 | disconnect a1,82 | closed"),
    test("declined/shared-subscriptions", "MQTT-4.13.1-1", "
        a connect
        a needs shared=0
        a >! subscribe 1 $share/g/T/x
        a < suback 1 9e | disconnect 9e,82 | closed"),
    test("declined/topic-alias", "MQTT-3.2.2-18, MQTT-4.13.1-1", "
        a connect
        a needs !aliasmax | aliasmax=0
        a >! publish T/x hello alias=1
        a < closed 94,82"),
    test("declined/topic-alias-above-the-maximum", "MQTT-3.3.2-9, MQTT-3.2.2-17, MQTT-4.13.1-1", "
        a connect
        a needs aliasmax<65535
        a >! publish T/x hello alias=65535
        a < closed 94,82"),
    test("declined/packet-size", "MQTT-3.2.2-15, MQTT-4.13.1-1", "
        a connect
        a needs max<4194304
        a >! publish T/x *$max
        a < closed 95,82"),
    test("declined/receive-maximum", "MQTT-3.3.4-7, MQTT-4.13.1-1", "
        a connect
        a needs rm<65535
        repeat $rm ahead 255
            a > publish T/x - 2#{i}
            a < pubrec {i} 00,10
        end
        a > publish T/x - 1#65535
        a < closed 93,82"),
];
