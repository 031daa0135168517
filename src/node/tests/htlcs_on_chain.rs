//! HTLCs of a channel that is closed alone. The chain here takes what it is given; scenarios play the
//! same on a real one.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Transaction, TxOut};

use super::*;
use crate::node::PaymentEvent;
use crate::node::cheat::ClaimOptions;

const AMOUNT: Msat = Msat(100_000_000);

/// A payment of Alice's that Bob holds; both have a coin for fees.
fn held(channel_type: ChannelType) -> Pair {
    let mut pair = Pair::normal(channel_type);
    let script_pubkey = pair.nodes[BOB].wallet().script().clone();
    let coin = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: Vec::new(),
        output: vec![TxOut { value: Amount::from_sat(100_000), script_pubkey }],
    };
    pair.mine_these(vec![coin]);
    let request = InvoiceRequest { hold: true, ..InvoiceRequest::of(AMOUNT) };
    pair.hold(ALICE, &request);
    pair.drive();
    pair
}

/// The same, closed by this side.
fn closed(channel_type: ChannelType, closer: usize) -> Pair {
    let mut pair = held(channel_type);
    pair.command(closer, NodeCommand::ForceClose(pair.handle())).unwrap();
    pair.mine(1);
    pair
}

fn purposes(pair: &Pair) -> Vec<Purpose> {
    pair.mempool
        .iter()
        .map(|(purpose, _)| *purpose)
        .filter(|p| *p != Purpose::RemoteSweep)
        .collect()
}

fn expiry(pair: &Pair) -> BlockHeight {
    let (_, _, htlc) = pair.commitments(ALICE).htlcs().next().expect("an HTLC");
    BlockHeight(htlc.cltv_expiry.0)
}

#[test]
fn the_recipient_takes_it_with_the_preimage_and_the_offerer_learns_it() {
    for channel_type in BOTH {
        for (closer, purpose) in [(BOB, Purpose::HtlcSuccess), (ALICE, Purpose::RemoteSweep)] {
            let mut pair = closed(channel_type, closer);
            pair.mempool.clear();
            let hash = pair.held();
            pair.command(BOB, NodeCommand::Settle(hash)).unwrap();
            let success = pair.published(purpose).expect("a claim").clone();
            pair.mine_these(vec![success.clone()]);
            let paid = pair.payments.iter().any(|(node, event)| {
                *node == ALICE && matches!(event, PaymentEvent::Paid { payment_hash, .. } if *payment_hash == hash)
            });
            assert!(paid, "{channel_type:?} {closer} {:?}", pair.payments);
        }
    }
}

#[test]
fn the_offerer_takes_it_back_once_it_has_timed_out_and_not_before() {
    for channel_type in BOTH {
        for (closer, purpose) in [(ALICE, Purpose::HtlcTimeout), (BOB, Purpose::RemoteSweep)] {
            let mut pair = closed(channel_type, closer);
            pair.mine(1);
            pair.mempool.clear();
            let expiry = expiry(&pair);
            while pair.height.0 + 1 < expiry.0 {
                assert!(pair.published(purpose).is_none(), "{}", pair.height);
                pair.mine_these(Vec::new());
            }
            pair.mine_these(Vec::new());
            let timeout = pair.published(purpose).expect("a claim").clone();
            let lock_time = timeout.lock_time.to_consensus_u32();
            assert_eq!(lock_time, expiry.0, "{channel_type:?} {closer}");
            let failed = |pair: &Pair| {
                let came_back = |(node, event): &(usize, PaymentEvent)| {
                    *node == ALICE && matches!(event, PaymentEvent::Failed { .. })
                };
                pair.payments.iter().any(came_back)
            };
            pair.mine_these(vec![timeout]);
            for depth in 1..6 {
                assert!(!failed(&pair), "{depth}");
                pair.mine_these(Vec::new());
            }
            assert!(failed(&pair), "at reasonable depth");
        }
    }
}

#[test]
fn second_stages_are_swept_after_their_own_delay() {
    for channel_type in BOTH {
        let mut pair = closed(channel_type, BOB);
        pair.mempool.clear();
        pair.command(BOB, NodeCommand::Settle(pair.held())).unwrap();
        pair.mine(1);
        pair.mine(142);
        assert!(!purposes(&pair).contains(&Purpose::DelayedSweep));
        pair.mine(1);
        assert_eq!(purposes(&pair), [Purpose::DelayedSweep]);
        pair.mine(100);
        assert_eq!(pair.phase(BOB).name(), "closed");
    }
}

#[test]
fn what_has_no_output_fails_at_once_and_what_has_one_elsewhere_when_it_is_deep() {
    let mut pair = Pair::normal(Anchors);
    let request = InvoiceRequest { hold: true, ..InvoiceRequest::of(Msat(100_000)) };
    pair.hold(ALICE, &request);
    pair.drive();
    pair.command(ALICE, NodeCommand::ForceClose(pair.handle())).unwrap();
    pair.mine(1);
    let failed =
        |pair: &Pair| pair.events.contains(&(ALICE, ChannelEvent::HtlcFailed { id: HtlcId(0) }));
    assert!(failed(&pair), "dust");
    // Alice has signed it into Bob's commitment, and publishes her own without it.
    let mut pair = Pair::normal(Anchors);
    pair.offer(ALICE, AMOUNT).unwrap();
    pair.command(ALICE, NodeCommand::ForceClose(pair.handle())).unwrap();
    pair.wire.clear();
    pair.mine(5);
    assert!(!failed(&pair));
    pair.mine(1);
    assert!(failed(&pair));
}

