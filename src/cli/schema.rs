//! `boltlab schema`: the JSON Schema of the scenario language, for editors.

use std::io::Write;
use std::process::ExitCode;

/// Prints the schema.
pub fn schema() -> ExitCode {
    let schema = crate::scenario::schema();
    // Whoever closed the pipe has read enough.
    let _ = writeln!(anstream::stdout().lock(), "{schema:#}");
    ExitCode::SUCCESS
}
