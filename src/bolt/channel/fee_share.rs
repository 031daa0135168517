//! Which fee rates are reasonable. BOLT 2, "The `open_channel` Message" and "Updating Fees:
//! `update_fee`".
//!
//! What a commitment pays in fees is a miner's, and no penalty brings it back, though the opener may
//! have spent the same money in the channel since. So fees take no more than a share of a channel.

use bitcoin::Amount;

use super::error::{PeerViolation, ensure};
use super::habits::{Habit, Habits};
use super::terms::Terms;
use crate::bolt::tx::{ChannelType, fee};
use crate::bolt::units::FeeratePerKw;

/// 1 sat per vbyte, rounded up: below it, a commitment would not be relayed.
const LEAST_FEERATE: FeeratePerKw = FeeratePerKw(253);
/// 1000 sat per vbyte.
const GREATEST_FEERATE: FeeratePerKw = FeeratePerKw(250_000);
/// As much may always go to fees: small channels must be mined, too.
const SMALL: Amount = Amount::from_sat(10_000);

/// The most that a commitment without HTLCs may pay. With anchors a child pays for what is urgent;
/// without them the commitment must do so itself.
fn greatest_fee(capacity: Amount, channel_type: ChannelType) -> Amount {
    let part = match channel_type {
        ChannelType::Anchors => 10,
        ChannelType::StaticRemotekey => 2,
    };
    capacity.checked_div(part).unwrap_or(SMALL).max(SMALL)
}

/// The highest fee rate that a channel may have: that whose fee, rounded down, is not more.
fn greatest_feerate(capacity: Amount, channel_type: ChannelType) -> FeeratePerKw {
    let too_much = greatest_fee(capacity, channel_type).to_sat().saturating_add(1);
    let weight = fee::commitment_weight(channel_type, 0);
    let by_share = too_much.saturating_mul(1_000).saturating_sub(1).checked_div(weight);
    let by_share = by_share.and_then(|feerate| u32::try_from(feerate).ok()).map(FeeratePerKw);
    by_share.unwrap_or(GREATEST_FEERATE).min(GREATEST_FEERATE)
}

/// The bounds on a fee rate, also of one that replaces another.
pub(super) fn check_feerate(
    feerate: FeeratePerKw,
    terms: &Terms,
    habits: Habits,
) -> Result<(), PeerViolation> {
    let greatest = if habits.has(Habit::TakesAnyFee) {
        GREATEST_FEERATE
    } else {
        greatest_feerate(terms.capacity, terms.channel_type)
    };
    let least = LEAST_FEERATE;
    let reasonable = (least..=greatest).contains(&feerate);
    ensure(reasonable, PeerViolation::UnreasonableFeerate { feerate, least, greatest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHORS: ChannelType = ChannelType::Anchors;
    const STATIC_REMOTEKEY: ChannelType = ChannelType::StaticRemotekey;

    fn greatest(capacity: u64, channel_type: ChannelType) -> u32 {
        greatest_feerate(Amount::from_sat(capacity), channel_type).0
    }

    #[test]
    fn a_fee_takes_a_tenth_with_anchors_and_half_without() {
        let fee = |capacity, channel_type| {
            let weight = fee::commitment_weight(channel_type, 0);
            let feerate = greatest(capacity, channel_type);
            [feerate, feerate + 1].map(|feerate| FeeratePerKw(feerate).fee(weight).to_sat())
        };
        assert_eq!(fee(300_000, ANCHORS), [30_000, 30_001]);
        assert_eq!(fee(300_000, STATIC_REMOTEKEY), [150_000, 150_001]);
    }

    #[test]
    fn a_small_channel_may_be_mined_and_a_large_one_is_bounded_as_all_are() {
        assert_eq!(greatest(20_000, ANCHORS), greatest(100_000, ANCHORS));
        assert_eq!(greatest(2_000, STATIC_REMOTEKEY), greatest(20_000, STATIC_REMOTEKEY));
        assert!(greatest(100_001, ANCHORS) <= greatest(100_010, ANCHORS));
        assert_eq!(greatest(2_810_000, ANCHORS), GREATEST_FEERATE.0);
        assert_eq!(greatest(10_000_000, ANCHORS), GREATEST_FEERATE.0);
    }
}
