//! Histories that an audit could get wrong: reorgs that nothing survives, closes that wait in the
//! mempool, coins that move on, races whose winner must not hang on a name.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;

use boltlab::audit::{Fate, OutputName};
use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending, Run};
use boltlab::scenario::{self, ParseOptions};

/// Plays the steps of a file over this cast and these channels.
fn played(yaml: &str) -> Run {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    let parsing = ParseOptions { allow_missing_outcome: true };
    let file = std::path::Path::new("history.yaml");
    let scenario = scenario::parse(file, yaml, parsing).unwrap_or_else(|error| panic!("{error}"));
    lab::run(&scenario, &options)
}

/// A cheating Alice and an honest Bob with a channel of 1,000,000 sat, and what becomes of it.
fn breach(delay: u32, rest: &str) -> Run {
    played(&format!(
        "title: A history\n\
         cast: {{alice: {{role: cheat, funds: 1 BTC}}, bob: {{role: honest}}}}\n\
         channels:\n  ab: {{from: alice, to: bob, capacity: 1_000_000 sat, \
         to_self_delay: {delay} blocks}}\n{rest}"
    ))
}

#[track_caller]
fn failed_with(run: &Run, words: &str) {
    let Ending::Failed(problems) = &run.ending else { panic!("{:?}", run.ending) };
    assert!(problems.iter().any(|problem| problem.message.contains(words)), "{problems:#?}");
}

#[track_caller]
fn passed(run: &Run) {
    assert!(matches!(run.ending, Ending::Passed), "{:?}", run.ending);
}

const LOST_FUNDING: &str = "steps:
  - open: ab
  - pay: {from: alice, to: bob, amount: 400_000 sat}
  - reorg: {depth: 3 blocks, without: [ab.funding]}
  - double_spend: {by: alice, transaction: ab.funding}
  - mine: 2 blocks
  - expect: {state: {channel: ab, of: bob, is: funding_lost}}
outcome:
  ab.funding: unconfirmed
";

#[test]
fn a_channel_in_use_whose_funding_is_lost_robs_the_other_side() {
    let run = breach(144, LOST_FUNDING);
    failed_with(&run, "honest bob lost 400_000 sat");
    let told = breach(144, &format!("{LOST_FUNDING}  losses: {{bob: 400_000 sat}}\n"));
    passed(&told);
}

#[test]
fn a_lost_funding_can_be_observed() {
    let run = breach(144, LOST_FUNDING);
    assert!(
        run.observed.to_yaml().contains("ab.funding: unconfirmed"),
        "{}",
        run.observed.to_yaml()
    );
}

#[test]
fn a_breach_in_the_mempool_is_no_unspent_funding() {
    let run = breach(
        144,
        "steps:
  - open: ab
  - remember: {channel: ab, by: alice, as: old}
  - pay: {from: alice, to: bob, amount: 400_000 sat}
  - publish: {by: alice, commitment: old}
outcome:
  ab.funding: unspent
",
    );
    failed_with(&run, "mine a block");
}

#[test]
fn a_sweep_that_the_mempool_lost_is_not_there() {
    let run = breach(
        50,
        "steps:
  - open: ab
  - pay: {from: alice, to: bob, amount: 100_000 sat}
  - force_close: {channel: ab, by: alice}
  - mine: 60 blocks
  - reorg: 60 blocks
  - expect: {no_transaction: {is: ab.sweep, by: alice}}
  - expect: {transaction: {by: alice, spends: ab.commitment.to_local, path: delay}}
",
    );
    failed_with(&run, "spending ab.commitment.to_local by delay");
}

#[test]
fn coins_of_a_closed_channel_may_move_on() {
    let run = played(
        "title: Coins move on
cast: {alice: {role: honest, funds: 0.1 BTC}, bob: {role: honest}}
channels:
  ab: {from: alice, to: bob, capacity: 0.06 BTC}
  cd: {from: alice, to: bob, capacity: 0.09 BTC}
steps:
  - open: ab
  - close: {channel: ab, by: alice}
  - mine: 1 block
  - open: cd
outcome:
  ab.funding: {spent_by: closing}
  ab.closing.alice: {to: alice}
  cd.funding: unspent
  balances: {alice: 6_000_000 sat less fees, bob: 0 sat}
",
    );
    passed(&run);
}

#[test]
fn who_wins_a_race_does_not_hang_on_a_name() {
    for victim in ["alice", "zoe"] {
        let run = played(&format!(
            "title: A race
cast: {{{victim}: {{role: honest, funds: 1 BTC}}, bob: {{role: cheat}}}}
channels:
  ab: {{from: {victim}, to: bob, capacity: 1_000_000 sat, push: 400_000 sat, to_self_delay: 1 block}}
steps:
  - open: ab
  - remember: {{channel: ab, by: bob, as: old}}
  - pay: {{from: bob, to: {victim}, amount: 200_000 sat}}
  - publish: {{by: bob, commitment: old}}
  - mine: 3 blocks
outcome:
  ab.funding: {{spent_by: bob.commitment, state: revoked}}
  ab.commitment.to_local: {{to: {victim}, path: revocation}}
  ab.commitment.to_remote: {{to: {victim}}}
  ab.commitment.anchors: unspent
  balances: {{{victim}: 1_000_000 sat less fees, bob: 0 sat}}
"
        ));
        passed(&run);
    }
}

