//! What a publisher chose, made harmless for a terminal: control characters, which could move the cursor, change
//! colours or worse, and those that turn the direction of text, are written as escapes. Pipes and files get every byte as
//! it came.

use std::borrow::Cow;

/// What a text may have in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// Line feeds and tabs: a payload may be a page of text.
    Many,
    /// Neither: what names something is within one line, or it could pretend to be another message.
    One,
}

/// Whether a terminal may do with this character anything but show it.
pub(super) fn is_harmful(char: char) -> bool {
    let is_direction = matches!(
        char,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    char.is_control() || is_direction
}

/// With `\xNN` for each byte of what is harmful, and of what is not UTF-8.
pub(super) fn harmless(bytes: &[u8], lines: Lines) -> Cow<'_, [u8]> {
    let is_bad = |char: char| is_harmful(char) && !(lines == Lines::Many && matches!(char, '\n' | '\t'));
    if std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_bad)) {
        return bytes.into();
    }
    let mut shown = Vec::new();
    let escape = |shown: &mut Vec<u8>, raw: &[u8]| {
        raw.iter().for_each(|byte| shown.extend_from_slice(format!("\\x{byte:02x}").as_bytes()));
    };
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let text = char.encode_utf8(&mut buffer).as_bytes();
            if is_bad(char) { escape(&mut shown, text) } else { shown.extend_from_slice(text) }
        }
        escape(&mut shown, chunk.invalid());
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_reaches_a_terminal() {
        let check = |raw: &[u8], many: &str, one: &str| {
            assert_eq!(String::from_utf8_lossy(&harmless(raw, Lines::Many)), many);
            assert_eq!(String::from_utf8_lossy(&harmless(raw, Lines::One)), one);
        };
        let both = |raw: &[u8], shown: &str| check(raw, shown, shown);
        check("21.5 °C\ttab\nline".as_bytes(), "21.5 °C\ttab\nline", "21.5 °C\\x09tab\\x0aline");
        both(b"\x1b[31mred\x1b[0m\r\x07", "\\x1b[31mred\\x1b[0m\\x0d\\x07");
        both("c1 \u{9b}2J del \u{7f}".as_bytes(), "c1 \\xc2\\x9b2J del \\x7f");
        both(b"\xff\xfe ok \x00", "\\xff\\xfe ok \\x00");
        both("a\u{202e}b\u{2066}".as_bytes(), "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6");
        both("\u{1f98a} \u{e9} \u{5d0}".as_bytes(), "\u{1f98a} \u{e9} \u{5d0}");
    }
}
