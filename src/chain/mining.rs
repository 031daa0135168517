//! Mining: blocks that the lab builds itself, published at once or withheld.

use std::collections::BTreeSet;

use bitcoin::{
    Block, BlockHash, OutPoint, Transaction, TxOut, Txid,
    consensus::encode::{deserialize_hex, serialize_hex},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Chain, ChainError, Mempool, Reorg, block, mempool, reorg::Without, rpc::Call};
use crate::bolt::units::BlockHeight;

/// bitcoind makes a new template on the same tip only when more than 5 s have passed.
const TEMPLATE_AGE: u64 = 6;

/// So many blocks are owed to bitcoind at the most.
const MOST_OWED: usize = 500;

impl Chain {
    /// Mines blocks: the first has what bitcoind's template offers (parents before children, ties
    /// by txid), the others are empty. bitcoind's clock follows, ten minutes a block, and its
    /// mempool forgets what has waited for two weeks, 2016 blocks. In a fee spike, every block is
    /// full.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or refuses a block.
    pub fn mine(&mut self, blocks: u32) -> Result<Vec<Block>, ChainError> {
        if blocks == 0 {
            return Ok(Vec::new());
        }
        if !self.is_calm() {
            // It may end with the first of them.
            let contents = self.template()?;
            let first = self.mine_crowded(contents)?;
            let mut mined = vec![first];
            mined.extend(self.mine(blocks - 1)?);
            return Ok(mined);
        }
        if self.mempool == Mempool::Empty {
            return self.mine_empty(blocks);
        }
        let mut contents = vec![self.template()?];
        contents.resize_with(blocks as usize, Vec::new);
        self.extend(contents)
    }

    /// Mines one block as [`Chain::mine`] does, but with these transactions first, whatever the mempool
    /// holds, and without what conflicts with them, and without some others; nor has it what spends
    /// the outputs of what it does not have.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or refuses the block.
    pub fn mine_choosing(
        &mut self,
        first: Vec<Transaction>,
        left_out: &BTreeSet<Txid>,
    ) -> Result<Block, ChainError> {
        let inputs = first.iter().flat_map(|tx| &tx.input);
        let spent: BTreeSet<OutPoint> = inputs.map(|input| input.previous_output).collect();
        let known: BTreeSet<Txid> = first.iter().map(Transaction::compute_txid).collect();
        let conflicts =
            |tx: &&Transaction| tx.input.iter().any(|input| spent.contains(&input.previous_output));
        let mut template = self.template()?;
        template.retain(|tx| !known.contains(&tx.compute_txid()));
        let rivals = template.iter().filter(conflicts).map(Transaction::compute_txid);
        let mut without = Without::these(rivals.chain(left_out.iter().copied()).collect());
        let others = template.into_iter().filter(|tx| without.keeps(tx));
        let transactions: Vec<_> = first.into_iter().chain(others).collect();
        if self.is_calm() { self.mine_block(transactions) } else { self.mine_crowded(transactions) }
    }

    /// With nothing to put into blocks there is nothing to ask: they join the lab's account now,
    /// and bitcoind gets them before the next call, all at once.
    fn mine_empty(&mut self, blocks: u32) -> Result<Vec<Block>, ChainError> {
        self.alive()?;
        let contents = (0..blocks).map(|_| Vec::new()).collect();
        let mined = self.build(self.tip(), self.height(), contents);
        for block in &mined {
            self.ledger.extend(block.clone());
        }
        self.owed.extend_from_slice(&mined);
        if self.owed.len() > MOST_OWED {
            self.settle()?;
        }
        Ok(mined)
    }

    /// Submits blocks that are in the lab's account already.
    pub(super) fn hand_over(&mut self, owed: &[Block]) -> Result<(), ChainError> {
        self.clock = self.clock.max(u64::from(block::time(self.height())));
        let mut calls = vec![call("setmocktime", json!(self.clock))];
        calls.extend(owed.iter().map(|block| call("submitblock", json!(serialize_hex(block)))));
        calls.push(Call { method: "getbestblockhash", arguments: Vec::new() });
        let mut best = None;
        for (call, answer) in calls.iter().zip(self.batch_at_once(&calls)?) {
            best = Some(answer.map_err(|refusal| refusal.of(call.method))?);
        }
        let best = best.as_ref().map(hash).transpose()?;
        if best == Some(self.tip()) {
            return Ok(());
        }
        let below = u32::try_from(owed.len()).unwrap_or(u32::MAX);
        let parent = BlockHeight(self.height().0.saturating_sub(below));
        Err(self.why_not_connected(parent, owed))
    }

