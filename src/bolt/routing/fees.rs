//! What a node asks for forwarding an HTLC. BOLT 7, "HTLC Fees"; bLIP 18 for what comes in.
//!
//! ```text
//!   ── incoming ──► node ── outgoing ──►        net      = outgoing + fee for sending it
//!                                               incoming = net + fee for receiving net
//! ```
//!
//! All is computed from the outgoing amount, so along a route from its end backwards. The two fees
//! are rounded each for itself, as bLIP 18 demands. Where it leaves rounding open, a discount is
//! rounded towards zero, which is what LND's forwarding does: the payer may give a millisatoshi too
//! much and never one too little.

use serde::{Deserialize, Serialize};

use super::InboundFee;
use crate::bolt::units::Msat;

/// More than all bitcoins: an HTLC beyond this is never offered.
pub const MOST: Msat = Msat(2_100_000_000_000_000_000);

/// What a node may ask in all, when its discount for receiving is larger than its fee for sending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fees {
    /// Nothing, but not less. bLIP 18 has no rule of its own; LND refuses an HTLC that brings less
    /// than it is to send, so nothing else can be paid today.
    #[default]
    Floored,
    /// Less than nothing: the node pays. Networks in which somebody pays to have a channel
    /// balanced, as Bellman-Ford-Gibson was made for.
    Signed,
}

/// The part of an amount in millionths, rounded down.
fn proportional(amount: u64, millionths: u32) -> Option<u64> {
    if let Some(product) = amount.checked_mul(millionths.into()) {
        return Some(product / 1_000_000);
    }
    let product = u128::from(amount).checked_mul(millionths.into())?;
    u64::try_from(product / 1_000_000).ok()
}

/// What a node asks for sending this amount: BOLT 7, "HTLC Fees". `None` beyond 2^64 - 1 msat.
pub fn outbound_fee(
    fee_base_msat: u32,
    fee_proportional_millionths: u32,
    amount_to_forward: Msat,
) -> Option<Msat> {
    let proportional = proportional(amount_to_forward.0, fee_proportional_millionths)?;
    proportional.checked_add(fee_base_msat.into()).map(Msat)
}

/// What a node asks for receiving an HTLC, in millisatoshis, by what it sends on and its fee for
/// that. It may be negative. bLIP 18. `None` beyond 63 bits.
pub fn inbound_fee(fee: InboundFee, net: Msat) -> Option<i64> {
    let rate = fee.proportional_millionths;
    let part = i64::try_from(proportional(net.0, rate.unsigned_abs())?).ok()?;
    let part = if rate < 0 { part.checked_neg()? } else { part };
    part.checked_add(fee.base_msat.into())
}

/// What must come in, so that a node sends `outgoing` on and has its fee for that: `net` is both
/// of these. `None` if that is beyond [`MOST`], or if nothing would have to come in.
pub fn incoming(outgoing: Msat, net: Msat, inbound: InboundFee, fees: Fees) -> Option<Msat> {
    if inbound == InboundFee::NONE {
        return Some(net).filter(|net| *net <= MOST);
    }
    let asked = net.0.checked_add_signed(inbound_fee(inbound, net)?);
    let amount = match fees {
        Fees::Floored => asked.unwrap_or_default().max(outgoing.0),
        Fees::Signed => asked.filter(|amount| *amount > 0)?,
    };
    Some(Msat(amount)).filter(|amount| *amount <= MOST)
}

/// The difference of two amounts in millisatoshis, if both and it fit 63 bits.
#[inline]
pub(super) fn difference(one: Msat, other: Msat) -> Option<i64> {
    i64::try_from(one.0).ok()?.checked_sub(i64::try_from(other.0).ok()?)
}

/// What locking an amount up costs the payer, for each block that it may be locked: in billionths
/// of the amount. c-lightning's risk factor, as an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RiskFactor(pub u32);

impl RiskFactor {
    /// Nothing: the fee alone counts.
    pub const NONE: Self = Self(0);

    /// So many per cent a year of 52,560 blocks, rounded down to whole billionths a block;
    /// c-lightning's default was 10. `None` beyond 2^32 - 1 of these.
    pub fn percent_per_year(percent: u32) -> Option<Self> {
        let billionths = u64::from(percent).checked_mul(10_000_000)? / 52_560;
        u32::try_from(billionths).ok().map(Self)
    }

