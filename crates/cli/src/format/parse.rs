//! The text of `--format` to its pieces.

use super::{Layout, Letter, Piece, date};
use std::iter::Peekable;
use std::str::Chars;

/// No field is wider: a format must not fill the memory.
const WIDTH_MAX: usize = 10_000;

pub(super) fn format(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let piece = match char {
            '%' => field(&mut chars)?,
            '@' => at(&mut chars)?,
            '\\' => Ok(escaped(&mut chars)?),
            other => Ok(other),
        };
        match piece {
            Ok(char) => plain.push(char),
            Err(piece) => {
                flush(&mut plain, &mut pieces);
                pieces.push(piece);
            }
        }
    }
    flush(&mut plain, &mut pieces);
    Ok(pieces)
}

fn flush(plain: &mut String, pieces: &mut Vec<Piece>) {
    if !plain.is_empty() {
        pieces.push(Piece::Text(std::mem::take(plain).into_bytes()));
    }
}

/// Either a character that stands for itself, or a piece.
type Found = Result<char, Piece>;

fn field(chars: &mut Peekable<Chars<'_>>) -> Result<Found, String> {
    let mut layout = Layout::default();
    while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '0')) {
        layout.left |= flag == '-';
        layout.zero |= flag == '0';
    }
    layout.width = number(chars)?.unwrap_or(0);
    if chars.next_if_eq(&'.').is_some() {
        layout.maximum = Some(number(chars)?.ok_or("a number must follow `.`, as in %10.10t")?);
    }
    match chars.next() {
        Some('%') => Ok(Ok('%')),
        Some(letter) => match Letter::new(letter) {
            Some(letter) => Ok(Err(Piece::Field(letter, layout))),
            None => Err(format!(
                "`%{letter}` is unknown; a % itself is %%; `martlet sub --help` lists the letters"
            )),
        },
        None => Err("a letter must follow `%`; a % itself is %%".to_owned()),
    }
}

fn number(chars: &mut Peekable<Chars<'_>>) -> Result<Option<usize>, String> {
    let mut value: Option<usize> = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let next = value.unwrap_or(0) * 10 + digit as usize;
        if next > WIDTH_MAX {
            return Err(format!("a field is at most {WIDTH_MAX} wide"));
        }
        value = Some(next);
    }
    Ok(value)
}

fn at(chars: &mut Peekable<Chars<'_>>) -> Result<Found, String> {
    match chars.next() {
        Some('@') => Ok(Ok('@')),
        Some(letter) if date::is_known(letter) => Ok(Err(Piece::Date(letter))),
        Some(letter) => Err(format!("`@{letter}` is unknown; an @ itself is @@")),
        None => Err("a letter must follow `@`; an @ itself is @@".to_owned()),
    }
}

fn escaped(chars: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    Ok(match chars.next() {
        Some('\\') => '\\',
        Some('0') => '\0',
        Some('a') => '\x07',
        Some('e') => '\x1b',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('v') => '\x0b',
        Some(other) => return Err(format!("`\\{other}` is unknown; a \\ itself is \\\\")),
        None => return Err("a letter must follow `\\`; a \\ itself is \\\\".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces() {
        let layout = Layout { left: true, zero: true, width: 12, maximum: Some(3) };
        let text = |text: &str| Piece::Text(text.as_bytes().to_vec());
        for (format, pieces) in [
            ("", vec![]),
            ("a%%@@\\\\\\n", vec![text("a%@\\\n")]),
            ("%-012.3t", vec![Piece::Field(Letter::Topic, layout)]),
            (
                "é@Y-%p",
                vec![
                    text("é"),
                    Piece::Date('Y'),
                    text("-"),
                    Piece::Field(Letter::Payload, Layout::default()),
                ],
            ),
        ] {
            assert_eq!(super::format(format), Ok(pieces), "{format}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (format, word) in [
            ("%", "%%"),
            ("%z", "`%z`"),
            ("%5", "%%"),
            ("%5.t", "number"),
            ("@", "@@"),
            ("@!", "`@!`"),
            ("\\", "\\\\"),
            ("\\q", "`\\q`"),
            ("%99999999999999999999t", "10000"),
        ] {
            let told = super::format(format).unwrap_err();
            assert!(told.contains(word), "{format}: {told}");
        }
    }
}
