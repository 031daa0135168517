//! Transactions that cannot be made.

use bitcoin::Amount;

use super::check::Checks;
use crate::bolt::tx::TxError;

/// Compares how much is missing, and names the error as vectors do.
pub(super) fn check(error: &TxError, missing: Option<u64>, checks: &mut Checks) -> &'static str {
    let (name, lacks) = match *error {
        TxError::Insufficient { needed, available } => {
            ("TxError::Insufficient", needed.checked_sub(available))
        }
        TxError::Dust { amount, limit } => ("TxError::Dust", limit.checked_sub(amount)),
        TxError::Key(_) => ("TxError::Key", None),
        TxError::AmountOverflow => ("TxError::AmountOverflow", None),
        TxError::NoSuchInput { .. } => ("TxError::NoSuchInput", None),
        TxError::Bound => ("TxError::Bound", None),
        TxError::TooManyOutputs => ("TxError::TooManyOutputs", None),
    };
    let text = |amount: Option<u64>| amount.map_or("none".to_owned(), |sat| sat.to_string());
    checks.equal("missing_satoshis", &text(missing), &text(lacks.map(Amount::to_sat)));
    name
}
