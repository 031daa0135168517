//! What an invoice must have, and must not ask for. BOLT 11, "Tagged Fields" and "Feature Bits".

use bitcoin::hashes::sha256;

use super::error::InvoiceError;
use super::field::InvoiceField;
use super::{TaggedField, all};
use crate::bolt::features::{Feature, Features};
use crate::bolt::wire::PaymentSecret;

/// What no invoice can be paid without.
pub(super) struct Required {
    pub(super) payment_hash: sha256::Hash,
    pub(super) payment_secret: PaymentSecret,
}

/// Finds the required fields, and refuses what a payer cannot do.
///
/// # Errors
/// What is missing, too much or not supported.
pub(super) fn require(fields: &[TaggedField]) -> Result<Required, InvoiceError> {
    let payment_hash = all!(fields, PaymentHash).next().ok_or(InvoiceError::MissingPaymentHash)?;
    let payment_secret =
        all!(fields, PaymentSecret).next().ok_or(InvoiceError::MissingPaymentSecret)?;
    check_description(fields)?;
    for tagged in fields {
        if let InvoiceField::Features(features) = &tagged.field {
            check_features(features, tagged)?;
        }
    }
    Ok(Required { payment_hash: *payment_hash, payment_secret: *payment_secret })
}

/// Either `d` or `h`, as often as the writer likes.
fn check_description(fields: &[TaggedField]) -> Result<(), InvoiceError> {
    let place = |is_it: fn(&InvoiceField) -> bool| fields.iter().find(|t| is_it(&t.field));
    let text = place(|field| matches!(field, InvoiceField::Description(_)));
    let hash = place(|field| matches!(field, InvoiceField::DescriptionHash(_)));
    match (text, hash) {
        (None, None) => Err(InvoiceError::MissingDescription),
        (Some(text), Some(hash)) => {
            let second = if text.characters.start < hash.characters.start { hash } else { text };
            Err(InvoiceError::TwoDescriptions { characters: second.characters.clone() })
        }
        (Some(_), None) | (None, Some(_)) => Ok(()),
    }
}

/// Even bits must be known to have a meaning in an invoice, and features come with those that they
/// depend on.
fn check_features(features: &Features, tagged: &TaggedField) -> Result<(), InvoiceError> {
    for bit in features.bits() {
        let known = Feature::of_bit(bit).filter(|feature| feature.is_in_invoices());
        let Some(feature) = known else {
            if bit % 2 == 0 {
                let from_end = usize::try_from(bit / 5).unwrap_or(usize::MAX).saturating_add(1);
                let position = tagged.characters.end.saturating_sub(from_end);
                return Err(InvoiceError::UnknownFeature { position, bit });
            }
            continue;
        };
        if let Some(needs) = feature.dependency().filter(|needs| !features.supports(*needs)) {
            let characters = tagged.characters.clone();
            return Err(InvoiceError::MissingDependency { characters, feature, needs });
        }
    }
    Ok(())
}
