//! The comparisons of one replay: all of them are made, so that a failure shows everything that
//! differs at once.

use std::fmt;

use bitcoin::Transaction;

use super::{Failure, Report, diff, hex::Hex};

/// A value that is not what the vector expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// Where it stands in the vector (`expected.htlc_transactions[0].tx`).
    field: String,
    /// What was expected, what was there, and where they part.
    diff: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.field)?;
        self.diff.lines().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Counts comparisons and collects those that fail.
#[derive(Debug, Default)]
pub(super) struct Checks {
    count: usize,
    mismatches: Vec<Mismatch>,
}

impl Checks {
    fn check(&mut self, field: &str, holds: bool, diff: impl FnOnce() -> String) {
        self.count += 1;
        if !holds {
            self.mismatches.push(Mismatch { field: field.to_owned(), diff: diff() });
        }
    }

    /// Compares bytes.
    pub(super) fn bytes(&mut self, field: &str, expected: &Hex, actual: &[u8]) {
        self.check(field, expected.0 == actual, || diff::bytes(&expected.0, actual));
    }

    /// Compares transactions, with their witnesses, field by field.
    pub(super) fn transaction(&mut self, field: &str, expected: &Hex, actual: &Transaction) {
        let bytes = bitcoin::consensus::serialize(actual);
        let diff = || diff::transaction(&expected.0, actual);
        self.check(field, expected.0 == bytes, diff);
    }

    /// Compares what fits into a line.
    pub(super) fn equal<T: PartialEq + fmt::Display>(
        &mut self,
        field: &str,
        expected: &T,
        actual: &T,
    ) {
        self.check(field, expected == actual, || diff::values(expected, actual));
    }

    /// Checks what the vector does not spell out.
    pub(super) fn holds(&mut self, field: &str, claim: &str, holds: bool) {
        self.check(field, holds, || format!("does not hold: {claim}"));
    }

    /// Unwraps what must be possible to make or to decode.
    pub(super) fn made<T, E: fmt::Display>(
        &mut self,
        field: &str,
        result: Result<T, E>,
    ) -> Option<T> {
        let error = result.as_ref().err().map(ToString::to_string);
        self.check(field, error.is_none(), || error.unwrap_or_default());
        result.ok()
    }

    pub(super) fn finish(self) -> Result<Report, Failure> {
        let Self { count: checks, mismatches } = self;
        if mismatches.is_empty() {
            Ok(Report { checks })
        } else {
            Err(Failure { checks, mismatches })
        }
    }
}
