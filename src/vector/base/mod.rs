//! BOLT 1: numbers and TLV streams as bytes; each topic has a file.

pub(super) mod big_size;
pub(super) mod message_extension;
pub(super) mod signed_integer;
#[cfg(test)]
mod tests;
pub(super) mod tlv;

use super::{check, hex, load, offer};
use crate::bolt::wire::tlv::{TlvError, records};
use check::Checks;
use hex::Hex;

/// Compares the records that a stream was taken apart into and, if it was refused, where the record
/// to blame begins: `blamed` is all from there on.
fn apart(
    stream: &[u8],
    refused: Option<&TlvError>,
    wanted: &[Hex],
    blamed: Option<&Hex>,
    checks: &mut Checks,
) {
    let end = refused.map_or(stream.len(), |error| error.offset);
    let found: Vec<_> =
        records(stream).filter_map(Result::ok).take_while(|record| record.offset < end).collect();
    checks.equal("expected.records", &wanted.len(), &found.len());
    for (at, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
        checks.bytes(&format!("expected.records[{at}]"), wanted, found.whole);
    }
    let nothing = Hex(Vec::new());
    checks.bytes("expected.blamed", blamed.unwrap_or(&nothing), &stream[end..]);
}

/// Values that a file spells as text: those of 64 bits, which many readers of JSON would round, and
/// what people write in a form of its own.
mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
