//! `boltlab decode tx`: explains a transaction.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use bitcoin::Transaction;
use thiserror::Error;

use crate::decode::{Explanation, RawError, explain, parse};

/// The input is no transaction.
const BAD_INPUT: u8 = 2;

/// More than this is not read: a few of the largest transactions there can be.
const MOST_BYTES: u64 = 64 << 20;

/// Why there is nothing to explain.
#[derive(Debug, Error)]
enum Failure {
    #[error("{source_name}: {error}{}", below(.snippet.as_deref()))]
    Raw { source_name: String, error: RawError, snippet: Option<String> },
    #[error("{name}: {error}")]
    Io { name: String, error: io::Error },
    #[error("{name}: more than {MOST_BYTES} bytes")]
    TooMuch { name: String },
    #[error("give a transaction in hex, - to read it from standard input, or @FILE")]
    Nothing,
}

fn below(snippet: Option<&str>) -> String {
    snippet.map_or_else(String::new, |snippet| format!("\n  {}", snippet.replace('\n', "\n  ")))
}

/// Explains the first transaction on standard output, in words or as JSON. The others are context:
/// parents and children of it. Each is hex, `-` for standard input, or `@FILE`; those two can hold
/// several, in a line each.
pub fn decode_tx(hex: &[String], json: bool) -> ExitCode {
    let explanation = match read(hex, &mut io::stdin()) {
        Ok(explanation) => explanation,
        Err(failure) => return complain(&failure),
    };
    // Whoever closed the pipe has read enough.
    let _ = write(&explanation, json, &mut anstream::stdout().lock());
    ExitCode::SUCCESS
}

fn complain(failure: &dyn Display) -> ExitCode {
    let _ = writeln!(anstream::stderr().lock(), "error: {failure}");
    ExitCode::from(BAD_INPUT)
}

fn write(explanation: &Explanation, json: bool, out: &mut impl Write) -> io::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, explanation)?;
        writeln!(out)
    } else {
        write!(out, "{explanation}")
    }
}

fn read(arguments: &[String], stdin: &mut dyn Read) -> Result<Explanation, Failure> {
    let mut transactions = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        let name = |name: &str| match arguments.len() {
            1 => name.to_owned(),
            _ => format!("{name} {}", position + 1),
        };
        match (argument.as_str(), argument.strip_prefix('@')) {
            ("-", _) => read_lines("standard input", stdin, &mut transactions)?,
            (_, Some(path)) => {
                let failed = |error| Failure::Io { name: path.to_owned(), error };
                let mut file = File::open(path).map_err(failed)?;
                read_lines(path, &mut file, &mut transactions)?;
            }
            (hex, None) => transactions.push(transaction(&name("transaction"), hex)?),
        }
    }
    let (first, context) = transactions.split_first().ok_or(Failure::Nothing)?;
    Ok(explain(first, context))
}

fn read_lines(
    name: &str,
    source: &mut dyn Read,
    transactions: &mut Vec<Transaction>,
) -> Result<(), Failure> {
    let mut text = Vec::new();
    let failed = |error| Failure::Io { name: name.to_owned(), error };
    let read = source.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if u64::try_from(read).is_ok_and(|read| read > MOST_BYTES) {
        return Err(Failure::TooMuch { name: name.to_owned() });
    }
    // What is not UTF-8 is not hex either, and is shown as such.
    let text = String::from_utf8_lossy(&text);
    let before = transactions.len();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        transactions.push(transaction(&format!("{name}, line {number}"), line)?);
    }
    if transactions.len() == before {
        transaction(name, "")?;
    }
    Ok(())
}

fn transaction(name: &str, hex: &str) -> Result<Transaction, Failure> {
    parse(hex).map_err(|error| {
        let snippet = error.snippet(hex.trim());
        Failure::Raw { source_name: name.to_owned(), error, snippet }
    })
}
