//! The blocks that the lab has built: the active chain, and those aside (withheld, or reorged out).

use std::collections::BTreeMap;

use bitcoin::{Block, BlockHash, Network, OutPoint, Transaction, Txid, constants::genesis_block};

use super::error::ChainError;
use super::index::{Index, Place};
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
    /// Where the active chain has its transactions, and what spends its outputs.
    index: Index,
    aside: BTreeMap<BlockHash, (BlockHeight, Block)>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let genesis = genesis_block(Network::Regtest);
        let mut ledger =
            Self { active: Vec::new(), index: Index::default(), aside: BTreeMap::new() };
        ledger.extend(genesis);
        ledger
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
        self.push(block.block_hash(), block);
    }

    fn push(&mut self, hash: BlockHash, block: Block) {
        self.index.connect(&block);
        self.active.push((hash, block));
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
            self.index.disconnect(&block);
            let height = BlockHeight(self.height().0 + 1);
            reorg.disconnected.push(block.clone());
            self.aside.insert(hash, (height, block));
        }
        for hash in branch.into_iter().rev() {
            if let Some((_, block)) = self.aside.remove(&hash) {
                reorg.connected.push(block.clone());
                self.push(hash, block);
            }
        }
        Ok(reorg)
    }

    /// The height at which the active chain has a transaction.
    pub(super) fn confirmed(&self, txid: Txid) -> Option<BlockHeight> {
        self.index.place(txid).map(height)
    }

    /// The transactions of the active chain.
    pub(super) fn transactions(&self) -> impl Iterator<Item = (Txid, &Transaction)> {
        let blocks = self.active.iter().zip(self.index.txids());
        blocks.flat_map(|((_, block), txids)| txids.iter().copied().zip(&block.txdata))
    }

    /// A transaction of the active chain.
    pub(super) fn transaction(&self, txid: Txid) -> Option<&Transaction> {
        self.transaction_at(self.index.place(txid)?)
    }

    /// The transaction of the active chain that spends an output.
    pub(super) fn spender(&self, output: OutPoint) -> Option<(BlockHeight, &Transaction)> {
        let place = self.index.spender(output)?;
        Some((height(place), self.transaction_at(place)?))
    }

    fn transaction_at(&self, place: Place) -> Option<&Transaction> {
        let (_, block) = self.active.get(place.height)?;
        block.txdata.get(place.position)
    }
}

fn height(place: Place) -> BlockHeight {
    BlockHeight(place.height.try_into().expect("a lab's chain has fewer than 2^32 blocks"))
}
