//! The list of reason codes in SUBACK and UNSUBACK: a checked view of its bytes.
use crate::error::{Malformed, Result};
use crate::place::Place;
use crate::reason::ReasonCode;

/// Reason codes, one byte each, in the order of the topic filters they answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReasonCodes<'a>(&'a [u8]);

impl<'a> ReasonCodes<'a> {
    /// No reason code: what UNSUBACK has before 5.0.
    pub const NONE: Self = ReasonCodes(&[]);

    /// Checks that each byte is a reason code that may stand in `place`, and that there is one.
    ///
    /// # Errors
    /// `ReasonCodesEmpty`, `ReasonCodeUnknown`, `ReasonCodeNotAllowedHere`.
    pub fn new(codes: &'a [u8], place: Place) -> Result<Self> {
        codes.iter().try_for_each(|code| ReasonCode::decode(*code, place).map(|_| ()))?;
        if codes.is_empty() { Err(Malformed::ReasonCodesEmpty) } else { Ok(ReasonCodes(codes)) } // [MQTT-3.8.4-6] [3.1.1 MQTT-3.8.4-5]
    }

    /// The four return codes that a SUBACK of 3.1 and 3.1.1 has. [3.1.1 MQTT-3.9.3-2]
    pub(super) fn new_v3(codes: &'a [u8]) -> Result<Self> {
        match codes.iter().find(|code| !matches!(code, 0..=2 | 0x80)) {
            Some(code) if ReasonCode::try_from(*code).is_ok() => Err(Malformed::ReasonCodeNotAllowedHere),
            Some(_) => Err(Malformed::ReasonCodeUnknown),
            None if codes.is_empty() => Err(Malformed::ReasonCodesEmpty),
            None => Ok(ReasonCodes(codes)),
        }
    }

    /// For bytes of which each came from a [`ReasonCode`]. On any other bytes iteration skips.
    pub const fn from_checked(codes: &'a [u8]) -> Self {
        ReasonCodes(codes)
    }

    /// The codes in order. [MQTT-3.9.3-1] [MQTT-3.11.3-1]
    pub fn iter(self) -> impl Iterator<Item = ReasonCode> + Clone + 'a {
        self.0.iter().filter_map(|code| ReasonCode::try_from(*code).ok())
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The codes as bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}
