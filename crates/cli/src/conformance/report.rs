//! What a run has found: for people, as JSON lines, as a JUnit file.

use super::{Case, Outcome, statements};
use crate::exit::{Failure, Status};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// The tests that would run, one a line, with their ids.
pub(super) fn list(cases: &[Case]) -> Result<(), Failure> {
    let line = |case: &Case| {
        let ids: Vec<_> = case.test.ids(case.version).collect();
        format!("{:<44} {}\n", case.name(), ids.join(", "))
    };
    write(&cases.iter().map(line).collect::<String>())
}

pub(super) fn print(outcomes: &[Outcome], is_json: bool, took: Duration) -> Result<(), Failure> {
    if is_json {
        return write(&outcomes.iter().map(json).collect::<String>());
    }
    let mut out: String = outcomes.iter().map(text).collect();
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    let passed = outcomes.len() - failed;
    put(&mut out, format_args!("{passed} passed, {failed} failed, {:.1} s\n", took.as_secs_f64()));
    write(&out)
}

fn text(outcome: &Outcome) -> String {
    let Some((differs, transcript)) = &outcome.failure else { return format!("ok    {}\n", outcome.name) };
    let mut out = format!("FAIL  {}\n", outcome.name);
    transcript.lines().for_each(|line| put(&mut out, format_args!("    {line}\n")));
    put(&mut out, format_args!("  {differs}\n"));
    for (id, statement) in outcome.ids.iter().filter_map(|id| Some((id, statements::find(id)?))) {
        put(&mut out, format_args!("  {id} (section {}): {}\n", statement.section, statement.text));
    }
    out
}

fn json(outcome: &Outcome) -> String {
    let ids: Vec<_> = outcome.ids.iter().map(|id| quoted(id)).collect();
    let mut out = format!(
        "{{\"name\":{},\"ids\":[{}],\"passed\":{},\"seconds\":{:.3}",
        quoted(&outcome.name),
        ids.join(","),
        outcome.failure.is_none(),
        outcome.took.as_secs_f64()
    );
    if let Some((differs, transcript)) = &outcome.failure {
        put(&mut out, format_args!(",\"differs\":{},\"transcript\":{}", quoted(differs), quoted(transcript)));
    }
    out + "}\n"
}

pub(super) fn junit(file: &Path, outcomes: &[Outcome], took: Duration) -> Result<(), Failure> {
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"martlet conformance\" tests=\"{}\" failures=\"{failed}\" time=\"{:.3}\">\n",
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
        match &outcome.failure {
            None => out.push_str("/>\n"),
            Some((differs, _)) => put(
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
    fs::write(file, out).map_err(|e| {
        Failure::new(Status::Configuration, format!("--junit: cannot write {}: {e}", file.display()))
    })
}

fn put(out: &mut String, words: std::fmt::Arguments<'_>) {
    out.write_fmt(words).expect("a String takes all that is written");
}

fn write(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Status::Internal, format!("cannot write to stdout: {e}")))
        }
        _ => Ok(()),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => put(&mut out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_was_expected_and_why() {
        let failure = Some(("expected  a < \"x\"".to_owned(), "a > ping\n".to_owned()));
        let took = Duration::from_millis(5);
        let outcome = Outcome { name: "ping/ping@5.0".to_owned(), ids: vec!["MQTT-3.12.4-1"], took, failure };
        let said = text(&outcome);
        assert!(
            said.contains("    a > ping\n  expected  a < \"x\"\n  MQTT-3.12.4-1 (section 3.12.4): PINGREQ")
        );
        assert!(
            json(&outcome).contains(r#""passed":false,"seconds":0.005,"differs":"expected  a < \"x\"","#)
        );
        assert_eq!(escaped("<&>\""), "&lt;&amp;&gt;&quot;");
    }
}
