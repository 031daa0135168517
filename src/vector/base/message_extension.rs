//! BOLT 1, Appendix C: what may follow the fields of `init`.

use serde::Deserialize;

use super::{apart, check::Checks, hex::Hex, load, offer::Named};
use crate::bolt::features::Features;
use crate::bolt::wire::codec::Field;
use crate::bolt::wire::tlv::{TlvError, records};
use crate::bolt::wire::{DecodeError, Message};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    tests: Vec<Test>,
}

load::topic! { init: Hex, expected: Expected }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    globalfeatures: Hex,
    features: Hex,
    /// All records of the extension, or those before the one to blame.
    records: Vec<Hex>,
    /// The record to blame, and all behind it.
    blamed: Option<Hex>,
}

/// The fields of `init`, and its extension as it came.
fn split(mut message: &[u8]) -> Result<(Features, Features, &[u8]), DecodeError> {
    u16::read(&mut message)?;
    let (globalfeatures, features) = (Field::read(&mut message)?, Field::read(&mut message)?);
    Ok((globalfeatures, features, message))
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let expected = &test.expected;
    let (globalfeatures, features, extension) = checks.made("init", split(&test.init.0))?;
    let want = &expected.globalfeatures;
    checks.bytes("expected.globalfeatures", want, globalfeatures.as_bytes());
    checks.bytes("expected.features", &expected.features, features.as_bytes());
    let message = Message::decode(&test.init.0);
    // The message says only what is wrong; where, the first record that must not be there does.
    let offset = records(extension).find_map(|record| match record {
        Err(error) => Some(error.offset),
        Ok(record) => (record.number % 2 == 0).then_some(record.offset),
    });
    let offset = offset.unwrap_or(extension.len());
    let failed = |error| TlvError { record: None, offset, error };
    let refused = message.as_ref().err().copied().map(failed);
    apart(extension, refused.as_ref(), &expected.records, expected.blamed.as_ref(), checks);
    match message {
        Ok(Message::Init(init)) => {
            checks.bytes("expected.features", &expected.features, init.features.as_bytes());
            checks.bytes("init", &test.init, &Message::from(init).encode());
            None
        }
        Ok(other) => {
            checks.equal("init", &"init", &other.name());
            None
        }
        Err(error) => Some(error.name()),
    }
}
