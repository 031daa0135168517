//! How the streams are written as text: a prefix, `1`, and five bits a character, without a
//! checksum. BOLT 12, "Encoding".

use std::fmt;
use std::ops::Range;

use bech32::Fe32;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a string holds, as its prefix says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `lno`.
    Offer,
    /// `lnr`.
    InvoiceRequest,
    /// `lni`, which the BOLT does not name; implementations write invoices with it.
    Invoice,
}

impl Kind {
    /// The part before the `1`.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Offer => "lno",
            Self::InvoiceRequest => "lnr",
            Self::Invoice => "lni",
        }
    }

    fn of_prefix(prefix: &str) -> Option<Self> {
        let all = [Self::Offer, Self::InvoiceRequest, Self::Invoice];
        all.into_iter().find(|kind| kind.prefix().eq_ignore_ascii_case(prefix))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offer => "an offer",
            Self::InvoiceRequest => "an invoice request",
            Self::Invoice => "an invoice",
        })
    }
}

/// Why text is no such string. Positions count characters from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StringError {
    /// Not a single character.
    #[error("there is nothing in it")]
    Empty,
    /// A character that has no place in it.
    #[error("character {position} is {found:?}, which stands for nothing here")]
    Character {
        /// Where it stands.
        position: usize,
        /// What it is.
        found: char,
    },
    /// Lower and upper case in one string.
    #[error("character {position} is in another case than those before")]
    MixedCase {
        /// The first that differs.
        position: usize,
    },
    /// A `+` that joins nothing.
    #[error("the + at character {position} does not stand between two characters")]
    Join {
        /// Where the `+` stands.
        position: usize,
    },
    /// There is no `1` after the prefix.
    #[error("there is no 1 to end the prefix")]
    NoSeparator,
    /// Another prefix than those of BOLT 12.
    #[error("the prefix is none of lno (an offer), lnr (an invoice request) and lni (an invoice)")]
    Prefix {
        /// How many characters of the text are before the `1`.
        length: usize,
    },
    /// More bits at the end than a byte's rest takes, or some that are set.
    #[error(
        "the bits that are left after the last byte, from character {position} on, are not a few zeros"
    )]
    Padding {
        /// The last character.
        position: usize,
    },
}

impl StringError {
    /// The characters to blame.
    pub fn characters(&self) -> Option<Range<usize>> {
        match *self {
            Self::Character { position, .. }
            | Self::MixedCase { position }
            | Self::Join { position }
            | Self::Padding { position } => Some(position..position.saturating_add(1)),
            Self::Prefix { length } => Some(0..length),
            Self::Empty | Self::NoSeparator => None,
        }
    }
}

/// The characters with their positions; joins are taken out.
fn joined(text: &str) -> impl Iterator<Item = Result<(usize, char), StringError>> {
    let mut characters = text.chars().enumerate().peekable();
    let mut after_character = false;
    std::iter::from_fn(move || {
        let (position, found) = characters.next()?;
        if found != '+' {
            after_character = true;
            return Some(Ok((position, found)));
        }
        while characters.next_if(|(_, space)| space.is_whitespace()).is_some() {}
        Some(match characters.next() {
            Some((at, found)) if after_character && found != '+' => Ok((at, found)),
            _ => Err(StringError::Join { position }),
        })
    })
}

/// Notices a second case.
#[derive(Default)]
struct Case {
    upper: Option<bool>,
}

impl Case {
    fn check(&mut self, position: usize, found: char) -> Result<(), StringError> {
        if !found.is_ascii_alphabetic() {
            return Ok(());
        }
        let upper = found.is_ascii_uppercase();
        match self.upper.replace(upper) {
            Some(before) if before != upper => Err(StringError::MixedCase { position }),
            _ => Ok(()),
        }
    }
}

/// Eight characters hold five bytes.
const GROUP: u8 = 8;

/// Collects bytes from groups of five bits.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    rest: u64,
    /// How many characters `rest` holds: fewer than a group between two of them.
    count: u8,
    last: usize,
}

impl Bits {
    fn push(&mut self, position: usize, five: Fe32) {
        self.last = position;
        self.rest = (self.rest << 5) | u64::from(five.to_u8());
        self.count = self.count.saturating_add(1);
        if self.count == GROUP {
            let [_, _, _, group @ ..] = self.rest.to_be_bytes();
            self.bytes.extend_from_slice(&group);
            (self.rest, self.count) = (0, 0);
        }
    }

    fn finish(mut self) -> Result<Vec<u8>, StringError> {
        let bits = self.count.saturating_mul(5);
        let missing = GROUP.saturating_sub(self.count).saturating_mul(5);
        let [_, _, _, group @ ..] =
            self.rest.checked_shl(missing.into()).unwrap_or_default().to_be_bytes();
        let (whole, padding) = group.split_at(usize::from(bits / 8));
        if bits % 8 < 5 && padding.iter().all(|byte| *byte == 0) {
            self.bytes.extend_from_slice(whole);
            Ok(self.bytes)
        } else {
            Err(StringError::Padding { position: self.last })
        }
    }
}