    /// Mines one block with exactly these transactions behind its coinbase, in this order, also
    /// such as the mempool refuses.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or refuses the block.
    pub fn mine_block(&mut self, transactions: Vec<Transaction>) -> Result<Block, ChainError> {
        let mut blocks = self.extend(vec![transactions])?;
        Ok(blocks.remove(0))
    }

    /// The next block, if it has no transaction but a coinbase with this output, at most the
    /// subsidy. It is as [`Chain::mine_coinbase`] mines it, as long as no other block comes before.
    pub fn next_with_coinbase(&self, output: &TxOut) -> Block {
        let height = BlockHeight(self.height().0.saturating_add(1));
        block::build(self.tip(), height, self.branch, output.clone(), Vec::new())
    }

    /// Mines a block that has no transaction but a coinbase with this output, at most the subsidy.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or refuses the block.
    pub fn mine_coinbase(&mut self, output: &TxOut) -> Result<Block, ChainError> {
        self.settle()?;
        let block = self.next_with_coinbase(output);
        self.publish(std::slice::from_ref(&block))?;
        self.top_up()?;
        Ok(block)
    }

    /// Builds a branch on a block (of the active chain, or withheld), a list of transactions for
    /// each block, and withholds it from bitcoind; [`Chain::publish`] publishes it.
    ///
    /// # Errors
    ///
    /// When the lab knows no such parent.
    pub fn prepare(
        &mut self,
        parent: BlockHash,
        contents: Vec<Vec<Transaction>>,
    ) -> Result<Vec<Block>, ChainError> {
        let missing = ChainError::UnknownBlock { hash: parent };
        let height = self.ledger.height_of(parent).ok_or(missing)?;
        // What is mined meanwhile on the same parent is a branch of its own.
        self.branch += 1;
        let blocks = self.build(parent, height, contents);
        self.branch += 1;
        for (height, block) in heights(height).zip(&blocks) {
            self.ledger.put_aside(height, block.clone());
        }
        Ok(blocks)
    }

    /// Publishes blocks that were withheld, and tells what that did to the active chain: nothing,
    /// as long as their branch has no more blocks than it.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, or refuses a block; what it took before stays.
    pub fn publish(&mut self, blocks: &[Block]) -> Result<Reorg, ChainError> {
        let mempool = self.mempool;
        let Some(last) = blocks.last() else { return Ok(Reorg::default()) };
        let first = blocks[0].header.prev_blockhash;
        let missing = ChainError::UnknownBlock { hash: first };
        let parent = self.ledger.height_of(first).ok_or(missing)?;
        let before = self.height();
        let height = heights(parent).take(blocks.len()).last().unwrap_or(parent);
        self.clock = self.clock.max(u64::from(block::time(height)));

        let mut calls = vec![call("setmocktime", json!(self.clock))];
        calls.extend(blocks.iter().map(|block| call("submitblock", json!(serialize_hex(block)))));
        calls.push(Call { method: "getbestblockhash", arguments: Vec::new() });
        let mut answers = Vec::with_capacity(calls.len());
        for (call, answer) in calls.iter().zip(self.batch(&calls)?) {
            answers.push(answer.map_err(|refusal| refusal.of(call.method))?);
        }
        let verdicts = &answers[1..answers.len() - 1];

        for (height, block) in heights(parent).zip(blocks) {
            self.ledger.put_aside(height, block.clone());
        }
        let reorg = self.ledger.follow(hash(&answers[answers.len() - 1])?)?;
        if reorg.disconnected.is_empty() {
            // Blocks put nothing into the mempool but what they take out of the chain.
            self.mempool = mempool;
        }
        for ((height, block), verdict) in heights(parent).zip(blocks).zip(verdicts) {
            let hash = block.block_hash();
            if let Some(reason) = refusal(verdict) {
                return Err(ChainError::BlockRejected { height, hash, reason: reason.to_owned() });
            }
        }
        // A block of a branch is only connected, and looked at in full, once the branch is the
        // longest. If it did not become the active one then, the log alone knows why.
        if height > before && self.tip() != last.block_hash() {
            return Err(self.why_not_connected(parent, blocks));
        }
        Ok(reorg)
    }

