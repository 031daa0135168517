//! The human-readable part: the network and the amount. BOLT 11, "Human-Readable Part".

use super::error::InvoiceError;
use super::network::InvoiceNetwork;
use crate::bolt::units::Msat;

/// `p` counts in tenths of a millisatoshi.
const PICO_PER_MSAT: u128 = 10;

/// The letters behind an amount, from the greatest down, and how many pico-bitcoin they stand for.
const MULTIPLIERS: [(&str, u128); 5] =
    [("", 1_000_000_000_000), ("m", 1_000_000_000), ("u", 1_000_000), ("n", 1_000), ("p", 1)];

/// Reads the network and the amount. The part must be in lower case.
///
/// # Errors
/// An unknown network, and an amount that is none.
pub(super) fn read(prefix: &str) -> Result<(InvoiceNetwork, Option<Msat>), InvoiceError> {
    let start = prefix.find(|c: char| c.is_ascii_digit()).unwrap_or(prefix.len());
    let (name, amount) = prefix.split_at_checked(start).unwrap_or((prefix, ""));
    let unknown = InvoiceError::UnknownPrefix { characters: 0..start };
    let network = InvoiceNetwork::of_prefix(name).ok_or(unknown)?;
    if amount.is_empty() {
        return Ok((network, None));
    }
    read_amount(start, amount).map(|amount| (network, Some(amount)))
}

/// Reads an amount that begins with a digit; `start` is the position of that.
fn read_amount(start: usize, text: &str) -> Result<Msat, InvoiceError> {
    let at = |offset: usize| start.saturating_add(offset);
    let length = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, letters) = text.split_at_checked(length).unwrap_or((text, ""));
    let (_, pico) =
        MULTIPLIERS.into_iter().find(|(letter, _)| *letter == letters).ok_or_else(|| {
            InvoiceError::UnknownMultiplier { characters: at(length)..at(text.len()) }
        })?;
    if digits.starts_with('0') {
        return Err(InvoiceError::LeadingZeroAmount { position: start });
    }
    let too_large = || InvoiceError::AmountTooLarge { characters: start..at(text.len()) };
    let number: u128 = digits.parse().map_err(|_| too_large())?;
    let pico = number.checked_mul(pico).ok_or_else(too_large)?;
    if pico % PICO_PER_MSAT != 0 {
        return Err(InvoiceError::SubMillisatoshi { position: at(length.saturating_sub(1)) });
    }
    u64::try_from(pico / PICO_PER_MSAT).map(Msat).map_err(|_| too_large())
}

/// Writes the network and the amount, with the greatest multiplier that leaves it whole.
pub(super) fn write(network: InvoiceNetwork, amount: Option<Msat>) -> String {
    let name = network.prefix();
    let Some(Msat(msat)) = amount else { return name.to_owned() };
    let pico = u128::from(msat).saturating_mul(PICO_PER_MSAT);
    let whole = MULTIPLIERS.into_iter().find(|(_, unit)| pico.is_multiple_of(*unit));
    let (letter, unit) = whole.unwrap_or(("p", 1));
    format!("{name}{}{letter}", pico.checked_div(unit).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_network_is_read() {
        for network in InvoiceNetwork::ALL {
            assert_eq!(read(network.prefix()), Ok((network, None)));
            let with_amount = format!("{}1", network.prefix());
            assert_eq!(read(&with_amount), Ok((network, Some(Msat(100_000_000_000)))));
        }
    }

    #[test]
    fn unknown_networks_are_refused() {
        for (prefix, end) in [("", 0), ("ln", 2), ("bc", 2), ("lnltc5m", 5), ("lnbcm", 5), ("5", 0)]
        {
            let error = InvoiceError::UnknownPrefix { characters: 0..end };
            assert_eq!(read(prefix), Err(error), "{prefix}");
        }
    }

    #[test]
    fn every_multiplier_is_read() {
        let amounts =
            [("1", 100_000_000_000), ("3m", 300_000_000), ("2500u", 250_000_000), ("7n", 700)];
        for (text, msat) in amounts.into_iter().chain([("10p", 1), ("9678785340p", 967_878_534)]) {
            let read = read(&format!("lnbc{text}"));
            assert_eq!(read, Ok((InvoiceNetwork::Bitcoin, Some(Msat(msat)))), "{text}");
        }
    }

    #[test]
    fn wrong_amounts_are_refused() {
        let most = "lnbc184467440737095516150p";
        assert_eq!(read(most), Ok((InvoiceNetwork::Bitcoin, Some(Msat(u64::MAX)))));
        let wrong = [
            ("lnbc1x", InvoiceError::UnknownMultiplier { characters: 5..6 }),
            ("lnbc1mm", InvoiceError::UnknownMultiplier { characters: 5..7 }),
            ("lnbc1m2", InvoiceError::UnknownMultiplier { characters: 5..7 }),
            ("lnbc0", InvoiceError::LeadingZeroAmount { position: 4 }),
            ("lnbc010m", InvoiceError::LeadingZeroAmount { position: 4 }),
            ("lnbc11p", InvoiceError::SubMillisatoshi { position: 5 }),
            ("lnbc184467440737095516160p", InvoiceError::AmountTooLarge { characters: 4..26 }),
            (
                "lnbc999999999999999999999999999999999999999999m",
                InvoiceError::AmountTooLarge { characters: 4..47 },
            ),
            (
                "lnbc300000000000000000000000000000000000000m",
                InvoiceError::AmountTooLarge { characters: 4..44 },
            ),
        ];
        for (prefix, error) in wrong {
            assert_eq!(read(prefix), Err(error), "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn amounts_come_back_in_their_shortest_form(msat in 1_u64.., zeros in 0_u32..18) {
            let msat = Msat(msat - msat % 10_u64.pow(zeros)).max(Msat(1));
            let written = write(InvoiceNetwork::Testnet, Some(msat));
            prop_assert_eq!(read(&written), Ok((InvoiceNetwork::Testnet, Some(msat))));
            prop_assert!(!written.ends_with("000m") && !written.ends_with("000n"), "{}", written);
        }
    }
}