/// Takes a string apart. Nothing may stand around it.
///
/// # Errors
/// [`StringError`], at the first character that is wrong.
pub fn decode(text: &str) -> Result<(Kind, Vec<u8>), StringError> {
    if text.is_empty() {
        return Err(StringError::Empty);
    }
    let mut characters = joined(text);
    let mut case = Case::default();
    let mut prefix = String::new();
    let kind = loop {
        let (position, found) = characters.next().ok_or(StringError::NoSeparator)??;
        if found == '1' {
            break Kind::of_prefix(&prefix).ok_or(StringError::Prefix { length: position })?;
        }
        if !found.is_ascii_alphanumeric() {
            return Err(StringError::Character { position, found });
        }
        case.check(position, found)?;
        prefix.push(found);
    };
    let mut bits = Bits { bytes: Vec::with_capacity(text.len()), ..Bits::default() };
    for character in characters {
        let (position, found) = character?;
        let five =
            Fe32::from_char(found).map_err(|_| StringError::Character { position, found })?;
        case.check(position, found)?;
        bits.push(position, five);
    }
    bits.finish().map(|bytes| (kind, bytes))
}

/// The characters of a string that hold these of its bytes. An empty range is that of the place
/// where its first byte would begin.
pub fn characters(text: &str, bytes: &Range<usize>) -> Range<usize> {
    let data = || joined(text).map_while(Result::ok).skip_while(|(_, c)| *c != '1').skip(1);
    let at = |index: usize| data().nth(index).map(|(position, _)| position);
    let end_of_text = text.chars().count();
    let first = at(bytes.start.saturating_mul(8) / 5).unwrap_or(end_of_text);
    if bytes.is_empty() {
        return first..first;
    }
    let last = bytes.end.saturating_mul(8).div_ceil(5).saturating_sub(1);
    let end = at(last).map_or(end_of_text, |position| position.saturating_add(1));
    first..end
}

/// The string of these bytes, in lower case.
pub fn encode(kind: Kind, bytes: &[u8]) -> String {
    let mut text = String::from(kind.prefix());
    text.push('1');
    let (mut rest, mut count) = (0_u16, 0_u8);
    let mut push = |five: u16| {
        let five = u8::try_from(five & 0x1f).ok().and_then(|five| Fe32::try_from(five).ok());
        text.extend(five.map(Fe32::to_char));
    };
    for byte in bytes {
        rest = ((rest & 0xf) << 8) | u16::from(*byte);
        count = count.saturating_add(8);
        while let Some(left) = count.checked_sub(5) {
            push(rest.checked_shr(left.into()).unwrap_or_default());
            count = left;
        }
    }
    if count > 0 {
        push(rest.checked_shl(u32::from(5_u8.saturating_sub(count))).unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_mistake_has_its_place() {
        let cases = [
            ("", StringError::Empty),
            ("lno", StringError::NoSeparator),
            ("lnbc1qq", StringError::Prefix { length: 4 }),
            ("1qq", StringError::Prefix { length: 0 }),
            ("lno1qb", StringError::Character { position: 5, found: 'b' }),
            ("lno1qé", StringError::Character { position: 5, found: 'é' }),
            ("lno1q q", StringError::Character { position: 5, found: ' ' }),
            (" lno1qq", StringError::Character { position: 0, found: ' ' }),
            ("lno1qQ", StringError::MixedCase { position: 5 }),
            ("Lno1qq", StringError::MixedCase { position: 1 }),
            ("+lno1qq", StringError::Join { position: 0 }),
            ("lno1qq+", StringError::Join { position: 6 }),
            ("lno1q+ \n", StringError::Join { position: 5 }),
            ("lno1q+ +q", StringError::Join { position: 5 }),
            ("lno1qp", StringError::Padding { position: 5 }),
            ("lno1q", StringError::Padding { position: 4 }),
            ("lno1qqq", StringError::Padding { position: 6 }),
        ];
        for (text, error) in cases {
            assert_eq!(decode(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn bytes_are_found_again_through_joins() {
        let text = encode(Kind::Offer, &[0xff; 10]);
        assert_eq!(characters(&text, &(0..1)), 4..6);
        assert_eq!(characters(&text, &(1..2)), 5..8);
        assert_eq!(characters(&text, &(5..10)), 12..20);
        assert_eq!(characters(&text, &(10..10)), 20..20);
        let parted = format!("{}+\n {}", &text[..6], &text[6..]);
        assert_eq!(decode(&parted), decode(&text));
        assert_eq!(characters(&parted, &(1..2)), 5..11);
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes: Vec<u8>) {
            let text = encode(Kind::Invoice, &bytes);
            prop_assert_eq!(decode(&text), Ok((Kind::Invoice, bytes.clone())));
            prop_assert_eq!(decode(&text.to_uppercase()), Ok((Kind::Invoice, bytes)));
        }

        #[test]
        fn any_text_is_a_string_or_not(text: String, bytes: Range<usize>) {
            if let Err(error) = decode(&text) {
                error.characters();
            }
            characters(&text, &bytes);
        }
    }
}
