//! The names of the records, for messages that know their numbers only.

use crate::bolt::offer::{Bolt12InvoiceError, InvoiceRequestError, OfferError, ParseError};
use crate::bolt::wire::tlv::TlvError;

/// The records of all streams; their numbers do not collide.
const NAMES: [(u64, &str); 30] = [
    (0, "invreq_metadata"),
    (2, "offer_chains"),
    (4, "offer_metadata"),
    (6, "offer_currency"),
    (8, "offer_amount"),
    (10, "offer_description"),
    (12, "offer_features"),
    (14, "offer_absolute_expiry"),
    (16, "offer_paths"),
    (18, "offer_issuer"),
    (20, "offer_quantity_max"),
    (22, "offer_issuer_id"),
    (80, "invreq_chain"),
    (82, "invreq_amount"),
    (84, "invreq_features"),
    (86, "invreq_quantity"),
    (88, "invreq_payer_id"),
    (89, "invreq_payer_note"),
    (90, "invreq_paths"),
    (91, "invreq_bip_353_name"),
    (160, "invoice_paths"),
    (162, "invoice_blindedpay"),
    (164, "invoice_created_at"),
    (166, "invoice_relative_expiry"),
    (168, "invoice_payment_hash"),
    (170, "invoice_amount"),
    (172, "invoice_fallbacks"),
    (174, "invoice_features"),
    (176, "invoice_node_id"),
    (240, "signature"),
];

/// An error that may be about the bytes of a record.
pub(super) trait OfStream {
    fn stream(&self) -> Option<&TlvError>;
}

macro_rules! of_stream {
    ($($type:ident),*) => {$(
        impl OfStream for $type {
            fn stream(&self) -> Option<&TlvError> {
                if let Self::Stream(error) = self { Some(error) } else { None }
            }
        }
    )*};
}
of_stream!(OfferError, InvoiceRequestError, Bolt12InvoiceError);

/// `, which is offer_paths`, if the error is about the bytes of a known record.
pub(super) fn in_field<E: OfStream>(error: &ParseError<E>) -> String {
    let ParseError::Content(error) = error else { return String::new() };
    let number = error.stream().and_then(|error| error.record);
    let name = NAMES.iter().find(|(known, _)| Some(*known) == number);
    name.map_or(String::new(), |(_, name)| format!(", which is {name}"))
}
