//! Replays test vectors: each is built anew with our own code, and every value that the vector
//! expects is compared.
//!
//! A file has the envelope of `vectors/schema.json`; its `topic` says which of the modules below
//! reads its groups.

mod base;
mod check;
mod closing;
mod commitment;
mod diff;
mod error;
mod fees;
mod funding;
mod gossip;
mod handshake;
mod hex;
mod invoice;
mod key_derivation;
mod load;
mod offer;
mod offer_merkle;
mod onion;
mod penalty;
mod refusal;
mod secret_generation;
mod secret_storage;
#[cfg(test)]
mod tests;
mod transport;
mod weights;

use std::{fmt, path::PathBuf, sync::Arc};

use check::{Checks, Mismatch};
pub use error::VectorError;
use load::Outcome;
pub use load::{default_path, discover, parse};

/// One case of a BOLT's test vectors.
#[derive(Clone, Debug)]
pub struct Vector {
    /// The stable id (`bolt03/key_derivation/localpubkey`).
    pub id: String,
    /// The file that it stands in.
    pub file: PathBuf,
    /// What it is about, in a line.
    pub comment: String,
    result: Outcome,
    error: Option<String>,
    case: Arc<dyn Case>,
}

/// What a topic knows about one of its vectors.
trait Case: fmt::Debug + Send + Sync {
    /// Compares all that the vector expects with what our code makes of its inputs. Returns the
    /// error that our code refuses the inputs with, if it does.
    fn replay(&self, checks: &mut Checks) -> Option<&'static str>;
}

/// A vector that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many values were compared.
    pub checks: usize,
}

/// A vector that does not hold: every value that differs, with where it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// How many values were compared.
    pub checks: usize,
    mismatches: Vec<Mismatch>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} values differ", self.mismatches.len(), self.checks)?;
        self.mismatches.iter().try_for_each(|mismatch| write!(f, "\n{mismatch}"))
    }
}

/// Replays a vector.
///
/// # Errors
/// [`Failure`] if a value differs from the expected one.
pub fn replay(vector: &Vector) -> Result<Report, Failure> {
    let mut checks = Checks::default();
    let refused = vector.case.replay(&mut checks);
    let result = if refused.is_some() { Outcome::Invalid } else { Outcome::Valid };
    checks.equal("result", &vector.result, &result);
    let expected = vector.error.as_deref().unwrap_or("none");
    checks.equal("error", &expected, &refused.unwrap_or("none"));
    checks.finish()
}
