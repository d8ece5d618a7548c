//! The rules for commits that CONTRIBUTING.md states, as far as a program can tell: what the first line may look like.

use std::path::Path;
use std::process::Command;

use crate::process;

/// The rules are younger than the commits up to this one.
const SINCE: &str = "2ebe64678e4f9bac771de8022c769f4c921c383c";
/// Characters of a first line.
const SUBJECT_MAX: usize = 72;
/// Beginnings of first lines that say that a commit is not ready.
const UNFINISHED: [&str; 4] = ["wip", "fixup!", "squash!", "amend!"];

/// Checks each commit that leads to this one since the rules are there.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let git = |arguments: &[&str]| process::output(Command::new("git").current_dir(root).args(arguments));
    if git(&["cat-file", "-e", SINCE]).is_err() {
        println!("commits: the history is not here (a shallow clone?), so they are NOT checked");
        return Ok(());
    }
    let log = git(&["log", "--no-merges", "--format=%h%x00%B%x01", &format!("{SINCE}..HEAD")])?;
    let commits: Vec<_> = log.stdout.split('\u{1}').filter_map(|one| one.trim().split_once('\0')).collect();
    let faults: Vec<_> =
        commits.iter().filter_map(|(hash, message)| Some(format!("{hash}: {}", fault(message)?))).collect();
    faults.iter().for_each(|fault| println!("{fault}"));
    match faults.len() {
        0 => println!("commits: {} checked", commits.len()),
        count => return Err(format!("commits: {count} against the rules of CONTRIBUTING.md")),
    }
    Ok(())
}

/// What is wrong with a commit's message.
fn fault(message: &str) -> Option<String> {
    let (subject, body) = message.split_once('\n').unwrap_or((message, ""));
    let len = subject.chars().count();
    let lower = subject.to_lowercase();
    if len > SUBJECT_MAX {
        return Some(format!(
            "the first line has {len} characters (at most {SUBJECT_MAX}: the body says more)"
        ));
    }
    if UNFINISHED.iter().any(|word| lower.starts_with(word)) || lower.ends_with(" wip") {
        return Some("it is not ready (finish it, or join it to the commit that it belongs to)".to_owned());
    }
    if subject.ends_with('.') {
        return Some("the first line ends with a full stop (leave it out)".to_owned());
    }
    (!body.is_empty() && !body.starts_with('\n')).then(|| "an empty line follows the first".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_is_short_and_says_what_is_different() {
        assert_eq!(fault("codec: refuse a topic alias of 0"), None);
        assert_eq!(fault("codec: refuse a topic alias of 0\n\nIt stands for no topic."), None);
        assert_eq!(fault(&"x".repeat(72)), None);
        assert!(fault(&"x".repeat(73)).is_some_and(|fault| fault.contains("73 characters")));
        for bad in ["wip", "WIP: more", "fixup! codec: x", "codec: wip", "codec: done."] {
            assert!(fault(bad).is_some(), "{bad}");
        }
        assert!(fault("codec: a\nb").is_some());
    }
}