#[test]
fn a_channel_whose_close_is_gone_can_be_used_and_closed_again() {
    let run = breach(
        144,
        "steps:
  - open: ab
  - pay: {from: alice, to: bob, amount: 400_000 sat}
  - force_close: {channel: ab, by: alice}
  - mine: 1 block
  - expect: {state: {channel: ab, of: bob, is: closing}}
  - reorg: {depth: 1 block, without: [ab.commitment]}
  - expect: {state: {channel: ab, of: bob, is: normal}}
  - mine: 1 block
  - expect: {state: {channel: ab, of: bob, is: closing}}
",
    );
    passed(&run);
}

/// A node that forgets its sweep must not pass for one that made it.
#[test]
fn a_path_is_a_spend_that_was_made() {
    let unswept = |fate: &str| {
        breach(
            144,
            &format!(
                "steps:
  - open: ab
  - force_close: {{channel: ab, by: alice}}
  - mine: 1 block
outcome:
  ab.funding: {{spent_by: alice.commitment, state: current}}
  ab.commitment.to_local: {fate}
  ab.commitment.anchors: unspent
  balances: {{alice: 1_000_000 sat less fees, bob: 0 sat}}
"
            ),
        )
    };
    failed_with(&unswept("{to: alice, path: delay}"), "expected it taken by delay");
    passed(&unswept("{to: alice}"));
}

const ONLY_APART: &str = "steps:
  - open: ab
  - invoice: {by: bob, amount: 400_000 sat, as: tea, hold: true}
  - pay: {from: alice, invoice: tea, until: sent}
  - remember: {channel: ab, by: alice, as: with-the-tea}
  - disconnect: {from: alice, to: bob}
  - settle: tea
  - partition: [bob]
  - force_close: {channel: ab, by: bob}
  - mine: {blocks: 3 blocks, apart: true}
  - expect: {transaction: {by: bob, path: preimage, confirmed: true}, apart: true}
  - publish: {by: alice, commitment: with-the-tea}
  - mine: 30 blocks
  - expect: {transaction: {by: alice, path: timeout, confirmed: true}}
  - heal: [bob]
  - mine: 144 blocks
outcome:
  ab.funding: {spent_by: alice.commitment, state: current}
  ab.commitment.htlc.tea: {to: alice, path: timeout}
  ab.commitment.to_local: {to: alice}
  ab.second_stage.tea: {to: alice}
  ab.commitment.anchors: any
  balances: {alice: 1_000_000 sat less fees, bob: 0 sat}
";

#[test]
fn a_preimage_that_was_shown_on_the_side_that_lost_was_shown() {
    let played = |more: &str| {
        played(&format!(
            "title: A history\n\
             cast: {{alice: {{role: cheat, funds: 1 BTC}}, bob: {{role: honest, funds: 1 BTC}}}}\n\
             channels:\n  ab: {{from: alice, to: bob, capacity: 1_000_000 sat}}\n{ONLY_APART}{more}"
        ))
    };
    failed_with(&played(""), "honest bob lost 400_000 sat");
    passed(&played("  losses: {bob: 400_000 sat}\n"));
}

/// A channel with so many HTLCs in each direction, which both sides offer before they hear of each
/// other: `benches/on_chain.rs` has as many as a channel takes.
fn crowd(count: u32) -> String {
    let mut text = "title: A crowd\n\
        cast:\n  \
          alice: {role: honest, funds: 1 BTC, min_final_cltv_expiry_delta: 40 blocks}\n  \
          bob: {role: honest, funds: 1 BTC, min_final_cltv_expiry_delta: 40 blocks}\n\
        channels:\n  ab: {from: alice, to: bob, capacity: 1_000_000 sat, push: 500_000 sat}\n\
        steps:\n  - open: ab\n  - hold: alice\n  - hold: bob\n"
        .to_owned();
    for number in 0..count {
        for (payer, payee) in [("alice", "bob"), ("bob", "alice")] {
            let _ = write!(
                text,
                "  - invoice: {{by: {payee}, amount: 5_000 sat, as: {payee}{number}, hold: true}}\n  \
                   - pay: {{from: {payer}, invoice: {payee}{number}, until: sent}}\n"
            );
        }
    }
    text += "  - release: alice\n  - release: bob\n  - disconnect: {from: alice, to: bob}\n  \
             - force_close: {channel: ab, by: alice}\n  - mine: 1 block\n";
    for number in (0..count).step_by(2) {
        let _ = write!(text, "  - settle: alice{number}\n  - settle: bob{number}\n");
    }
    text + "  - mine: 300 blocks\n  \
            - expect: {state: {channel: ab, of: alice, is: closed}}\n  \
            - expect: {state: {channel: ab, of: bob, is: closed}}\n"
}

#[test]
fn every_one_of_many_htlcs_is_resolved() {
    let run = played(&crowd(20));
    passed(&run);
    assert_eq!(run.account.problems, [] as [&str; 0]);
    let [channel] = run.account.channels.as_slice() else { panic!("one channel") };
    assert_eq!(channel.outputs.len(), 4 + 40, "two balances, two anchors, the HTLCs");
    // It is the commitment of alice: what she takes of it, she takes over second stages.
    assert_eq!(channel.second_stages.len(), 20);
    for output in channel.outputs.iter().chain(&channel.second_stages) {
        let is_anchor = matches!(output.name, OutputName::Anchor(_));
        let is_taken = matches!(output.fate, Fate::Spent { .. });
        assert!(is_taken || is_anchor, "{}: {:?}", output.name, output.fate);
    }
}
