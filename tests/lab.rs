//! Scenarios that must fail, and the words in which they do: a step never passes on what another
//! step did, and a mistake of the file's author is never a fault of the lab.
#![allow(clippy::unwrap_used, reason = "a test may")]

use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending, Run};
use boltlab::scenario::{self, ParseOptions};

/// A cast of three, and a channel between each two of them that are neighbours.
const HEAD: &str = "title: x
cast:
  alice: {role: cheat, funds: 1 BTC}
  bob: {role: honest, funds: 1 BTC}
  carol: {role: honest}
channels:
  ab: {from: alice, to: bob, capacity: 1_000_000 sat, push: 400_000 sat}
  bc: {from: bob, to: carol, capacity: 1_000_000 sat}
  cheap: {from: alice, to: bob, capacity: 1_000_000 sat, feerate: 1 sat/kw}
steps:
";

#[track_caller]
fn run(steps: &[&str]) -> Run {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let parse = ParseOptions { allow_missing_outcome: true };
    let scenario = scenario::parse("x.yaml".as_ref(), &format!("{HEAD}{steps}"), parse);
    lab::run(&scenario.expect("a scenario"), &options)
}

/// The steps before the last one hold, and the last one fails with this message.
#[track_caller]
fn last_fails(steps: &[&str], message: &str) {
    let Ending::Failed(problems) = run(steps).ending else { panic!("it does not fail") };
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    let line = HEAD.lines().count() + steps.len();
    assert_eq!((problem.line, problem.message.as_str()), (u32::try_from(line).ok(), message));
}

mod open {
    use super::*;

    const REFUSED: &str = "bob: feerate_per_kw 1 is not within 253 to 250000 \
                           (bolt02/open_channel/feerate-reasonable)";

    #[test]
    fn an_earlier_channels_funding_is_not_its_own() {
        let second = "open: {channel: cheap, until: broadcast}";
        last_fails(&["open: ab", second], REFUSED);
        last_fails(&["open: {channel: ab, until: broadcast}", second], REFUSED);
    }
}

mod close {
    use super::*;

    #[test]
    fn an_earlier_channels_close_is_not_its_own() {
        last_fails(
            &[
                "open: ab",
                "open: bc",
                "close: {channel: ab, by: alice}",
                "offline: carol",
                "close: {channel: bc, by: bob}",
            ],
            "nothing was published",
        );
    }
}
