//! What a claim pays, the closer its deadline comes. BOLT 5, "Failing a Channel" and "Revoked
//! Transaction Close Handling".

use std::cmp::Reverse;

use bitcoin::Amount;

use crate::bolt::units::{BlockHeight, FeeratePerKw};

/// A claim with fewer blocks left than this pays more than others: BOLT 5's `security_delay`.
const SECURITY_DELAY: u32 = 18;

/// 1 sat per vbyte, rounded up: what pays less is not relayed.
pub const LEAST_RELAYED: FeeratePerKw = FeeratePerKw(253);

/// A mempool takes a replacement only if it pays more by its own size, too: a quarter more, and at
/// least the rate of the cheapest transactions, is enough for every size here. BIP 125.
const LEAST_RAISE: FeeratePerKw = LEAST_RELAYED;

/// What a transaction pays to be mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeOffer {
    /// What others pay now: with less it is not worth publishing.
    pub least: FeeratePerKw,
    /// What it is to pay, so that it is mined in time.
    pub wanted: FeeratePerKw,
    /// The most that is given away for that. What others pay, it pays in any case.
    pub limit: Amount,
    /// The transaction that is mined only together with it, if there is one.
    pub parent: Option<Parent>,
}

/// A transaction that does not pay enough to be mined alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its weight.
    pub weight: u64,
    /// What it pays.
    pub fee: Amount,
}

impl FeeOffer {
    /// This fee rate, whatever it comes to.
    pub fn exactly(feerate: FeeratePerKw) -> Self {
        let (limit, parent) = (Amount::MAX_MONEY, None);
        Self { least: feerate, wanted: feerate, limit, parent }
    }

    /// The fee of a transaction of this weight.
    pub fn fee(&self, weight: u64) -> Amount {
        self.least_fee(weight).max(self.at(self.wanted, weight).min(self.limit))
    }

    /// The least that a transaction of this weight has to pay.
    pub fn least_fee(&self, weight: u64) -> Amount {
        self.at(self.least, weight).max(self.least.fee(weight))
    }

    /// What it pays if it and its parent pay this rate together.
    fn at(&self, feerate: FeeratePerKw, weight: u64) -> Amount {
        let parent = self.parent.unwrap_or(Parent { weight: 0, fee: Amount::ZERO });
        let both = feerate.fee(weight.saturating_add(parent.weight));
        both.checked_sub(parent.fee).unwrap_or(Amount::ZERO)
    }
}

/// The fee rate for a claim that must be mined before this height, above what others pay now. It
/// rises by half of the estimate with every block of the last 18. It depends on nothing that was
/// published before, so that nobody can have it begin anew.
pub fn feerate(
    estimate: FeeratePerKw,
    now: BlockHeight,
    deadline: Option<BlockHeight>,
) -> FeeratePerKw {
    let left = deadline.map_or(SECURITY_DELAY, |deadline| deadline.0.saturating_sub(now.0));
    let urgency = SECURITY_DELAY.saturating_sub(left);
    let raise = (estimate.0 / 2).saturating_mul(urgency);
    FeeratePerKw(estimate.0.saturating_add(raise))
}

/// The deadline for which the fee rate of a claim begins to rise at this height.
pub fn beginning(now: BlockHeight) -> Option<BlockHeight> {
    now.checked_add(SECURITY_DELAY)
}

/// What sorts claims: the most urgent first, and of those that are alike the largest.
pub fn rank(deadline: Option<BlockHeight>, amount: Amount) -> impl Ord {
    (deadline.is_none(), deadline, Reverse(amount))
}

/// Whether a transaction at this fee rate is worth replacing one at the old rate.
pub fn replaces(old: FeeratePerKw, new: FeeratePerKw) -> bool {
    let raise = (old.0 / 4).max(LEAST_RAISE.0);
    new.0 >= old.0.saturating_add(raise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_with_every_block_towards_the_deadline_and_not_before() {
        let rate = |now, deadline| feerate(FeeratePerKw(1_000), BlockHeight(now), deadline).0;
        let deadline = Some(BlockHeight(118));
        assert_eq!(rate(100, None), 1_000);
        assert_eq!(rate(1, deadline), 1_000);
        assert_eq!(rate(100, deadline), 1_000);
        assert_eq!(rate(101, deadline), 1_500);
        assert_eq!(rate(117, deadline), 9_500);
        assert_eq!(rate(500, deadline), 10_000);
    }

    #[test]
    fn no_more_than_the_limit_is_given_away_to_be_in_time() {
        let fee = |least, wanted| {
            let (limit, parent) = (Amount::from_sat(5_000), None);
            let (least, wanted) = (FeeratePerKw(least), FeeratePerKw(wanted));
            let offer = FeeOffer { least, wanted, limit, parent };
            (offer.fee(1_000).to_sat(), offer.least_fee(1_000).to_sat())
        };
        assert_eq!(fee(1_000, 4_000), (4_000, 1_000));
        assert_eq!(fee(1_000, 6_000), (5_000, 1_000));
        assert_eq!(fee(7_000, 9_000), (7_000, 7_000));
    }

    #[test]
    fn a_child_pays_what_its_parent_lacks_and_never_less_than_its_own() {
        let fee = |feerate, parent: u64| {
            let parent = Parent { weight: 2_000, fee: Amount::from_sat(parent) };
            let offer =
                FeeOffer { parent: Some(parent), ..FeeOffer::exactly(FeeratePerKw(feerate)) };
            offer.fee(1_000).to_sat()
        };
        assert_eq!(fee(4_000, 2_000), 10_000);
        assert_eq!(fee(4_000, 7_999), 4_001);
        assert_eq!(fee(4_000, 8_001), 4_000);
        assert_eq!(fee(4_000, 20_000), 4_000);
    }

    #[test]
    fn a_replacement_pays_a_quarter_more() {
        let replaces = |old, new| replaces(FeeratePerKw(old), FeeratePerKw(new));
        assert!(!replaces(4_000, 4_999) && replaces(4_000, 5_000));
        assert!(!replaces(253, 505) && replaces(253, 506));
    }
}
