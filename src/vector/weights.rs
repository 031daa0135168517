//! BOLT 3, Appendix A: expected weights.

use serde::Deserialize;

use super::check::Checks;
use crate::bolt::tx::htlc::Direction;
use crate::bolt::tx::{ChannelType, fee};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    tests: Vec<Test>,
}

super::load::topic! {
    transaction: Kind,
    channel_type: ChannelType,
    num_htlc_outputs: Option<usize>,
    expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Commitment,
    HtlcTimeout,
    HtlcSuccess,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    weight: u64,
}

fn replay(_: &Group, test: &Test, checks: &mut Checks) -> Option<&'static str> {
    let counted = test.num_htlc_outputs.is_some() == (test.transaction == Kind::Commitment);
    checks.holds("num_htlc_outputs", "a commitment transaction has it, others not", counted);
    let weight = match test.transaction {
        Kind::Commitment => {
            fee::commitment_weight(test.channel_type, test.num_htlc_outputs.unwrap_or(0))
        }
        Kind::HtlcTimeout => fee::htlc_transaction_weight(test.channel_type, Direction::Offered),
        Kind::HtlcSuccess => fee::htlc_transaction_weight(test.channel_type, Direction::Received),
    };
    checks.equal("expected.weight", &test.expected.weight, &weight);
    None
}
