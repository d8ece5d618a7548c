//! Enhanced authentication, as far as it shows without a method that both sides know.

use super::{Test, test};

#[rustfmt::skip]
pub(super) const TESTS: &[Test] = &[
    test("auth/method-unknown", "MQTT-4.12.0-1", "
        a > connect method=martlet-nothing
        a < closed 8c,87"),
    test("auth/without-method", "MQTT-4.12.0-7, MQTT-4.13.1-1", "
        a connect
        a > auth 19
        a < closed 82,8c,81"),
    test("auth/no-method-from-server", "MQTT-4.12.0-6", "
        a > connect
        a < connack 00 new !method !data"),
    test("auth/first-packet", "MQTT-3.1.0-1", "
        a > auth 18 method=martlet-nothing
        a < closed"),
    test("auth/re-authentication-without-a-method", "MQTT-4.12.0-7, MQTT-4.12.1-2", "
        a connect
        a > auth 19 method=martlet-nothing
        a < closed 82,8c,81,87"),
    test("auth/continued-without-a-method", "MQTT-4.12.0-7", "
        a connect
        a > auth 18 method=martlet-nothing data=x
        a < closed 82,8c,81,87"),
    test("auth/success-from-client", "MQTT-3.15.2-1, MQTT-4.12.0-7", "
        a connect
        a > auth 00 method=martlet-nothing
        a < closed 82,8c,81,87"),
    test("auth/reason", "MQTT-3.15.2-1", "
        a connect
        a > auth 01 method=martlet-nothing
        a < closed 81,82"),
    test("auth/nothing-else-before-connack", "MQTT-3.1.2-30, MQTT-3.1.4-6, MQTT-4.12.0-4", "
        b connect
        b > subscribe 1 T/x
        b < suback 1 00
        a >+ connect method=martlet-nothing
        a > publish T/x early
        a < closed 8c,87,82
        wait 0.2
        b quiet"),
];
