//! What passed between the reference and a stranger, for whoever has to find out why it went wrong.

use std::{
    fmt::{self, Display, Formatter, Write},
    time::Instant,
};

use bitcoin::hex::DisplayHex;
use boltlab::bolt::wire::Message;

use crate::events::now;

/// How much of a field is shown: more than a signature, less than an onion.
const SHOWN: usize = 200;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum LogEntry {
    /// The reference sent this.
    Sent(Vec<u8>),
    /// The stranger sent this.
    Received(Vec<u8>),
    /// The reference would have sent this, but there was no connection any more.
    NotSent(Vec<u8>),
    /// The stranger sent this, and the connection was cut before the reference read it.
    NotRead(Vec<u8>),
    /// Anything else: a connection, an event, a transaction.
    Note(String),
}

/// All that happened, in its order.
#[derive(Debug)]
pub struct Log {
    since: Instant,
    entries: Vec<(u128, LogEntry)>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { since: now(), entries: Vec::new() }
    }

    pub(crate) fn add(&mut self, entry: LogEntry) {
        self.entries.push((self.since.elapsed().as_millis(), entry));
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.add(LogEntry::Note(text.into()));
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = &LogEntry> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// The last entries, as a person reads them.
    pub fn tail(&self, count: usize) -> String {
        let first = self.entries.len().saturating_sub(count);
        let mut text = String::new();
        for (at, entry) in &self.entries[first..] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{at:>7} ms  {entry}");
        }
        text
    }
}

impl Display for LogEntry {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (arrow, bytes) = match self {
            Self::Sent(bytes) => ("reference -> ldk", bytes),
            Self::Received(bytes) => ("reference <- ldk", bytes),
            Self::NotSent(bytes) => ("reference -x ldk", bytes),
            Self::NotRead(bytes) => ("reference x- ldk", bytes),
            Self::Note(text) => return write!(f, "{text}"),
        };
        let Ok(message) = Message::decode(bytes) else {
            return write!(f, "{arrow}  garbage\n    {}", bytes.as_hex());
        };
        write!(f, "{arrow}  {}", message.name())?;
        if let Ok(json) = serde_json::to_string(&message) {
            write!(f, "\n    {}", shortened(&json))?;
        }
        write!(f, "\n    {}", bytes.as_hex())
    }
}

/// The text without the greater part of its longest words: an onion, a series of signatures.
fn shortened(json: &str) -> String {
    let words = json.split('"').map(|word| match word.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join("\"")
}
