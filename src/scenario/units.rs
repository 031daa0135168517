//! Amounts, fee rates and numbers of blocks as the language writes them, always with their unit.

use bitcoin::Amount;

use super::{error::Mistake, outcome::Balance};
use crate::bolt::units::{FeeratePerKw, Msat};

/// What a number measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// An amount inside a channel, to the millisatoshi.
    Amount,
    /// An amount on chain, in whole satoshis.
    OnChainAmount,
    /// What a role took out, perhaps less fees.
    Balance,
    /// A fee rate.
    Feerate,
    /// A number of blocks.
    Blocks,
    /// A part of an amount.
    Proportion,
    /// A time span.
    Time,
}

impl Quantity {
    /// What it is called, with its article.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Amount => "an amount",
            Self::OnChainAmount => "an on-chain amount",
            Self::Balance => "a balance",
            Self::Feerate => "a fee rate",
            Self::Blocks => "a number of blocks",
            Self::Proportion => "a proportion",
            Self::Time => "a time span",
        }
    }

    /// How it is written, for instance.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Amount | Self::OnChainAmount => "`400_000 sat`",
            Self::Balance => "`400_000 sat` or `400_000 sat less fees`",
            Self::Feerate => "`1000 sat/kw`",
            Self::Blocks => "`144 blocks`",
            Self::Proportion => "`100 ppm`",
            Self::Time => "`60 s`",
        }
    }

    /// Its units.
    pub const fn units(self) -> &'static [&'static str] {
        match self {
            Self::Amount | Self::Balance => &["sat", "msat", "BTC"],
            Self::OnChainAmount => &["sat", "BTC"],
            Self::Feerate => &["sat/kw", "sat/vB"],
            Self::Blocks => &["blocks", "block"],
            Self::Proportion => &["ppm"],
            Self::Time => &["s"],
        }
    }

    /// A regular expression for the JSON Schema. It is a little wider than the parser, which also
    /// knows bounds.
    pub(super) const fn pattern(self) -> &'static str {
        match self {
            Self::Amount => r"^[0-9][0-9_]*(\.[0-9]+)? +(sat|msat|BTC)$",
            Self::OnChainAmount => r"^[0-9][0-9_]*(\.[0-9]+)? +(sat|BTC)$",
            Self::Balance => r"^[0-9][0-9_]*(\.[0-9]+)? +(sat|msat|BTC)( less fees)?$",
            Self::Feerate => r"^[0-9][0-9_]*(\.[0-9]+)? +(sat/kw|sat/vB)$",
            Self::Blocks => "^[0-9][0-9_]* +blocks?$",
            Self::Proportion => "^[0-9][0-9_]* +ppm$",
            Self::Time => "^[0-9][0-9_]* +s$",
        }
    }
}

/// Parses an amount inside a channel: `400_000 sat`.
///
/// # Errors
/// [`Mistake`]: it is no amount with its unit, or too large, or finer than a millisatoshi.
pub fn msat(text: &str) -> Result<Msat, Mistake> {
    amount(text, Quantity::Amount)
}

/// Parses an on-chain amount.
pub(super) fn sat(text: &str) -> Result<Amount, Mistake> {
    let of = Quantity::OnChainAmount;
    let msat = amount(text, of)?;
    if msat.0.is_multiple_of(1000) {
        Ok(msat.to_sat_floor())
    } else {
        Err(Mistake::TooFine { text: text.to_owned(), smallest: "1 sat" })
    }
}

/// Parses a balance, with or without `less fees`.
pub(super) fn balance(text: &str) -> Result<Balance, Mistake> {
    let less = text.strip_suffix("less fees").map(str::trim_end);
    let amount = amount(less.unwrap_or(text), Quantity::Balance)?;
    Ok(Balance { amount, less_fees: less.is_some() })
}

/// Parses a fee rate. A vbyte has four weight units, so 1 sat/vB is 250 sat/kw.
pub(super) fn feerate(text: &str) -> Result<FeeratePerKw, Mistake> {
    let of = Quantity::Feerate;
    let (number, unit) = split(text, of)?;
    let per_kw = match unit {
        "sat/kw" => number.scaled(text, of, 1, "1 sat/kw")?,
        "sat/vB" => number.scaled(text, of, 250, "1 sat/kw")?,
        _ => return Err(Mistake::UnknownUnit { unit: unit.to_owned(), of }),
    };
    match u32::try_from(per_kw) {
        Ok(per_kw) => Ok(FeeratePerKw(per_kw)),
        Err(_) => Err(Mistake::TooMuch { text: text.to_owned(), of }),
    }
}

/// Parses a number of blocks.
pub(super) fn blocks(text: &str) -> Result<u32, Mistake> {
    whole(text, Quantity::Blocks, "1 block")
}

