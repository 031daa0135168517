//! Two bitcoinds with one past: what they share, where they part, how they come together again.

use std::path::PathBuf;

use bitcoin::BlockHash;
use boltlab::{
    bolt::units::BlockHeight,
    chain::{Branch, Chain, ChainError, Reorg},
};

use crate::{coins, funded, options, spend, txids};

fn best(chain: &mut Chain) -> BlockHash {
    chain.call("getbestblockhash", &[]).unwrap()
}

/// Two chains of 121 blocks, and a coin in the last one.
fn forked() -> (Chain, Chain, bitcoin::Transaction) {
    let mut main = funded();
    let coin = coins(&mut main, &[10_000, 20_000]);
    main.mine(1).unwrap();
    let apart = main.fork(&options()).unwrap();
    (main, apart, coin)
}

#[test]
fn a_fork_has_the_same_chain_and_mempool() {
    let mut main = funded();
    let coin = coins(&mut main, &[10_000]);
    main.mine(3).unwrap();
    let payment = spend(&coin, 0, 9_000);
    let child = spend(&payment, 0, 8_000);
    main.submit(&payment).unwrap();
    main.submit(&child).unwrap();
    let mut apart = main.fork(&options()).unwrap();
    assert_eq!((apart.height(), apart.tip()), (main.height(), main.tip()));
    assert_eq!(best(&mut apart), main.tip());
    assert_eq!(apart.mempool().unwrap(), [payment.clone(), child.clone()]);
    assert_eq!(apart.confirmed(coin.compute_txid()), Some(BlockHeight(121)));
    assert_ne!(apart.datadir(), main.datadir());
    assert_ne!(apart.pid(), main.pid());
    let mined = apart.mine(1).unwrap();
    assert_eq!(mined[0].txdata[1..], [payment, child]);
    assert_eq!(main.mempool().unwrap().len(), 2);
}

#[test]
fn blocks_of_a_fork_differ_and_so_do_those_of_the_next() {
    let (mut main, mut apart, _) = forked();
    let mut other = main.fork(&options()).unwrap();
    let mined = [&mut main, &mut apart, &mut other].map(|chain| chain.mine(1).unwrap().remove(0));
    let [main, apart, other] = mined;
    assert!(main != apart && main != other && apart != other);
    let coinbases = [main, apart, other].map(|block| block.txdata[0].compute_txid());
    assert!(coinbases[0] != coinbases[1] && coinbases[1] != coinbases[2]);
}

#[test]
fn the_higher_chain_wins_on_both_sides() {
    let (mut main, mut apart, coin) = forked();
    let (mains, aparts) = (spend(&coin, 0, 9_000), spend(&coin, 1, 9_000));
    main.submit(&mains).unwrap();
    apart.submit(&aparts).unwrap();
    let lost = main.mine(2).unwrap();
    let won = apart.mine(3).unwrap();
    assert_eq!(main.fork_with(&apart), BlockHeight(121));
    assert_eq!(apart.join(&main).unwrap(), Reorg::default());
    let reorg = main.join(&apart).unwrap();
    assert_eq!(reorg.disconnected, [lost[1].clone(), lost[0].clone()]);
    assert_eq!(reorg.connected, won);
    assert_eq!((main.tip(), best(&mut main)), (apart.tip(), apart.tip()));
    assert_eq!(txids(&main.mempool().unwrap()), [mains.compute_txid()]);
    assert_eq!(main.confirmed(aparts.compute_txid()), Some(BlockHeight(122)));
    main.mine(1).unwrap();
    assert_eq!(apart.join(&main).unwrap().disconnected, []);
    assert_eq!(best(&mut apart), main.tip());
}

#[test]
fn on_a_tie_each_stays_where_it_is() {
    let (mut main, mut apart, coin) = forked();
    let payment = spend(&coin, 0, 9_000);
    apart.submit(&payment).unwrap();
    main.mine(2).unwrap();
    apart.mine(1).unwrap();
    let waiting = spend(&coin, 1, 9_000);
    apart.submit(&waiting).unwrap();
    apart.mine_block(Vec::new()).unwrap();
    let tips = (main.tip(), apart.tip());
    assert_eq!(main.join(&apart).unwrap(), Reorg::default());
    assert_eq!(apart.join(&main).unwrap(), Reorg::default());
    assert_eq!((best(&mut main), best(&mut apart)), tips);
    let above = apart.transactions_above(BlockHeight(121)).unwrap();
    assert_eq!(above, [payment, waiting]);
}

#[test]
fn blocks_that_the_other_side_owes_its_bitcoind_are_given_all_the_same() {
    let (mut main, mut apart, _) = forked();
    // The second call finds nothing to put into blocks, and tells bitcoind later.
    apart.mine(1).unwrap();
    apart.mine(2).unwrap();
    assert_eq!(main.join(&apart).unwrap().connected.len(), 3);
    assert_eq!(best(&mut main), apart.tip());
    main.reorg(1, Branch::Empty).unwrap();
    main.mine(1).unwrap();
    assert_eq!(best(&mut main), main.tip());
}

#[test]
fn a_chain_that_parted_earlier_is_joined_and_an_orphan_is_refused() {
    let (mut main, ..) = forked();
    // It has the same 120 blocks, for a chain is a function of what was done.
    let mut stranger = funded();
    stranger.mine(3).unwrap();
    assert_eq!(main.fork_with(&stranger), BlockHeight(120));
    assert_eq!(main.join(&stranger).unwrap().disconnected.len(), 1);
    let (mut other, ..) = forked();
    let tip = other.tip();
    let orphan = main.blocks_above(BlockHeight(121));
    assert!(matches!(other.publish(&orphan), Err(ChainError::UnknownBlock { .. })));
    assert_eq!(best(&mut other), tip);
}

#[test]
fn a_block_that_bitcoind_refuses_is_no_part_of_the_other_chain() {
    let (mut main, mut apart, coin) = forked();
    let thief = spend(&coin, 0, 10_001);
    let refused = apart.mine_block(vec![thief]);
    assert!(matches!(refused, Err(ChainError::BlockRejected { .. })), "{refused:?}");
    assert_eq!(main.join(&apart).unwrap(), Reorg::default());
    apart.mine(1).unwrap();
    assert_eq!(main.join(&apart).unwrap().connected.len(), 1);
}

#[test]
fn nothing_is_left_of_a_fork() {
    let (mut main, apart, coin) = forked();
    let folder = apart.datadir().to_owned();
    assert_eq!(apart.stop().unwrap(), None);
    assert!(!folder.exists());
    let apart = main.fork(&options()).unwrap();
    let folder = apart.datadir().to_owned();
    drop(apart);
    assert!(!folder.exists());
    // One that refuses what the first one holds.
    let low = spend(&coin, 0, 9_990);
    main.submit(&low).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let mut options = options();
    options.arguments.push("-minrelaytxfee=0.001".to_owned());
    options.parent = Some(PathBuf::from(parent.path()));
    let failed = main.fork(&options);
    assert!(matches!(failed, Err(ChainError::NotForked { .. })), "{failed:?}");
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    main.mine(1).unwrap();
    assert_eq!(main.confirmed(low.compute_txid()), Some(BlockHeight(122)));
}
