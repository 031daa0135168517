//! `invoice_error`: why a request or an invoice was refused. BOLT 12, "Invoice Errors".

use thiserror::Error;

use super::error::{Blame, Blamed};
use super::fields::{InvoiceErrorFields, InvoiceFields};
use crate::bolt::wire::tlv::{TlvError, write_record};
use crate::bolt::wire::{Bytes, DecodeError};

/// An error as it came; the BOLT demands nothing of it from its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceError {
    raw: Vec<u8>,
    fields: InvoiceErrorFields,
}

/// Which requirement an error breaks that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvoiceErrorError {
    /// It is no such stream.
    #[error(transparent)]
    Stream(#[from] TlvError),
    /// No text.
    #[error("error is missing")]
    NoText,
    /// A better value, but not for which field.
    #[error("suggested_value is set, and erroneous_field is not")]
    SuggestionWithoutField,
    /// The value could not stand in the field.
    #[error("suggested_value cannot stand in field {0}")]
    SuggestionInvalid(u64),
}

impl Blamed for InvoiceErrorError {
    fn blame(&self) -> Blame {
        match self {
            Self::Stream(error) => error.blame(),
            Self::NoText => Blame::Missing,
            Self::SuggestionWithoutField | Self::SuggestionInvalid(_) => Blame::Record(3),
        }
    }
}

impl InvoiceError {
    /// An error with this text; perhaps about a field, with a value that would have been taken.
    ///
    /// # Errors
    /// The first requirement that it would break.
    pub fn new(
        error: &str,
        erroneous_field: Option<u64>,
        suggested_value: Option<Bytes>,
    ) -> Result<Self, InvoiceErrorError> {
        let error = Some(error.to_owned());
        let fields = InvoiceErrorFields {
            erroneous_field,
            suggested_value,
            error,
            ..InvoiceErrorFields::default()
        };
        let error = Self { raw: fields.encode(), fields };
        error.check()?;
        Ok(error)
    }

    /// Reads an error from the bytes of its records.
    ///
    /// # Errors
    /// [`InvoiceErrorError::Stream`].
    pub fn from_bytes(raw: Vec<u8>) -> Result<Self, InvoiceErrorError> {
        let fields = InvoiceErrorFields::decode(&raw)?;
        Ok(Self { raw, fields })
    }

    /// Its records' bytes, as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Its fields, as the BOLT names them.
    pub fn fields(&self) -> &InvoiceErrorFields {
        &self.fields
    }

    /// Checks what the BOLT demands of its writer.
    ///
    /// # Errors
    /// The first requirement that it breaks.
    pub fn check(&self) -> Result<(), InvoiceErrorError> {
        self.fields.error.as_ref().ok_or(InvoiceErrorError::NoText)?;
        let Some(value) = &self.fields.suggested_value else { return Ok(()) };
        let field = self.fields.erroneous_field.ok_or(InvoiceErrorError::SuggestionWithoutField)?;
        let mut record = Vec::new();
        write_record(field, &value.0, &mut record);
        match InvoiceFields::decode(&record) {
            Err(TlvError { error: DecodeError::UnknownEvenTlv(_), .. }) | Ok(_) => Ok(()),
            Err(_) => Err(InvoiceErrorError::SuggestionInvalid(field)),
        }
    }
}
