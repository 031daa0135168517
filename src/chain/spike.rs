//! A fee spike: the miner's own payments, the fillers, fill every block, and the mempool beyond its
//! limit, so that it refuses or throws out what pays less.
//!
//! ```text
//! coinbases -> split -> 100 coins -> a filler each -> its change is a coin again
//!                            all coins -> sweep, which ends the spike
//! ```
//!
//! Which fillers a bitcoind holds differs from version to version, and nothing may hang on it. So
//! the lab asks the mempool for the payments of others alone, and fills the rest of a block itself:
//! with the fillers of the coins that are first in the chain, whether the mempool has them or not.

use std::collections::BTreeSet;

use bitcoin::{
    Amount, Block, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Weight, Witness, absolute,
    transaction,
};
use serde::Deserialize;

use super::{
    Chain, ChainError, Submission,
    wallet::{Coin, Wallet},
};
use crate::bolt::units::FeeratePerKw;

/// The least limit of a mempool that bitcoind takes. What is in a block and a half fills it.
pub const SMALL_MEMPOOL: &str = "-maxmempool=5";

/// How many coinbases become coins for fillers: enough for ninety blocks at 500 sat per vbyte.
const COINBASES: u32 = 10;
/// How many coins: those of the fillers in the mempool, of a block, and some to spare.
const COINS: u32 = 100;
/// What a filler pays to nobody in particular: outputs that take three times as much room in the
/// mempool as in a block (BIP 433's, the shortest that are relayed), and twenty to a block.
const OUTPUTS: usize = 3_840;
/// The least that such an output may hold.
const OUTPUT_VALUE: Amount = Amount::from_sat(240);
/// What the witness of an input weighs, at the most.
const WITNESS: u64 = 110;
/// The room for transactions in a block, beside the header and the coinbase.
const ROOM: Weight = Weight::from_wu(4_000_000 - 4_000);
/// What a filler pays less than the rate of the spike, so that those who pay that come first:
/// 1 sat per vbyte.
const MARGIN: u32 = 250;
/// What each output of a sweep leaves to the miner.
const SWEEP_FEE: Amount = Amount::from_sat(500);
/// Who sees its mempool empty for so long, in seconds, takes every fee again: each three hours halve
/// the least rate.
const COOLING: u64 = 3 * 24 * 3_600;

/// What others pay.
#[derive(Clone, Debug, Default)]
pub(super) struct Spike {
    state: State,
    /// The transactions that are the miner's part in spikes.
    own: BTreeSet<Txid>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// There is room for everybody.
    #[default]
    Calm,
    /// Fillers pay this rate.
    High(FeeratePerKw),
    /// The next block ends it.
    Ending,
}

/// A block as those see it who do not care about fillers.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its transactions, the coinbase first, without the miner's part in a spike.
    pub transactions: Vec<Transaction>,
    /// Whether fillers take the rest of it.
    pub full: bool,
}

impl Spike {
    /// Whether this is the miner's part in a spike.
    pub(super) fn has(&self, txid: Txid) -> bool {
        self.own.contains(&txid)
    }

    /// Whether there can have been one.
    pub(super) fn is_possible(&self) -> bool {
        !self.own.is_empty()
    }
}

impl Chain {
    /// Mines what fee spikes take, which is to be done before anybody is funded. bitcoind must have
    /// been started with [`SMALL_MEMPOOL`].
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, and when the miner has nothing.
    pub fn prepare_spikes(&mut self) -> Result<(), ChainError> {
        self.mine(COINBASES)?;
        let mut coins = self.spendable()?;
        coins.truncate(COINBASES as usize);
        let available: Amount = coins.iter().map(|coin| coin.value).sum();
        let value = available / u64::from(COINS) - SWEEP_FEE;
        let output = TxOut { value, script_pubkey: self.wallet.script().clone() };
        let split = self.wallet.spend(&coins, vec![output; COINS as usize]);
        self.spike.own.insert(split.compute_txid());
        self.mine_block(vec![split]).map(drop)
    }

    /// Whether blocks have room for everybody.
    pub fn is_calm(&self) -> bool {
        self.spike.state == State::Calm
    }

    /// Others begin to pay almost this rate: blocks are full, and the mempool takes nothing that
    /// pays less than they do.
    ///
    /// # Errors
    ///
    /// When bitcoind cannot be reached, and when the miner's coins do not suffice.
    pub fn spike(&mut self, feerate: FeeratePerKw) -> Result<(), ChainError> {
        self.spike.state = State::High(FeeratePerKw(feerate.0.saturating_sub(MARGIN)));
        self.top_up()
    }

    /// The spike ends with the next block: the mempool takes everything then.
    pub fn calm(&mut self) {
        if !self.is_calm() {
            self.spike.state = State::Ending;
        }
    }

    /// A block without the miner's part in a spike.
    pub fn seen(&self, block: &Block) -> Seen {
        let all = block.txdata.len();
        if !self.spike.is_possible() {
            return Seen { transactions: block.txdata.clone(), full: false };
        }
        let is_others = |tx: &&Transaction| !self.spike.has(tx.compute_txid());
        let transactions: Vec<_> = block.txdata.iter().filter(is_others).cloned().collect();
        // A sweep and a split are alone.
        let full = all > transactions.len().saturating_add(1);
        Seen { transactions, full }
    }

