//! Offers, the requests and invoices that follow them, and errors. BOLT 12.
//!
//! ```text
//! payer                          issuer
//!   |         Offer (text)          |
//!   |<------------------------------|
//!   |        InvoiceRequest         |   by onion messages
//!   |------------------------------>|
//!   | Bolt12Invoice or InvoiceError |
//!   |<------------------------------|
//! ```
//!
//! Each is a stream of records and keeps the bytes it came in, for its Merkle root is over those.
//! Requirements that a stream alone can break are checked when it is read or made; those that take
//! more (the time, one's chains, the offer or the request before) have functions of their own.

mod error;
mod fields;
mod invoice;
mod invoice_error;
mod invoice_refusal;
mod invoice_request;
pub mod merkle;
#[allow(clippy::module_inception, reason = "it is the BOLT's name for both")]
mod offer;
mod request_refusal;
pub mod signature;
pub mod string;
#[cfg(test)]
mod tests;

pub use error::{Blame, Blamed, ParseError};
pub use fields::{
    Bip353Name, BlindedPayinfo, FallbackAddress, InvoiceErrorFields, InvoiceFields,
    InvoiceRequestFields, OfferFields,
};
pub use invoice::{Bolt12Invoice, InvoiceTerms, Received};
pub use invoice_error::{InvoiceError, InvoiceErrorError};
pub use invoice_refusal::Bolt12InvoiceError;
pub use invoice_request::{Accepted, InvoiceRequest, RequestTerms};
pub use offer::{Arrival, Here, Offer, OfferAmount, OfferError, OfferId, Quantity};
pub use request_refusal::InvoiceRequestError;
pub use string::Kind;
