//! Closing by `closing_complete` and `closing_sig`.

use bitcoin::absolute::LockTime;
use bitcoin::{ScriptBuf, Transaction};
use proptest::prelude::*;

use super::*;
use crate::bolt::features::{Feature, Features};
use crate::bolt::tx::Side;
use crate::bolt::tx::closing::{Closing, closing_weight};
use crate::bolt::tx::funding::Funding;
use crate::bolt::wire::messages::ClosingComplete;

mod cuts;

/// A capacity of 1,000,000 sat, of which Bob has this much.
const BOBS: Msat = Msat(400_000_000);

fn with_simple_close() -> Features {
    default_features().offering(Feature::SIMPLE_CLOSE)
}

/// Two nodes that both have the feature, with the fee rates that they pay.
fn nodes(feerates: [u32; 2]) -> Pair {
    let [alice, bob] = feerates.map(FeeratePerKw);
    let mut pair = Pair::with_feerates(alice, bob);
    for node in [ALICE, BOB] {
        pair.command(node, NodeCommand::SetFeatures(with_simple_close())).unwrap();
    }
    pair.reconnect();
    pair
}

/// A channel between these nodes, of which Bob has this much.
#[track_caller]
fn opened(mut pair: Pair, bobs: Msat) -> Pair {
    pair.open(Anchors, bobs);
    pair.drive();
    pair.mine(3);
    assert_eq!(pair.phases(), ["normal", "normal"]);
    pair
}

/// Both sides have sent `shutdown`, and nothing after it has arrived.
#[track_caller]
fn closing(mut pair: Pair) -> Pair {
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.deliver_to(BOB);
    pair.deliver_to(ALICE);
    pair
}

#[track_caller]
fn closed(bobs: Msat) -> Pair {
    let mut pair = closing(opened(nodes([1_000; 2]), bobs));
    pair.drive();
    pair
}

fn bump(pair: &mut Pair, node: usize, feerate: u32) -> Result<(), NodeError> {
    let handle = pair.handle();
    pair.command(node, NodeCommand::BumpClose(handle, FeeratePerKw(feerate)))
}

fn redirect(
    pair: &mut Pair,
    node: usize,
    feerate: u32,
    script: &ScriptBuf,
) -> Result<(), NodeError> {
    let (handle, script) = (pair.handle(), script.clone());
    pair.command(node, NodeCommand::RedirectClose(handle, FeeratePerKw(feerate), script))
}

fn wallet(pair: &Pair, node: usize) -> ScriptBuf {
    pair.nodes[node].wallet().script().clone()
}

fn taproot() -> ScriptBuf {
    ScriptBuf::from_bytes([&[0x51, 32][..], &[7; 32]].concat())
}

fn burn() -> ScriptBuf {
    ScriptBuf::from_bytes([&[0x6a, 6][..], &[7; 6]].concat())
}

/// The closing transactions that were published, each once; both sides have signed each of them.
#[track_caller]
fn published(pair: &Pair) -> Vec<Transaction> {
    let mut found: Vec<Transaction> = Vec::new();
    for (purpose, transaction) in &pair.mempool {
        assert_eq!(*purpose, Purpose::Closing);
        if !found.contains(transaction) {
            check(&pair.commitments(ALICE).funding, transaction);
            found.push(transaction.clone());
        }
    }
    found
}

/// The signatures of both sides fit.
#[track_caller]
fn check(funding: &Funding, transaction: &Transaction) {
    let items: Vec<&[u8]> = transaction.input[0].witness.iter().collect();
    let [[], first, second, script] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!(*script, funding.script().as_bytes());
    let mut keys = [funding.local_pubkey, funding.remote_pubkey];
    keys.sort();
    for (key, signature) in keys.iter().zip([first, second]) {
        let (all, der) = signature.split_last().unwrap();
        assert_eq!(*all, 1);
        assert!(funding.verify(transaction, key, &Signature::from_der(der).unwrap()));
    }
}

