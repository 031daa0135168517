//! The miner's coins: coinbases and change, all to one key that every lab has.

use std::collections::BTreeSet;

use bitcoin::{
    Amount, CompressedPublicKey, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid,
    Witness, absolute,
    secp256k1::{Message, Secp256k1, SecretKey, SignOnly},
    sighash::{EcdsaSighashType, SighashCache},
    transaction,
};

use super::{Chain, ChainError, Submission};
use crate::bolt::units::BlockHeight;

/// The miner's secret key. It is no secret: its coins are worth nothing.
const KEY: &[u8; 32] = b"the secret key of boltlab, miner";

/// Confirmations that a coinbase needs before the next block may spend it.
const MATURITY: u32 = 100;

/// The miner's fee rate, in satoshis per virtual byte: enough in any mempool that is not full.
const FEE_RATE: u64 = 10;

/// The virtual size of an input that spends P2WPKH, rounded up.
const INPUT_VBYTES: u64 = 69;

/// The virtual size of what every transaction has, and of a P2WPKH change output.
const BASE_VBYTES: u64 = 11 + 31;

/// Change below this goes to the fee.
const DUST: Amount = Amount::from_sat(1_000);

#[derive(Debug)]
pub(super) struct Wallet {
    secp: Secp256k1<SignOnly>,
    key: SecretKey,
    public: CompressedPublicKey,
    script: ScriptBuf,
    /// All payments so far: a reorg can take a confirmed one back to the mempool.
    payments: Vec<Transaction>,
}

/// An output that the miner can spend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coin {
    pub(super) output: OutPoint,
    pub(super) value: Amount,
}

impl Wallet {
    pub(super) fn new() -> Self {
        let secp = Secp256k1::signing_only();
        let key = SecretKey::from_slice(KEY).expect("32 bytes below the curve's order");
        let public = CompressedPublicKey(key.public_key(&secp));
        let script = ScriptBuf::new_p2wpkh(&public.wpubkey_hash());
        Self { secp, key, public, script, payments: Vec::new() }
    }

    /// Knows the payments of another one.
    pub(super) fn pay_as(&mut self, other: &Self) {
        self.payments.clone_from(&other.payments);
    }

    /// Where coinbases pay to.
    pub(super) fn script(&self) -> &ScriptBuf {
        &self.script
    }

    /// The miner's outputs at the beginning of a transaction.
    pub(super) fn first_coins(&self, txid: Txid, tx: &Transaction) -> impl Iterator<Item = Coin> {
        let outputs = (0..).zip(&tx.output);
        let own = outputs.take_while(|(_, out)| out.script_pubkey == self.script);
        own.map(move |(vout, out)| Coin { output: OutPoint { txid, vout }, value: out.value })
    }

    fn coins(&self, tx: &Transaction) -> Vec<Coin> {
        let txid = tx.compute_txid();
        let outputs = (0..).zip(&tx.output).filter(|(_, out)| out.script_pubkey == self.script);
        let coin =
            |(vout, out): (u32, &TxOut)| Coin { output: OutPoint { txid, vout }, value: out.value };
        outputs.map(coin).collect()
    }

    /// Signs for every input, the coins in the inputs' order.
    pub(super) fn sign(&self, tx: &mut Transaction, coins: &[Coin]) {
        let kind = EcdsaSighashType::All;
        let mut cache = SighashCache::new(tx);
        for (index, coin) in coins.iter().enumerate() {
            let hash = cache
                .p2wpkh_signature_hash(index, &self.script, coin.value, kind)
                .expect("the script is P2WPKH, and every coin has its input");
            let signature = self.secp.sign_ecdsa(&Message::from(hash), &self.key);
            let signature = bitcoin::ecdsa::Signature { signature, sighash_type: kind };
            let witness = Witness::p2wpkh(&signature, &self.public.0);
            *cache.witness_mut(index).expect("every coin has its input") = witness;
        }
    }
}

impl Chain {
    /// Pays to outputs from the miner's coins, in this order and before the change, and submits
    /// the transaction.
    ///
    /// # Errors
    ///
    /// When the matured coins do not suffice, and when bitcoind cannot be reached or refuses.
    pub fn fund(&mut self, outputs: &[TxOut]) -> Result<Transaction, ChainError> {
        let paid: Amount = outputs.iter().map(|out| out.value).sum();
        let size: usize = outputs.iter().map(TxOut::size).sum();
        let mut vbytes = BASE_VBYTES + size as u64;
        let (mut coins, mut available) = (Vec::new(), Amount::ZERO);
        let mut needed = paid + Amount::from_sat(vbytes * FEE_RATE);
        for coin in self.spendable()? {
            if available >= needed {
                break;
            }
            vbytes += INPUT_VBYTES;
            needed = paid + Amount::from_sat(vbytes * FEE_RATE);
            available += coin.value;
            coins.push(coin);
        }
        if available < needed {
            return Err(ChainError::NotEnoughCoins { needed, available });
        }
        let input = |coin: &Coin| TxIn {
            previous_output: coin.output,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        };
        let mut tx = Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: coins.iter().map(input).collect(),
            output: outputs.to_vec(),
        };
        let change = available - needed;
        if change >= DUST {
            tx.output.push(TxOut { value: change, script_pubkey: self.wallet.script.clone() });
        }
        self.wallet.sign(&mut tx, &coins);
        match self.submit(&tx)? {
            Submission::Accepted => {
                self.wallet.payments.push(tx.clone());
                Ok(tx)
            }
            Submission::Refused { reason } => Err(ChainError::FundingRefused { reason }),
        }
    }

    /// The coins that the next block may spend: confirmed ones from the oldest, then the change of
    /// payments that are still in the mempool.
    pub(super) fn spendable(&mut self) -> Result<Vec<Coin>, ChainError> {
        let next = BlockHeight(self.height().0 + 1);
        let mut coins = Vec::new();
        let (mut spent, mut confirmed) = (BTreeSet::new(), BTreeSet::new());
        for (height, block) in self.ledger.blocks() {
            for tx in &block.txdata {
                confirmed.insert(tx.compute_txid());
                spent.extend(tx.input.iter().map(|input| input.previous_output));
                let age = next.blocks_since(height).unwrap_or(0);
                if !tx.is_coinbase() || age >= MATURITY {
                    coins.extend(self.wallet.coins(tx));
                }
            }
        }
        let payments = self.wallet.payments.iter();
        let payments = payments.filter(|tx| !confirmed.contains(&tx.compute_txid()));
        let payments: Vec<_> = payments.cloned().collect();
        if !payments.is_empty() {
            // One that a reorg or a replacement threw out spends nothing, and has no change.
            let present: BTreeSet<Txid> = self.call("getrawmempool", &[])?;
            for tx in payments.iter().filter(|tx| present.contains(&tx.compute_txid())) {
                spent.extend(tx.input.iter().map(|input| input.previous_output));
                coins.extend(self.wallet.coins(tx));
            }
        }
        coins.retain(|coin| !spent.contains(&coin.output));
        Ok(coins)
    }
}
