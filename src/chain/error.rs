//! What can go wrong between the lab and its bitcoind. None of it is ever a peer's fault.

use std::{ffi::OsString, io, path::PathBuf, time::Duration};

use bitcoin::{Amount, BlockHash, Txid};

use crate::bolt::units::BlockHeight;

/// The lab's chain failed: bitcoind, its folder, or a demand that no chain can meet.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// bitcoind ended, or never answered, before it was ready.
    #[error("start bitcoind: {} ended before it was ready{}", display(.command), indent(.output))]
    CouldNotStart {
        /// The command that was run.
        command: Vec<OsString>,
        /// The last lines that it printed, the oldest first.
        output: Vec<String>,
    },
    /// bitcoind ended while the lab was running.
    #[error("reach bitcoind: it ended while the lab was running{}", indent(.output))]
    Died {
        /// The last lines that it printed or, when it printed none, logged; the oldest first.
        output: Vec<String>,
    },
    /// bitcoind understood the call, and answered with an error.
    #[error("call {method}: bitcoind answered {code}: {message}")]
    Rpc {
        /// The RPC's name.
        method: &'static str,
        /// JSON-RPC's error code.
        code: i32,
        /// bitcoind's words.
        message: String,
    },
    /// bitcoind lives, but gave no answer in time.
    #[error("call {method}: no answer from bitcoind within {} s", .after.as_secs())]
    Timeout {
        /// The RPC's name.
        method: &'static str,
        /// How long the lab waited.
        after: Duration,
    },
    /// The connection failed, or carried what is not an answer to the call.
    #[error("call {method}")]
    Transport {
        /// The RPC's name.
        method: &'static str,
        /// What failed.
        #[source]
        source: Box<bitcoincore_rpc::Error>,
    },
    /// bitcoind does not take a block of the lab's.
    #[error("publish block {hash} at height {height}: {reason}")]
    BlockRejected {
        /// The block's height.
        height: BlockHeight,
        /// The block.
        hash: BlockHash,
        /// bitcoind's reason ("bad-txns-inputs-missingorspent").
        reason: String,
    },
    /// No block of the lab's has this hash.
    #[error("find block {hash}: the lab did not build it")]
    UnknownBlock {
        /// The hash.
        hash: BlockHash,
    },
    /// The chain is shorter than the reorg is deep.
    #[error("reorg {depth} blocks: the chain is {height} blocks high")]
    ReorgTooDeep {
        /// The blocks to disconnect.
        depth: u32,
        /// The chain's height.
        height: BlockHeight,
    },
    /// A second bitcoind does not take what the mempool of the first one holds.
    #[error("fork: the second bitcoind refused {txid}: {reason}")]
    NotForked {
        /// The transaction.
        txid: Txid,
        /// bitcoind's reason.
        reason: String,
    },
    /// The miner's matured coins do not suffice.
    #[error("fund {needed}: the miner can spend {available}; mine more blocks first")]
    NotEnoughCoins {
        /// The outputs and the fee.
        needed: Amount,
        /// The sum of the matured, unspent coins.
        available: Amount,
    },
    /// The mempool does not take the miner's own payment.
    #[error("fund: bitcoind refused the miner's payment: {reason}")]
    FundingRefused {
        /// bitcoind's reason.
        reason: String,
    },
    /// The operating system refused (a full disk, a folder that cannot be written).
    #[error("{action} {}", .path.display())]
    Io {
        /// What was tried: "create a folder in".
        action: &'static str,
        /// With which file or program.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl ChainError {
    /// bitcoind's answer has another shape than the call's.
    pub(super) fn unexpected(method: &'static str) -> Self {
        let source = Box::new(bitcoincore_rpc::Error::UnexpectedStructure);
        Self::Transport { method, source }
    }
}

fn display(command: &[OsString]) -> String {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn indent(output: &[String]) -> String {
    if output.is_empty() {
        return ", and printed nothing".into();
    }
    output.iter().fold(String::from("; it printed:"), |text, line| text + "\n    " + line)
}
