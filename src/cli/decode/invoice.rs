//! `boltlab decode invoice`: explains an invoice.

use std::io::{self, Read};
use std::process::ExitCode;

use clap::Args;

use super::source::{self, SourceError};
use super::{below, write};
use crate::bolt::invoice::Correction;
use crate::cli::complain;
use crate::decode::invoice::{Explanation, Verdict, explain, strip};

/// What stands below its help.
pub(super) const HELP: &str = "Examples:
  boltlab decode invoice lnbc1…              every field, and who is paid
  boltlab decode invoice lightning:LNBC1…    a URI, or the text of a QR code
  boltlab decode invoice @FILE --json        for a program

Exit status: 0 it is valid, 2 it is not.";

/// Its arguments.
#[derive(Debug, Args)]
pub struct InvoiceArgs {
    /// The invoice, `-` for standard input, or `@FILE`
    invoice: String,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

impl InvoiceArgs {
    /// Explains the invoice on standard output, in words or as JSON. Of a bad one this is what
    /// could be read, and what is wrong goes to standard error.
    pub(super) fn run(&self) -> ExitCode {
        let (name, explanation) = match read(&self.invoice, &mut io::stdin()) {
            Ok(read) => read,
            Err(failure) => return complain(&failure.to_string()),
        };
        if explanation.reading.is_some() || self.json {
            // Whoever closed the pipe has read enough.
            let _ = write(&explanation, self.json, &mut anstream::stdout().lock());
        }
        match complaint(&name, &explanation) {
            Some(complaint) => complain(&complaint),
            None => ExitCode::SUCCESS,
        }
    }
}

/// The explanation, and what the text is called in messages.
fn read(argument: &str, stdin: &mut dyn Read) -> Result<(String, Explanation), SourceError> {
    let source = source::read(argument, stdin)?;
    let name = source.name.unwrap_or_else(|| "invoice".to_owned());
    Ok((name, explain(strip(&source.text))))
}

/// Why the invoice is not valid, with the characters to blame.
fn complaint(name: &str, explanation: &Explanation) -> Option<String> {
    let Verdict::Invalid { error, correction, snippet, .. } = &explanation.verdict else {
        return None;
    };
    let hint = correction.map_or_else(String::new, |Correction { position, found, fitting }| {
        format!(
            "; {fitting:?} in place of {found:?} at character {position} would make it fit, so \
             compare that one with the source"
        )
    });
    Some(format!("{name}: failed to {error}{hint}{}", below(snippet.as_deref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `bolt11/own/regtest`.
    const INVOICE: &str = "lnbcrt1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqsp5zyg3zyg3zyg3\
        zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygsdq5vdhkven9v5sxyetpdeesrvvtyfsj7xj8r04p6yt2m\
        3ycqetnp83jwph85j9tl8yvzsh5z8897tlx8jfypjdjy76zfqe9sxnm27dv6ttpkt2avxk0vsu354ucz6qq7\
        fsgul";

    fn explained(argument: &str, stdin: &str) -> Result<Explanation, String> {
        let (name, explanation) =
            read(argument, &mut stdin.as_bytes()).map_err(|failure| failure.to_string())?;
        complaint(&name, &explanation).map_or(Ok(explanation), Err)
    }

    #[test]
    fn argument_standard_input_file_and_uri_are_the_same_to_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{INVOICE}\r\n")).unwrap();
        let expected = explained(INVOICE, "").unwrap();
        let upper = INVOICE.to_ascii_uppercase();
        for argument in [
            format!("@{}", file.path().display()),
            format!("lightning:{INVOICE}"),
            format!(" LIGHTNING:{upper} "),
            upper.clone(),
        ] {
            assert_eq!(explained(&argument, "").unwrap(), expected, "{argument}");
        }
        assert_eq!(explained("-", &format!("\n{INVOICE}\n")).unwrap(), expected);
    }

    #[test]
    fn mistakes_name_their_place() {
        let all = [
            explained("", ""),
            explained("-", " \n"),
            explained(&format!("lightning://{INVOICE}"), ""),
            explained(&INVOICE.replacen("1p", "1q", 1), ""),
            explained("@/nowhere/invoice", ""),
        ];
        let text: Vec<String> = all.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        invoice: failed to read an invoice: there is no text
        standard input: failed to read an invoice: there is no text
        invoice: failed to read an invoice: no invoice has '/' here
          //lnbcrt1pvjluezpp5qqqsyqcyq5r…
          ^
        invoice: failed to read an invoice: the checksum does not fit; 'p' in place of 'q' at character 7 would make it fit, so compare that one with the source
          lnbcrt1qvjluezpp5qqqsyqcyq5rqwzqfqqqs…
                 ^
        /nowhere/invoice: No such file or directory (os error 2)
        ");
    }

    #[test]
    fn words_and_json_are_written() {
        let explanation = explained(INVOICE, "").unwrap();
        let (mut words, mut json) = (Vec::new(), Vec::new());
        write(&explanation, false, &mut words).unwrap();
        write(&explanation, true, &mut json).unwrap();
        assert!(String::from_utf8(words).unwrap().starts_with("Invoice on regtest\n"));
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(
            (&json["verdict"], &json["reading"]["network"]),
            (&"valid".into(), &"regtest".into())
        );
    }

    #[test]
    fn exit_status_says_whether_it_is_valid() {
        let run = |invoice: &str, json| InvoiceArgs { invoice: invoice.to_owned(), json }.run();
        assert_eq!(run(INVOICE, true), ExitCode::SUCCESS);
        let invalid = ExitCode::from(crate::cli::ENVIRONMENT_IS_WRONG);
        assert_eq!(run(&INVOICE[..INVOICE.len() - 1], true), invalid);
        assert_eq!(run("lnbc", false), invalid);
    }
}
