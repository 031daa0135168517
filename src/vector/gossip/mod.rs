//! BOLT 7: messages of the gossip. Each is taken apart field by field; the arrays of queries and the
//! addresses of nodes are read, and what is signed is verified and signed anew.

mod arrays;
mod fields;
mod signed;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{check::Checks, hex::Hex, load, offer::Named};
use crate::bolt::gossip::checksum;
use crate::bolt::gossip::encoded::ChannelUpdateTimestamps;
use crate::bolt::wire::walk::walk;
use crate::bolt::wire::{ChannelUpdateChecksums, Message};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    /// The secrets of those who announce the channel; without them, no signature is looked at.
    keys: Option<signed::Keys>,
    tests: Vec<Test>,
}

load::topic! {
    message: Hex,
    signed: Option<Hex>,
    from: Option<signed::From>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    name: String,
    /// What its fields hold, as far as they can be read.
    fields: Map<String, Value>,
    /// The TLV records, whole, as far as they can be read.
    records: Vec<Hex>,
    /// From the part on that cannot be read.
    blamed: Option<Hex>,
    /// The field or the record that is wrong though it can be read.
    field: Option<String>,
    short_channel_ids: Option<Vec<String>>,
    query_flags: Option<Vec<u64>>,
    query_option: Option<u64>,
    timestamps: Option<Vec<ChannelUpdateTimestamps>>,
    checksums: Option<Vec<ChannelUpdateChecksums>>,
    /// The addresses of known types.
    addresses: Option<Vec<String>>,
    /// Those that may be connected to.
    usable: Option<Vec<String>>,
    /// All from the first address of an unknown type on.
    unknown_addresses: Option<Hex>,
    /// What the signatures sign.
    sha256d: Option<Hex>,
    /// CRC32C of a `channel_update`.
    checksum: Option<u32>,
}

/// Why a message is refused, and the field or record that is to blame.
struct Refused {
    name: &'static str,
    field: &'static str,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let (bytes, expected) = (&test.message.0, &test.expected);
    let walked = walk(bytes);
    checks.equal("expected.name", &expected.name.as_str(), &walked.rule.map_or("", |r| r.name));
    fields::check(expected, bytes, &walked, checks);
    let sum = (expected.name == "channel_update").then(|| checksum::of_message(bytes)).flatten();
    checks.equal("expected.checksum", &text(expected.checksum), &text(sum));
    let message = match Message::decode(bytes) {
        Ok(message) => message,
        Err(error) => {
            nothing_further(expected, checks);
            return Some(error.name());
        }
    };
    checks.bytes("message", &test.message, &message.encode());
    let refused = arrays::check(expected, &message, checks);
    let unsigned = signed::check(group.keys.as_ref(), test, &message, checks);
    let refused = refused.or(unsigned);
    let field = refused.as_ref().map_or("none", |refused| refused.field);
    checks.equal("expected.field", &expected.field.as_deref().unwrap_or("none"), &field);
    refused.map(|refused| refused.name)
}

/// Nothing is expected of a message that cannot be read but its parts.
fn nothing_further(expected: &Expected, checks: &mut Checks) {
    let lists = [
        expected.short_channel_ids.is_some(),
        expected.query_flags.is_some(),
        expected.query_option.is_some(),
        expected.timestamps.is_some(),
        expected.checksums.is_some(),
        expected.addresses.is_some(),
        expected.usable.is_some(),
        expected.unknown_addresses.is_some(),
        expected.sha256d.is_some(),
        expected.field.is_some(),
    ];
    checks.holds("expected", "nothing more is read of it", lists == [false; 10]);
}

/// A number, or that there is none.
fn text(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "none".to_owned(), |number| number.to_string())
}
