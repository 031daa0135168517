//! Payments.

use super::*;
use crate::bolt::onion::Failure;
use crate::bolt::wire::messages::UpdateAddHtlc;

#[test]
fn payments_move_balances_both_ways() {
    for channel_type in BOTH {
        let mut pair = Pair::normal(channel_type);
        pair.pay(ALICE, Msat(400_000_000));
        pair.pay(BOB, Msat(150_000_500));
        let (alice, bob) = (Msat(750_000_500), Msat(249_999_500));
        assert_eq!(pair.commitments(ALICE).settled(), (alice, bob));
        assert_eq!(pair.commitments(BOB).settled(), (bob, alice));
        assert_eq!(pair.commitments(ALICE).pending(), 0);
    }
}

#[test]
fn payments_of_both_sides_may_cross() {
    let mut pair = Pair::normal(Anchors);
    pair.pay(ALICE, Msat(400_000_000));
    pair.offer(ALICE, Msat(10_000_000)).unwrap();
    pair.offer(BOB, Msat(20_000_000)).unwrap();
    pair.offer(ALICE, Msat(30_000_000)).unwrap();
    pair.drive();
    assert_eq!(pair.phases(), ["normal", "normal"], "{:?}", pair.events);
    assert_eq!(pair.commitments(ALICE).settled(), (Msat(580_000_000), Msat(420_000_000)));
    assert_eq!(pair.commitments(BOB).settled(), (Msat(420_000_000), Msat(580_000_000)));
}

/// The opener need not know yet of an HTLC that crosses its own, nor keep a fee for it.
#[test]
fn an_htlc_that_crosses_the_last_one_that_the_opener_can_pay_for_breaks_nothing() {
    let mut pair = Pair::normal(Anchors);
    pair.pay(ALICE, Msat(980_000_000));
    // What is left is the reserve, and the fee of a commitment with one HTLC and two anchors.
    let most = Msat(20_000_000 - 10_000_000 - (1_124 + 172 + 660) * 1_000);
    pair.offer(BOB, Msat(1_000_000)).unwrap();
    pair.offer(ALICE, most).unwrap();
    pair.drive();
    assert_eq!(pair.phases(), ["normal", "normal"], "{:?}", pair.events);
    let left = 20_000_000 + 1_000_000 - most.0;
    assert_eq!(pair.commitments(ALICE).settled().0, Msat(left));
}

/// In every commitment that is signed on the way, an HTLC that comes back is its offerer's again as
/// soon as it is out, and nobody else's.
#[test]
fn an_htlc_that_comes_back_is_its_offerers_in_every_commitment() {
    let mut pair = Pair::normal(Anchors);
    pair.pay(ALICE, Msat(400_000_000));
    let settled = [ALICE, BOB].map(|side| pair.commitments(side).settled());
    let before = pair.commitments(ALICE).local_states().len();
    pair.offer(ALICE, Msat(100_000_000)).unwrap();
    let invoice = crate::bolt::invoice::decode(pair.invoices.last().unwrap()).unwrap();
    pair.command(BOB, NodeCommand::Cancel(invoice.payment_hash())).unwrap();
    pair.drive();
    for side in [ALICE, BOB] {
        let states = &pair.commitments(side).local_states()[before..];
        let held = |state: &&std::sync::Arc<LocalState>| !state.commitment.htlcs.is_empty();
        assert_eq!((states.len(), states.iter().filter(held).count()), (2, 1));
        for state in states {
            let commitment = &state.commitment;
            let pending: u64 = commitment.htlcs.iter().map(|htlc| htlc.amount.0).sum();
            let (local, remote) = settled[side];
            let offered = |of: usize| if of == ALICE { pending } else { 0 };
            assert_eq!(commitment.to_local.0, local.0 - offered(side));
            assert_eq!(commitment.to_remote.0, remote.0 - offered(1 - side));
        }
        assert_eq!(pair.commitments(side).settled(), settled[side]);
    }
}

