//! `boltlab decode message`: explains messages.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use clap::Args;

use super::source::{self, SourceError};
use super::{below, write};
use crate::cli::complain;
use crate::decode::message::{Explanation, explain, parse};

/// What stands below its help.
pub(super) const HELP: &str = "Examples:
  boltlab decode message 0012000a0000        each field, where it begins and what it says
  boltlab decode message @FILE --json        hex in a file, a message a line; JSON for a program
  boltlab decode message - <FILE             the same from standard input

The hex begins with the two bytes of the message's type: no length, nothing encrypted.

Exit status: 0 they are messages, 2 one is not.";

/// Its arguments.
#[derive(Debug, Args)]
pub struct MessageArgs {
    /// The message in hex, `-` for standard input, or `@FILE`
    hex: String,
    /// Write JSON instead of text, a document for each message
    #[arg(long)]
    json: bool,
}

/// A message that was given, or why it is none.
struct Given {
    explanation: Option<Explanation>,
    complaint: Option<String>,
}

impl MessageArgs {
    /// Explains each message on standard output, in words or as JSON. Of a bad one this is what
    /// could be read, and what is wrong goes to standard error.
    pub(super) fn run(&self) -> ExitCode {
        let all = match read(&self.hex, &mut io::stdin()) {
            Ok(all) => all,
            Err(failure) => return complain(&failure.to_string()),
        };
        let mut status = ExitCode::SUCCESS;
        for (number, given) in all.iter().enumerate() {
            // Whoever closed the pipe has read enough.
            let _ = self.write(number == 0, given, &mut anstream::stdout().lock());
            if let Some(complaint) = &given.complaint {
                status = complain(complaint);
            }
        }
        status
    }

    fn write(&self, is_first: bool, given: &Given, out: &mut impl Write) -> io::Result<()> {
        let Some(explanation) = &given.explanation else { return Ok(()) };
        if !is_first && !self.json {
            writeln!(out)?;
        }
        write(explanation, self.json, out)
    }
}

/// Each line of the text is a message; blank ones are passed over.
fn read(argument: &str, stdin: &mut dyn Read) -> Result<Vec<Given>, SourceError> {
    let source = source::read(argument, stdin)?;
    let lines: Vec<_> =
        (1..).zip(source.text.lines()).filter(|(_, line)| !line.trim().is_empty()).collect();
    let name = source.name.as_deref().unwrap_or("message");
    Ok(match lines.as_slice() {
        [] => vec![given(name, "")],
        [(_, line)] => vec![given(name, line)],
        lines => lines
            .iter()
            .map(|(number, line)| given(&format!("{name}, line {number}"), line))
            .collect(),
    })
}

fn given(name: &str, hex: &str) -> Given {
    match parse(hex) {
        Ok(message) => {
            let explanation = explain(&message);
            let complaint = explanation.complaint(hex);
            let complaint =
                complaint.map(|(says, snippet)| format!("{name}: {says}{}", below(Some(&snippet))));
            Given { explanation: Some(explanation), complaint }
        }
        Err(error) => {
            let complaint =
                format!("{name}: {error}{}", below(error.snippet(hex.trim()).as_deref()));
            Given { explanation: None, complaint: Some(complaint) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: &str = "001200020001ff";

    /// All that a terminal shows, and the complaints.
    fn shown(argument: &str, stdin: &str) -> (String, String) {
        let all = read(argument, &mut stdin.as_bytes()).unwrap();
        let words = all.iter().filter_map(|given| given.explanation.as_ref());
        let words: Vec<_> = words.map(ToString::to_string).collect();
        let complaints: Vec<_> = all.into_iter().filter_map(|given| given.complaint).collect();
        (words.join("\n"), complaints.join("\n"))
    }

    #[test]
    fn hex_standard_input_and_file_are_the_same_to_it() {
        let expected = shown(PING, "");
        assert!(expected.0.starts_with("ping, type 18, 7 bytes\n") && expected.1.is_empty());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("\n{PING}\r\n")).unwrap();
        assert_eq!(shown(&format!("@{}", file.path().display()), ""), expected);
        assert_eq!(shown("-", &format!(" {}\n", PING.to_uppercase())), expected);
        let twice = shown("-", &format!("{PING}\n\n{PING}\n"));
        assert_eq!(twice.0, format!("{}\n{}", expected.0, expected.0));
    }

    #[test]
    fn mistakes_name_their_place() {
        let all = [
            shown("", ""),
            shown("-", " \n"),
            shown("12g4", ""),
            shown("123", ""),
            shown("00", ""),
            shown("-", &format!("{PING}\n{PING}0200\n{PING}zz\n")),
            shown(&"00".repeat(65_536), ""),
        ];
        let text: Vec<String> = all.into_iter().map(|(_, complaint)| complaint).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn exit_status_says_whether_it_is_a_message() {
        let run = |hex: &str, json| MessageArgs { hex: hex.to_owned(), json }.run();
        assert_eq!(run(PING, true), ExitCode::SUCCESS);
        let invalid = ExitCode::from(crate::cli::ENVIRONMENT_IS_WRONG);
        assert_eq!(run(&PING[..12], true), invalid);
        assert_eq!(run("zz", false), invalid);
    }
}
