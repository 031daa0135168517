//! Blocks: what is mined is what bitcoind has, and the same in every run.

use std::collections::BTreeSet;

use bitcoin::{Block, BlockHash, OutPoint, Transaction};
use boltlab::{
    bolt::units::BlockHeight,
    chain::{Branch, Chain, ChainError, Reorg, Spender, Submission},
};
use serde_json::json;

use crate::{anyone, coins, funded, spend, start, txids};

#[test]
fn mine_agrees_with_bitcoind() {
    let mut chain = start();
    let blocks = chain.mine(5).unwrap();
    assert_eq!(chain.height(), BlockHeight(5));
    assert_eq!(chain.tip(), blocks[4].block_hash());
    assert_eq!(chain.block(BlockHeight(3)), Some(&blocks[2]));
    assert_eq!(chain.call::<u32>("getblockcount", &[]).unwrap(), 5);
    assert_eq!(chain.call::<BlockHash>("getbestblockhash", &[]).unwrap(), chain.tip());
}

#[test]
fn mine_nothing_does_nothing() {
    let mut chain = start();
    assert_eq!(chain.mine(0).unwrap(), []);
    assert_eq!(chain.height(), BlockHeight(0));
}

#[test]
fn mine_across_a_halving() {
    let mut chain = start();
    chain.mine(320).unwrap();
    assert_eq!(chain.call::<u32>("getblockcount", &[]).unwrap(), 320);
}

#[test]
fn same_actions_give_the_same_blocks() {
    fn act() -> (BlockHash, Vec<Transaction>) {
        let mut chain = funded();
        let tx = coins(&mut chain, &[10_000, 20_000]);
        chain.submit(&spend(&tx, 0, 9_000)).unwrap();
        chain.mine(1).unwrap();
        chain.submit(&spend(&tx, 1, 19_000)).unwrap();
        chain.reorg(1, Branch::Empty).unwrap();
        let mempool = chain.mempool().unwrap();
        chain.mine(2).unwrap();
        (chain.tip(), mempool)
    }
    let (one, other) = (act(), act());
    assert_eq!(one.1.len(), 3);
    assert_eq!(one, other);
}

#[test]
fn first_block_takes_the_mempool_and_the_others_nothing() {
    let mut chain = funded();
    let parent = coins(&mut chain, &[10_000]);
    let child = spend(&parent, 0, 9_000);
    assert_eq!(chain.submit(&child).unwrap(), Submission::Accepted);
    let expected = txids(&[parent.clone(), child]);
    assert_eq!(txids(&chain.mempool().unwrap()), expected);

    let blocks = chain.mine(2).unwrap();
    assert_eq!(txids(&blocks[0].txdata[1..]), expected);
    assert_eq!(blocks[1].txdata.len(), 1);
    assert_eq!(chain.mempool().unwrap(), []);
    assert_eq!(chain.confirmed(expected[1]), Some(BlockHeight(121)));
    let output = OutPoint { txid: expected[0], vout: 0 };
    let spender = Spender::Chain(expected[1], BlockHeight(121));
    assert_eq!(chain.spender(output).unwrap(), Some(spender));
    assert_eq!(chain.unspent(output).unwrap(), None);
}

#[test]
fn who_is_chosen_comes_first_with_children_and_without_rivals() {
    let mut chain = funded();
    let coins = coins(&mut chain, &[100_000; 3]);
    chain.mine(1).unwrap();
    let (chosen, rival) = (spend(&coins, 0, 90_000), spend(&coins, 0, 95_000));
    let (parent, other) = (spend(&coins, 1, 90_000), spend(&coins, 2, 90_000));
    let child = spend(&parent, 0, 80_000);
    for tx in [&rival, &parent, &child, &other] {
        assert_eq!(chain.submit(tx).unwrap(), Submission::Accepted);
    }
    let first = vec![chosen.clone(), parent.clone()];
    let left_out = BTreeSet::from([other.compute_txid()]);
    let block = chain.mine_choosing(first, &left_out).unwrap();
    assert_eq!(block.txdata[1..], [chosen, parent, child]);
    assert_eq!(chain.mempool().unwrap(), [other]);
}

#[test]
fn spender_in_the_mempool() {
    let mut chain = funded();
    let parent = coins(&mut chain, &[10_000]);
    let output = OutPoint { txid: parent.compute_txid(), vout: 0 };
    assert_eq!(chain.spender(output).unwrap(), None);
    assert_eq!(chain.unspent(output).unwrap(), Some(parent.output[0].clone()));
    chain.mine(1).unwrap();
    assert_eq!(chain.unspent(output).unwrap(), Some(parent.output[0].clone()));
    let child = spend(&parent, 0, 9_000);
    chain.submit(&child).unwrap();
    assert_eq!(chain.spender(output).unwrap(), Some(Spender::Mempool(child.compute_txid())));
    assert_eq!(chain.unspent(output).unwrap(), None);
}

#[test]
fn template_is_not_stale_on_the_same_tip() {
    let mut chain = funded();
    let tx = coins(&mut chain, &[10_000, 20_000]);
    chain.mine(1).unwrap();
    let (first, second) = (spend(&tx, 0, 9_000), spend(&tx, 1, 19_000));
    chain.submit(&first).unwrap();
    // Far ahead of the blocks' times, the clock stands still from block to block.
    chain.set_mock_time(1_700_000_000).unwrap();
    let block = chain.mine(1).unwrap().remove(0);
    // Back to the tip that bitcoind has a template for, then one more transaction.
    chain.invalidate(block.block_hash()).unwrap();
    chain.submit(&second).unwrap();
    let block = chain.mine(1).unwrap().remove(0);
    let mut expected = txids(&[first, second]);
    expected.sort();
    assert_eq!(txids(&block.txdata[1..]), expected);
}

