//! What cannot be right is named, with the transaction.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash;
use bitcoin::{ScriptBuf, Txid};

use super::*;

/// Alice's commitment is mined after this was done to it.
#[track_caller]
fn close_fails(words: &str, change: impl FnOnce(&OnChain, &mut Transaction)) {
    let mut recorded = Recorded::pending(Anchors);
    let commitment = recorded.commitment(ALICE);
    let mut changed = commitment.transaction.clone();
    change(&commitment, &mut changed);
    recorded.confirm(&[changed.clone()]);
    assert_named(&recorded, words);
    assert_named(&recorded, &serialize_hex(&changed));
}

/// A claim of the HTLC `tea` in Alice's commitment is mined after this was done to it: by herself
/// over its second stage, and by Bob directly.
#[track_caller]
fn claim_fails(way: Way, words: &str, change: impl FnOnce(&mut Transaction)) {
    let mut recorded = Recorded::pending(Anchors);
    let commitment = recorded.commitment(ALICE);
    recorded.confirm(std::slice::from_ref(&commitment.transaction));
    let (outpoint, htlc) = commitment.htlc(TEA);
    let mut claim = commitment.resolve(outpoint, &htlc, way).remove(0);
    let mut sound = recorded.clone();
    sound.confirm(&[claim.clone()]);
    assert_eq!(problems(&sound), Vec::<String>::new());
    change(&mut claim);
    recorded.confirm(&[claim.clone()]);
    assert_named(&recorded, words);
    assert_named(&recorded, &claim.compute_txid().to_string());
}

#[test]
fn an_htlc_without_an_output() {
    close_fails("has no output for the HTLC tea", |commitment, close| {
        close.output.remove(usize::try_from(commitment.htlc(TEA).0.vout).unwrap());
    });
}

#[test]
fn an_htlc_with_another_amount() {
    close_fails("99999 sat for the HTLC tea, where the messages give it 100000", |known, close| {
        let vout = usize::try_from(known.htlc(TEA).0.vout).unwrap();
        close.output[vout].value -= Amount::from_sat(1);
    });
}

#[test]
fn a_balance_with_another_amount_beside_htlcs() {
    close_fails("where the messages give it", |known, close| {
        let (outpoint, _) = known.output(OutputRole::ToLocal);
        close.output[usize::try_from(outpoint.vout).unwrap()].value += Amount::from_sat(1);
    });
}

#[test]
fn a_commitment_that_nobody_signed() {
    close_fails("a commitment that nobody knows", |_, close| {
        close.input[0].sequence.0 ^= 0x0000_0100;
    });
}

#[test]
fn a_commitment_of_which_no_message_tells() {
    let mut recorded = Recorded::pending(Anchors);
    let commitment = recorded.commitment(ALICE);
    let is_last = |entry: &crate::trace::Entry| {
        matches!(&entry.event, Event::Message { from, message, .. }
            if message.name() == "commitment_signed" && from.as_str() == "bob")
    };
    let position = recorded.trace.entries.iter().rposition(is_last).unwrap();
    recorded.trace.entries.remove(position);
    recorded.confirm(&[commitment.transaction]);
    assert_named(&recorded, "a commitment that nobody knows");
}

#[test]
fn a_preimage_of_another_hash() {
    claim_fails(Way::Preimage, "by a preimage that is none of its hash", |claim| {
        let mut items = claim.input[0].witness.to_vec();
        items[1] = vec![7; 32];
        claim.input[0].witness = bitcoin::Witness::from_slice(&items);
    });
}

#[test]
fn a_witness_of_no_known_shape() {
    let impossible = "by a script path that should be impossible";
    for way in [Way::Preimage, Way::Timeout] {
        claim_fails(way, impossible, |claim| {
            let mut items = claim.input[0].witness.to_vec();
            items.insert(0, vec![7; 32]);
            claim.input[0].witness = bitcoin::Witness::from_slice(&items);
        });
    }
    // Another key than that of the revocation.
    claim_fails(Way::Preimage, impossible, |claim| {
        let mut items = claim.input[0].witness.to_vec();
        items[1] = vec![2; 33];
        claim.input[0].witness = bitcoin::Witness::from_slice(&items);
    });
    // A direct timeout is for the other side's offers.
    claim_fails(Way::Preimage, impossible, |claim| {
        let mut items = claim.input[0].witness.to_vec();
        items[1] = Vec::new();
        claim.input[0].witness = bitcoin::Witness::from_slice(&items);
    });
}

