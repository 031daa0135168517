//! Two bitcoinds, and what roles do on either side.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use boltlab::trace::transcript;

use crate::*;

#[track_caller]
fn passes(steps: &[&str]) -> Run {
    let run = run(&parse(steps));
    assert!(matches!(run.ending, Ending::Passed), "{:?}", run.ending);
    run
}

const SPENT: &str = "no miner can put into a block what it was given: \
                     bad-txns-inputs-missingorspent";

#[test]
fn a_spike_that_still_ends_comes_first() {
    let parted = "partition: [bob]";
    let scenario = parse(&["spike_fees: 30 sat/vB", "calm_fees: 4 sat/vB", parted, "heal: [bob]"]);
    let ending = run(&scenario).ending;
    let Ending::Failed(problems) = ending else { panic!("no failure: {ending:?}") };
    let expected = "the last fee spike ends with a block, and none was mined yet";
    assert_eq!(problems[0].message, expected);
}

#[test]
fn after_a_spike_there_are_two_chains_that_see_nothing_of_it() {
    passes(&[
        "spike_fees: 30 sat/vB",
        "mine: 1 block",
        "calm_fees: 4 sat/vB",
        "mine: 1 block",
        "partition: [bob]",
        "open: {channel: ab, until: broadcast}",
        "mine: 3 blocks",
        "mine: {blocks: 4 blocks, apart: true}",
        "heal: [bob]",
        "mine: 3 blocks",
        "expect: {state: {channel: ab, of: bob, is: normal}}",
    ]);
}

#[test]
fn what_is_given_to_the_other_side_is_never_given_to_ones_own() {
    passes(&[
        "open: ab",
        "partition: [bob]",
        "force_close: {channel: ab, by: alice, via: apart}",
        "mine: 3 blocks",
        "expect: {no_transaction: {is: ab.commitment}}",
        "expect: {transaction: {is: ab.commitment, confirmed: false}, apart: true}",
        "expect: {transaction: {is: ab.commitment, confirmed: true}, within: 1 block, apart: true}",
        "expect: {state: {channel: ab, of: bob, is: closing}}",
        "heal: [bob]",
        "expect: {transaction: {is: ab.commitment, by: alice, confirmed: false}}",
        "mine: 1 block",
    ]);
}

#[test]
fn each_side_may_have_another_commitment() {
    let run = passes(&[
        "open: ab",
        "remember: {channel: ab, by: alice, as: old}",
        "pay: {from: alice, to: bob, amount: 100_000 sat, channel: ab}",
        "partition: [bob, carol]",
        "publish: {by: alice, commitment: old, via: apart}",
        "force_close: {channel: ab, by: alice, via: miner}",
        "mine: 1 block",
        "mine: {blocks: 1 block, apart: true}",
        "expect: {transaction: {by: bob, spends: ab.commitment.to_local, path: revocation}, apart: true}",
        "expect: {no_transaction: {by: bob, spends: ab.commitment.to_local}}",
        "claim: {by: bob, output: ab.commitment.to_remote, path: direct}",
        "mine: {blocks: 1 block, without: [ab.penalty], apart: true}",
        "mine: {blocks: 1 block, apart: true}",
        "expect: {transaction: {is: ab.penalty, confirmed: true}, apart: true}",
        "mine: 3 blocks",
        "heal: [carol, bob]",
        "expect: {no_transaction: {path: revocation}}",
        "mine: 2 blocks",
    ]);
    let told = transcript(&run.trace);
    assert!(told.contains("apart: alice publishes its commitment 0 of ab"), "{told}");
    assert!(told.contains("apart: reorg: blocks "), "{told}");
}

