//! Reorgs: what leaves, what comes back, what takes its place.

use std::collections::BTreeSet;

use bitcoin::{BlockHash, Txid};
use boltlab::{
    bolt::units::BlockHeight,
    chain::{Branch, Chain, ChainError},
};

use crate::{coins, funded, spend, txids};

/// A chain with a coin in its block 121, a payment of it in block 122, and four more blocks.
fn with_payment() -> (Chain, bitcoin::Transaction, bitcoin::Transaction) {
    let mut chain = funded();
    let coin = coins(&mut chain, &[10_000]);
    chain.mine(1).unwrap();
    let payment = spend(&coin, 0, 9_000);
    chain.submit(&payment).unwrap();
    chain.mine(1).unwrap();
    (chain, coin, payment)
}

fn returns_to_the_mempool_and_is_mined_again(depth: u32, expected: usize) {
    let (mut chain, coin, payment) = with_payment();
    let old_tip = chain.mine(depth.saturating_sub(2)).unwrap();
    let height = chain.height();
    let reorg = chain.reorg(depth, Branch::Empty).unwrap();
    assert_eq!(reorg.disconnected.len(), depth as usize);
    assert_eq!(reorg.connected.len(), depth as usize + 1);
    if let Some(tip) = old_tip.last() {
        assert_eq!(reorg.disconnected[0], *tip);
    }
    assert_eq!(chain.height(), BlockHeight(height.0 + 1));
    assert_eq!(chain.call::<BlockHash>("getbestblockhash", &[]).unwrap(), chain.tip());
    let back = [coin, payment];
    assert_eq!(chain.mempool().unwrap(), back[back.len() - expected..]);
    let again = chain.mine(1).unwrap();
    assert_eq!(again[0].txdata[1..], back[back.len() - expected..]);
}

#[test]
fn depth_1_returns_to_the_mempool() {
    returns_to_the_mempool_and_is_mined_again(1, 1);
}

#[test]
fn depth_2_returns_to_the_mempool() {
    returns_to_the_mempool_and_is_mined_again(2, 2);
}

#[test]
fn depth_6_returns_to_the_mempool() {
    returns_to_the_mempool_and_is_mined_again(6, 2);
}

#[test]
fn depth_20_returns_to_the_mempool() {
    returns_to_the_mempool_and_is_mined_again(20, 2);
}

#[test]
fn the_same_transactions_without_one() {
    let (mut chain, coin, payment) = with_payment();
    let without = BTreeSet::from([payment.compute_txid()]);
    let reorg = chain.reorg(2, Branch::Same { without }).unwrap();
    let contents: Vec<Vec<Txid>> =
        reorg.connected.iter().map(|block| txids(&block.txdata[1..])).collect();
    assert_eq!(contents, [vec![coin.compute_txid()], vec![], vec![]]);
    assert_eq!(chain.mempool().unwrap(), [payment]);
}

#[test]
fn the_same_transactions_without_one_are_without_its_descendants() {
    let (mut chain, coin, payment) = with_payment();
    let child = spend(&payment, 0, 8_000);
    let grandchild = spend(&child, 0, 7_000);
    chain.submit(&child).unwrap();
    chain.mine(1).unwrap();
    chain.submit(&grandchild).unwrap();
    chain.mine(1).unwrap();
    let without = BTreeSet::from([payment.compute_txid()]);
    let reorg = chain.reorg(4, Branch::Same { without }).unwrap();
    let contents: Vec<Vec<Txid>> =
        reorg.connected.iter().map(|block| txids(&block.txdata[1..])).collect();
    assert_eq!(contents, [vec![coin.compute_txid()], vec![], vec![], vec![], vec![]]);
    assert_eq!(chain.mempool().unwrap(), [payment, child, grandchild]);
}

#[test]
fn another_branch_has_a_conflicting_transaction() {
    let (mut chain, coin, payment) = with_payment();
    let rival = spend(&coin, 0, 8_000);
    chain.reorg(1, Branch::Blocks(vec![vec![rival.clone()]])).unwrap();
    assert_eq!(chain.mempool().unwrap(), []);
    assert_eq!(chain.confirmed(rival.compute_txid()), Some(BlockHeight(122)));
    assert_eq!(chain.confirmed(payment.compute_txid()), None);
}

#[test]
fn two_reorgs_give_three_branches() {
    let (mut chain, ..) = with_payment();
    let one = chain.reorg(1, Branch::Empty).unwrap().connected;
    let two = chain.reorg(2, Branch::Empty).unwrap().connected;
    assert_ne!(one[0], two[0]);
    assert_eq!(chain.height(), BlockHeight(124));
}

#[test]
fn an_invalid_branch_is_rejected_with_its_reason() {
    let (mut chain, coin, _) = with_payment();
    let tip = chain.tip();
    let thief = spend(&coin, 0, 10_001);
    let result = chain.reorg(1, Branch::Blocks(vec![vec![thief]]));
    let Err(ChainError::BlockRejected { height, reason, .. }) = result else {
        panic!("{result:?}");
    };
    assert_eq!((height, reason.as_str()), (BlockHeight(122), "bad-txns-in-belowout"));
    assert_eq!(chain.tip(), tip);
    chain.mine(1).unwrap();
}

#[test]
fn deeper_than_the_chain_is_refused() {
    let mut chain = funded();
    let result = chain.reorg(121, Branch::Empty);
    assert!(matches!(result, Err(ChainError::ReorgTooDeep { depth: 121, .. })), "{result:?}");
}

#[test]
fn invalidate_shortens_the_chain() {
    let (mut chain, _, payment) = with_payment();
    let tip = chain.tip();
    let reorg = chain.invalidate(tip).unwrap();
    assert_eq!(reorg.disconnected[0].block_hash(), tip);
    assert_eq!(chain.height(), BlockHeight(121));
    assert_eq!(chain.mempool().unwrap(), std::slice::from_ref(&payment));
    let block = chain.mine(1).unwrap().remove(0);
    assert_eq!(block.txdata[1..], [payment]);
    assert_ne!(block.block_hash(), tip);
}