/// What an output to this script has.
fn paid(transaction: &Transaction, script: &ScriptBuf) -> Option<u64> {
    let mut outputs = transaction.output.iter();
    outputs.find(|output| output.script_pubkey == *script).map(|output| output.value.to_sat())
}

/// What the miner gets.
fn fee(transaction: &Transaction) -> u64 {
    1_000_000 - transaction.output.iter().map(|output| output.value.to_sat()).sum::<u64>()
}

#[track_caller]
fn nobody_is_to_blame(pair: &Pair) {
    let mut events = pair.events.iter();
    let blamed = events.find(|(_, event)| matches!(event, ChannelEvent::Violation { .. }));
    assert_eq!(blamed, None);
    assert_eq!(pair.told, []);
}

#[test]
fn each_side_pays_for_a_transaction_of_its_own() {
    let mut pair = closing(opened(nodes([1_000, 2_000]), BOBS));
    pair.drive();
    nobody_is_to_blame(&pair);
    assert_eq!(pair.mempool.len(), 4, "both publish both");
    let [bobs, alices] = published(&pair).try_into().unwrap();
    let [alice, bob] = [ALICE, BOB].map(|node| wallet(&pair, node));
    assert_eq!((paid(&alices, &alice), paid(&alices, &bob)), (Some(600_000 - 676), Some(400_000)));
    assert_eq!((paid(&bobs, &alice), paid(&bobs, &bob)), (Some(600_000), Some(400_000 - 2 * 676)));
    assert_eq!(closing_weight(&[&alice, &bob]), 676);
    for (transaction, feerate) in [(&alices, 1_000), (&bobs, 2_000)] {
        // Each signature is a byte or two shorter than it could be.
        let weight = transaction.weight().to_wu();
        assert!((670..=676).contains(&weight), "{weight}");
        let rate = fee(transaction) * 1000 / weight;
        assert!((feerate..feerate + feerate / 100).contains(&rate), "{rate}");
        assert_eq!(transaction.input[0].sequence.0, 0xffff_fffd);
    }
    for transaction in [alices, bobs] {
        let mut pair = pair.clone();
        pair.mempool.clear();
        pair.mine_these(vec![transaction]);
        let spent = ChannelEvent::FundingSpent(FundingSpend::MutualClose);
        for node in [ALICE, BOB] {
            assert!(pair.events.contains(&(node, spent.clone())));
        }
        (0..99).for_each(|_| pair.mine_these(Vec::new()));
        assert_eq!(pair.phases(), ["closed", "closed"]);
    }
}

#[test]
fn waits_for_pending_htlcs() {
    let mut pair = opened(nodes([1_000; 2]), BOBS);
    pair.offer(ALICE, Msat(100_000_000)).unwrap();
    pair.command(BOB, NodeCommand::Close(pair.handle())).unwrap();
    pair.drive();
    nobody_is_to_blame(&pair);
    let [first, second] = published(&pair).try_into().unwrap();
    for transaction in [first, second] {
        assert!(paid(&transaction, &wallet(&pair, BOB)).unwrap() >= 500_000 - 676);
    }
}

#[test]
fn each_side_replaces_its_transaction_three_times() {
    let mut pair = closed(BOBS);
    for feerate in [2_000, 3_000, 4_000] {
        for node in [ALICE, BOB] {
            let before = published(&pair).len();
            bump(&mut pair, node, feerate).unwrap();
            pair.drive();
            let all = published(&pair);
            assert_eq!(all.len(), before + 1);
            let (newest, script) = (all.last().unwrap(), wallet(&pair, node));
            let balance = [600_000, 400_000][node];
            let expected = u64::from(feerate) * 676 / 1000;
            assert_eq!((fee(newest), paid(newest, &script)), (expected, Some(balance - expected)));
        }
    }
    nobody_is_to_blame(&pair);
    // Any of them may be the one that confirms.
    for transaction in published(&pair) {
        let mut pair = pair.clone();
        pair.mine_these(vec![transaction]);
        let spent = ChannelEvent::FundingSpent(FundingSpend::MutualClose);
        assert_eq!(pair.events[pair.events.len() - 2..], [(ALICE, spent.clone()), (BOB, spent)]);
    }
}