#[test]
fn an_htlc_that_is_not_given_back_in_time_fails_the_channel() {
    let mut pair = held(StaticRemotekey);
    pair.lose_connection();
    let expiry = expiry(&pair);
    while pair.height.0 < expiry.0 + 1 {
        pair.mine_these(Vec::new());
        assert_eq!(pair.phase(ALICE).name(), "normal", "{} of {expiry}", pair.height);
    }
    pair.mine_these(Vec::new());
    assert_eq!(pair.phases(), ["closing", "normal"]);
    assert_eq!(pair.violation(ALICE), "bolt02/cltv_expiry_delta/timeout-deadline");
}

#[test]
fn an_htlc_that_is_taken_and_not_let_go_in_time_fails_the_channel() {
    let mut pair = held(StaticRemotekey);
    pair.lose_connection();
    pair.command(BOB, NodeCommand::Settle(pair.held())).unwrap();
    let expiry = expiry(&pair);
    while pair.height.0 + 18 < expiry.0 {
        pair.mine_these(Vec::new());
        assert_eq!(pair.phase(BOB).name(), "normal", "{} of {expiry}", pair.height);
    }
    pair.mine_these(Vec::new());
    assert_eq!(pair.phases(), ["normal", "closing"]);
    assert_eq!(pair.violation(BOB), "bolt02/cltv_expiry_delta/fulfillment-deadline");
}

/// The cheat takes an HTLC to its second stage: the penalty follows it there.
#[test]
fn revoked_htlcs_are_punished_at_either_stage() {
    for channel_type in BOTH {
        let mut pair = held(channel_type);
        let number = cheat::newest(&pair.nodes[BOB], &pair.handle()).unwrap();
        let revoked = cheat::commitment(&pair.nodes[BOB], &pair.handle(), number).unwrap();
        pair.command(BOB, NodeCommand::Settle(pair.held())).unwrap();
        pair.drive();
        pair.mempool.clear();
        pair.mine_these(vec![revoked]);
        let penalties = purposes(&pair).iter().filter(|p| **p == Purpose::Penalty).count();
        assert_eq!(penalties, 1, "the HTLC: Bob had nothing else");
        let outpoint = pair.published(Purpose::Penalty).unwrap().input[0].previous_output;
        let (claimed, way) = ([(pair.handle(), outpoint)], cheat::ClaimWay::Preimage);
        let second = cheat::claim(&pair.nodes[BOB], &claimed, way, ClaimOptions::default());
        let second = second.unwrap();
        pair.mempool.clear();
        pair.mine_these(vec![second.clone()]);
        let penalty = pair.published(Purpose::Penalty).expect("a penalty").clone();
        assert_eq!(penalty.input[0].previous_output.txid, second.compute_txid());
        pair.mine(100);
        assert!(pair.events.contains(&(ALICE, ChannelEvent::Resolved)), "{channel_type:?}");
    }
}

/// What a claim of this amount pays.
fn fee(pair: &Pair, purpose: Purpose, amount: u64) -> u64 {
    let claim = pair.published(purpose).expect("a claim");
    amount - claim.output.iter().map(|output| output.value.to_sat()).sum::<u64>()
}

#[test]
fn a_claim_pays_more_the_closer_its_deadline_comes() {
    let mut pair = closed(StaticRemotekey, ALICE);
    pair.mempool.clear();
    pair.command(BOB, NodeCommand::Settle(pair.held())).unwrap();
    let mut last = 0;
    while pair.height.0 < expiry(&pair).0 {
        let fee = fee(&pair, Purpose::RemoteSweep, 100_000);
        assert!(fee >= last, "{fee} after {last} at {}", pair.height);
        last = fee;
        pair.mempool.clear();
        pair.mine_these(Vec::new());
    }
    assert!(last > 5_000, "{last}");
}

#[test]
fn a_commitment_that_pays_too_little_gets_a_child_and_a_better_one_when_fees_rise() {
    let mut pair = held(Anchors);
    pair.command(ALICE, NodeCommand::SetFeerate(FeeratePerKw(5_000))).unwrap();
    pair.command(ALICE, NodeCommand::ForceClose(pair.handle())).unwrap();
    let commitment = pair.mempool[0].1.compute_txid();
    let child = pair.published(Purpose::AnchorBump).expect("a child").clone();
    assert_eq!(child.input[0].previous_output.txid, commitment);
    assert_eq!(child.input.len(), 2);
    pair.mempool.clear();
    pair.mine_these(Vec::new());
    assert_eq!(pair.published(Purpose::AnchorBump), Some(&child), "published again");
    pair.mempool.clear();
    pair.command(ALICE, NodeCommand::SetFeerate(FeeratePerKw(10_000))).unwrap();
    pair.mine_these(Vec::new());
    let better = pair.published(Purpose::AnchorBump).expect("a better child");
    assert_eq!(better.input[1].previous_output, child.input[1].previous_output);
    assert!(better.output[0].value < child.output[0].value);
}

#[test]
fn a_commitment_without_a_coin_to_pay_for_it_is_published_as_it_is() {
    let mut pair = Pair::normal(Anchors);
    pair.pay(ALICE, AMOUNT);
    pair.command(BOB, NodeCommand::SetFeerate(FeeratePerKw(5_000))).unwrap();
    pair.command(BOB, NodeCommand::ForceClose(pair.handle())).unwrap();
    assert!(matches!(pair.mempool.as_slice(), [(Purpose::Commitment(_), _)]));
    let no_coin = |event: &(usize, ChannelEvent)| {
        matches!(event, (BOB, ChannelEvent::NoCoin { purpose: Purpose::AnchorBump, .. }))
    };
    assert!(pair.events.iter().any(no_coin));
}