    fn extend(&mut self, contents: Vec<Vec<Transaction>>) -> Result<Vec<Block>, ChainError> {
        let blocks = self.build(self.tip(), self.height(), contents);
        self.publish(&blocks)?;
        Ok(blocks)
    }

    fn build(
        &self,
        mut parent: BlockHash,
        height: BlockHeight,
        contents: Vec<Vec<Transaction>>,
    ) -> Vec<Block> {
        let numbered = heights(height).zip(contents);
        let blocks = numbered.map(|(height, transactions)| {
            let script_pubkey = self.wallet.script().clone();
            let reward = TxOut { value: block::subsidy(height), script_pubkey };
            let block = block::build(parent, height, self.branch, reward, transactions);
            parent = block.block_hash();
            block
        });
        blocks.collect()
    }

    /// What bitcoind would mine now, without the miner's part in a fee spike.
    fn template(&mut self) -> Result<Vec<Transaction>, ChainError> {
        #[derive(Deserialize)]
        struct Info {
            size: u64,
        }
        #[derive(Deserialize)]
        struct Template {
            transactions: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            data: String,
        }
        if self.call::<Info>("getmempoolinfo", &[])?.size == 0 {
            self.mempool = Mempool::Empty;
            return Ok(Vec::new());
        }
        if self.spike.is_possible() {
            // A reorg may have brought back fillers, of which a template would be full.
            return self.mempool();
        }
        if self.template_at == Some(self.tip()) {
            self.set_mock_time(self.clock + TEMPLATE_AGE)?;
        }
        self.template_at = Some(self.tip());
        let method = "getblocktemplate";
        let template: Template = self.call(method, &[json!({ "rules": ["segwit"] })])?;
        let decode = |entry: &Entry| deserialize_hex(&entry.data);
        let transactions = template.transactions.iter().map(decode).collect::<Result<_, _>>();
        transactions.map(mempool::in_order).map_err(|_| ChainError::unexpected(method))
    }

    fn why_not_connected(&self, parent: BlockHeight, blocks: &[Block]) -> ChainError {
        let log = std::fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let find = |block: &Block| {
            let words = format!("ConnectBlock {} failed, ", block.block_hash());
            let reason = log.lines().rev().find_map(|line| line.split_once(&words))?.1;
            Some(mempool::normalise(reason))
        };
        for (height, block) in heights(parent).zip(blocks) {
            if let Some(reason) = find(block) {
                return ChainError::BlockRejected { height, hash: block.block_hash(), reason };
            }
        }
        let reason = "it did not become the tip".into();
        let height = heights(parent).next().unwrap_or(parent);
        ChainError::BlockRejected { height, hash: blocks[0].block_hash(), reason }
    }
}

/// The heights of the blocks above a parent.
fn heights(parent: BlockHeight) -> impl Iterator<Item = BlockHeight> {
    (parent.0..u32::MAX).map(|below| BlockHeight(below + 1))
}

fn call(method: &'static str, argument: Value) -> Call {
    Call { method, arguments: vec![argument] }
}

fn hash(answer: &Value) -> Result<BlockHash, ChainError> {
    let hash = answer.as_str().and_then(|text| text.parse().ok());
    hash.ok_or_else(|| ChainError::unexpected("getbestblockhash"))
}

/// Why `submitblock` does not take a block. One of a branch that is not the longest is fine.
fn refusal(verdict: &Value) -> Option<&str> {
    match verdict.as_str()? {
        "inconclusive" | "duplicate" | "duplicate-inconclusive" => None,
        reason => Some(reason),
    }
}
