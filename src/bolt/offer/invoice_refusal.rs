//! What an invoice is refused for. BOLT 12, "Invoices".

use thiserror::Error;

use super::error::{Blame, Blamed};
use crate::bolt::units::Msat;
use crate::bolt::wire::tlv::TlvError;

/// Which requirement an invoice breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Bolt12InvoiceError {
    /// It is no such stream.
    #[error(transparent)]
    Stream(#[from] TlvError),
    /// No `invoice_amount`.
    #[error("invoice_amount is missing")]
    NoAmount,
    /// No `invoice_created_at`.
    #[error("invoice_created_at is missing")]
    NoCreatedAt,
    /// No `invoice_payment_hash`.
    #[error("invoice_payment_hash is missing")]
    NoPaymentHash,
    /// No `invoice_node_id`.
    #[error("invoice_node_id is missing")]
    NoNodeId,
    /// No `invoice_paths`, or none in it.
    #[error("invoice_paths is missing, or lists no path")]
    NoPaths,
    /// A path that leads nowhere.
    #[error("path {0} of invoice_paths has no hops")]
    PathWithoutHops(usize),
    /// No `invoice_blindedpay`.
    #[error("invoice_blindedpay is missing")]
    NoPayinfo,
    /// Not one for each path.
    #[error("invoice_blindedpay has {payinfos} entries for {paths} paths")]
    PayinfoCount {
        /// How many there are.
        payinfos: usize,
        /// How many paths.
        paths: usize,
    },
    /// Every path demands a feature that is not known.
    #[error("every path demands an unknown feature")]
    NoUsablePath,
    /// An unknown feature that a payer must know.
    #[error("invoice_features has the unknown even bit {0}")]
    UnknownFeature(u32),
    /// Another amount than was asked for.
    #[error("invoice_amount is {amount} msat, and invreq_amount is {requested} msat")]
    OtherAmount {
        /// The invoice's.
        amount: Msat,
        /// The request's.
        requested: Msat,
    },
    /// Not by the issuer of the offer.
    #[error("invoice_node_id is not the offer's issuer, nor the end of the path it was asked over")]
    OtherNodeId,
    /// No `signature`.
    #[error("signature is missing")]
    NoSignature,
    /// The signature is not one by `invoice_node_id`.
    #[error("signature is not by invoice_node_id over this invoice")]
    InvalidSignature,
    /// The chain is not the reader's.
    #[error("invreq_chain (or bitcoin, if it is not set) is not supported")]
    UnsupportedChain,
    /// Its time is over.
    #[error("the invoice has expired: it ended at {expiry}, and it is {now}")]
    Expired {
        /// When it ended.
        expiry: u64,
        /// The time now.
        now: u64,
    },
    /// It repeats another request.
    #[error("its fields are not those of the invoice request")]
    OtherRequest,
    /// It came over another way than those that the request names.
    #[error("it did not arrive the way that the request names")]
    Arrival,
    /// A fallback that nobody could use.
    #[error("fallback address {0} is not a witness program")]
    Fallback(usize),
    /// What is to be paid is not known: the price is in another currency.
    #[error("the price is in another currency, and what an item costs now is not given")]
    NoPrice,
    /// Price times quantity is more than there can be.
    #[error("offer_amount times invreq_quantity is more than 2^64 - 1")]
    AmountOverflow,
}

impl Blamed for Bolt12InvoiceError {
    fn blame(&self) -> Blame {
        match self {
            Self::Stream(error) => error.blame(),
            Self::UnsupportedChain => Blame::Record(80),
            Self::PathWithoutHops(_) => Blame::Record(160),
            Self::PayinfoCount { .. } | Self::NoUsablePath => Blame::Record(162),
            Self::Expired { .. } => Blame::Record(164),
            Self::OtherAmount { .. } => Blame::Record(170),
            Self::Fallback(_) => Blame::Record(172),
            Self::UnknownFeature(_) => Blame::Record(174),
            Self::OtherNodeId => Blame::Record(176),
            Self::InvalidSignature => Blame::Record(240),
            Self::NoAmount
            | Self::NoCreatedAt
            | Self::NoPaymentHash
            | Self::NoNodeId
            | Self::NoPaths
            | Self::NoPayinfo
            | Self::NoSignature
            | Self::OtherRequest
            | Self::Arrival
            | Self::NoPrice
            | Self::AmountOverflow => Blame::Missing,
        }
    }
}
