//! From fields to an invoice. BOLT 11, "Data Part".

use bech32::Fe32;
use secp256k1::SecretKey;

use super::error::DraftError;
use super::field::InvoiceField;
use super::network::InvoiceNetwork;
use super::{Invoice, TIMESTAMP_WORDS, decode, prefix, signature, text, words};
use crate::bolt::units::Msat;

/// The greatest timestamp: 35 bits.
const LATEST: u64 = (1 << 35) - 1;
/// The most words that a field's length can say.
const MOST_WORDS: usize = 1023;

/// An invoice that is not signed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceDraft {
    /// The chain on which it is paid.
    pub network: InvoiceNetwork,
    /// The least amount; without it the payer chooses.
    pub amount: Option<Msat>,
    /// When it was made, in seconds since 1970.
    pub timestamp: u64,
    /// The fields in their order, the preferred one first among those of a kind.
    pub fields: Vec<InvoiceField>,
}

impl InvoiceDraft {
    /// A draft without an amount or fields.
    pub fn new(network: InvoiceNetwork, timestamp: u64) -> Self {
        Self { network, amount: None, timestamp, fields: Vec::new() }
    }

    /// The draft with this amount.
    #[must_use]
    pub fn with_amount(mut self, amount: Msat) -> Self {
        self.amount = Some(amount);
        self
    }

    /// The draft with this field behind the others.
    #[must_use]
    pub fn with(mut self, field: InvoiceField) -> Self {
        self.fields.push(field);
        self
    }

    /// Writes and signs an invoice that a reader may take.
    ///
    /// # Errors
    /// [`DraftError`] if it cannot be written, or a reader must refuse it.
    pub fn sign(&self, key: &SecretKey) -> Result<Invoice, DraftError> {
        decode(&self.encode(key)?).map_err(DraftError::Refused)
    }

    /// Writes and signs whatever is in the draft, also what every reader must refuse: tests need
    /// such invoices.
    ///
    /// # Errors
    /// [`DraftError`] if there is no string for it.
    pub fn encode(&self, key: &SecretKey) -> Result<String, DraftError> {
        if self.timestamp > LATEST {
            return Err(DraftError::Timestamp(self.timestamp));
        }
        let prefix = prefix::write(self.network, self.amount);
        let mut data = words::fixed_number::<TIMESTAMP_WORDS>(self.timestamp).to_vec();
        self.fields.iter().try_for_each(|field| append_field(field, &mut data))?;
        signature::append(&prefix, &mut data, key);
        Ok(text::join(&prefix, &data))
    }
}

fn append_field(field: &InvoiceField, data: &mut Vec<Fe32>) -> Result<(), DraftError> {
    let words = field.to_words();
    let length = u64::try_from(words.len()).unwrap_or(u64::MAX);
    if words.len() > MOST_WORDS {
        return Err(DraftError::FieldTooLong { words: words.len(), most: MOST_WORDS });
    }
    data.push(field.tag());
    data.extend(words::fixed_number::<2>(length));
    data.extend(words);
    Ok(())
}
