//! Whether bytes are JSON: a scan that builds nothing.

/// JSON nested deeper is taken for no JSON.
const DEPTH_MAX: usize = 128;

/// Whether the bytes are one JSON value (RFC 8259).
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut scan = Scan(text.as_bytes());
    scan.value(DEPTH_MAX).is_some() && scan.blank().0.is_empty()
}

/// What is left of a JSON text. Each method takes what it names, or gives `None`.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn blank(&mut self) -> &mut Self {
        self.0 = self.0.trim_ascii_start();
        self
    }
    fn take(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.blank().0.first()? {
            b'{' | b'[' if depth == 0 => None,
            b'{' => self.list(b"{", b"}", |scan| {
                scan.blank().string()?;
                scan.blank().take(b":")?;
                scan.value(depth - 1)
            }),
            b'[' => self.list(b"[", b"]", |scan| scan.value(depth - 1)),
            b'"' => self.string(),
            b't' => self.take(b"true"),
            b'f' => self.take(b"false"),
            b'n' => self.take(b"null"),
            _ => self.number(),
        }
    }
    fn list(
        &mut self,
        open: &[u8],
        close: &[u8],
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        if self.blank().take(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.blank().take(close).is_some() {
                return Some(());
            }
            self.take(b",")?;
        }
    }
    fn string(&mut self) -> Option<()> {
        self.take(b"\"")?;
        loop {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            match first {
                b'"' => return Some(()),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    match escaped {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let (digits, rest) = self.0.split_at_checked(4)?;
                            self.0 = digits.iter().all(u8::is_ascii_hexdigit).then_some(rest)?;
                        }
                        _ => return None,
                    }
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }
    fn number(&mut self) -> Option<()> {
        let _ = self.take(b"-");
        if self.take(b"0").is_none() {
            self.digits()?;
        }
        if self.take(b".").is_some() {
            self.digits()?;
        }
        if self.take(b"e").or_else(|| self.take(b"E")).is_some() {
            let _ = self.take(b"+").or_else(|| self.take(b"-"));
            self.digits()?;
        }
        Some(())
    }
    fn digits(&mut self) -> Option<()> {
        let len = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &self.0[len..];
        (len > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json() {
        for good in ["0", "-1.5e+3", "\"\\u00e9\\n\"", "[]", "{}", " {\"a\" : [1, {\"b\":null}]} ", "true"] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "01",
            "1.",
            "-",
            "[1,]",
            "{a:1}",
            "{\"a\"}",
            "\"\\x\"",
            "\"\n\"",
            "1 2",
            "tru",
            "[",
            "\"\\u12\"",
        ] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
        assert!(!is_json(&[b'['; 100_000]), "no stack is deep enough");
        assert!(!is_json(b"\xff"));
    }
}
