//! Where text comes from that is given as an argument, `-` or `@FILE`.

use std::fs::File;
use std::io::{self, Read};

use thiserror::Error;

/// More than this is not read: a few of the largest transactions there can be.
const MOST_BYTES: u64 = 64 << 20;

/// Why there is no text.
#[derive(Debug, Error)]
pub(super) enum SourceError {
    /// It cannot be read.
    #[error("{name}: {error}")]
    Io {
        /// Its name.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// There is no end to it.
    #[error("{name}: more than {MOST_BYTES} bytes")]
    TooMuch {
        /// Its name.
        name: String,
    },
}

/// A text, and what it is called in messages.
#[derive(Debug)]
pub(super) struct Source {
    /// `standard input`, the file's path, or nothing if it is the argument itself.
    pub(super) name: Option<String>,
    pub(super) text: String,
}

/// The text that an argument stands for: standard input's for `-`, the file's for `@FILE`, else
/// itself. What is not UTF-8 has replacement characters in its place.
///
/// # Errors
/// [`SourceError`].
pub(super) fn read(argument: &str, stdin: &mut dyn Read) -> Result<Source, SourceError> {
    match (argument, argument.strip_prefix('@')) {
        ("-", _) => from("standard input", stdin),
        (_, Some(path)) => {
            let failed = |error| SourceError::Io { name: path.to_owned(), error };
            from(path, &mut File::open(path).map_err(failed)?)
        }
        (text, None) => Ok(Source { name: None, text: text.to_owned() }),
    }
}

fn from(name: &str, source: &mut dyn Read) -> Result<Source, SourceError> {
    let mut bytes = Vec::new();
    let failed = |error| SourceError::Io { name: name.to_owned(), error };
    let read = source.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(read).is_ok_and(|read| read > MOST_BYTES) {
        return Err(SourceError::TooMuch { name: name.to_owned() });
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Source { name: Some(name.to_owned()), text })
}
