//! The command line: flags and exit codes, one file a subcommand.

pub mod doctor;
pub mod report;
mod results;
pub mod run;
pub mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The exit status when something failed.
const FAILED: u8 = 1;
/// The exit status when the input or the environment is wrong.
const ENVIRONMENT_IS_WRONG: u8 = 2;
/// The exit status after Ctrl-C: that of a shell.
const INTERRUPTED: u8 = 130;

/// A conformance test harness and regtest lab for the Lightning Network.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios against a real regtest bitcoind
    Run(run::RunArgs),
    /// Tell saved traces step by step; merge the results of shards
    Report(report::ReportArgs),
    /// Print the JSON Schema of the scenario language, for editors
    Schema,
    /// Show what is installed, what is missing, and what to do about it
    Doctor,
}

/// Parses the command line, runs the subcommand and returns its exit status.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Report(args) => report::report(&args),
        Command::Schema => schema::schema(),
        Command::Doctor => doctor::doctor(),
    }
}

/// Says what is wrong with the input or the environment.
fn complain(error: &str) -> ExitCode {
    anstream::eprintln!("boltlab: {error}");
    ExitCode::from(ENVIRONMENT_IS_WRONG)
}
