//! What a person reads about closes, claims and penalties that `bolt::tx` builds.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxIn, TxOut, Witness};

use super::{explained, point, secret};
use crate::bolt::tx::claim::{Claim, ClaimPath, claim_transaction, to_remote_script};
use crate::bolt::tx::closing::Closing;
use crate::bolt::tx::funding::Funding;
use crate::bolt::tx::htlc::{Direction, Htlc};
use crate::bolt::tx::{
    ChannelType, Commitment, CommitmentKeys, ObscuringFactor, OutputRole, Side, script,
};
use crate::bolt::units::{CltvExpiry, CommitmentNumber, CsvDelay, FeeratePerKw, Msat};
use crate::decode::tx::{Action, Close, Evidence, Explanation, Kind, Role, Spent, explain};

const DELAY: CsvDelay = CsvDelay(144);
const PREIMAGE: [u8; 32] = [9; 32];

/// A transaction that pays to nobody in particular, with this output.
fn paying(output: TxOut) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn::default()],
        output: vec![output],
    }
}

fn funding() -> (Transaction, Funding) {
    let (local_pubkey, remote_pubkey) = (point(11), point(12));
    let amount = Amount::from_sat(1_000_000);
    let outpoint = OutPoint::null();
    let mut funding = Funding { outpoint, amount, local_pubkey, remote_pubkey };
    let mut transaction = paying(funding.output());
    transaction.input[0].previous_output.vout = 0;
    funding.outpoint = OutPoint { txid: transaction.compute_txid(), vout: 0 };
    (transaction, funding)
}

fn sign(funding: &Funding, mut transaction: Transaction) -> Transaction {
    let local = funding.sign(&transaction, &secret(11)).unwrap();
    let remote = funding.sign(&transaction, &secret(12)).unwrap();
    transaction.input[0].witness = funding.witness(&local, &remote);
    transaction
}

fn htlc(direction: Direction, amount: u64) -> Htlc {
    let payment_hash = sha256::Hash::hash(&PREIMAGE);
    Htlc { direction, amount: Msat(amount), payment_hash, cltv_expiry: CltvExpiry(500) }
}

fn commitment(channel_type: ChannelType) -> (Commitment, Transaction) {
    let keys = CommitmentKeys {
        revocation: point(1),
        local_delayed: point(2),
        local_htlc: point(3),
        remote_htlc: point(4),
        remote: point(5),
    };
    let commitment = Commitment {
        funding: funding().1,
        number: CommitmentNumber(7),
        obscuring_factor: ObscuringFactor::new(&point(20), &point(21)),
        channel_type,
        funder: Side::Local,
        dust_limit: Amount::from_sat(546),
        to_self_delay: DELAY,
        feerate: FeeratePerKw(253),
        to_local: Msat(600_000_000),
        to_remote: Msat(300_000_000),
        htlcs: vec![htlc(Direction::Offered, 40_000_000), htlc(Direction::Received, 60_000_000)],
        keys,
    };
    let transaction = sign(&commitment.funding, commitment.build().unsigned);
    (commitment, transaction)
}

/// A claim of the output with this role, by the key whose secret is this byte.
fn claim(commitment: &Commitment, role: OutputRole, path: ClaimPath, key: u8) -> Claim {
    let built = commitment.build();
    let (outpoint, output) = built.output(role).unwrap();
    let script = match role {
        OutputRole::ToLocal => commitment.to_local_script(),
        OutputRole::ToRemote => to_remote_script(commitment.channel_type, &commitment.keys.remote),
        OutputRole::Anchor(Side::Local) => script::anchor(&commitment.funding.local_pubkey),
        OutputRole::Anchor(Side::Remote) => script::anchor(&commitment.funding.remote_pubkey),
        OutputRole::Htlc(index) => {
            commitment.htlcs[index].script(commitment.channel_type, &commitment.keys)
        }
    };
    Claim { outpoint, amount: output.value, path, script, key: secret(key) }
}

fn sweep(claims: &[Claim]) -> Transaction {
    claim_transaction(claims, script::p2wpkh(&point(30)), FeeratePerKw(253)).unwrap()
}

fn explained_with_parent(child: Transaction, parent: &Transaction) -> Explanation {
    explained(&[child, parent.clone()])
}

