//! `xtask/tidy-exceptions.toml`: what may break a rule, and why. The list may only shrink.
//!
//! An entry that is not needed, or that allows more than is needed, is a finding itself.

use std::cell::Cell;

use serde::Deserialize;
use toml::Spanned;

use super::Findings;

/// Where the list stands, from the root of the repository.
pub(crate) const PATH: &str = "xtask/tidy-exceptions.toml";

/// The list, and which of its entries have been asked for.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Exceptions {
    file: Vec<Entry>,
    function: Vec<Entry>,
    floor: Vec<Entry>,
    #[serde(rename = "unsafe")]
    unsafe_code: Vec<Entry>,
}

/// Which list an entry stands in.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// `[[file]]`: `path`, `lines`.
    FileSize,
    /// `[[function]]`: `path`, `name`, `lines`.
    FunctionSize,
    /// `[[floor]]`: `path` of the manifest, `name` of the dependency.
    Floor,
    /// `[[unsafe]]`: `path`.
    UnsafeCode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: Spanned<String>,
    #[serde(default)]
    name: String,
    lines: Option<usize>,
    reason: String,
    /// The most lines that were asked for, once one was.
    #[serde(skip)]
    needed: Cell<Option<usize>>,
}

impl Exceptions {
    /// Reads the list; a fault in it is a finding, and the list is then empty.
    pub(crate) fn parse(text: &str, findings: &mut Findings) -> Exceptions {
        toml::from_str(text).unwrap_or_else(|fault: toml::de::Error| {
            let at = fault.span().map_or(0, |span| span.start);
            findings.add(PATH, line_at(text, at), fault.message());
            Exceptions::default()
        })
    }

    fn entries(&self, rule: Rule) -> &[Entry] {
        match rule {
            Rule::FileSize => &self.file,
            Rule::FunctionSize => &self.function,
            Rule::Floor => &self.floor,
            Rule::UnsafeCode => &self.unsafe_code,
        }
    }

    /// Whether `path` (and `name` in it) may break `rule`, by as much as `lines` for the rules of size.
    pub(crate) fn allow(&self, rule: Rule, path: &str, name: &str, lines: usize) -> bool {
        let entry =
            self.entries(rule).iter().find(|entry| entry.path.get_ref() == path && entry.name == name);
        if let Some(entry) = entry {
            entry.needed.set(entry.needed.get().max(Some(lines)));
        }
        entry.is_some_and(|entry| lines <= entry.lines.unwrap_or(0))
    }

    /// Asked last: entries without a reason, without use, or wider than needed.
    pub(crate) fn check(&self, text: &str, findings: &mut Findings) {
        let rules = [Rule::FileSize, Rule::FunctionSize, Rule::Floor, Rule::UnsafeCode];
        for entry in rules.into_iter().flat_map(|rule| self.entries(rule)) {
            let line = line_at(text, entry.path.span().start);
            let path = entry.path.get_ref();
            if entry.reason.trim().is_empty() {
                findings.add(
                    PATH,
                    line,
                    format!("{path}: an exception needs a reason (say why it cannot be mended)"),
                );
            }
            match (entry.needed.get(), entry.lines) {
                (None, _) => {
                    findings.add(
                        PATH,
                        line,
                        format!("{path}: nothing needs this exception (remove the entry)"),
                    );
                }
                (Some(needed), Some(lines)) if needed < lines => {
                    let message = format!(
                        "{path}: allows {lines} lines where {needed} are needed (lower it to {needed})"
                    );
                    findings.add(PATH, line, message);
                }
                _ => {}
            }
        }
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, asked: &[(Rule, &str, &str, usize, bool)]) -> Vec<String> {
        let mut findings = Findings::default();
        let exceptions = Exceptions::parse(text, &mut findings);
        for &(rule, path, name, lines, allowed) in asked {
            assert_eq!(exceptions.allow(rule, path, name, lines), allowed, "{path} {name} {lines}");
        }
        exceptions.check(text, &mut findings);
        findings.lines()
    }

    #[test]
    fn what_is_needed_is_allowed() {
        let list = "[[function]]\npath = 'a.rs'\nname = 'f'\nlines = 80\nreason = 'one table'\n\n\
                    [[unsafe]]\npath = 'b.rs'\nreason = 'a system call'";
        let asked = [
            (Rule::FunctionSize, "a.rs", "f", 80, true),
            (Rule::FunctionSize, "a.rs", "g", 80, false),
            (Rule::FileSize, "a.rs", "", 80, false),
            (Rule::UnsafeCode, "b.rs", "", 0, true),
        ];
        assert_eq!(check(list, &asked), Vec::<String>::new());
        let more = [(Rule::FunctionSize, "a.rs", "f", 81, false), (Rule::UnsafeCode, "b.rs", "", 0, true)];
        assert_eq!(check(list, &more), Vec::<String>::new());
    }

    #[test]
    fn the_list_only_shrinks() {
        let list = "[[file]]\npath = 'a.rs'\nlines = 700\nreason = 'x'\n[[floor]]\npath = 'b'\nname = 'c'\nreason = ' '";
        let found = check(list, &[(Rule::FileSize, "a.rs", "", 650, true)]);
        assert_eq!(
            found,
            [
                "xtask/tidy-exceptions.toml:2: a.rs: allows 700 lines where 650 are needed (lower it to 650)",
                "xtask/tidy-exceptions.toml:6: b: an exception needs a reason (say why it cannot be mended)",
                "xtask/tidy-exceptions.toml:6: b: nothing needs this exception (remove the entry)",
            ]
        );
        let found = check("\n[[file]]\nlines = 1", &[]);
        assert!(found[0].starts_with("xtask/tidy-exceptions.toml:2: missing field"), "{found:?}");
    }
}
