//! Transactions that cannot pay for themselves, and the wallet that pays for them.
//!
//! ```text
//! channel -- Output::Sponsor ------> node's wallet
//!         <- Command::Sponsored ---- with the transaction, complete, which the channel publishes
//!         <- Command::Unsponsored -- it has no coin for that
//!         -- Output::Release ------> the transaction is given up: its coins are free again
//!         <- Command::CoinsMissing - coins that such transactions spend are gone: the channel asks
//!                                    for others in their place
//! ```

use bitcoin::Amount;

use super::Purpose;
use crate::bolt::onchain::urgency::{self, FeeOffer};
use crate::bolt::tx::claim::Claim;
use crate::bolt::units::BlockHeight;

/// What the wallet is asked to pay for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sponsorship {
    /// What the transaction takes, the most urgent first: if the coins do not suffice for all, the last
    /// ones are left out.
    pub claims: Vec<Claim>,
    /// What it is for.
    pub purpose: Purpose,
    /// What it pays.
    pub offer: FeeOffer,
    /// The height by which it has to be mined, if it is in a hurry: the most urgent is paid for first.
    pub deadline: Option<BlockHeight>,
    /// Whether there is a transaction that does the same, of which a coin is missing: that one is kept
    /// if there is no coin for this one.
    pub is_instead: bool,
}

impl Sponsorship {
    /// The most urgent come first, and of those that are alike the largest.
    pub fn rank(&self) -> impl Ord + use<> {
        let amounts = self.claims.iter().map(|claim| claim.amount.to_sat());
        let amount = Amount::from_sat(amounts.fold(0, u64::saturating_add));
        urgency::rank(self.deadline, amount)
    }
}
