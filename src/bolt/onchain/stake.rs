//! Outputs in which we have a stake, and what gives us the right to take them.

use bitcoin::hashes::sha256;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction};
use secp256k1::SecretKey;
use secp256k1::ecdsa::Signature;

use crate::bolt::tx::claim::{Claim, ClaimPath, SecondStage};
use crate::bolt::tx::htlc::HtlcTransaction;
use crate::bolt::tx::{ChannelType, Side};
use crate::bolt::units::{BlockHeight, CltvExpiry, CsvDelay, HtlcId};
use crate::bolt::wire::PaymentPreimage;

/// An output that is ours, or may become ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stake {
    /// The output.
    pub outpoint: OutPoint,
    /// What gives us the right to take it.
    pub right: Right,
    /// The HTLC that it carries, at either stage.
    pub htlc: Option<StakedHtlc>,
}

/// The HTLC of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StakedHtlc {
    /// Who offered it, from our view.
    pub offerer: Side,
    /// Its id.
    pub id: HtlcId,
    /// The hash of its preimage.
    pub payment_hash: sha256::Hash,
}

/// What gives us the right to take an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// Our keys alone, once the transaction that has it is deep enough.
    Keys {
        /// How to take it.
        claim: Claim,
        /// So many blocks after that of its transaction, counted from it, the claim can be mined.
        delay: CsvDelay,
        /// Whether it has to be claimed.
        rest: Rest,
        /// So many blocks after that of its transaction somebody else may take it.
        contested: Option<CsvDelay>,
    },
    /// An HTLC that we offered: it is ours again once it has timed out.
    Timeout {
        /// How to take it.
        claim: Claim,
        /// When it times out.
        cltv_expiry: CltvExpiry,
    },
    /// An HTLC of the peer's: it is ours with the preimage.
    Preimage {
        /// What the preimage opens.
        hashlock: Hashlock,
        /// When it times out: from then on the peer may take it back.
        cltv_expiry: CltvExpiry,
    },
}

/// Whether an output may stay where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Someone else could take it, or only this channel's secrets find it again: claim it.
    Restless,
    /// BOLT 5 counts it as resolved by the commitment itself: a P2WPKH of ours.
    Resolved,
}

/// An HTLC output that a preimage opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashlock {
    /// Its amount.
    pub amount: Amount,
    /// Its witness script.
    pub script: ScriptBuf,
    /// The key that signs.
    pub key: SecretKey,
    /// Whose commitment has it.
    pub way: HashlockWay,
}

/// How a preimage takes an output, by whose commitment has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashlockWay {
    /// Ours: by HTLC-success, which the peer has signed.
    SecondStage(Box<HtlcTransaction>, Signature),
    /// The peer's: directly.
    Direct(ChannelType),
}

impl Hashlock {
    /// The claim that shows this preimage.
    fn open(&self, outpoint: OutPoint, preimage: PaymentPreimage) -> Claim {
        let Self { amount, script, key, way } = self.clone();
        let path = match way {
            HashlockWay::SecondStage(transaction, remote_signature) => {
                let (transaction, preimage) = (*transaction, Some(preimage.0));
                let second = SecondStage { transaction, remote_signature, preimage };
                ClaimPath::SecondStage(Box::new(second))
            }
            HashlockWay::Direct(channel_type) => {
                ClaimPath::HtlcPreimage { channel_type, preimage: preimage.0 }
            }
        };
        Claim { outpoint, amount, path, script, key }
    }
}

impl Stake {
    /// How to take the output, whether the time for that has come or not; `None` without the
    /// preimage that it takes.
    pub fn claim(&self, preimage: Option<PaymentPreimage>) -> Option<Claim> {
        match &self.right {
            Right::Keys { claim, .. } | Right::Timeout { claim, .. } => Some(claim.clone()),
            Right::Preimage { hashlock, .. } => Some(hashlock.open(self.outpoint, preimage?)),
        }
    }

    /// Whether a block on top of this height may have the claim, of an output that is in a block at
    /// `since`.
    pub fn is_open(&self, since: BlockHeight, height: BlockHeight) -> bool {
        match &self.right {
            Right::Keys { delay, .. } => {
                let next = height.checked_add(1);
                let age = next.and_then(|next| next.blocks_since(since)).unwrap_or(0);
                age >= u32::from(delay.0)
            }
            Right::Timeout { cltv_expiry, .. } => height.0 >= cltv_expiry.0,
            Right::Preimage { .. } => true,
        }
    }

    /// The height at which somebody else may take an output that is in a block at `since`, or at which
    /// it is worth nothing any more. What we offered must be back before it is claimed `upstream`.
    pub fn deadline(
        &self,
        since: BlockHeight,
        upstream: Option<CltvExpiry>,
    ) -> Option<BlockHeight> {
        match &self.right {
            Right::Keys { contested, .. } => since.checked_add(u32::from((*contested)?.0)),
            Right::Timeout { .. } => upstream.map(|expiry| BlockHeight(expiry.0)),
            Right::Preimage { cltv_expiry, .. } => Some(BlockHeight(cltv_expiry.0)),
        }
    }

    /// Whether the output has to be claimed at all.
    pub fn rest(&self) -> Rest {
        match self.right {
            Right::Keys { rest, .. } => rest,
            Right::Timeout { .. } | Right::Preimage { .. } => Rest::Restless,
        }
    }
}

impl StakedHtlc {
    /// The preimage that a transaction shows in the witness of this input, if it shows the one of
    /// this HTLC. BOLT 5, "HTLC Output Handling".
    pub fn preimage_in(&self, spend: &Transaction, input: usize) -> Option<PaymentPreimage> {
        let witness = &spend.input.get(input)?.witness;
        let preimages =
            witness.iter().filter_map(|item| Some(PaymentPreimage(item.try_into().ok()?)));
        preimages.into_iter().find(|preimage| preimage.hash() == self.payment_hash)
    }
}
