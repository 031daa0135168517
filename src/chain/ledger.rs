//! The blocks that the lab has built: the active chain, and those aside (withheld, or reorged out).

use std::collections::BTreeMap;

use bitcoin::{Block, BlockHash, Network, OutPoint, Transaction, Txid, constants::genesis_block};

use super::error::ChainError;
use crate::bolt::units::BlockHeight;

/// What a change of the active chain took away and brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reorg {
    /// The blocks that left the active chain, the tip first.
    pub disconnected: Vec<Block>,
    /// The blocks that joined it, the lowest first.
    pub connected: Vec<Block>,
}

#[derive(Debug)]
pub(super) struct Ledger {
    /// By height, from the genesis block.
    active: Vec<(BlockHash, Block)>,
    /// The txids of the active chain's blocks, which take long to compute when blocks are full.
    txids: Vec<Vec<Txid>>,
    aside: BTreeMap<BlockHash, (BlockHeight, Block)>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let genesis = genesis_block(Network::Regtest);
        let txids = vec![txids(&genesis)];
        Self { active: vec![(genesis.block_hash(), genesis)], txids, aside: BTreeMap::new() }
    }

    pub(super) fn height(&self) -> BlockHeight {
        let height = self.active.len() - 1;
        BlockHeight(height.try_into().expect("a lab's chain has fewer than 2^32 blocks"))
    }

    pub(super) fn tip(&self) -> BlockHash {
        self.active[self.active.len() - 1].0
    }

    /// A block of the active chain.
    pub(super) fn at(&self, height: BlockHeight) -> Option<&(BlockHash, Block)> {
        self.active.get(usize::try_from(height.0).ok()?)
    }

    /// The blocks of the active chain, the genesis block first.
    pub(super) fn blocks(&self) -> impl DoubleEndedIterator<Item = (BlockHeight, &Block)> {
        let above = self.height().0 + 1;
        (0..above).map(BlockHeight).zip(self.active.iter().map(|(_, block)| block))
    }

    /// The height of a block, whether active or aside.
    pub(super) fn height_of(&self, hash: BlockHash) -> Option<BlockHeight> {
        if let Some((height, _)) = self.aside.get(&hash) {
            return Some(*height);
        }
        // Mostly it is the tip.
        let behind = self.active.iter().rev().position(|(active, _)| *active == hash)?;
        self.height().0.checked_sub(u32::try_from(behind).ok()?).map(BlockHeight)
    }

    /// Remembers a block, unless it is in the active chain.
    pub(super) fn put_aside(&mut self, height: BlockHeight, block: Block) {
        let hash = block.block_hash();
        if self.at(height).is_none_or(|(active, _)| *active != hash) {
            self.aside.insert(hash, (height, block));
        }
    }

    /// Puts a block on top of the active chain.
    pub(super) fn extend(&mut self, block: Block) {
        self.txids.push(txids(&block));
        self.active.push((block.block_hash(), block));
    }

    /// Follows bitcoind to another tip.
    pub(super) fn follow(&mut self, tip: BlockHash) -> Result<Reorg, ChainError> {
        let mut branch = Vec::new();
        let mut cursor = tip;
        while let Some((_, block)) = self.aside.get(&cursor) {
            branch.push(cursor);
            cursor = block.header.prev_blockhash;
        }
        let fork = self.height_of(cursor).ok_or(ChainError::UnknownBlock { hash: cursor })?;
        let mut reorg = Reorg::default();
        while self.height() > fork
            && let Some((hash, block)) = self.active.pop()
        {
            self.txids.pop();
            let height = BlockHeight(self.height().0 + 1);
            reorg.disconnected.push(block.clone());
            self.aside.insert(hash, (height, block));
        }
        for hash in branch.into_iter().rev() {
            if let Some((_, block)) = self.aside.remove(&hash) {
                reorg.connected.push(block.clone());
                self.txids.push(txids(&block));
                self.active.push((hash, block));
            }
        }
        Ok(reorg)
    }

    /// The height at which the active chain has a transaction.
    pub(super) fn confirmed(&self, txid: Txid) -> Option<BlockHeight> {
        let above = self.height().0 + 1;
        let blocks = (0..above).map(BlockHeight).zip(&self.txids);
        blocks.rev().find(|(_, txids)| txids.contains(&txid)).map(|(height, _)| height)
    }

    /// The transactions of the active chain.
    pub(super) fn transactions(&self) -> impl Iterator<Item = (Txid, &Transaction)> {
        let blocks = self.active.iter().zip(&self.txids);
        blocks.flat_map(|((_, block), txids)| txids.iter().copied().zip(&block.txdata))
    }

    /// A transaction of the active chain.
    pub(super) fn transaction(&self, txid: Txid) -> Option<&Transaction> {
        self.transactions().find(|(known, _)| *known == txid).map(|(_, tx)| tx)
    }

    /// The transaction of the active chain that spends an output.
    pub(super) fn spender(&self, output: OutPoint) -> Option<(BlockHeight, &Transaction)> {
        let spends = |tx: &&Transaction| tx.input.iter().any(|i| i.previous_output == output);
        self.blocks()
            .rev()
            .find_map(|(height, block)| block.txdata.iter().find(spends).map(|tx| (height, tx)))
    }
}

fn txids(block: &Block) -> Vec<Txid> {
    block.txdata.iter().map(Transaction::compute_txid).collect()
}
