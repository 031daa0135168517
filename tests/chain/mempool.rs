//! The mempool's answers, which must read alike on every bitcoind.

use bitcoin::{
    Sequence, Transaction, TxOut, Witness, absolute::LockTime, hex::FromHex, transaction::Version,
};
use boltlab::chain::{Chain, Submission};

use crate::{assert_refused, coins, funded, spend};

fn coin() -> (Chain, Transaction) {
    let mut chain = funded();
    let coin = coins(&mut chain, &[10_000, 2_000_000]);
    chain.mine(1).unwrap();
    (chain, coin)
}

/// Both ways to ask must give the same answer.
#[track_caller]
fn assert_both_refuse(chain: &mut Chain, tx: &Transaction, reason: &str) {
    let tested = chain.test_accept(std::slice::from_ref(tx)).unwrap();
    assert_refused(&tested[0], reason);
    assert_refused(&chain.submit(tx).unwrap(), reason);
}

#[test]
fn valid_is_accepted() {
    let (mut chain, coin) = coin();
    let tx = spend(&coin, 0, 9_000);
    assert_eq!(chain.test_accept(std::slice::from_ref(&tx)).unwrap(), [Submission::Accepted]);
    assert_eq!(chain.mempool().unwrap(), []);
    assert_eq!(chain.submit(&tx).unwrap(), Submission::Accepted);
    assert_eq!(chain.mempool().unwrap(), std::slice::from_ref(&tx));
    assert_eq!(chain.submit(&tx).unwrap(), Submission::Accepted);
}

#[test]
fn absurd_fee_is_accepted() {
    let (mut chain, coin) = coin();
    let tx = spend(&coin, 1, 1_000);
    assert_eq!(chain.submit(&tx).unwrap(), Submission::Accepted);
}

#[test]
fn lock_time_ahead_is_refused() {
    let (mut chain, coin) = coin();
    let mut tx = spend(&coin, 0, 9_000);
    tx.lock_time = LockTime::from_height(122).unwrap();
    assert_both_refuse(&mut chain, &tx, "non-final");
    chain.mine(1).unwrap();
    assert_eq!(chain.submit(&tx).unwrap(), Submission::Accepted);
}

#[test]
fn relative_delay_ahead_is_refused() {
    let (mut chain, coin) = coin();
    let mut tx = spend(&coin, 0, 9_000);
    tx.input[0].sequence = Sequence::from_height(2);
    assert_both_refuse(&mut chain, &tx, "non-BIP68-final");
    chain.mine(1).unwrap();
    assert_eq!(chain.submit(&tx).unwrap(), Submission::Accepted);
}

#[test]
fn spent_output_is_refused() {
    let (mut chain, coin) = coin();
    chain.mine_block(vec![spend(&coin, 0, 9_000)]).unwrap();
    assert_both_refuse(&mut chain, &spend(&coin, 0, 8_000), "bad-txns-inputs-missingorspent");
}

#[test]
fn confirmed_is_refused() {
    let (mut chain, coin) = coin();
    assert_both_refuse(&mut chain, &coin, "txn-already-known");
}

#[test]
fn replacement_without_a_higher_fee_is_refused() {
    let (mut chain, coin) = coin();
    chain.submit(&spend(&coin, 0, 9_000)).unwrap();
    assert_both_refuse(&mut chain, &spend(&coin, 0, 9_100), "insufficient fee");
    assert_eq!(chain.submit(&spend(&coin, 0, 5_000)).unwrap(), Submission::Accepted);
}

#[test]
fn fee_below_the_minimum_is_refused() {
    let (mut chain, coin) = coin();
    assert_both_refuse(&mut chain, &spend(&coin, 0, 10_000), "min relay fee not met");
    // 0.1 sat per virtual byte, rounded up, is the minimum.
    assert_both_refuse(&mut chain, &spend(&coin, 0, 10_000 - 9), "min relay fee not met");
    assert_eq!(chain.submit(&spend(&coin, 0, 10_000 - 10)).unwrap(), Submission::Accepted);
}

#[test]
fn false_witness_is_refused() {
    let (mut chain, coin) = coin();
    let mut tx = spend(&coin, 0, 9_000);
    tx.input[0].witness = Witness::from_slice(&[[0x00]]);
    let mismatch = "mempool-script-verify-flag-failed (Witness program hash mismatch)";
    assert_both_refuse(&mut chain, &tx, mismatch);
}

#[test]
fn dust_is_refused() {
    let (mut chain, coin) = coin();
    assert_both_refuse(&mut chain, &spend(&coin, 0, 329), "dust");
}

#[test]
fn burnt_amount_is_no_concern() {
    let (mut chain, coin) = coin();
    let mut tx = spend(&coin, 0, 9_000);
    let script_pubkey = bitcoin::ScriptBuf::new_op_return(<[u8; 2]>::from_hex("beef").unwrap());
    tx.output.push(TxOut { value: bitcoin::Amount::from_sat(500), script_pubkey });
    assert_eq!(chain.submit(&tx).unwrap(), Submission::Accepted);
}

fn truc_package(coin: &Transaction, child_sats: u64) -> [Transaction; 2] {
    let mut parent = spend(coin, 0, 10_000);
    parent.version = Version(3);
    let mut child = spend(&parent, 0, child_sats);
    child.version = Version(3);
    [parent, child]
}

#[test]
fn truc_package_with_a_free_parent_is_accepted() {
    let (mut chain, coin) = coin();
    let package = truc_package(&coin, 9_000);
    assert_refused(&chain.submit(&package[0]).unwrap(), "min relay fee not met");
    let answer = chain.submit_package(&package).unwrap();
    assert_eq!(answer.package, Submission::Accepted);
    assert_eq!(answer.transactions, [Submission::Accepted, Submission::Accepted]);
    assert_eq!(chain.mempool().unwrap(), package);
    assert_eq!(chain.mine(1).unwrap()[0].txdata[1..], package);
}

#[test]
fn truc_package_with_a_stingy_child_is_refused() {
    let (mut chain, coin) = coin();
    let answer = chain.submit_package(&truc_package(&coin, 10_000)).unwrap();
    assert_refused(&answer.package, "transaction failed");
    assert_eq!(chain.mempool().unwrap(), []);
}

#[test]
fn replaced_transactions_are_reported() {
    let (mut chain, coin) = coin();
    let old = spend(&coin, 0, 9_000);
    chain.submit(&old).unwrap();
    let package = truc_package(&coin, 2_000);
    let answer = chain.submit_package(&package).unwrap();
    assert_eq!(answer.package, Submission::Accepted);
    assert_eq!(answer.replaced.into_iter().collect::<Vec<_>>(), [old.compute_txid()]);
}

#[test]
fn mempool_has_parents_first_and_ties_by_txid() {
    let (mut chain, coin) = coin();
    let (one, other) = (spend(&coin, 0, 9_000), spend(&coin, 1, 1_990_000));
    let child = spend(&one, 0, 8_000);
    for tx in [&one, &child, &other] {
        assert_eq!(chain.submit(tx).unwrap(), Submission::Accepted);
    }
    let mempool = chain.mempool().unwrap();
    let place = |tx| mempool.iter().position(|other| other == tx).unwrap();
    assert_eq!(mempool.len(), 3);
    assert!(place(&one) < place(&child));
    assert_eq!(one.compute_txid() < other.compute_txid(), place(&one) < place(&other));
}
