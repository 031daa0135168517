//! What honest roles lose by HTLCs; and claims that take something of two channels.

use std::collections::BTreeMap;

use super::*;
use crate::node::default_features;
use crate::scenario::RoleName;
use crate::trace::{Entry, Trace};

/// What Bob passes on of `relayed`.
const PASSED_ON: Msat = Msat(50_000_000);
/// What he gets for that.
const RELAYED: Msat = Msat(50_050_000);

/// One trace of what happened in several channels, in this order.
fn joined(recorded: &[&Recorded]) -> Trace {
    let (mut cast, mut channels, mut rest) = (BTreeMap::new(), Vec::new(), Vec::new());
    for entry in recorded.iter().flat_map(|recorded| &recorded.trace.entries) {
        if let Event::Scenario { cast: these, channels: those, .. } = &entry.event {
            for role in these {
                cast.insert(role.name.clone(), role.clone());
            }
            channels.extend(those.clone());
        } else {
            rest.push(entry.clone());
        }
    }
    let event = Event::Scenario {
        title: String::new(),
        cast: cast.into_values().collect(),
        channels,
        height: recorded[0].pair.height,
    };
    Trace { entries: [Entry { step: None, event }].into_iter().chain(rest).collect() }
}

/// Alice offers Bob an HTLC and he offers one with the same hash to Carol, whose invoice it is. The
/// reference's nodes know only one channel each, so he has Carol's secrets in the first.
fn relayed() -> [Recorded; 2] {
    relayed_for(RELAYED)
}

/// The same, where Bob gets this much.
fn relayed_for(amount: Msat) -> [Recorded; 2] {
    let features = default_features();
    let mut ab = Recorded::between(["alice", "bob"], ["alice", "carol"], "ab", &features);
    ab.open(Anchors, Msat(400_000_000));
    ab.hold(ALICE, "relayed", &[amount]);
    // The invoice is Carol's alone.
    ab.trace.entries.retain(|entry| !matches!(entry.event, Event::Invoice { .. }));
    let mut bc = Recorded::between(["bob", "carol"], ["bob", "carol"], "bc", &features);
    bc.open(Anchors, Msat(400_000_000));
    bc.hold(ALICE, "relayed", &[PASSED_ON]);
    ab.wallets[BOB] = bc.wallets[ALICE].clone();
    [ab, bc]
}

/// The HTLC of this amount is taken this way, in the commitment of that side.
fn ended(recorded: &Recorded, owner: usize, amount: Msat, way: Option<Way>) -> Recorded {
    let mut recorded = recorded.clone();
    let commitment = recorded.commitment(owner);
    recorded.confirm(std::slice::from_ref(&commitment.transaction));
    let (outpoint, htlc) = commitment.htlc(amount);
    if let Some(way) = way {
        let stage = commitment.resolve(outpoint, &htlc, way).remove(0);
        recorded.confirm(&[stage]);
    }
    recorded
}

/// What roles were robbed of, by channel.
fn robbed(recorded: &[&Recorded]) -> Vec<(String, RoleName, Msat)> {
    let account = account(&joined(recorded));
    assert_eq!(account.problems, Vec::<String>::new());
    let channels = account.channels.into_iter();
    channels
        .flat_map(|channel| {
            let name = channel.name.to_string();
            channel.robbed.into_iter().map(move |(role, amount)| (name.clone(), role, amount))
        })
        .collect()
}

#[test]
fn who_pays_for_what_it_passed_on_and_is_not_paid_loses_it() {
    let [ab, bc] = relayed();
    let loss = vec![("bc".to_owned(), role("bob"), PASSED_ON)];
    let [paid, returned] = [Way::Preimage, Way::Timeout].map(Some);
    for (owner, other) in [(ALICE, BOB), (BOB, ALICE), (ALICE, ALICE), (BOB, BOB)] {
        let ab = |way| ended(&ab, owner, RELAYED, way);
        let bc = |way| ended(&bc, other, PASSED_ON, way);
        assert_eq!(robbed(&[&ab(returned), &bc(paid)]), loss);
        assert_eq!(robbed(&[&ab(paid), &bc(paid)]), []);
        assert_eq!(robbed(&[&ab(returned), &bc(returned)]), []);
        assert_eq!(robbed(&[&ab(paid), &bc(returned)]), []);
        // Nobody knows yet.
        assert_eq!(robbed(&[&ab(None), &bc(paid)]), []);
        assert_eq!(robbed(&[&ab(returned), &bc(None)]), []);
    }
}

