//! Topic names and filters: what is one, and which filter is for which name.
use martlet_codec::{Malformed, TopicFilter, TopicName};

#[track_caller]
fn matches(filter: &str, name: &str, expected: bool) {
    let (filter, name) = (TopicFilter::new(filter), TopicName::new(name));
    let (filter, name) = (filter.expect("a filter"), name.expect("a name"));
    assert_eq!(filter.matches(name), expected, "{filter} and {name}");
}

#[test]
fn filters_match_names() {
    for (filter, name, expected) in [
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/#", "sport", true), // [MQTT-4.7.1-1]
        ("sport/#", "sports", false),
        ("#", "a/b/c", true),
        ("#", "/", true),
        ("sport/tennis/+", "sport/tennis/player1", true),
        ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false), // [MQTT-4.7.1-2]
        ("sport/+", "sport/", true),
        ("+/+", "/finance", true),
        ("/+", "/finance", true),
        ("+", "/finance", false),
        ("+/monitor/+", "a/monitor/b", true),
        ("+/#", "a", true),
        ("a/+/#", "a", false),
        ("a/+/#", "a/b", true),
        ("a//b", "a//b", true),
        ("a//b", "a/b", false),
        ("a/b", "a/b/", false),
        ("a/b/", "a/b", false),
        ("#", "$SYS/x", false),   // [MQTT-4.7.2-1]
        ("+/x", "$SYS/x", false), // [MQTT-4.7.2-1]
        ("$SYS/#", "$SYS/x", true),
        ("$SYS/+", "$SYS/x", true),
        ("a/#", "a/$b", true),
        ("ACCOUNTS", "accounts", false), // [MQTT-4.7.3-4]
        ("\u{e9}", "e\u{301}", false),   // [MQTT-4.7.3-4]
        ("\u{feff}a", "a", false),       // [MQTT-1.5.4-3]
        ("$share/g/a/+", "a/b", true),
        ("$share/g/#", "$SYS/x", false), // [MQTT-4.7.2-1]
        ("$share/g//a", "/a", true),
        ("$share", "$share", true),
    ] {
        matches(filter, name, expected);
    }
}

#[test]
fn a_share_has_a_name_and_a_filter() {
    let share = |text| TopicFilter::new(text).expect("a filter").share();
    let parts = share("$share/consumer/a/+/#").expect("shared"); // [MQTT-4.8.2-1] [MQTT-4.8.2-2]
    assert_eq!((parts.name, parts.filter.as_str()), ("consumer", "a/+/#"));
    assert_eq!(share("$share/g//").expect("shared").filter.as_str(), "/");
    assert_eq!(share("$share"), None);
    assert_eq!(share("$Share/g/a"), None);
    assert_eq!(share("/$share/g/a"), None);
}

#[test]
fn levels_may_be_empty() {
    let levels = |text| TopicFilter::new(text).expect("a filter").levels().collect::<Vec<_>>();
    assert_eq!(levels("/a//+"), ["", "a", "", "+"]);
    assert_eq!(levels("$share/g/a/#"), ["a", "#"]);
    let literal = |text| TopicFilter::new(text).expect("a filter").literal_levels().collect::<Vec<_>>();
    assert_eq!(literal("a/b/+/c/#"), ["a", "b"]);
    assert_eq!(literal("a/b"), ["a", "b"]);
    assert_eq!(literal("#"), [""; 0]);
    assert_eq!(literal("$share/g/a/+"), ["a"]);
}

#[test]
fn what_is_no_filter_says_what_would_be_right() {
    let why = |text| TopicFilter::new(text).expect_err("no filter").to_string();
    assert!(why("sport+").contains("sport/+/score"));
    assert!(why("sport#").contains("sport/#"));
    assert!(why("$share/g").contains("$share/name/filter"));
    assert_eq!(TopicFilter::new(""), Err(Malformed::TopicFilterEmpty)); // [MQTT-4.7.3-1]
    assert_eq!(TopicName::new(""), Err(Malformed::TopicNameEmpty)); // [MQTT-4.7.3-1]
    assert_eq!(TopicName::new("a/+"), Err(Malformed::TopicNameWildcard)); // [MQTT-4.7.0-1]
}

#[test]
fn wildcards_and_reserved_names_are_known() {
    let wild = |text| TopicFilter::new(text).expect("a filter").has_wildcard();
    assert!(wild("#") && wild("a/+") && wild("$share/g/+") && !wild("a/b") && !wild("$share/g/a"));
    let reserved = |text| TopicName::new(text).expect("a name").is_reserved();
    assert!(reserved("$SYS") && !reserved("a/$SYS"));
}

/// Many levels cost time in proportion, not more.
#[test]
fn the_longest_filter_is_checked_and_matched_level_by_level() {
    let (filter, name) = ("+/".repeat(32_767) + "+", "a/".repeat(32_767) + "b");
    matches(&filter, &name, true);
    matches(&filter, &(name.clone() + "/")[2..], true);
    matches(&filter[2..], &name, false);
}
