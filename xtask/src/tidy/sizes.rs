//! Sizes: lines of code in a file and in a function, without blanks and comments.

use super::Findings;
use super::exceptions::{Exceptions, Rule};
use super::tree::Tree;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Measures every Rust file, tests included: a test that is data keeps the data in a constant.
pub(crate) fn check(tree: &Tree, exceptions: &Exceptions, findings: &mut Findings) {
    for rust in tree.rust() {
        let lines = rust.code_lines();
        if lines > FILE_LINES_MAX && !exceptions.allow(Rule::FileSize, rust.path, "", lines) {
            let message = format!(
                "{lines} lines of code (at most {FILE_LINES_MAX}: split the file by what it is about)"
            );
            findings.add(rust.path, 1, message);
        }
        for function in rust.functions() {
            let (name, lines) = (function.name, function.code_lines);
            if lines > FUNCTION_LINES_MAX && !exceptions.allow(Rule::FunctionSize, rust.path, name, lines) {
                let message = format!(
                    "`{name}` has {lines} lines of code (at most {FUNCTION_LINES_MAX}: name its parts)"
                );
                findings.add(rust.path, function.line, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(source: &str, list: &str) -> Vec<String> {
        let mut findings = Findings::default();
        let exceptions = Exceptions::parse(list, &mut findings);
        check(&Tree::of([("a.rs", source)]), &exceptions, &mut findings);
        findings.lines()
    }

    #[test]
    fn functions() {
        let function = |lines: usize| format!("\nfn f() {{\n{}}}", "x();\n// y\n\n".repeat(lines - 2));
        assert_eq!(findings(&function(70), ""), Vec::<String>::new());
        assert_eq!(
            findings(&function(71), ""),
            ["a.rs:2: `f` has 71 lines of code (at most 70: name its parts)"]
        );
        let list = "[[function]]\npath = 'a.rs'\nname = 'f'\nlines = 71\nreason = 'x'";
        assert_eq!(findings(&function(71), list), Vec::<String>::new());
        assert_eq!(findings(&function(72), list).len(), 1);
    }

    #[test]
    fn files() {
        let file = |lines: usize| "const A: u8 = 0;\n// x\n".repeat(lines);
        assert_eq!(findings(&file(600), ""), Vec::<String>::new());
        let found = findings(&file(601), "");
        assert_eq!(found, ["a.rs:1: 601 lines of code (at most 600: split the file by what it is about)"]);
        let list = "[[file]]\npath = 'a.rs'\nlines = 601\nreason = 'x'";
        assert_eq!(findings(&file(601), list), Vec::<String>::new());
    }
}
