//! Closing in agreement.

use bitcoin::ScriptBuf;

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
fn ranges_without_a_fee_in_common_are_warned_of_and_fail_the_channel_if_no_other_comes() {
    let mut pair = Pair::with_feerates(FeeratePerKw(100), FeeratePerKw(1_000)).opened(Anchors);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.until("closing_signed");
    let (_, proposal) = pair.wire[0].clone();
    pair.deliver(change!(ClosingSigned, m => m.fee_range = Some(range(1, 1))));
    assert_eq!(pair.wire.iter().map(|(_, m)| m.name()).collect::<Vec<_>>(), ["warning"]);
    assert_eq!(pair.phases(), ["negotiating", "negotiating"]);
    let mut better = pair.clone();
    better.wire.push_back((BOB, proposal));
    better.drive();
    assert_eq!(better.phases(), ["closing", "closing"]);
    pair.drive();
    pair.mine(5);
    assert_eq!(pair.phases(), ["negotiating", "negotiating"]);
    pair.mine_these(Vec::new());
    assert_eq!(pair.violation(BOB), "bolt02/closing_signed/answered-in-time");
    assert_eq!(pair.violation(ALICE), "bolt02/closing_signed/answered-in-time");
    assert!(pair.published(Purpose::Commitment(CommitmentNumber(0))).is_some());
    // A commitment is no agreement that a new connection could renew.
    pair.drive();
    pair.reconnect();
    assert_eq!(pair.phases(), ["closing", "closing"]);
    assert!(pair.published(Purpose::Closing).is_none());
}

fn range(min: u64, max: u64) -> FeeRange {
    let [min_fee_satoshis, max_fee_satoshis] = [min, max].map(Amount::from_sat);
    FeeRange { min_fee_satoshis, max_fee_satoshis }
}

#[test]
fn a_funder_that_cannot_pay_the_usual_fee_pays_what_it_has() {
    let mut pair = Pair::with_feerates(FeeratePerKw(200_000), FeeratePerKw(1_000));
    pair.open(Anchors, Msat(900_000_000));
    pair.drive();
    pair.mine(3);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.drive();
    let closing = pair.published(Purpose::Closing).unwrap();
    let values: Vec<u64> = closing.output.iter().map(|o| o.value.to_sat()).collect();
    assert_eq!(values, [900_000]);
}

/// A pair whose funder is about to propose its fee.
fn proposing() -> Pair {
    let mut pair = Pair::normal(Anchors);
    pair.pay(ALICE, Msat(400_000_000));
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.until("closing_signed");
    pair
}

/// Delivers the next `closing_signed` with another fee and range.
#[track_caller]
fn deliver_with_fee(pair: &mut Pair, fee: u64, range: FeeRange) {
    let from = 1 - pair.wire[0].0;
    let (to_local, to_remote) = pair.commitments(from).settled();
    let funding = pair.commitments(from).funding.clone();
    let closing = Closing {
        outpoint: funding.outpoint,
        to_local,
        to_remote,
        local_script: pair.nodes[from].wallet().script().clone(),
        remote_script: pair.nodes[1 - from].wallet().script().clone(),
    };
    let key = pair.nodes[from].channel(&pair.handle()).unwrap().secrets.funding;
    let funder = if from == ALICE { Side::Local } else { Side::Remote };
    let fee = Amount::from_sat(fee);
    let signed = closing.legacy(funder, fee, Amount::from_sat(546)).unwrap();
    pair.deliver(change!(ClosingSigned, m => {
        m.fee_satoshis = fee;
        m.fee_range = Some(range);
        m.signature = funding.sign(&signed, &key).unwrap();
    }));
}

/// The fee that the next message proposes.
#[track_caller]
fn proposed(pair: &Pair) -> u64 {
    let Message::ClosingSigned(message) = &pair.wire[0].1 else { panic!("{:?}", pair.wire) };
    message.fee_satoshis.to_sat()
}

#[test]
fn a_funder_that_begins_low_has_its_fee_at_once() {
    let mut pair = proposing();
    deliver_with_fee(&mut pair, 170, range(170, 1_170));
    assert_eq!(proposed(&pair), 170);
    assert!(pair.published(Purpose::Closing).is_some());
    let mut pair = proposing();
    deliver_with_fee(&mut pair, 168, range(160, 1_170));
    assert_eq!(proposed(&pair), 169);
    assert!(pair.published(Purpose::Closing).is_none());
}

