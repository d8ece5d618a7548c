//! URLs as data: what each text means, or how it is refused.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

#[track_caller]
fn check(text: &str, normal: &str) {
    let url: Url = text.parse().unwrap_or_else(|bad| panic!("{text}: {bad}"));
    assert_eq!(url.to_string(), normal, "{text}");
    assert_eq!(normal.parse::<Endpoint>().as_ref(), Ok(&url.endpoint), "the normal form means the same");
}

#[track_caller]
fn rejects(text: &str, bad: BadUrl) {
    assert_eq!(text.parse::<Url>(), Err(bad), "{text}");
}

#[test]
fn what_a_url_means() {
    check("mqtt://example.org", "mqtt://example.org:1883");
    check("mqtt://example.org/", "mqtt://example.org:1883");
    check("mqtts://example.org", "mqtts://example.org:8883");
    check("MQTT://example.org:1", "mqtt://example.org:1");
    check("ws://example.org", "ws://example.org:80/");
    check("wss://example.org/mqtt?x=1", "wss://example.org:443/mqtt?x=1");
    check("ws://h:8080/a/b", "ws://h:8080/a/b");
    check("localhost", "mqtt://localhost:1883");
    check("  localhost:1884 ", "mqtt://localhost:1884");
    check("127.0.0.1:0", "mqtt://127.0.0.1:0");
    check("[::1]", "mqtt://[::1]:1883");
    check("[fe80::1%eth0]:5", "mqtt://[fe80::1%eth0]:5");
    check("mqtts://[::1]:9", "mqtts://[::1]:9");
    check("bücher.example", "mqtt://bücher.example:1883");
    check("unix:///run/a%20b.sock", "unix:///run/a b.sock");
    check("mqtt://anna:secret@host", "mqtt://host:1883");
}

#[test]
fn what_is_refused() {
    rejects("", BadUrl::Empty);
    rejects("tcp://h", BadUrl::UnknownScheme("tcp".into()));
    rejects("mqtt://", BadUrl::HostMissing);
    rejects(":1883", BadUrl::HostMissing);
    rejects("mqtt://a b", BadUrl::HostInvalid("a b".into()));
    rejects("[::1", BadUrl::BracketUnclosed);
    rejects("[::1]1883", BadUrl::BracketUnclosed);
    rejects("[localhost]", BadUrl::NotIpv6("localhost".into()));
    rejects("::1", BadUrl::BracketsMissing("::1".into()));
    rejects("h:", BadUrl::PortInvalid(String::new()));
    let meant = |rest: &str| BadUrl::SchemeUnseparated { scheme: Scheme::Mqtt, rest: rest.into() };
    rejects("mqtt:host", meant("host"));
    rejects("mqtt:127.0.0.1:1883", meant("127.0.0.1:1883"));
    rejects("MQTT:u:secret@h", meant("h"));
    rejects("tcp//u:secret@h:1884", meant("h:1884"));
    rejects(
        "unix//run/m.sock",
        BadUrl::SchemeUnseparated { scheme: Scheme::Unix, rest: "/run/m.sock".into() },
    );
    rejects("mqtt:65536", BadUrl::PortInvalid("65536".into()));
    rejects("h:65536", BadUrl::PortInvalid("65536".into()));
    rejects("h:+1", BadUrl::PortInvalid("+1".into()));
    rejects("h/topic", BadUrl::PathNotAllowed { scheme: Scheme::Mqtt, path: "/topic".into() });
    rejects("ws://h?x", BadUrl::PathNotAllowed { scheme: Scheme::Ws, path: "?x".into() });
    rejects("mqtt://a%2@h", BadUrl::PercentInvalid);
    rejects("mqtt://a%+2@h", BadUrl::PercentInvalid);
    rejects("mqtt://%ff@h", BadUrl::UserNameNotUtf8);
    rejects("mqtt://u:p/w@h", BadUrl::CredentialsUnescaped);
    rejects("unix://run/x", BadUrl::UnixPathNotAbsolute);
    rejects("unix:/run/x", BadUrl::UnixPathNotAbsolute);
    rejects("/run/x", BadUrl::UnixPathNotAbsolute);
    rejects("1883", BadUrl::HostInvalid("1883".into()));
    rejects("unix:///run/%00", BadUrl::UnixPathNotAbsolute);
    assert_eq!("mqtt://u@h".parse::<Endpoint>(), Err(BadUrl::CredentialsNotAllowed));
    assert!(BadUrl::UnknownScheme("tcp".into()).to_string().ends_with("write mqtt://"));
}

#[test]
fn credentials_are_decoded_and_never_shown() {
    let url: Url = "mqtt://anna%40x:s%3a@cret%00@[::1]".parse().unwrap();
    assert_eq!(url.user_name.as_deref(), Some("anna@x"));
    assert_eq!(url.password.as_deref(), Some(&b"s:@cret\0"[..]));
    assert_eq!(url.endpoint, Endpoint::tcp("::1", 1883));
    assert!(!format!("{url} {url:?}").contains("cret"));
    let url: Url = "mqtt://anna@h".parse().unwrap();
    assert_eq!((url.user_name.as_deref(), url.password), (Some("anna"), None));
}
