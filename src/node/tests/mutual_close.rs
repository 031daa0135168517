//! Closing in agreement.

use super::*;
use crate::bolt::tx::Side;
use crate::bolt::tx::closing::Closing;
use crate::bolt::wire::FeeRange;

#[test]
fn pays_out_both_balances_less_the_funders_fee() {
    let mut pair = Pair::normal(Anchors);
    pair.pay(ALICE, Msat(400_000_000));
    pair.command(BOB, NodeCommand::Close(pair.handle())).unwrap();
    pair.drive();
    let closing = pair.published(Purpose::Closing).unwrap();
    let values: Vec<u64> = closing.output.iter().map(|o| o.value.to_sat()).collect();
    assert_eq!(values[0], 400_000);
    assert!(values[1] < 600_000 && values[1] > 598_000, "{values:?}");
    pair.mine(1);
    let spent = ChannelEvent::FundingSpent(FundingSpend::MutualClose);
    assert!(pair.events.contains(&(ALICE, spent.clone())) && pair.events.contains(&(BOB, spent)));
    pair.mine(99);
    assert_eq!(pair.phases(), ["closed", "closed"]);
}

#[test]
fn begins_before_the_funding_has_its_depth() {
    for closer in [ALICE, BOB] {
        for cut in [false, true] {
            let mut pair = Pair::new();
            pair.open(Anchors, Msat(300_000_000));
            pair.drive();
            let handle = pair.handle();
            pair.command(closer, NodeCommand::Close(handle)).unwrap();
            if cut {
                pair.lose_connection();
                pair.connect();
            }
            // On a new connection neither claims that the channel is ready.
            let recorded = drive_recording(&mut pair);
            assert!(!recorded.contains(&"channel_ready"), "{recorded:?}");
            assert_eq!(pair.phases(), ["closing", "closing"]);
            pair.mine(1);
            let closed = (ALICE, ChannelEvent::FundingSpent(FundingSpend::MutualClose));
            assert!(pair.events.contains(&closed));
            let is_violation =
                |event: &ChannelEvent| matches!(event, ChannelEvent::Violation { .. });
            assert!(!pair.events.iter().any(|(_, event)| is_violation(event)));
        }
    }
}

#[test]
fn waits_for_pending_htlcs() {
    let mut pair = Pair::normal(Anchors);
    pair.offer(ALICE, Msat(400_000_000)).unwrap();
    pair.command(BOB, NodeCommand::Close(pair.handle())).unwrap();
    pair.drive();
    let closing = pair.published(Purpose::Closing).unwrap();
    assert!(closing.output.iter().any(|o| o.value == Amount::from_sat(400_000)));
}

/// What reaches Bob until the wire is empty.
#[track_caller]
fn drive_recording(pair: &mut Pair) -> Vec<&'static str> {
    let mut names = Vec::new();
    while let Some((to, message)) = pair.wire.front() {
        if *to == BOB {
            names.push(message.name());
        }
        pair.deliver(|_| {});
    }
    names
}

#[test]
fn shutdown_follows_the_signature_of_every_update_before_it() {
    for (by, peer_asks) in [(ALICE, false), (BOB, true)] {
        let mut pair = Pair::normal(Anchors);
        pair.offer(ALICE, Msat(100_000_000)).unwrap();
        // This one waits for the revocation of the commitment before.
        pair.offer(ALICE, Msat(200_000_000)).unwrap();
        pair.command(by, NodeCommand::Close(pair.handle())).unwrap();
        if peer_asks {
            pair.deliver_to(ALICE);
        }
        let names = drive_recording(&mut pair);
        let expected = [
            "update_add_htlc",
            "commitment_signed",
            "update_add_htlc",
            "commitment_signed",
            "shutdown",
        ];
        assert_eq!(names[..5], expected, "{names:?}");
        assert!(pair.published(Purpose::Closing).is_some());
        assert_eq!(pair.phases(), ["closing", "closing"]);
    }
}

#[test]
fn a_fee_below_the_fundees_range_is_raised_into_it() {
    let mut pair = Pair::with_feerates(FeeratePerKw(100), FeeratePerKw(1_000)).opened(Anchors);
    pair.pay(ALICE, Msat(400_000_000));
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.drive();
    let closing = pair.published(Purpose::Closing).unwrap();
    let paid: u64 = closing.output.iter().map(|o| o.value.to_sat()).sum();
    // 1 sat per vbyte over the expected weight, the least that Bob takes.
    assert_eq!(1_000_000 - paid, 676 / 4);
    assert!(closing.vsize() <= 676 / 4);
    assert_eq!(pair.mempool.len(), 2, "both publish the same transaction");
    assert_eq!(pair.mempool[0], pair.mempool[1]);
}

#[test]
fn a_fee_without_a_range_is_answered_with_another() {
    let mut pair = Pair::with_feerates(FeeratePerKw(100), FeeratePerKw(1_000)).opened(Anchors);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.until("closing_signed");
    pair.deliver(change!(ClosingSigned, m => m.fee_range = None));
    pair.drive();
    assert_eq!(pair.mempool.len(), 2, "both publish the same transaction");
    assert_eq!(pair.mempool[0], pair.mempool[1]);
}

