//! A breach and its penalty.

use super::*;

/// Alice publishes the state before her payments; Bob has all of it at once.
#[test]
fn every_revoked_state_is_punished() {
    for channel_type in BOTH {
        let mut pair = Pair::normal(channel_type);
        for _ in 0..3 {
            pair.pay(ALICE, Msat(100_000_000));
        }
        let newest = cheat::newest(&pair.nodes[ALICE], &pair.handle()).unwrap();
        for number in (0..newest.0).map(CommitmentNumber) {
            let mut fork = Pair { nodes: pair.nodes.clone(), ..Pair::new() };
            let revoked = cheat::commitment(&fork.nodes[ALICE], &fork.handle(), number).unwrap();
            fork.height = pair.height;
            fork.mine_these(vec![revoked]);
            assert!(
                fork.events
                    .contains(&(BOB, ChannelEvent::FundingSpent(FundingSpend::Revoked(number))))
            );
            assert!(fork.published(Purpose::Penalty).is_some(), "{number}");
        }
    }
}

#[test]
fn a_penalty_that_is_reorged_out_is_published_again() {
    let mut pair = Pair::normal(StaticRemotekey);
    pair.pay(ALICE, Msat(100_000_000));
    let revoked =
        cheat::commitment(&pair.nodes[ALICE], &pair.handle(), CommitmentNumber(0)).unwrap();
    pair.mine_these(vec![revoked]);
    pair.mine(1);
    let Phase::Closing(closing) = pair.phase(BOB) else { panic!() };
    let is_spent = |tracked: &Tracked| matches!(tracked.status, TrackedStatus::Spent { .. });
    assert!(closing.spend.as_ref().unwrap().all_tracked().any(is_spent));
    assert!(pair.published(Purpose::Penalty).is_none());
    pair.disconnect();
    pair.mine_these(Vec::new());
    assert!(pair.published(Purpose::Penalty).is_some());
}
