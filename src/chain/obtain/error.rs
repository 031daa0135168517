//! What can go wrong between a machine without bitcoind and one with it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::bitcoind::{MINIMUM_MAJOR, Origin, Way};
use super::search::Finding;
use super::tool::{Need, ToolFailure, remedy};

/// No bitcoind could be had.
#[derive(Debug, Error)]
pub enum ObtainError {
    /// The one that the user named is no good. Another one must not take its place unasked.
    #[error("{origin} names {}, which cannot be used: {fault}", path.display())]
    Unusable {
        /// Who named it.
        origin: Origin,
        /// What was named.
        path: PathBuf,
        /// Why it is no good.
        fault: Fault,
    },

    /// There is no place to put one.
    #[error(
        "no bitcoind was found, and there is no folder to obtain one into: set XDG_CACHE_HOME or \
         HOME, or set BITCOIND_EXE to a bitcoind of version {MINIMUM_MAJOR} or later"
    )]
    NoCacheFolder,

    /// None was found, and no way to obtain one worked.
    #[error("{}", not_obtained(looked, failures))]
    NotObtained {
        /// The places that were searched.
        looked: Vec<Finding>,
        /// The ways that were tried, and why each failed.
        failures: Vec<(Way, WayError)>,
    },
}

/// Why a file is not a bitcoind that boltlab can use.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is there.
    #[error("there is no such file")]
    Absent,
    /// Something is there that cannot be run.
    #[error("it is not an executable file")]
    NotExecutable,
    /// The operating system refuses to start it.
    #[error("it does not start: {reason}")]
    DoesNotStart {
        /// The operating system's words.
        reason: String,
    },
    /// It starts, and fails.
    #[error("`-version` failed ({status}): {line}")]
    Fails {
        /// Its exit status or the signal that ended it.
        status: String,
        /// The last line that it printed.
        line: String,
    },
    /// It starts, and says nothing.
    #[error("`-version` gave no answer within {seconds} s")]
    Hangs {
        /// How long it was given.
        seconds: u64,
    },
    /// It is some other program.
    #[error("`-version` says \"{line}\", which is neither Bitcoin Core nor Bitcoin Knots")]
    Stranger {
        /// Its first line.
        line: String,
    },
    /// Its mempool lacks what the scenarios need.
    #[error("it is version {major}, and {MINIMUM_MAJOR} or later is needed")]
    TooOld {
        /// Its major version.
        major: u32,
    },
}

/// Why a way to obtain a bitcoind did not lead there.
#[derive(Debug, Error)]
pub enum WayError {
    /// This machine is not one for which the way was made.
    #[error("not for this machine: {reason}")]
    NotForThisMachine {
        /// What is different here.
        reason: &'static str,
    },
    /// Programs or files are missing that it needs.
    #[error("{}", missing(.0))]
    Missing(Vec<Need>),
    /// A program that it calls failed.
    #[error(transparent)]
    Tool(#[from] ToolFailure),
    /// The sources that arrived are not the ones that boltlab knows.
    #[error("{package} arrived with the checksum {actual}, and {expected} was expected")]
    Checksum {
        /// The package.
        package: &'static str,
        /// What boltlab knows.
        expected: &'static str,
        /// What came.
        actual: String,
    },
    /// What arrived does not hold a file that it must hold.
    #[error("{file} is not in what was obtained (log: {})", log.display())]
    Incomplete {
        /// The file, or the shared library.
        file: String,
        /// What the tools printed.
        log: PathBuf,
    },
    /// It was obtained, and does not run.
    #[error("the bitcoind that was obtained cannot be used: {fault} (log: {})", log.display())]
    Unusable {
        /// Why.
        fault: Fault,
        /// What the tools printed.
        log: PathBuf,
    },
    /// The cache cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
}

impl WayError {
    /// For `map_err`: an error of the operating system at this path.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

fn missing(needs: &[Need]) -> String {
    format!("{}; {}", complaints(needs), remedy(needs))
}

fn complaints(needs: &[Need]) -> String {
    needs.iter().map(Need::complaint).collect::<Vec<_>>().join(", ")
}

fn not_obtained(looked: &[Finding], failures: &[(Way, WayError)]) -> String {
    use fmt::Write;

    let mut text = String::from("no bitcoind was found, and none could be obtained\n");
    for finding in looked {
        let _ = writeln!(text, "  {}: {}", finding.origin, finding.summary());
    }
    for (way, error) in failures {
        // What to install stands once, at the end.
        let reason = match error {
            WayError::Missing(needs) => complaints(needs),
            error => error.to_string().replace('\n', "\n    "),
        };
        let _ = writeln!(text, "  {way}: {reason}");
    }
    let needs: Vec<&Need> = failures
        .iter()
        .filter_map(|(_, error)| match error {
            WayError::Missing(needs) => Some(needs),
            _ => None,
        })
        .flatten()
        .collect();
    text.push_str("to go on: ");
    if !needs.is_empty() {
        let needs: Vec<Need> = needs.into_iter().cloned().collect();
        let _ = write!(text, "{}, or ", remedy(&needs));
    }
    let _ = write!(text, "set BITCOIND_EXE to a bitcoind of version {MINIMUM_MAJOR} or later");
    text
}