#[test]
fn both_sides_may_replace_theirs_at_once() {
    let mut pair = closed(BOBS);
    bump(&mut pair, ALICE, 2_000).unwrap();
    bump(&mut pair, BOB, 3_000).unwrap();
    pair.drive();
    nobody_is_to_blame(&pair);
    let fees: Vec<u64> = published(&pair).iter().map(fee).collect();
    assert_eq!(fees, [676, 676, 2 * 676, 3 * 676]);
}

#[test]
fn a_script_may_change_and_is_the_one_that_the_peer_pays_to_from_then_on() {
    let mut pair = closed(BOBS);
    redirect(&mut pair, ALICE, 2_000, &taproot()).unwrap();
    pair.drive();
    bump(&mut pair, BOB, 3_000).unwrap();
    pair.drive();
    nobody_is_to_blame(&pair);
    let all = published(&pair);
    // 12 more bytes than a P2WPKH.
    let weight = 676 + 4 * 12;
    assert_eq!(paid(&all[2], &taproot()), Some(600_000 - 2 * weight));
    assert_eq!((paid(&all[3], &taproot()), fee(&all[3])), (Some(600_000), 3 * weight));
    // What both know is kept over a new connection.
    pair.reconnect();
    nobody_is_to_blame(&pair);
    assert_eq!(published(&pair), all);
}

#[test]
fn a_script_without_an_amount_leaves_all_to_the_miner() {
    for (node, balance) in [(ALICE, 600_000), (BOB, 400_000)] {
        let mut pair = closed(BOBS);
        redirect(&mut pair, node, 1_000, &burn()).unwrap();
        pair.drive();
        bump(&mut pair, 1 - node, 2_000).unwrap();
        pair.drive();
        nobody_is_to_blame(&pair);
        let all = published(&pair);
        assert_eq!(paid(&all[2], &burn()), Some(0));
        assert_eq!(paid(&all[2], &wallet(&pair, 1 - node)), Some(1_000_000 - balance));
        // The closee's amount goes the same way.
        assert_eq!(paid(&all[3], &burn()), Some(0));
        let weight = closing_weight(&[&burn(), &wallet(&pair, 1 - node)]);
        assert_eq!(fee(&all[3]), balance + 2 * weight);
    }
}

/// What a transaction pays Alice and Bob.
type Paid = (Option<u64>, Option<u64>);

#[test]
fn what_a_side_has_decides_which_outputs_there_are() {
    // Bob's balance; then what each transaction pays Alice and Bob. Bob's comes first.
    let table: [(u64, Vec<Paid>); 6] = [
        (0, vec![(Some(1_000_000 - 552), None)]),
        (293, vec![(Some(999_707 - 552), None)]),
        (294, vec![(Some(999_706 - 676), Some(294))]),
        (552, vec![(Some(999_448), None), (Some(999_448 - 676), Some(552))]),
        (969, vec![(Some(999_031), None), (Some(999_031 - 676), Some(969))]),
        (970, vec![(Some(999_030), Some(294)), (Some(999_030 - 676), Some(970))]),
    ];
    for (bobs, expected) in table {
        let pair = closed(Msat(bobs * 1000));
        nobody_is_to_blame(&pair);
        let [alice, bob] = [ALICE, BOB].map(|node| wallet(&pair, node));
        let all = published(&pair);
        let found: Vec<Paid> = all.iter().map(|tx| (paid(tx, &alice), paid(tx, &bob))).collect();
        assert_eq!(found, expected, "{bobs}");
    }
}

