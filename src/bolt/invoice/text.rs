//! From a string to its prefix and words, and back: bech32 without the limit of 90 characters.
//! BIP 173, "Bech32"; BOLT 11, "Encoding Overview".

use bech32::primitives::checksum::{Engine, PackedFe32};
use bech32::{Bech32, Checksum, Fe32};

use super::error::InvoiceError;

/// How many words the checksum has.
pub(super) const CHECKSUM_WORDS: usize = Bech32::CHECKSUM_LENGTH;

/// What a string is made of.
pub(super) struct Text {
    /// The human-readable part, in lower case.
    pub(super) prefix: String,
    /// The data part, without the checksum.
    pub(super) words: Vec<Fe32>,
}

/// Takes a string apart and checks its checksum.
///
/// # Errors
/// Those about characters, case, separator, length and checksum.
pub(super) fn split(text: &str) -> Result<Text, InvoiceError> {
    let (prefix, mut words) = split_unchecked(text)?;
    let mut engine = Engine::<Bech32>::new();
    feed(&mut engine, &prefix, &words);
    let data = text.len().saturating_sub(words.len());
    let Some(length) = words.len().checked_sub(CHECKSUM_WORDS) else {
        let (words, position) = (words.len(), text.len());
        return Err(InvoiceError::TooShort { position, words, least: super::LEAST_WORDS });
    };
    if *engine.residue() != Bech32::TARGET_RESIDUE {
        let characters = data.saturating_add(length)..text.len();
        return Err(InvoiceError::Checksum { characters });
    }
    words.truncate(length);
    Ok(Text { prefix, words })
}

/// The prefix in lower case, and all words of the data part, those of the checksum too.
fn split_unchecked(text: &str) -> Result<(String, Vec<Fe32>), InvoiceError> {
    if text.is_empty() {
        return Err(InvoiceError::Empty);
    }
    check_case(text)?;
    let (prefix, data) = text.rsplit_once('1').ok_or(InvoiceError::MissingSeparator)?;
    let start = prefix.len().saturating_add(1);
    let words = (start..).zip(data.chars()).map(|(position, found)| {
        Fe32::from_char(found).map_err(|_| InvoiceError::InvalidCharacter { position, found })
    });
    Ok((prefix.to_ascii_lowercase(), words.collect::<Result<_, _>>()?))
}

/// Nothing but ASCII letters and digits, which is all that prefixes and data have, and all letters
/// have the case of the first one.
fn check_case(text: &str) -> Result<(), InvoiceError> {
    let upper =
        text.chars().find(char::is_ascii_alphabetic).is_some_and(|c| c.is_ascii_uppercase());
    for (position, found) in text.chars().enumerate() {
        if !found.is_ascii_alphanumeric() {
            return Err(InvoiceError::InvalidCharacter { position, found });
        }
        if found.is_ascii_alphabetic() && found.is_ascii_uppercase() != upper {
            return Err(InvoiceError::MixedCase { position });
        }
    }
    Ok(())
}

/// The string of a prefix and words: `1` between them, the checksum behind.
pub(super) fn join(prefix: &str, words: &[Fe32]) -> String {
    let mut engine = Engine::<Bech32>::new();
    feed(&mut engine, prefix, words);
    engine.input_target_residue();
    let checksum = (0..CHECKSUM_WORDS).rev().map(|at| engine.residue().unpack(at));
    let checksum = checksum.map(|word| Fe32::try_from(word).unwrap_or(Fe32::Q));
    let mut text = String::with_capacity(
        prefix.len().saturating_add(words.len()).saturating_add(CHECKSUM_WORDS).saturating_add(1),
    );
    text.push_str(prefix);
    text.push('1');
    text.extend(words.iter().copied().chain(checksum).map(Fe32::to_char));
    text
}

fn feed(engine: &mut Engine<Bech32>, prefix: &str, words: &[Fe32]) {
    let symbols = prefix_symbols(prefix);
    symbols.chain(words.iter().copied()).for_each(|word| engine.input_fe(word));
}

/// What the checksum sees of a prefix: the upper bits of all characters, a zero, the lower bits.
fn prefix_symbols(prefix: &str) -> impl Iterator<Item = Fe32> {
    let upper = prefix.bytes().map(|byte| symbol(byte >> 5));
    let lower = prefix.bytes().map(|byte| symbol(byte & 31));
    upper.chain([Fe32::Q]).chain(lower)
}

fn symbol(bits: u8) -> Fe32 {
    Fe32::try_from(bits).unwrap_or(Fe32::Q)
}

/// A character that is probably wrong, and what would make the checksum fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Which character, counted from 0.
    pub position: usize,
    /// What stands there.
    pub found: char,
    /// What would fit.
    pub fitting: char,
}

/// The one character that another one must replace for the checksum to fit, if there is one and
/// only one. It is a hint for a person to compare with the source and nothing to pay by: with
/// several wrong characters, this could be yet another one. `None` also beyond bech32's length.
pub fn correction(text: &str) -> Option<Correction> {
    let (prefix, words) = split_unchecked(text).ok()?;
    let start = prefix.len().checked_add(1)?;
    let symbols = start.checked_add(prefix.len())?.checked_add(words.len())?;
    if symbols > Bech32::CODE_LENGTH {
        return None;
    }
    let mut engine = Engine::<Bech32>::new();
    feed(&mut engine, &prefix, &words);
    // The checksum is linear: one wrong symbol adds its error, times a power, to the residue.
    let wrong = *engine.residue() ^ Bech32::TARGET_RESIDUE;
    let weights = weights(symbols);
    let weight = |at: usize, error: u8| weights.get(at).map_or(0, |bits| combine(bits, error));
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let place = start.saturating_add(prefix.len()).saturating_add(at);
        let errors = (1..32_u8).filter(|error| weight(place, *error) == wrong);
        found.extend(
            errors.map(|error| (start.saturating_add(at), symbol(word.to_u8() ^ error).to_char())),
        );
    }
    for (at, byte) in prefix.bytes().enumerate() {
        let place = start.saturating_add(at);
        let others = (b'0'..=b'9').chain(b'a'..=b'z').filter(|other| *other != byte);
        let fitting = others.filter(|other| {
            let error = byte ^ other;
            weight(at, error >> 5) ^ weight(place, error & 31) == wrong
        });
        found.extend(fitting.map(|other| (at, char::from(other))));
    }
    let [(position, fitting)] = found.as_slice() else { return None };
    let found = text.chars().nth(*position)?;
    let fitting =
        if text.contains(char::is_uppercase) { fitting.to_ascii_uppercase() } else { *fitting };
    Some(Correction { position: *position, found, fitting })
}

/// For each of so many symbols, what each of its five bits adds to the residue.
fn weights(symbols: usize) -> Vec<[u32; 5]> {
    let mut bits = [1, 2, 4, 8, 16];
    let mut weights = Vec::with_capacity(symbols);
    for _ in 0..symbols {
        weights.push(bits);
        bits = bits.map(|residue: u32| {
            let mut residue = residue;
            let top = residue.mul_by_x_then_add(Bech32::CHECKSUM_LENGTH, 0);
            residue ^ combine(&Bech32::GENERATOR_SH, top)
        });
    }
    weights.reverse();
    weights
}

/// The sum of those that belong to the bits of an error.
fn combine(bits: &[u32; 5], error: u8) -> u32 {
    let chosen = bits.iter().enumerate().filter(|(bit, _)| error >> bit & 1 == 1);
    chosen.fold(0, |sum, (_, residue)| sum ^ residue)
}
