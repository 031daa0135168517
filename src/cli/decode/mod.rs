//! `boltlab decode`: takes something apart.

mod invoice;
mod message;
mod offer;
mod onion;
mod source;
mod tx;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

/// What can be taken apart.
#[derive(Debug, Subcommand)]
pub enum Decode {
    /// An offer, an invoice request or an invoice of BOLT 12, field by field
    #[command(after_help = offer::HELP)]
    Offer(offer::OfferArgs),
    /// A transaction, from itself and from those that are given beside it
    #[command(after_help = tx::HELP)]
    Tx(tx::TxArgs),
    /// An invoice (BOLT 11): every field, who is paid, and why a bad one is bad
    #[command(after_help = invoice::HELP)]
    Invoice(invoice::InvoiceArgs),
    /// A message between nodes: every field, where it stands, and at which byte a bad one is bad
    #[command(after_help = message::HELP)]
    Message(message::MessageArgs),
    /// An onion, peeled as far as the given keys reach
    #[command(after_help = onion::HELP)]
    Onion(onion::OnionArgs),
}

/// Explains what was given on standard output, or says on standard error why it cannot be.
pub fn decode(what: &Decode) -> ExitCode {
    match what {
        Decode::Offer(args) => args.run(),
        Decode::Tx(args) => args.run(),
        Decode::Invoice(args) => args.run(),
        Decode::Message(args) => args.run(),
        Decode::Onion(args) => args.run(),
    }
}

/// Writes an explanation in words, or as JSON.
fn write<E: Display + Serialize>(
    explanation: &E,
    json: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, explanation)?;
        writeln!(out)
    } else {
        write!(out, "{explanation}")
    }
}

/// The lines of a snippet, indented below a message.
fn below(snippet: Option<&str>) -> String {
    snippet.map_or_else(String::new, |snippet| format!("\n  {}", snippet.replace('\n', "\n  ")))
}
