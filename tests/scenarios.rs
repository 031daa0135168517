//! Every scenario that ships is a test of its own: it passes, it reads as its golden transcript
//! says, and it is the same, byte by byte, in a second run.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::PathBuf;

use boltlab::audit::{self, Account};
use boltlab::bolt::units::Msat;
use boltlab::chain::obtain::{Request, Silent, find_or_obtain};
use boltlab::lab::{self, Ending};
use boltlab::scenario::{
    self, At, Fate, FundingSpender, FundingState, Outcome, Position, Scenario,
};
use boltlab::trace::golden::section;
use boltlab::trace::transcript;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let specs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("specs");
    let files = scenario::discover(std::slice::from_ref(&specs)).expect("the scenarios that ship");
    let bitcoind = find_or_obtain(&Request::default(), &Silent).expect("a bitcoind");
    let options = lab::Options { chain: (&bitcoind).into(), ..lab::Options::default() };
    let trials = files.into_iter().flat_map(|file| {
        let id = scenario::scenario_id(&specs, &file);
        match scenario::load(&file) {
            Ok(loaded) => loaded
                .runs()
                .into_iter()
                .map(|run| {
                    let options = options.clone();
                    let name = scenario::run_id(&id, &run.branch);
                    Trial::test(name, move || play(&run, &options))
                })
                .collect(),
            Err(error) => {
                let error = error.to_string();
                vec![Trial::test(id, move || Err(error.into()))]
            }
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn play(scenario: &Scenario, options: &lab::Options) -> Result<(), Failed> {
    let (first, account) = run(scenario, options)?;
    let (second, _) = run(scenario, options)?;
    if let Some(outcome) = &scenario.outcome {
        every_change_is_noticed(&account, outcome)?;
    }
    if first != second {
        let differing = first.lines().zip(second.lines()).find(|(a, b)| a != b);
        return Err(format!("two runs differ: {differing:?}").into());
    }
    Ok(())
}

/// The outcome with one satoshi, one path, one owner or one state changed, and the line that must
/// be blamed for it.
fn changes(outcome: &Outcome) -> Vec<(u32, String, Outcome)> {
    let mut changes = Vec::new();
    let sat = bitcoin::Amount::from_sat(1);
    for (index, entry) in outcome.entries.iter().enumerate() {
        let at = entry.fate.at;
        let mut change = |at: Position, what: &str, fate: Fate| {
            let mut changed = outcome.clone();
            changed.entries[index].fate.value = fate;
            changes.push((at.line, format!("{what} of {}", entry.output), changed));
        };
        match entry.fate.value.clone() {
            Fate::Unspent => change(at, "fate", Fate::Unconfirmed),
            Fate::Unconfirmed | Fate::Absent => change(at, "fate", Fate::Unspent),
            Fate::Any => {}
            Fate::SpentBy { by, amount } => {
                change(at, "fate", Fate::Unspent);
                let wrong = amount.map(|amount| amount + sat);
                if wrong.is_some() {
                    change(at, "amount", Fate::SpentBy { by: by.clone(), amount: wrong });
                }
                if let FundingSpender::Commitment { of, state } = by {
                    let state = match state {
                        FundingState::Current => FundingState::Revoked,
                        FundingState::Revoked => FundingState::Current,
                    };
                    let by = FundingSpender::Commitment { of, state };
                    change(at, "state", Fate::SpentBy { by, amount });
                }
            }
            Fate::Taken { to, path, amount } => {
                let other = if to.value.as_str() == "alice" { "bob" } else { "alice" };
                let thief = At::new(other.parse().expect("a name"), to.at);
                change(to.at, "owner", Fate::Taken { to: thief, path, amount });
                if let Some(wrong) = amount.map(|amount| amount + sat) {
                    let (to, path) = (to.clone(), path);
                    change(at, "amount", Fate::Taken { to, path, amount: Some(wrong) });
                }
                let other = match path.as_ref().map(|path| path.value) {
                    Some(scenario::Path::Delay) => Some(scenario::Path::Revocation),
                    Some(_) => Some(scenario::Path::Delay),
                    None => None,
                };
                if let (Some(path), Some(other)) = (path, other) {
                    let path_at = path.at;
                    let path = Some(At::new(other, path_at));
                    change(path_at, "path", Fate::Taken { to, path, amount });
                }
            }
        }
    }
    for (index, entry) in outcome.balances.iter().enumerate() {
        let mut changed = outcome.clone();
        let amount = &mut changed.balances[index].balance.value.amount;
        *amount = amount.checked_add(Msat(1000)).expect("a small amount");
        changes.push((entry.balance.at.line, format!("balance of {}", entry.role), changed));
    }
    for (index, entry) in outcome.losses.iter().enumerate() {
        let mut changed = outcome.clone();
        let amount = &mut changed.losses[index].amount.value;
        *amount = amount.checked_add(Msat(1000)).expect("a small amount");
        changes.push((entry.amount.at.line, format!("loss of {}", entry.role), changed));
    }
    changes
}

/// The audit must not hold with any line of the outcome changed or left out.
fn every_change_is_noticed(account: &Account, outcome: &At<Outcome>) -> Result<(), Failed> {
    for (line, what, changed) in changes(&outcome.value) {
        let problems = audit::judge(account, &At::new(changed, outcome.at));
        if !problems.iter().any(|problem| problem.line == Some(line)) {
            return Err(format!("a wrong {what} on line {line} is not noticed").into());
        }
    }
    for index in 0..outcome.value.entries.len() {
        let mut without = outcome.value.clone();
        let dropped = without.entries.remove(index);
        // Nothing on chain goes unaccounted if nothing is there.
        let is_nothing = matches!(dropped.fate.value, Fate::Unconfirmed | Fate::Absent);
        if audit::judge(account, &At::new(without, outcome.at)).is_empty() && !is_nothing {
            return Err(format!("{} may be left out, unnoticed", dropped.output).into());
        }
    }
    Ok(())
}

/// Plays a scenario and returns its trace and the audit's account.
fn run(scenario: &Scenario, options: &lab::Options) -> Result<(String, Account), Failed> {
    let run = lab::run(scenario, options);
    match run.ending {
        Ending::Passed => {}
        Ending::Failed(problems) => {
            let listed: Vec<String> = problems
                .iter()
                .map(|p| {
                    format!("{}:{}: {}", scenario.file.display(), p.line.unwrap_or(0), p.message)
                })
                .collect();
            return Err(listed.join("\n").into());
        }
        Ending::Inconclusive(error) => return Err(format!("inconclusive: {error}").into()),
    }
    let mut trace = Vec::new();
    run.trace.write(&mut trace).map_err(|error| error.to_string())?;
    let golden = scenario.file.with_extension("golden");
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    let expected = section(&expected, &scenario.branch).unwrap_or_default();
    let found = transcript(&run.trace);
    if expected != found {
        let diff = similar::TextDiff::from_lines(&expected, &found);
        let diff = diff.unified_diff().to_string();
        return Err(format!("{} differs:\n{diff}", golden.display()).into());
    }
    let trace = String::from_utf8(trace).map_err(|error| error.to_string())?;
    Ok((trace, run.account))
}