#[test]
fn parts_of_a_satoshi_are_rounded_down() {
    let pair = closed(Msat(400_000_001));
    let [alice, bob] = [ALICE, BOB].map(|node| wallet(&pair, node));
    let [bobs, alices] = published(&pair).try_into().unwrap();
    assert_eq!((paid(&alices, &alice), paid(&alices, &bob)), (Some(599_999 - 676), Some(400_000)));
    assert_eq!((paid(&bobs, &alice), paid(&bobs, &bob)), (Some(599_999), Some(400_000 - 676)));
}

#[test]
fn a_bump_that_makes_no_sense_is_refused() {
    let refused = |result: Result<(), NodeError>| match result {
        Err(NodeError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    };
    let mut pair = opened(nodes([1_000; 2]), BOBS);
    let early = refused(bump(&mut pair, ALICE, 2_000));
    assert!(matches!(early, Refused::WrongPhase { phase: "normal", .. }));
    let mut pair = closing(pair);
    assert_eq!(refused(bump(&mut pair, ALICE, 2_000)), Refused::AwaitsClosingSig);
    pair.drive();
    let [fee, last] = [676; 2].map(Amount::from_sat);
    let too_low = Refused::ClosingFeeTooLow { fee, last };
    assert_eq!(refused(bump(&mut pair, ALICE, 1_000)), too_low);
    let feerate = 900_000;
    let too_high = Refused::ClosingFeeTooHigh(FeeratePerKw(feerate));
    assert_eq!(refused(bump(&mut pair, ALICE, feerate)), too_high);
    let odd = ScriptBuf::from_bytes(vec![0x51]);
    assert_eq!(refused(redirect(&mut pair, ALICE, 2_000, &odd)), Refused::ClosingScript);
    assert!(pair.wire.is_empty());
    bump(&mut pair, ALICE, 2_000).unwrap();
    pair.lose_connection();
    let late = refused(bump(&mut pair, ALICE, 3_000));
    assert!(matches!(late, Refused::WrongPhase { phase: "shutdown", .. }));
}

#[test]
fn whoever_committed_to_a_script_keeps_it() {
    for commits in [true, false] {
        let mut pair = nodes([1_000; 2]);
        let bob = pair.id(BOB);
        pair.command(ALICE, NodeCommand::CommitToScript(bob, commits)).unwrap();
        let mut pair = closing(opened(pair, BOBS));
        pair.drive();
        let redirected = redirect(&mut pair, ALICE, 2_000, &taproot());
        assert_eq!(redirected.is_err(), commits);
        // A peer that does not keep to it.
        bump(&mut pair, ALICE, 3_000).unwrap_or_default();
        pair.drive();
        bump(&mut pair, ALICE, 4_000).unwrap();
        deliver_signed(&mut pair, |m| m.closer_scriptpubkey = taproot());
        assert_eq!(pair.is_connected, !commits);
        if commits {
            assert_eq!(pair.violation(BOB), "bolt02/shutdown/upfront-script");
        }
    }
}

/// Delivers the next `closing_complete` after a change, signed as it then is.
#[track_caller]
fn deliver_signed(pair: &mut Pair, change: impl FnOnce(&mut ClosingComplete)) {
    let from = 1 - pair.wire[0].0;
    let (to_local, to_remote) = pair.commitments(from).settled();
    let funding = pair.commitments(from).funding.clone();
    let key = pair.nodes[from].channel(&pair.handle()).unwrap().secrets.funding;
    pair.deliver(change!(ClosingComplete, m => {
        change(m);
        let closing = Closing {
            outpoint: funding.outpoint,
            to_local,
            to_remote,
            local_script: m.closer_scriptpubkey.clone(),
            remote_script: m.closee_scriptpubkey.clone(),
        };
        let sign = |old: Option<Signature>, outputs: &[Side]| {
            let lock_time = LockTime::from_consensus(m.locktime);
            let built = closing.simple(Side::Local, m.fee_satoshis, lock_time, outputs);
            old.map(|_| funding.sign(&built.unwrap(), &key).unwrap())
        };
        m.closer_output_only = sign(m.closer_output_only, &[Side::Local]);
        m.closee_output_only = sign(m.closee_output_only, &[Side::Remote]);
        let both = [Side::Local, Side::Remote];
        m.closer_and_closee_outputs = sign(m.closer_and_closee_outputs, &both);
    }));
}

/// The same signature with the other s, which is greater than half of the order.
fn high(signature: Signature) -> Signature {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36,
        0x41, 0x41,
    ];
    let mut bytes = signature.serialize_compact();
    let mut borrow = 0;
    for (byte, order) in bytes[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let high = Signature::from_compact(&bytes).unwrap();
    let mut normal = high;
    normal.normalize_s();
    assert_eq!(normal, signature);
    high
}

/// A changed message closes the connection; the channel is as it was, and closes over a new one.
#[track_caller]
fn refused(mut pair: Pair, name: &str, requirement: &str, change: impl FnOnce(&mut Message)) {
    let by_alice = |(to, message): &(usize, Message)| *to == BOB && message.name() == name;
    let position = pair.wire.iter().position(by_alice).expect("the message");
    let alices = pair.wire.remove(position).unwrap();
    pair.wire.push_front(alices);
    let before = pair.mempool.len();
    pair.deliver(change);
    assert_eq!(pair.violation(BOB), requirement);
    assert_eq!(pair.wire.back().unwrap().1.name(), "warning");
    assert!(!pair.is_connected);
    assert_eq!(pair.mempool.len(), before);
    pair.reconnect();
    assert_eq!(pair.phases(), ["negotiating", "negotiating"]);
    assert_eq!(published(&pair).len(), 2);
}

#[test]
fn a_wrong_closing_complete_closes_the_connection() {
    let pair = closing(opened(nodes([1_000; 2]), BOBS));
    let refused = |rule: &str, change: fn(&mut ClosingComplete)| {
        let requirement = format!("bolt02/closing_complete/{rule}");
        let change = change!(ClosingComplete, m => change(m));
        refused(pair.clone(), "closing_complete", &requirement, change);
    };
    refused("fee-within-balance", |m| m.fee_satoshis = Amount::from_sat(600_001));
    // It could be paid; but the signatures are for another fee.
    refused("signature-valid", |m| m.fee_satoshis = Amount::from_sat(600_000));
    refused("closee-script-last-sent", |m| m.closee_scriptpubkey = taproot());
    refused("closer-script-form", |m| m.closer_scriptpubkey = ScriptBuf::from_bytes(vec![0x51]));
    refused("signature-valid", |m| m.closer_scriptpubkey = taproot());
    refused("signature-valid", |m| m.locktime = 1);
    refused("signature-present", |m| m.closer_and_closee_outputs = None);
    refused("signature-present", |m| {
        m.closer_output_only = None;
        m.closer_and_closee_outputs = None;
    });
    refused("signature-valid", |m| m.closee_output_only = m.closer_and_closee_outputs.take());
    refused("signature-valid", |m| m.closer_and_closee_outputs = m.closer_output_only);
    refused("signature-valid", |m| {
        m.closer_and_closee_outputs = m.closer_and_closee_outputs.map(other);
    });
    refused("signature-valid", |m| {
        m.closer_and_closee_outputs = m.closer_and_closee_outputs.map(high);
    });
}

#[test]
fn a_closing_complete_with_other_signatures_than_due_is_signed_and_told() {
    let pair = closing(opened(nodes([1_000; 2]), BOBS));
    let told = |change: fn(&mut ClosingComplete)| {
        let mut pair = pair.clone();
        while pair.wire[0].0 != BOB {
            pair.wire.rotate_left(1);
        }
        pair.deliver(change!(ClosingComplete, m => change(m)));
        assert_eq!(pair.violation(BOB), "bolt02/closing_complete/signatures-by-balance");
        assert_eq!(published(&pair).len(), 1);
        assert!(pair.is_connected);
    };
    told(|m| m.closer_output_only = None);
    told(|m| m.closee_output_only = m.closer_output_only);
}

#[test]
fn a_locktime_of_the_closers_is_kept() {
    let mut pair = closing(opened(nodes([1_000; 2]), BOBS));
    while pair.wire[0].0 != BOB {
        pair.wire.rotate_left(1);
    }
    deliver_signed(&mut pair, |m| m.locktime = 500);
    nobody_is_to_blame(&pair);
    assert_eq!(published(&pair)[0].lock_time, LockTime::from_consensus(500));
    let Message::ClosingSig(reply) = &pair.wire.back().unwrap().1 else { panic!() };
    assert_eq!(reply.locktime, 500);
}

#[test]
fn a_wrong_closing_sig_closes_the_connection() {
    let mut pair = closing(opened(nodes([1_000; 2]), BOBS));
    // Bob's `closing_complete` arrives, and Alice signs.
    pair.deliver_to(ALICE);
    assert_eq!(pair.wire.back().unwrap().1.name(), "closing_sig");
    let refused = |rule: &str, change: fn(&mut messages::ClosingSig)| {
        let requirement = format!("bolt02/closing_sig/{rule}");
        let change = change!(ClosingSig, m => change(m));
        refused(pair.clone(), "closing_sig", &requirement, change);
    };
    refused("repeats-closing-complete", |m| m.closer_scriptpubkey = taproot());
    refused("repeats-closing-complete", |m| m.closee_scriptpubkey = taproot());
    refused("repeats-closing-complete", |m| m.fee_satoshis = Amount::from_sat(677));
    refused("repeats-closing-complete", |m| m.locktime = 1);
    refused("one-signature", |m| m.closer_and_closee_outputs = None);
    refused("one-signature", |m| m.closer_output_only = m.closer_and_closee_outputs);
    // Bob has less: he did not sign for himself alone.
    refused("signature-offered", |m| {
        m.closer_output_only = m.closer_and_closee_outputs.take();
    });
    refused("signature-valid", |m| {
        m.closer_and_closee_outputs = m.closer_and_closee_outputs.map(other);
    });
    refused("signature-valid", |m| {
        m.closer_and_closee_outputs = m.closer_and_closee_outputs.map(high);
    });
}

#[test]
fn a_closing_sig_that_answers_nothing_closes_the_connection() {
    let mut pair = closing(opened(nodes([1_000; 2]), BOBS));
    pair.deliver_to(ALICE);
    let (to, twice) = pair.wire.back().unwrap().clone();
    pair.drive();
    nobody_is_to_blame(&pair);
    pair.mempool.clear();
    pair.wire.push_back((to, twice));
    refused(pair, "closing_sig", "bolt02/closing_sig/closing-complete-outstanding", |_| {});
}

#[test]
fn the_other_negotiation_is_not_answered() {
    let mut legacy = Pair::normal(Anchors);
    legacy.command(ALICE, NodeCommand::Close(legacy.handle())).unwrap();
    legacy.until("closing_signed");
    let mut simple = closing(opened(nodes([1_000; 2]), BOBS));
    let mut signed = legacy.wire[0].1.clone();
    let complete = simple.wire.iter().find(|(to, _)| *to == BOB).unwrap().1.clone();
    let channel_id = simple.commitments(BOB).channel_id;
    change!(ClosingSigned, m => m.channel_id = channel_id)(&mut signed);
    simple.wire.push_front((BOB, signed));
    simple.deliver(|_| {});
    assert_eq!(simple.violation(BOB), "bolt02/closing_signed/without-simple-close");
    assert!(simple.published(Purpose::Commitment(CommitmentNumber(0))).is_some());
    legacy.wire.push_front((BOB, complete));
    legacy.deliver(|_| {});
    assert!(!legacy.is_connected);
    let Some((BOB, PeerEvent::Violation { requirement, .. })) = legacy.told.last() else {
        panic!("{:?}", legacy.told)
    };
    assert_eq!(requirement, "bolt09/any/negotiated");
}
