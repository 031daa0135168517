//! From hex to a transaction, with errors that point at the character.

use bitcoin::Transaction;
use bitcoin::consensus::deserialize;

use super::error::RawError;
use super::fields;
use crate::decode::hex;

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
    let bytes = hex::bytes(text)?;
    fields::check(&bytes)?;
    deserialize(&bytes).map_err(|error| RawError::Refused { reason: error.to_string() })
}