/// Parses a proportion, in millionths.
pub(super) fn millionths(text: &str) -> Result<u32, Mistake> {
    whole(text, Quantity::Proportion, "1 ppm")
}

/// Parses a time span, in seconds.
pub(super) fn seconds(text: &str) -> Result<u32, Mistake> {
    whole(text, Quantity::Time, "1 s")
}

/// Parses a whole number of what has one unit only.
fn whole(text: &str, of: Quantity, smallest: &'static str) -> Result<u32, Mistake> {
    let (number, unit) = split(text, of)?;
    if !of.units().contains(&unit) {
        return Err(Mistake::UnknownUnit { unit: unit.to_owned(), of });
    }
    let number = number.scaled(text, of, 1, smallest)?;
    u32::try_from(number).map_err(|_| Mistake::TooMuch { text: text.to_owned(), of })
}

pub(super) fn amount(text: &str, of: Quantity) -> Result<Msat, Mistake> {
    let (number, unit) = split(text, of)?;
    let scale = match unit {
        "BTC" => 100_000_000_000,
        "sat" => 1_000,
        "msat" if of.units().contains(&"msat") => 1,
        _ => return Err(Mistake::UnknownUnit { unit: unit.to_owned(), of }),
    };
    number.scaled(text, of, scale, "1 msat").map(Msat)
}

/// A decimal number, kept exact: `digits / 10^places`.
struct Decimal {
    digits: u64,
    places: u32,
}

impl Decimal {
    /// The number times the scale, if it is whole and fits.
    fn scaled(
        &self,
        text: &str,
        of: Quantity,
        scale: u64,
        smallest: &'static str,
    ) -> Result<u64, Mistake> {
        let divisor = 10_u128.checked_pow(self.places);
        let product = u128::from(self.digits) * u128::from(scale);
        match divisor {
            Some(divisor) if product.is_multiple_of(divisor) => u64::try_from(product / divisor)
                .map_err(|_| Mistake::TooMuch { text: text.to_owned(), of }),
            _ => Err(Mistake::TooFine { text: text.to_owned(), smallest }),
        }
    }
}

/// Splits `1_000.5 sat` into its number and its unit.
fn split(text: &str, of: Quantity) -> Result<(Decimal, &str), Mistake> {
    let text = text.trim();
    let nothing = || Mistake::NoQuantity { text: text.to_owned(), of };
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || c == '_' || c == '.')).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let unit = rest.trim_start();
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(nothing());
    }
    if unit.starts_with('%') {
        return Err(Mistake::Percentage { text: text.to_owned() });
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let well_formed = |part: &str| {
        !part.is_empty()
            && !part.ends_with('_')
            && part.starts_with(|c: char| c.is_ascii_digit())
            && !part.contains("__")
    };
    if !well_formed(whole) || !well_formed(fraction) || fraction.contains(['.', '_']) {
        return Err(nothing());
    }
    if unit.is_empty() {
        return Err(Mistake::BareNumber { number: number.to_owned(), of });
    }
    let fraction = fraction.trim_end_matches('0');
    let digits: String = whole.chars().chain(fraction.chars()).filter(|c| *c != '_').collect();
    let too_much = |_| Mistake::TooMuch { text: text.to_owned(), of };
    let digits = digits.parse().map_err(too_much)?;
    let places = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    Ok((Decimal { digits, places }, unit))
}

/// An amount as the language writes it: `1_000_000 sat`, or `1 msat` if it is no whole satoshi.
pub fn written(amount: Msat) -> String {
    with_unit(amount, '_')
}

/// An on-chain amount as the language writes it: `1_000_000 sat`.
pub(super) fn written_amount(amount: Amount) -> String {
    format!("{} sat", digits(amount.to_sat(), '_'))
}

/// An amount as people read it: `1,000,000 sat`, or `1 msat` if it is no whole satoshi.
pub fn grouped(amount: Msat) -> String {
    with_unit(amount, ',')
}

/// An on-chain amount as people read it: `1,000,000 sat`.
pub(super) fn read(amount: Amount) -> String {
    format!("{} sat", digits(amount.to_sat(), ','))
}

