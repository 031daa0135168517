//! From a string to an invoice. BOLT 11, "Data Part".

use bech32::Fe32;

use super::error::InvoiceError;
use super::field::InvoiceField;
use super::network::InvoiceNetwork;
use super::requirements::{Required, require};
use super::text::Text;
use super::{
    Invoice, LEAST_WORDS, SIGNATURE_WORDS, TIMESTAMP_WORDS, TaggedField, all, prefix, signature,
    text, words,
};
use crate::bolt::units::Msat;

/// How many words stand before a field's data: its type, and its length in two.
const FIELD_HEAD: usize = 3;

/// What could be read of a string that is no invoice, in the order of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// Why it is none.
    pub error: InvoiceError,
    /// The network; nothing is read if the checksum does not fit.
    pub network: Option<InvoiceNetwork>,
    /// The least amount.
    pub amount: Option<Msat>,
    /// When it says that it was made.
    pub timestamp: Option<u64>,
    /// The fields up to the mistake.
    pub fields: Vec<TaggedField>,
}

/// What has been read so far.
#[derive(Default)]
struct Seen {
    network: Option<InvoiceNetwork>,
    amount: Option<Msat>,
    timestamp: Option<u64>,
    fields: Vec<TaggedField>,
}

/// Reads an invoice and holds it against BOLT 11's requirements for readers. Whether it has expired
/// is another question: [`Invoice::is_expired`].
///
/// # Errors
/// The first thing that is wrong.
pub fn decode(text: &str) -> Result<Invoice, InvoiceError> {
    read(text, &mut Seen::default())
}

/// As [`decode`], but a mistake leaves what was read before it.
///
/// # Errors
/// The first thing that is wrong, and what is there beside.
pub fn decode_partly(text: &str) -> Result<Invoice, Box<Partial>> {
    let mut seen = Seen::default();
    read(text, &mut seen).map_err(|error| {
        let Seen { network, amount, timestamp, fields } = seen;
        Box::new(Partial { error, network, amount, timestamp, fields })
    })
}

fn read(text: &str, seen: &mut Seen) -> Result<Invoice, InvoiceError> {
    let Text { prefix, words } = text::split(text)?;
    let (network, amount) = prefix::read(&prefix)?;
    (seen.network, seen.amount) = (Some(network), amount);
    let start = prefix.len().saturating_add(1);
    let too_short = || InvoiceError::TooShort {
        position: start.saturating_add(words.len()),
        words: words.len().saturating_add(text::CHECKSUM_WORDS),
        least: LEAST_WORDS,
    };
    let length = words.len().checked_sub(SIGNATURE_WORDS).ok_or_else(too_short)?;
    let (data, signed) = words.split_at_checked(length).ok_or_else(too_short)?;
    let (timestamp, fields) = data.split_at_checked(TIMESTAMP_WORDS).ok_or_else(too_short)?;
    let timestamp = words::to_number(timestamp).unwrap_or_default();
    seen.timestamp = Some(timestamp);
    read_fields(fields, start.saturating_add(TIMESTAMP_WORDS), &mut seen.fields)?;
    let Required { payment_hash, payment_secret } = require(&seen.fields)?;
    let characters = start.saturating_add(length)..start.saturating_add(words.len());
    let stated = all!(seen.fields, Payee).next();
    let signed = signature::check(&prefix, data, signed, stated, &characters)?;
    Ok(Invoice {
        network,
        amount,
        timestamp,
        fields: std::mem::take(&mut seen.fields),
        payment_hash,
        payment_secret,
        payee: signed.payee,
        signature: signed.signature,
        recovery_id: signed.recovery_id,
        prefix,
        words,
    })
}

/// Reads the fields from their first character on.
fn read_fields(
    mut rest: &[Fe32],
    start: usize,
    fields: &mut Vec<TaggedField>,
) -> Result<(), InvoiceError> {
    let mut at = start;
    while !rest.is_empty() {
        let [tag, high, low, after @ ..] = rest else {
            let characters = at..at.saturating_add(rest.len());
            return Err(InvoiceError::FieldTruncated { characters });
        };
        let length = usize::from(high.to_u8()) << 5 | usize::from(low.to_u8());
        let data = at.saturating_add(FIELD_HEAD);
        let too_long = InvoiceError::FieldTooLong {
            characters: at.saturating_add(1)..data,
            length,
            left: after.len(),
        };
        let (words, after) = after.split_at_checked(length).ok_or(too_long)?;
        let field = InvoiceField::read(*tag, words, data)?;
        let end = data.saturating_add(length);
        fields.push(TaggedField { field, characters: at..end });
        (rest, at) = (after, end);
    }
    Ok(())
}
