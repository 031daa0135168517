//! `partition`, `heal`, and what is about those who are apart.

use super::*;

const MINE: &str = "- mine: 1 block";
const PARTED: &str = "- partition: [bob]\n  - ";

/// The example with these steps in the place of a block, and the message of its only mistake.
#[track_caller]
fn wrong(steps: &[&str], marker: &str) -> String {
    mistake(MINE, &format!("- {}", steps.join("\n  - ")), marker).to_string()
}

#[test]
fn a_partition_is_one_and_is_healed() {
    read(&changed(
        BREACH,
        MINE,
        &format!("{PARTED}heal: [bob]\n  - partition: [alice]\n  - heal: [alice]"),
    ));
    let found = wrong(
        &["partition: [bob]", "partition: [alice] # again", "heal: [alice]"],
        "partition: [alice] #",
    );
    assert_eq!(found, "a partition ends with `heal` before there is another one");
    assert_eq!(wrong(&["heal: [bob]"], "heal: [bob]"), "there is no partition here");
    let found = wrong(&["partition: [bob]"], "partition: [bob]");
    assert_eq!(found, "a partition ends with `heal` before the scenario does");
}

#[test]
fn a_partition_names_some_of_the_cast() {
    let found = wrong(&["partition: []"], "[]");
    assert_eq!(found, "this list names at least one role, as in `[bob]`");
    let found = wrong(&["partition: [alice, bob]", "heal: [bob, alice]"], "partition");
    assert_eq!(found, "somebody must be left: `partition` does not name the whole cast");
    let found = wrong(&["partition: [bob, bob] # twice", "heal: [bob]"], "bob] # twice");
    assert_eq!(found, "this role is named twice");
    let found = wrong(&["partition: [dave]"], "dave");
    assert_eq!(found, "unknown role `dave`");
    let found = wrong(&["partition: bob"], "bob");
    assert_eq!(found, "expected a list of roles, as in `[bob]`, found a single value");
    let found = wrong(&["partition: [bob]", "heal: [alice]"], "heal: [alice]");
    assert_eq!(found, "`heal` names those whom `partition` cut off, and nobody else");
}

#[test]
fn fees_and_reorgs_are_those_of_one_chain() {
    let ends = "heal: [bob]";
    for (step, what) in [
        ("reorg: 1 block", "there is no `reorg` between `partition` and `heal`"),
        ("spike_fees: 30 sat/vB", "there is no `spike_fees` between `partition` and `heal`"),
    ] {
        assert_eq!(wrong(&["partition: [bob]", step, ends], step), what);
    }
    let found = wrong(&["spike_fees: 30 sat/vB", "partition: [bob]", ends], "partition");
    assert_eq!(found, "a fee spike ends with `calm_fees` before there is a `partition`");
    let calm =
        "- spike_fees: 30 sat/vB\n  - partition: [bob]\n  - calm_fees: 4 sat/vB\n  - heal: [bob]";
    let found: Vec<String> =
        mistakes(MINE, calm).into_iter().map(|(_, _, mistake)| mistake.to_string()).collect();
    assert_eq!(found[1], "there is no `calm_fees` between `partition` and `heal`");
    let probe = changed(BREACH, "alice: {role: cheat", "alice: {role: probe");
    let coinbase = format!("{PARTED}fund: {{channel: ab, with: coinbase}}\n  - heal: [bob]");
    let probe = changed(
        &probe,
        "  - publish: {by: alice, commitment: before-paying}",
        "  - mine: 2 blocks",
    );
    let error = refuse(&changed(&probe, MINE, &coinbase));
    let found: Vec<String> = error.problems.iter().map(|p| p.mistake.to_string()).collect();
    assert_eq!(found, ["no `coinbase` funds a channel between `partition` and `heal`"]);
}

#[test]
fn somebody_must_be_apart() {
    let what = "nobody is apart here: a `partition` comes first";
    for (step, marker) in [
        ("mine: {blocks: 1 block, apart: true}", "true"),
        ("expect: {transaction: {by: bob}, apart: true}", "true"),
        ("force_close: {channel: ab, by: bob, via: apart}", "apart"),
        ("publish: {by: alice, commitment: before-paying, via: apart}", "apart"),
        ("claim: {by: bob, output: ab.commitment.to_local, path: revocation, via: apart}", "apart"),
        ("double_spend: {by: alice, transaction: ab.funding, via: apart}", "apart"),
    ] {
        assert_eq!(wrong(&[step], marker), what);
        assert_eq!(wrong(&["partition: [bob]", "heal: [bob]", step], marker), what);
        let parted = format!("{PARTED}{step}\n  - heal: [bob]");
        read(&changed(BREACH, MINE, &parted));
    }
    read(&changed(BREACH, MINE, "- mine: {blocks: 1 block, apart: false}"));
}

#[test]
fn only_transactions_are_looked_for_apart() {
    let state = "expect: {state: {channel: ab, of: bob, is: normal}, apart: true}";
    let found = wrong(&["partition: [bob]", state, "heal: [bob]"], "true");
    assert_eq!(found, "only a `transaction` or `no_transaction` is looked for `apart`");
}
