//! The command line: flags and exit codes, one file a subcommand.

pub mod doctor;
pub mod vectors;

use std::process::ExitCode;

/// Parses the command line, runs the subcommand and returns its exit status.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
