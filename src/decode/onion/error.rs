//! Why text is no onion, or no key to peel it with, to the very character.

use std::fmt;
use std::ops::Range;

use thiserror::Error;

use crate::decode::hex::HexError;
use crate::decode::snippet::snippet;

/// What was to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Part {
    Key,
    PaymentHash,
    PathKey,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "a key",
            Self::PaymentHash => "a payment hash",
            Self::PathKey => "a path key",
        })
    }
}

/// Why text is not what it should be. Bytes count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// It is no hex.
    #[error(transparent)]
    Hex(#[from] HexError),
    /// It has too few or too many bytes.
    #[error("{part} has {expected} bytes, and these are {actual}")]
    Length {
        /// What was to be read.
        part: Part,
        /// How many bytes it has.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// Too little for a version, a key, any payload and an HMAC.
    #[error("an onion has at least 67 bytes (a payment's has 1366), and these are {0}")]
    TooShort(usize),
    /// Longer than any message that could bring it.
    #[error("an onion has at most 65535 bytes, as many as a message, and these are {0}")]
    TooLong(usize),
    /// A message that says of its onion that it is longer.
    #[error(
        "an onion_message with an onion of {said} bytes from byte 37 on, where {left} are left"
    )]
    MessageLength {
        /// How long it says that the onion is.
        said: usize,
        /// How long it can be.
        left: usize,
    },
    /// Zero, or beyond the order of the curve.
    #[error("a key is a number from 1 to the order of secp256k1, and this is none")]
    NotASecret,
    /// Not a point on the curve.
    #[error("a path key is a compressed point on secp256k1, and this is none")]
    NotAPoint,
}

impl InputError {
    /// The characters that are to blame, given how many there are.
    fn range(&self, characters: usize) -> Option<Range<usize>> {
        match self {
            Self::Hex(_) => None,
            Self::Length { expected, .. } if 2 * expected < characters => {
                Some(2 * expected..characters)
            }
            Self::Length { .. } | Self::TooShort(_) => Some(characters..characters),
            Self::TooLong(_) => Some(2 * 65_535..characters),
            Self::MessageLength { .. } => Some(2 * 35..2 * 37),
            Self::NotASecret | Self::NotAPoint => Some(0..characters),
        }
    }

    /// The text around the characters to blame, and carets below them.
    pub fn snippet(&self, text: &str) -> Option<String> {
        if let Self::Hex(error) = self {
            return error.snippet(text);
        }
        self.range(text.chars().count()).map(|wrong| snippet(text, wrong))
    }
}
