//! What a run has found: for people, as JSON lines, as a JUnit file.

use super::{Case, End, Outcome, statements};
use crate::Fault;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

/// The tests that would run, one a line, with their ids.
pub(super) fn list(cases: &[Case]) -> Result<(), Fault> {
    let line = |case: &Case| {
        let ids: Vec<_> = case.test.ids(case.version).collect();
        format!("{:<44} {}\n", case.name(), ids.join(", "))
    };
    write(&cases.iter().map(line).collect::<String>())
}

pub(super) fn print(outcomes: &[Outcome], is_json: bool, took: Duration) -> Result<(), Fault> {
    if is_json {
        return write(&outcomes.iter().map(json).collect::<String>());
    }
    let mut out: String = outcomes.iter().map(text).collect();
    let (failed, skipped) = counts(outcomes);
    let passed = outcomes.len() - failed - skipped;
    let took = took.as_secs_f64();
    put(&mut out, format_args!("{passed} passed, {failed} failed, {skipped} skipped, {took:.1} s\n"));
    write(&out)
}

/// How many have failed, and how many were skipped.
fn counts(outcomes: &[Outcome]) -> (usize, usize) {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    (count(Outcome::is_failure), count(Outcome::is_skipped))
}

fn text(outcome: &Outcome) -> String {
    let name = &outcome.name;
    let (differs, transcript) = match &outcome.end {
        End::Passed => return format!("ok    {name}\n"),
        End::Skipped(why) => return format!("skip  {name}  ({why})\n"),
        End::Failed(differs, transcript) => (differs, transcript),
    };
    let mut out = format!("FAIL  {name}\n");
    transcript.lines().for_each(|line| put(&mut out, format_args!("    {line}\n")));
    put(&mut out, format_args!("  {differs}\n"));
    for (id, statement) in outcome.ids.iter().filter_map(|id| Some((id, statements::find(id)?))) {
        put(&mut out, format_args!("  {id} (section {}): {}\n", statement.section, statement.text));
    }
    out
}

fn json(outcome: &Outcome) -> String {
    let ids: Vec<_> = outcome.ids.iter().map(|id| quoted(id)).collect();
    let result = match &outcome.end {
        End::Passed => "passed",
        End::Skipped(_) => "skipped",
        End::Failed(..) => "failed",
    };
    let mut out = format!(
        "{{\"name\":{},\"ids\":[{}],\"result\":\"{result}\",\"seconds\":{:.3}",
        quoted(&outcome.name),
        ids.join(","),
        outcome.took.as_secs_f64()
    );
    match &outcome.end {
        End::Passed => {}
        End::Skipped(why) => put(&mut out, format_args!(",\"why\":{}", quoted(why))),
        End::Failed(differs, transcript) => {
            let (differs, transcript) = (quoted(differs), quoted(transcript));
            put(&mut out, format_args!(",\"differs\":{differs},\"transcript\":{transcript}"));
        }
    }
    out + "}\n"
}

pub(super) fn junit(file: &mut File, outcomes: &[Outcome], took: Duration) -> io::Result<()> {
    let (failed, skipped) = counts(outcomes);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"martlet conformance\" tests=\"{}\" failures=\"{failed}\" \
         skipped=\"{skipped}\" time=\"{:.3}\">\n",
        outcomes.len(),
        took.as_secs_f64()
    );
    for outcome in outcomes {
        let name = escaped(&outcome.name);
        let chapter = name.split('/').next().unwrap_or_default();
        let seconds = outcome.took.as_secs_f64();
        put(
            &mut out,
            format_args!("<testcase classname=\"{chapter}\" name=\"{name}\" time=\"{seconds:.3}\""),
        );
        match &outcome.end {
            End::Passed => out.push_str("/>\n"),
            End::Skipped(why) => {
                put(&mut out, format_args!("><skipped message=\"{}\"/></testcase>\n", escaped(why)));
            }
            End::Failed(differs, _) => put(
                &mut out,
                format_args!(
                    "><failure message=\"{}\">{}</failure></testcase>\n",
                    escaped(differs),
                    escaped(&text(outcome))
                ),
            ),
        }
    }
    out.push_str("</testsuite>\n");
    file.write_all(out.as_bytes())
}

fn put(out: &mut String, words: std::fmt::Arguments<'_>) {
    out.write_fmt(words).expect("a String takes all that is written");
}

fn write(text: &str) -> Result<(), Fault> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Fault::Print(e)),
        _ => Ok(()),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => put(&mut out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// XML has no way to write most control characters.
fn escaped(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(end: End) -> Outcome {
        let took = Duration::from_millis(5);
        Outcome { name: "ping/ping@5.0".to_owned(), ids: vec!["MQTT-3.12.4-1"], took, end }
    }

    #[test]
    fn a_failure_says_what_was_expected_and_why() {
        let failed = outcome(End::Failed("expected  a < \"x\"".to_owned(), "a > ping\n".to_owned()));
        let said = text(&failed);
        assert!(
            said.contains("    a > ping\n  expected  a < \"x\"\n  MQTT-3.12.4-1 (section 3.12.4): PINGREQ")
        );
        assert!(
            json(&failed).contains(r#""result":"failed","seconds":0.005,"differs":"expected  a < \"x\"","#)
        );
        assert_eq!(escaped("<&>\"\u{1b}\n"), "&lt;&amp;&gt;&quot;\u{fffd}\n");
        assert_eq!(quoted("\u{1b}\u{9b}\n"), r#""\u001b\u009b\n""#);
    }

    #[test]
    fn a_skip_says_why_and_counts_as_neither() {
        let all = [outcome(End::Passed), outcome(End::Skipped("declined: Maximum QoS".to_owned()))];
        assert_eq!(counts(&all), (0, 1));
        assert_eq!(text(&all[1]), "skip  ping/ping@5.0  (declined: Maximum QoS)\n");
        assert!(
            json(&all[1]).contains(r#""result":"skipped","seconds":0.005,"why":"declined: Maximum QoS"}"#)
        );
    }
}
