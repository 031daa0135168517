//! Expected weights, fees, dust and trimming. BOLT 3, "Fees", "Trimmed Outputs", "Dust Limits" and
//! Appendix A.

use bitcoin::{Amount, Script};

use super::ChannelType;
use super::htlc::{Direction, Htlc};
use crate::bolt::units::FeeratePerKw;

/// The amount of each anchor.
pub const ANCHOR: Amount = Amount::from_sat(330);

/// The weight that each untrimmed HTLC adds to a commitment transaction.
const HTLC_OUTPUT_WEIGHT: u64 = 172;

/// The expected weight of a commitment transaction with this many untrimmed HTLCs.
pub fn commitment_weight(channel_type: ChannelType, untrimmed_htlcs: usize) -> u64 {
    let base = match channel_type {
        ChannelType::StaticRemotekey => 724,
        ChannelType::Anchors => 1124,
    };
    let htlcs = u64::try_from(untrimmed_htlcs).unwrap_or(u64::MAX);
    HTLC_OUTPUT_WEIGHT.saturating_mul(htlcs).saturating_add(base)
}

/// The expected weight of the HTLC-timeout (offered) or HTLC-success (received) transaction.
pub fn htlc_transaction_weight(channel_type: ChannelType, direction: Direction) -> u64 {
    match (direction, channel_type) {
        (Direction::Offered, ChannelType::StaticRemotekey) => 663,
        (Direction::Offered, ChannelType::Anchors) => 666,
        (Direction::Received, ChannelType::StaticRemotekey) => 703,
        (Direction::Received, ChannelType::Anchors) => 706,
    }
}

/// The base fee of a commitment transaction with this many untrimmed HTLCs; its funder pays it.
pub fn commitment_fee(
    channel_type: ChannelType,
    feerate: FeeratePerKw,
    untrimmed_htlcs: usize,
) -> Amount {
    feerate.fee(commitment_weight(channel_type, untrimmed_htlcs))
}

/// What the funder pays for a commitment with this many untrimmed HTLCs: the base fee and both
/// anchors. BOLT 3, "Fee Payment".
pub fn funder_cost(
    channel_type: ChannelType,
    feerate: FeeratePerKw,
    untrimmed_htlcs: usize,
) -> Amount {
    let anchors = match channel_type {
        ChannelType::StaticRemotekey => Amount::ZERO,
        // Two anchors of 330 sat cannot overflow.
        ChannelType::Anchors => ANCHOR.checked_mul(2).unwrap_or(ANCHOR),
    };
    let fee = commitment_fee(channel_type, feerate, untrimmed_htlcs);
    fee.checked_add(anchors).unwrap_or(Amount::MAX)
}

/// The fee of an HTLC transaction: none with `option_anchors`.
pub fn htlc_transaction_fee(
    channel_type: ChannelType,
    feerate: FeeratePerKw,
    direction: Direction,
) -> Amount {
    match channel_type {
        ChannelType::StaticRemotekey => {
            feerate.fee(htlc_transaction_weight(channel_type, direction))
        }
        ChannelType::Anchors => Amount::ZERO,
    }
}

/// Whether a commitment transaction has no output for this HTLC: its amount less the fee of its
/// HTLC transaction is below the owner's `dust_limit_satoshis`.
pub fn is_trimmed(
    channel_type: ChannelType,
    feerate: FeeratePerKw,
    dust_limit: Amount,
    htlc: &Htlc,
) -> bool {
    let fee = htlc_transaction_fee(channel_type, feerate, htlc.direction);
    htlc.amount.to_sat_floor().checked_sub(fee).is_none_or(|left| left < dust_limit)
}

/// The least amount that bitcoind relays in an output of this script. BOLT 3, "Dust Limits".
pub fn dust_threshold(script: &Script) -> Amount {
    let satoshis = if script.is_p2pkh() {
        546
    } else if script.is_p2sh() {
        540
    } else if script.is_p2wpkh() {
        294
    } else if script.is_p2wsh() {
        330
    } else if script.is_op_return() {
        0
    } else {
        354
    };
    Amount::from_sat(satoshis)
}
