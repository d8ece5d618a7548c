//! Markdown: relative links lead somewhere, and the Chinese README mirrors the English one.
//!
//! It reads the parts of Markdown that our documents use; addresses on the network are not asked.

use super::Findings;
use super::tree::{File, Tree};

const README: &str = "README.md";
const README_ZH: &str = "README.zh-CN.md";

/// What the rules need of a document.
#[derive(Default)]
struct Document<'a> {
    /// Level, text, line.
    headings: Vec<(usize, &'a str, usize)>,
    /// The lines between fences, and the line of the opening fence.
    blocks: Vec<(Vec<&'a str>, usize)>,
    /// Target, line.
    links: Vec<(&'a str, usize)>,
}

/// Looks at every Markdown file.
pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    for file in tree.files.iter().filter(|file| file.has_extension("md")) {
        for (target, line) in Document::read(&file.text).links {
            if let Some(message) = refusal(tree, file, target) {
                findings.add(&file.path, line, message);
            }
        }
    }
    if let Some(english) = tree.file(README) {
        match tree.file(README_ZH) {
            Some(chinese) => mirror(&Document::read(&english.text), &Document::read(&chinese.text), findings),
            None => findings.add(README, 1, format!("has no {README_ZH} (keep the two side by side)")),
        }
    }
}

impl<'a> Document<'a> {
    fn read(text: &'a str) -> Document<'a> {
        let (mut document, mut in_block) = (Document::default(), false);
        for (line, number) in text.lines().zip(1..) {
            if line.trim_start().starts_with("```") {
                in_block = !in_block;
                if in_block {
                    document.blocks.push((vec![line.trim()], number));
                }
            } else if in_block {
                if let Some((block, _)) = document.blocks.last_mut() {
                    block.push(line);
                }
            } else {
                document.prose(line, number);
            }
        }
        document
    }

    fn prose(&mut self, line: &'a str, number: usize) {
        let level = line.len() - line.trim_start_matches('#').len();
        if level > 0 && line[level..].starts_with(' ') {
            self.headings.push((level, line[level..].trim(), number));
        }
        // Every second piece between backticks is code.
        for piece in line.split('`').step_by(2) {
            let targets = piece.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
            self.links.extend(targets.map(|target| (target, number)));
        }
        if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            self.links.push((target.trim(), number));
        }
    }

    /// The anchors of the headings, as GitHub makes them.
    fn anchors(&self) -> impl Iterator<Item = String> {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        self.headings.iter().map(move |(_, text, _)| {
            text.chars()
                .filter(kept)
                .flat_map(char::to_lowercase)
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
    }
}

fn refusal(tree: &Tree, from: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { from.path.clone() } else { resolve(&from.path, path) };
    if !tree.contains(&path) {
        return Some(format!(
            "link to {target}: there is no {path} (links are relative to the file they stand in)"
        ));
    }
    let to = tree.file(&path).filter(|file| !anchor.is_empty() && file.has_extension("md"))?;
    let leads = Document::read(&to.text).anchors().any(|found| found == anchor);
    (!leads).then(|| {
        format!("link to {target}: {path} has no such heading (use the heading's words, lower case, with -)")
    })
}

/// `path` as seen from the directory of `from`; above the root there is nothing to find.
fn resolve(from: &str, path: &str) -> String {
    let directory = from.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut parts: Vec<_> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return path.into(),
            ".." => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn mirror(english: &Document, chinese: &Document, findings: &mut Findings) {
    let (ours, theirs) = (english.headings.len(), chinese.headings.len());
    let differs = english.headings.iter().zip(&chinese.headings).find(|(a, b)| a.0 != b.0);
    if let Some(((level, text, _), (_, _, line))) = differs {
        findings.add(
            README_ZH,
            *line,
            format!("heading of another level than \"{text}\" (level {level} in {README})"),
        );
    } else if ours != theirs {
        findings.add(
            README_ZH,
            1,
            format!("{theirs} headings where {README} has {ours} (translate section by section)"),
        );
    }
    let (ours, theirs) = (english.blocks.len(), chinese.blocks.len());
    let differs = english.blocks.iter().zip(&chinese.blocks).find(|(a, b)| a.0 != b.0);
    if let Some(((_, at), (_, line))) = differs {
        findings.add(README_ZH, *line, format!("code block differs from {README}:{at} (copy it unchanged)"));
    } else if ours != theirs {
        findings.add(
            README_ZH,
            1,
            format!("{theirs} code blocks where {README} has {ours} (copy them unchanged)"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings<const N: usize>(files: [(&str, &str); N]) -> Vec<String> {
        let mut findings = Findings::default();
        check(&Tree::of(files), &mut findings);
        findings.lines()
    }

    #[test]
    fn links_that_lead_somewhere() {
        let text = "# A b's *c*\n[x](../b.rs) [`y`](#a-bs-c) [z](https://x/y) `[n](no.md)`\n[r]: c.md#d \"t\"\n```\n[m](no)\n```";
        assert_eq!(findings([("docs/a.md", text), ("b.rs", ""), ("docs/c.md", "## D")]).len(), 1);
        let text = text.replace(" \"t\"", "");
        assert_eq!(
            findings([("docs/a.md", &text), ("b.rs", ""), ("docs/c.md", "## D")]),
            Vec::<String>::new()
        );
        assert_eq!(findings([("a.md", "[x](docs/) [y](.)"), ("docs/b", "")]), Vec::<String>::new());
    }

    #[test]
    fn links_that_do_not() {
        let found = findings([
            ("docs/a.md", "\n[x](b.md) ![y](../../b.md)\n[r]: c.md#e"),
            ("b.md", ""),
            ("docs/c.md", "# D"),
        ]);
        assert_eq!(
            found,
            [
                "docs/a.md:2: link to ../../b.md: there is no ../../b.md (links are relative to the file they stand in)",
                "docs/a.md:2: link to b.md: there is no docs/b.md (links are relative to the file they stand in)",
                "docs/a.md:3: link to c.md#e: docs/c.md has no such heading (use the heading's words, lower case, with -)",
            ]
        );
    }

    #[test]
    fn the_chinese_readme_mirrors_the_english_one() {
        let english = "# A\n## B\n```sh\n# x\na\n```\ntext\n## C";
        assert_eq!(
            findings([(README, english), (README_ZH, &english.replace("text", "字"))]),
            Vec::<String>::new()
        );
        for (chinese, line, what) in [
            ("# A\n## B\n```sh\n# x\na\n```", 1, "2 headings"),
            ("# A\n## B\n```sh\n# x\na\n```\n### C", 7, "level"),
            ("# A\n## B\n## C", 1, "0 code blocks"),
            ("# A\n## B\n```sh\n# x\nb\n```\n## C", 3, "differs"),
            ("# A\n## B\n```text\n# x\na\n```\n## C", 3, "differs"),
        ] {
            let found = findings([(README, english), (README_ZH, chinese)]);
            assert_eq!(found.len(), 1, "{chinese}: {found:?}");
            assert!(
                found[0].starts_with(&format!("{README_ZH}:{line}:")) && found[0].contains(what),
                "{found:?}"
            );
        }
        assert_eq!(findings([(README, english)]).len(), 1);
    }
}
