//! The verbs about the chain, and about who sees what of it.

use super::*;

const MINE: &str = "- mine: 1 block";

#[test]
fn who_is_offline_for_a_while_may_be_back_or_not() {
    let for_a_while = "- offline: {role: bob, for: 2 blocks}";
    read(&changed(BREACH, MINE, &format!("{for_a_while}\n  - online: bob")));
    read(&changed(BREACH, MINE, &format!("{for_a_while}\n  - offline: bob")));
    let found = mistake(MINE, "- offline: {role: bob, for: 0 blocks}", "0 blocks");
    let (verb, limit) = ("offline", 10_000);
    assert_eq!(found, Mistake::BlocksOutOfRange { verb, blocks: 0, limit });
}

#[test]
fn a_fee_spike_is_one_and_calms_down() {
    let what = "a spike ends with `calm_fees` before there is another one";
    let twice = "- spike_fees: 30 sat/vB\n  - spike_fees: 40 sat/vB";
    assert_eq!(mistake(MINE, twice, "40 sat/vB"), Mistake::Nothing { what });
    let what = "there is no fee spike here";
    assert_eq!(mistake(MINE, "- calm_fees: 4 sat/vB", "4 sat/vB"), Mistake::Nothing { what });
    let what = "a spike is between 2000 sat/kw and 125000 sat/kw";
    for feerate in ["7 sat/vB", "501 sat/vB"] {
        let step = format!("- spike_fees: {feerate}");
        assert_eq!(mistake(MINE, &step, feerate), Mistake::Nothing { what });
    }
    let what = "fees calm down to between 253 sat/kw and 2000 sat/kw";
    for feerate in ["252 sat/kw", "9 sat/vB"] {
        let step = format!("- spike_fees: 8 sat/vB\n  - calm_fees: {feerate}");
        assert_eq!(mistake(MINE, &step, feerate), Mistake::Nothing { what });
    }
    let again = "- spike_fees: 8 sat/vB\n  - calm_fees: 8 sat/vB\n  - spike_fees: 500 sat/vB";
    read(&changed(BREACH, MINE, again));
}

#[test]
fn blocks_are_released_that_were_withheld() {
    let twice = "- withhold_blocks: bob\n  - withhold_blocks: bob # again";
    let what = "the blocks of this role are withheld already";
    assert_eq!(mistake(MINE, twice, "bob # again"), Mistake::Nothing { what });
    let what = "no blocks are withheld from this role";
    assert_eq!(mistake(MINE, "- release_blocks: bob", "bob"), Mistake::Nothing { what });
    read(&changed(BREACH, MINE, "- withhold_blocks: bob\n  - release_blocks: bob"));
}
