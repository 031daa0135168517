//! Builds and signs the transaction that takes the claims, and compares.

use bitcoin::sighash::EcdsaSighashType;
use bitcoin::{Transaction, ecdsa};
use secp256k1::SECP256K1;
use secp256k1::ecdsa::Signature;

use super::super::{check::Checks, diff, refusal};
use super::outputs::Keys;
use super::{Expected, ExpectedInput, Group, Test};
use crate::bolt::tx::claim::{Claim, claim_transaction, weight};
use crate::bolt::tx::sign::Spend;

pub(super) fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let keys = checks.made("secrets", Keys::new(group))?;
    keys.check(group, checks);
    let commitment = checks.made("commit_tx", diff::decode(&group.commit_tx.0))?;
    let mut claims = Vec::with_capacity(test.claims.len());
    for (position, claimed) in test.claims.iter().enumerate() {
        let claim = keys.claim(group, &commitment, claimed);
        claims.push(checks.made(&format!("claims[{position}]"), claim)?);
    }
    let destination = test.destination_scriptpubkey.clone();
    let expected_weight = weight(&claims, &destination);
    let built = match claim_transaction(&claims, destination, test.feerate_per_kw) {
        Ok(built) => built,
        Err(error) => return Some(refusal::check(&error, test.missing_satoshis, checks)),
    };
    let expected = test.expected.as_ref().ok_or("a valid vector expects something");
    let expected = checks.made("expected", expected)?;
    checks.equal("expected.weight", &expected.weight, &expected_weight);
    let real = built.weight().to_wu();
    checks.holds("expected.weight", "the real weight is not above it", real <= expected_weight);
    check_fee(expected, &claims, &built, checks);
    checks.equal("expected.inputs", &expected.inputs.len(), &claims.len());
    for (position, (expected, claim)) in expected.inputs.iter().zip(&claims).enumerate() {
        check_input(position, expected, claim, &built, checks);
    }
    checks.transaction("expected.tx", &expected.tx, &built);
    checks.equal("expected.txid", &expected.txid, &built.compute_txid().to_string());
    None
}

fn check_fee(expected: &Expected, claims: &[Claim], built: &Transaction, checks: &mut Checks) {
    let sum = |amounts: &mut dyn Iterator<Item = u64>| amounts.fold(0, u64::saturating_add);
    let spent = sum(&mut claims.iter().map(|claim| claim.amount.to_sat()));
    let paid = sum(&mut built.output.iter().map(|output| output.value.to_sat()));
    let fee = spent.saturating_sub(paid);
    checks.equal("expected.fee_satoshi", &expected.fee_satoshi, &fee);
}

fn check_input(
    position: usize,
    expected: &ExpectedInput,
    claim: &Claim,
    built: &Transaction,
    checks: &mut Checks,
) {
    let field = |name: &str| format!("expected.inputs[{position}].{name}");
    checks.equal(&field("output_index"), &expected.output_index, &claim.outpoint.vout);
    checks.equal(&field("amount_satoshi"), &expected.amount_satoshi, &claim.amount.to_sat());
    checks.bytes(&field("script_code"), &expected.script_code, claim.script.as_bytes());
    let Some(input) = built.input.get(position) else { return };
    checks.equal(&field("sequence"), &expected.sequence, &input.sequence.0);
    let field = field("signature");
    let made = ecdsa::Signature::from_slice(input.witness.nth(0).unwrap_or_default());
    let Some(made) = checks.made(&field, made) else { return };
    checks.bytes(&field, &expected.signature, &made.signature.serialize_der());
    if let Some(signature) = checks.made(&field, Signature::from_der(&expected.signature.0)) {
        let sighash = EcdsaSighashType::All;
        let spend = Spend { input: position, script: &claim.script, amount: claim.amount, sighash };
        let verifies = spend.verify(built, &claim.key.public_key(SECP256K1), &signature);
        checks.holds(&field, "it is a signature of the transaction", verifies);
    }
}
