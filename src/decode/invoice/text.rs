//! An explanation in words, for a person who may see an invoice for the first time.

use std::fmt::{self, Display, Formatter};

use super::date::{Date, Duration, plural};
use super::explain::{Amount, Explanation, Known, Payee, Reading, Verdict};
use super::field::{Address, FeatureNote, FieldNote, Hop, Ignored, Says};
use crate::bolt::features::Feature;
use crate::bolt::units::Msat;

/// The width of the first column.
const NAME_WIDTH: usize = 11;
/// How many decimals a bitcoin has, down to the millisatoshi.
const MSAT_PER_BITCOIN: u64 = 100_000_000_000;

/// A line with a name and a text.
fn row(f: &mut Formatter<'_>, name: &str, text: impl Display) -> fmt::Result {
    writeln!(f, "  {name:NAME_WIDTH$}{text}")
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(reading) = &self.reading else { return writeln!(f, "No invoice") };
        match self.verdict {
            Verdict::Valid => {
                writeln!(f, "Invoice on {}", reading.network)?;
                writeln!(
                    f,
                    "The payee asks for a payment, and signs what it asks for. Whoever pays gets the preimage\n\
                     of the payment_hash, which proves the payment."
                )?;
            }
            Verdict::Invalid { .. } => {
                writeln!(f, "Not a valid invoice on {}: it must not be paid", reading.network)?;
                writeln!(f, "This is what could be read; nobody vouches for it.")?;
            }
        }
        writeln!(f)?;
        reading.write_head(f)?;
        for note in &reading.fields {
            write_field(f, note)?;
        }
        Ok(())
    }
}

impl Reading {
    fn write_head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        row(f, "amount", self.amount)?;
        if let Some(timestamp) = self.timestamp {
            row(f, "made", format_args!("{} ({timestamp})", Date(timestamp)))?;
            match self.expiry_seconds {
                Known::Stated(seconds) => write_end(f, timestamp, seconds, "field x")?,
                Known::Default(seconds) => write_end(f, timestamp, seconds, "the default")?,
                Known::Unknown => {}
            }
        }
        match self.min_final_cltv_expiry_delta {
            Known::Stated(delta) => write_delta(f, delta, "field c")?,
            Known::Default(delta) => write_delta(f, delta, "the default")?,
            Known::Unknown => {}
        }
        match self.payee {
            Some(Payee::Stated(key)) => {
                row(f, "payee", key)?;
                row(f, "", "field n; its signature over all of the invoice is valid")?;
            }
            Some(Payee::Recovered(key)) => {
                row(f, "payee", key)?;
                row(
                    f,
                    "",
                    "recovered from the signature, as there is no field n. Had the invoice been",
                )?;
                row(
                    f,
                    "",
                    "changed on its way, this would be the key of nobody: compare it if you can",
                )?;
            }
            None => row(f, "payee", "unknown without a valid signature")?,
        }
        if let Some(signature) = &self.signature {
            row(f, "signature", &signature.compact)?;
            row(f, "", format_args!("with the recovery id {}", signature.recovery_id))?;
        }
        Ok(())
    }
}

fn write_end(f: &mut Formatter<'_>, made: u64, seconds: u64, source: &str) -> fmt::Result {
    row(f, "expires", Date(made.saturating_add(seconds)))?;
    row(f, "", format_args!("{} later: {source}", Duration(seconds)))
}

fn write_delta(f: &mut Formatter<'_>, delta: u64, source: &str) -> fmt::Result {
    let plural = plural(delta);
    row(f, "last HTLC", format_args!("must have at least {delta} block{plural} left: {source}"))
}

