//! Why a file is no graph.

use std::io;

use thiserror::Error;

/// Why a file is no graph.
#[derive(Debug, Error)]
pub enum GraphFileError {
    /// It cannot be read.
    #[error("{name}: {error}")]
    Io {
        /// The file.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// There is more of it than is read.
    #[error("{name}: more than {most} bytes")]
    TooLarge {
        /// The file.
        name: String,
        /// How much is read.
        most: u64,
    },
    /// It says something that does not fit.
    #[error("{name}:{line}:{column}: {says}")]
    Content {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
        /// The column, in bytes, where reading stopped.
        column: usize,
        /// What does not fit, and what was expected.
        says: String,
    },
}

impl GraphFileError {
    /// What the reader of JSON says, in our form.
    pub(super) fn new(name: &str, error: serde_json::Error) -> Self {
        let name = name.to_owned();
        if error.is_io() {
            return Self::Io { name, error: error.into() };
        }
        let (line, column) = (error.line(), error.column());
        let whole = error.to_string();
        let says = whole.strip_suffix(&format!(" at line {line} column {column}"));
        let says = says.unwrap_or(&whole).to_owned();
        Self::Content { name, line, column, says }
    }
}
