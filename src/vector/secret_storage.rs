//! BOLT 3, Appendix D: secrets received one by one, stored compactly.

use serde::Deserialize;

use super::{check::Checks, hex::Hex, hex::Hex32};
use crate::bolt::keys::{CommitmentSeed, PerCommitmentSecret, SecretError, SecretStore};
use crate::bolt::units::CommitmentNumber;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    seed: Hex32,
    incorrect_seed: Hex32,
    tests: Vec<Test>,
}

super::load::topic! { inserts: Vec<Insert> }

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Insert {
    index: u64,
    secret: Hex32,
    from: Seed,
    output: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Seed {
    Seed,
    IncorrectSeed,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let mut store = SecretStore::default();
    let mut refused = None;
    for (position, insert) in test.inserts.iter().enumerate() {
        let field = |name| format!("inserts[{position}].{name}");
        let seed = match insert.from {
            Seed::Seed => group.seed,
            Seed::IncorrectSeed => group.incorrect_seed,
        };
        let generated = CommitmentSeed(seed.0).secret_at(insert.index);
        checks.bytes(&field("secret"), &Hex(insert.secret.0.to_vec()), &generated.0);

        let before = store.clone();
        let number = CommitmentNumber(CommitmentNumber::MAX.0.saturating_sub(insert.index));
        let inserted = store.insert(number, PerCommitmentSecret(insert.secret.0));
        let output = if inserted.is_ok() { "OK" } else { "ERROR" };
        checks.equal(&field("output"), &insert.output.as_str(), &output);
        if let Err(error) = inserted {
            refused = Some(name(&error));
            checks.holds(&field("output"), "a refused secret changes nothing", store == before);
        }
        let received = usize::try_from(store.received()).unwrap_or(usize::MAX);
        for old in test.inserts.iter().take(received) {
            let number = CommitmentNumber(CommitmentNumber::MAX.0.saturating_sub(old.index));
            let derived = store.secret(number).map(|secret| secret.0);
            let claim = format!("the secret of index {} can be derived again", old.index);
            checks.holds(&field("secret"), &claim, derived == Ok(old.secret.0));
        }
    }
    refused
}

fn name(error: &SecretError) -> &'static str {
    match error {
        SecretError::Inconsistent { .. } => "SecretError::Inconsistent",
        SecretError::OutOfOrder { .. } => "SecretError::OutOfOrder",
        SecretError::NotReceived { .. } => "SecretError::NotReceived",
    }
}
