//! `martlet sub --format`: the letters of mosquitto_sub, parsed once, rendered for each message.

mod date;
mod json;
mod parse;
mod render;
mod terminal;

pub(crate) use date::Stamp;
pub(crate) use render::PayloadNotJson;

use json::Style;
use martlet_client::Received;

/// A format, ready for use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Format(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    /// `%` with its field.
    Field(Letter, Layout),
    /// `@` with a letter of strftime, or `N`.
    Date(char),
    /// `--json`.
    JsonLine,
}

/// Where output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// To somebody's eyes, by way of what acts on control characters.
    Terminal,
    /// To a program or a file, which gets every byte.
    Pipe,
}

/// How a field is laid out: `%-010.5t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Layout {
    left: bool,
    zero: bool,
    width: usize,
    maximum: Option<usize>,
}

macro_rules! letters {
    ($($letter:literal $name:ident;)*) => {
        /// What a letter behind `%` stands for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Letter { $($name,)* }

        impl Letter {
            fn new(letter: char) -> Option<Self> {
                match letter { $($letter => Some(Self::$name),)* _ => None }
            }
        }
    };
}

letters! {
    'A' TopicAlias;
    'C' ContentType;
    'D' CorrelationData;
    'E' MessageExpiry;
    'F' PayloadFormat;
    'I' IsoTime;
    'j' Json;
    'J' JsonRaw;
    'l' PayloadLen;
    'm' PacketId;
    'P' UserProperties;
    'p' Payload;
    'q' QoS;
    'R' ResponseTopic;
    'r' Retain;
    'S' SubscriptionIds;
    't' Topic;
    'U' UnixTime;
    'x' HexLower;
    'X' HexUpper;
}

impl Format {
    /// From the text of `--format`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse::format(text).map(Format)
    }

    /// That of `--json`.
    pub(crate) fn json_line() -> Self {
        Format(vec![Piece::JsonLine])
    }

    /// Appends one message; on an error what was appended is of no use. For a terminal, what the publisher chose is made
    /// harmless; the text between the fields is the user's own.
    pub(crate) fn render(
        &self,
        received: &Received,
        stamp: Stamp,
        to: To,
        out: &mut Vec<u8>,
    ) -> Result<(), PayloadNotJson> {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Date(letter) => stamp.strftime(*letter, out),
                Piece::JsonLine => render::json(Style::Line, received, stamp, to, out)?,
                Piece::Field(letter, layout) => render::field(*letter, *layout, received, stamp, to, out)?,
            }
        }
        Ok(())
    }
}
