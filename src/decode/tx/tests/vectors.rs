//! What a person reads about the transactions of BOLT 3's appendices.

use super::samples::{
    ANCHORS_HTLCS, ANCHORS_SIMPLE, ANCHORS_SUCCESS, ANCHORS_TIMEOUT, FIVE_HTLCS, FUNDING,
    HTLC_SUCCESS, HTLC_TIMEOUT, SIMPLE,
};
use super::{explained, transaction, words};
use crate::decode::tx::{Evidence, Kind, Role, Validity, WitnessScript};

#[test]
fn funding_alone_may_be_one() {
    insta::assert_snapshot!(words(&[FUNDING]));
}

#[test]
fn funding_with_its_spender_is_one() {
    insta::assert_snapshot!(words(&[FUNDING, SIMPLE]));
}

#[test]
fn commitment_alone() {
    insta::assert_snapshot!(words(&[SIMPLE]));
}

#[test]
fn commitment_with_its_family_has_a_fee_and_every_output_named() {
    insta::assert_snapshot!(words(&[FIVE_HTLCS, FUNDING, HTLC_SUCCESS, HTLC_TIMEOUT]));
}

#[test]
fn commitment_with_anchors_names_them_by_the_funding_keys() {
    insta::assert_snapshot!(words(&[ANCHORS_SIMPLE]));
}

#[test]
fn htlc_success_alone() {
    insta::assert_snapshot!(words(&[HTLC_SUCCESS]));
}

#[test]
fn htlc_timeout_with_its_parent() {
    insta::assert_snapshot!(words(&[ANCHORS_TIMEOUT, ANCHORS_HTLCS]));
}

/// Appendix C: the factor is 0x2bb038521914, the number 42.
#[test]
fn obscured_number_is_read_whole() {
    let Kind::Commitment { obscured_number, .. } = explained(&[transaction(SIMPLE)]).kind else {
        panic!("no commitment");
    };
    assert_eq!(obscured_number ^ 0x2bb0_3852_1914, 42);
}

#[test]
fn json_has_types_in_place_of_prose() {
    let explanation = explained(&[transaction(HTLC_SUCCESS), transaction(FIVE_HTLCS)]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&explanation).unwrap());
}

#[test]
fn signatures_of_every_sample_are_valid_for_their_parents() {
    for family in [
        [SIMPLE, FUNDING],
        [FIVE_HTLCS, FUNDING],
        [HTLC_SUCCESS, FIVE_HTLCS],
        [HTLC_TIMEOUT, FIVE_HTLCS],
        [ANCHORS_HTLCS, FUNDING],
        [ANCHORS_SUCCESS, ANCHORS_HTLCS],
        [ANCHORS_TIMEOUT, ANCHORS_HTLCS],
    ] {
        let explanation = explained(&family.map(transaction));
        let json = serde_json::to_value(&explanation).unwrap();
        let signatures = json["inputs"][0]["spent"]["lightning"]["signatures"].as_array().unwrap();
        assert_eq!(signatures.len(), 2);
        assert!(signatures.iter().all(|signature| signature["validity"] == "valid"), "{json}");
        assert_eq!(explanation.inputs[0].fits_output, Some(true));
    }
}

#[test]
fn signature_of_another_amount_is_invalid() {
    let mut parent = transaction(FUNDING);
    let spender = transaction(SIMPLE);
    parent.output[0].value += bitcoin::Amount::ONE_SAT;
    // The parent's id changes with it.
    let mut child = spender;
    child.input[0].previous_output.txid = parent.compute_txid();
    let text = explained(&[child, parent]).to_string();
    assert!(text.contains(&Validity::Invalid.to_string()), "{text}");
}

#[test]
fn same_script_as_a_second_stage_is_to_local() {
    let alone = explained(&[transaction(FIVE_HTLCS)]);
    let to_local = alone.outputs[6].name.clone().unwrap();
    assert_eq!(to_local.roles, [Role::ToLocal, Role::OfferedHtlc, Role::ReceivedHtlc]);
    assert_eq!(to_local.evidence, Evidence::Guess);

    let beside = explained(&[transaction(FIVE_HTLCS), transaction(HTLC_SUCCESS)]);
    let names: Vec<_> = beside.outputs.iter().map(|output| output.name.clone().unwrap()).collect();
    assert_eq!(names[6].known(), Some(Role::ToLocal));
    assert_eq!(names[6].evidence, Evidence::SameScript);
    // A commitment has just one to_local, so no other output can be it.
    assert_eq!(names[1].roles, [Role::OfferedHtlc, Role::ReceivedHtlc]);
    assert_eq!(names[0].known(), Some(Role::ReceivedHtlc));
    assert!(matches!(names[0].witness_script, Some(WitnessScript::ReceivedHtlc { .. })));
}

#[test]
fn anchor_of_another_amount_is_none() {
    let mut commitment = transaction(ANCHORS_SIMPLE);
    let is_anchor = |tx: &bitcoin::Transaction| {
        let outputs = explained(std::slice::from_ref(tx)).outputs;
        outputs[0].name.as_ref().unwrap().known() == Some(Role::Anchor)
    };
    assert!(is_anchor(&commitment));
    commitment.output[0].value = bitcoin::Amount::from_sat(331);
    assert!(!is_anchor(&commitment));
}

#[test]
fn commitment_without_a_witness_is_known_by_its_marks() {
    let mut commitment = transaction(SIMPLE);
    commitment.input[0].witness.clear();
    let unsigned = explained(std::slice::from_ref(&commitment));
    assert!(matches!(unsigned.kind, Kind::Commitment { has_witness: false, .. }));
    let mut other_sequence = commitment.clone();
    other_sequence.input[0].sequence.0 = 0x812b_b038;
    assert!(!matches!(explained(&[other_sequence]).kind, Kind::Commitment { .. }));
    commitment.lock_time = bitcoin::absolute::LockTime::from_consensus(0x2119_5e3e);
    assert!(!matches!(explained(&[commitment]).kind, Kind::Commitment { .. }));
}
