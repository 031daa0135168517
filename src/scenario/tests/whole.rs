//! Whole files.

use bitcoin::Amount;

use super::*;
use crate::bolt::units::{CsvDelay, FeeratePerKw, Msat};

#[test]
fn the_designs_example_is_read() {
    let scenario = read(BREACH);
    assert_eq!(scenario.title, "A revoked commitment costs its publisher everything");
    assert_eq!(scenario.bolt[0].to_string(), "5#revoked-transaction-close-handling");
    let [alice, bob] = scenario.cast.as_slice() else { panic!("two roles") };
    assert_eq!((alice.kind.value, alice.funds), (RoleKind::Cheat, Amount::ONE_BTC));
    assert_eq!((bob.kind.value, bob.funds), (RoleKind::Honest, Amount::ZERO));
    let [ab] = scenario.channels.as_slice() else { panic!("one channel") };
    assert_eq!(ab.capacity.value, Amount::from_sat(1_000_000));
    assert_eq!(ab.peer_of(&alice.name.value), Some(&bob.name.value));
    assert_eq!(scenario.steps.len(), 7);
    assert_eq!(scenario.steps[2].at, Position { line: 11, column: 5, width: 3 });
    let outcome = &scenario.outcome.as_ref().expect("an outcome").value;
    assert_eq!((outcome.entries.len(), outcome.balances.len()), (4, 2));
    let balance = Balance { amount: Msat(1_000_000_000), less_fees: true };
    assert_eq!(outcome.balances[1].balance.value, balance);
}

#[test]
fn what_a_file_does_not_say_has_its_default() {
    let scenario = read(&changed(BREACH, ", type: anchors, to_self_delay: 144 blocks", ""));
    let channel = &scenario.channels[0];
    assert_eq!(channel.push.value, Amount::ZERO);
    assert_eq!(channel.channel_type, ChannelType::Anchors);
    assert_eq!(channel.to_self_delay.value, CsvDelay(144));
    assert_eq!(channel.feerate.value, FeeratePerKw(1000));
    assert_eq!(channel.minimum_depth.value, Blocks(3));
}

/// The steps, with those of every branch behind its `try`.
fn with_branches(steps: &[Step]) -> Vec<Step> {
    let mut all = Vec::new();
    for step in steps {
        all.push(step.clone());
        if let Verb::Try(branches) = &step.verb {
            for branch in branches {
                all.extend(with_branches(&branch.steps));
            }
        }
    }
    all
}

#[test]
fn every_way_through_the_branches_is_a_run() {
    let scenario = read(EVERYTHING);
    let runs = scenario.runs();
    let branches: Vec<String> = runs.iter().map(|run| run.branch.join("/")).collect();
    assert_eq!(branches, ["proposes/once", "proposes/twice", "speaks"]);
    for run in &runs {
        assert!(!run.steps.iter().any(|step| matches!(step.verb, Verb::Try(_))));
        // What follows the branches is in all of them.
        assert_eq!(run.steps.last().map(|step| step.verb.word()), Some("release"));
    }
    assert_eq!(runs[0].steps.len() + 1, runs[1].steps.len());
    let plain = read(BREACH);
    assert_eq!(plain.runs().len(), 1);
    assert!(plain.runs()[0].branch.is_empty());
}

#[test]
fn every_verb_reads_as_one_plain_line() {
    let scenario = read(EVERYTHING);
    let steps = with_branches(&scenario.steps);
    let lines: Vec<String> = steps.iter().map(|step| step.verb.to_string()).collect();
    insta::assert_snapshot!(lines.join("\n"));
    let words: Vec<&str> = steps.iter().map(|step| step.verb.word()).collect();
    for rule in super::super::language::VERBS {
        assert!(words.contains(&rule.word), "`{}` is not in the example", rule.word);
    }
}

#[test]
fn every_part_of_the_language_is_read() {
    let scenario = read(EVERYTHING);
    assert_eq!(scenario.about.as_deref(), Some("Two paragraphs\nof text."));
    let named = |name| scenario.channels.iter().find(|channel| channel.name.value.as_str() == name);
    let ab = named("ab").expect("a channel");
    assert_eq!(ab.channel_type, ChannelType::StaticRemotekey);
    assert_eq!(named("n1-n2").map(|channel| channel.push.value), Some(Amount::from_sat(5)));
    assert_eq!(ab.feerate.value, FeeratePerKw(1000));
    assert_eq!(ab.push.value, Amount::from_sat(100_000));
    assert_eq!(
        scenario.cast[0].asks.dust_limit.map(|limit| limit.value),
        Some(Amount::from_sat(546))
    );
    assert_eq!(scenario.steps[0].say.as_deref(), Some("The first channel: with a push."));
    let left_out: Vec<usize> = scenario
        .steps
        .iter()
        .filter_map(|step| match &step.verb {
            Verb::Reorg { without, .. } => without.as_ref().map(Vec::len),
            _ => None,
        })
        .collect();
    assert_eq!(left_out, [2, 0], "a reorg may leave nothing out");
}

#[test]
fn a_payment_goes_over_the_channel_that_joins_the_two() {
    let scenario = read(BREACH);
    let Verb::Pay(pay) = &scenario.steps[2].verb else { panic!("a payment") };
    assert_eq!(pay.parts[0].via[0].value.as_str(), "ab");
}

#[test]
fn an_alias_stands_where_it_is_used() {
    let text = changed(
        BREACH,
        "role: cheat, funds: 1 BTC",
        "role: cheat, funds: 1 BTC, dust_limit: &d 546 sat",
    );
    let text = changed(&text, "bob: {role: honest}", "bob: {role: honest, dust_limit: *d}");
    let scenario = read(&text);
    let limit = scenario.cast[1].asks.dust_limit.expect("a dust limit");
    let place = (limit.at.line, limit.at.column);
    assert_eq!((limit.value, place), (Amount::from_sat(546), (5, 35)));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let text = format!("\u{feff}{}", BREACH.replace('\n', "\r\n"));
    let scenario = read(&text);
    assert_eq!(scenario.outcome, read(BREACH).outcome);
    assert_eq!(scenario.steps[2].at, read(BREACH).steps[2].at);
    assert_eq!(scenario.line(11), Some("  - pay: {from: alice, to: bob, amount: 400_000 sat}"));
}

#[test]
fn a_missing_outcome_is_allowed_only_to_bless() {
    let text = BREACH.split("outcome:").next().expect("a part before the outcome");
    assert_eq!(refuse(text).problems[0].mistake, Mistake::MissingOutcome);
    let options = ParseOptions { allow_missing_outcome: true };
    let scenario = parse(FilePath::new("x.yaml"), text, options).expect("a scenario to bless");
    assert_eq!(scenario.outcome, None);
}

#[test]
fn names_and_references_survive_json() {
    let output: OutputRef = "ab.commitment.anchors.bob".parse().expect("a reference");
    let json = serde_json::to_string(&output).expect("JSON");
    assert_eq!(json, "\"ab.commitment.anchors.bob\"");
    assert_eq!(serde_json::from_str::<OutputRef>(&json).expect("a reference"), output);
    assert!(serde_json::from_str::<RoleName>("\"al ice\"").is_err());
    assert_eq!(serde_json::from_str::<Path>("\"delay\"").expect("a path"), Path::Delay);
}