#[test]
fn who_pays_its_own_invoice_is_no_relay() {
    let [ab, bc] = relayed();
    let mut ab = ended(&ab, ALICE, RELAYED, Some(Way::Timeout));
    let bc = ended(&bc, BOB, PASSED_ON, Some(Way::Preimage));
    assert_eq!(robbed(&[&ab, &bc]).len(), 1);
    let (name, payment_hash) = (None, bc.pair.held());
    ab.tell(Event::Invoice { role: role("bob"), name, payment_hash, invoice: String::new() });
    assert_eq!(robbed(&[&ab, &bc]), []);
}

#[test]
fn what_is_paid_without_the_chain_counts_as_well() {
    let [ab, mut bc] = relayed();
    bc.pay_out(BOB, PASSED_ON);
    let loss = vec![("bc".to_owned(), role("bob"), PASSED_ON)];
    assert_eq!(robbed(&[&ended(&ab, ALICE, RELAYED, Some(Way::Timeout)), &bc]), loss);
    assert_eq!(robbed(&[&ended(&ab, ALICE, RELAYED, Some(Way::Preimage)), &bc]), []);
    assert_eq!(robbed(&[&ab, &bc]), []);
    let mut all = ab.clone();
    all.pay_out(BOB, RELAYED);
    assert_eq!(robbed(&[&all, &bc]), []);
}

#[test]
fn a_relay_that_is_paid_less_than_it_pays_loses_the_difference() {
    let less = Msat(PASSED_ON.0 - 1_000);
    let [ab, bc] = relayed_for(less);
    let ab = ended(&ab, ALICE, less, Some(Way::Preimage));
    let bc = ended(&bc, BOB, PASSED_ON, Some(Way::Preimage));
    assert_eq!(robbed(&[&ab, &bc]), vec![("bc".to_owned(), role("bob"), Msat(1_000))]);
}

#[test]
fn a_recipient_that_gave_its_preimage_away_loses_what_goes_back() {
    let mut pending = Recorded::pending(Anchors);
    for owner in [ALICE, BOB] {
        let before = ended(&pending, owner, TEA, Some(Way::Timeout));
        assert_eq!(robbed(&[&before]), []);
    }
    let commitments = [ALICE, BOB].map(|owner| pending.commitment(owner));
    pending.settle(BOB, TEA);
    for commitment in commitments {
        let mut recorded = pending.clone();
        recorded.confirm(std::slice::from_ref(&commitment.transaction));
        let (outpoint, htlc) = commitment.htlc(TEA);
        assert_eq!(robbed(&[&recorded]), []);
        let mut lost = recorded.clone();
        lost.confirm(&[commitment.resolve(outpoint, &htlc, Way::Timeout).remove(0)]);
        assert_eq!(robbed(&[&lost]), vec![("ab".to_owned(), role("bob"), TEA)]);
        recorded.confirm(&[commitment.resolve(outpoint, &htlc, Way::Preimage).remove(0)]);
        assert_eq!(robbed(&[&recorded]), []);
    }
}

#[test]
fn what_a_victim_takes_by_revocation_makes_up_for_htlcs_that_vanished() {
    let [mut ab, mut bc] = relayed();
    // Before Alice offered the HTLC that Bob passed on, she had that much more.
    let mut old =
        Recorded::between(["alice", "bob"], ["alice", "carol"], "ab", &default_features());
    old.open(Anchors, Msat(400_000_000));
    old.wallets = ab.wallets.clone();
    let old = old.commitment(ALICE);
    bc.pay_out(BOB, PASSED_ON);
    ab.confirm(std::slice::from_ref(&old.transaction));
    ab.cheats(ALICE);
    // The HTLC is gone, and Alice has all that she had: Bob took nothing yet.
    ab.confirm(&[old.sweep_to_remote()]);
    assert_eq!(robbed(&[&ab, &bc]), vec![("bc".to_owned(), role("bob"), PASSED_ON)]);
    let (to_local, amount) = old.output(OutputRole::ToLocal);
    let mut lost = ab.clone();
    lost.confirm(&[old.sweep_to_local()]);
    assert_eq!(robbed(&[&lost, &bc]), vec![("bc".to_owned(), role("bob"), PASSED_ON)]);
    ab.confirm(&[sweep(&[old.penalty(to_local, amount)], &old.wallets[1])]);
    assert_eq!(robbed(&[&ab, &bc]), []);
}

