//! BOLT 1, Appendix D: integers with a sign, in two's complement.

use serde::Deserialize;

use super::{check::Checks, hex::Hex, load, offer::Named};
use crate::bolt::wire::DecodeError;
use crate::bolt::wire::codec::{Field, whole};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vector) struct Group {
    integer: Integer,
    tests: Vec<Test>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Integer {
    S8,
    S16,
    S32,
    S64,
}

load::topic! { bytes: Hex, expected: Expected }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    value: String,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let read = match group.integer {
        Integer::S8 => read::<i8>(&test.bytes.0),
        Integer::S16 => read::<i16>(&test.bytes.0),
        Integer::S32 => read::<i32>(&test.bytes.0),
        Integer::S64 => read::<i64>(&test.bytes.0),
    };
    match read {
        Ok((value, written)) => {
            checks.equal("expected.value", &test.expected.value, &value.to_string());
            checks.bytes("bytes", &test.bytes, &written);
            None
        }
        Err(error) => Some(error.name()),
    }
}

/// The integer, and how it is written again.
fn read<T: Field + Into<i64>>(bytes: &[u8]) -> Result<(i64, Vec<u8>), DecodeError> {
    let integer: T = whole(bytes)?;
    let mut written = Vec::new();
    integer.write(&mut written);
    Ok((integer.into(), written))
}
