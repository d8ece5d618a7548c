//! Properties where table 2-4 of the specification has none, and twice where it has one: a test for each packet and property.
//!
//! DISCONNECT is left out, and AUTH, for want of a method that both sides know: they end the connection anyway.

use super::{Test, test};

/// A property in the words of a script.
#[rustfmt::skip]
macro_rules! property {
    ("payload-format-indicator") => { "format=1" };
    ("message-expiry-interval") => { "mexp=9" };
    ("content-type") => { "ctype=x" };
    ("response-topic") => { "resp=T/r" };
    ("correlation-data") => { "corr=x" };
    ("subscription-identifier") => { "sub=1" };
    ("session-expiry-interval") => { "expiry=9" };
    ("assigned-client-identifier") => { "assigned=x" };
    ("server-keep-alive") => { "serverkeep=9" };
    ("authentication-method") => { "method=x" };
    ("authentication-data") => { "data=x" };
    ("request-problem-information") => { "problem=1" };
    ("will-delay-interval") => { "delay=9" };
    ("request-response-information") => { "respinfo=1" };
    ("response-information") => { "info=x" };
    ("server-reference") => { "server=x" };
    ("reason-string") => { "reason=x" };
    ("receive-maximum") => { "rm=9" };
    ("topic-alias-maximum") => { "aliasmax=9" };
    ("topic-alias") => { "alias=1" };
    ("maximum-qos") => { "maxqos=1" };
    ("retain-available") => { "retain=1" };
    ("maximum-packet-size") => { "max=999" };
    ("wildcard-subscription-available") => { "wildcards=1" };
    ("subscription-identifier-available") => { "subids=1" };
    ("shared-subscription-available") => { "shared=1" };
}

/// `packet: start of the script: [properties];`
macro_rules! misplaced {
    ($($packet:literal: $start:literal: [$($property:tt)*];)*) => {
        &[$($(test(
            concat!("misplaced/", $packet, "/", $property),
            "MQTT-4.13.1-1",
            concat!($start, property!($property), "\n a < closed 81,82"),
        ),)*)*]
    };
}

/// As [`misplaced`]; `$again` is what stands between the two.
macro_rules! twice {
    ($($packet:literal: $start:literal: $again:literal: [$($property:tt)*];)*) => {
        &[$($(test(
            concat!("twice/", $packet, "/", $property),
            "MQTT-4.13.1-1",
            concat!($start, property!($property), $again, property!($property), "\n a < closed 81,82"),
        ),)*)*]
    };
}

