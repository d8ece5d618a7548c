//! What a test expects: words, of which some may be left open. Where the specification leaves a choice, so does the pattern.
//!
//! `X | Y` is either, `X & Y` both in any order, `00,10` either word, `?` any word, `1#$m` any packet id, called `$m` from
//! then on, `1#$m/$n/$o` any but those called `$n` and `$o`. Properties: a PUBLISH has exactly those expected, another packet at least
//! those; `!key` is none of that name.

use std::collections::HashMap;

/// Packet ids that a server chose, by the names that the test gives them.
pub(super) type Names = HashMap<String, String>;

/// Whether what came is what was expected.
pub(super) fn matches(expected: &str, came: &str, names: &mut Names) -> bool {
    let found = expected.split(" | ").find_map(|one| {
        let mut named = Vec::new();
        matches_one(one.trim(), came, names, &mut named).then_some(named)
    });
    let is_match = found.is_some();
    names.extend(found.into_iter().flatten());
    is_match
}

fn matches_one(expected: &str, came: &str, names: &Names, named: &mut Vec<(String, String)>) -> bool {
    let is_property = |word: &&str| word.contains('=') || word.starts_with('!');
    let (wanted, words): (Vec<_>, Vec<_>) = expected.split_whitespace().partition(is_property);
    let (had, said): (Vec<_>, Vec<_>) = came.split_whitespace().partition(is_property);
    words.len() == said.len()
        && words.iter().zip(&said).all(|(word, said)| word_matches(word, said, names, named))
        && properties_match(&wanted, &had, came.starts_with("publish "))
}

/// A name that is new goes to `named`.
fn word_matches(word: &str, said: &str, names: &Names, named: &mut Vec<(String, String)>) -> bool {
    let (Some((qos, wanted)), Some((said_qos, id))) = (word.split_once('#'), said.split_once('#')) else {
        return word == "?" || word.split(',').any(|either| either == said);
    };
    let (wanted, but) = wanted.split_once('/').unwrap_or((wanted, ""));
    let is_wanted = match wanted.strip_prefix('$') {
        Some(name) => match names.get(name) {
            Some(known) => known == id,
            None => {
                named.push((name.to_owned(), id.to_owned()));
                but.split('/').all(|but| but != id)
            }
        },
        None => wanted == id,
    };
    qos == said_qos && is_wanted
}

fn properties_match(wanted: &[&str], had: &[&str], is_exact: bool) -> bool {
    let is_had = |word: &str| match word.split_once("=?") {
        Some((key, _)) => had.iter().any(|had| had.starts_with(&format!("{key}="))),
        None => had.contains(&word),
    };
    if is_exact {
        return order(wanted) == order(had);
    }
    wanted.iter().all(|word| match word.strip_prefix('!') {
        Some(key) => !had.iter().any(|had| had.starts_with(&format!("{key}="))),
        None => is_had(word),
    })
}

/// Sorted by key: the order counts among properties of one name, and for identifiers not at all.
fn order<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let key = |word: &&'a str| match word.split_once('=') {
        Some(("sub", value)) => ("sub", value),
        Some((key, _)) => (key, ""),
        None => (*word, ""),
    };
    let mut all = words.to_vec();
    all.sort_by_key(key);
    all
}

/// `text` with what the names that are known by now stand for.
pub(super) fn resolve(text: &str, names: &Names) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        match names.get(&part[..end]) {
            Some(value) => out.extend([value, &part[end..]]),
            None => out.extend(["$", part]),
        }
    }
    out
}

/// Whether these are the first words of what was said.
pub(super) fn begins(said: &str, words: &str) -> bool {
    let mut said = said.split(' ');
    words.split(' ').all(|word| match (said.next(), word.strip_suffix('?')) {
        (Some(said), Some(start)) => said.starts_with(start),
        (said, _) => said == Some(word),
    })
}

/// Whether a server says no: an error code of CONNACK, DISCONNECT, SUBACK, PUBACK or PUBREC.
pub(super) fn is_refusal(said: &str) -> bool {
    let mut words = said.split(' ');
    let reasons = match words.next() {
        Some("connack" | "disconnect") => words,
        Some("suback" | "puback" | "pubrec") => {
            words.next();
            words
        }
        _ => return false,
    };
    reasons
        .take_while(|word| word.len() == 2)
        .any(|word| u8::from_str_radix(word, 16).is_ok_and(|code| code >= 0x80))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let is = |expected: &str, came: &str| matches(expected, came, &mut Names::new());
        assert!(is("puback 1 00,10", "puback 1 10 prop=a:b"));
        assert!(!is("puback 1 00,10", "puback 1 80"));
        assert!(is("suback 1 80 | pingresp", "pingresp"));
        assert!(is("connack 00 ? assigned=? !keep", "connack 00 new assigned=x"));
        assert!(!is("connack 00 ? !keep", "connack 00 new keep=9"));
        assert!(is("publish t p sub=1 sub=2", "publish t p sub=2 sub=1"));
        assert!(!is("publish t p prop=a:1 prop=b:2", "publish t p prop=b:2 prop=a:1"));
        assert!(!is("publish t p", "publish t p retain"));
        assert!(!is("publish t p", "publish t p mexp=1"));
    }

    #[test]
    fn first_words_and_refusals() {
        assert!(begins("publish $SYS/x 5", "publish $?") && begins("publish t p 1#7", "publish t p 1#7"));
        assert!(!begins("publish t p 1#77", "publish t p 1#7") && !begins("publish", "publish t"));
        for said in ["suback 153 00 87", "connack 84 new", "puback 1 97 prop=a:b", "disconnect 82"] {
            assert!(is_refusal(said), "{said}");
        }
        for said in ["suback 153 00", "puback 99 00", "publish t 99", "connack 00 new", "pingresp"] {
            assert!(!is_refusal(said), "{said}");
        }
    }

    #[test]
    fn ids_have_names() {
        let mut names = Names::new();
        assert!(matches("publish t p 1#$m", "publish t p 1#7", &mut names));
        assert!(!matches("publish t p 1#$m", "publish t p 1#8", &mut names));
        assert_eq!(resolve("puback $m", &names), "puback 7");
        assert_eq!(resolve("$share/$m/$mm$m", &names), "$share/7/$mm7");
        assert!(!matches("publish t p 1#$n/9/7", "publish t p 1#7", &mut names));
        assert!(matches("publish t p 1#$n/7", "publish t p 1#8", &mut names));
        assert_eq!(names["n"], "8");
    }
}
