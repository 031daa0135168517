//! The command line: flags and exit codes, one file a subcommand.

pub mod decode;
pub mod doctor;
pub mod report;
mod results;
pub mod run;
pub mod schema;
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

/// What stands below the help of `boltlab decode tx`.
const DECODE_HELP: &str = "Examples:
  boltlab decode tx 0200000001…                    what a transaction is, by itself
  boltlab decode tx 0200000001… 0200000001…        with its parent: amounts and the fee
  bitcoin-cli getrawtransaction TXID | boltlab decode tx -
  boltlab decode tx @FILE                          hex in a file, one transaction a line";

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
    /// Name Lightning's outputs and witnesses in a transaction
    #[command(subcommand)]
    Decode(Decode),
    /// Tell saved traces step by step; merge the results of shards
    Report(report::ReportArgs),
    /// Print the JSON Schema of the scenario language, for editors
    Schema,
    /// Show what is installed, what is missing, and what to do about it
    Doctor,
}

/// What can be taken apart.
#[derive(Debug, Subcommand)]
enum Decode {
    /// A transaction, from itself and from those that are given beside it
    #[command(after_help = DECODE_HELP)]
    Tx {
        /// The transaction in hex, or `-` for standard input; further ones are parents or children
        #[arg(required = true)]
        hex: Vec<String>,
        /// Write JSON instead of text
        #[arg(long)]
        json: bool,
    },
}

/// Parses the command line, runs the subcommand and returns its exit status.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Vectors { paths, results: ResultFiles { json, junit } } => {
            vectors::vectors(&paths, json.as_deref(), junit.as_deref())
        }
        Command::Decode(Decode::Tx { hex, json }) => decode::decode_tx(&hex, json),
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
