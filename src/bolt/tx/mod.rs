//! Transactions and scripts, as BOLT 3 defines them, and the claims of BOLT 5.
//!
//! Every transaction is described from the view of its owner: "local" is the side that holds and
//! may publish it, "remote" the other one, as in BOLT 3.

pub mod claim;
pub mod closing;
pub mod commitment;
pub mod fee;
pub mod funding;
pub mod htlc;
mod number;
pub mod script;
pub mod sign;

pub use commitment::{Commitment, CommitmentKeys, CommitmentTransaction, OutputRole};
pub use number::ObscuringFactor;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::keys::KeyError;

/// The formats of commitment transactions that are built here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelType {
    /// `option_static_remotekey`: `to_remote` is a plain P2WPKH.
    StaticRemotekey,
    /// `option_anchors`: an anchor for each side, everything else delayed by a block, HTLC
    /// transactions without fees.
    Anchors,
}

/// One of the two sides of a channel, seen from the owner of a transaction or of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The owner.
    Local,
    /// Its peer.
    Remote,
}

impl Side {
    /// The same side, seen from the other one.
    #[must_use]
    pub fn flip(self) -> Self {
        match self {
            Self::Local => Self::Remote,
            Self::Remote => Self::Local,
        }
    }
}

/// Why a transaction could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TxError {
    /// A key does not exist.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Amounts do not add up within 2^64 - 1.
    #[error("add amounts: overflow")]
    AmountOverflow,
    /// The inputs do not cover the outputs and the fee.
    #[error("pay {needed} out of {available}")]
    Insufficient {
        /// What the outputs and the fee need.
        needed: bitcoin::Amount,
        /// What the inputs have.
        available: bitcoin::Amount,
    },
    /// What is left after the fee is too small for an output.
    #[error("make an output of {amount}: below the dust limit of {limit}")]
    Dust {
        /// What would be left.
        amount: bitcoin::Amount,
        /// The least amount that an output may have.
        limit: bitcoin::Amount,
    },
    /// A transaction has no input of this index.
    #[error("sign input {index} of a transaction with {count}")]
    NoSuchInput {
        /// The wanted input.
        index: usize,
        /// How many inputs there are.
        count: usize,
    },
    /// The peer signed an HTLC transaction as it is: nothing can join it.
    #[error("combine an HTLC transaction with others: the peer signed for it alone")]
    Bound,
    /// More HTLC signatures or outputs than a transaction can index.
    #[error("index an output: too many")]
    TooManyOutputs,
}
