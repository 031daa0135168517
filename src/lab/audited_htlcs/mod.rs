//! What the audit makes of HTLCs on chain.

mod bench;
mod faults;
mod losses;
mod penalties;

use bitcoin::{Amount, OutPoint, Transaction};

use super::recorded::{Recorded, role};
use crate::audit::{Account, ChannelAccount, account, judge, observed};
use crate::bolt::tx::ChannelType::{self, Anchors, StaticRemotekey};
use crate::bolt::tx::OutputRole;
use crate::bolt::units::Msat;
use crate::node::pair::{ALICE, BOB};
use crate::scenario::{At, Position};
use crate::trace::Event;
use bench::{MILK, OnChain, SLICE, TEA, Way, sweep, with_coin};

/// The account of what was recorded. What it shows must hold as an outcome, too.
#[track_caller]
fn audited(recorded: &Recorded) -> Account {
    let account = account(&recorded.trace);
    let at = Position { line: 1, column: 1, width: 1 };
    let outcome = At::new(observed(&account), at);
    let problems: Vec<String> =
        judge(&account, &outcome).into_iter().map(|problem| problem.message).collect();
    assert_eq!(problems, Vec::<String>::new(), "{}", outcome.value.to_yaml());
    account
}

/// The only channel of an account without problems.
#[track_caller]
fn channel(recorded: &Recorded) -> ChannelAccount {
    let mut account = audited(recorded);
    assert_eq!(account.channels.len(), 1);
    account.channels.remove(0)
}

/// The outcome that the account shows, a line an output.
fn outcome(recorded: &Recorded) -> String {
    observed(&account(&recorded.trace)).to_yaml()
}

fn problems(recorded: &Recorded) -> Vec<String> {
    account(&recorded.trace).problems
}

#[track_caller]
fn assert_named(recorded: &Recorded, words: &str) {
    let problems = problems(recorded);
    assert!(problems.iter().any(|problem| problem.contains(words)), "{problems:#?}");
}

fn entitled(channel: &ChannelAccount) -> [Msat; 2] {
    ["alice", "bob"].map(|name| channel.entitled[&role(name)])
}

fn taken(channel: &ChannelAccount) -> [i64; 2] {
    ["alice", "bob"].map(|name| channel.taken[&role(name)].to_sat())
}

fn kinds(recorded: &Recorded, name: &str) -> usize {
    account(&recorded.trace).find(&name.parse().unwrap()).len()
}

/// The commitment is mined, and all of its outputs are taken.
fn resolved(recorded: &Recorded, commitment: &OnChain, way: Way) -> Recorded {
    let mut recorded = recorded.clone();
    recorded.confirm(std::slice::from_ref(&commitment.transaction));
    let mut claims = vec![commitment.sweep_to_local(), commitment.sweep_to_remote()];
    for (outpoint, htlc) in commitment.htlcs() {
        claims.extend(commitment.resolve(outpoint, &htlc, way));
    }
    recorded.confirm(&claims);
    recorded
}

fn every_case() -> impl Iterator<Item = (ChannelType, usize, Way)> {
    let types = [Anchors, StaticRemotekey].into_iter();
    types.flat_map(|channel_type| {
        [ALICE, BOB].into_iter().flat_map(move |owner| {
            [Way::Preimage, Way::Timeout].map(|way| (channel_type, owner, way))
        })
    })
}