#[test]
fn an_htlc_that_a_role_gets_does_not_hide_a_balance_that_it_lost() {
    // Alice publishes what was before Bob had 20,000 sat more; his own HTLC comes back.
    let mut recorded = Recorded::pending(Anchors);
    recorded.cheats(ALICE);
    let old = recorded.commitment(ALICE);
    recorded.pay_out(BOB, TEA);
    recorded.confirm(std::slice::from_ref(&old.transaction));
    let (outpoint, htlc) = old.htlc(MILK);
    recorded.confirm(&[old.sweep_to_remote(), old.sweep_to_local()]);
    let loss = vec![("ab".to_owned(), role("bob"), TEA)];
    assert_eq!(robbed(&[&recorded]), loss);
    let mut returned = recorded.clone();
    returned.confirm(&[sweep(&[old.direct(outpoint, &htlc)], &old.wallets[1])]);
    assert_eq!(robbed(&[&returned]), loss);
    // What he takes as a penalty is another matter.
    recorded.confirm(&[sweep(&[old.htlc_penalty(outpoint, &htlc)], &old.wallets[1])]);
    let left = Msat(TEA.0 - MILK.0);
    assert_eq!(robbed(&[&recorded]), vec![("ab".to_owned(), role("bob"), left)]);
}

#[test]
fn a_claim_of_two_channels_is_booked_to_the_first() {
    let mut ab = Recorded::between(["alice", "bob"], ["alice", "bob"], "ab", &default_features());
    let mut bc = Recorded::between(["bob", "carol"], ["bob", "carol"], "bc", &default_features());
    for recorded in [&mut ab, &mut bc] {
        recorded.open(Anchors, Msat(400_000_000));
    }
    ab.hold(ALICE, "tea", &[TEA]);
    bc.hold(BOB, "milk", &[MILK]);
    let (in_ab, in_bc) = (ab.commitment(BOB), bc.commitment(ALICE));
    ab.confirm(std::slice::from_ref(&in_ab.transaction));
    bc.confirm(std::slice::from_ref(&in_bc.transaction));
    // Both second stages in one transaction, with a coin and change of Bob's.
    let (tea, milk) = (in_ab.htlc(TEA).0, in_bc.htlc(MILK).0);
    let mut merged = in_ab.second_stage(tea);
    let other = in_bc.second_stage(milk);
    merged.input.extend(other.input);
    merged.output.extend(other.output);
    let wallet = ab.wallets[BOB].clone();
    assert_eq!(wallet, bc.wallets[ALICE]);
    let merged = with_coin(merged, ab.coin(BOB), &wallet, Amount::from_sat(900));
    let txid = merged.compute_txid();
    let delayed = [
        in_ab.delayed(OutPoint { txid, vout: 0 }, TEA.to_sat_floor()),
        in_bc.delayed(OutPoint { txid, vout: 1 }, MILK.to_sat_floor()),
    ];
    let batch = sweep(&delayed, &wallet);
    let fee = TEA.to_sat_floor() + MILK.to_sat_floor() - batch.output[0].value;
    let [own_ab, own_bc] = [&in_ab, &in_bc].map(OnChain::sweep_to_local);
    let own_fee = |sweep: &Transaction, from: &OnChain| {
        (from.output(OutputRole::ToLocal).1 - sweep.output[0].value).to_sat()
    };
    let fees = [own_fee(&own_ab, &in_ab), own_fee(&own_bc, &in_bc)];
    let rest = [in_ab.sweep_to_remote(), in_bc.sweep_to_remote(), own_ab, own_bc];
    bc.confirm(&[merged, batch.clone()]);
    bc.confirm(&rest);
    let account = account(&joined(&[&ab, &bc]));
    assert_eq!(account.problems, Vec::<String>::new());
    let [first, second] = account.channels.as_slice() else { panic!("two channels") };
    let bob = role("bob");
    let close = 660 + 1_124 + 172;
    assert_eq!(first.entitled[&bob], Msat(400_000_000 + TEA.0));
    assert_eq!(first.lost[&bob], Msat((900 + fee.to_sat() + fees[0]) * 1000 + 500));
    assert_eq!(second.entitled[&bob], Msat(600_000_000 + MILK.0));
    assert_eq!(second.lost[&bob], Msat((close + fees[1]) * 1000));
    let brought = i64::try_from(600_000 + 50_000 - close - fees[1]).unwrap();
    assert_eq!(second.taken[&bob].to_sat(), brought);
    assert_eq!((first.resting.len(), second.resting.len()), (4, 2));
    assert_eq!(account.find(&"bc.htlc_success".parse().unwrap()).len(), 1);
    assert_eq!(account.find(&"bc.sweep".parse().unwrap())[0].txid, batch.compute_txid());
}
