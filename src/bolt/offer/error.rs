//! Where a mistake is: in which record, and so at which characters of the text.

use std::ops::Range;

use thiserror::Error;

use super::string::{self, Kind, StringError};
use crate::bolt::wire::tlv::{TlvError, records};

/// The part of a stream that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The record of this type.
    Record(u64),
    /// What begins at this byte and breaks the stream.
    From(usize),
    /// Something that is not there.
    Missing,
}

/// An error that knows which part of the stream it is about.
pub trait Blamed {
    /// That part.
    fn blame(&self) -> Blame;

    /// The part as a range of the stream's bytes; empty for what ought to follow.
    fn bytes(&self, stream: &[u8]) -> Option<Range<usize>> {
        let whole = |offset: usize, length: usize| offset..offset.saturating_add(length);
        let mut found = records(stream).filter_map(Result::ok);
        match self.blame() {
            Blame::Missing => None,
            Blame::Record(number) => found
                .find(|record| record.number == number)
                .map(|record| whole(record.offset, record.whole.len())),
            Blame::From(from) => {
                let record = found.find(|record| record.offset == from);
                Some(record.map_or(from..stream.len(), |r| whole(from, r.whole.len())))
            }
        }
    }
}

impl Blamed for TlvError {
    fn blame(&self) -> Blame {
        Blame::From(self.offset)
    }
}

/// Why a text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError<E> {
    /// It is no string of BOLT 12.
    #[error(transparent)]
    String(#[from] StringError),
    /// It is one of another kind.
    #[error("this is {actual}, not {expected}")]
    Kind {
        /// What was to be read.
        expected: Kind,
        /// What it is.
        actual: Kind,
    },
    /// What it holds breaks a requirement.
    #[error(transparent)]
    Content(E),
}

impl<E: Blamed> ParseError<E> {
    /// The characters of the text to blame, if there are any.
    pub fn position(&self, text: &str) -> Option<Range<usize>> {
        match self {
            Self::String(error) => error.characters(),
            Self::Kind { .. } => Some(0..3),
            Self::Content(error) => {
                let (_, stream) = string::decode(text).ok()?;
                error.bytes(&stream).map(|bytes| string::characters(text, &bytes))
            }
        }
    }
}

/// Reads a text of one kind.
pub(super) fn parse<T, E>(
    text: &str,
    expected: Kind,
    read: impl FnOnce(Vec<u8>) -> Result<T, E>,
) -> Result<T, ParseError<E>> {
    let (actual, bytes) = string::decode(text)?;
    if actual != expected {
        return Err(ParseError::Kind { expected, actual });
    }
    read(bytes).map_err(ParseError::Content)
}
