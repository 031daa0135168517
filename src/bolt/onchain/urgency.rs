//! What a claim pays, the closer its deadline comes. BOLT 5, "Failing a Channel" and "Revoked
//! Transaction Close Handling".

use crate::bolt::units::{BlockHeight, FeeratePerKw};

/// A claim with fewer blocks left than this pays more than others: BOLT 5's `security_delay`.
const SECURITY_DELAY: u32 = 18;

/// A mempool takes a replacement only if it pays more by its own size, too: a quarter more, and at
/// least the rate of the cheapest transactions, is enough for every size here. BIP 125.
const LEAST_RAISE: FeeratePerKw = FeeratePerKw(253);

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
    fn a_replacement_pays_a_quarter_more() {
        let replaces = |old, new| replaces(FeeratePerKw(old), FeeratePerKw(new));
        assert!(!replaces(4_000, 4_999) && replaces(4_000, 5_000));
        assert!(!replaces(253, 505) && replaces(253, 506));
    }
}
