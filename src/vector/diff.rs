//! Where two values part: a transaction field by field, bytes with a caret under the first that
//! differs.

use std::fmt::Display;

use bitcoin::{Transaction, consensus, hex::DisplayHex};

/// How many bytes are shown before the first that differs.
const BEFORE: usize = 8;

/// How many bytes are shown from the first that differs on.
const AFTER: usize = 24;

/// One field of a transaction.
struct Field {
    name: String,
    value: Value,
}

#[derive(PartialEq)]
enum Value {
    Text(String),
    Bytes(Vec<u8>),
}

/// Two values that fit into a line each.
pub(super) fn values(expected: &impl Display, actual: &impl Display) -> String {
    format!("expected {expected}\nactual   {actual}")
}

/// The bytes around the first difference.
pub(super) fn bytes(expected: &[u8], actual: &[u8]) -> String {
    let same = expected.iter().zip(actual).take_while(|(a, b)| a == b).count();
    let length = match (expected.len(), actual.len()) {
        (one, other) if one == other => format!("{one}"),
        (one, other) => format!("{one} expected, {other} actual"),
    };
    let start = same.saturating_sub(BEFORE);
    let window = |bytes: &[u8]| {
        let end = bytes.len().min(same + AFTER);
        let before = if start > 0 { "…" } else { "" };
        let after = if end < bytes.len() { "…" } else { "" };
        format!("{before}{}{after}", bytes[start.min(end)..end].as_hex())
    };
    let indent = "expected ".len() + usize::from(start > 0) + 2 * (same - start);
    format!(
        "first difference at byte {same} (length {length})\nexpected {}\nactual   {}\n{:indent$}^^",
        window(expected),
        window(actual),
        ""
    )
}

/// The fields of two transactions that differ, then the bytes around the first difference.
pub(super) fn transaction(expected: &[u8], actual: &Transaction) -> String {
    let mut text = String::new();
    match decode(expected) {
        Ok(decoded) => text += &fields_that_differ(&fields(&decoded), &fields(actual)),
        Err(error) => text = format!("the expected transaction does not decode: {error}\n"),
    }
    text + &bytes(expected, &consensus::serialize(actual))
}

/// Decodes a transaction. An error of the library's reader hides what it is.
pub(super) fn decode(bytes: &[u8]) -> Result<Transaction, String> {
    consensus::deserialize(bytes).map_err(|error| match error {
        consensus::encode::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    })
}

fn fields_that_differ(expected: &[Field], actual: &[Field]) -> String {
    let mut text = String::new();
    let find = |fields: &[Field], name: &str| fields.iter().position(|field| field.name == name);
    for field in expected {
        let diff = match find(actual, &field.name).map(|at| &actual[at].value) {
            Some(value) if *value == field.value => continue,
            Some(Value::Bytes(actual)) if let Value::Bytes(expected) = &field.value => {
                bytes(expected, actual)
            }
            Some(Value::Text(actual)) if let Value::Text(expected) = &field.value => {
                values(expected, actual)
            }
            Some(_) | None => "expected, but not there".to_owned(),
        };
        text += &entry(&field.name, &diff);
    }
    for field in actual.iter().filter(|field| find(expected, &field.name).is_none()) {
        text += &entry(&field.name, "not expected, but there");
    }
    text
}

fn entry(name: &str, diff: &str) -> String {
    diff.lines().fold(format!("{name}\n"), |text, line| text + "  " + line + "\n")
}

/// The fields in the order of the wire.
fn fields(transaction: &Transaction) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut text = |name: String, value: String| {
        fields.push(Field { name, value: Value::Text(value) });
    };
    text("version".into(), transaction.version.0.to_string());
    text("inputs".into(), transaction.input.len().to_string());
    text("outputs".into(), transaction.output.len().to_string());
    text("locktime".into(), format!("{:#x}", transaction.lock_time.to_consensus_u32()));
    for (at, input) in transaction.input.iter().enumerate() {
        text(format!("input {at} outpoint"), input.previous_output.to_string());
        text(format!("input {at} sequence"), format!("{:#x}", input.sequence.0));
        text(format!("input {at} witness items"), input.witness.len().to_string());
    }
    for (at, output) in transaction.output.iter().enumerate() {
        text(format!("output {at} value"), format!("{} sat", output.value.to_sat()));
    }
    let mut bytes = |name: String, value: &[u8]| {
        fields.push(Field { name, value: Value::Bytes(value.to_vec()) });
    };
    for (at, input) in transaction.input.iter().enumerate() {
        bytes(format!("input {at} script_sig"), input.script_sig.as_bytes());
        for (item, value) in input.witness.iter().enumerate() {
            bytes(format!("input {at} witness item {item}"), value);
        }
    }
    for (at, output) in transaction.output.iter().enumerate() {
        bytes(format!("output {at} script_pubkey"), output.script_pubkey.as_bytes());
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_different_lengths() {
        insta::assert_snapshot!(bytes(&[1, 2, 3], &[1, 2]), @r"
        first difference at byte 2 (length 3 expected, 2 actual)
        expected 010203
        actual   0102
                     ^^
        ");
    }
}
