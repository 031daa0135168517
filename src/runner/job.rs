//! One scenario: play it, compare its transcript, bless it, save its trace.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::files::{difference, golden, replace, write_trace};
use super::{Options, Planned};
use crate::audit::Account;
use crate::lab::{self, Ending, Run};
use crate::report::results::{ResultEntry, Verdict};
use crate::report::{Case, terminal};
use crate::scenario::{ParseOptions, Scenario, load_with, with_outcome};
use crate::trace::golden::{section, with_section};
use crate::trace::{Event, Problem, Trace, transcript};

/// Plays a scenario. Whatever goes wrong in it stays in its own case.
pub(super) fn run(planned: &Planned, options: &Options) -> Case {
    let scenario = match &planned.scenario {
        Ok(scenario) => scenario,
        Err(error) => return inconclusive(planned, error.clone()),
    };
    guarded(planned, || play(planned, scenario, options))
}

/// A panic is a fault of ours, and no other scenario's business.
fn guarded(planned: &Planned, attempt: impl FnOnce() -> Case) -> Case {
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        inconclusive(planned, format!("boltlab itself panicked: {}", words_of(panic.as_ref())))
    })
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
    text.unwrap_or_else(|| "it did not say why".to_owned())
}

fn inconclusive(planned: &Planned, reason: String) -> Case {
    let scenario = planned.scenario.as_ref().ok();
    Case {
        entry: ResultEntry {
            id: planned.id.clone(),
            file: planned.file.display().to_string(),
            title: scenario.map_or(String::new(), |scenario| scenario.title.clone()),
            roles: scenario.map(|scenario| roles(scenario)).unwrap_or_default(),
            verdict: Verdict::Inconclusive,
            reason: Some(reason),
            duration_ms: 0,
            checks: 0,
            outputs: 0,
            trace: None,
        },
        trace: Trace::default(),
        source: scenario.map_or_else(|| Arc::from(""), |scenario| Arc::clone(&scenario.source)),
        problems: Vec::new(),
        takings: Vec::new(),
        notes: Vec::new(),
        duration: Duration::ZERO,
        waited: Duration::ZERO,
    }
}

fn roles(scenario: &Scenario) -> std::collections::BTreeMap<String, String> {
    let role = |role: &crate::scenario::Role| (role.name.to_string(), "reference".to_owned());
    scenario.cast.iter().map(role).collect()
}

fn play(planned: &Planned, scenario: &Scenario, options: &Options) -> Case {
    let mut case = played(planned, scenario, options);
    if options.bless && may_bless(&case.0) {
        case = bless_outcome(planned, scenario, options, case);
    }
    let (mut case, _) = case;
    if case.entry.verdict == Verdict::Pass {
        check_golden(planned, options, &mut case);
    }
    if let Some(folder) = options.trace.as_ref().filter(|_| !case.trace.entries.is_empty()) {
        match write_trace(folder, &case.entry.id, &case.trace) {
            Ok(path) => case.entry.trace = Some(path.display().to_string()),
            Err(error) => {
                spoil(&mut case, &format!("save the trace in {}: {error}", folder.display()));
            }
        }
    }
    case
}

/// What only a bless needs.
struct Seen {
    outcome: String,
    had_outcome: bool,
}

#[allow(clippy::disallowed_methods, reason = "the harness tells how long a scenario took")]
fn played(planned: &Planned, scenario: &Scenario, options: &Options) -> (Case, Seen) {
    let since = Instant::now();
    let lab = lab::Options {
        chain: options.chain.clone(),
        interrupted: Arc::clone(&options.interrupted),
    };
    let run = lab::run(scenario, &lab);
    let duration = since.elapsed();
    let (verdict, problems, reason) = match &run.ending {
        Ending::Passed => (Verdict::Pass, Vec::new(), None),
        Ending::Failed(problems) => (Verdict::Fail, problems.clone(), terminal::reason(problems)),
        Ending::Inconclusive(error) => {
            (Verdict::Inconclusive, Vec::new(), Some(format!("failed to {}", chained(error))))
        }
    };
    let mut case = inconclusive(planned, String::new());
    case.entry = ResultEntry {
        verdict,
        reason,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        checks: run.checks,
        outputs: run.account.outputs(),
        ..case.entry
    };
    let Run { trace, account, observed, waited, kept, .. } = run;
    case.notes.extend(kept.map(|path| format!("bitcoind's folder: {}", path.display())));
    case = Case {
        trace,
        problems,
        duration,
        waited,
        takings: takings(&account),
        source: Arc::clone(&scenario.source),
        ..case
    };
    let seen = Seen { outcome: observed.to_yaml(), had_outcome: scenario.outcome.is_some() };
    (case, seen)
}

