//! Explains a string of BOLT 12 (an offer, an invoice request or an invoice) field by field, or
//! says at which characters it goes wrong. Nothing depends on the time.

mod currency;
mod names;
mod rows;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::bolt::offer::string::{self, StringError};
use crate::bolt::offer::{
    Bolt12Invoice, Bolt12InvoiceError, InvoiceRequest, InvoiceRequestError, Kind, Offer,
    OfferError, ParseError, merkle,
};
use crate::decode::snippet::snippet;

/// What a string holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// `lno…`.
    Offer(Offer),
    /// `lnr…`.
    InvoiceRequest(InvoiceRequest),
    /// `lni…`.
    Invoice(Box<Bolt12Invoice>),
}

/// Why a string holds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It is no string of BOLT 12.
    #[error("no string of BOLT 12: {0}")]
    String(StringError),
    /// It is not a valid offer.
    #[error("no valid offer: {0}{field}", field = names::in_field(.0))]
    Offer(ParseError<OfferError>),
    /// It is not a valid invoice request.
    #[error("no valid invoice request: {0}{field}", field = names::in_field(.0))]
    InvoiceRequest(ParseError<InvoiceRequestError>),
    /// It is not a valid invoice.
    #[error("no valid invoice: {0}{field}", field = names::in_field(.0))]
    Invoice(ParseError<Bolt12InvoiceError>),
}

impl Refused {
    /// The characters of the text that are to blame, if any are.
    pub fn position(&self, text: &str) -> Option<Range<usize>> {
        match self {
            Self::String(error) => error.characters(),
            Self::Offer(error) => error.position(text),
            Self::InvoiceRequest(error) => error.position(text),
            Self::Invoice(error) => error.position(text),
        }
    }

    /// The text around the characters to blame, with carets below them.
    pub fn snippet(&self, text: &str) -> Option<String> {
        self.position(text).map(|range| snippet(text, range))
    }
}

/// Reads a string, whatever its kind. Nothing may stand around it.
///
/// # Errors
/// What is wrong with it.
pub fn explain(text: &str) -> Result<Explanation, Refused> {
    let (kind, _) = string::decode(text).map_err(Refused::String)?;
    Ok(match kind {
        Kind::Offer => Explanation::Offer(text.parse().map_err(Refused::Offer)?),
        Kind::InvoiceRequest => {
            Explanation::InvoiceRequest(text.parse().map_err(Refused::InvoiceRequest)?)
        }
        Kind::Invoice => Explanation::Invoice(Box::new(text.parse().map_err(Refused::Invoice)?)),
    })
}

impl Explanation {
    fn kind(&self) -> Kind {
        match self {
            Self::Offer(_) => Kind::Offer,
            Self::InvoiceRequest(_) => Kind::InvoiceRequest,
            Self::Invoice(_) => Kind::Invoice,
        }
    }

    fn stream(&self) -> &[u8] {
        match self {
            Self::Offer(offer) => offer.as_bytes(),
            Self::InvoiceRequest(request) => request.as_bytes(),
            Self::Invoice(invoice) => invoice.as_bytes(),
        }
    }

    /// The Merkle root, in hex.
    fn root(&self) -> String {
        use bitcoin::hex::DisplayHex;
        merkle::root(self.stream()).unwrap_or_default().to_lower_hex_string()
    }
}

/// The fields under the names of the BOLT.
impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Explanation", 3)?;
        out.serialize_field("kind", &self.kind())?;
        out.serialize_field("merkle_root", &self.root())?;
        match self {
            Self::Offer(offer) => out.serialize_field("fields", offer.fields())?,
            Self::InvoiceRequest(request) => out.serialize_field("fields", request.fields())?,
            Self::Invoice(invoice) => out.serialize_field("fields", invoice.fields())?,
        }
        out.end()
    }
}
