//! Builds and signs a commitment transaction and its second stages, and compares.

use bitcoin::Amount;
use bitcoin::hashes::{Hash, sha256};
use secp256k1::ecdsa::Signature;

use super::super::{check::Checks, diff, hex::Hex};
use super::channel::Channel;
use super::{Expected, ExpectedHtlcTransaction, Group, Offer, SharedHtlc, Stage, Test};
use crate::bolt::tx::htlc::{Direction, Htlc, HtlcTransaction};
use crate::bolt::tx::{Commitment, CommitmentTransaction, OutputRole, script};

pub(super) fn replay(group: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let channel = checks.made("secrets", Channel::new(group))?;
    channel.check(group, checks);
    let find = |id: &u64| group.htlcs.iter().find(|htlc| htlc.htlc == *id);
    let shared: Option<Vec<&SharedHtlc>> = test.htlcs.iter().map(find).collect();
    let shared = checks.made("htlcs", shared.ok_or("the group has no such HTLC"))?;

    let commitment = Commitment {
        funding: channel.funding.clone(),
        number: group.commitment_number,
        obscuring_factor: channel.obscuring_factor,
        channel_type: group.channel_type,
        funder: group.opener,
        dust_limit: Amount::from_sat(test.local_dust_limit_satoshi),
        to_self_delay: group.local_delay,
        feerate: test.local_feerate_per_kw,
        to_local: test.to_local_msat,
        to_remote: test.to_remote_msat,
        htlcs: shared.iter().map(|htlc| htlc_of(htlc)).collect(),
        keys: channel.keys,
    };
    let built = commitment.build();
    check_fees(&test.expected, &commitment, &built, checks);
    check_balances(&test.expected, &commitment, &built, checks);
    check_htlc_outputs(&test.expected, &commitment, &built, &shared, checks);
    check_commitment(group, &test.expected, &channel, &built, checks)?;
    let expected = &test.expected.htlc_transactions;
    let second = checks.made("expected.htlc_transactions", built.htlc_transactions(&commitment))?;
    checks.equal("expected.htlc_transactions", &expected.len(), &second.len());
    if let Some(count) = &test.expected.num_htlcs {
        checks.equal("expected.num_htlcs", count, &second.len());
    }
    for (position, (expected, built)) in expected.iter().zip(&second).enumerate() {
        let path = format!("expected.htlc_transactions[{position}]");
        let shared = shared.iter().find(|htlc| htlc_of(htlc) == built.htlc);
        let shared = checks.made(&path, shared.ok_or("the commitment has no such HTLC"))?;
        check_htlc_transaction(&path, expected, shared, &channel, built, checks);
    }
    None
}

fn htlc_of(shared: &SharedHtlc) -> Htlc {
    Htlc {
        direction: match shared.direction {
            Offer::LocalToRemote => Direction::Offered,
            Offer::RemoteToLocal => Direction::Received,
        },
        amount: shared.amount_msat,
        payment_hash: sha256::Hash::hash(&shared.payment_preimage.0),
        cltv_expiry: shared.cltv_expiry,
    }
}

fn check_fees(
    expected: &Expected,
    commitment: &Commitment,
    built: &CommitmentTransaction,
    checks: &mut Checks,
) {
    let Some(fees) = &expected.fees else { return };
    let base = commitment.base_fee().to_sat();
    checks.equal("expected.fees.base_fee_satoshi", &fees.base_fee_satoshi, &base);
    let amounts = built.unsigned.output.iter().map(|output| output.value.to_sat());
    let paid = amounts.fold(0, u64::saturating_add);
    let actual = commitment.funding.amount.to_sat().saturating_sub(paid);
    checks.equal("expected.fees.actual_fee_satoshi", &fees.actual_fee_satoshi, &actual);
}

/// Compares `to_local` and `to_remote`; one that is not listed must not be there.
fn check_balances(
    expected: &Expected,
    commitment: &Commitment,
    built: &CommitmentTransaction,
    checks: &mut Checks,
) {
    let Some(outputs) = &expected.balance_outputs else { return };
    let mut compare = |field: &str, expected: Option<u64>, role| {
        let field = format!("expected.balance_outputs.{field}.amount_satoshi");
        checks.equal(&field, &text(expected), &text(amount(built, role)));
    };
    let (to_local, to_remote) = (&outputs.to_local, &outputs.to_remote);
    compare("to_local", to_local.as_ref().map(|o| o.amount_satoshi), OutputRole::ToLocal);
    compare("to_remote", to_remote.as_ref().map(|o| o.amount_satoshi), OutputRole::ToRemote);
    let pays = |role, script| built.output(role).is_some_and(|(_, o)| o.script_pubkey == script);
    if let Some(output) = to_local {
        let script = commitment.to_local_script();
        let field = "expected.balance_outputs.to_local.witness_script";
        checks.bytes(field, &output.witness_script, script.as_bytes());
        let there = pays(OutputRole::ToLocal, script.to_p2wsh());
        checks.holds(field, "the output pays to it", there);
    }
    if let Some(output) = to_remote {
        let key = commitment.keys.remote;
        let field = "expected.balance_outputs.to_remote.p2wpkh_pubkey";
        checks.bytes(field, &output.p2wpkh_pubkey, &key.serialize());
        let there = pays(OutputRole::ToRemote, script::p2wpkh(&key));
        checks.holds(field, "the output pays to it", there);
    }
}

