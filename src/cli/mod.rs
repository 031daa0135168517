//! The command line: flags and exit codes, one file a subcommand.

pub mod decode;
pub mod doctor;

use std::process::ExitCode;

/// Parses the command line, runs the subcommand and returns its exit status.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
