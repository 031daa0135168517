//! Fee spikes: full blocks, a mempool that wants more, and nothing that hangs on its size.

use std::collections::BTreeSet;

use bitcoin::{BlockHash, Transaction, Weight};
use boltlab::bolt::units::{BlockHeight, FeeratePerKw};
use boltlab::chain::{Branch, Chain, Options, SMALL_MEMPOOL, Seen, Submission};

use crate::{assert_refused, coins, options, spend};

const HIGH: FeeratePerKw = FeeratePerKw(7_500);
/// 30 and 10 sat per vbyte, for the 96 vbytes of `spend`.
const DEAR: u64 = 100_000 - 30 * 96;
const CHEAP: u64 = 100_000 - 10 * 96;
const TOO_LITTLE: &str = "mempool min fee not met";

/// A chain with coins that anyone can spend, in a mempool of this size.
fn prepared(size: &str) -> (Chain, Transaction) {
    let mut options: Options = options();
    options.arguments.push(size.to_owned());
    let mut chain = Chain::start(&options).unwrap();
    chain.mine(110).unwrap();
    chain.prepare_spikes().unwrap();
    let coins = coins(&mut chain, &[100_000; 4]);
    chain.mine(1).unwrap();
    (chain, coins)
}

/// In sat per kilovbyte, rounded.
fn least_feerate(chain: &mut Chain) -> u64 {
    let info: serde_json::Value = chain.call("getmempoolinfo", &[]).unwrap();
    let text = format!("{:.8}", info["mempoolminfee"].as_f64().unwrap());
    text.replace('.', "").parse().unwrap()
}

fn mine(chain: &mut Chain) -> Seen {
    let block = chain.mine(1).unwrap().remove(0);
    let seen = chain.seen(&block);
    assert_eq!(seen.full, block.weight() > Weight::from_wu(3_700_000));
    seen
}

#[test]
fn blocks_are_full_and_who_pays_less_is_refused() {
    let (mut chain, coins) = prepared(SMALL_MEMPOOL);
    let dear = spend(&coins, 0, DEAR);
    let cheap = spend(&coins, 1, CHEAP);
    chain.spike(HIGH).unwrap();
    for block in 0..3 {
        let least = least_feerate(&mut chain);
        assert!((29_000..30_000).contains(&least), "{least} at block {block}");
        assert_refused(&chain.submit(&cheap).unwrap(), TOO_LITTLE);
        assert_eq!(chain.mempool().unwrap(), []);
        assert!(mine(&mut chain).full);
    }
    assert_eq!(chain.submit(&dear).unwrap(), Submission::Accepted);
    let seen = mine(&mut chain);
    assert!(seen.full);
    assert_eq!(seen.transactions[1..], [dear]);
}

#[test]
fn a_block_of_chosen_transactions_is_as_full() {
    let (mut chain, coins) = prepared(SMALL_MEMPOOL);
    let (dear, cheap) = (spend(&coins, 0, DEAR), spend(&coins, 1, CHEAP));
    chain.spike(HIGH).unwrap();
    assert_eq!(chain.submit(&dear).unwrap(), Submission::Accepted);
    let left_out = BTreeSet::from([dear.compute_txid()]);
    let block = chain.mine_choosing(vec![cheap.clone()], &left_out).unwrap();
    assert!(block.weight() > Weight::from_wu(3_700_000));
    assert_eq!(chain.seen(&block).transactions[1..], [cheap]);
    assert_eq!(chain.mempool().unwrap(), [dear]);
    let least = least_feerate(&mut chain);
    assert!((29_000..30_000).contains(&least), "{least}");
    chain.calm();
    chain.mine_choosing(Vec::new(), &left_out).unwrap();
    assert!(chain.is_calm());
}

#[test]
fn who_pays_less_is_thrown_out() {
    let (mut chain, coins) = prepared(SMALL_MEMPOOL);
    let (dear, cheap) = (spend(&coins, 0, DEAR), spend(&coins, 1, CHEAP));
    for tx in [&dear, &cheap] {
        assert_eq!(chain.submit(tx).unwrap(), Submission::Accepted);
    }
    chain.spike(HIGH).unwrap();
    assert_eq!(chain.mempool().unwrap(), [dear]);
}

#[test]
fn calm_takes_a_block_and_takes_everything() {
    let (mut chain, coins) = prepared(SMALL_MEMPOOL);
    chain.spike(HIGH).unwrap();
    mine(&mut chain);
    chain.calm();
    let cheap = spend(&coins, 1, CHEAP);
    assert_refused(&chain.submit(&cheap).unwrap(), TOO_LITTLE);
    assert!(!chain.is_calm());
    assert!(!mine(&mut chain).full);
    assert!(chain.is_calm());
    assert_eq!(chain.call::<Vec<String>>("getrawmempool", &[]).unwrap(), Vec::<String>::new());
    assert_eq!(least_feerate(&mut chain), 100);
    assert_eq!(chain.submit(&cheap).unwrap(), Submission::Accepted);
    assert_eq!(mine(&mut chain).transactions[1..], [cheap]);
    // Another one may be lower.
    chain.spike(FeeratePerKw(2_500)).unwrap();
    assert!((9_000..10_000).contains(&least_feerate(&mut chain)));
    assert!(mine(&mut chain).full);
}

/// A spike with everything in it, as the hashes of its blocks.
fn history(size: &str) -> Vec<BlockHash> {
    let (mut chain, coins) = prepared(size);
    let first = spend(&coins, 0, DEAR);
    chain.spike(HIGH).unwrap();
    chain.submit(&first).unwrap();
    chain.mine(2).unwrap();
    let confirmed = chain.confirmed(first.compute_txid()).unwrap();
    chain.reorg(2, Branch::Empty).unwrap();
    assert_eq!(chain.confirmed(first.compute_txid()), None);
    assert_eq!(chain.mempool().unwrap(), std::slice::from_ref(&first));
    assert!(least_feerate(&mut chain) >= 29_000);
    chain.mine(2).unwrap();
    assert_eq!(chain.confirmed(first.compute_txid()).unwrap().0, confirmed.0 + 3);
    chain.reorg(1, Branch::default()).unwrap();
    chain.calm();
    chain.mine(2).unwrap();
    chain.spike(FeeratePerKw(2_500)).unwrap();
    chain.mine(2).unwrap();
    (110..=chain.height().0)
        .map(|height| chain.block(BlockHeight(height)).unwrap().block_hash())
        .collect()
}

#[test]
fn nothing_hangs_on_how_many_fillers_a_mempool_holds() {
    assert_eq!(history(SMALL_MEMPOOL), history("-maxmempool=7"));
}
