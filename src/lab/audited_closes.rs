//! What the audit makes of closes by `closing_complete`.

use bitcoin::{Amount, ScriptBuf, Transaction};

use super::recorded::Recorded;
use crate::audit::{Kind, account};
use crate::bolt::features::Feature;
use crate::bolt::tx::ChannelType::Anchors;
use crate::bolt::units::{FeeratePerKw, Msat};
use crate::node::pair::{ALICE, BOB};
use crate::node::{NodeCommand, default_features};
use crate::scenario::RoleName;

fn role(node: usize) -> RoleName {
    super::recorded::role(["alice", "bob"][node])
}

impl Recorded {
    /// Both sides close a channel of which Bob has this much.
    fn closed(bobs: Msat) -> Self {
        let features = default_features().offering(Feature::SIMPLE_CLOSE);
        let mut recorded = Self::with_features(&features);
        recorded.open(Anchors, bobs);
        let handle = recorded.pair.handle();
        recorded.pair.command(ALICE, NodeCommand::Close(handle)).unwrap();
        recorded.drive();
        recorded
    }

    /// The problems of the account once this transaction has closed the channel.
    fn problems(mut self, close: &Transaction) -> Vec<String> {
        self.mine(std::slice::from_ref(close));
        account(&self.trace).problems
    }

    /// This transaction closes the channel; whose it is, what it pays both sides, what they lose.
    #[track_caller]
    fn settled(&self, close: &Transaction) -> (RoleName, [i64; 2], [u64; 2]) {
        let mut recorded = self.clone();
        recorded.mine(std::slice::from_ref(close));
        let account = account(&recorded.trace);
        assert_eq!(account.problems, Vec::<String>::new());
        // A coin for each output that has something.
        let coins = close.output.iter().filter(|output| output.value > Amount::ZERO);
        assert_eq!(account.unspent().len(), coins.count());
        let [channel] = account.channels.as_slice() else { panic!("{account:?}") };
        let close = channel.close.as_ref().unwrap();
        assert_eq!(close.kind, Kind::Closing);
        let taken = [ALICE, BOB].map(|node| channel.taken[&role(node)].to_sat());
        let lost = [ALICE, BOB].map(|node| channel.lost[&role(node)].0);
        (close.by.clone().unwrap(), taken, lost)
    }

    fn closings(&self) -> Vec<Transaction> {
        let mut found: Vec<Transaction> = Vec::new();
        for (_, transaction) in &self.pair.mempool {
            if !found.contains(transaction) {
                found.push(transaction.clone());
            }
        }
        found
    }
}

#[test]
fn the_closer_bears_the_fee() {
    let mut recorded = Recorded::closed(Msat(400_000_000));
    let handle = recorded.pair.handle();
    let script = ScriptBuf::from_bytes([&[0x51, 32][..], &[7; 32]].concat());
    let bump = NodeCommand::RedirectClose(handle, FeeratePerKw(2_000), script);
    recorded.pair.command(BOB, bump).unwrap();
    recorded.drive();
    let [bobs, alices, again] = recorded.closings().try_into().unwrap();
    let [alice, bob] = [ALICE, BOB].map(role);
    assert_eq!(recorded.settled(&alices), (alice, [599_324, 400_000], [676_000, 0]));
    assert_eq!(recorded.settled(&bobs), (bob.clone(), [600_000, 399_324], [0, 676_000]));
    let fee: i64 = 2 * (676 + 48);
    let lost = fee.unsigned_abs() * 1000;
    assert_eq!(recorded.settled(&again), (bob, [600_000, 400_000 - fee], [0, lost]));
}

#[test]
fn outputs_that_are_left_out_or_empty_are_accounted_for() {
    // Bob's 293,001 msat are dust, and less than a fee.
    let recorded = Recorded::closed(Msat(293_001));
    let [alices] = recorded.closings().try_into().unwrap();
    let taken = [999_706 - 552, 0];
    assert_eq!(recorded.settled(&alices), (role(ALICE), taken, [552_999, 293_001]));
    // Bob offers all that he has.
    let recorded = Recorded::closed(Msat(700_000));
    let [bobs, _] = recorded.closings().try_into().unwrap();
    assert_eq!(recorded.settled(&bobs), (role(BOB), [999_300, 0], [0, 700_000]));
    let mut recorded = Recorded::closed(Msat(400_000_000));
    let burn = ScriptBuf::from_bytes([&[0x6a, 6][..], &[7; 6]].concat());
    let handle = recorded.pair.handle();
    let bump = NodeCommand::RedirectClose(handle, FeeratePerKw(1_000), burn);
    recorded.pair.command(ALICE, bump).unwrap();
    recorded.drive();
    let burns = recorded.closings().pop().unwrap();
    assert_eq!(recorded.settled(&burns), (role(ALICE), [0, 400_000], [600_000_000, 0]));
}

#[test]
fn a_close_that_was_never_offered_is_a_problem() {
    let recorded = Recorded::closed(Msat(400_000_000));
    let [_, alices] = recorded.closings().try_into().unwrap();
    let problems = recorded.without("closing_complete").problems(&alices);
    assert!(problems.iter().any(|problem| problem.contains("to a stranger")), "{problems:?}");
    let mut later = alices.clone();
    later.lock_time = bitcoin::absolute::LockTime::from_consensus(1);
    let problems = recorded.clone().problems(&later);
    assert!(problems.iter().any(|problem| problem.contains("to a stranger")), "{problems:?}");
    let mut other = alices;
    other.output[0].value -= Amount::from_sat(1);
    let problems = recorded.problems(&other);
    assert!(problems.iter().any(|problem| problem.contains("pays bob 399999 sat")), "{problems:?}");
}

#[test]
fn who_publishes_a_close_has_signed_it_whatever_became_of_closing_sig() {
    let recorded = Recorded::closed(Msat(400_000_000)).without("closing_sig");
    let [_, alices] = recorded.closings().try_into().unwrap();
    for (by, problems) in [(ALICE, 1), (BOB, 0)] {
        let mut recorded = recorded.clone();
        recorded.publish(by, &alices);
        assert_eq!(recorded.problems(&alices).len(), problems);
    }
}
