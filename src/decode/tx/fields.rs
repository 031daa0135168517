//! Walks through a serialised transaction field by field, to say where it goes wrong.

use super::error::{Field, RawError};

/// Where a walk stands.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Checks that the bytes are one transaction and nothing more.
///
/// # Errors
/// The field and the byte at which they are not.
pub(super) fn check(bytes: &[u8]) -> Result<(), RawError> {
    let mut walk = Walk { bytes, at: 0 };
    walk.take(Field::Version, 4)?;
    let mut inputs = walk.count(Field::InputCount)?;
    let has_witness = inputs == 0;
    if has_witness {
        let at = walk.at;
        match walk.take(Field::SegwitFlag, 1)? {
            [1] => inputs = walk.count(Field::InputCount)?,
            _ => return Err(RawError::SegwitFlag { byte: at }),
        }
    }
    for input in 0..inputs {
        walk.take(Field::Outpoint { input }, 36)?;
        let length = walk.count(Field::ScriptSigLength { input })?;
        walk.take(Field::ScriptSig { input }, length)?;
        walk.take(Field::Sequence { input }, 4)?;
    }
    for output in 0..walk.count(Field::OutputCount)? {
        walk.take(Field::Amount { output }, 8)?;
        let length = walk.count(Field::ScriptLength { output })?;
        walk.take(Field::Script { output }, length)?;
    }
    if has_witness {
        let at = walk.at;
        let mut items = 0_u64;
        for input in 0..inputs {
            items = items.saturating_add(walk.witness(input)?);
        }
        if inputs > 0 && items == 0 {
            return Err(RawError::NoWitness { byte: at });
        }
    }
    walk.take(Field::Locktime, 4)?;
    match bytes.len() - walk.at {
        0 => Ok(()),
        extra => Err(RawError::Trailing { byte: walk.at, extra }),
    }
}

impl<'a> Walk<'a> {
    fn take(&mut self, field: Field, length: u64) -> Result<&'a [u8], RawError> {
        let left = self.bytes.len() - self.at;
        let wanted = usize::try_from(length).ok().filter(|wanted| *wanted <= left);
        let Some(wanted) = wanted else {
            return Err(RawError::Truncated { field, byte: self.at, needed: length, left });
        };
        let taken = &self.bytes[self.at..self.at + wanted];
        self.at += wanted;
        Ok(taken)
    }

    /// A number in Bitcoin's variable length.
    fn count(&mut self, field: Field) -> Result<u64, RawError> {
        let at = self.at;
        let first = self.take(field, 1)?[0];
        let (length, least) = match first {
            0xfd => (2, 0xfd),
            0xfe => (4, 0x1_0000),
            0xff => (8, 0x1_0000_0000),
            small => return Ok(u64::from(small)),
        };
        let bytes = self.take(field, length)?;
        let number = bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte));
        if number < least {
            return Err(RawError::NotMinimal { field, byte: at, number });
        }
        Ok(number)
    }

    /// The witness of one input; returns how many items it has.
    fn witness(&mut self, input: u64) -> Result<u64, RawError> {
        let items = self.count(Field::WitnessCount { input })?;
        for item in 0..items {
            let length = self.count(Field::WitnessItemLength { input, item })?;
            self.take(Field::WitnessItem { input, item }, length)?;
        }
        Ok(items)
    }
}