#[rustfmt::skip]
pub(super) const MISPLACED: &[Test] = misplaced! {
    "connect": "a > connect ": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "subscription-identifier" "assigned-client-identifier" "server-keep-alive"
        "will-delay-interval" "response-information" "server-reference" "reason-string" "topic-alias"
        "maximum-qos" "retain-available" "wildcard-subscription-available"
        "subscription-identifier-available" "shared-subscription-available"
    ];
    "will": "a > connect will=T/w,x will.": [
        "subscription-identifier" "session-expiry-interval" "assigned-client-identifier"
        "server-keep-alive" "authentication-method" "authentication-data" "request-problem-information"
        "request-response-information" "response-information" "server-reference" "reason-string"
        "receive-maximum" "topic-alias-maximum" "topic-alias" "maximum-qos" "retain-available"
        "maximum-packet-size" "wildcard-subscription-available" "subscription-identifier-available"
        "shared-subscription-available"
    ];
    "publish": "a connect\n a > publish T/x hello ": [
        "session-expiry-interval" "assigned-client-identifier" "server-keep-alive" "authentication-method"
        "authentication-data" "request-problem-information" "will-delay-interval"
        "request-response-information" "response-information" "server-reference" "reason-string"
        "receive-maximum" "topic-alias-maximum" "maximum-qos" "retain-available" "maximum-packet-size"
        "wildcard-subscription-available" "subscription-identifier-available"
        "shared-subscription-available"
    ];
    "subscribe": "a connect\n a > subscribe 1 T/x ": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "session-expiry-interval" "assigned-client-identifier" "server-keep-alive"
        "authentication-method" "authentication-data" "request-problem-information" "will-delay-interval"
        "request-response-information" "response-information" "server-reference" "reason-string"
        "receive-maximum" "topic-alias-maximum" "topic-alias" "maximum-qos" "retain-available"
        "maximum-packet-size" "wildcard-subscription-available" "subscription-identifier-available"
        "shared-subscription-available"
    ];
    "unsubscribe": "a connect\n a > unsubscribe 1 T/x ": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "subscription-identifier" "session-expiry-interval" "assigned-client-identifier"
        "server-keep-alive" "authentication-method" "authentication-data" "request-problem-information"
        "will-delay-interval" "request-response-information" "response-information" "server-reference"
        "reason-string" "receive-maximum" "topic-alias-maximum" "topic-alias" "maximum-qos"
        "retain-available" "maximum-packet-size" "wildcard-subscription-available"
        "subscription-identifier-available" "shared-subscription-available"
    ];
    "puback": "a connect\n a > puback 1 00 ": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "subscription-identifier" "session-expiry-interval" "assigned-client-identifier"
        "server-keep-alive" "authentication-method" "authentication-data" "request-problem-information"
        "will-delay-interval" "request-response-information" "response-information" "server-reference"
        "receive-maximum" "topic-alias-maximum" "topic-alias" "maximum-qos" "retain-available"
        "maximum-packet-size" "wildcard-subscription-available" "subscription-identifier-available"
        "shared-subscription-available"
    ];
    "pubrec": "a connect\n a > pubrec 1 00 ": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "subscription-identifier" "session-expiry-interval" "assigned-client-identifier"
        "server-keep-alive" "authentication-method" "authentication-data" "request-problem-information"
        "will-delay-interval" "request-response-information" "response-information" "server-reference"
        "receive-maximum" "topic-alias-maximum" "topic-alias" "maximum-qos" "retain-available"
        "maximum-packet-size" "wildcard-subscription-available" "subscription-identifier-available"
        "shared-subscription-available"
    ];
    "pubrel": "a connect\n a > pubrel 1 00 ": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "subscription-identifier" "session-expiry-interval" "assigned-client-identifier"
        "server-keep-alive" "authentication-method" "authentication-data" "request-problem-information"
        "will-delay-interval" "request-response-information" "response-information" "server-reference"
        "receive-maximum" "topic-alias-maximum" "topic-alias" "maximum-qos" "retain-available"
        "maximum-packet-size" "wildcard-subscription-available" "subscription-identifier-available"
        "shared-subscription-available"
    ];
    "pubcomp": "a connect\n a > pubcomp 1 00 ": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "subscription-identifier" "session-expiry-interval" "assigned-client-identifier"
        "server-keep-alive" "authentication-method" "authentication-data" "request-problem-information"
        "will-delay-interval" "request-response-information" "response-information" "server-reference"
        "receive-maximum" "topic-alias-maximum" "topic-alias" "maximum-qos" "retain-available"
        "maximum-packet-size" "wildcard-subscription-available" "subscription-identifier-available"
        "shared-subscription-available"
    ];
};

#[rustfmt::skip]
pub(super) const TWICE: &[Test] = twice! {
    "connect": "a > connect ": " ": [
        "session-expiry-interval" "receive-maximum" "maximum-packet-size" "topic-alias-maximum"
        "request-response-information" "request-problem-information"
    ];
    "will": "a > connect will=T/w,x will.": " will.": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "will-delay-interval"
    ];
    "publish": "a connect\n a > publish T/x hello ": " ": [
        "payload-format-indicator" "message-expiry-interval" "content-type" "response-topic"
        "correlation-data" "topic-alias"
    ];
    "subscribe": "a connect\n a > subscribe 1 T/x ": " ": [
        "subscription-identifier"
    ];
    "puback": "a connect\n a > puback 1 00 ": " ": [
        "reason-string"
    ];
    "pubrec": "a connect\n a > pubrec 1 00 ": " ": [
        "reason-string"
    ];
    "pubrel": "a connect\n a > pubrel 1 00 ": " ": [
        "reason-string"
    ];
    "pubcomp": "a connect\n a > pubcomp 1 00 ": " ": [
        "reason-string"
    ];
};
