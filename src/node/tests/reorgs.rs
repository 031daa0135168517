//! What a reorg takes back.

use super::*;

/// Who only saw the close goes on when it is gone; who published it does not.
#[test]
fn a_close_that_is_gone_leaves_the_peer_in_normal_operation() {
    let mut pair = Pair::normal(Anchors);
    pair.command(ALICE, NodeCommand::ForceClose(pair.handle())).unwrap();
    pair.mine(1);
    assert_eq!(pair.phases(), ["closing", "closing"]);
    pair.disconnect();
    assert_eq!(pair.phases(), ["closing", "normal"]);
    pair.command(BOB, NodeCommand::ForceClose(pair.handle())).unwrap();
    assert!(pair.published(Purpose::Commitment(CommitmentNumber(0))).is_some());
}

#[test]
fn a_funding_that_is_double_spent_after_a_reorg_ends_the_channel_on_both_sides() {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat::ZERO);
    pair.drive();
    let funding = pair.published(Purpose::Funding).unwrap().clone();
    pair.mine(3);
    assert_eq!(pair.phases(), ["normal", "normal"]);
    for _ in 0..3 {
        pair.disconnect();
    }
    let replacement = cheat::double_spend(&pair.nodes[ALICE], &funding).unwrap();
    pair.mine_these(vec![replacement]);
    assert_eq!(pair.phases(), ["funding_lost", "funding_lost"]);
}