/// An error and its causes in one line.
fn chained(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

/// What each role took out of each channel.
fn takings(account: &Account) -> Vec<String> {
    use crate::bolt::units::Msat;
    use crate::scenario::grouped;
    let mut lines = Vec::new();
    for channel in &account.channels {
        for (role, amount) in &channel.taken {
            let sign = if amount.is_negative() { "-" } else { "" };
            let taken = grouped(Msat::from_amount(amount.unsigned_abs()).unwrap_or_default());
            let lost = match channel.lost.get(role) {
                Some(lost) if *lost > Msat::ZERO => format!(", {} less in fees", grouped(*lost)),
                _ => String::new(),
            };
            lines.push(format!("{role} took {sign}{taken} out of {}{lost}", channel.name));
        }
    }
    lines
}

/// Whether the scenario was played to its end, so that its outcome is what there is to observe.
fn may_bless(case: &Case) -> bool {
    matches!(case.trace.entries.last().map(|entry| &entry.event), Some(Event::Audited { .. }))
}

/// Writes the observed outcome into the file, unless the one that it has holds, and plays it once
/// more; if that fails, the file is as it was.
fn bless_outcome(
    planned: &Planned,
    scenario: &Scenario,
    options: &Options,
    (case, seen): (Case, Seen),
) -> (Case, Seen) {
    let holds = seen.had_outcome && case.entry.verdict == Verdict::Pass;
    // The instances and branches of a file share its outcome, so none of them writes it.
    if !scenario.branch.is_empty() {
        let mut case = case;
        if !seen.had_outcome {
            let message = format!(
                "the file has no outcome, and all its runs (of `for`, of `try`) share one: write it by hand; \
                 this run's is\noutcome:\n{}",
                seen.outcome
            );
            fail(&mut case, message);
        }
        return (case, seen);
    }
    if holds {
        return (case, seen);
    }
    let old = &*scenario.source;
    let new = with_outcome(old, &seen.outcome);
    if let Err(error) = replace(&planned.file, &new) {
        let mut case = case;
        spoil(&mut case, &format!("write {}: {error}", planned.file.display()));
        return (case, seen);
    }
    let again = match load_with(&planned.file, ParseOptions::default()) {
        Ok(scenario) => played(planned, &scenario, options),
        Err(error) => (inconclusive(planned, format!("the observed outcome: {error}")), seen),
    };
    let (mut case, seen) = again;
    if case.entry.verdict == Verdict::Pass {
        let diff = difference(old, &new, "before", "after");
        case.notes.push(format!("outcome written into {}\n{diff}", planned.file.display()));
    } else {
        let restored = replace(&planned.file, old);
        case.notes.push(match restored {
            Ok(()) => "the observed outcome does not hold either; the file is as it was".to_owned(),
            Err(error) => format!("the file could not be restored: {error}"),
        });
    }
    (case, seen)
}

/// Held while a golden file is written.
static BLESSING: Mutex<()> = Mutex::new(());

/// Compares the transcript with the golden one beside the scenario, or writes it.
fn check_golden(planned: &Planned, options: &Options, case: &mut Case) {
    let Ok(scenario) = &planned.scenario else { return };
    let path = golden(&planned.file);
    let new = transcript(&case.trace);
    // The runs of one file write into one golden file.
    let _writing = options.bless.then(|| BLESSING.lock());
    let whole = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return spoil(case, &format!("read {}: {error}", path.display())),
    };
    let old = section(&whole, &scenario.branch).filter(|_| !whole.is_empty());
    if old.as_ref() == Some(&new) {
        return;
    }
    if options.bless {
        let all = load_with(&planned.file, ParseOptions::default()).map(|file| file.runs());
        let all: Vec<Vec<String>> =
            all.unwrap_or_default().into_iter().map(|run| run.branch).collect();
        match replace(&path, &with_section(&whole, &scenario.branch, &new, &all)) {
            Err(error) => return spoil(case, &format!("write {}: {error}", path.display())),
            Ok(()) => case.notes.push(format!("transcript written to {}", path.display())),
        }
        if let Some(old) = old {
            case.notes.push(difference(&old, &new, "before", "after"));
        }
    } else if let Some(old) = old {
        let diff = difference(&old, &new, "golden", "this run");
        let name = path.display();
        let message = format!(
            "the transcript differs from {name}\nIf it should, `boltlab run --bless` takes it over.\n{diff}"
        );
        fail(case, message);
    }
}

/// The scenario fails, though its steps did not.
fn fail(case: &mut Case, message: String) {
    case.entry.verdict = Verdict::Fail;
    case.problems = vec![Problem { line: None, column: None, message }];
    case.entry.reason = terminal::reason(&case.problems);
}

/// The harness could not do its own work: a pass is worth nothing, a failure stands.
fn spoil(case: &mut Case, reason: &str) {
    if case.entry.verdict == Verdict::Fail {
        case.notes.push(format!("failed to {reason}"));
    } else {
        case.entry.verdict = Verdict::Inconclusive;
        case.entry.reason = Some(format!("failed to {reason}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain;

    #[test]
    fn panic_is_an_inconclusive_case_that_says_why() {
        let scenario = Err(String::new());
        let planned = Planned { id: "a".to_owned(), file: "a.yaml".into(), scenario };
        let case = guarded(&planned, || panic!("no {}", "way"));
        assert_eq!(case.entry.verdict, Verdict::Inconclusive);
        assert_eq!(case.entry.reason.as_deref(), Some("boltlab itself panicked: no way"));
    }

    #[test]
    fn error_is_told_with_its_causes_and_none_twice() {
        let inner = std::io::Error::other("the disk is full");
        let outer = chain::ChainError::Io { action: "remove", path: "/x".into(), source: inner };
        assert_eq!(chained(&outer), "remove /x: the disk is full");
        assert_eq!(chained(&lab::LabError::Chain(outer)), "remove /x: the disk is full");
    }
}
