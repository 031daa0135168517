//! Reorgs, made to measure.

use std::collections::BTreeSet;

use bitcoin::{BlockHash, Transaction, Txid};
use serde_json::{Value, json};

use super::{Chain, ChainError, Reorg};
use crate::bolt::units::BlockHeight;

/// Which transactions the blocks of a new branch have.
#[derive(Clone, Debug, Default)]
pub enum Branch {
    /// None: those of the old branch go back to the mempool, as far as it takes them.
    #[default]
    Empty,
    /// Those of the old branch, each in the block of the same height, without these and without
    /// what spends their outputs, which would be invalid there.
    Same {
        /// The transactions to leave out.
        without: BTreeSet<Txid>,
    },
    /// These, a list for each block from the lowest; further blocks are empty.
    Blocks(Vec<Vec<Transaction>>),
}

/// Transactions that are left out of blocks, and all that descends from them.
#[derive(Clone, Debug)]
pub(super) struct Without(BTreeSet<Txid>);

impl Without {
    pub(super) fn these(left_out: BTreeSet<Txid>) -> Self {
        Self(left_out)
    }

    /// Whether a transaction stays. Parents come before children, so that one pass finds all
    /// descendants.
    pub(super) fn keeps(&mut self, transaction: &Transaction) -> bool {
        let txid = transaction.compute_txid();
        let mut inputs = transaction.input.iter();
        if inputs.any(|input| self.0.contains(&input.previous_output.txid)) {
            self.0.insert(txid);
        }
        !self.0.contains(&txid)
    }
}

impl Chain {
    /// Replaces the last `depth` blocks by a branch that is longer by one block (or longer still,
    /// if `branch` lists more). bitcoind changes over at once, when the branch has overtaken.
    ///
    /// # Errors
    ///
    /// When the chain is not that deep, and when bitcoind cannot be reached or refuses a block.
    pub fn reorg(&mut self, depth: u32, branch: Branch) -> Result<Reorg, ChainError> {
        let height = self.height();
        let too_deep = ChainError::ReorgTooDeep { depth, height };
        let fork = height.0.checked_sub(depth).map(BlockHeight).ok_or(too_deep)?;
        let mut contents = match branch {
            Branch::Empty => Vec::new(),
            Branch::Same { without } => self.contents_above(fork, &without),
            Branch::Blocks(contents) => contents,
        };
        contents.resize_with(contents.len().max(depth as usize + 1), Vec::new);
        let parent = self.ledger.at(fork).map_or(self.tip(), |(hash, _)| *hash);
        let blocks = self.prepare(parent, contents)?;
        let reorg = self.publish(&blocks)?;
        self.top_up()?;
        Ok(reorg)
    }

    /// Makes bitcoind reject a block and all above it: the chain gets shorter, or changes over to
    /// a rival branch that was published. [`Chain::reorg`] is what happens on a real network.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or does not know the block.
    pub fn invalidate(&mut self, block: BlockHash) -> Result<Reorg, ChainError> {
        self.call::<Value>("invalidateblock", &[json!(block)])?;
        // The blocks that are mined instead must differ from those that bitcoind rejects now.
        self.branch += 1;
        let tip = self.call("getbestblockhash", &[])?;
        self.ledger.follow(tip)
    }

    fn contents_above(&self, fork: BlockHeight, without: &BTreeSet<Txid>) -> Vec<Vec<Transaction>> {
        let mut without = Without::these(without.clone());
        let mut stays = |tx: &&Transaction| without.keeps(tx);
        let blocks = self.ledger.blocks().filter(|(height, _)| *height > fork);
        let contents = blocks
            .map(|(_, block)| block.txdata.iter().skip(1).filter(&mut stays).cloned().collect());
        contents.collect()
    }
}
