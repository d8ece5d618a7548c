//! What a publisher chose, made harmless for a terminal: control characters, which could move the cursor, change
//! colours or worse, are written as escapes. Pipes and files get every byte as it came.

/// Replaces control characters but tab and line feed in `bytes[from..]` by `\xNN`, bytes that are no UTF-8 too.
pub(crate) fn make_harmless(bytes: &mut Vec<u8>, from: usize) {
    let is_harmful = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
    if std::str::from_utf8(&bytes[from..]).is_ok_and(|text| !text.contains(is_harmful)) {
        return;
    }
    let raw = bytes.split_off(from);
    let escape = |bytes: &mut Vec<u8>, raw: &[u8]| {
        raw.iter().for_each(|byte| bytes.extend_from_slice(format!("\\x{byte:02x}").as_bytes()));
    };
    for chunk in raw.utf8_chunks() {
        for char in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let text = char.encode_utf8(&mut buffer).as_bytes();
            if is_harmful(char) { escape(bytes, text) } else { bytes.extend_from_slice(text) }
        }
        escape(bytes, chunk.invalid());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_reaches_a_terminal() {
        let check = |from: usize, raw: &[u8], expected: &str| {
            let mut bytes = raw.to_vec();
            make_harmless(&mut bytes, from);
            assert_eq!(String::from_utf8_lossy(&bytes), expected);
        };
        check(0, "21.5 °C\ttab\nline".as_bytes(), "21.5 °C\ttab\nline");
        check(0, b"\x1b[31mred\x1b[0m\r\x07", "\\x1b[31mred\\x1b[0m\\x0d\\x07");
        check(0, "c1 \u{9b}2J del \u{7f}".as_bytes(), "c1 \\xc2\\x9b2J del \\x7f");
        check(0, b"\xff\xfe ok \x00", "\\xff\\xfe ok \\x00");
        check(4, b"\x1b[m \x1b", "\u{1b}[m \\x1b");
    }
}
