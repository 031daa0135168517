//! BOLT 3, "Legacy Closing Transaction" and "Closing Transaction": the transactions that
//! `closing_signed` and `closing_complete` sign.

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, Txid};
use secp256k1::ecdsa::Signature;
use secp256k1::{PublicKey, SECP256K1, SecretKey};
use serde::Deserialize;

use super::{check::Checks, hex::Hex, refusal};
use crate::bolt::tx::closing::Closing;
use crate::bolt::tx::funding::Funding;
use crate::bolt::tx::{Side, TxError};
use crate::bolt::units::Msat;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    message: ClosingMessage,
    funding_tx_id: Txid,
    funding_output_index: u32,
    funding_amount_satoshi: u64,
    secrets: Secrets,
    expected_keys: ExpectedKeys,
    tests: Vec<Test>,
}

/// What carries the signatures, and so says which transaction it is.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClosingMessage {
    ClosingSigned,
    ClosingComplete,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    local_funding_privkey: SecretKey,
    remote_funding_privkey: SecretKey,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedKeys {
    local_funding_pubkey: Hex,
    remote_funding_pubkey: Hex,
    funding_witness_script: Hex,
}

super::load::topic! {
    to_local_msat: Msat,
    to_remote_msat: Msat,
    local_scriptpubkey: ScriptBuf,
    remote_scriptpubkey: ScriptBuf,
    /// The opener (`closing_signed`) or the closer (`closing_complete`).
    payer: Side,
    fee_satoshis: u64,
    dust_limit_satoshis: Option<u64>,
    locktime: Option<u32>,
    outputs: Option<Vec<Side>>,
    missing_satoshis: Option<u64>,
    expected: Option<Expected>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    unsigned_tx: Hex,
    local_signature: Hex,
    remote_signature: Hex,
    closing_tx: Hex,
    closing_txid: String,
}

fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let (local, remote) =
        (&group.secrets.local_funding_privkey, &group.secrets.remote_funding_privkey);
    let funding = Funding {
        outpoint: OutPoint { txid: group.funding_tx_id, vout: group.funding_output_index },
        amount: Amount::from_sat(group.funding_amount_satoshi),
        local_pubkey: local.public_key(SECP256K1),
        remote_pubkey: remote.public_key(SECP256K1),
    };
    check_keys(&group.expected_keys, &funding, checks);
    check_balances(test, &funding, checks);
    let unsigned = match build(group, test, &funding, checks)? {
        Ok(unsigned) => unsigned,
        Err(error) => {
            return Some(refusal::check(&error, test.missing_satoshis, checks));
        }
    };
    let missing = test.expected.as_ref().ok_or("a valid vector expects something");
    let expected = checks.made("expected", missing)?;
    let field = "expected.unsigned_tx";
    checks.transaction(field, &expected.unsigned_tx, &unsigned);
    let local = checks.made("expected.local_signature", funding.sign(&unsigned, local))?;
    let remote = checks.made("expected.remote_signature", funding.sign(&unsigned, remote))?;
    let signatures = [
        ("expected.local_signature", &expected.local_signature, local, funding.local_pubkey),
        ("expected.remote_signature", &expected.remote_signature, remote, funding.remote_pubkey),
    ];
    for (field, given, made, key) in signatures {
        check_signature(field, given, &made, &key, &funding, &unsigned, checks);
    }
    let mut signed = unsigned;
    signed.input[0].witness = funding.witness(&local, &remote);
    checks.transaction("expected.closing_tx", &expected.closing_tx, &signed);
    let txid = signed.compute_txid().to_string();
    checks.equal("expected.closing_txid", &expected.closing_txid, &txid);
    None
}

/// The transaction of the group's message; nothing if the inputs do not fit together.
fn build(
    group: &Group,
    test: &Test,
    funding: &Funding,
    checks: &mut Checks,
) -> Option<Result<Transaction, TxError>> {
    let closing = Closing {
        outpoint: funding.outpoint,
        to_local: test.to_local_msat,
        to_remote: test.to_remote_msat,
        local_script: test.local_scriptpubkey.clone(),
        remote_script: test.remote_scriptpubkey.clone(),
    };
    let fee = Amount::from_sat(test.fee_satoshis);
    match (group.message, test.dust_limit_satoshis, test.locktime, &test.outputs) {
        (ClosingMessage::ClosingSigned, Some(dust_limit), None, None) => {
            Some(closing.legacy(test.payer, fee, Amount::from_sat(dust_limit)))
        }
        (ClosingMessage::ClosingComplete, None, Some(locktime), Some(outputs)) => {
            let twice = matches!(&outputs[..], [first, second] if first == second);
            let fits = !twice && (1..=2).contains(&outputs.len());
            checks.holds("outputs", "each side has one output at most, and one has", fits);
            let locktime = LockTime::from_consensus(locktime);
            Some(closing.simple(test.payer, fee, locktime, outputs))
        }
        _ => {
            let claim = "the vector has the inputs of this message, and no others";
            checks.holds("message", claim, false);
            None
        }
    }
}

fn check_keys(expected: &ExpectedKeys, funding: &Funding, checks: &mut Checks) {
    let keys = [
        ("local_funding_pubkey", &expected.local_funding_pubkey, funding.local_pubkey),
        ("remote_funding_pubkey", &expected.remote_funding_pubkey, funding.remote_pubkey),
    ];
    for (name, expected, actual) in keys {
        checks.bytes(&format!("expected_keys.{name}"), expected, &actual.serialize());
    }
    let field = "expected_keys.funding_witness_script";
    checks.bytes(field, &expected.funding_witness_script, funding.script().as_bytes());
}

/// Nothing is in flight when a channel closes: the balances are the whole capacity.
fn check_balances(test: &Test, funding: &Funding, checks: &mut Checks) {
    let sum = test.to_local_msat.checked_add(test.to_remote_msat);
    let whole = sum.is_some() && sum == Msat::from_amount(funding.amount);
    checks.holds("to_remote_msat", "the balances add up to the funding amount", whole);
}

/// A signature is RFC 6979's, byte by byte, and verifies as a peer would do it.
fn check_signature(
    field: &str,
    given: &Hex,
    made: &Signature,
    key: &PublicKey,
    funding: &Funding,
    unsigned: &Transaction,
    checks: &mut Checks,
) {
    checks.bytes(field, given, &made.serialize_der());
    if let Some(signature) = checks.made(field, Signature::from_der(&given.0)) {
        let verifies = funding.verify(unsigned, key, &signature);
        checks.holds(field, "it is a signature of the transaction", verifies);
    }
}
