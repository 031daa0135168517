//! One scenario that has ended, with all that a report needs.

use std::sync::Arc;
use std::time::Duration;

use super::results::ResultEntry;
use crate::trace::{Problem, Trace};

/// A scenario that has ended.
#[derive(Clone, Debug)]
pub struct Case {
    /// How it came out.
    pub entry: ResultEntry,
    /// All that happened; empty if it never began.
    pub trace: Trace,
    /// The text of its file, to show the line that failed; empty if it could not be read.
    pub source: Arc<str>,
    /// What did not hold, with positions.
    pub problems: Vec<Problem>,
    /// What each role took out of the channels, in a line each.
    pub takings: Vec<String>,
    /// What else a person must know: files that were written or kept.
    pub notes: Vec<String>,
    /// How long the run took.
    pub duration: Duration,
    /// How much of that was spent waiting for bitcoind.
    pub waited: Duration,
}
