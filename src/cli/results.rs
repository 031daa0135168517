//! What the subcommands with results have in common: files for programs, and the exit status.

use std::fmt::Display;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{ENVIRONMENT_IS_WRONG, FAILED};
use crate::report::results::{ResultEntry, Summary, junit, write_json};

/// Where results are written for programs.
#[derive(Args, Debug)]
pub(super) struct ResultFiles {
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
}

impl ResultFiles {
    /// Writes the results.
    ///
    /// # Errors
    /// What a person needs to know about a file that cannot be written.
    pub(super) fn write(&self, results: &[ResultEntry]) -> Result<(), String> {
        if let Some(path) = &self.json {
            let file = File::create(path).map(BufWriter::new);
            let written = file.and_then(|out| write_json(results, out));
            written.map_err(|error| unwritable(path, &error))?;
        }
        if let Some(path) = &self.junit {
            let text = junit(results).to_string().map_err(|error| unwritable(path, &error))?;
            std::fs::write(path, text).map_err(|error| unwritable(path, &error))?;
        }
        Ok(())
    }
}

fn unwritable(path: &Path, error: &dyn Display) -> String {
    format!("cannot write {}: {error}", path.display())
}

/// The exit status that verdicts call for.
pub(super) fn exit_code(results: &[ResultEntry]) -> ExitCode {
    let summary = Summary::of(results);
    if summary.fail > 0 {
        ExitCode::from(FAILED)
    } else if summary.inconclusive > 0 {
        ExitCode::from(ENVIRONMENT_IS_WRONG)
    } else {
        ExitCode::SUCCESS
    }
}