/// One action, all signatures valid, and the spent output fits.
#[track_caller]
fn assert_action(child: Transaction, parent: &Transaction, expected: Action) {
    let explanation = explained_with_parent(child, parent);
    assert_eq!(explanation.kind, Kind::Claims([expected].into()), "{explanation}");
    assert_eq!(explanation.inputs[0].fits_output, Some(true), "{explanation}");
    assert!(!explanation.to_string().contains("INVALID"), "{explanation}");
}

#[test]
fn mutual_close() {
    let (parent, funding) = funding();
    let closing = Closing {
        outpoint: funding.outpoint,
        to_local: Msat(600_000_000),
        to_remote: Msat(400_000_000),
        local_script: script::p2wpkh(&point(30)),
        remote_script: script::p2wpkh(&point(31)),
    };
    let fee = Amount::from_sat(200);
    let legacy = closing.legacy(Side::Local, fee, Amount::from_sat(546)).unwrap();
    let legacy = explained_with_parent(sign(&funding, legacy), &parent);
    insta::assert_snapshot!(legacy.to_string());
    let sides = [Side::Local, Side::Remote];
    let simple = closing.simple(Side::Local, fee, LockTime::from_consensus(99), &sides).unwrap();
    let simple = explained_with_parent(sign(&funding, simple), &parent);
    assert_eq!(simple.kind, Kind::MutualClose(Close::Simple));
}

#[test]
fn other_sequence_is_no_mutual_close() {
    let (parent, funding) = funding();
    let mut transaction = paying(TxOut {
        value: Amount::from_sat(999_000),
        script_pubkey: script::p2wpkh(&point(30)),
    });
    transaction.input[0].previous_output = funding.outpoint;
    transaction.input[0].sequence.0 = 0xffff_fffe;
    let explanation = explained_with_parent(sign(&funding, transaction), &parent);
    assert_eq!(explanation.kind, Kind::FundingSpend);
}

#[test]
fn penalty_takes_the_whole_commitment() {
    let (state, parent) = commitment(ChannelType::Anchors);
    let revocationpubkey = state.keys.revocation;
    let by_key = || ClaimPath::HtlcRevocation { revocationpubkey };
    let penalty = sweep(&[
        claim(&state, OutputRole::ToLocal, ClaimPath::Revocation, 1),
        claim(&state, OutputRole::Htlc(0), by_key(), 1),
        claim(&state, OutputRole::Htlc(1), by_key(), 1),
    ]);
    let explanation = explained_with_parent(penalty.clone(), &parent);
    assert_eq!(explanation.kind, Kind::Claims([Action::Penalty].into()));
    insta::assert_snapshot!(explanation.to_string());

    // Seen from the commitment, the penalty shows all of its scripts but to_remote.
    let names = explain(&parent, std::slice::from_ref(&penalty)).outputs;
    let to_remote = names.iter().find(|output| output.amount == Amount::from_sat(300_000));
    let name = to_remote.unwrap().name.as_ref().unwrap();
    assert_eq!(name.roles, [Role::ToRemote, Role::OfferedHtlc, Role::ReceivedHtlc]);
    assert_eq!(name.evidence, Evidence::Guess);
}

#[test]
fn delayed_sweep() {
    let (state, _) = commitment(ChannelType::StaticRemotekey);
    let sweep = sweep(&[claim(&state, OutputRole::ToLocal, ClaimPath::Delayed(DELAY), 2)]);
    insta::assert_snapshot!(explained(&[sweep]).to_string());
}

#[test]
fn every_claim_is_known_by_its_branch() {
    for channel_type in [ChannelType::StaticRemotekey, ChannelType::Anchors] {
        let (state, parent) = commitment(channel_type);
        let to_remote = ClaimPath::ToRemote { channel_type, remotepubkey: state.keys.remote };
        let preimage = ClaimPath::HtlcPreimage { channel_type, preimage: PREIMAGE };
        let timeout = ClaimPath::HtlcTimeout { channel_type, cltv_expiry: CltvExpiry(500) };
        let delayed = ClaimPath::Delayed(DELAY);
        for (role, path, key, expected) in [
            (OutputRole::ToLocal, delayed, 2, Action::DelayedSweep),
            (OutputRole::ToLocal, ClaimPath::Revocation, 1, Action::Penalty),
            (OutputRole::ToRemote, to_remote, 5, Action::ToRemoteSweep),
            (OutputRole::Htlc(0), preimage, 4, Action::PreimageClaim),
            (OutputRole::Htlc(1), timeout, 4, Action::TimeoutClaim),
        ] {
            assert_action(sweep(&[claim(&state, role, path, key)]), &parent, expected);
        }
    }
}

