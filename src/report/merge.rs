//! Several result files made into one: the parts of a suite that was split.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::results::ResultEntry;

/// Results that cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file is no result file of ours.
    #[error("{file}: no results of boltlab: {source}")]
    NoResults {
        /// The file.
        file: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// A file is of a version that this boltlab does not know.
    #[error("{file}: results of version {version}; this boltlab reads version {known}")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u32,
        /// Ours.
        known: u32,
    },
    /// Two files have a result of one id, so they are no parts of one suite.
    #[error("{id} is in {first} and in {second}")]
    Twice {
        /// The id.
        id: String,
        /// A file.
        first: String,
        /// The other.
        second: String,
    },
}

/// The version of the format that is read here.
const VERSION: u32 = 1;

#[derive(Deserialize)]
struct Document {
    version: u32,
    results: Vec<ResultEntry>,
}

/// Merges the results of these files, each with its name, sorted by file and id.
///
/// # Errors
/// A text that holds no results, and results that overlap.
pub fn merge(files: &[(String, String)]) -> Result<Vec<ResultEntry>, MergeError> {
    let mut merged: BTreeMap<(String, String), (ResultEntry, &str)> = BTreeMap::new();
    for (file, text) in files {
        let document: Document = serde_json::from_str(text)
            .map_err(|source| MergeError::NoResults { file: file.clone(), source })?;
        if document.version != VERSION {
            let (file, version) = (file.clone(), document.version);
            return Err(MergeError::Version { file, version, known: VERSION });
        }
        for entry in document.results {
            let key = (entry.file.clone(), entry.id.clone());
            if let Some((entry, first)) = merged.insert(key, (entry, file)) {
                let (first, second) = (first.to_owned(), file.clone());
                return Err(MergeError::Twice { id: entry.id, first, second });
            }
        }
    }
    Ok(merged.into_values().map(|(entry, _)| entry).collect())
}
