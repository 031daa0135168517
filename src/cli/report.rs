//! `boltlab report`: saved traces as stories, and the results of shards as one.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::complain;
use super::results::{ResultFiles, exit_code};
use crate::report::results::{ResultEntry, Summary};
use crate::report::terminal::{Terminal, Totals};
use crate::report::{Case, merge, story};
use crate::trace::Trace;

/// Tells saved traces and merges saved results.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  boltlab report traces/penalty/revoked_by_funder.jsonl
  boltlab report shard-*.json --junit all.xml")]
pub struct ReportArgs {
    /// Traces (`run --trace`), told step by step; or results (`run --json`), merged
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    results: ResultFiles,
}

/// Reports what the files hold.
pub fn report(args: &ReportArgs) -> ExitCode {
    match sort_out(&args.files).and_then(|saved| tell(&saved, &args.results)) {
        Ok(code) => code,
        Err(error) => complain(&error),
    }
}

/// What saved files hold.
struct Saved {
    traces: Vec<Trace>,
    results: Option<Vec<ResultEntry>>,
}

fn sort_out(files: &[PathBuf]) -> Result<Saved, String> {
    let (mut traces, mut results) = (Vec::new(), Vec::new());
    for path in files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        // A trace has its first entry on its first line; a result file has no more than a brace.
        if text.lines().next().is_some_and(|line| line.contains("\"event\"")) {
            traces.push(read_trace(&name, &text)?);
        } else {
            results.push((name, text));
        }
    }
    let merged = (!results.is_empty()).then(|| merge::merge(&results)).transpose();
    Ok(Saved { traces, results: merged.map_err(|error| error.to_string())? })
}

fn read_trace(name: &str, text: &str) -> Result<Trace, String> {
    let mut trace = Trace::default();
    for (number, line) in (1..).zip(text.lines()) {
        let read = Trace::read(line.as_bytes());
        let entry =
            read.map_err(|error| format!("{name}:{number}: no entry of a trace: {error}"))?;
        trace.entries.extend(entry.entries);
    }
    Ok(trace)
}

fn tell(saved: &Saved, files: &ResultFiles) -> Result<ExitCode, String> {
    let written = write(saved, &mut anstream::stdout().lock());
    match written {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(format!("cannot print the report: {error}"));
        }
        _ => {}
    }
    let Some(results) = &saved.results else { return Ok(ExitCode::SUCCESS) };
    files.write(results)?;
    Ok(exit_code(results))
}

fn write(saved: &Saved, out: &mut dyn Write) -> io::Result<()> {
    for trace in &saved.traces {
        story::write_title(out, trace)?;
        story::write(out, trace, story::Problems::Here)?;
        writeln!(out)?;
    }
    let Some(results) = &saved.results else { return Ok(()) };
    let mut terminal = Terminal::new(false);
    for entry in results {
        terminal.case(out, &saved_case(entry))?;
    }
    let totals = Totals {
        summary: Summary::of(results),
        wall: results.iter().map(|entry| Duration::from_millis(entry.duration_ms)).sum(),
        labs: Duration::ZERO,
        waited: Duration::ZERO,
        bitcoind: None,
        not_run: 0,
    };
    terminal.totals(out, &totals)
}

/// A scenario of which only the result is left.
fn saved_case(entry: &ResultEntry) -> Case {
    Case {
        entry: entry.clone(),
        trace: Trace::default(),
        source: Arc::from(""),
        problems: Vec::new(),
        takings: Vec::new(),
        notes: Vec::new(),
        duration: Duration::from_millis(entry.duration_ms),
        waited: Duration::ZERO,
    }
}
