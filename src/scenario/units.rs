//! Amounts, fee rates and numbers of blocks as the language writes them, always with their unit.

use bitcoin::Amount;

use crate::bolt::units::Msat;

/// An amount as the language writes it: `1_000_000 sat`, or `1 msat` if it is no whole satoshi.
pub(super) fn written(amount: Msat) -> String {
    match whole_sat(amount) {
        Some(sat) => format!("{} sat", digits(sat, '_')),
        None => format!("{} msat", digits(amount.0, '_')),
    }
}

/// An on-chain amount as the language writes it: `1_000_000 sat`.
pub(super) fn written_amount(amount: Amount) -> String {
    format!("{} sat", digits(amount.to_sat(), '_'))
}

/// An amount as people read it: `1,000,000 sat`, or `1 msat` if it is no whole satoshi.
pub(super) fn grouped(amount: Msat) -> String {
    match whole_sat(amount) {
        Some(sat) => format!("{} sat", digits(sat, ',')),
        None => format!("{} msat", digits(amount.0, ',')),
    }
}

fn whole_sat(amount: Msat) -> Option<u64> {
    amount.0.is_multiple_of(1000).then(|| amount.to_sat_floor().to_sat())
}

/// A number with a separator between groups of three digits.
fn digits(number: u64, separator: char) -> String {
    let plain = number.to_string();
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}
