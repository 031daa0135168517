//! What can be wrong with a file of vectors.

use std::{io, path::PathBuf};

/// Why a file of vectors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// The file or folder is not there, or cannot be read.
    #[error("read {}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// A folder without a single file of vectors.
    #[error("find vectors in {}: no .json file there", .path.display())]
    NoVectors {
        /// The folder.
        path: PathBuf,
    },
    /// The file is larger than any file of vectors.
    #[error("read {}: larger than {} MB", .path.display(), .limit >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The greatest size, in bytes.
        limit: u64,
    },
    /// Not JSON, or not what `vectors/schema.json` describes.
    #[error("read {}:{}:{}: {}", .path.display(), .source.line(), .source.column(), message(.source))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A flag that the file's `notes` do not explain.
    #[error("read {}: {id} has the flag {flag}, which the notes do not explain", .path.display())]
    UnknownFlag {
        /// The file.
        path: PathBuf,
        /// The vector.
        id: String,
        /// The flag.
        flag: String,
    },
    /// An id that another vector has.
    #[error("read {}: the id {id} is taken, by a vector of {}", .path.display(), .first.display())]
    DuplicateId {
        /// The file.
        path: PathBuf,
        /// The id.
        id: String,
        /// The file that had it first.
        first: PathBuf,
    },
}

/// The parser's message without the position, which stands before it.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}
