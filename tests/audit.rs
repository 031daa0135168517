//! The audit against a real trace that was tampered with: whatever does not add up is named.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::LazyLock;

use bitcoin::{Amount, ScriptBuf};
use boltlab::audit::{self, Account};
use boltlab::bolt::wire::Message;
use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending};
use boltlab::scenario::{self, ParseOptions, Scenario};
use boltlab::trace::{Event, Trace};

/// A breach and its punishment, played once on a real bitcoind.
static BREACH: LazyLock<(Scenario, Trace)> = LazyLock::new(|| {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    let text = include_str!("../specs/penalty/revoked_by_fundee.yaml");
    let file = std::path::Path::new("breach.yaml");
    let scenario = scenario::parse(file, text, ParseOptions::default()).expect("a scenario");
    let run = lab::run(&scenario, &options);
    assert!(matches!(run.ending, Ending::Passed), "{:?}", run.ending);
    (scenario, run.trace)
});

/// The account and the problems of the breach after a change of its trace.
fn judged(change: impl FnOnce(&mut Trace)) -> (Account, Vec<String>) {
    let (scenario, trace) = &*BREACH;
    let mut trace = trace.clone();
    change(&mut trace);
    let account = audit::account(&trace);
    let outcome = scenario.outcome.as_ref().unwrap();
    let problems = audit::judge(&account, outcome);
    (account, problems.into_iter().map(|problem| problem.message).collect())
}

/// Changes every transaction of the trace that this holds for, wherever it stands.
fn change_transactions(trace: &mut Trace, change: impl Fn(&mut bitcoin::Transaction)) {
    for entry in &mut trace.entries {
        match &mut entry.event {
            Event::Published { transaction, .. } => change(&mut transaction.0),
            Event::Mined { transactions, .. } => {
                for transaction in transactions {
                    change(&mut transaction.0);
                }
            }
            _ => {}
        }
    }
}

#[track_caller]
fn assert_named(problems: &[String], words: &str) {
    assert!(problems.iter().any(|problem| problem.contains(words)), "{problems:#?}");
}

#[test]
fn the_untouched_trace_is_sound() {
    let (account, problems) = judged(|_| {});
    assert_eq!(problems, [] as [&str; 0]);
    assert_eq!(account.outputs(), 7, "funding, two balances, two anchors, two claims");
}

/// The problems of the breach with one line of its outcome, or one line more.
fn judged_by(line: &str) -> Vec<String> {
    let (_, trace) = &*BREACH;
    let (name, _) = line.split_once(": ").unwrap();
    let yaml = include_str!("../specs/penalty/revoked_by_fundee.yaml");
    let kept = yaml.lines().filter(|old| !old.trim_start().starts_with(&format!("{name}: ")));
    let text = kept.chain([&*format!("  {line}")]).collect::<Vec<_>>().join("\n");
    let file = std::path::Path::new("breach.yaml");
    let scenario = scenario::parse(file, &text, ParseOptions::default()).expect("a scenario");
    let problems = audit::judge(&audit::account(trace), &scenario.outcome.unwrap());
    problems.into_iter().map(|problem| problem.message).collect()
}

#[test]
fn an_output_is_absent_only_if_there_is_none() {
    assert_eq!(judged_by("ab.closing.bob: absent"), [] as [&str; 0]);
    let [problem] = &*judged_by("ab.commitment.to_local: absent") else { panic!("one problem") };
    let found = "expected absent, found 700_000 sat, taken by alice by revocation in ";
    assert!(problem.starts_with(found), "{problem}");
    assert_eq!(
        judged_by("ab.commitment.anchors: absent"),
        ["expected absent, found 330 sat, unspent"; 2]
    );
}

#[test]
fn a_claim_to_a_stranger_is_named() {
    let stranger = ScriptBuf::new_p2wsh(&bitcoin::WScriptHash::from_raw_hash(
        bitcoin::hashes::Hash::all_zeros(),
    ));
    let (_, problems) = judged(|trace| {
        change_transactions(trace, |transaction| {
            let is_penalty = transaction.input[0].witness.len() == 3;
            if is_penalty && transaction.output.len() == 1 {
                transaction.output[0].script_pubkey = stranger.clone();
            }
        });
    });
    assert_named(&problems, "to a stranger");
}

#[test]
fn a_satoshi_that_vanishes_from_a_commitment_is_missed() {
    let (_, problems) = judged(|trace| {
        change_transactions(trace, |transaction| {
            if transaction.lock_time.to_consensus_u32() >> 24 == 0x20 {
                let balance = transaction.output.iter_mut().max_by_key(|output| output.value);
                balance.unwrap().value -= Amount::from_sat(1);
            }
        });
    });
    assert!(!problems.is_empty());
}