#[test]
fn anchor_is_spent_by_its_key_or_cleaned_up_by_anyone() {
    let (state, parent) = commitment(ChannelType::Anchors);
    let role = OutputRole::Anchor(Side::Local);
    let to_local = claim(&state, OutputRole::ToLocal, ClaimPath::Delayed(DELAY), 2);
    let mixed = sweep(&[claim(&state, role, ClaimPath::Anchor, 11), to_local]);
    let explanation = explained_with_parent(mixed.clone(), &parent);
    let expected = Kind::Claims([Action::AnchorSpend, Action::DelayedSweep].into());
    assert_eq!(explanation.kind, expected);
    insta::assert_snapshot!(explanation.to_string());

    let mut cleanup = mixed;
    cleanup.input.truncate(1);
    let script = script::anchor(&state.funding.local_pubkey);
    cleanup.input[0].witness = Witness::from_slice(&[&[], script.as_bytes()]);
    assert_action(cleanup, &parent, Action::AnchorCleanup);
}

#[test]
fn second_stages_are_told_from_to_local_by_their_parent() {
    let (state, parent) = commitment(ChannelType::Anchors);
    let second = state.build().htlc_transactions(&state).unwrap().remove(1);
    let local = second.local_spend().sign(&second.unsigned, &secret(3)).unwrap();
    let remote = second.remote_spend().sign(&second.unsigned, &secret(4)).unwrap();
    let signed = second.signed(&local, &remote, &PREIMAGE);
    assert_action(signed.clone(), &parent, Action::HtlcSuccess);

    let claim = Claim {
        outpoint: OutPoint { txid: signed.compute_txid(), vout: 0 },
        amount: signed.output[0].value,
        path: ClaimPath::Revocation,
        script: state.to_local_script(),
        key: secret(1),
    };
    let explanation = explained_with_parent(sweep(&[claim]), &signed);
    let name = explanation.inputs[0].name.as_ref().unwrap();
    assert_eq!(name.known(), Some(Role::SecondStage));
}

#[test]
fn wrong_preimage_is_shown_as_wrong() {
    let (state, parent) = commitment(ChannelType::Anchors);
    let channel_type = state.channel_type;
    let preimage = ClaimPath::HtlcPreimage { channel_type, preimage: [8; 32] };
    let wrong = sweep(&[claim(&state, OutputRole::Htlc(0), preimage, 4)]);
    let text = explained_with_parent(wrong, &parent).to_string();
    assert!(text.contains("INVALID: it has another hash"), "{text}");
}

#[test]
fn witness_of_another_shape_satisfies_nothing() {
    let (state, parent) = commitment(ChannelType::Anchors);
    let mut wrong = sweep(&[claim(&state, OutputRole::ToLocal, ClaimPath::Revocation, 1)]);
    wrong.input[0].witness = Witness::from_slice(&[state.to_local_script().as_bytes()]);
    let explanation = explained_with_parent(wrong, &parent);
    assert_eq!(explanation.kind, Kind::Claims([Action::Unsatisfied].into()));
}

#[test]
fn contradictions_with_the_parent_are_shown() {
    let (state, parent) = commitment(ChannelType::Anchors);
    let mut sweep = sweep(&[claim(&state, OutputRole::ToLocal, ClaimPath::Revocation, 1)]);
    let real = sweep.input[0].previous_output.vout;
    sweep.input[0].previous_output.vout = (real + 1) % 6;
    let other = explained_with_parent(sweep.clone(), &parent).to_string();
    assert!(other.contains("asks for another script or key"), "{other}");
    sweep.input[0].previous_output.vout = 6;
    let none = explained_with_parent(sweep, &parent).to_string();
    assert!(none.contains("has no such output"), "{none}");
}

#[test]
fn wallet_transactions_have_no_sign_of_lightning() {
    let script_pubkey = script::p2wpkh(&point(30));
    let mut wallet = paying(TxOut { value: Amount::from_sat(1), script_pubkey });
    wallet.input[0].previous_output.vout = 1;
    wallet.input[0].witness =
        Witness::from_slice(&[vec![0x30; 71], point(30).serialize().to_vec()]);
    let explanation = explained(&[wallet.clone()]);
    assert_eq!(explanation.kind, Kind::Unrelated);
    assert!(matches!(explanation.inputs[0].spent, Spent::P2wpkh { .. }));
    wallet.output[0].script_pubkey = ScriptBuf::new_op_return([0; 4]);
    assert_eq!(explained(&[wallet]).outputs[0].name, None);
}