#[test]
fn mine_block_takes_what_the_mempool_refuses() {
    let mut chain = funded();
    let coin = coins(&mut chain, &[10_000]);
    chain.mine(1).unwrap();
    let free = spend(&coin, 0, 10_000);
    assert!(matches!(chain.submit(&free).unwrap(), Submission::Refused { .. }));
    let block = chain.mine_block(vec![free.clone()]).unwrap();
    assert_eq!(block.txdata[1], free);
    assert_eq!(chain.call::<BlockHash>("getbestblockhash", &[]).unwrap(), block.block_hash());
}

#[test]
fn mine_block_leaves_the_mempool_waiting() {
    let mut chain = funded();
    let tx = coins(&mut chain, &[10_000]);
    chain.mine_block(Vec::new()).unwrap();
    assert_eq!(chain.mempool().unwrap(), [tx]);
}

#[test]
fn invalid_block_is_rejected_and_the_chain_stays() {
    let mut chain = funded();
    let coin = coins(&mut chain, &[10_000]);
    let tip = chain.tip();
    let thief = spend(&coin, 0, 10_001);
    let result = chain.mine_block(vec![coin, thief]);
    let Err(ChainError::BlockRejected { height, reason, .. }) = result else {
        panic!("{result:?}");
    };
    assert_eq!((height, reason.as_str()), (BlockHeight(121), "bad-txns-in-belowout"));
    assert_eq!(chain.tip(), tip);
    chain.mine(1).unwrap();
}

#[test]
fn withheld_block_is_published_later() {
    let mut chain = funded();
    let coin = coins(&mut chain, &[10_000]);
    let withheld = chain.prepare(chain.tip(), vec![vec![coin.clone()]]).unwrap();
    assert_eq!(chain.call::<u32>("getblockcount", &[]).unwrap(), 120);
    assert_eq!(chain.mempool().unwrap(), std::slice::from_ref(&coin));
    let reorg = chain.publish(&withheld).unwrap();
    assert_eq!((reorg.disconnected, reorg.connected), (Vec::<Block>::new(), withheld));
    assert_eq!(chain.mempool().unwrap(), []);
}

#[test]
fn withheld_branch_overtakes_once_it_is_longer() {
    let mut chain = funded();
    let fork = chain.tip();
    let first = chain.prepare(fork, vec![Vec::new()]).unwrap();
    let second = chain.prepare(first[0].block_hash(), vec![Vec::new()]).unwrap();
    let public = chain.mine(1).unwrap();
    assert_ne!(public, first);

    let equal = chain.publish(&first).unwrap();
    assert_eq!(equal, Reorg::default());
    assert_eq!(chain.tip(), public[0].block_hash());
    let longer = chain.publish(&second).unwrap();
    assert_eq!(longer.disconnected, public);
    assert_eq!(longer.connected, [first, second].concat());
    assert_eq!(chain.call::<BlockHash>("getbestblockhash", &[]).unwrap(), chain.tip());
}

#[test]
fn fund_spends_unconfirmed_change_when_coins_are_few() {
    let mut chain = start();
    chain.mine(100).unwrap();
    let first = coins(&mut chain, &[20_000_000]);
    let second = coins(&mut chain, &[30_000_000]);
    assert_eq!(second.input[0].previous_output.txid, first.compute_txid());
    let result = chain.fund(&[anyone(6_000_000_000)]);
    assert!(matches!(result, Err(ChainError::NotEnoughCoins { .. })), "{result:?}");
}

#[test]
fn fund_after_a_reorg_does_not_spend_twice() {
    let mut chain = funded();
    let first = coins(&mut chain, &[10_000]);
    chain.mine(1).unwrap();
    chain.reorg(1, Branch::Empty).unwrap();
    let second = coins(&mut chain, &[10_000]);
    assert_ne!(first.input[0].previous_output, second.input[0].previous_output);
}

#[test]
fn clock_never_goes_back() {
    fn clock(chain: &mut Chain) -> u64 {
        let template: serde_json::Value =
            chain.call("getblocktemplate", &[json!({ "rules": ["segwit"] })]).unwrap();
        template["curtime"].as_u64().unwrap()
    }
    let mut chain = funded();
    let before = clock(&mut chain);
    chain.set_mock_time(before + 100_000).unwrap();
    chain.mine(1).unwrap();
    assert_eq!(clock(&mut chain), before + 100_000);
    chain.set_mock_time(5).unwrap();
    chain.mine(1).unwrap();
    assert_eq!(clock(&mut chain), before + 100_000);
}

#[test]
fn empty_blocks_reach_bitcoind_before_the_next_call() {
    let mut chain = start();
    chain.mine(1).unwrap();
    for _ in 0..20 {
        chain.mine(1).unwrap();
    }
    let height: u32 = chain.call("getblockcount", &[]).unwrap();
    assert_eq!(height, 21);
    let best: bitcoin::BlockHash = chain.call("getbestblockhash", &[]).unwrap();
    assert_eq!(best, chain.tip());
}
