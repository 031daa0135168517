//! What an invoice request is refused for. BOLT 12, "Requirements for Invoice Requests".

use thiserror::Error;

use super::error::{Blame, Blamed};
use super::offer::OfferError;
use crate::bolt::units::Msat;
use crate::bolt::wire::tlv::TlvError;

/// Which requirement a request breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvoiceRequestError {
    /// It is no such stream.
    #[error(transparent)]
    Stream(#[from] TlvError),
    /// A record that no request has.
    #[error("record {0} does not belong into an invoice request")]
    OutOfRange(u64),
    /// No `invreq_metadata`.
    #[error("invreq_metadata is missing")]
    NoMetadata,
    /// No `invreq_payer_id`.
    #[error("invreq_payer_id is missing")]
    NoPayerId,
    /// An unknown feature that whoever answers must know.
    #[error("invreq_features has the unknown even bit {0}")]
    UnknownFeature(u32),
    /// `invreq_paths` without a path.
    #[error("invreq_paths is there and lists no path")]
    NoPaths,
    /// A path that leads nowhere.
    #[error("path {0} of invreq_paths has no hops")]
    PathWithoutHops(usize),
    /// A name with other characters than it may have.
    #[error("invreq_bip_353_name has other bytes than letters, digits, -, _ and .")]
    InvalidName,
    /// The offer that it repeats is none.
    #[error("its offer: {0}")]
    Offer(OfferError),
    /// The offer takes a quantity, and it has none.
    #[error("invreq_quantity is missing, and the offer has offer_quantity_max")]
    QuantityMissing,
    /// The offer takes no quantity.
    #[error("invreq_quantity is set, and the offer has no offer_quantity_max")]
    QuantityUnexpected,
    /// None are asked for.
    #[error("invreq_quantity is zero")]
    QuantityZero,
    /// More than there are.
    #[error("invreq_quantity is {quantity}, more than the {most} of offer_quantity_max")]
    QuantityTooLarge {
        /// How many are asked for.
        quantity: u64,
        /// How many there are.
        most: u64,
    },
    /// Nothing says what to pay.
    #[error("invreq_amount is missing, and no offer_amount stands for it")]
    AmountMissing,
    /// Less than the price.
    #[error("invreq_amount is {amount} msat, less than the expected {expected} msat")]
    AmountTooLow {
        /// What is to be paid.
        amount: Msat,
        /// What the offer asks for.
        expected: Msat,
    },
    /// Price times quantity is more than there can be.
    #[error("offer_amount times invreq_quantity is more than 2^64 - 1")]
    AmountOverflow,
    /// A field of an offer in a request that answers none.
    #[error("record {0} does not belong into an invoice request without an offer")]
    WithoutOffer(u64),
    /// A request without an offer must say what it pays for.
    #[error("offer_description is missing, and the invoice request is not for an offer")]
    NoDescription,
    /// It is for an offer, and not signed.
    #[error("signature is missing")]
    NoSignature,
    /// The signature is not one by `invreq_payer_id`.
    #[error("signature is not by invreq_payer_id over this invoice request")]
    InvalidSignature,
    /// The chain is not the reader's, or not among the offer's.
    #[error("invreq_chain (or bitcoin, if it is not set) is not supported")]
    UnsupportedChain,
    /// It repeats another offer.
    #[error("its offer fields are not those of the offer")]
    OtherOffer,
    /// It did not come over one of the offer's paths, or came over one and there are none.
    #[error("it did not arrive the way that the offer names")]
    Arrival,
}

impl Blamed for InvoiceRequestError {
    fn blame(&self) -> Blame {
        match self {
            Self::Stream(error) => error.blame(),
            Self::Offer(error) => error.blame(),
            Self::OutOfRange(number) | Self::WithoutOffer(number) => Blame::Record(*number),
            Self::UnsupportedChain => Blame::Record(80),
            Self::AmountTooLow { .. } => Blame::Record(82),
            Self::UnknownFeature(_) => Blame::Record(84),
            Self::QuantityUnexpected
            | Self::QuantityZero
            | Self::QuantityTooLarge { .. }
            | Self::AmountOverflow => Blame::Record(86),
            Self::NoPaths | Self::PathWithoutHops(_) => Blame::Record(90),
            Self::InvalidName => Blame::Record(91),
            Self::InvalidSignature => Blame::Record(240),
            Self::NoMetadata
            | Self::NoPayerId
            | Self::QuantityMissing
            | Self::AmountMissing
            | Self::NoDescription
            | Self::NoSignature
            | Self::OtherOffer
            | Self::Arrival => Blame::Missing,
        }
    }
}
