//! What the numbers of a transaction mean: locktime, sequence, fee, and odd witnesses.

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, Transaction, Witness};

use super::samples::{ANCHORS_HTLCS, ANCHORS_TIMEOUT, FUNDING, HTLC_SUCCESS, SIMPLE};
use super::{explained, point, transaction};
use crate::bolt::tx::script;
use crate::bolt::units::{BlockHeight, CsvDelay, FeeratePerKw};
use crate::decode::tx::{Branch, Fee, Locktime, SequenceNote, Spent};

/// A transaction with this locktime and sequence, and nothing of a commitment.
fn with(locktime: u32, sequence: u32, version: i32) -> (Locktime, SequenceNote) {
    let mut transaction = transaction(FUNDING);
    transaction.lock_time = LockTime::from_consensus(locktime);
    transaction.input[0].sequence.0 = sequence;
    transaction.version.0 = version;
    let explanation = explained(&[transaction]);
    (explanation.locktime, explanation.inputs[0].sequence_note)
}

#[test]
fn locktime_is_a_height_below_its_threshold_and_a_time_above() {
    assert_eq!(with(0, 0, 2).0, Locktime::None);
    assert_eq!(with(499_999_999, 0, 2).0, Locktime::Height(BlockHeight(499_999_999)));
    assert_eq!(with(500_000_000, 0, 2).0, Locktime::Time(500_000_000));
    assert_eq!(with(500, 0xffff_ffff, 2).0, Locktime::Ignored(500));
    assert_eq!(with(500, 0xffff_fffe, 2).0, Locktime::Height(BlockHeight(500)));
}

/// BIP 68.
#[test]
fn sequence_delays_only_from_version_2_on_and_below_its_highest_bit() {
    for (sequence, version, expected) in [
        (0xffff_ffff, 2, SequenceNote::Final),
        (0xffff_fffe, 2, SequenceNote::EnablesLocktime),
        (0xffff_fffd, 2, SequenceNote::Replaceable(0xffff_fffd)),
        (0x8000_0090, 2, SequenceNote::Replaceable(0x8000_0090)),
        (144, 2, SequenceNote::Blocks(144)),
        (144, 3, SequenceNote::Blocks(144)),
        (144, -1, SequenceNote::Blocks(144)),
        (144, 1, SequenceNote::Replaceable(144)),
        (0x0001_0090, 2, SequenceNote::Blocks(144)),
        (0x0040_0002, 2, SequenceNote::Seconds(1024)),
    ] {
        assert_eq!(with(0, sequence, version).1, expected, "{sequence:#x} of version {version}");
    }
}

/// Appendix C: 15 000 sat/kw make 10 860 sat for the expected weight of 724; the real one is 721.
#[test]
fn fee_is_what_the_outputs_leave() {
    let explanation = explained(&[SIMPLE, FUNDING].map(transaction));
    let (amount, feerate) = (Amount::from_sat(10_860), FeeratePerKw(15_062));
    assert_eq!(explanation.fee, Fee::Known { amount, feerate });
    assert_eq!(explained(&[transaction(SIMPLE)]).fee, Fee::ParentsMissing(1));
    for amount in [10_000_001, u64::MAX] {
        let mut overspent = transaction(SIMPLE);
        overspent.output[0].value = Amount::from_sat(amount);
        assert_eq!(explained(&[overspent, transaction(FUNDING)]).fee, Fee::Impossible);
    }
    let mut coinbase = transaction(FUNDING);
    coinbase.input[0].previous_output = bitcoin::OutPoint::null();
    assert_eq!(explained(&[coinbase]).fee, Fee::Coinbase);
}

fn branch(transaction: Transaction) -> Branch {
    match &explained(&[transaction]).inputs[0].spent {
        Spent::Lightning { branch, .. } => *branch,
        other => panic!("{other:?}"),
    }
}

/// The interpreter takes any item with a bit set for true, but for a lone sign.
#[test]
fn choice_of_a_branch_is_read_as_the_interpreter_reads_it() {
    let script = script::to_local(&point(1), CsvDelay(144), &point(2));
    for (choice, expected) in [
        ([].as_slice(), Branch::Delay(CsvDelay(144))),
        (&[0], Branch::Delay(CsvDelay(144))),
        (&[0x80], Branch::Delay(CsvDelay(144))),
        (&[1], Branch::Revocation),
        (&[0x80, 0], Branch::Revocation),
        (&[0x81], Branch::Revocation),
    ] {
        let mut sweep = transaction(HTLC_SUCCESS);
        sweep.input[0].witness = Witness::from_slice(&[&[0x30; 71], choice, script.as_bytes()]);
        assert_eq!(branch(sweep), expected, "{choice:?}");
    }
}

#[test]
fn revocation_key_of_another_htlc_satisfies_nothing() {
    for hex in [HTLC_SUCCESS, ANCHORS_TIMEOUT] {
        let mut claim = transaction(hex);
        let script = claim.input[0].witness.last().unwrap().to_vec();
        let key = point(1).serialize();
        claim.input[0].witness = Witness::from_slice(&[&[0x30; 71], key.as_slice(), &script]);
        assert_eq!(branch(claim), Branch::Unsatisfied);
    }
}

#[test]
fn item_that_is_no_signature_is_invalid() {
    let mut timeout = transaction(ANCHORS_TIMEOUT);
    let mut items = timeout.input[0].witness.to_vec();
    items[1] = vec![0x30; 71];
    timeout.input[0].witness = Witness::from_slice(&items);
    let text = explained(&[timeout, transaction(ANCHORS_HTLCS)]).to_string();
    assert!(text.contains("INVALID: it is no signature"), "{text}");
}
