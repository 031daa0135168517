//! Transactions that cannot pay for themselves, and the wallet that pays for them.
//!
//! ```text
//! channel -- Output::Sponsor ------> node's wallet
//!         <- Command::Sponsored ---- with the transaction, complete, which the channel publishes
//!         <- Command::Unsponsored -- it has no coin for that
//!         -- Output::Release ------> the transaction is given up: its coins are free again
//!         <- Command::CoinsMissing - a reorg took coins that such transactions spend: the channel
//!                                    asks for others in their place
//! ```

use super::Purpose;
use crate::bolt::onchain::urgency::FeeOffer;
use crate::bolt::tx::claim::Claim;

/// What the wallet is asked to pay for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sponsorship {
    /// What the transaction takes.
    pub claims: Vec<Claim>,
    /// What it is for.
    pub purpose: Purpose,
    /// What it pays.
    pub offer: FeeOffer,
    /// Whether there is a transaction that does the same, of which a coin is missing: that one is kept
    /// if there is no coin for this one.
    pub is_instead: bool,
}
