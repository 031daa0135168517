//! BOLT 3, "Fee Calculation": the fees of a commitment transaction, and which HTLCs they trim.

use bitcoin::Amount;
use bitcoin::hashes::{Hash, sha256};
use serde::Deserialize;

use super::check::Checks;
use crate::bolt::tx::htlc::{Direction, Htlc};
use crate::bolt::tx::{ChannelType, fee};
use crate::bolt::units::{CltvExpiry, FeeratePerKw, Msat};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    tests: Vec<Test>,
}

super::load::topic! {
    channel_type: ChannelType,
    feerate_per_kw: FeeratePerKw,
    dust_limit_satoshis: u64,
    htlcs: Vec<TestHtlc>,
    expected: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestHtlc {
    r#type: Direction,
    amount_msat: Msat,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    htlc_timeout_fee_satoshi: u64,
    htlc_success_fee_satoshi: u64,
    htlcs: Vec<ExpectedHtlc>,
    weight: u64,
    base_fee_satoshi: u64,
    actual_fee_satoshi: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedHtlc {
    trimmed: bool,
    htlc_transaction_output_satoshi: Option<u64>,
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let (channel_type, feerate, expected) =
        (test.channel_type, test.feerate_per_kw, &test.expected);
    let fee_of = |direction| fee::htlc_transaction_fee(channel_type, feerate, direction).to_sat();
    let timeout = fee_of(Direction::Offered);
    let success = fee_of(Direction::Received);
    checks.equal("expected.htlc_timeout_fee_satoshi", &expected.htlc_timeout_fee_satoshi, &timeout);
    checks.equal("expected.htlc_success_fee_satoshi", &expected.htlc_success_fee_satoshi, &success);

    checks.equal("expected.htlcs", &expected.htlcs.len(), &test.htlcs.len());
    let dust_limit = Amount::from_sat(test.dust_limit_satoshis);
    let (mut untrimmed, mut trimmed_away) = (0, 0_u64);
    for (position, (htlc, expected)) in test.htlcs.iter().zip(&expected.htlcs).enumerate() {
        let amount = htlc.amount_msat.to_sat_floor().to_sat();
        let direction = htlc.r#type;
        let htlc = Htlc {
            direction,
            amount: htlc.amount_msat,
            // Neither has a part in this.
            payment_hash: sha256::Hash::all_zeros(),
            cltv_expiry: CltvExpiry(0),
        };
        let trimmed = fee::is_trimmed(channel_type, feerate, dust_limit, &htlc);
        let field = |name| format!("expected.htlcs[{position}].{name}");
        checks.equal(&field("trimmed"), &expected.trimmed, &trimmed);
        let output = if trimmed { None } else { amount.checked_sub(fee_of(direction)) };
        let text = |value: Option<u64>| value.map_or("none".to_owned(), |value| value.to_string());
        let expected = text(expected.htlc_transaction_output_satoshi);
        checks.equal(&field("htlc_transaction_output_satoshi"), &expected, &text(output));
        if trimmed {
            trimmed_away = trimmed_away.saturating_add(amount);
        } else {
            untrimmed += 1;
        }
    }
    let weight = fee::commitment_weight(channel_type, untrimmed);
    checks.equal("expected.weight", &expected.weight, &weight);
    let base = fee::commitment_fee(channel_type, feerate, untrimmed).to_sat();
    checks.equal("expected.base_fee_satoshi", &expected.base_fee_satoshi, &base);
    let actual = base.saturating_add(trimmed_away);
    checks.equal("expected.actual_fee_satoshi", &expected.actual_fee_satoshi, &actual);
    None
}
