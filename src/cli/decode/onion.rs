//! `boltlab decode onion`: peels an onion.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use thiserror::Error;

use super::source::{self, SourceError};
use super::{below, write};
use crate::cli::complain;
use crate::decode::onion::{
    Explanation, Given, InputError, explain, parse, parse_hash, parse_path_key, parse_secret,
};
use crate::node::Seed;
use crate::scenario::{self, ScenarioError};

/// What stands below its help.
pub(super) const HELP: &str = "Examples:
  boltlab decode onion 0002eec7…                                what anybody sees of it
  boltlab decode onion 0002eec7… --key 41… --payment-hash 42…   what one hop sees
  boltlab decode onion @FILE --key 41… 42… 43…                  several, in any order
  boltlab decode onion 0201031b84… --key 42…                    an onion_message as it is sent
  boltlab decode onion 0002… --scenario specs/onion/textbook.yaml --payment-hash 77…
                                       one from the trace of a scenario, with its roles' keys";

/// Its arguments.
#[derive(Debug, Args)]
pub struct OnionArgs {
    /// The onion in hex, or an `onion_message`; `-` for standard input, or `@FILE`
    hex: String,
    /// Secret keys of nodes on the route, in any order
    #[arg(long = "key", value_name = "SECRET", num_args = 1..)]
    keys: Vec<String>,
    /// Use the keys of all roles of this scenario: its onions are in the trace of a run
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// The hash of the payment, which its onion's HMACs cover
    #[arg(long, value_name = "HEX")]
    payment_hash: Option<String>,
    /// The path key that came beside the onion, on a blinded path
    #[arg(long, value_name = "POINT")]
    path_key: Option<String>,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Why there is nothing to explain.
#[derive(Debug, Error)]
enum Failure {
    #[error("{source_name}: {error}{}", below(.snippet.as_deref()))]
    Input { source_name: String, error: InputError, snippet: Option<String> },
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Scenario(#[from] Box<ScenarioError>),
}

impl OnionArgs {
    /// Peels the onion as far as the keys reach.
    pub(super) fn run(&self) -> ExitCode {
        let explanation = match self.explain(&mut io::stdin()) {
            Ok(explanation) => explanation,
            Err(failure) => return complain(&failure.to_string()),
        };
        // Whoever closed the pipe has read enough.
        let _ = write(&explanation, self.json, &mut anstream::stdout().lock());
        ExitCode::SUCCESS
    }

    fn explain(&self, stdin: &mut dyn Read) -> Result<Explanation, Failure> {
        let source = source::read(&self.hex, stdin)?;
        let name = source.name.unwrap_or_else(|| "onion".to_owned());
        let (packet, beside) = named(&name, &source.text, parse)?;
        let keys = self.keys.iter().enumerate().map(|(position, key)| {
            let name = match self.keys.len() {
                1 => "--key".to_owned(),
                _ => format!("--key, number {}", position + 1),
            };
            named(&name, key, parse_secret)
        });
        let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
        if let Some(file) = &self.scenario {
            let scenario = scenario::load(file).map_err(Box::new)?;
            // Each instance has a title of its own, and with it keys of its own.
            let runs = scenario.runs();
            let roles = runs.iter().flat_map(|run| {
                run.cast.iter().map(|role| (run.title.as_str(), role.name.value.as_str()))
            });
            let roles: BTreeSet<_> = roles.collect();
            keys.extend(
                roles.into_iter().map(|(title, role)| Seed::derive(title, role).node_secret()),
            );
        }
        let hash = self.payment_hash.as_ref();
        let payment_hash =
            hash.map(|hash| named("--payment-hash", hash, parse_hash)).transpose()?;
        let given = self.path_key.as_ref();
        let path_key = given.map(|key| named("--path-key", key, parse_path_key)).transpose()?;
        let (is_message, path_key) = (beside.is_some(), path_key.or(beside));
        Ok(explain(&Given { packet, is_message, keys, payment_hash, path_key }))
    }
}

/// Reads a text, and says of a mistake where it is.
fn named<T>(
    name: &str,
    text: &str,
    read: impl FnOnce(&str) -> Result<T, InputError>,
) -> Result<T, Failure> {
    let text = text.trim();
    read(text).map_err(|error| {
        let (source_name, snippet) = (name.to_owned(), error.snippet(text));
        Failure::Input { source_name, error, snippet }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        onion: OnionArgs,
    }

    fn explained(arguments: &[&str], stdin: &str) -> Result<Explanation, String> {
        let arguments = ["onion"].iter().chain(arguments);
        let command = Command::try_parse_from(arguments).unwrap();
        command.onion.explain(&mut stdin.as_bytes()).map_err(|failure| failure.to_string())
    }

    /// A packet that nobody made.
    fn hex() -> String {
        format!("00{}{}", "02".repeat(33), "22".repeat(1332))
    }

    #[test]
    fn hex_standard_input_and_file_are_the_same_to_it() {
        let hex = hex();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("\n{hex}\r\n")).unwrap();
        let path = format!("@{}", file.path().display());
        let expected = explained(&[&hex], "").unwrap();
        assert_eq!(explained(&["-"], &format!("  {hex}\n")).unwrap(), expected);
        assert_eq!(explained(&[&path], "").unwrap(), expected);
    }

    #[test]
    fn mistakes_name_their_place() {
        let (hex, key) = (hex(), "01".repeat(32));
        let message = format!("0201{}05560002", &"02".repeat(33));
        let all = [
            explained(&[""], ""),
            explained(&["-"], "00 02"),
            explained(&["000"], ""),
            explained(&[&hex[..132]], ""),
            explained(&[&message], ""),
            explained(&["@/nowhere/onion"], ""),
            explained(&[&hex, "--key", &key, &key[2..]], ""),
            explained(&[&hex, "--key", &"00".repeat(32)], ""),
            explained(&[&hex, "--payment-hash", &hex[..80]], ""),
            explained(&[&hex, "--path-key", &format!("02{}", "ff".repeat(32))], ""),
        ];
        let text: Vec<String> = all.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(text.join("\n"));
        let long = explained(&["-"], &"00".repeat(65_536)).unwrap_err();
        assert!(long.starts_with("standard input: an onion has at most 65535 bytes"), "{long}");
    }

    #[test]
    fn words_and_json_are_written() {
        let explanation = explained(&[&hex(), "--key", &"01".repeat(32)], "").unwrap();
        let (mut words, mut json) = (Vec::new(), Vec::new());
        write(&explanation, false, &mut words).unwrap();
        write(&explanation, true, &mut json).unwrap();
        assert!(String::from_utf8(words).unwrap().contains("No key fits"));
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["end"]["no_key_fits"]["with_path_key"], false);
    }
}
