//! What each output of a closed channel is, and how our side takes it. BOLT 5.
//!
//! ```text
//! the spend of the funding output -> classify -> stakes: what of its outputs may become ours, by
//! which right: our keys, a timeout, a preimage
//! the spend of an HTLC output     -> second_stage: the delayed output behind it
//!                                 -> preimage_in:  what its witness reveals
//! ```

mod outputs;
mod stake;
pub mod urgency;

use bitcoin::Transaction;
use serde::{Deserialize, Serialize};

use super::channel::Commitments;
use super::units::CommitmentNumber;

pub use outputs::{local_state, second_stage, stakes};
pub use stake::{Hashlock, HashlockWay, Rest, Right, Stake, StakedHtlc};

/// What spent the funding output, from our view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundingSpend {
    /// The mutual close.
    MutualClose,
    /// A commitment of ours; an old one if we cheated.
    Local(CommitmentNumber),
    /// A commitment of the peer's that is not revoked.
    Remote(CommitmentNumber),
    /// A commitment that the peer has revoked.
    Revoked(CommitmentNumber),
    /// Something that we never signed.
    Unknown,
}

/// Tells what kind of transaction spent the funding output. A closing transaction has neither the
/// locktime nor the sequence of a commitment; of those that we signed, the peer may publish any.
pub fn classify(commitments: &Commitments, spend: &Transaction) -> FundingSpend {
    let txid = spend.compute_txid();
    let Some(number) = commitments.terms.obscuring_factor().number(spend) else {
        return if commitments.has_signed_closing(txid) {
            FundingSpend::MutualClose
        } else {
            FundingSpend::Unknown
        };
    };
    let ours = local_state(commitments, number);
    if ours.is_some_and(|state| state.transaction.unsigned.compute_txid() == txid) {
        return FundingSpend::Local(number);
    }
    let theirs = commitments.remote_state(number).map(|state| state.commitment.build());
    if theirs.is_none_or(|built| built.unsigned.compute_txid() != txid) {
        return FundingSpend::Unknown;
    }
    match commitments.revocation_secret(number) {
        Some(_) => FundingSpend::Revoked(number),
        None => FundingSpend::Remote(number),
    }
}
