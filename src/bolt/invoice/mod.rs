//! Invoices. BOLT 11.
//!
//! [`decode`] takes a string apart and holds it against the requirements for readers; an
//! [`InvoiceDraft`] writes one and signs it. [`decode_partly`] is for explanations: it also tells
//! what could be read before a mistake.
//!
//! An invoice without an `n` field names no payee: whoever reads it recovers the key from the
//! signature. A change of such an invoice is therefore not always refused. It can be the valid
//! invoice of another key, which nobody holds; what it says is bound to the payee, not to the
//! string. Only the checksum, which anybody can compute, stands against accidents.
//!
//! Where BOLT 11 contradicts itself: its requirements fail the payment if a `p`, `h`, `s` or `n`
//! has another length than its type's, and its examples have an invoice with such fields "which
//! must be ignored". They are passed over here, as the example says and as deployed readers do.

mod decode;
mod draft;
mod error;
mod fallback;
mod field;
mod network;
mod prefix;
mod requirements;
mod signature;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::ops::Range;

use bech32::Fe32;
use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use super::features::Features;
use super::units::Msat;
use super::wire::{Bytes, PaymentSecret};
pub use decode::{Partial, decode, decode_partly};
pub use draft::InvoiceDraft;
pub use error::{DraftError, InvoiceError};
pub use fallback::Fallback;
pub use field::{InvoiceField, RouteHop};
pub use network::InvoiceNetwork;
pub use text::{Correction, correction};

/// What an invoice without an `x` field can be paid for, in seconds.
pub const DEFAULT_EXPIRY: u64 = 3600;
/// How many blocks the last HTLC must have left if there is no `c` field.
pub const DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA: u64 = 18;

/// How many words the timestamp has, and the signature with its recovery id.
const TIMESTAMP_WORDS: usize = 7;
const SIGNATURE_WORDS: usize = 104;
/// What every data part has.
const LEAST_WORDS: usize = TIMESTAMP_WORDS + SIGNATURE_WORDS + text::CHECKSUM_WORDS;

/// A field and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedField {
    /// What it says.
    pub field: InvoiceField,
    /// Its characters in the string, type and length included.
    pub characters: Range<usize>,
}

/// An invoice that meets the requirements and whose signature is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    network: InvoiceNetwork,
    amount: Option<Msat>,
    timestamp: u64,
    fields: Vec<TaggedField>,
    payment_hash: sha256::Hash,
    payment_secret: PaymentSecret,
    payee: PublicKey,
    signature: [u8; 64],
    recovery_id: u8,
    prefix: String,
    words: Vec<Fe32>,
}

/// What the fields of a kind say, in their order: the one that the writer prefers comes first.
macro_rules! all {
    ($fields:expr, $kind:ident) => {
        $fields.iter().filter_map(|tagged| {
            if let InvoiceField::$kind(value) = &tagged.field { Some(value) } else { None }
        })
    };
}
use all;

impl Invoice {
    /// The chain on which it is paid.
    pub fn network(&self) -> InvoiceNetwork {
        self.network
    }

    /// The least amount; `None` if the payer chooses it.
    pub fn amount(&self) -> Option<Msat> {
        self.amount
    }

    /// When it was made, in seconds since 1970.
    pub fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// All fields in their order, those too that have no meaning here.
    pub fn fields(&self) -> &[TaggedField] {
        &self.fields
    }

    /// What the payment is locked to: the first `p`.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.payment_hash
    }

    /// What shows the payee that the payer knows the invoice: the first `s`.
    pub fn payment_secret(&self) -> PaymentSecret {
        self.payment_secret
    }

    /// What the payment is for; `None` if only its hash is there.
    pub fn description(&self) -> Option<&str> {
        all!(self.fields, Description).next().map(String::as_str)
    }

    /// The hash of a description that is elsewhere; `None` if the description itself is there.
    pub fn description_hash(&self) -> Option<sha256::Hash> {
        all!(self.fields, DescriptionHash).next().copied()
    }

    /// What the payer must hand to the payee.
    pub fn metadata(&self) -> Option<&Bytes> {
        all!(self.fields, Metadata).next()
    }

    /// For how many seconds from the timestamp on it can be paid.
    pub fn expiry(&self) -> u64 {
        all!(self.fields, Expiry).next().copied().unwrap_or(DEFAULT_EXPIRY)
    }

    /// Whether its time has passed at this one, in seconds since 1970.
    pub fn is_expired(&self, at: u64) -> bool {
        at > self.timestamp.saturating_add(self.expiry())
    }

    /// How many blocks the last HTLC must have left, at the least.
    pub fn min_final_cltv_expiry_delta(&self) -> u64 {
        let stated = all!(self.fields, MinFinalCltvExpiryDelta).next();
        stated.copied().unwrap_or(DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA)
    }

    /// Where to pay on chain if Lightning fails, the preferred address first.
    pub fn fallbacks(&self) -> impl Iterator<Item = &Fallback> {
        all!(self.fields, Fallback)
    }

    /// Ways from a public node to the payee, the preferred one first.
    pub fn routes(&self) -> impl Iterator<Item = &[RouteHop]> {
        all!(self.fields, Route).map(Vec::as_slice)
    }

    /// What the payer may or must know of; `None` if the invoice says nothing.
    pub fn features(&self) -> Option<&Features> {
        all!(self.fields, Features).next()
    }

    /// The node id of the payee: stated by `n`, or else recovered from the signature.
    pub fn payee(&self) -> PublicKey {
        self.payee
    }

    /// Whether an `n` field states the payee.
    pub fn states_payee(&self) -> bool {
        all!(self.fields, Payee).next().is_some()
    }

    /// R and S of the signature.
    pub fn signature(&self) -> [u8; 64] {
        self.signature
    }

    /// Which of the keys that fit the signature is the payee's.
    pub fn recovery_id(&self) -> u8 {
        self.recovery_id
    }

    /// The bytes whose SHA-256 is signed: the prefix, and the data with zeros up to a whole byte.
    pub fn signed_data(&self) -> Vec<u8> {
        let length = self.words.len().saturating_sub(SIGNATURE_WORDS);
        signature::signed_data(&self.prefix, self.words.get(..length).unwrap_or_default())
    }

    /// The string, as it came but in lower case.
    pub fn encode(&self) -> String {
        text::join(&self.prefix, &self.words)
    }

    /// What it says, to be signed again. The new string is the same if the same key signs and the
    /// writer kept to the shortest forms, to zeros as padding and to a low S.
    pub fn to_draft(&self) -> InvoiceDraft {
        InvoiceDraft {
            network: self.network,
            amount: self.amount,
            timestamp: self.timestamp,
            fields: self.fields.iter().map(|tagged| tagged.field.clone()).collect(),
        }
    }
}
