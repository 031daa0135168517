//! `boltlab decode offer`: explains an offer, an invoice request or an invoice of BOLT 12.

use std::io::{self, Read};
use std::process::ExitCode;

use clap::Args;
use thiserror::Error;

use super::source::{self, SourceError};
use super::{below, write};
use crate::cli::complain;
use crate::decode::offer::{Explanation, Refused, explain};

/// What stands below its help.
pub(super) const HELP: &str = "Examples:
  boltlab decode offer lno1…          what an offer is for, what it costs, who is asked
  boltlab decode offer lnr1…          an invoice request; lni1… an invoice
  boltlab decode offer @FILE          from a file, also over several lines joined by +
  boltlab decode offer - --json       from standard input, for a program";

/// Its arguments.
#[derive(Debug, Args)]
pub struct OfferArgs {
    /// The string (lno1…, lnr1… or lni1…), `-` for standard input, or `@FILE`
    string: String,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Why there is nothing to explain.
#[derive(Debug, Error)]
enum Failure {
    #[error("{source_name}: {error}{}", below(.snippet.as_deref()))]
    Refused { source_name: String, error: Refused, snippet: Option<String> },
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl OfferArgs {
    /// Explains the string on standard output, in words or as JSON. Blanks around it are passed
    /// over.
    pub(super) fn run(&self) -> ExitCode {
        let explanation = match read(&self.string, &mut io::stdin()) {
            Ok(explanation) => explanation,
            Err(failure) => return complain(&failure.to_string()),
        };
        // Whoever closed the pipe has read enough.
        let _ = write(&explanation, self.json, &mut anstream::stdout().lock());
        ExitCode::SUCCESS
    }
}

fn read(argument: &str, stdin: &mut dyn Read) -> Result<Explanation, Failure> {
    let source = source::read(argument, stdin)?;
    let text = source.text.trim();
    explain(text).map_err(|error| {
        let source_name = source.name.clone().unwrap_or_else(|| "string".to_owned());
        Failure::Refused { source_name, error, snippet: error.snippet(text) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";

    fn explained(argument: &str, stdin: &str) -> Result<Explanation, String> {
        read(argument, &mut stdin.as_bytes()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn string_standard_input_and_file_are_the_same_to_it() {
        let expected = explained(MINIMAL, "").unwrap();
        let joined = format!("\n {}+\r\n  {}\n\n", &MINIMAL[..20], &MINIMAL[20..]);
        assert_eq!(explained("-", &joined).unwrap(), expected);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &joined).unwrap();
        let path = format!("@{}", file.path().display());
        assert_eq!(explained(&path, "").unwrap(), expected);
        assert_eq!(explained(&MINIMAL.to_uppercase(), "").unwrap(), expected);
    }

    #[test]
    fn mistakes_name_their_place() {
        let all = [
            explained("", ""),
            explained("-", " \n"),
            explained("-", &format!("{}+\n{}b\n", &MINIMAL[..20], &MINIMAL[20..])),
            explained("lnbc1abc", ""),
            explained("@/nowhere/offer", ""),
        ];
        let text: Vec<String> = all.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn words_and_json_are_written() {
        let explanation = explained(MINIMAL, "").unwrap();
        let (mut words, mut json) = (Vec::new(), Vec::new());
        write(&explanation, false, &mut words).unwrap();
        write(&explanation, true, &mut json).unwrap();
        assert!(String::from_utf8(words).unwrap().starts_with("Offer: "));
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["kind"], "offer");
    }

    #[test]
    fn bad_input_has_its_own_exit_status() {
        let args = OfferArgs { string: "zz".to_owned(), json: false };
        assert_eq!(args.run(), ExitCode::from(crate::cli::ENVIRONMENT_IS_WRONG));
    }
}
