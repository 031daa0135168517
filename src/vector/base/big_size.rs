//! BOLT 1, Appendix A: numbers in as few bytes as they need.

use serde::Deserialize;

use super::{check::Checks, hex::Hex, load, offer::Named, text};
use crate::bolt::wire::DecodeError;
use crate::bolt::wire::codec::{read_big_size, write_big_size};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    tests: Vec<Test>,
}

load::topic! { input: Input, expected: Expected }

/// What is given: a number to write, or bytes to read one from.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Input {
    #[serde(with = "text")]
    Value(u64),
    Bytes(Hex),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The number, also one that should have been written in fewer bytes.
    value: Option<String>,
    /// The number's bytes.
    bytes: Option<Hex>,
    /// What a reader leaves of the bytes: those behind the number, or too few for one.
    unread: Option<Hex>,
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    match &test.input {
        Input::Value(value) => {
            write(*value, &test.expected, checks);
            None
        }
        Input::Bytes(bytes) => read(&bytes.0, &test.expected, checks),
    }
}

fn written(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_big_size(value, &mut bytes);
    bytes
}

fn write(value: u64, expected: &Expected, checks: &mut Checks) {
    let bytes = written(value);
    if let Some(wanted) = checks.made("expected.bytes", expected.bytes.as_ref().ok_or("missing")) {
        checks.bytes("expected.bytes", wanted, &bytes);
    }
    let again = read_big_size(&mut bytes.as_slice());
    if let Some(again) = checks.made("input.value", again) {
        checks.equal("input.value", &value, &again);
    }
}

fn read(bytes: &[u8], expected: &Expected, checks: &mut Checks) -> Option<&'static str> {
    let mut unread = bytes;
    let read = read_big_size(&mut unread);
    let nothing = Hex(Vec::new());
    checks.bytes("expected.unread", expected.unread.as_ref().unwrap_or(&nothing), unread);
    let value = match read {
        Ok(value) | Err(DecodeError::NotMinimal(value)) => Some(value),
        Err(_) => None,
    };
    let shown = value.map_or("none".to_owned(), |value| value.to_string());
    checks.equal("expected.value", &expected.value.as_deref().unwrap_or("none"), &shown.as_str());
    if let Ok(value) = read {
        let taken = bytes.len() - unread.len();
        checks.bytes("input.bytes", &Hex(bytes[..taken].to_vec()), &written(value));
    }
    read.err().map(|error| error.name())
}
