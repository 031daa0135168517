//! A second bitcoind beside the first, with the same past: two views of the chain and the mempool,
//! and no connection between them but the lab.
//!
//! ```text
//! fork: blocks by submitblock, mempool by sendrawtransaction -> a chain of its own from here on
//! join: the other's blocks by submitblock -> the longer one wins, on a tie one's own
//! ```

use bitcoin::{Block, Transaction};

use super::{Chain, ChainError, Options, Reorg, Submission};
use crate::bolt::units::BlockHeight;

/// So much the branch numbers of a fork are above those of what it was forked from: there are never
/// as many reorgs.
const FAR_AWAY: u32 = 1_000;

impl Chain {
    /// Starts another bitcoind with the same active chain and the same mempool, whose clock shows
    /// the same. What either mines from here on differs from the other's. What waits in the mempool is
    /// new to the other one: it forgets it later than the first does.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, when the other one does not start, and when it does not take
    /// what the first one has. Nothing of it is left then.
    pub fn fork(&mut self, options: &Options) -> Result<Self, ChainError> {
        let mempool = self.mempool()?;
        let mut other = Self::start(options)?;
        let blocks: Vec<Block> =
            self.ledger.blocks().skip(1).map(|(_, block)| block.clone()).collect();
        other.publish(&blocks)?;
        other.set_mock_time(self.clock)?;
        other.wallet.pay_as(&self.wallet);
        other.spike = self.spike.clone();
        other.branch = self.branch.saturating_add(FAR_AWAY);
        // The next fork of the same block is another one.
        self.branch += 1;
        for transaction in &mempool {
            if let Submission::Refused { reason } = other.submit(transaction)? {
                let txid = transaction.compute_txid();
                return Err(ChainError::NotForked { txid, reason });
            }
        }
        Ok(other)
    }

    /// Gives bitcoind the blocks of another one's active chain, and follows it: to the other's tip if
    /// that is higher, nowhere else. The other's mempool is no part of it.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or refuses a block; what it took before stays.
    pub fn join(&mut self, other: &Self) -> Result<Reorg, ChainError> {
        let blocks = other.blocks_above(self.fork_with(other));
        self.publish(&blocks)
    }

    /// The height of the last block that two chains share.
    pub fn fork_with(&self, other: &Self) -> BlockHeight {
        let pairs = self.ledger.blocks().zip(other.ledger.blocks());
        let shared = pairs.take_while(|((_, one), (_, other))| one.header == other.header);
        shared.last().map_or(BlockHeight(0), |((height, _), _)| height)
    }

    /// The blocks of the active chain above a height, the lowest first.
    pub fn blocks_above(&self, height: BlockHeight) -> Vec<Block> {
        let above = self.ledger.blocks().filter(|(at, _)| *at > height);
        above.map(|(_, block)| block.clone()).collect()
    }

    /// The transactions of blocks and of the mempool above a height, but for coinbases and the
    /// miner's part in fee spikes: parents before children.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached.
    pub fn transactions_above(
        &mut self,
        height: BlockHeight,
    ) -> Result<Vec<Transaction>, ChainError> {
        let blocks = self.blocks_above(height);
        let mined = blocks.iter().flat_map(|block| {
            let seen = self.seen(block).transactions;
            seen.into_iter().filter(|transaction| !transaction.is_coinbase())
        });
        let mut transactions: Vec<Transaction> = mined.collect();
        transactions.extend(self.mempool()?);
        Ok(transactions)
    }
}
