//! The command line: flags and exit codes, one file a subcommand.

pub mod decode;
pub mod doctor;
pub mod report;
mod results;
pub mod route;
pub mod run;
pub mod schema;
pub mod simulate;
pub mod vectors;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use results::ResultFiles;

/// The exit status when something failed.
const FAILED: u8 = 1;
/// The exit status when the input or the environment is wrong.
const ENVIRONMENT_IS_WRONG: u8 = 2;
/// The exit status after Ctrl-C: that of a shell.
const INTERRUPTED: u8 = 130;

/// What stands below the help of `boltlab vectors`.
const VECTORS_HELP: &str = "Examples:
  boltlab vectors                                  every vector that ships
  boltlab vectors vectors/bolt03/keys.json         one file
  boltlab vectors --json vectors-results.json      for a program

Exit status: 0 all held, 1 one did not, 2 the input is wrong.";

/// What stands below the help of `boltlab`.
const HELP: &str = "Start here:
  boltlab run                     plays every scenario; finds or fetches a bitcoind by itself
  boltlab run specs/penalty -v    tells one subject step by step
  boltlab doctor                  says what is missing, if that fails";

/// A conformance test harness and regtest lab for the Lightning Network.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios against a real regtest bitcoind
    Run(run::RunArgs),
    /// Replay the BOLTs' test vectors
    #[command(after_help = VECTORS_HELP)]
    Vectors {
        /// Files or folders with vectors [default: vectors/]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        results: ResultFiles,
    },
    /// Take a transaction, a message, an onion, an invoice or an offer apart, field by field
    #[command(subcommand)]
    Decode(decode::Decode),
    /// Seek a route in a graph file, and say what each hop asks
    #[command(after_help = route::HELP)]
    Route(route::RouteArgs),
    /// Tell saved traces step by step; merge the results of shards
    Report(report::ReportArgs),
    /// Try routing in networks too large to run, up to a million nodes
    #[command(subcommand)]
    Simulate(simulate::Simulate),
    /// Print the JSON Schema of the scenario language, for editors
    Schema,
    /// Show what is installed, what is missing, and what to do about it
    Doctor,
}

/// Parses the command line, runs the subcommand and returns its exit status.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Vectors { paths, results: ResultFiles { json, junit } } => {
            vectors::vectors(&paths, json.as_deref(), junit.as_deref())
        }
        Command::Decode(what) => decode::decode(&what),
        Command::Route(args) => route::route(&args),
        Command::Report(args) => report::report(&args),
        Command::Simulate(what) => simulate::simulate(&what),
        Command::Schema => schema::schema(),
        Command::Doctor => doctor::doctor(),
    }
}

/// Says what is wrong with the input or the environment.
fn complain(error: &str) -> ExitCode {
    anstream::eprintln!("boltlab: {error}");
    ExitCode::from(ENVIRONMENT_IS_WRONG)
}