    /// Mines a block with what others pay for, and with fillers behind it; or, at the end of a
    /// spike, with a transaction that takes all their coins back.
    pub(super) fn mine_crowded(
        &mut self,
        mut contents: Vec<Transaction>,
    ) -> Result<Block, ChainError> {
        let State::High(feerate) = self.spike.state else {
            contents.extend(self.sweep());
            let block = self.mine_block(contents)?;
            self.spike.state = State::Calm;
            self.set_mock_time(self.clock.saturating_add(COOLING))?;
            return Ok(block);
        };
        let mut weight: Weight = contents.iter().map(Transaction::weight).sum();
        for coin in self.saved() {
            let Some(filler) = self.wallet.filler(&coin, feerate) else { continue };
            weight += filler.weight();
            if weight > ROOM {
                break;
            }
            self.spike.own.insert(filler.compute_txid());
            contents.push(filler);
        }
        let block = self.mine_block(contents)?;
        self.top_up()?;
        Ok(block)
    }

    /// Has the mempool overflow with fillers. It throws out what pays least first: once that is a
    /// filler, nothing is left that pays less.
    pub(super) fn top_up(&mut self) -> Result<(), ChainError> {
        #[derive(Deserialize)]
        struct Info {
            size: usize,
        }
        let State::High(feerate) = self.spike.state else { return Ok(()) };
        let mut held = self.held()?;
        let mut size = self.call::<Info>("getmempoolinfo", &[])?.size;
        for coin in self.saved() {
            let Some(filler) = self.wallet.filler(&coin, feerate) else { continue };
            let txid = filler.compute_txid();
            if held.contains(&txid) {
                continue;
            }
            self.spike.own.insert(txid);
            match self.submit(&filler)? {
                Submission::Accepted => held.insert(txid),
                Submission::Refused { reason } if is_too_little(&reason) => return Ok(()),
                Submission::Refused { reason } => {
                    return Err(ChainError::FundingRefused { reason });
                }
            };
            let before = size;
            size = self.call::<Info>("getmempoolinfo", &[])?.size;
            if size <= before && !self.held()?.is_superset(&held) {
                return Ok(());
            }
        }
        let needed = OUTPUT_VALUE * OUTPUTS as u64;
        Err(ChainError::NotEnoughCoins { needed, available: Amount::ZERO })
    }

    /// The fillers that the mempool has.
    fn held(&mut self) -> Result<BTreeSet<Txid>, ChainError> {
        let all: BTreeSet<Txid> = self.call("getrawmempool", &[])?;
        Ok(all.intersection(&self.spike.own).copied().collect())
    }

    /// The coins for fillers that the chain has, in its order.
    fn saved(&self) -> Vec<Coin> {
        let (mut coins, mut spent) = (Vec::new(), BTreeSet::new());
        for (txid, tx) in self.ledger.transactions().filter(|(txid, _)| self.spike.has(*txid)) {
            spent.extend(tx.input.iter().map(|input| input.previous_output));
            coins.extend(self.wallet.first_coins(txid, tx));
        }
        coins.retain(|coin| !spent.contains(&coin.output));
        coins
    }

    /// Takes back the coins of all fillers, so that none of them is valid any more.
    fn sweep(&mut self) -> Option<Transaction> {
        let coins = self.saved();
        let output = |coin: &Coin| TxOut {
            value: coin.value.checked_sub(SWEEP_FEE).unwrap_or(coin.value),
            script_pubkey: self.wallet.script().clone(),
        };
        let outputs: Vec<TxOut> = coins.iter().map(output).collect();
        let sweep = self.wallet.spend(&coins, outputs);
        self.spike.own.insert(sweep.compute_txid());
        (!coins.is_empty()).then_some(sweep)
    }
}

impl Wallet {
    /// The filler of a coin; none if the coin is too small.
    fn filler(&self, coin: &Coin, feerate: FeeratePerKw) -> Option<Transaction> {
        let anchor = ScriptBuf::from_bytes(vec![0x51, 0x02, 0x4e, 0x73]);
        let filling = TxOut { value: OUTPUT_VALUE, script_pubkey: anchor };
        let mut outputs = vec![filling; OUTPUTS];
        outputs.insert(0, TxOut { value: Amount::ZERO, script_pubkey: self.script().clone() });
        let mut filler = unsigned(std::slice::from_ref(coin), outputs);
        let fee = feerate.fee(filler.weight().to_wu() + WITNESS) + Amount::from_sat(1);
        let paid = OUTPUT_VALUE * OUTPUTS as u64 + fee;
        let change = coin.value.checked_sub(paid)?;
        filler.output[0].value = change;
        self.sign(&mut filler, std::slice::from_ref(coin));
        (change > SWEEP_FEE * 2).then_some(filler)
    }

    fn spend(&self, coins: &[Coin], outputs: Vec<TxOut>) -> Transaction {
        let mut spend = unsigned(coins, outputs);
        self.sign(&mut spend, coins);
        spend
    }
}

fn unsigned(coins: &[Coin], output: Vec<TxOut>) -> Transaction {
    let input = |coin: &Coin| TxIn {
        previous_output: coin.output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    };
    Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: coins.iter().map(input).collect(),
        output,
    }
}

/// Whether the mempool is full of what pays as much, or more.
fn is_too_little(reason: &str) -> bool {
    matches!(reason, "mempool min fee not met" | "mempool full")
}
