//! Where in a sorted list of topic names the next one can be that matches a filter: the rule that
//! lets a cursor jump over whole subtrees. Pure text, no table.
//!
//! Topic names are sorted by their bytes. All names below a prefix `p` begin with `p/`, so they lie
//! together, and the first text behind them is `p0`, because `0` follows `/`. Between `p` and `p/`
//! there may be others, such as `p!`, which is why a prefix and what lies below it are sought apart.

use alloc::vec::Vec;

/// What a topic name says about where to look on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It matches; the next candidate is the topic name behind it.
    Match,
    /// It does not match; the next candidate is the topic name behind it.
    After,
    /// Neither it nor any topic name before this text matches. The text is behind the topic name.
    At(Vec<u8>),
    /// Neither it nor any topic name behind it matches.
    End,
}

/// The first text that a matching topic name can have: the filter's literal levels, up to the first wildcard.
pub(super) fn first(filter: &str) -> &str {
    match filter.find(['+', '#']) {
        None => filter,
        Some(0) => "",
        Some(at) if filter[at..].starts_with('#') => &filter[..at - 1], // `a/#` matches `a`, too
        Some(at) => &filter[..at],
    }
}

/// Compares a topic name with a filter, level by level from the left. // [MQTT-4.7.1-2] [3.1.1 MQTT-4.7.1-3]
pub(super) fn next(filter: &str, topic: &[u8]) -> Next {
    if topic.starts_with(b"$") && filter.starts_with(['+', '#']) {
        return Next::At(b"%".to_vec()); // behind all that begin with `$` [MQTT-4.7.2-1]
    }
    let mut levels = filter.split('/').peekable();
    let mut start = Some(0);
    let mut last_plus = None;
    while let Some(level) = levels.next() {
        if level == "#" {
            return Next::Match;
        }
        let Some(at) = start else { return Next::After };
        let end = topic[at..].iter().position(|byte| *byte == b'/').map_or(topic.len(), |length| at + length);
        if level == "+" {
            last_plus = Some(end);
        } else if level.as_bytes() != &topic[at..end] {
            return mismatch(topic, at, level.as_bytes(), levels.peek().is_some(), last_plus);
        }
        start = (end < topic.len()).then_some(end + 1);
    }
    if start.is_none() { Next::Match } else { behind(topic, last_plus) }
}

/// The level of `topic` that starts at `at` is not the literal one that the filter wants.
fn mismatch(topic: &[u8], at: usize, wanted: &[u8], goes_on: bool, last_plus: Option<usize>) -> Next {
    let (before, rest) = topic.split_at(at);
    if rest < wanted {
        return Next::At([before, wanted].concat());
    }
    let below = [wanted, b"/"].concat();
    if goes_on && rest < below.as_slice() {
        return Next::At([before, &below].concat());
    }
    behind(topic, last_plus)
}

/// Nothing more can match below what the last `+` stands for, which ends at `last_plus`.
fn behind(topic: &[u8], last_plus: Option<usize>) -> Next {
    last_plus.map_or(Next::End, |end| Next::At([&topic[..end], b"0"].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};
    use martlet_codec::{TopicFilter, TopicName};

    fn at(text: &str) -> Next {
        Next::At(text.into())
    }

    #[test]
    fn says_where_to_look_on() {
        for (filter, topic, expected) in [
            ("a/#", "a", Next::Match),
            ("a/#", "a!", at("a/")),
            ("a/#", "a/b/c", Next::Match),
            ("a/#", "a0", Next::End),
            ("+/b", "a", Next::After),
            ("+/b", "a/a", at("a/b")),
            ("+/b", "a/b", Next::Match),
            ("+/b", "a/b/c", at("a0")),
            ("+/b", "a/c", at("a0")),
            ("+/b/+", "a/b!", at("a/b/")),
            ("+/+/x", "a/b/y", at("a/b0")),
            ("+/#", "$SYS/x", at("%")),
            ("$SYS/+", "$SYS/x", Next::Match),
            ("a/+", "b", Next::End),
        ] {
            assert_eq!(next(filter, topic.as_bytes()), expected, "{filter} {topic}");
        }
    }

    /// All topic names of up to three levels over characters on both sides of `/`.
    fn universe() -> Vec<String> {
        let levels = ["", "!", "a", "a!", "aa", "0", "$"];
        let two = |below: &[String]| -> Vec<String> {
            levels.iter().flat_map(|level| below.iter().map(move |rest| format!("{level}/{rest}"))).collect()
        };
        let one: Vec<String> = levels.iter().map(ToString::to_string).collect();
        let (pairs, triples) = (two(&one), two(&two(&one)));
        let mut all: Vec<String> = [one, pairs, triples].concat();
        all.retain(|topic| !topic.is_empty());
        all.sort();
        all
    }

    #[test]
    fn never_jumps_over_a_match() {
        let universe = universe();
        for filter in universe.iter().map(|topic| topic.replace("aa", "+").replace("a!", "#")) {
            let Ok(parsed) = TopicFilter::new(&filter) else { continue };
            let matching = |topic: &&String| parsed.matches(TopicName::new(topic).unwrap());
            assert!(
                universe.iter().filter(matching).all(|topic| topic.as_str() >= first(&filter)),
                "{filter}"
            );
            for (index, topic) in universe.iter().enumerate() {
                let next_match = universe[index..].iter().find(matching);
                let ok = match next(&filter, topic.as_bytes()) {
                    Next::Match => next_match == Some(topic),
                    Next::After => next_match != Some(topic),
                    Next::At(text) => {
                        text.as_slice() > topic.as_bytes()
                            && next_match.is_none_or(|found| found.as_bytes() >= text.as_slice())
                    }
                    Next::End => next_match.is_none(),
                };
                assert!(
                    ok,
                    "{filter} {topic}: {:?}, but {next_match:?} matches",
                    next(&filter, topic.as_bytes())
                );
            }
        }
    }
}