#[test]
fn an_htlc_is_whole_who_took_it() {
    for (channel_type, owner, way) in every_case() {
        let pending = Recorded::pending(channel_type);
        let recorded = resolved(&pending, &pending.commitment(owner), way);
        let channel = channel(&recorded);
        let (from_alice, from_bob) = (TEA.0 + 2 * SLICE.0, MILK.0);
        let [alice, bob] = [600_000_000 - from_alice, 400_000_000 - from_bob];
        let expected = match way {
            Way::Preimage => [alice + from_bob, bob + from_alice],
            Way::Timeout => [alice + from_alice, bob + from_bob],
        };
        let case = format!("{channel_type:?} {owner} {way:?}");
        assert_eq!(entitled(&channel), expected.map(Msat), "{case}");
        assert_eq!(channel.robbed.len(), 0, "{case}");
        // Alice's offers that time out, or Bob's that she takes; and what she has left besides.
        let by_owner = match (owner == ALICE, way) {
            (true, Way::Timeout) | (false, Way::Preimage) => 3,
            (true, Way::Preimage) | (false, Way::Timeout) => 1,
        };
        assert_eq!(channel.second_stages.len(), by_owner, "{case}");
        let (kind, other) = match way {
            Way::Preimage => ("ab.htlc_success", "ab.htlc_timeout"),
            Way::Timeout => ("ab.htlc_timeout", "ab.htlc_success"),
        };
        assert_eq!((kinds(&recorded, kind), kinds(&recorded, other)), (by_owner, 0), "{case}");
        assert_eq!(kinds(&recorded, "ab.sweep"), 2 + 4, "{case}");
        // Nobody moved on what lies in the wallets.
        let unspent = account(&recorded.trace).unspent().len();
        let anchors = if channel_type == Anchors { 2 } else { 0 };
        assert_eq!(unspent, 6 + anchors, "{case}");
    }
}

#[test]
fn an_outcome_names_htlcs_by_their_invoices() {
    let pending = Recorded::pending(Anchors);
    let recorded = resolved(&pending, &pending.commitment(ALICE), Way::Timeout);
    let shown = outcome(&recorded);
    for line in [
        "  ab.commitment.htlc.tea: {to: alice, path: timeout, amount: 100_000 sat}\n",
        "  ab.commitment.htlc.milk: {to: bob, path: timeout, amount: 50_000 sat}\n",
        "  ab.commitment.htlc.cake: {to: alice, path: timeout, amount: 20_000 sat}\n",
        "  ab.second_stage.cake: {to: alice, path: delay, amount: 20_000 sat}\n",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
    assert_eq!(shown.matches("cake").count(), 2, "{shown}");
    // Parts with different fates go by who offered them.
    let commitment = pending.commitment(ALICE);
    let mut recorded = pending.clone();
    recorded.confirm(std::slice::from_ref(&commitment.transaction));
    let (outpoint, htlc) = commitment.htlc(SLICE);
    recorded.confirm(&commitment.resolve(outpoint, &htlc, Way::Preimage));
    let shown = outcome(&recorded);
    for line in [
        "  ab.commitment.htlc.alice.1: {to: bob, path: preimage, amount: 20_000 sat}\n",
        "  ab.commitment.htlc.alice.2: unspent\n",
        "  ab.commitment.htlc.tea: unspent\n",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
    audited(&recorded);
}

#[test]
fn htlcs_with_one_script_are_told_apart_by_their_expiries() {
    let mut recorded = Recorded::with_features(&crate::node::default_features());
    recorded.open(Anchors, Msat(400_000_000));
    let parts = [SLICE, SLICE];
    recorded.ask(BOB, "cake", &parts);
    let request = recorded.request(ALICE, &parts);
    let [mut late, early] = recorded.pair.nodes[ALICE].plan(&request).unwrap().try_into().unwrap();
    late.cltv_expiry.0 += 1;
    for plan in [late, early] {
        recorded.pair.command(ALICE, crate::node::NodeCommand::Send(plan)).unwrap();
        recorded.drive();
    }
    let commitment = recorded.commitment(ALICE);
    let scripts: std::collections::BTreeSet<_> = commitment
        .htlcs()
        .iter()
        .map(|(at, _)| &commitment.transaction.output[usize::try_from(at.vout).unwrap()])
        .collect();
    assert_eq!((commitment.htlcs().len(), scripts.len()), (2, 1));
    let recorded = resolved(&recorded, &commitment, Way::Timeout);
    let mut expiries = Vec::new();
    for output in &channel(&recorded).outputs {
        let crate::audit::OutputName::Htlc(htlc) = &output.name else { continue };
        let expiry = commitment.second_stage(output.outpoint).lock_time.to_consensus_u32();
        expiries.push((htlc.id, expiry));
    }
    expiries.sort_unstable();
    let [(0, late), (1, early)] = expiries.as_slice() else { panic!("{expiries:?}") };
    assert_eq!(*late, early + 1);
}
