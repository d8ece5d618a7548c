//! Rust source to tokens with line numbers, comments kept: what every rule of tidy reads.
//!
//! Rules look at tokens so that a string or a comment is never taken for code, nor code for a comment.
//! The lexer knows no grammar, and it never fails: a file that is not Rust gives tokens that are of no use,
//! and the compiler says so better.

/// What a token is, as far as the rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword; a raw name keeps its `r#`.
    Ident,
    /// `'a`, without a closing quote.
    Lifetime,
    /// Any number.
    Number,
    /// A string, byte string, C string or character, quotes included.
    Text,
    /// One character of punctuation.
    Punct,
    /// A whole comment, line or block, with its marker.
    Comment,
}

/// A piece of a file. Lines count from 1; a string or a block comment may span several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) line: usize,
    pub(crate) last_line: usize,
}

impl Token<'_> {
    /// Whether this is the punctuation or the name `text`.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Ident | Kind::Punct) && self.text == text
    }
}

/// All tokens of `source`, in order.
pub(crate) fn lex(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, at: 0 };
    let (mut tokens, mut line, mut counted) = (Vec::new(), 1, 0);
    while let Some((kind, start)) = lexer.next() {
        line += newlines(&source[counted..start]);
        let text = &source[start..lexer.at];
        let last_line = line + newlines(text);
        tokens.push(Token { kind, text, line, last_line });
        (line, counted) = (last_line, lexer.at);
    }
    tokens
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn skip_while(&mut self, keep: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !keep(c)).unwrap_or(rest.len());
    }

    /// Past the next `end`, or to the end of the file.
    fn skip_past(&mut self, end: &str) {
        let rest = self.rest();
        self.at += rest.find(end).map_or(rest.len(), |found| found + end.len());
    }

    /// The kind and the start of the next token; `at` is then behind it.
    fn next(&mut self) -> Option<(Kind, usize)> {
        self.skip_while(char::is_whitespace);
        let start = self.at;
        let first = self.rest().chars().next()?;
        let kind = if self.rest().starts_with("//") {
            self.skip_while(|c| c != '\n');
            Kind::Comment
        } else if self.rest().starts_with("/*") {
            self.block_comment();
            Kind::Comment
        } else if is_name(first) && !first.is_ascii_digit() {
            self.name_or_prefixed_text()
        } else if first.is_ascii_digit() {
            self.number();
            Kind::Number
        } else if first == '"' {
            self.quoted('"');
            Kind::Text
        } else if first == '\'' {
            self.character_or_lifetime()
        } else {
            self.at += first.len_utf8();
            Kind::Punct
        };
        Some((kind, start))
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            match (rest.starts_with("/*"), rest.starts_with("*/")) {
                (true, _) => (depth, self.at) = (depth + 1, self.at + 2),
                (_, true) => (depth, self.at) = (depth - 1, self.at + 2),
                _ => self.at += rest.chars().next().map_or(0, char::len_utf8),
            }
            if depth == 0 || self.rest().is_empty() {
                return;
            }
        }
    }

    fn name_or_prefixed_text(&mut self) -> Kind {
        let start = self.at;
        self.skip_while(is_name);
        let (name, rest) = (&self.source[start..self.at], self.rest());
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let raw = rest[hashes..].starts_with('"');
        match name {
            "r" | "br" | "cr" if raw => {
                self.at += hashes + 1;
                self.skip_past(&format!("\"{}", "#".repeat(hashes)));
                Kind::Text
            }
            "b" | "c" if rest.starts_with('"') => {
                self.quoted('"');
                Kind::Text
            }
            "b" if rest.starts_with('\'') => {
                self.quoted('\'');
                Kind::Text
            }
            "r" if hashes == 1 => {
                self.at += 1;
                self.skip_while(is_name);
                Kind::Ident
            }
            _ => Kind::Ident,
        }
    }

    fn number(&mut self) {
        self.skip_while(is_name);
        let mut rest = self.rest().chars();
        if rest.next() == Some('.') && rest.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.skip_while(is_name);
        }
    }

    /// From the opening quote past the closing one; a backslash takes the next character along.
    fn quoted(&mut self, quote: char) {
        self.at += 1;
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices() {
            if c == quote && !escaped {
                self.at += offset + 1;
                return;
            }
            escaped = c == '\\' && !escaped;
        }
        self.at = self.source.len();
    }

    fn character_or_lifetime(&mut self) -> Kind {
        let mut ahead = self.rest().chars().skip(1);
        let (first, second) = (ahead.next(), ahead.next());
        if first == Some('\\') || second == Some('\'') {
            self.quoted('\'');
            return Kind::Text;
        }
        self.at += 1;
        self.skip_while(is_name);
        Kind::Lifetime
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[(Kind, &str)]) {
        let tokens: Vec<_> = lex(source).iter().map(|token| (token.kind, token.text)).collect();
        assert_eq!(tokens, expected, "{source}");
    }

    #[test]
    fn each_kind_of_token() {
        use Kind::{Comment, Ident, Lifetime, Number, Punct, Text};
        check("a_1 // b\nc", &[(Ident, "a_1"), (Comment, "// b"), (Ident, "c")]);
        check("/* a /* b */ c */ d", &[(Comment, "/* a /* b */ c */"), (Ident, "d")]);
        check(r#""a\"//b" c"#, &[(Text, r#""a\"//b""#), (Ident, "c")]);
        check(r##"br#"a"b"# c"##, &[(Text, r##"br#"a"b"#"##), (Ident, "c")]);
        check(
            "'a 'a' '\\'' b'{' '馬'",
            &[(Lifetime, "'a"), (Text, "'a'"), (Text, "'\\''"), (Text, "b'{'"), (Text, "'馬'")],
        );
        check(
            "1.5_f32 0..9 t.0",
            &[
                (Number, "1.5_f32"),
                (Number, "0"),
                (Punct, "."),
                (Punct, "."),
                (Number, "9"),
                (Ident, "t"),
                (Punct, "."),
                (Number, "0"),
            ],
        );
        check("r#fn b\"x\"", &[(Ident, "r#fn"), (Text, "b\"x\"")]);
    }

    #[test]
    fn what_is_not_closed_ends_with_the_file() {
        check("\"a", &[(Kind::Text, "\"a")]);
        check("/* a", &[(Kind::Comment, "/* a")]);
        check("r#\"a", &[(Kind::Text, "r#\"a")]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let lines: Vec<_> =
            lex("a\n\"b\nc\" /* d\n */ e\n\nf").iter().map(|t| (t.line, t.last_line)).collect();
        assert_eq!(lines, [(1, 1), (2, 3), (3, 4), (4, 4), (6, 6)]);
    }
}
