//! The generated parts of Markdown that is otherwise written by hand: each stands between two marks.

use std::path::Path;

/// The marks of the part named `name`.
pub(crate) fn marks(name: &str) -> (String, String) {
    (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"))
}

/// `text` with `part` between the marks of `name`; None if it has no such marks.
pub(crate) fn replace(text: &str, name: &str, part: &str) -> Option<String> {
    let (begin, end) = marks(name);
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{part}\n{end}{after}"))
}

/// Puts `part` between the marks of `name` in the file at `path` below `root`.
pub(crate) fn write(root: &Path, path: &str, name: &str, part: &str) -> Result<(), String> {
    let file = root.join(path);
    let text = std::fs::read_to_string(&file).map_err(|fault| format!("cannot read {path}: {fault}"))?;
    let (begin, end) = marks(name);
    let replaced = replace(&text, name, part)
        .ok_or_else(|| format!("{path} has no `{begin}` with `{end}` behind it (put them in)"))?;
    std::fs::write(&file, replaced).map_err(|fault| format!("cannot write {path}: {fault}"))
}

/// Text as one cell of a table, with nothing in it that Markdown would read.
pub(crate) fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '|' | '*' | '_' | '<' | '[' | ']' | '`' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_marks_is_replaced() {
        let text = "a\n<!-- x y: begin -->\nold\n<!-- x y: end -->\nb\n";
        let replaced = replace(text, "x y", "new\n");
        let expected = "a\n<!-- x y: begin -->\n\nnew\n\n<!-- x y: end -->\nb\n";
        assert_eq!(replaced.as_deref(), Some(expected));
        assert_eq!(replace(expected, "x y", "new\n").as_deref(), Some(expected));
        for bad in ["", "<!-- x y: begin -->", "<!-- x y: end --><!-- x y: begin -->"] {
            assert_eq!(replace(bad, "x y", "new"), None, "{bad}");
        }
    }

    #[test]
    fn cells_hold_no_markdown() {
        assert_eq!(cell("a | b\n *c* <d> `e` [f](g)"), "a \\| b \\*c\\* \\<d> \\`e\\` \\[f\\](g)");
    }
}
