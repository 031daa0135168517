//! Hex as people paste it, with errors that point at the character.

use thiserror::Error;

use super::snippet::snippet;

/// Why text is no hex. Characters count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HexError {
    /// There is nothing.
    #[error("hex is expected, and this is empty")]
    Empty,
    /// Not a hexadecimal digit.
    #[error("character {position} is {found:?}: hex has only 0-9 and a-f")]
    NotHex {
        /// Which character.
        position: usize,
        /// What stands there.
        found: char,
    },
    /// Half a byte is left at the end.
    #[error("hex has two characters a byte, and these are {characters}: one is missing")]
    OddLength {
        /// How many characters there are.
        characters: usize,
    },
}

impl HexError {
    /// The character that is to blame, if one is.
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Empty => None,
            Self::NotHex { position, .. } => Some(*position),
            Self::OddLength { characters } => Some(*characters),
        }
    }

    /// The text around the character to blame, and a caret below it.
    pub fn snippet(&self, text: &str) -> Option<String> {
        self.position().map(|position| snippet(text, position..position))
    }
}

/// The bytes of a text without blanks around it.
///
/// # Errors
/// [`HexError`].
pub fn bytes(text: &str) -> Result<Vec<u8>, HexError> {
    if text.is_empty() {
        return Err(HexError::Empty);
    }
    let digits = text.chars().enumerate().map(|(position, found)| {
        let digit = found.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        digit.ok_or(HexError::NotHex { position, found })
    });
    let digits = digits.collect::<Result<Vec<u8>, _>>()?;
    let (pairs, rest) = digits.as_chunks();
    if !rest.is_empty() {
        return Err(HexError::OddLength { characters: digits.len() });
    }
    Ok(pairs.iter().map(|[high, low]| (high << 4) | low).collect())
}
