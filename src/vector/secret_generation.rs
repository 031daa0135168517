//! BOLT 3, Appendix D: secrets made from a seed.

use serde::Deserialize;

use super::{check::Checks, hex::Hex, hex::Hex32};
use crate::bolt::keys::CommitmentSeed;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    tests: Vec<Test>,
}

super::load::topic! { seed: Hex32, index: u64, expected: Expected }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    secret: Hex,
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let secret = CommitmentSeed(test.seed.0).secret_at(test.index);
    checks.bytes("expected.secret", &test.expected.secret, &secret.0);
    None
}