#[test]
fn every_signed_state_is_kept() {
    let mut pair = Pair::normal(Anchors);
    for _ in 0..3 {
        pair.pay(ALICE, Msat(1_000_000));
    }
    let states = pair.commitments(ALICE).local_states();
    assert_eq!(states.len(), 7, "one at the start, two a payment");
    for (number, state) in (0..).zip(states) {
        assert_eq!(state.commitment.number, CommitmentNumber(number));
        assert!(
            cheat::commitment(&pair.nodes[ALICE], &pair.handle(), CommitmentNumber(number)).is_ok()
        );
    }
}

#[test]
fn an_offer_beyond_balance_and_reserve_is_refused_here() {
    let mut pair = Pair::normal(Anchors);
    // Capacity less reserve, less the fee of a commitment with one HTLC, less two anchors.
    let most = 1_000_000 - 10_000 - (1124 + 172) - 660;
    let refused = pair.offer(ALICE, Msat((most + 1) * 1000));
    assert!(matches!(refused, Err(NodeError::Refused(Refused::BreaksLimit(_)))));
    pair.pay(ALICE, Msat(most * 1000));
}

/// `update_add_htlc` with one field changed fails the channel for that field's requirement.
#[track_caller]
fn add_fails(requirement: &str, change: impl FnOnce(&mut Message)) {
    let mut pair = Pair::normal(Anchors);
    pair.offer(ALICE, Msat(5_000_000)).unwrap();
    pair.deliver(change);
    assert_eq!(pair.violation(BOB), requirement);
    assert_eq!(pair.phase(BOB).name(), "closing");
    assert!(pair.published(Purpose::Commitment(CommitmentNumber(0))).is_some());
}

#[test]
fn update_add_htlc_outside_its_bounds_fails_the_channel() {
    add_fails("bolt02/update_add_htlc/ids-ascend", change!(UpdateAddHtlc, m => m.id = HtlcId(1)));
    add_fails(
        "bolt02/update_add_htlc/amount-at-least-minimum",
        change!(UpdateAddHtlc, m =>
        m.amount_msat = Msat(0)),
    );
    add_fails(
        "bolt02/update_add_htlc/cltv-expiry-is-height",
        change!(UpdateAddHtlc, m =>
        m.cltv_expiry = CltvExpiry(500_000_000)),
    );
    add_fails(
        "bolt02/update_add_htlc/max-in-flight",
        change!(UpdateAddHtlc, m =>
        m.amount_msat = Msat(1_000_000_001)),
    );
    add_fails(
        "bolt02/update_add_htlc/sender-affords",
        change!(UpdateAddHtlc, m =>
        m.amount_msat = Msat(995_000_000)),
    );
}

/// The next message of this name, changed, fails the channel for this requirement.
#[track_caller]
fn round_fails(name: &str, requirement: &str, change: impl FnOnce(&mut Message)) {
    let mut pair = Pair::normal(Anchors);
    pair.offer(ALICE, Msat(5_000_000)).unwrap();
    pair.until(name);
    let victim = pair.wire.front().unwrap().0;
    pair.deliver(change);
    assert_eq!(pair.violation(victim), requirement);
    assert_eq!(pair.phase(victim).name(), "closing");
}

#[test]
fn signatures_that_do_not_fit_fail_the_channel() {
    round_fails(
        "commitment_signed",
        "bolt02/any/signature-valid",
        change!(CommitmentSigned, m => m.signature = other(m.signature)),
    );
    round_fails(
        "commitment_signed",
        "bolt02/commitment_signed/htlc-signature-valid",
        change!(CommitmentSigned, m => m.htlc_signature[0] = other(m.htlc_signature[0])),
    );
    round_fails(
        "commitment_signed",
        "bolt02/commitment_signed/htlc-signature-count",
        change!(CommitmentSigned, m => m.htlc_signature.clear()),
    );
}

#[test]
fn a_secret_that_does_not_fit_fails_the_channel() {
    round_fails(
        "revoke_and_ack",
        "bolt02/revoke_and_ack/secret-generates-point",
        change!(RevokeAndAck, m => m.per_commitment_secret.0[0] ^= 1),
    );
}