#[test]
fn a_revocation_that_was_never_sent_leaves_the_state_current() {
    let (_, problems) = judged(|trace| {
        trace.entries.retain(|entry| {
            !matches!(&entry.event, Event::Message { from, message: Message::RevokeAndAck(_), .. }
                if from.as_str() == "bob")
        });
    });
    assert_named(&problems, "state: revoked");
}

#[test]
fn one_revocation_is_enough_for_the_state_before_it() {
    let (account, _) = judged(|trace| {
        let by_bob = |entry: &boltlab::trace::Entry| {
            matches!(&entry.event, Event::Message { from, message: Message::RevokeAndAck(_), .. }
                if from.as_str() == "bob")
        };
        assert_eq!(trace.entries.iter().filter(|entry| by_bob(entry)).count(), 2);
        let second = trace.entries.iter().rposition(by_bob).unwrap();
        trace.entries.remove(second);
    });
    let close = account.channels[0].close.as_ref().unwrap();
    let audit::Kind::Commitment { state, .. } = close.kind else { panic!("{close}") };
    assert_eq!(state, scenario::FundingState::Revoked);
}

#[test]
fn a_penalty_that_is_not_mined_leaves_the_output_untaken() {
    let (account, problems) = judged(|trace| {
        for entry in &mut trace.entries {
            if let Event::Mined { transactions, .. } = &mut entry.event {
                transactions.retain(|transaction| transaction.0.input[0].witness.len() != 3);
            }
        }
    });
    assert_named(&problems, "unspent");
    assert!(account.transactions.iter().any(|tx| tx.confirmed.is_none()));
}

#[test]
fn a_commitment_that_nobody_signed_is_unknown() {
    let (account, problems) = judged(|trace| {
        change_transactions(trace, |transaction| {
            if transaction.lock_time.to_consensus_u32() >> 24 == 0x20 {
                transaction.input[0].sequence.0 ^= 0x0000_ff00;
            }
        });
    });
    assert_named(&problems, "to a stranger");
    assert!(account.transactions.iter().any(|tx| tx.kind == audit::Kind::Unknown));
}

#[test]
fn a_funding_output_that_was_not_agreed_on_is_named() {
    let (_, problems) = judged(|trace| {
        for entry in &mut trace.entries {
            if let Event::Message { message: Message::OpenChannel(open), .. } = &mut entry.event {
                open.funding_satoshis += Amount::from_sat(1);
            }
        }
    });
    assert_named(&problems, "not the one agreed on");
}

#[test]
fn a_payment_that_was_hidden_makes_the_books_differ() {
    let (_, problems) = judged(|trace| {
        for entry in &mut trace.entries {
            if let Event::Message { message: Message::OpenChannel(open), .. } = &mut entry.event {
                open.push_msat.0 -= 1_000;
            }
        }
    });
    assert_named(&problems, "where the messages give it 699999");
}

/// A mutual close, played once.
static MUTUAL: LazyLock<Trace> = LazyLock::new(|| {
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    let text = include_str!("../specs/funding/push.yaml");
    let file = std::path::Path::new("mutual.yaml");
    let scenario = scenario::parse(file, text, ParseOptions::default()).expect("a scenario");
    lab::run(&scenario, &options).trace
});

#[test]
fn a_mutual_close_at_a_fee_that_one_side_never_signed_for_is_named() {
    assert_eq!(audit::account(&MUTUAL).problems, [] as [&str; 0]);
    let mut trace = MUTUAL.clone();
    for entry in &mut trace.entries {
        if let Event::Message { from, message: Message::ClosingSigned(closing), .. } =
            &mut entry.event
            && from.as_str() == "bob"
        {
            closing.fee_satoshis += Amount::from_sat(1);
        }
    }
    assert_named(&audit::account(&trace).problems, "not both signed for");
}

#[test]
fn a_mutual_close_that_moves_a_satoshi_to_the_other_side_is_named() {
    let mut trace = MUTUAL.clone();
    change_transactions(&mut trace, |transaction| {
        if transaction.input[0].sequence == bitcoin::Sequence::MAX && transaction.output.len() == 2
        {
            transaction.output[0].value -= Amount::from_sat(1);
            transaction.output[1].value += Amount::from_sat(1);
        }
    });
    assert_named(&audit::account(&trace).problems, "where the messages give it");
}