#[test]
fn a_funding_is_spent_twice_in_two_chains() {
    passes(&[
        "open: {channel: ab, until: broadcast}",
        "partition: [bob]",
        "double_spend: {by: alice, transaction: ab.funding, feerate: 40 sat/vB, via: apart}",
        "mine: 1 block",
        "mine: {blocks: 2 blocks, apart: true}",
        "expect: {transaction: {is: ab.funding, confirmed: true}}",
        "expect: {no_transaction: {is: ab.funding}, apart: true}",
        "heal: [bob]",
        "expect: {no_transaction: {is: ab.funding}}",
        "expect: {state: {channel: ab, of: alice, is: funding_lost}}",
    ]);
}

#[test]
fn who_is_off_the_net_or_sees_no_blocks_learns_of_both_chains_later() {
    passes(&[
        "open: ab",
        "open: bc",
        "offline: {role: carol, for: 6 blocks}",
        "partition: [bob, carol]",
        "withhold_blocks: bob",
        "force_close: {channel: ab, by: alice}",
        "mine: 5 blocks",
        "mine: {blocks: 3 blocks, apart: true}",
        "heal: [bob, carol]",
        "expect: {state: {channel: ab, of: bob, is: normal}}",
        "release_blocks: bob",
        "expect: {state: {channel: ab, of: bob, is: closing}}",
        "mine: 1 block",
        "pay: {from: bob, to: carol, amount: 10_000 sat}",
    ]);
}

#[test]
fn what_miners_were_given_must_be_valid() {
    let claim = "claim: {by: alice, output: ab.commitment.to_local, path: delay, via: miner}";
    let closed = ["open: ab", "force_close: {channel: ab, by: alice}", "mine: 1 block"];
    let steps: Vec<&str> = closed.into_iter().chain([claim, "mine: 1 block"]).collect();
    last_fails(&steps, &SPENT.replace("inputs-missingorspent", "nonfinal"));
    let twice = "publish: {by: alice, commitment: old, via: miner}";
    let remember = "remember: {channel: ab, by: alice, as: old}";
    let pay = "pay: {from: alice, to: bob, amount: 10_000 sat, channel: ab}";
    let close = "force_close: {channel: ab, by: alice, via: miner}";
    last_fails(&["open: ab", remember, pay, twice, close, "mine: 1 block"], SPENT);
}

#[test]
fn nothing_is_left_of_the_second_bitcoind_however_a_run_ends() {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let fails = "expect: {transaction: {is: ab.commitment}, apart: true}";
    let parted = ["open: ab", "partition: [bob]", fails, "heal: [bob]"];
    for (is_interrupted, keep, left) in [(false, false, 0), (true, false, 0), (false, true, 1)] {
        let parent = tempfile::tempdir().unwrap();
        let mut options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
        options.chain.parent = Some(parent.path().to_owned());
        options.chain.keep = keep;
        let interrupted = Arc::new(AtomicBool::new(false));
        options.interrupted = Arc::clone(&interrupted);
        let scenario = parse(&parted);
        let run = std::thread::scope(|scope| {
            let run = scope.spawn(|| lab::run(&scenario, &options));
            while is_interrupted && !run.is_finished() {
                let folders = std::fs::read_dir(parent.path()).unwrap().count();
                interrupted.store(folders == 2, Ordering::Relaxed);
                std::thread::yield_now();
            }
            run.join().unwrap()
        });
        assert!(!matches!(run.ending, Ending::Passed), "{:?}", run.ending);
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), left);
    }
}

#[test]
fn two_runs_give_the_same_trace_byte_by_byte() {
    let scenario = parse(&[
        "open: ab",
        "open: bc",
        "partition: [carol]",
        "force_close: {channel: bc, by: bob}",
        "force_close: {channel: bc, by: carol}",
        "mine: 2 blocks",
        "mine: {blocks: 3 blocks, apart: true}",
        "heal: [carol]",
        "mine: 2 blocks",
    ]);
    let traces = [(), ()].map(|()| {
        let mut written = Vec::new();
        run(&scenario).trace.write(&mut written).unwrap();
        String::from_utf8(written).unwrap()
    });
    assert_eq!(traces[0], traces[1]);
    assert!(traces[0].contains(r#""event":"apart""#));
}
