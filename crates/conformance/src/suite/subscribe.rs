//! SUBSCRIBE and UNSUBSCRIBE, and which topics a filter matches.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    // The first of all tests: it hears the messages of all others, and a broker may drop some of very many.
    test("subscribe/hash-and-dollar", "MQTT-4.7.2-1, 3.1.1 MQTT-4.7.2-1", "
        a connect
        b connect
        c connect
        a > subscribe 1 #
        a <* suback 1 00 unless publish $?
        b > publish $martlet/T/x hidden
        wait 0.1
        c > publish T/x seen
        a <* publish T/x seen unless publish $?"),
    test("subscribe/answered", "MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-2.2.1-6, 3.1.1 MQTT-3.8.4-1, 3.1.1 MQTT-3.8.4-2, 3.1.1 MQTT-2.3.1-7", "
        a connect
        a > subscribe 4242 T/x
        a < suback 4242 00"),
    test("subscribe/a-code-for-each", "MQTT-3.8.4-5, MQTT-3.8.4-6, MQTT-3.8.4-7, MQTT-3.9.3-1, 3.1.1 MQTT-3.8.4-4, 3.1.1 MQTT-3.8.4-5, 3.1.1 MQTT-3.9.3-1", "
        a connect
        a > subscribe 1 T/a@2 T/b@0 T/c@1
        a < suback 1 02 00 01"),
    test("subscribe/no-filter", "MQTT-3.8.3-2, 3.1.1 MQTT-3.8.3-3", "
        a connect
        a > subscribe 1
        a < closed 81,82"),
    test("subscribe/reserved-flags", "MQTT-3.8.1-1, 3.1.1 MQTT-3.8.1-1", "
        a connect
        a > subscribe 1 T/x first=80
        a < closed 81,82"),
    test("subscribe/reserved-options", "MQTT-3.8.3-5, 3.1.1 MQTT-3.8.3-4", "
        a connect
        a > subscribe 1 T/x@x40
        a < closed 81,82"),
    test("subscribe/qos-3", "MQTT-3.8.3-5, 3.1.1 MQTT-3.8.3-4", "
        a connect
        a > subscribe 1 T/x@x03
        a < closed 81,82"),
    test("subscribe/id-0", "3.1.1 MQTT-2.3.1-1, MQTT-2.2.1-3", "
        a connect
        a > subscribe 0 T/x
        a < closed 81,82"),
    test("subscribe/replaced", "MQTT-3.8.4-3, 3.1.1 MQTT-3.8.4-3", "
        a connect
        a > subscribe 1 T/x@0
        a < suback 1 00
        a > subscribe 2 T/x@1
        a < suback 2 01
        a > publish T/x hello 1#3
        a < puback 3 00 & publish T/x hello 1#$m
        a quiet"),
    test("subscribe/overlap", "MQTT-3.3.4-2, 3.1.1 MQTT-3.3.5-1", "
        b connect
        a connect
        a > subscribe 1 T/+@0 T/x@2
        a < suback 1 00 02
        b > publish T/x hello 2#3
        b < pubrec 3 00
        b > pubrel 3
        a < publish T/x hello 2#$m & ~publish T/x hello"),
    test("subscribe/single-level", "MQTT-4.7.1-2, 3.1.1 MQTT-4.7.1-3", "
        a connect
        a > subscribe 1 T/+/z
        a < suback 1 00
        a >+ publish T/z 1
        a >+ publish T/a/b/z 2
        a >+ publish T/a/z 3
        a > publish T//z 4
        a < publish T/a/z 3
        a < publish T//z 4
        a quiet"),
    test("subscribe/multi-level", "MQTT-4.7.1-1, 3.1.1 MQTT-4.7.1-2", "
        a connect
        a > subscribe 1 T/a/#
        a < suback 1 00
        a >+ publish T/b 1
        a >+ publish T/ab 2
        a >+ publish T/a 3
        a >+ publish T/a/b 4
        a > publish T/a/b/c 5
        a < publish T/a 3
        a < publish T/a/b 4
        a < publish T/a/b/c 5"),
    test("subscribe/hash-not-last", "MQTT-4.7.1-1, 3.1.1 MQTT-4.7.1-2", "
        a connect
        a > subscribe 1 T/#/x
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("subscribe/hash-in-a-level", "MQTT-4.7.1-1, 3.1.1 MQTT-4.7.1-2", "
        a connect
        a > subscribe 1 T/x#
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("subscribe/plus-in-a-level", "MQTT-4.7.1-2, 3.1.1 MQTT-4.7.1-3", "
        a connect
        a > subscribe 1 T/x+
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("subscribe/empty-filter", "MQTT-4.7.3-1, 3.1.1 MQTT-4.7.3-1", "
        a connect
        a > subscribe 1 -
        a < suback 1 8f,80 | disconnect ? | closed"),
    test("subscribe/no-local", "MQTT-3.8.3-3", "
        a connect
        b connect
        a > subscribe 1 T/x@0n
        a < suback 1 00
        a > publish T/x own 1#1
        a < puback 1 00,10
        b > publish T/x other
        a < publish T/x other"),
    test("subscribe/dollar", "MQTT-4.7.2-1, 3.1.1 MQTT-4.7.2-1", "
        a connect
        a > subscribe 1 +/T/x
        a < suback 1 00
        b connect
        b > publish $martlet/T/x hidden
        b > publish martlet/T/x seen
        a < publish martlet/T/x seen"),
    test("subscribe/many-filters", "MQTT-3.8.4-5, MQTT-3.8.4-6, MQTT-3.9.3-1, 3.1.1 MQTT-3.8.4-4, 3.1.1 MQTT-3.8.4-5, 3.1.1 MQTT-3.9.3-1", "
        a connect
        a > subscribe 1 T/0@0 T/1@1 T/2@2 T/3@0 T/4@1 T/5@2 T/6@0 T/7@1 T/8@2 T/9@0 T/10@1 T/11@2 T/12@0 T/13@1 T/14@2 T/15@0 T/16@1 T/17@2 T/18@0 T/19@1 T/20@2 T/21@0 T/22@1 T/23@2
        a < suback 1 00 01 02 00 01 02 00 01 02 00 01 02 00 01 02 00 01 02 00 01 02 00 01 02
        a > publish T/23 hello
        a < publish T/23 hello"),
    test("subscribe/one-of-three-refused", "MQTT-3.8.4-7, MQTT-3.9.3-1, MQTT-3.9.3-2, 3.1.1 MQTT-3.8.4-5, 3.1.1 MQTT-3.9.3-1, 3.1.1 MQTT-3.9.3-2", "
        a connect
        a > subscribe 1 T/x@1 T/#/x@1 T/y@2
        a < suback 1 01 8f,80 02 | disconnect ? | closed"),
    test("subscribe/long-filter", "MQTT-4.7.3-3, MQTT-3.8.4-1, 3.1.1 MQTT-4.7.3-3, 3.1.1 MQTT-3.8.4-1", "
        a connect
        a > subscribe 1 T/*65501
        a < suback 1 00,80,83,87,8f,97 | disconnect ? | closed"),
    test("unsubscribe/answered", "MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.11.3-1, 3.1.1 MQTT-3.10.4-4", "
        a connect
        a > subscribe 1 T/x
        a < suback 1 00
        a > unsubscribe 77 T/x
        a < unsuback 77 00 | unsuback 77"),
    test("unsubscribe/nothing-there", "MQTT-3.10.4-5, MQTT-3.11.3-2, 3.1.1 MQTT-3.10.4-5", "
        a connect
        a > unsubscribe 77 T/x
        a < unsuback 77 11 | unsuback 77"),
    test("unsubscribe/several", "MQTT-3.10.4-6, MQTT-3.11.3-1, 3.1.1 MQTT-3.10.4-6", "
        a connect
        a > subscribe 1 T/x T/y
        a < suback 1 00 00
        a > unsubscribe 2 T/x T/z T/y
        a < unsuback 2 00 11 00 | unsuback 2"),
    test("unsubscribe/effective", "MQTT-3.10.4-1, MQTT-3.10.4-2, 3.1.1 MQTT-3.10.4-1, 3.1.1 MQTT-3.10.4-2", "
        a connect
        a > subscribe 1 T/x T/+
        a < suback 1 00 00
        a > unsubscribe 2 T/+
        a < unsuback 2 00 | unsuback 2
        a > publish T/y hidden
        a > publish T/x seen
        a < publish T/x seen"),
    test("unsubscribe/no-filter", "MQTT-3.10.3-2, 3.1.1 MQTT-3.10.3-2", "
        a connect
        a > unsubscribe 1
        a < closed 81,82"),
    test("unsubscribe/reserved-flags", "MQTT-3.10.1-1, 3.1.1 MQTT-3.10.1-1", "
        a connect
        a > unsubscribe 1 T/x first=a0
        a < closed 81,82"),
];
