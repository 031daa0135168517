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
    let replacement = cheat::double_spend(&pair.nodes[ALICE], &funding, None).unwrap();
    pair.mine_these(vec![replacement]);
    assert_eq!(pair.phases(), ["funding_lost", "funding_lost"]);
}

/// A channel that was in use, whose funding was double-spent after a reorg; and the funding. `last`
/// is what happened before.
fn double_spent(last: impl FnOnce(&mut Pair)) -> (Pair, bitcoin::Transaction) {
    let mut pair = Pair::new();
    pair.open(Anchors, Msat(200_000_000));
    pair.drive();
    let funding = pair.published(Purpose::Funding).unwrap().clone();
    pair.mine(3);
    pair.pay(ALICE, Msat(300_000_000));
    last(&mut pair);
    for _ in 0..3 {
        pair.disconnect();
    }
    let replacement = cheat::double_spend(&pair.nodes[ALICE], &funding, None).unwrap();
    pair.mine_these(vec![replacement]);
    assert_eq!(pair.phases(), ["funding_lost", "funding_lost"]);
    (pair, funding)
}

#[test]
fn a_double_spend_that_is_gone_gives_back_the_channel_with_its_penalties() {
    let (mut pair, funding) = double_spent(|_| {});
    pair.disconnect();
    assert_eq!(pair.phases(), ["normal", "normal"]);
    assert!(pair.events.contains(&(BOB, ChannelEvent::DoubleSpendUndone)));
    pair.mine_these(vec![funding]);
    pair.mempool.clear();
    let revoked = cheat::commitment(&pair.nodes[ALICE], &pair.handle(), CommitmentNumber(0));
    pair.mine_these(vec![revoked.unwrap()]);
    assert!(pair.published(Purpose::Penalty).is_some(), "{:?}", pair.mempool);
}

#[test]
fn a_double_spend_is_final_once_no_reorg_undoes_it() {
    let (mut pair, _) = double_spent(|_| {});
    pair.mine(99);
    let Phase::Closed(Closed::DoubleSpent { .. }) = pair.phase(BOB) else { panic!() };
    pair.mine(1);
    assert_eq!(*pair.phase(BOB), Phase::Closed(Closed::FundingLost));
}

#[test]
fn what_is_lost_with_the_connection_does_not_come_back_with_the_channel() {
    let (mut pair, _) = double_spent(|pair| {
        pair.offer(ALICE, Msat(1_000_000)).unwrap();
        pair.deliver_some(1);
        assert_eq!(pair.commitments(BOB).htlcs().count(), 1, "Bob has heard of it, and no more");
    });
    pair.lose_connection();
    pair.disconnect();
    assert_eq!(pair.phases(), ["normal", "normal"]);
    assert_eq!(pair.commitments(BOB).htlcs().count(), 0);
}
