//! The door to bitcoind, tested on a real one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod fork;
mod lifecycle;
mod mempool;
mod mining;
mod reorg;
mod spike;

use std::sync::LazyLock;

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute,
    script, transaction,
};
use boltlab::chain::obtain::{Bitcoind, Request, Silent, find_or_obtain};
use boltlab::chain::{Chain, Options, Submission};

/// The bitcoind of this machine, found or obtained once.
fn options() -> Options {
    static BITCOIND: LazyLock<Bitcoind> =
        LazyLock::new(|| find_or_obtain(&Request::default(), &Silent).expect("a bitcoind"));
    Options::from(&*BITCOIND)
}

fn start() -> Chain {
    Chain::start(&options()).expect("bitcoind starts")
}

/// A chain with matured coins.
fn funded() -> Chain {
    let mut chain = start();
    chain.mine(120).unwrap();
    chain
}

/// Pays to outputs that anyone can spend.
fn coins(chain: &mut Chain, amounts: &[u64]) -> Transaction {
    let outputs: Vec<_> = amounts.iter().map(|&sats| anyone(sats)).collect();
    chain.fund(&outputs).unwrap()
}

fn anyones_script() -> ScriptBuf {
    script::Builder::new().push_int(1).into_script()
}

fn anyone(sats: u64) -> TxOut {
    TxOut { value: Amount::from_sat(sats), script_pubkey: anyones_script().to_p2wsh() }
}

/// Spends an output that anyone can spend to another such.
fn spend(tx: &Transaction, vout: u32, sats: u64) -> Transaction {
    let input = TxIn {
        previous_output: OutPoint { txid: tx.compute_txid(), vout },
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::from_slice(&[anyones_script()]),
    };
    Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![input],
        output: vec![anyone(sats)],
    }
}

fn txids(transactions: &[Transaction]) -> Vec<Txid> {
    transactions.iter().map(Transaction::compute_txid).collect()
}

#[track_caller]
fn assert_refused(submission: &Submission, expected: &str) {
    assert_eq!(*submission, Submission::Refused { reason: expected.into() });
}
