//! What the tests of two nodes have in common.

#![allow(dead_code, reason = "not every test needs all of it")]
#![allow(missing_docs, unreachable_pub, reason = "the tests' own")]

use std::{sync::LazyLock, time::Duration};

use bitcoin::{Amount, OutPoint, Transaction, TxOut, Txid};
use boltlab::chain::{
    Chain, Options,
    obtain::{Bitcoind, Request, Silent, find_or_obtain},
};
use boltlab_target_ldk::{
    Ldk, LdkError,
    ldk_node::{Event, NodeError, UserChannelId},
    mempool_with,
};

/// How long anything may take on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn funded_chain() -> Chain {
    static BITCOIND: LazyLock<Bitcoind> =
        LazyLock::new(|| find_or_obtain(&Request::default(), &Silent).expect("a bitcoind"));
    let mut chain = Chain::start(&Options::from(&*BITCOIND)).unwrap();
    chain.mine(110).unwrap();
    chain
}

/// Pays to a node's wallet, in a block.
pub fn give(chain: &mut Chain, ldk: &Ldk, value: Amount) {
    let script_pubkey = ldk.new_address().unwrap().script_pubkey();
    chain.fund(&[TxOut { value, script_pubkey }]).unwrap();
    mine(chain, &[ldk], 1);
}

/// Mines, and returns when the nodes have seen it.
pub fn mine(chain: &mut Chain, nodes: &[&Ldk], blocks: u32) {
    chain.mine(blocks).unwrap();
    for ldk in nodes {
        ldk.sync(chain).unwrap();
    }
}

pub fn in_mempool(chain: &mut Chain, what: &str, txid: Txid) -> Transaction {
    mempool_with(chain, what, PATIENCE, |tx| tx.compute_txid() == txid).unwrap()
}

pub fn pending(ldk: &Ldk) -> (UserChannelId, OutPoint) {
    let event = ldk
        .wait_for("ChannelPending", PATIENCE, |event| matches!(event, Event::ChannelPending { .. }))
        .unwrap();
    match event {
        Event::ChannelPending { user_channel_id, funding_txo, .. } => {
            (user_channel_id, funding_txo)
        }
        other => panic!("{other:?}"),
    }
}

pub fn ready(ldk: &Ldk) {
    ldk.wait_for("ChannelReady", PATIENCE, |event| matches!(event, Event::ChannelReady { .. }))
        .unwrap();
}

/// The error of LDK's own, if it is one.
pub fn refusal(error: &LdkError) -> Option<NodeError> {
    match error {
        LdkError::Refused { source, .. } => Some(*source),
        _ => None,
    }
}