fn check_htlc_outputs(
    expected: &Expected,
    commitment: &Commitment,
    built: &CommitmentTransaction,
    shared: &[&SharedHtlc],
    checks: &mut Checks,
) {
    let Some(outputs) = &expected.htlc_outputs else { return };
    let is_htlc = |role: &&OutputRole| matches!(role, OutputRole::Htlc(_));
    let count = built.roles.iter().filter(is_htlc).count();
    checks.equal("expected.htlc_outputs", &outputs.len(), &count);
    for (position, expected) in outputs.iter().enumerate() {
        let field = |name: &str| format!("expected.htlc_outputs[{position}].{name}");
        let found = shared.iter().position(|htlc| htlc.htlc == expected.htlc);
        let found = found.ok_or("the commitment has no such HTLC");
        let Some(found) = checks.made(&field("htlc"), found) else { continue };
        let twice = outputs[..position].iter().any(|before| before.htlc == expected.htlc);
        checks.holds(&field("htlc"), "an HTLC has one output only", !twice);
        let htlc = &commitment.htlcs[found];
        let same = expected.r#type == htlc.direction;
        checks.holds(&field("type"), "it is the HTLC's direction", same);
        let there = text(amount(built, OutputRole::Htlc(found)));
        checks.equal(&field("amount_satoshi"), &expected.amount_satoshi.to_string(), &there);
        let script = htlc.script(commitment.channel_type, &commitment.keys);
        checks.bytes(&field("witness_script"), &expected.witness_script, script.as_bytes());
    }
}

fn amount(built: &CommitmentTransaction, role: OutputRole) -> Option<u64> {
    built.output(role).map(|(_, output)| output.value.to_sat())
}

fn text(amount: Option<u64>) -> String {
    amount.map_or("none".to_owned(), |amount| amount.to_string())
}

/// Signs for both sides, and reads the expected transaction as a peer would.
fn check_commitment(
    group: &Group,
    expected: &Expected,
    channel: &Channel,
    built: &CommitmentTransaction,
    checks: &mut Checks,
) -> Option<()> {
    let (funding, secrets) = (&channel.funding, &group.secrets);
    let sign = |key| funding.sign(&built.unsigned, key);
    let local = checks.made("expected.local_signature", sign(&secrets.local_funding_privkey))?;
    let remote = checks.made("expected.remote_signature", sign(&secrets.remote_funding_privkey))?;
    let given = expected.local_signature.as_ref().map(|given| (given, &funding.local_pubkey));
    let signatures = [
        ("expected.local_signature", given, &local),
        (
            "expected.remote_signature",
            Some((&expected.remote_signature, &funding.remote_pubkey)),
            &remote,
        ),
    ];
    for (field, given, made) in signatures {
        let Some((given, key)) = given else { continue };
        let verify = |signature: &Signature| funding.verify(&built.unsigned, key, signature);
        check_signature(field, given, made, verify, checks);
    }
    let mut signed = built.unsigned.clone();
    signed.input[0].witness = funding.witness(&local, &remote);
    checks.transaction("expected.commit_tx", &expected.commit_tx, &signed);

    let decoded = checks.made("expected.commit_tx", diff::decode(&expected.commit_tx.0))?;
    let number = channel.obscuring_factor.number(&decoded);
    let number = number.ok_or("it does not have the marks of a commitment transaction");
    let number = checks.made("expected.commit_tx", number)?;
    checks.equal("commitment_number", &group.commitment_number, &number);
    Some(())
}

/// A signature is RFC 6979's, byte by byte, and verifies as a peer would do it.
fn check_signature(
    field: &str,
    given: &Hex,
    made: &Signature,
    verify: impl Fn(&Signature) -> bool,
    checks: &mut Checks,
) {
    checks.bytes(field, given, &made.serialize_der());
    if let Some(signature) = checks.made(field, Signature::from_der(&given.0)) {
        checks.holds(field, "it is a signature of the transaction", verify(&signature));
    }
}

fn check_htlc_transaction(
    path: &str,
    expected: &ExpectedHtlcTransaction,
    shared: &SharedHtlc,
    channel: &Channel,
    built: &HtlcTransaction,
    checks: &mut Checks,
) {
    let field = |name: &str| format!("{path}.{name}");
    if let Some(index) = &expected.output_index {
        let vout = built.unsigned.input[0].previous_output.vout;
        checks.equal(&field("output_index"), index, &vout);
    }
    if let Some(htlc) = &expected.htlc {
        checks.equal(&field("htlc"), htlc, &shared.htlc);
    }
    if let Some(stage) = expected.r#type {
        let direction = match stage {
            Stage::HtlcTimeout => Direction::Offered,
            Stage::HtlcSuccess => Direction::Received,
        };
        let fits = direction == built.htlc.direction;
        checks.holds(&field("type"), "it fits the HTLC's direction", fits);
    }
    let (unsigned, keys) = (&built.unsigned, &channel.keys);
    let local = built.local_spend().sign(unsigned, &channel.local_htlc_key);
    let remote = built.remote_spend().sign(unsigned, &channel.remote_htlc_key);
    let Some(local) = checks.made(&field("local_htlc_signature"), local) else { return };
    let Some(remote) = checks.made(&field("remote_htlc_signature"), remote) else { return };
    if let Some(given) = &expected.local_htlc_signature {
        let verify = |s: &Signature| built.local_spend().verify(unsigned, &keys.local_htlc, s);
        check_signature(&field("local_htlc_signature"), given, &local, verify, checks);
    }
    let verify = |s: &Signature| built.remote_spend().verify(unsigned, &keys.remote_htlc, s);
    let given = &expected.remote_htlc_signature;
    check_signature(&field("remote_htlc_signature"), given, &remote, verify, checks);
    let signed = built.signed(&local, &remote, &shared.payment_preimage.0);
    checks.transaction(&field("tx"), &expected.tx, &signed);
}
