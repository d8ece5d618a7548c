//! One Rust file as the rules see it: code apart from comments, functions, paths, and what is test code.
//!
//! It understands just enough structure, brackets above all; it does not parse Rust.

use std::collections::BTreeSet;
use std::ops::Range;

use super::lexer::{Kind, Token, lex};

/// A lexed file.
pub(crate) struct Rust<'a> {
    pub(crate) path: &'a str,
    /// All but comments.
    pub(crate) code: Vec<Token<'a>>,
    pub(crate) comments: Vec<Token<'a>>,
}

/// A function with a body.
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    /// Lines from `fn` to the closing brace that hold code.
    pub(crate) code_lines: usize,
}

/// `a::b::c`, from an expression or unfolded from a `use`.
pub(crate) struct PathUse<'a> {
    pub(crate) segments: Vec<&'a str>,
    pub(crate) line: usize,
    /// Where in `code` the path ends.
    pub(crate) end: usize,
}

impl<'a> Rust<'a> {
    pub(crate) fn new(path: &'a str, text: &'a str) -> Rust<'a> {
        let (comments, code) = lex(text).into_iter().partition(|token| token.kind == Kind::Comment);
        Rust { path, code, comments }
    }

    /// Lines that hold something other than blanks and comments.
    pub(crate) fn code_lines(&self) -> usize {
        code_lines(&self.code)
    }

    /// Every function that has a body, the inner ones too.
    pub(crate) fn functions(&self) -> Vec<Function<'a>> {
        let named = self.code.windows(2).enumerate();
        let named = named.filter(|(_, pair)| pair[0].is("fn") && pair[1].kind == Kind::Ident);
        let function = |(at, pair): (usize, &[Token<'a>])| {
            let end = self.item_end(at);
            let has_body = self.code[end - 1].is("}");
            let code_lines = code_lines(&self.code[at..end]);
            has_body.then_some(Function { name: pair[1].text, line: pair[0].line, code_lines })
        };
        named.filter_map(function).collect()
    }

    /// Behind the first `;`, or the first block, that is in no bracket opened after `at`.
    fn item_end(&self, at: usize) -> usize {
        let mut depth = 0_usize;
        for (end, token) in self.code.iter().enumerate().skip(at) {
            match token.text {
                _ if token.kind != Kind::Punct => {}
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && token.is("}") {
                        return end + 1;
                    }
                }
                ";" if depth == 0 => return end + 1,
                _ => {}
            }
        }
        self.code.len()
    }

    /// The parts of `code` that are compiled for tests alone.
    pub(crate) fn test_code(&self) -> Vec<Range<usize>> {
        const CFG: [&str; 5] = ["#", "[", "cfg", "(", "test"];
        let marked = self.code.windows(CFG.len()).enumerate();
        let marked = marked.filter(|(_, window)| window.iter().zip(CFG).all(|(token, text)| token.is(text)));
        marked.map(|(at, _)| at..self.item_end(self.skip_attributes(at))).collect()
    }

    /// Where the item begins whose attributes begin at `at`.
    fn skip_attributes(&self, mut at: usize) -> usize {
        while self.code.get(at).is_some_and(|token| token.is("#")) {
            let closing = self.code[at..].iter().scan(0_i32, |depth, token| {
                *depth += i32::from(token.is("[")) - i32::from(token.is("]"));
                Some((*depth, token.is("]")))
            });
            at += closing.take_while(|&(depth, closes)| depth > 0 || !closes).count() + 1;
        }
        at
    }

    /// The files, or directories, of modules that are declared for tests alone: `#[cfg(test)] mod tests;`.
    pub(crate) fn test_modules(&self) -> BTreeSet<String> {
        let (directory, file) = self.path.rsplit_once('/').unwrap_or(("", self.path));
        let stem = file.trim_end_matches(".rs");
        let below = match stem {
            "lib" | "main" | "mod" => directory.to_owned(),
            _ => format!("{directory}/{stem}"),
        };
        let declared = self.test_code().into_iter().filter_map(|range| {
            let tokens = &self.code[range];
            let [.., keyword, name, semicolon] = tokens else { return None };
            if !keyword.is("mod") || !semicolon.is(";") {
                return None;
            }
            let named = tokens.windows(3).find(|window| window[0].is("path") && window[1].is("="));
            // `#[path]` is relative to the file's directory, a plain name to the module's.
            Some(match named {
                Some(window) => {
                    format!("{directory}/{}", window[2].text.trim_matches('"').trim_end_matches(".rs"))
                }
                None => format!("{below}/{}", name.text),
            })
        });
        declared.collect()
    }

    /// Every path outside test code, `use` groups unfolded.
    pub(crate) fn paths_outside_tests(&self) -> Vec<PathUse<'a>> {
        let tests = self.test_code();
        let (mut at, mut paths) = (0, Vec::new());
        while at < self.code.len() {
            if let Some(range) = tests.iter().find(|range| range.contains(&at)) {
                at = range.end;
            } else if self.code[at].kind == Kind::Ident {
                at = self.path_from(at, &[], &mut paths);
            } else {
                at += 1;
            }
        }
        paths
    }

    /// Reads one path, or the branches of one group, from `at`; returns where it ends.
    fn path_from(&self, mut at: usize, prefix: &[&'a str], paths: &mut Vec<PathUse<'a>>) -> usize {
        let line = self.code[at].line;
        let mut segments = prefix.to_vec();
        loop {
            segments.push(self.code[at].text);
            at += 1;
            let colons = self.code[at..].iter().take(2).filter(|token| token.is(":")).count();
            let Some(next) = self.code.get(at + 2).filter(|_| colons == 2) else { break };
            if next.is("{") {
                return self.group_from(at + 3, &segments, paths);
            }
            if next.kind != Kind::Ident && !next.is("*") {
                break;
            }
            at += 2;
        }
        if segments.last() == Some(&"self") {
            segments.pop();
        }
        paths.push(PathUse { segments, line, end: at });
        at
    }

    fn group_from(&self, mut at: usize, prefix: &[&'a str], paths: &mut Vec<PathUse<'a>>) -> usize {
        while let Some(token) = self.code.get(at) {
            if token.is("}") {
                return at + 1;
            }
            let starts_path = (token.kind == Kind::Ident && !token.is("as")) || token.is("*");
            let renames = at > 0 && self.code[at - 1].is("as");
            at = if starts_path && !renames { self.path_from(at, prefix, paths) } else { at + 1 };
        }
        at
    }
}

fn code_lines(tokens: &[Token]) -> usize {
    let (mut lines, mut counted) = (0, 0);
    for token in tokens {
        lines += (token.last_line + 1).saturating_sub(token.line.max(counted + 1));
        counted = counted.max(token.last_line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_without_comments_and_blanks() {
        let text = "trait T { fn none(&self) -> [u8; 2]; }\nfn a(\n  x: u8,\n) {\n\n  // b\n  fn b() {}\n  \"1\n2\"; }";
        let rust = Rust::new("a.rs", text);
        let found: Vec<_> = rust.functions().iter().map(|f| (f.name, f.line, f.code_lines)).collect();
        assert_eq!(found, [("a", 2, 6), ("b", 7, 1)]);
        assert_eq!(rust.code_lines(), 7);
    }

    #[test]
    fn paths_are_unfolded() {
        let text = "use a::{self, b::{c, d as e}, f::*};\nfn g() -> h::I { let j = ::k::l::<m::N>(); }";
        let paths = Rust::new("a.rs", text).paths_outside_tests();
        let long = paths.iter().filter(|path| path.segments.len() > 1 || path.line == 1);
        let found: Vec<_> = long.map(|path| path.segments.join("::")).collect();
        assert_eq!(found, ["use", "a", "a::b::c", "a::b::d", "a::f::*", "h::I", "k::l", "m::N"]);
    }

    #[test]
    fn test_code_is_told_apart() {
        let text =
            "a::b();\n#[cfg(test)]\n#[allow(x[1])]\nmod tests { c::d(); }\n#[cfg(test)] mod more;\ne::f();";
        let rust = Rust::new("crates/x/src/y.rs", text);
        let found: Vec<_> = rust.paths_outside_tests().iter().map(|path| path.segments.join("::")).collect();
        assert_eq!(found, ["a::b", "e::f"]);
        assert_eq!(rust.test_modules(), BTreeSet::from(["crates/x/src/y/more".into()]));
        let text = "#[cfg(test)]\n#[path = \"y_tests.rs\"]\nmod tests;\nmod z;";
        let modules = |path| Rust::new(path, text).test_modules();
        assert_eq!(modules("crates/x/src/y.rs"), BTreeSet::from(["crates/x/src/y_tests".into()]));
        let modules = Rust::new("crates/x/src/lib.rs", "#[cfg(test)] mod tests;").test_modules();
        assert_eq!(modules, BTreeSet::from(["crates/x/src/tests".into()]));
    }
}