#[test]
fn a_fee_that_nobody_can_agree_on_fails_the_channel() {
    let mut pair = Pair::with_feerates(FeeratePerKw(100), FeeratePerKw(1_000)).opened(Anchors);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.until("closing_signed");
    let one = Amount::from_sat(1);
    let range = FeeRange { min_fee_satoshis: one, max_fee_satoshis: one };
    pair.deliver(change!(ClosingSigned, m => m.fee_range = Some(range)));
    assert_eq!(pair.violation(BOB), "bolt02/closing_signed/fee-in-range");
    assert!(pair.published(Purpose::Commitment(CommitmentNumber(0))).is_some());
}

#[test]
fn an_output_between_the_dust_limits_does_not_stand_in_the_way() {
    let [low, high] = [546, 9_000].map(Amount::from_sat);
    for dust_limits in [[low, high], [high, low]] {
        for push in [Msat(5_000_000), Msat(995_000_000)] {
            let mut pair = Pair::new();
            pair.open_with_dust(dust_limits, Anchors, push);
            pair.drive();
            pair.mine(3);
            pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
            pair.drive();
            let published: Vec<Purpose> = pair.mempool.iter().map(|(of, _)| *of).collect();
            assert_eq!(published, [Purpose::Closing; 2], "{dust_limits:?} {push}");
            // Each publishes what the other signed: with the small output, and without.
            let mut counts: Vec<usize> =
                pair.mempool.iter().map(|(_, tx)| tx.output.len()).collect();
            counts.sort_unstable();
            assert_eq!(counts, [1, 2]);
        }
    }
}

/// Alice signs a closing transaction without the output of `side`; the pair after that.
fn closed_without(side: usize) -> Pair {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat(400_000_000));
    pair.drive();
    pair.mine(3);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.until("closing_signed");
    let (to_local, to_remote) = pair.commitments(ALICE).settled();
    let funding = pair.commitments(ALICE).funding.clone();
    let closing = Closing {
        outpoint: funding.outpoint,
        to_local,
        to_remote,
        local_script: pair.nodes[ALICE].wallet().script().clone(),
        remote_script: pair.nodes[BOB].wallet().script().clone(),
    };
    let key = pair.nodes[ALICE].channel(&pair.handle()).unwrap().secrets.funding;
    let left_out = pair.nodes[side].wallet().script().clone();
    pair.deliver(change!(ClosingSigned, m => {
        let mut signed = closing.legacy(Side::Local, m.fee_satoshis, Amount::ZERO).unwrap();
        signed.output.retain(|output| output.script_pubkey != left_out);
        m.signature = funding.sign(&signed, &key).unwrap();
    }));
    pair
}

#[test]
fn the_sender_may_leave_out_its_own_output_but_not_the_receivers() {
    let pair = closed_without(ALICE);
    let published = pair.published(Purpose::Closing).unwrap();
    let values: Vec<u64> = published.output.iter().map(|o| o.value.to_sat()).collect();
    assert_eq!(values, [400_000]);
    assert_eq!(closed_without(BOB).violation(BOB), "bolt02/any/signature-valid");
}

#[test]
fn a_second_shutdown_may_not_change_its_script() {
    let mut pair = Pair::normal(Anchors);
    pair.offer(ALICE, Msat(400_000_000)).unwrap();
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    let position = pair.wire.iter().position(|(_, m)| m.name() == "shutdown").unwrap();
    let (to, mut again) = pair.wire[position].clone();
    pair.wire.insert(position + 1, (to, again.clone()));
    pair.until("shutdown");
    pair.deliver(|_| {});
    let other = crate::bolt::tx::script::p2wpkh(&pair.id(ALICE));
    change!(Shutdown, m => m.scriptpubkey = other)(&mut again);
    pair.wire.push_front((to, again));
    pair.deliver(|_| {});
    assert_eq!(pair.violation(BOB), "bolt02/shutdown/same-script");
}

#[test]
fn an_offer_after_shutdown_fails_the_channel() {
    let mut pair = Pair::normal(Anchors);
    pair.offer(ALICE, Msat(400_000_000)).unwrap();
    let (to, offer) = pair.wire[0].clone();
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.until("shutdown");
    pair.deliver(|_| {});
    pair.wire.push_front((to, offer));
    pair.deliver(change!(UpdateAddHtlc, m => m.id = HtlcId(1)));
    assert_eq!(pair.violation(BOB), "bolt02/shutdown/no-add-after");
}

#[test]
fn a_wrong_closing_signature_fails_the_channel() {
    let mut pair = Pair::normal(Anchors);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.until("closing_signed");
    pair.deliver(change!(ClosingSigned, m => m.signature = other(m.signature)));
    assert_eq!(pair.violation(BOB), "bolt02/any/signature-valid");
}

#[test]
fn shutdown_to_a_script_that_is_no_standard_form_fails_the_channel() {
    let mut pair = Pair::normal(Anchors);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.deliver(
        change!(Shutdown, m => m.scriptpubkey = bitcoin::ScriptBuf::from_bytes(vec![0x51])),
    );
    assert_eq!(pair.violation(BOB), "bolt02/shutdown/script-form");
}
