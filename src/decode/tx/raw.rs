//! From hex to a transaction, with errors that point at the character.

use bitcoin::Transaction;
use bitcoin::consensus::deserialize;

use super::error::RawError;
use super::fields;

/// A block has at most 4 000 000 weight units, so no transaction has more bytes.
const MOST_CHARACTERS: usize = 2 * 4_000_000;

/// Reads a transaction from hex. Blanks around it are passed over.
///
/// # Errors
/// What is wrong, and at which character or byte of the trimmed text.
pub fn parse(text: &str) -> Result<Transaction, RawError> {
    let text = text.trim();
    let characters = text.len();
    if characters == 0 {
        return Err(RawError::Empty);
    }
    if characters > MOST_CHARACTERS {
        return Err(RawError::TooLong { characters, limit: MOST_CHARACTERS });
    }
    let bytes = from_hex(text)?;
    fields::check(&bytes)?;
    deserialize(&bytes).map_err(|error| RawError::Refused { reason: error.to_string() })
}

fn from_hex(text: &str) -> Result<Vec<u8>, RawError> {
    let digits = text.chars().enumerate().map(|(position, found)| {
        let digit = found.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        digit.ok_or(RawError::NotHex { position, found })
    });
    let digits = digits.collect::<Result<Vec<u8>, _>>()?;
    if digits.len() % 2 == 1 {
        return Err(RawError::OddLength { characters: digits.len() });
    }
    Ok(digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect())
}
