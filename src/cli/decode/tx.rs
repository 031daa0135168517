//! `boltlab decode tx`: explains a transaction.

use std::io::{self, Read};
use std::process::ExitCode;

use bitcoin::Transaction;
use clap::Args;
use thiserror::Error;

use super::source::{self, SourceError};
use super::{below, write};
use crate::cli::complain;
use crate::decode::tx::{Explanation, RawError, explain, parse};

/// What stands below its help.
pub(super) const HELP: &str = "Examples:
  boltlab decode tx 0200000001…                    what a transaction is, by itself
  boltlab decode tx 0200000001… 0200000001…        with its parent: amounts and the fee
  bitcoin-cli getrawtransaction TXID | boltlab decode tx -
  boltlab decode tx @FILE                          hex in a file, one transaction a line";

/// Its arguments.
#[derive(Debug, Args)]
pub struct TxArgs {
    /// The transaction in hex, or `-` for standard input; further ones are parents or children
    #[arg(required = true)]
    hex: Vec<String>,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Why there is nothing to explain.
#[derive(Debug, Error)]
enum Failure {
    #[error("{source_name}: {error}{}", below(.snippet.as_deref()))]
    Raw { source_name: String, error: RawError, snippet: Option<String> },
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("give a transaction in hex, - to read it from standard input, or @FILE")]
    Nothing,
}

impl TxArgs {
    /// Explains the first transaction on standard output, in words or as JSON. The others are
    /// context: parents and children of it. Each is hex, `-` for standard input, or `@FILE`; those
    /// two can hold several, in a line each.
    pub(super) fn run(&self) -> ExitCode {
        let explanation = match read(&self.hex, &mut io::stdin()) {
            Ok(explanation) => explanation,
            Err(failure) => return complain(&failure.to_string()),
        };
        // Whoever closed the pipe has read enough.
        let _ = write(&explanation, self.json, &mut anstream::stdout().lock());
        ExitCode::SUCCESS
    }
}

fn read(arguments: &[String], stdin: &mut dyn Read) -> Result<Explanation, Failure> {
    let mut transactions = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        let source = source::read(argument, stdin)?;
        match (source.name, arguments.len()) {
            (Some(name), _) => read_lines(&name, &source.text, &mut transactions)?,
            (None, 1) => transactions.push(transaction("transaction", &source.text)?),
            (None, _) => {
                let name = format!("transaction {}", position + 1);
                transactions.push(transaction(&name, &source.text)?);
            }
        }
    }
    let (first, context) = transactions.split_first().ok_or(Failure::Nothing)?;
    Ok(explain(first, context))
}

fn read_lines(name: &str, text: &str, transactions: &mut Vec<Transaction>) -> Result<(), Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest transaction: one input that nobody has signed, one output of 1 sat.
    fn hex() -> String {
        let (zeros, locktime) = ("00".repeat(36), "00000000");
        format!("0200000001{zeros}00ffffffff01010000000000000000{locktime}")
    }

    fn explained(arguments: &[&str], stdin: &str) -> Result<Explanation, String> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        read(&arguments, &mut stdin.as_bytes()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn hex_standard_input_and_file_are_the_same_to_it() {
        let hex = hex();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("\n{hex}\r\n\n{hex}\n")).unwrap();
        let path = format!("@{}", file.path().display());
        let expected = explained(&[&hex], "").unwrap();
        assert_eq!(explained(&["-"], &format!("  {hex}\n")).unwrap(), expected);
        assert_eq!(explained(&[&path], "").unwrap(), expected);
        assert_eq!(explained(&[&hex, "-", &path], &hex).unwrap(), expected);
    }

    #[test]
    fn mistakes_name_their_place() {
        let hex = hex();
        let stdin = format!("{hex}\n{}\n", &hex[..20]);
        let all = [
            explained(&[], ""),
            explained(&["-"], " \n"),
            explained(&["-"], &stdin),
            explained(&[&hex, "02x"], ""),
            explained(&["@/nowhere/tx"], ""),
        ];
        let text: Vec<String> = all.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        give a transaction in hex, - to read it from standard input, or @FILE
        standard input: a transaction in hex is expected, and this is empty
        standard input, line 2: the transaction ends too early: the outpoint of input 0 takes 36 bytes from byte 5 on, and 5 are left
          02000000010000000000
                              ^
        transaction 2: character 2 is 'x': hex has only 0-9 and a-f
          02x
            ^
        /nowhere/tx: No such file or directory (os error 2)
        ");
    }

    #[test]
    fn endless_input_is_not_read_to_its_end() {
        let failure = read(&["-".to_owned()], &mut io::repeat(b'0')).unwrap_err();
        assert!(matches!(failure, Failure::Source(SourceError::TooMuch { .. })), "{failure}");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let failure = read(&["-".to_owned()], &mut [0xff, 0x00].as_slice()).unwrap_err();
        assert!(failure.to_string().contains("character 0"), "{failure}");
    }

    #[test]
    fn words_and_json_are_written() {
        let explanation = explained(&[&hex()], "").unwrap();
        let (mut words, mut json) = (Vec::new(), Vec::new());
        write(&explanation, false, &mut words).unwrap();
        write(&explanation, true, &mut json).unwrap();
        assert!(String::from_utf8(words).unwrap().starts_with("No sign of Lightning\n"));
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["kind"], "unrelated");
    }

    #[test]
    fn bad_input_has_its_own_exit_status() {
        let args = TxArgs { hex: vec!["zz".to_owned()], json: false };
        assert_eq!(args.run(), ExitCode::from(crate::cli::ENVIRONMENT_IS_WRONG));
    }
}