#[test]
fn a_second_stage_of_another_amount() {
    claim_fails(Way::Timeout, "has 99999 sat, where it must have 100000", |stage| {
        stage.output[0].value -= Amount::from_sat(1);
    });
}

#[test]
fn a_second_stage_that_pays_a_stranger() {
    let stranger = || ScriptBuf::from_bytes(vec![0x51]);
    claim_fails(Way::Timeout, "to a stranger", |stage| {
        stage.output[0].script_pubkey = stranger();
    });
    claim_fails(Way::Timeout, "to a stranger", |stage| {
        let (coin, fee) = ((OutPoint::null(), Amount::ONE_BTC), Amount::from_sat(1));
        *stage = with_coin(stage.clone(), coin, &stranger(), fee);
    });
}

#[test]
fn a_coin_of_a_stranger() {
    claim_fails(Way::Timeout, "spends a coin of a stranger", |stage| {
        let coin = OutPoint { txid: Txid::all_zeros(), vout: 3 };
        let wallet = ScriptBuf::from_bytes(vec![0x51]);
        *stage = with_coin(stage.clone(), (coin, Amount::ONE_BTC), &wallet, Amount::from_sat(1));
    });
}

#[test]
fn a_reference_to_several_outputs_holds_of_all() {
    let pending = Recorded::pending(Anchors);
    let recorded = resolved(&pending, &pending.commitment(ALICE), Way::Timeout);
    let account = audited(&recorded);
    let at = Position { line: 1, column: 1, width: 1 };
    let mut all = At::new(observed(&account), at);
    let is_htlc = |name: &str| name.starts_with("ab.commitment.htlc");
    let first = all.value.entries.iter().position(|e| is_htlc(&e.output.to_string())).unwrap();
    let mut entry = all.value.entries[first].clone();
    all.value.entries.retain(|entry| !is_htlc(&entry.output.to_string()));
    let missing: Vec<String> =
        judge(&account, &all).into_iter().map(|problem| problem.message).collect();
    assert_eq!(missing.len(), 4, "{missing:?}");
    assert!(missing[0].contains("does not account for ab.commitment.htlc."), "{missing:?}");
    entry.output.value = "ab.commitment.htlcs".parse().unwrap();
    for (name, wrong) in [("alice", 1), ("bob", 3)] {
        entry.fate.value =
            crate::scenario::Fate::Taken { to: At::new(role(name), at), path: None, amount: None };
        let mut outcome = all.clone();
        outcome.value.entries.push(entry.clone());
        assert_eq!(judge(&account, &outcome).len(), wrong, "{name}");
    }
}

#[test]
fn what_is_sent_again_after_a_hang_up_is_in_the_books_already() {
    let pending = Recorded::pending(Anchors);
    let recorded = resolved(&pending, &pending.commitment(BOB), Way::Preimage);
    let expected = audited(&recorded);
    // Each signature with its updates, the first one alone, or each revocation comes a second time.
    for (repeated, times) in
        [("commitment_signed", 99), ("commitment_signed", 1), ("revoke_and_ack", 99)]
    {
        let mut left = times;
        let mut again = recorded.clone();
        let (mut unsigned, mut signed) = (Vec::new(), Vec::new());
        again.trace.entries.clear();
        for entry in &recorded.trace.entries {
            again.trace.entries.push(entry.clone());
            let Event::Message { from, to, message, .. } = &entry.event else { continue };
            if message.name().starts_with("update_") {
                unsigned.push((from, entry.clone()));
            }
            if message.name() == "commitment_signed" {
                let (now, later) = unsigned.into_iter().partition(|(by, _)| *by == from);
                (signed, unsigned) = (now, later);
            }
            if message.name() == repeated && left > 0 {
                left -= 1;
                again.tell(Event::LinkDown { from: from.clone(), to: to.clone() });
                if repeated == "commitment_signed" {
                    again.trace.entries.extend(signed.drain(..).map(|(_, entry)| entry));
                }
                again.trace.entries.push(entry.clone());
                // What was not signed yet is proposed anew.
                again.trace.entries.extend(unsigned.iter().map(|(_, entry)| entry.clone()));
            }
        }
        assert!(left < times);
        assert!(account(&again.trace) == expected, "{repeated} {times}: {:?}", problems(&again));
    }
}
