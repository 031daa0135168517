//! The errors as vectors name them.

use crate::bolt::invoice::InvoiceError;

/// The variant's name.
pub(super) fn name(error: &InvoiceError) -> &'static str {
    match error {
        InvoiceError::Empty => "InvoiceError::Empty",
        InvoiceError::InvalidCharacter { .. } => "InvoiceError::InvalidCharacter",
        InvoiceError::MixedCase { .. } => "InvoiceError::MixedCase",
        InvoiceError::MissingSeparator => "InvoiceError::MissingSeparator",
        InvoiceError::TooShort { .. } => "InvoiceError::TooShort",
        InvoiceError::Checksum { .. } => "InvoiceError::Checksum",
        InvoiceError::UnknownPrefix { .. } => "InvoiceError::UnknownPrefix",
        InvoiceError::UnknownMultiplier { .. } => "InvoiceError::UnknownMultiplier",
        InvoiceError::LeadingZeroAmount { .. } => "InvoiceError::LeadingZeroAmount",
        InvoiceError::SubMillisatoshi { .. } => "InvoiceError::SubMillisatoshi",
        InvoiceError::AmountTooLarge { .. } => "InvoiceError::AmountTooLarge",
        InvoiceError::FieldTruncated { .. } => "InvoiceError::FieldTruncated",
        InvoiceError::FieldTooLong { .. } => "InvoiceError::FieldTooLong",
        InvoiceError::NotMinimal { .. } => "InvoiceError::NotMinimal",
        InvoiceError::NumberTooLarge { .. } => "InvoiceError::NumberTooLarge",
        InvoiceError::DescriptionNotUtf8 { .. } => "InvoiceError::DescriptionNotUtf8",
        InvoiceError::InvalidPoint { .. } => "InvoiceError::InvalidPoint",
        InvoiceError::RouteLength { .. } => "InvoiceError::RouteLength",
        InvoiceError::FallbackLength { .. } => "InvoiceError::FallbackLength",
        InvoiceError::MissingPaymentHash => "InvoiceError::MissingPaymentHash",
        InvoiceError::MissingPaymentSecret => "InvoiceError::MissingPaymentSecret",
        InvoiceError::MissingDescription => "InvoiceError::MissingDescription",
        InvoiceError::TwoDescriptions { .. } => "InvoiceError::TwoDescriptions",
        InvoiceError::UnknownFeature { .. } => "InvoiceError::UnknownFeature",
        InvoiceError::MissingDependency { .. } => "InvoiceError::MissingDependency",
        InvoiceError::RecoveryId { .. } => "InvoiceError::RecoveryId",
        InvoiceError::SignatureOutOfRange { .. } => "InvoiceError::SignatureOutOfRange",
        InvoiceError::NotRecoverable { .. } => "InvoiceError::NotRecoverable",
        InvoiceError::HighS { .. } => "InvoiceError::HighS",
        InvoiceError::WrongSignature { .. } => "InvoiceError::WrongSignature",
    }
}
