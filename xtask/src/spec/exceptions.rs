//! `spec/exceptions.toml`: statements without a test, each with its kind and its reason.
//!
//! The list may only shrink: an entry whose statement does not exist, or has a test by now, is a finding.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::{Place, Statement};
use crate::tidy::Findings;

/// Where the list stands, from the root of the repository.
pub(crate) const PATH: &str = "spec/exceptions.toml";

/// Why a statement has no test.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// No test can tell whether it holds.
    Untestable,
    /// It is for the program that uses a client, not for the client.
    ClientOnlyBehaviour,
    /// We decided so.
    Deliberate,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Untestable => "untestable",
            Kind::ClientOnlyBehaviour => "client-only-behaviour",
            Kind::Deliberate => "deliberate",
        })
    }
}

/// What is said of one statement.
pub(crate) struct Exception {
    pub(crate) kind: Kind,
    pub(crate) reason: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct List {
    exception: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    version: String,
    kind: Kind,
    reason: String,
}

/// The entries that no statement has asked for yet.
pub(crate) struct Exceptions<'t> {
    text: &'t str,
    left: Vec<Entry>,
}

impl<'t> Exceptions<'t> {
    /// Reads the list; a fault in it is a finding, and the list is then empty.
    pub(crate) fn parse(text: &'t str, findings: &mut Findings) -> Exceptions<'t> {
        let list = toml::from_str(text).unwrap_or_else(|fault: toml::de::Error| {
            let at = fault.span().map_or(0, |span| span.start);
            findings.add(PATH, line_at(text, at), fault.message());
            List::default()
        });
        Exceptions { text, left: list.exception }
    }

    /// The entry for `statement`, if it has one, which is judged and not found again.
    pub(crate) fn take(
        &mut self,
        statement: &Statement,
        tested: &[Place],
        findings: &mut Findings,
    ) -> Option<Exception> {
        let is_ours =
            |entry: &Entry| entry.id.get_ref() == statement.id && entry.version == statement.version();
        let at = self.left.iter().position(is_ours)?;
        let entry = self.left.remove(at);
        let line = line_at(self.text, entry.id.span().start);
        let mut add = |what: String| findings.add(PATH, line, format!("{}: {what}", statement.cited_as()));
        if let Some(place) = tested.first() {
            add(format!("has a test, {place} (remove the entry)"));
        }
        if entry.reason.trim().is_empty() {
            add("an exception needs a reason (say why there is no test)".into());
        }
        if entry.kind == Kind::ClientOnlyBehaviour && statement.binds != "client" {
            add(format!("binds {} (client-only-behaviour is for statements of the client)", statement.binds));
        }
        Some(Exception { kind: entry.kind, reason: entry.reason })
    }

    /// Asked last: what is left belongs to no statement, or to one that had its entry.
    pub(crate) fn finish(&self, findings: &mut Findings) {
        for Entry { id, version, .. } in &self.left {
            let line = line_at(self.text, id.span().start);
            let message = format!(
                "{version} {}: no such statement, or a second entry (look it up in the table of its version)",
                id.get_ref()
            );
            findings.add(PATH, line, message);
        }
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::requirements::V311;

    fn check(list: &str, binds: &str, tested: &[Place]) -> (Option<Kind>, Vec<String>) {
        let (binds, paraphrase) = (binds.into(), "x".into());
        let statement = Statement { table: V311, id: "MQTT-1.1.1-1", binds, paraphrase };
        let mut findings = Findings::default();
        let mut exceptions = Exceptions::parse(list, &mut findings);
        let taken = exceptions.take(&statement, tested, &mut findings);
        exceptions.finish(&mut findings);
        (taken.map(|exception| exception.kind), findings.lines())
    }

    fn entry(id: &str, version: &str, kind: &str, reason: &str) -> String {
        format!("[[exception]]\nid = '{id}'\nversion = '{version}'\nkind = '{kind}'\nreason = '{reason}'\n")
    }

    #[test]
    fn entries_that_are_right() {
        for (name, kind) in [
            ("untestable", Kind::Untestable),
            ("client-only-behaviour", Kind::ClientOnlyBehaviour),
            ("deliberate", Kind::Deliberate),
        ] {
            let list = entry("MQTT-1.1.1-1", "3.1.1", name, "y");
            assert_eq!(check(&list, "client", &[]), (Some(kind), Vec::new()));
            assert_eq!(kind.to_string(), name);
        }
        assert_eq!(check("", "both", &[]), (None, Vec::new()));
    }

    #[test]
    fn entries_that_are_not() {
        let right = entry("MQTT-1.1.1-1", "3.1.1", "untestable", "y");
        for (list, what) in [
            (entry("MQTT-1.1.1-2", "3.1.1", "untestable", "y"), "2: 3.1.1 MQTT-1.1.1-2: no such statement"),
            (entry("MQTT-1.1.1-1", "5.0", "untestable", "y"), "2: 5.0 MQTT-1.1.1-1: no such statement"),
            (
                entry("MQTT-1.1.1-1", "3.1.1", "untestable", " "),
                "2: 3.1.1 MQTT-1.1.1-1: an exception needs a reason",
            ),
            (entry("MQTT-1.1.1-1", "3.1.1", "lazy", "y"), "4: unknown variant `lazy`"),
            (
                entry("MQTT-1.1.1-1", "3.1.1", "client-only-behaviour", "y"),
                "2: 3.1.1 MQTT-1.1.1-1: binds both",
            ),
            (right.repeat(2), "7: 3.1.1 MQTT-1.1.1-1: no such statement, or a second entry"),
            (right.replace("reason", "because"), "5: unknown field `because`"),
            (right.replace("version = '3.1.1'\n", ""), "1: missing field `version`"),
        ] {
            let (_, findings) = check(&list, "both", &[]);
            assert_eq!(findings.len(), 1, "{list}: {findings:?}");
            assert!(findings[0].starts_with(&format!("{PATH}:{what}")), "{findings:?}");
        }
    }

    #[test]
    fn an_entry_is_not_needed_once_there_is_a_test() {
        let list = entry("MQTT-1.1.1-1", "3.1.1", "deliberate", "y");
        let (_, findings) = check(&list, "both", &[Place { path: "a.rs", line: 7 }]);
        assert_eq!(
            findings,
            ["spec/exceptions.toml:2: 3.1.1 MQTT-1.1.1-1: has a test, a.rs:7 (remove the entry)"]
        );
    }
}
