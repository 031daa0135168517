//! Amounts in a currency's smallest unit, as people write them.

/// Codes of ISO 4217 whose smallest unit is the currency itself.
const WHOLE: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
];
/// Those whose smallest unit is a thousandth.
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// The amount in the currency: `100.00 USD` for 10000 cents.
pub(super) fn amount(code: &str, minor_units: u64) -> String {
    match code {
        code if WHOLE.contains(&code) => format!("{minor_units} {code}"),
        code if THOUSANDTHS.contains(&code) => {
            let (whole, part) = (minor_units / 1000, minor_units % 1000);
            format!("{whole}.{part:03} {code}")
        }
        code => format!("{}.{:02} {code}", minor_units / 100, minor_units % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_units_differ() {
        assert_eq!(amount("USD", 10_005), "100.05 USD");
        assert_eq!(amount("JPY", 10_005), "10005 JPY");
        assert_eq!(amount("KWD", 10_005), "10.005 KWD");
    }
}