fn with_unit(amount: Msat, separator: char) -> String {
    if amount.0.is_multiple_of(1000) {
        format!("{} sat", digits(amount.to_sat_floor().to_sat(), separator))
    } else {
        format!("{} msat", digits(amount.0, separator))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(msat("400_000 sat"), Ok(Msat(400_000_000)));
        assert_eq!(msat("0.5 BTC"), Ok(Msat(50_000_000_000)));
        assert_eq!(msat("100 msat"), Ok(Msat(100)));
        assert_eq!(msat("0.001 sat"), Ok(Msat(1)));
        assert_eq!(sat("0.00000001 BTC"), Ok(Amount::from_sat(1)));
        assert_eq!(sat("21_000_000 BTC"), Ok(Amount::MAX_MONEY));
        assert_eq!(sat("1.50 BTC"), Ok(Amount::from_sat(150_000_000)));
    }

    #[test]
    fn a_bare_number_says_what_it_lacks() {
        let of = Quantity::Amount;
        assert_eq!(msat("400000"), Err(Mistake::BareNumber { number: "400000".into(), of }));
        let of = Quantity::Blocks;
        assert_eq!(blocks("144"), Err(Mistake::BareNumber { number: "144".into(), of }));
        assert_eq!(
            blocks("144").unwrap_err().to_string(),
            "a number of blocks needs its unit, as in `144 blocks`"
        );
    }

    #[test]
    fn other_units_are_refused() {
        for (text, unit) in [("5 sats", "sats"), ("5 btc", "btc"), ("5 sat/kw", "sat/kw")] {
            let of = Quantity::Amount;
            assert_eq!(msat(text), Err(Mistake::UnknownUnit { unit: unit.into(), of }));
        }
        assert!(matches!(sat("5 msat"), Err(Mistake::UnknownUnit { .. })));
        assert_eq!(msat("5 sats").unwrap_err().help().unwrap(), "did you mean `sat`?");
    }

    #[test]
    fn what_no_amount_can_be_is_refused() {
        assert!(matches!(msat("-5 sat"), Err(Mistake::NoQuantity { .. })));
        assert!(matches!(msat("lots"), Err(Mistake::NoQuantity { .. })));
        assert!(matches!(msat("1__0 sat"), Err(Mistake::NoQuantity { .. })));
        assert!(matches!(msat("1_ sat"), Err(Mistake::NoQuantity { .. })));
        assert!(matches!(msat("1. sat"), Err(Mistake::NoQuantity { .. })));
        assert!(matches!(msat("1.2.3 sat"), Err(Mistake::NoQuantity { .. })));
        assert!(matches!(msat("1 sat more"), Err(Mistake::UnknownUnit { .. })));
        assert!(matches!(msat("50 %"), Err(Mistake::Percentage { .. })));
        assert!(matches!(msat("50%"), Err(Mistake::Percentage { .. })));
        assert!(matches!(sat("0.5 sat"), Err(Mistake::TooFine { .. })));
        assert!(matches!(msat("0.0001 sat"), Err(Mistake::TooFine { .. })));
        assert!(matches!(msat("99999999999999999999 sat"), Err(Mistake::TooMuch { .. })));
        assert!(matches!(msat("18446744073709551615 BTC"), Err(Mistake::TooMuch { .. })));
        let tiny = format!("0.{}1 sat", "0".repeat(50_000));
        assert!(matches!(msat(&tiny), Err(Mistake::TooFine { .. })));
    }

    #[test]
    fn a_vbyte_has_four_weight_units() {
        assert_eq!(feerate("1000 sat/kw"), Ok(FeeratePerKw(1000)));
        assert_eq!(feerate("4 sat/vB"), Ok(FeeratePerKw(1000)));
        assert_eq!(feerate("1.5 sat/vB"), Ok(FeeratePerKw(375)));
        assert!(matches!(feerate("0.001 sat/vB"), Err(Mistake::TooFine { .. })));
        assert!(matches!(feerate("1000 sat"), Err(Mistake::UnknownUnit { .. })));
        assert!(matches!(feerate("5_000_000_000 sat/kw"), Err(Mistake::TooMuch { .. })));
    }

    #[test]
    fn blocks_are_whole() {
        assert_eq!(blocks("1 block"), Ok(1));
        assert_eq!(blocks("2_016 blocks"), Ok(2016));
        assert!(matches!(blocks("1.5 blocks"), Err(Mistake::TooFine { .. })));
        assert!(matches!(blocks("3 days"), Err(Mistake::UnknownUnit { .. })));
    }

    #[test]
    fn a_balance_may_be_less_fees() {
        let amount = Msat(1_000_000_000);
        assert_eq!(balance("1_000_000 sat"), Ok(Balance { amount, less_fees: false }));
        assert_eq!(balance("1_000_000 sat less fees"), Ok(Balance { amount, less_fees: true }));
        assert!(matches!(balance("1 sat less tips"), Err(Mistake::UnknownUnit { .. })));
        assert!(matches!(balance("5 less fees"), Err(Mistake::BareNumber { .. })));
    }

    #[test]
    fn digits_come_in_threes() {
        assert_eq!(written(Msat(1_000_000_000)), "1_000_000 sat");
        assert_eq!(written(Msat(1_234_567)), "1_234_567 msat");
        assert_eq!(grouped(Msat(999_000)), "999 sat");
        assert_eq!(read(Amount::from_sat(1_000)), "1,000 sat");
    }
}
