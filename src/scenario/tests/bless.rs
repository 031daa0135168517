//! Writing outcomes.

use super::*;

fn outcome_of(text: &str) -> Outcome {
    read(text).outcome.expect("an outcome").value
}

#[test]
fn an_outcome_written_is_an_outcome_read() {
    for text in [BREACH, EVERYTHING] {
        let outcome = outcome_of(text);
        let blessed = with_outcome(text, &outcome.to_yaml());
        assert_eq!(outcome_of(&blessed), outcome);
    }
    assert_eq!(with_outcome(BREACH, &outcome_of(BREACH).to_yaml()), BREACH);
}

#[test]
fn all_else_stays_byte_for_byte() {
    let text = "# one\ntitle: x   # two\noutcome:   # three\n  ab.funding: unspent # four\n\n  # five\n  balances: {}\n\n# six\nabout: |\n  outcome:\n";
    let blessed = with_outcome(text, "  ab.funding: unconfirmed\n");
    assert_eq!(
        blessed,
        "# one\ntitle: x   # two\noutcome:\n  ab.funding: unconfirmed\n\n# six\nabout: |\n  outcome:\n"
    );
}

#[test]
fn a_missing_outcome_goes_to_the_end() {
    assert_eq!(
        with_outcome("title: x", "  a.funding: unspent\n"),
        "title: x\noutcome:\n  a.funding: unspent\n"
    );
    assert_eq!(
        with_outcome("title: x\n", "  a.funding: unspent\n"),
        "title: x\noutcome:\n  a.funding: unspent\n"
    );
    assert_eq!(
        with_outcome("title: x\n...\n", "  a.funding: unspent\n"),
        "title: x\noutcome:\n  a.funding: unspent\n...\n"
    );
    assert_eq!(
        with_outcome("title: x\r\n", "  a.funding: unspent\n"),
        "title: x\r\noutcome:\r\n  a.funding: unspent\r\n"
    );
}

#[test]
fn a_flow_mapping_is_replaced_whole() {
    for old in [
        "outcome: {ab.funding: unspent}\n",
        "outcome: {\n  ab.funding: unspent\n}\n",
        "outcome: {}\n",
        "outcome:\n",
        "\"outcome\" : {}\n",
    ] {
        let text = format!("title: x\n{old}about: y\n");
        let blessed = with_outcome(&text, "  ab.funding: unconfirmed\n");
        assert_eq!(blessed, "title: x\noutcome:\n  ab.funding: unconfirmed\nabout: y\n", "{old}");
    }
}

#[test]
fn words_that_look_like_the_key_are_left_alone() {
    let text = "outcomes: x\nabout: outcome:\n# outcome:\n";
    let blessed = with_outcome(text, "  a.funding: unspent\n");
    assert_eq!(blessed, format!("{text}outcome:\n  a.funding: unspent\n"));
}
