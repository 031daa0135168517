//! What there is to say of a message.

use std::ops::Range;

use bitcoin::hex::DisplayHex;
use serde::{Serialize, Serializer};
use serde_json::Value;
use thiserror::Error;

use super::notes::{self, Around};
use super::{gossip, words};
use crate::bolt::wire::walk::{self, Part, Read, Wrong, walk};
use crate::bolt::wire::{Bytes, DecodeError};
use crate::decode::hex::{self, HexError};
use crate::decode::snippet::snippet;

/// BOLT 8 has two bytes for the length of a message.
const MOST_BYTES: usize = 65_535;

/// Why text is no bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// It is no hex.
    #[error(transparent)]
    Hex(#[from] HexError),
    /// No transport carries it.
    #[error("a message has at most {MOST_BYTES} bytes, and these are {0}")]
    TooLong(usize),
}

impl InputError {
    /// The text around the character to blame, and a caret below it.
    pub fn snippet(&self, text: &str) -> Option<String> {
        match self {
            Self::Hex(error) => error.snippet(text),
            Self::TooLong(_) => None,
        }
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The number of its type, if it is long enough to have one.
    #[serde(rename = "type")]
    pub message_type: Option<u16>,
    /// Its name, if the type is known.
    pub name: Option<&'static str>,
    /// What it is for.
    pub about: Option<&'static str>,
    /// How many bytes it has.
    pub length: usize,
    /// Whether it is a message.
    pub verdict: Verdict,
    /// Its fields and TLV records; of a wrong one, those before the mistake.
    pub parts: Vec<PartNote>,
    /// All that follows an unknown type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Bytes>,
}

/// Whether bytes are a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can be read, all of it.
    Valid,
    /// Nobody knows its type.
    UnknownType {
        /// Whether a receiver passes it over.
        may_be_ignored: bool,
    },
    /// It can be read up to a part.
    Invalid {
        /// What is wrong.
        #[serde(serialize_with = "as_text")]
        error: DecodeError,
        /// The part's name.
        part: String,
        /// Where the part begins.
        offset: usize,
        /// The bytes to blame; none, if more are missing there.
        bytes: Range<usize>,
    },
}

/// A field or TLV record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartNote {
    /// The specification's name, if it has one.
    pub name: Option<&'static str>,
    /// The type of a TLV record; a field has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// Its bytes in the message; with a record's, its type and length.
    pub bytes: Range<usize>,
    /// The bytes of its value.
    pub hex: String,
    /// Its value, as in scenarios.
    pub value: Value,
    /// Its value in words, in one or more lines.
    #[serde(skip)]
    pub words: Vec<String>,
}

fn as_text<S: Serializer>(value: &DecodeError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads the bytes of a message from hex.
///
/// # Errors
/// [`InputError`] about the trimmed text.
pub fn parse(text: &str) -> Result<Vec<u8>, InputError> {
    let bytes = hex::bytes(text.trim())?;
    if bytes.len() > MOST_BYTES { Err(InputError::TooLong(bytes.len())) } else { Ok(bytes) }
}

/// Says what a message says, as far as it can be read.
pub fn explain(message: &[u8]) -> Explanation {
    let walk::Walk { message_type, rule, parts, wrong } = walk(message);
    let verdict = match (message_type, rule, wrong) {
        (_, _, Some(Wrong { part, offset, bytes, error })) => {
            Verdict::Invalid { error, part: name_of(part), offset, bytes }
        }
        (Some(number), None, None) => Verdict::UnknownType { may_be_ignored: number % 2 == 1 },
        _ => Verdict::Valid,
    };
    let is_unknown = matches!(verdict, Verdict::UnknownType { .. });
    let around = Around { message: rule.map_or("", |rule| rule.name), ids: ids(&parts) };
    let note = |read: &Read| note(message, around, read);
    Explanation {
        message_type,
        name: rule.map(|rule| rule.name),
        about: rule.map(|rule| rule.about.trim()),
        length: message.len(),
        verdict,
        parts: parts.iter().map(note).collect(),
        payload: is_unknown.then(|| Bytes(message[2..].to_vec())),
    }
}

/// How many `short_channel_id`s there are, if they can be read.
fn ids(parts: &[Read]) -> Option<usize> {
    let is_it =
        |read: &&Read| matches!(read.part, Part::Field(rule) if rule.name == "encoded_short_ids");
    let encoded = parts.iter().find(is_it)?;
    gossip::count(&notes::bytes_of(&encoded.value)?)
}

fn note(message: &[u8], around: Around<'_>, read: &Read) -> PartNote {
    let bytes = &message[read.value_bytes.clone()];
    let (name, record, words) = match read.part {
        Part::Field(rule) => {
            let words = words::words(rule.kind, &read.value);
            (Some(rule.name), None, notes::with(around, rule.name, &read.value, words))
        }
        Part::Record(rule) => {
            let words = words::words(rule.kind, &read.value);
            let words = notes::with(around, rule.name, &read.value, words);
            (Some(rule.name), Some(rule.number), words)
        }
        Part::Unknown(number) => {
            let words = format!("{} (not known; odd, so it may be ignored)", words::hex(bytes));
            (None, Some(number), vec![words])
        }
        Part::Type | Part::SomeRecord => (None, None, Vec::new()),
    };
    let (bytes, hex) = (read.bytes.clone(), bytes.to_lower_hex_string());
    PartNote { name, record, bytes, hex, value: read.value.clone(), words }
}

/// What a part is called where it is wrong.
fn name_of(part: Part) -> String {
    match part {
        Part::Type => "the type".to_owned(),
        Part::Field(rule) => rule.name.to_owned(),
        Part::Record(rule) => format!("TLV record {} ({})", rule.number, rule.name),
        Part::Unknown(number) => format!("TLV record {number}"),
        Part::SomeRecord => "a TLV record".to_owned(),
    }
}

impl Explanation {
    /// Why it is no message, with the hex digits to blame; `text` is what [`parse`] was given.
    pub fn complaint(&self, text: &str) -> Option<(String, String)> {
        let Verdict::Invalid { error, part, offset, bytes } = &self.verdict else { return None };
        let even = match error {
            DecodeError::UnknownEvenTlv(_) => ", which must not be ignored",
            _ => "",
        };
        let says = format!("{part} (from byte {offset} on): failed to {error}{even}");
        Some((says, snippet(text.trim(), 2 * bytes.start..2 * bytes.end)))
    }
}