#[test]
fn a_fundee_that_asks_for_all_that_the_funder_takes_has_it_at_once() {
    for (fee, accepted) in [(2 * 676, true), (2 * 676 + 1, false), (168, false)] {
        let mut pair = proposing();
        pair.deliver(|_| {});
        let before = pair.mempool.len();
        deliver_with_fee(&mut pair, fee, range(168, 9_000));
        if accepted {
            assert_eq!(proposed(&pair), fee);
            assert_eq!(pair.mempool[before].0, Purpose::Closing);
        } else {
            assert_eq!(pair.violation(ALICE), "bolt02/closing_signed/fee-in-range");
        }
    }
}

#[test]
fn a_fundee_that_has_proposed_a_fee_takes_no_other() {
    let mut pair = proposing();
    let (to, mut second) = pair.wire[0].clone();
    change!(ClosingSigned, m => m.fee_range = None)(&mut second);
    deliver_with_fee(&mut pair, 168, range(160, 1_170));
    assert_eq!(proposed(&pair), 169);
    pair.wire.push_front((to, second.clone()));
    deliver_with_fee(&mut pair, 170, range(160, 1_170));
    assert_eq!(pair.violation(BOB), "bolt02/closing_signed/fee-in-range");
}

#[test]
fn silence_of_the_fundee_fails_the_channel() {
    let mut pair = Pair::normal(Anchors);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.until("closing_signed");
    pair.wire.clear();
    (0..5).for_each(|_| pair.mine_these(Vec::new()));
    assert_eq!(pair.phases(), ["negotiating", "negotiating"]);
    pair.mine_these(Vec::new());
    assert_eq!(pair.violation(ALICE), "bolt02/closing_signed/answered-in-time");
    // Bob had nothing to answer.
    assert_eq!(pair.phases(), ["closing", "negotiating"]);
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
fn shutdown_to_a_script_that_is_no_standard_form_closes_the_connection() {
    let mut pair = Pair::normal(Anchors);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    pair.deliver(change!(Shutdown, m => m.scriptpubkey = ScriptBuf::from_bytes(vec![0x51])));
    assert_eq!(pair.violation(BOB), "bolt02/shutdown/script-form");
    assert_eq!(pair.wire.back().unwrap().1.name(), "warning");
    assert!(!pair.is_connected);
    pair.reconnect();
    assert_eq!(pair.phases(), ["closing", "closing"], "{:?}", pair.events);
    assert!(pair.published(Purpose::Closing).is_some(), "{:?} {:?}", pair.events, pair.told);
}

#[test]
fn a_channel_may_close_before_it_is_in_use() {
    for by in [ALICE, BOB] {
        let mut pair = Pair::new();
        pair.open(Anchors, Msat(400_000_000));
        pair.drive();
        let handle = *pair.nodes[ALICE].channels().next().unwrap().0;
        let is_funding = |(purpose, _): &(Purpose, _)| *purpose == Purpose::Funding;
        pair.command(by, NodeCommand::Close(handle)).unwrap();
        let mut reconnected = pair.clone();
        reconnected.reconnect();
        pair.drive();
        for mut pair in [pair, reconnected] {
            assert_eq!(pair.phases(), ["closing", "closing"], "{:?}", pair.events);
            let closing = pair.published(Purpose::Closing).unwrap().clone();
            assert_eq!(closing.output.len(), 2);
            assert!(pair.mempool.iter().any(is_funding));
            pair.mine(100);
            assert_eq!(pair.phases(), ["closed", "closed"]);
        }
    }
}

#[test]
fn shutdown_before_the_first_signatures_fails_the_channel() {
    let mut pair = Pair::normal(Anchors);
    pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
    let (_, shutdown) = pair.wire[0].clone();
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.until("funding_created");
    let handle = pair.handle();
    let mut early = shutdown.clone();
    change!(Shutdown, m => m.channel_id = handle)(&mut early);
    pair.wire.push_front((BOB, early));
    pair.deliver(|_| {});
    assert_eq!(pair.violation(BOB), "bolt02/any/expected-message");
}

/// Later witness versions take a feature; whoever says that it has it takes them.
#[test]
fn shutdown_to_a_later_witness_version_takes_its_feature() {
    let taproot = ScriptBuf::from_bytes([&[0x51, 32][..], &[7; 32]].concat());
    for offers in [true, false] {
        let mut pair = Pair::new();
        if !offers {
            let without = default_features().bits().filter(|bit| *bit != 27).collect();
            pair.command(BOB, NodeCommand::SetFeatures(without)).unwrap();
            pair.reconnect();
        }
        let mut pair = pair.opened(Anchors);
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        pair.deliver(change!(Shutdown, m => m.scriptpubkey = taproot.clone()));
        assert_eq!(pair.is_connected, offers);
    }
}

/// A pair whose nodes have committed to their scripts if the policy says so, before any channel.
fn committed(policies: [bool; 2]) -> Pair {
    let mut pair = Pair::new();
    for node in [ALICE, BOB] {
        let peer = pair.id(1 - node);
        pair.command(node, NodeCommand::CommitToScript(peer, policies[node])).unwrap();
    }
    pair
}

#[test]
fn an_upfront_script_is_the_only_one_to_close_to() {
    let other = crate::bolt::tx::script::p2wpkh(&committed([true; 2]).id(ALICE));
    for policies in [[true, true], [true, false], [false, true], [false, false]] {
        let mut pair = committed(policies).opened(Anchors);
        for node in [ALICE, BOB] {
            let terms = &pair.commitments(node).terms;
            let known = [&terms.local, &terms.remote].map(|p| p.upfront_shutdown_script.is_some());
            assert_eq!(known, [policies[node], policies[1 - node]]);
        }
        pair.pay(ALICE, Msat(400_000_000));
        pair.command(ALICE, NodeCommand::Close(pair.handle())).unwrap();
        let mut changed = pair.clone();
        changed.deliver(change!(Shutdown, m => m.scriptpubkey = other.clone()));
        assert_eq!(changed.is_connected, !policies[ALICE]);
        if policies[ALICE] {
            assert_eq!(changed.violation(BOB), "bolt02/shutdown/upfront-script");
            // Without the connection the channel is as it was.
            assert_eq!(changed.phase(BOB).name(), "normal");
        }
        pair.drive();
        let closing = pair.published(Purpose::Closing).unwrap();
        for node in [ALICE, BOB] {
            let script = pair.nodes[node].wallet().script();
            assert!(closing.output.iter().any(|output| output.script_pubkey == *script));
        }
    }
}

#[test]
fn without_the_feature_an_upfront_script_means_nothing() {
    let mut pair = committed([true; 2]);
    let without = default_features().bits().filter(|bit| *bit != 5).collect();
    pair.command(BOB, NodeCommand::SetFeatures(without)).unwrap();
    pair.reconnect();
    pair.open(Anchors, Msat::ZERO);
    let Message::OpenChannel(open) = &pair.wire[0].1 else { panic!("{:?}", pair.wire) };
    assert_eq!(open.upfront_shutdown_script, Some(ScriptBuf::new()));
    let script = ScriptBuf::from_bytes(vec![1, 2, 3]);
    pair.deliver(change!(OpenChannel, m => m.upfront_shutdown_script = Some(script)));
    pair.drive();
    pair.mine(3);
    assert_eq!(pair.phases(), ["normal", "normal"]);
    assert_eq!(pair.commitments(BOB).terms.remote.upfront_shutdown_script, None);
}

/// What both opening messages say of the script of `shutdown`.
#[track_caller]
fn upfront(message: &str, script: Option<ScriptBuf>, requirement: Option<&str>) {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.until(message);
    let receiver = pair.wire[0].0;
    pair.deliver(|message| match message {
        Message::OpenChannel(m) => m.upfront_shutdown_script = script,
        Message::AcceptChannel(m) => m.upfront_shutdown_script = script,
        other => panic!("{}", other.name()),
    });
    match requirement {
        Some(requirement) => assert_eq!(pair.violation(receiver), requirement),
        None => assert_eq!(pair.events, []),
    }
}

#[test]
fn an_upfront_script_is_there_and_has_an_allowed_form() {
    let taproot = ScriptBuf::from_bytes([&[0x51, 32][..], &[7; 32]].concat());
    let burn = ScriptBuf::from_bytes([&[0x6a, 6][..], &[7; 6]].concat());
    for message in ["open_channel", "accept_channel"] {
        upfront(message, Some(ScriptBuf::new()), None);
        upfront(message, Some(taproot.clone()), None);
        let form = "bolt02/open_channel/upfront-shutdown-script-form";
        upfront(message, Some(burn.clone()), Some(form));
        upfront(message, None, Some("bolt02/open_channel/upfront-shutdown-script-present"));
    }
}

#[test]
fn what_was_published_before_the_funding_is_published_again_with_it() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat(100_000_000));
    pair.drive();
    let handle = pair.handle();
    pair.command(BOB, NodeCommand::Close(handle)).unwrap();
    pair.drive();
    assert_eq!(pair.phases(), ["closing", "closing"]);
    let (_, funding) = pair.mempool.remove(0);
    let closing = pair.published(Purpose::Closing).cloned();
    pair.mempool.clear();
    pair.mine_these(Vec::new());
    assert!(pair.mempool.is_empty());
    pair.mine_these(vec![funding]);
    assert_eq!(pair.published(Purpose::Closing), closing.as_ref());
    pair.mine(1);
    assert!(pair.mempool.is_empty());
}