    /// What it costs to have this amount locked up for so many blocks more, in millisatoshis,
    /// rounded down. `None` beyond 63 bits.
    pub fn cost(self, amount: Msat, blocks: u16) -> Option<i64> {
        if self == Self::NONE {
            return Some(0);
        }
        let rate = u64::from(self.0).checked_mul(blocks.into())?;
        let product = u128::from(amount.0).checked_mul(rate.into())?;
        i64::try_from(product / 1_000_000_000).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn inbound(base_msat: i32, proportional_millionths: i32) -> InboundFee {
        InboundFee { base_msat, proportional_millionths }
    }

    /// bLIP 18's own example: 1 + 10 % in, 7 + 3 % out, 100 sent on.
    #[test]
    fn the_example_of_blip_18() {
        let net = Msat(100 + outbound_fee(7, 30_000, Msat(100)).unwrap().0);
        assert_eq!(net, Msat(110));
        assert_eq!(inbound_fee(inbound(1, 100_000), net), Some(12));
        assert_eq!(incoming(Msat(100), net, inbound(1, 100_000), Fees::Floored), Some(Msat(122)));
    }

    #[test]
    fn each_fee_is_rounded_for_itself_and_never_to_the_payer_s_harm() {
        assert_eq!(outbound_fee(0, 1, Msat(999_999)), Some(Msat(0)));
        assert_eq!(outbound_fee(0, 1, Msat(1_000_000)), Some(Msat(1)));
        let of = |rate, net| inbound_fee(inbound(0, rate), Msat(net));
        assert_eq!((of(100, 19_999), of(-100, 19_999)), (Some(1), Some(-1)));
        assert_eq!((of(100, 9_999), of(-100, 9_999)), (Some(0), Some(0)));
    }

    #[test]
    fn a_discount_beyond_the_fee_is_floored_or_paid_out() {
        let of = |fee, fees| incoming(Msat(1_000), Msat(1_005), fee, fees);
        assert_eq!(of(inbound(-3, 0), Fees::Floored), Some(Msat(1_002)));
        assert_eq!(of(inbound(-3, 0), Fees::Signed), Some(Msat(1_002)));
        assert_eq!(of(inbound(-6, 0), Fees::Floored), Some(Msat(1_000)));
        assert_eq!(of(inbound(-6, 0), Fees::Signed), Some(Msat(999)));
        assert_eq!(of(inbound(-5_000, 0), Fees::Floored), Some(Msat(1_000)));
        assert_eq!(of(inbound(-5_000, 0), Fees::Signed), None);
        assert_eq!(of(inbound(0, i32::MIN), Fees::Floored), Some(Msat(1_000)));
        assert_eq!(of(inbound(-1_005, 0), Fees::Signed), None, "an HTLC of nothing is none");
    }

    #[test]
    fn what_is_too_large_has_no_fee() {
        let most = u64::MAX;
        let wide = outbound_fee(u32::MAX, 1_000_000, Msat(most - u64::from(u32::MAX)));
        assert_eq!(wide, Some(Msat(most)));
        assert_eq!(outbound_fee(u32::MAX, 1_000_000, Msat(most)), None);
        assert_eq!(outbound_fee(0, u32::MAX, Msat(most)), None);
        assert_eq!(inbound_fee(inbound(0, i32::MIN), Msat(most)), None);
        assert_eq!(incoming(Msat(1), Msat(MOST.0), InboundFee::NONE, Fees::Floored), Some(MOST));
        assert_eq!(incoming(Msat(1), Msat(MOST.0 + 1), InboundFee::NONE, Fees::Floored), None);
        assert_eq!(incoming(Msat(1), MOST, inbound(1, 0), Fees::Signed), None);
    }

    #[test]
    fn risk_is_amount_times_delay_times_rate() {
        let ten = RiskFactor::percent_per_year(10).unwrap();
        assert_eq!(ten, RiskFactor(1_902));
        // One bitcoin for a day: 10 % / 365.
        assert_eq!(ten.cost(Msat(100_000_000_000), 144), Some(27_388_800));
        assert_eq!(RiskFactor::NONE.cost(MOST, u16::MAX), Some(0));
        assert_eq!(RiskFactor(u32::MAX).cost(Msat(u64::MAX), u16::MAX), None);
        assert_eq!(RiskFactor::percent_per_year(u32::MAX), None);
    }
}
