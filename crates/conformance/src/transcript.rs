//! What was said so far, a line for each packet, and bounded: of many rounds only the first and the last lines are kept.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Write;

/// How many bytes of a packet are shown.
const BYTES_MAX: usize = 48;

/// How many characters of its words, here and wherever they are quoted.
const WORDS_MAX: usize = 400;

/// How many lines of a block are kept: the first ones, and as many last ones.
const LINES_MAX: usize = 12;

/// Words of a broker, which may be many, as they are quoted.
pub(super) fn cut(words: &str) -> Cow<'_, str> {
    match words.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}...", &words[..end]).into(),
        None => words.into(),
    }
}

#[derive(Default)]
pub(super) struct Transcript {
    text: String,
    block: Option<Block>,
}

#[derive(Default)]
struct Block {
    first: usize,
    left_out: usize,
    last: VecDeque<Line>,
}

/// Words and bytes, which become text only if they are kept: most are not.
struct Line {
    words: String,
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Transcript {
    pub(super) fn say(&mut self, words: &str, bytes: &[u8]) {
        self.say_all_but(words, bytes, bytes.len());
    }

    /// As [`Self::say`], but the bytes from `secret` on are never shown.
    pub(super) fn say_all_but(&mut self, words: &str, bytes: &[u8], secret: usize) {
        let shown = &bytes[..bytes.len().min(secret).min(BYTES_MAX)];
        let is_cut = shown.len() < bytes.len();
        let line = Line { words: cut(words).into_owned(), bytes: shown.to_vec(), is_cut };
        match &mut self.block {
            Some(block) if block.first >= LINES_MAX => {
                block.last.push_back(line);
                if block.last.len() > LINES_MAX {
                    block.last.pop_front();
                    block.left_out += 1;
                }
            }
            Some(block) => {
                block.first += 1;
                self.text.push_str(&line.text());
            }
            None => self.text.push_str(&line.text()),
        }
    }

    /// A block of many lines begins; the one before has ended.
    pub(super) fn begin(&mut self) {
        self.end();
        self.block = Some(Block::default());
    }

    pub(super) fn end(&mut self) {
        let Some(block) = self.block.take() else { return };
        if block.left_out > 0 {
            writeln!(self.text, "... {} lines", block.left_out).expect("a String takes all that is written");
        }
        block.last.iter().for_each(|line| self.text.push_str(&line.text()));
    }

    pub(super) fn into_text(mut self) -> String {
        self.end();
        self.text
    }
}

impl Line {
    fn text(&self) -> String {
        let mut hex = String::new();
        for byte in &self.bytes {
            write!(hex, " {byte:02x}").expect("a String takes all that is written");
        }
        let more = if self.is_cut { " ..." } else { "" };
        let line = format!("{:<50} {hex}{more}", self.words);
        format!("{}\n", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_and_secrets_are_cut() {
        let mut transcript = Transcript::default();
        transcript.say_all_but(&"w".repeat(9999), b"\x01\x02secret", 2);
        assert_eq!(transcript.into_text(), format!("{}...  01 02 ...\n", "w".repeat(WORDS_MAX)));
    }

    #[test]
    fn of_a_long_block_the_ends_are_kept() {
        let mut transcript = Transcript::default();
        transcript.say("a > connect", &[0x10; 60]);
        transcript.begin();
        (1..=65_535).for_each(|round| transcript.say(&format!("a > {round}"), &[]));
        let text = transcript.into_text();
        assert_eq!(text.lines().count(), 1 + 2 * LINES_MAX + 1, "{text}");
        assert!(
            text.contains(" 10 ...\na > 1\n") && text.contains("a > 12\n... 65511 lines\na > 65524\n"),
            "{text}"
        );
        assert!(text.ends_with("a > 65535\n"), "{text}");
    }
}
