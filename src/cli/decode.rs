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
    let _ = writeln!(anstream::stderr().lock(), "boltlab: {failure}");
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
        assert!(matches!(failure, Failure::TooMuch { .. }), "{failure}");
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
        assert_eq!(decode_tx(&["zz".to_owned()], false), ExitCode::from(BAD_INPUT));
    }
}