#[test]
fn a_wrong_preimage_fails_the_channel() {
    round_fails(
        "update_fulfill_htlc",
        "bolt02/update_fulfill_htlc/preimage-fits",
        change!(UpdateFulfillHtlc, m => m.payment_preimage = PaymentPreimage([9; 32])),
    );
    round_fails(
        "update_fulfill_htlc",
        "bolt02/update_fulfill_htlc/id-committed",
        change!(UpdateFulfillHtlc, m => m.id = HtlcId(1)),
    );
}

#[test]
fn a_message_that_is_not_due_fails_the_channel() {
    let mut pair = Pair::normal(Anchors);
    let commitments = pair.commitments(ALICE);
    let message = CommitmentSigned {
        channel_id: commitments.channel_id,
        signature: commitments.local().unwrap().signature,
        htlc_signature: Vec::new(),
        funding_txid: None,
        unknown: Vec::new(),
    };
    pair.wire.push_back((BOB, message.into()));
    pair.drive();
    assert_eq!(pair.violation(BOB), "bolt02/commitment_signed/has-updates");
}

#[test]
fn nothing_is_offered_while_the_funding_is_unconfirmed() {
    let mut pair = Pair::normal(Anchors);
    for _ in 0..3 {
        pair.disconnect();
    }
    let lost = (ALICE, ChannelEvent::FundingUnconfirmed);
    assert!(pair.events.contains(&lost));
    let refused = pair.offer(ALICE, Msat(1_000));
    let nowhere = Unpayable::NoChannel(ShortChannelId(0));
    assert_eq!(refused, Err(NodeError::Unpayable(nowhere)));
}

/// What Bob thinks of a further HTLC of this side's, over so much, amid the removal of a first one
/// over 600,000 sat that Alice offers.
fn further(from: usize, amount: u64, amid: impl FnOnce(&mut Pair)) -> Result<(), String> {
    let mut pair = Pair::normal(Anchors);
    pair.offer(ALICE, Msat(600_000_000)).unwrap();
    let Some((_, Message::UpdateAddHtlc(add))) = pair.wire.front().cloned() else { panic!("none") };
    amid(&mut pair);
    let id = HtlcId(u64::from(from == ALICE));
    let further = UpdateAddHtlc { id, amount_msat: Msat(amount), ..add };
    let judged = pair.commitments(1 - from).receive_offer(&further);
    judged.map(drop).map_err(|violation| violation.to_string())
}

/// BOLT 2, "Adding an HTLC": a peer must be able to pay for an HTLC in the commitment that has it.
/// By then all is out of it that the same signature takes out.
#[test]
fn what_was_given_back_can_be_offered_again_with_the_signature_that_takes_it_out() {
    let fail = |pair: &mut Pair, until: &str| {
        let refuse = NodeCommand::Refuse(Some(Failure::TemporaryNodeFailure {}));
        pair.command(BOB, refuse).unwrap();
        pair.until("update_fail_htlc");
        pair.until(until);
    };
    let revoked = further(ALICE, 600_000_000, |pair| {
        fail(pair, "revoke_and_ack");
        pair.deliver(|_| {});
    });
    assert_eq!(revoked, Ok(()));
    let unrevoked = further(ALICE, 600_000_000, |pair| fail(pair, "revoke_and_ack"));
    assert!(unrevoked.is_err(), "Bob's next commitment has both");
}

#[test]
fn what_was_taken_can_be_offered_with_the_signature_that_pays_it() {
    let take = |pair: &mut Pair| {
        pair.until("update_fulfill_htlc");
        pair.deliver(|_| {});
    };
    assert_eq!(further(BOB, 500_000_000, take), Ok(()));
    let before = further(BOB, 500_000_000, |pair| pair.until("update_fulfill_htlc"));
    assert!(before.is_err(), "Alice does not know that Bob takes it");
}
