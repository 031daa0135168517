//! An explanation in words.

use std::fmt::{self, Display, Formatter};

use super::explain::{Explanation, PartNote, Verdict};
use super::words;

/// The width of the first column: where a part begins.
const OFFSET_WIDTH: usize = 7;

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bytes = if self.length == 1 { "byte" } else { "bytes" };
        match (self.name, self.message_type) {
            (Some(name), Some(number)) => {
                writeln!(f, "{name}, type {number}, {} {bytes}", self.length)?;
            }
            (_, Some(number)) => writeln!(f, "Unknown type {number}, {} {bytes}", self.length)?,
            (_, None) => writeln!(f, "No type, {} {bytes}", self.length)?,
        }
        if let Some(about) = self.about {
            writeln!(f, "{about}")?;
        }
        let (fields, records): (Vec<_>, Vec<_>) =
            self.parts.iter().partition(|part| part.record.is_none());
        let longest = self.parts.iter().map(|part| title(part).len()).max().unwrap_or_default();
        write_parts(f, "field", &fields, longest)?;
        write_parts(f, "TLV record", &records, longest)?;
        self.write_end(f)
    }
}

impl Explanation {
    fn write_end(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Valid => Ok(()),
            Verdict::UnknownType { may_be_ignored } => {
                let payload = self.payload.as_ref().map(|payload| words::hex(&payload.0));
                writeln!(f, "\n  payload  {}\n", payload.unwrap_or_default())?;
                if *may_be_ignored {
                    writeln!(f, "Odd: a receiver that does not know it ignores it.")
                } else {
                    writeln!(f, "Even: a receiver that does not know it closes the connection.")
                }
            }
            Verdict::Invalid { part, offset, .. } => {
                writeln!(f, "\n  {offset:<OFFSET_WIDTH$}cannot be read: {part}")
            }
        }
    }
}

fn title(part: &PartNote) -> String {
    let name = part.name.unwrap_or_default();
    part.record.map_or_else(|| name.to_owned(), |number| format!("{number} {name}"))
}

fn write_parts(
    f: &mut Formatter<'_>,
    heading: &str,
    parts: &[&PartNote],
    longest: usize,
) -> fmt::Result {
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n  {:OFFSET_WIDTH$}{heading}", "byte")?;
    let width = longest + 2;
    for part in parts {
        for (at, line) in part.words.iter().enumerate() {
            if at == 0 {
                writeln!(f, "  {:<OFFSET_WIDTH$}{:width$}{line}", part.bytes.start, title(part))?;
            } else {
                writeln!(f, "  {:OFFSET_WIDTH$}{:width$}{line}", "", "")?;
            }
        }
    }
    Ok(())
}
