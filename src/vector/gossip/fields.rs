//! The fields and records of a message, whatever it is.

use bitcoin::hex::DisplayHex;
use serde_json::Value;

use super::Expected;
use crate::bolt::units::ShortChannelId;
use crate::bolt::wire::kind::Kind;
use crate::bolt::wire::walk::{Part, Read, Walk};
use crate::vector::{check::Checks, hex::Hex};

/// Compares all parts that could be read, and where the first begins that could not.
pub(super) fn check(expected: &Expected, message: &[u8], walk: &Walk, checks: &mut Checks) {
    let mut count = 0;
    for read in &walk.parts {
        let Part::Field(rule) = read.part else { continue };
        count += 1;
        let wanted = expected.fields.get(rule.name).map_or("none".to_owned(), as_text);
        let value = as_text(&value(rule.kind, message, read));
        checks.equal(&format!("expected.fields.{}", rule.name), &wanted, &value);
    }
    checks.equal("expected.fields", &expected.fields.len(), &count);
    let is_record = |read: &&Read| matches!(read.part, Part::Record(_) | Part::Unknown(_));
    let records: Vec<&Read> = walk.parts.iter().filter(is_record).collect();
    checks.equal("expected.records", &expected.records.len(), &records.len());
    for (at, (wanted, read)) in expected.records.iter().zip(records).enumerate() {
        checks.bytes(&format!("expected.records[{at}]"), wanted, &message[read.bytes.clone()]);
    }
    let nothing = Hex(Vec::new());
    let blamed = walk.wrong.as_ref().map_or(&[][..], |wrong| &message[wrong.offset..]);
    checks.bytes("expected.blamed", expected.blamed.as_ref().unwrap_or(&nothing), blamed);
}

/// Numbers as numbers, the place of a channel as people write it, all else in hex: without the
/// length in front of it.
fn value(kind: &Kind, message: &[u8], read: &Read) -> Value {
    let bytes = &message[read.bytes.clone()];
    match kind {
        Kind::Number(_) | Kind::Millisatoshis | Kind::Blocks(_) | Kind::Height => {
            read.value.clone()
        }
        Kind::ShortChannelId => {
            let id = serde_json::from_value(read.value.clone());
            id.map_or(Value::Null, |id: ShortChannelId| id.to_string().into())
        }
        Kind::Bytes | Kind::Features => bytes[2..].to_lower_hex_string().into(),
        _ => bytes.to_lower_hex_string().into(),
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
