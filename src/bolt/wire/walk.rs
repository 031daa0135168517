//! Reads a message part by part, for those who want to see where each stands, and how far a wrong
//! one can be read. The parts are those of the table, and each is read by the codec.

use std::ops::Range;

use serde_json::Value;

use super::codec::{DecodeError, Field};
use super::messages::Message;
use super::table::{FieldRule, MessageRule, RecordRule};
use super::tlv::{self, RawRecord};
use super::types::Bytes;

/// A part of a message.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The two bytes of its type.
    Type,
    /// A field of the table.
    Field(&'static FieldRule),
    /// A TLV record of the table.
    Record(&'static RecordRule),
    /// A TLV record of this type, which the table does not have.
    Unknown(u64),
    /// A TLV record whose type could not be read.
    SomeRecord,
}

/// A part that could be read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Which one it is.
    pub part: Part,
    /// Its bytes in the message; with a record's, its type and length.
    pub bytes: Range<usize>,
    /// Where a record's value is; a field's is all of it.
    pub value_bytes: Range<usize>,
    /// What it holds, as it stands in JSON.
    pub value: Value,
}

/// The part at which a message goes wrong.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// Which one it is.
    pub part: Part,
    /// Where it begins.
    pub offset: usize,
    /// The bytes to blame. There are none if it is the message's end that comes too early: then it
    /// is where more should stand.
    pub bytes: Range<usize>,
    /// What is wrong.
    pub error: DecodeError,
}

/// All that could be read of a message.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The number of its type, if there are two bytes.
    pub message_type: Option<u16>,
    /// The row of the table, if there is one.
    pub rule: Option<&'static MessageRule>,
    /// Its fields and records as far as they could be read, in order. An unknown type has none.
    pub parts: Vec<Read>,
    /// What ended the walk early. It is what [`Message::decode`] says too.
    pub wrong: Option<Wrong>,
}

/// Reads as much as can be read.
pub fn walk(message: &[u8]) -> Walk {
    let mut found = Walk { message_type: None, rule: None, parts: Vec::new(), wrong: None };
    found.wrong = found.read(message).err();
    found
}

impl Walk {
    fn read(&mut self, message: &[u8]) -> Result<(), Wrong> {
        let mut rest = message;
        let number = u16::read(&mut rest).map_err(|error| {
            let end = message.len();
            Wrong { part: Part::Type, offset: 0, bytes: end..end, error }
        })?;
        self.message_type = Some(number);
        self.rule = Message::RULES.iter().find(|rule| rule.number == number);
        let Some(rule) = self.rule else { return Ok(()) };
        for field in rule.fields {
            let start = message.len().saturating_sub(rest.len());
            let value = (field.read)(&mut rest);
            let end = message.len().saturating_sub(rest.len());
            let part = Part::Field(field);
            let value = value.map_err(|error| {
                let bytes = in_field(error, start..end, message.len());
                Wrong { part, offset: start, bytes, error }
            })?;
            self.parts.push(Read { part, bytes: start..end, value_bytes: start..end, value });
        }
        self.read_records(rule, message, message.len().saturating_sub(rest.len()))
    }

    fn read_records(
        &mut self,
        rule: &'static MessageRule,
        message: &[u8],
        start: usize,
    ) -> Result<(), Wrong> {
        let declared = |number| rule.records.iter().find(|record| record.number == number);
        let part_of = |number| declared(number).map_or(Part::Unknown(number), Part::Record);
        let stream = message.get(start..).unwrap_or_default();
        for record in tlv::records(stream) {
            let record = record.map_err(|error| {
                let part = error.record.map_or(Part::SomeRecord, part_of);
                let offset = start.saturating_add(error.offset);
                let bytes = in_head(error.error, error.record.is_some(), offset, message);
                Wrong { part, offset, bytes, error: error.error }
            })?;
            let (part, offset) = (part_of(record.number), start.saturating_add(record.offset));
            let end = offset.saturating_add(record.whole.len());
            let value_bytes = end.saturating_sub(record.value.len())..end;
            let value = read_record(part, record).map_err(|error| {
                let bytes = in_record(error, offset, value_bytes.clone(), message);
                Wrong { part, offset, bytes, error }
            })?;
            self.parts.push(Read { part, bytes: offset..end, value_bytes, value });
        }
        Ok(())
    }
}

fn read_record(part: Part, record: RawRecord<'_>) -> Result<Value, DecodeError> {
    if let Part::Record(rule) = part {
        (rule.read)(record.value)
    } else if record.number.is_multiple_of(2) {
        Err(DecodeError::UnknownEvenTlv(record.number))
    } else {
        Ok(Bytes(record.value.to_vec()).to_string().into())
    }
}

/// The bytes to blame in a field whose reading came as far as the range says.
fn in_field(error: DecodeError, read: Range<usize>, end: usize) -> Range<usize> {
    let last = |length: usize| read.end.saturating_sub(length).max(read.start)..read.end;
    match error {
        DecodeError::Truncated { .. } => end..end,
        DecodeError::InvalidPoint => last(33),
        DecodeError::InvalidSignature => last(64),
        DecodeError::UnknownEvenTlv(_)
        | DecodeError::TlvOrder { .. }
        | DecodeError::NotMinimal(_)
        | DecodeError::TrailingBytes(_)
        | DecodeError::NotUtf8
        | DecodeError::UnknownSelector(_) => read,
    }
}

/// The bytes to blame before a record's value: those of its type or its length.
fn in_head(error: DecodeError, has_type: bool, offset: usize, message: &[u8]) -> Range<usize> {
    let big_size = |start: usize| start..start.saturating_add(big_size_length(message, start));
    let number = big_size(offset);
    if let DecodeError::Truncated { .. } = error {
        message.len()..message.len()
    } else if has_type && matches!(error, DecodeError::NotMinimal(_)) {
        big_size(number.end)
    } else {
        number
    }
}

/// The bytes to blame of a whole record: its type, if nobody knows it, else its value or what that
/// has too much.
fn in_record(
    error: DecodeError,
    offset: usize,
    value: Range<usize>,
    message: &[u8],
) -> Range<usize> {
    if let DecodeError::UnknownEvenTlv(_) = error {
        in_head(error, true, offset, message)
    } else if let DecodeError::Truncated { .. } = error {
        value.end..value.end
    } else if let DecodeError::TrailingBytes(surplus) = error {
        value.end.saturating_sub(surplus)..value.end
    } else {
        value
    }
}

fn big_size_length(message: &[u8], start: usize) -> usize {
    match message.get(start) {
        Some(0xff) => 9,
        Some(0xfe) => 5,
        Some(0xfd) => 3,
        _ => 1,
    }
}
