//! HTLCs and the transactions that take them to their second stage. BOLT 3, "HTLC-Timeout and
//! HTLC-Success Transactions".

use bitcoin::absolute::LockTime;
use bitcoin::hashes::sha256;
use bitcoin::sighash::EcdsaSighashType;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use secp256k1::ecdsa::Signature;
use serde::{Deserialize, Serialize};

use super::commitment::CommitmentKeys;
use super::sign::Spend;
use super::{ChannelType, TxError, fee, script};
use crate::bolt::units::{CltvExpiry, CsvDelay, FeeratePerKw, Msat};

/// Who offered an HTLC, seen from the owner of the commitment transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The owner did; it gets the HTLC back by HTLC-timeout.
    Offered,
    /// The peer did; the owner takes the HTLC by HTLC-success.
    Received,
}

impl Direction {
    /// The same HTLC in the peer's commitment transaction.
    #[must_use]
    pub fn flip(self) -> Self {
        match self {
            Self::Offered => Self::Received,
            Self::Received => Self::Offered,
        }
    }
}

/// An HTLC of one commitment transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Htlc {
    /// Who offered it.
    pub direction: Direction,
    /// What it is worth.
    pub amount: Msat,
    /// The hash that its preimage must have.
    pub payment_hash: sha256::Hash,
    /// When it times out.
    pub cltv_expiry: CltvExpiry,
}

impl Htlc {
    /// The witness script of its output.
    pub fn script(&self, channel_type: ChannelType, keys: &CommitmentKeys) -> ScriptBuf {
        match self.direction {
            Direction::Offered => script::offered_htlc(
                channel_type,
                &keys.revocation,
                &keys.remote_htlc,
                &keys.local_htlc,
                &self.payment_hash,
            ),
            Direction::Received => script::received_htlc(
                channel_type,
                &keys.revocation,
                &keys.remote_htlc,
                &keys.local_htlc,
                &self.payment_hash,
                self.cltv_expiry,
            ),
        }
    }
}

/// The second stage of one HTLC output, unsigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HtlcTransaction {
    /// The transaction without its witness.
    pub unsigned: Transaction,
    /// The HTLC that it takes.
    pub htlc: Htlc,
    /// The amount of the output that it spends.
    pub amount: Amount,
    /// The witness script of that output.
    pub script: ScriptBuf,
    channel_type: ChannelType,
}

impl HtlcTransaction {
    /// The HTLC-timeout (offered) or HTLC-success (received) transaction of the output at
    /// `outpoint`.
    ///
    /// # Errors
    /// [`TxError::Insufficient`] if the HTLC cannot pay the fee: it has no output then.
    pub fn new(
        outpoint: OutPoint,
        htlc: &Htlc,
        channel_type: ChannelType,
        keys: &CommitmentKeys,
        to_self_delay: CsvDelay,
        feerate: FeeratePerKw,
    ) -> Result<Self, TxError> {
        let amount = htlc.amount.to_sat_floor();
        let fee = fee::htlc_transaction_fee(channel_type, feerate, htlc.direction);
        let value = amount
            .checked_sub(fee)
            .ok_or(TxError::Insufficient { needed: fee, available: amount })?;
        let lock_time = match htlc.direction {
            Direction::Offered => LockTime::from_consensus(htlc.cltv_expiry.0),
            Direction::Received => LockTime::ZERO,
        };
        let sequence = match channel_type {
            ChannelType::StaticRemotekey => Sequence::ZERO,
            ChannelType::Anchors => Sequence(1),
        };
        let output_script = script::to_local(&keys.revocation, to_self_delay, &keys.local_delayed);
        let unsigned = Transaction {
            version: Version::TWO,
            lock_time,
            input: vec![TxIn { previous_output: outpoint, sequence, ..TxIn::default() }],
            output: vec![TxOut { value, script_pubkey: output_script.to_p2wsh() }],
        };
        let script = htlc.script(channel_type, keys);
        Ok(Self { unsigned, htlc: *htlc, amount, script, channel_type })
    }

    /// Whether further inputs and outputs may join: the peer signs with
    /// `SIGHASH_SINGLE|SIGHASH_ANYONECANPAY`. BOLT 5, "Generation of HTLC Transactions".
    pub fn combines(&self) -> bool {
        match self.channel_type {
            ChannelType::StaticRemotekey => false,
            ChannelType::Anchors => true,
        }
    }

    /// The sequence of its input.
    pub fn sequence(&self) -> Sequence {
        self.unsigned.input.first().map_or(Sequence::ZERO, |input| input.sequence)
    }

    /// What the owner's signature commits to.
    pub fn local_spend(&self) -> Spend<'_> {
        Spend::all(&self.script, self.amount)
    }

    /// What the peer's signature in `commitment_signed` commits to: with `option_anchors` only
    /// this input and this output, so that the owner can add a fee.
    pub fn remote_spend(&self) -> Spend<'_> {
        let sighash = match self.channel_type {
            ChannelType::StaticRemotekey => EcdsaSighashType::All,
            ChannelType::Anchors => EcdsaSighashType::SinglePlusAnyoneCanPay,
        };
        Spend { sighash, ..self.local_spend() }
    }

    /// The complete transaction. An offered HTLC times out and needs no preimage; a received one
    /// does.
    pub fn signed(&self, local: &Signature, remote: &Signature, preimage: &[u8]) -> Transaction {
        let last = match self.htlc.direction {
            Direction::Offered => &[],
            Direction::Received => preimage,
        };
        let remote = self.remote_spend().witness(remote);
        let local = self.local_spend().witness(local);
        let stack = [&[], remote.as_slice(), local.as_slice(), last, self.script.as_bytes()];
        let mut transaction = self.unsigned.clone();
        if let Some(input) = transaction.input.first_mut() {
            input.witness = Witness::from_slice(&stack);
        }
        transaction
    }
}