impl Display for Amount {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self::Msat(Msat(msat)) = *self else { return f.write_str("the payer chooses") };
        let decimals = |whole: u64, rest: u64, width: usize| {
            let text = format!("{whole}.{rest:0width$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        let bitcoin = decimals(msat / MSAT_PER_BITCOIN, msat % MSAT_PER_BITCOIN, 11);
        let satoshis = decimals(msat / 1000, msat % 1000, 3);
        write!(f, "{bitcoin} BTC = {satoshis} sat = {msat} msat")
    }
}

fn write_field(f: &mut Formatter<'_>, note: &FieldNote) -> fmt::Result {
    let FieldNote { r#type, characters, is_second, says } = note;
    let (start, end) = (characters.start, characters.end.saturating_sub(1));
    writeln!(f, "\nField {}: {} (characters {start} to {end})", r#type, name(says))?;
    if *is_second {
        row(f, "", "not used: the first field of a type counts")?;
    }
    match says {
        Says::PaymentHash(hash) => {
            row(f, "hash", hash)?;
            row(f, "", "every HTLC on the way is locked to it; its preimage is the receipt")
        }
        Says::PaymentSecret(secret) => {
            row(f, "secret", secret)?;
            row(
                f,
                "",
                "shows the payee that the sender has the invoice, and is not a node on the way",
            )
        }
        Says::Description(text) => {
            row(f, "text", format_args!("{text:?}"))?;
            row(f, "", "whatever the payee likes to write: not to be trusted")
        }
        Says::Metadata(bytes) => {
            row(f, "bytes", bytes)?;
            row(f, "", "the payer hands them to the payee in the onion")
        }
        Says::Payee(key) => row(f, "key", key),
        Says::DescriptionHash(hash) => {
            row(f, "hash", hash)?;
            row(f, "", "SHA256 of a description that the payee gives elsewhere")
        }
        Says::ExpirySeconds(seconds) => row(f, "for", Duration(*seconds)),
        Says::MinFinalCltvExpiryDelta(delta) => {
            row(f, "blocks", delta)?;
            row(f, "", "so long the payee wants to have for taking the last HTLC")
        }
        Says::Fallback(address) => write_address(f, address),
        Says::Route(hops) => write_route(f, hops),
        Says::Features(bits) => bits.iter().try_for_each(|bit| write_feature(f, *bit)),
        Says::Ignored { reason, data } => write_ignored(f, *reason, data),
    }
}

fn name(says: &Says) -> &'static str {
    match says {
        Says::PaymentHash(_) => "payment_hash",
        Says::PaymentSecret(_) => "payment_secret",
        Says::Description(_) => "description",
        Says::Metadata(_) => "payment_metadata",
        Says::Payee(_) => "the payee's node id",
        Says::DescriptionHash(_) => "hash of the description",
        Says::ExpirySeconds(_) => "expiry",
        Says::MinFinalCltvExpiryDelta(_) => "min_final_cltv_expiry_delta",
        Says::Fallback(_) => "fallback address on the chain",
        Says::Route(_) => "route to the payee",
        Says::Features(_) => "features",
        Says::Ignored { .. } => "passed over",
    }
}

fn write_address(f: &mut Formatter<'_>, address: &Address) -> fmt::Result {
    let Address { version, address, kind } = address;
    row(f, "address", address)?;
    row(f, "", format_args!("version {version}, {kind}; for a payer whom Lightning fails"))
}

fn write_route(f: &mut Formatter<'_>, hops: &[Hop]) -> fmt::Result {
    for (hop, number) in hops.iter().zip(1..) {
        row(f, &format!("hop {number}"), format_args!("from {}", hop.pubkey))?;
        row(f, "", format_args!("over the channel {}", hop.short_channel_id))?;
        let millionths = hop.fee_proportional_millionths;
        let base = hop.fee_base_msat;
        row(f, "", format_args!("for {base} msat and {millionths} millionths of the amount"))?;
        let delta = hop.cltv_expiry_delta;
        row(f, "", format_args!("with {delta} block{} for itself", plural(delta.into())))?;
    }
    row(f, "", "a way that gossip does not tell; the last hop ends at the payee")
}

fn write_feature(f: &mut Formatter<'_>, note: FeatureNote) -> fmt::Result {
    let FeatureNote { bit, name, is_required, is_in_invoices } = note;
    let name = name.unwrap_or("unknown");
    let demand = match (is_required, is_in_invoices) {
        (true, true) => "even, so a payer must know it",
        (false, true) => "odd, so a payer may know it",
        (true, false) => "even and without a meaning here, so NOBODY may pay",
        (false, false) => "odd and without a meaning here, so it does no harm",
    };
    row(f, &format!("bit {bit}"), format_args!("{name}: {demand}"))?;
    match meaning(Feature::of_bit(bit)) {
        Some(meaning) => row(f, "", meaning),
        None => Ok(()),
    }
}

fn meaning(feature: Option<Feature>) -> Option<&'static str> {
    match feature? {
        Feature::VAR_ONION_OPTIN => Some("the onion tells hops in TLV records"),
        Feature::PAYMENT_SECRET => Some("the payment carries the payment_secret"),
        Feature::BASIC_MPP => Some("the payment may come in several parts"),
        Feature::ROUTE_BLINDING => Some("the payee understands blinded paths"),
        Feature::ATTRIBUTION_DATA => {
            Some("failures tell which hop is to blame, and how long it took")
        }
        Feature::PAYMENT_METADATA => Some("the payment carries the payment_metadata"),
        _ => None,
    }
}

fn write_ignored(f: &mut Formatter<'_>, reason: Ignored, data: &str) -> fmt::Result {
    match reason {
        Ignored::UnknownType => row(f, "", "a type that nobody has defined yet")?,
        Ignored::UnknownVersion => {
            row(f, "", "a fallback address of a version that nobody has defined yet")?;
        }
        Ignored::WrongLength { length, expected } => {
            row(f, "", format_args!("{length} characters of data where its type has {expected}"))?;
            row(
                f,
                "",
                "(BOLT 11 would have it fail, and has an example where it must be ignored)",
            )?;
        }
    }
    if data.is_empty() { row(f, "data", "none") } else { row(f, "data", data) }
}
